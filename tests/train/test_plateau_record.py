"""The settings of a ReduceLROnPlateau in the run's record, and real fits held against the replay of them."""

from __future__ import annotations

import os

from tests.train.wordings import refused

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lrmon
from tests.analysis.real_plateau import version_of
from tests.fits.framework import batches, unit_gradient_model
from tests.recorded import recorded


class Metric(keras.callbacks.Callback):
    """Puts given values into the logs of each epoch, as a validation would."""

    def __init__(self, name: str, values: list[float]) -> None:
        super().__init__()
        self.name, self.values = name, values

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs[self.name] = self.values[epoch]


VALUES = [1.0, 0.8, 0.8, 0.8, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7]


def fit(log_dir: Path, plateau: Any, *callbacks: Any, values: list[float] = VALUES) -> Any:
    model = unit_gradient_model(keras.optimizers.SGD(0.1))
    monitor = lrmon.LRMonitor(log_dir, plateau=plateau)
    return model.fit(
        **batches(3), epochs=len(values), callbacks=[Metric("val_loss", values), *callbacks, monitor]
    )


def test_the_callback_of_the_fit_is_recorded_and_replayed(tmp_path: Path) -> None:
    plateau = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=2, mode="min", cooldown=1)
    history = fit(tmp_path / "run", plateau, plateau).history["learning_rate"]
    report = lrmon.report(lrmon.load(tmp_path)["run"]).to_dict()

    assert {
        "monitor": "val_loss", "factor": 0.5, "patience": 2, "mode": "min", "min_delta": 1e-4, "cooldown": 1,
        "min_lr": 0, "applied": True,
    } == recorded(tmp_path / "run").fits[-1]["plateau"]  # fmt: skip
    assert "run" == report["plateaus"]["defaults_from"]
    assert version_of(keras) == report["plateaus"]["rule"]["version"]
    assert [float(np.float32(lr)) for lr in history] == pytest.approx(report["plateaus"]["lr"])
    reductions = [epoch for epoch in range(len(VALUES) - 1) if history[epoch + 1] < history[epoch]]
    assert reductions
    assert [(epoch, "both") for epoch in reductions] == [
        (reduction["epoch"], reduction["kind"])
        for reduction in report["plateaus"]["reductions"][: len(reductions)]
    ]
    assert None is report["plateaus"]["diverges_at"]


def test_a_rule_alone_is_recorded_as_not_at_work(tmp_path: Path) -> None:
    rule = lrmon.PlateauRule("val_loss", factor=0.5, patience=3, version="keras-3.0")
    fit(tmp_path / "run", rule)
    plateaus = lrmon.report(lrmon.load(tmp_path)["run"]).plateaus

    assert not recorded(tmp_path / "run").fits[-1]["plateau"]["applied"]
    assert rule == plateaus.rule
    assert {"would"} == {reduction.kind for reduction in plateaus.reductions}


def test_a_callback_that_is_not_in_the_list_is_not_at_work(tmp_path: Path) -> None:
    fit(tmp_path / "run", keras.callbacks.ReduceLROnPlateau(patience=2))

    assert not recorded(tmp_path / "run").fits[-1]["plateau"]["applied"]


def test_without_a_plateau_none_is_recorded(tmp_path: Path) -> None:
    fit(tmp_path / "run", None, values=[1.0])

    assert None is recorded(tmp_path / "run").fits[-1]["plateau"]


@pytest.mark.parametrize("plateau", [5, "val_loss", keras.callbacks.EarlyStopping()])
def test_what_is_no_plateau_is_refused(tmp_path: Path, plateau: Any) -> None:
    got = f"{type(plateau).__module__}.{type(plateau).__name__}"
    with refused(TypeError, "LRMonitor, no plateau", got=got):
        lrmon.LRMonitor(tmp_path, plateau=plateau)


def test_a_wrong_direction_is_found_in_a_real_fit(tmp_path: Path) -> None:
    plateau = keras.callbacks.ReduceLROnPlateau("val_accuracy", factor=0.5, patience=2, mode="min")
    model = unit_gradient_model(keras.optimizers.SGD(0.1))
    rising = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
    model.fit(
        **batches(3),
        epochs=6,
        callbacks=[
            Metric("val_accuracy", rising),
            plateau,
            lrmon.LRMonitor(tmp_path / "run", plateau=plateau),
        ],
    )
    findings = lrmon.report(lrmon.load(tmp_path)["run"]).findings

    # The first one is a preflight warning: mode "min" for an accuracy.
    assert ["recorded-warning", "reduced-while-improving"] == [finding.code for finding in findings]


def test_a_plateau_in_the_list_is_the_runs_own_without_being_handed_over(tmp_path: Path) -> None:
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=3, min_delta=0.25)
    model = unit_gradient_model(keras.optimizers.SGD(0.1))
    model.fit(**batches(3), epochs=2, callbacks=[lrmon.LRMonitor(tmp_path), plateau])
    settings = recorded(tmp_path).fits[-1]["plateau"]
    assert (True, "loss", 0.5, 3, 0.25) == tuple(
        settings[name] for name in ("applied", "monitor", "factor", "patience", "min_delta")
    )


def test_a_misplaced_parenthesis_is_found_in_a_real_fit(tmp_path: Path) -> None:
    def misplaced(epoch: int) -> float:
        return 0.1 * math.pow(0.5, math.floor(1 + epoch) / 10)

    model = unit_gradient_model(keras.optimizers.SGD(0.1))
    model.fit(
        **batches(5),
        epochs=12,
        callbacks=[lrmon.LRMonitor(tmp_path / "run"), keras.callbacks.LearningRateScheduler(misplaced)],
    )
    (finding,) = lrmon.report(lrmon.load(tmp_path)["run"]).findings

    assert ("staircase-every-epoch", 10) == (finding.code, finding.numbers["epochs_drop"])
