"""What a run's own ReduceLROnPlateau reduced, and what fell without it, in real fits."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lrmon
from lrmon.review.report.report import Report
from tests.fits.framework import MODES, batches, unit_gradient_model

ReduceLROnPlateau = keras.callbacks.ReduceLROnPlateau
LearningRateScheduler = keras.callbacks.LearningRateScheduler

STUCK = [1.0, 0.9, 0.8, *[0.8] * 27]
"""A val_loss on which Keras' default rule reduces after epochs 12 and 22."""


class Metric(keras.callbacks.Callback):
    """Puts given values into the logs of each epoch, as a validation would."""

    def __init__(self, values: Sequence[float]) -> None:
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["val_loss"] = self.values[epoch]


def fit(log_dir: Path, *callbacks: Any, values: Sequence[float] = STUCK, steps: int = 3) -> Report:
    """Returns the report of a training with these callbacks, in this order, behind the metric."""
    model = unit_gradient_model(keras.optimizers.SGD(0.1), **MODES["eager"])
    callbacks = (Metric(values), *callbacks, lrmon.LRMonitor(log_dir / "run"))
    model.fit(**batches(steps), epochs=len(values), callbacks=list(callbacks))
    return lrmon.report(lrmon.load(log_dir)["run"])


def kinds(report: Report) -> list[tuple[int, str]]:
    return [(reduction.index, reduction.kind) for reduction in report.plateaus.reductions]


def tutorial(epoch: int) -> float:
    """The schedule of many tutorials, with the parenthesis of floor() closed too early."""
    return 0.1 * math.pow(0.5, math.floor(1 + epoch) / 10)


def every_five(epoch: int, lr: float) -> float:
    return lr * 0.1 if epoch and epoch % 5 == 0 else lr


def at_the_rule(epoch: int, lr: float) -> float:
    """Drops to a tenth where Keras' default rule would have reduced: after epochs 12 and 22."""
    return lr * 0.1 if epoch in (13, 23) else lr


@pytest.mark.parametrize("schedule", [tutorial, every_five, at_the_rule])
def test_without_its_own_callback_a_run_reduced_nothing(tmp_path: Path, schedule: Any) -> None:
    report = fit(tmp_path, LearningRateScheduler(schedule))
    text = report.to_text(width=400)

    assert [(12, "would"), (22, "would")] == kinds(report)
    assert "would have reduced the LR after epoch 12 (step 38), from" in text
    assert "ReduceLROnPlateau reduced" not in text
    assert ["would"] * 2 == [reduction["kind"] for reduction in report.to_dict()["plateaus"]["reductions"]]


def test_what_the_record_did_at_a_place_of_the_rule_stands_beside_it(tmp_path: Path) -> None:
    first, _ = fit(tmp_path, LearningRateScheduler(tutorial)).to_dict()["plateaus"]["reductions"]

    assert pytest.approx([tutorial(12), tutorial(13)]) == [first["did_from"], first["did_to"]]


def test_its_own_callback_reduced_where_the_record_shows_it(tmp_path: Path) -> None:
    report = fit(tmp_path, ReduceLROnPlateau())

    assert [(12, "both"), (22, "both")] == kinds(report)
    assert "The run's own ReduceLROnPlateau reduced the LR after epoch 12 (step 38), from 0.1 to 0.01;" in (
        report.to_text(width=400)
    )
    assert None is report.plateaus.diverges


def test_a_schedule_beside_its_own_callback_is_told_from_it(tmp_path: Path) -> None:
    """Epoch 5 drops by the scheduler alone, epoch 12 by the callback, epoch 22 is overwritten."""

    def schedule(epoch: int, lr: float) -> float:
        return {5: lr * 0.1, 23: 0.05}.get(epoch, lr)

    report = fit(tmp_path, ReduceLROnPlateau(), LearningRateScheduler(schedule))

    assert [(12, "both"), (22, "would")] == kinds(report)
    assert {12} == set(report.analysis.own_reductions)


def test_a_schedule_that_drops_by_the_same_factor_elsewhere_is_no_reduction(tmp_path: Path) -> None:
    report = fit(tmp_path, ReduceLROnPlateau(), LearningRateScheduler(every_five), values=STUCK[:12])

    assert {0.1, 0.01, 0.001} == {round(float(lr), 6) for lr in report.run.learning_rate}
    assert [] == kinds(report)


def test_a_schedule_that_overwrites_every_reduction_leaves_none(tmp_path: Path) -> None:
    """The callback assigns, and the scheduler assigns its own value before the next batch."""
    for name, scheduler in {
        "before": [LearningRateScheduler(tutorial), ReduceLROnPlateau()],
        "after": [ReduceLROnPlateau(), LearningRateScheduler(tutorial)],
    }.items():
        report = fit(tmp_path / name, *scheduler)
        assert [(12, "would"), (22, "would")] == kinds(report)
        assert {} == report.analysis.own_reductions


@pytest.mark.long
def test_a_schedule_that_keeps_what_it_finds_lets_every_reduction_stand(tmp_path: Path) -> None:
    for name, callbacks in {
        "before": [LearningRateScheduler(lambda _, lr: lr), ReduceLROnPlateau()],
        "after": [ReduceLROnPlateau(), LearningRateScheduler(lambda _, lr: lr)],
    }.items():
        assert [(12, "both"), (22, "both")] == kinds(fit(tmp_path / name, *callbacks))


@pytest.mark.long
def test_at_min_lr_the_last_reduction_is_the_one_that_reaches_it(tmp_path: Path) -> None:
    report = fit(tmp_path, ReduceLROnPlateau(patience=4, factor=0.1, min_lr=0.004), values=STUCK[:20])
    (first, second) = report.plateaus.reductions

    assert [(6, "both"), (10, "both")] == kinds(report)
    assert np.array([0.1, 0.01, 0.01, 0.004], np.float32).tolist() == [
        first.did_from, first.did_to, second.did_from, second.did_to,
    ]  # fmt: skip
    # At the floor a schedule of one's own goes on; that is no reduction.
    beyond = fit(
        tmp_path / "beyond",
        ReduceLROnPlateau(patience=4, factor=0.1, min_lr=0.004),
        LearningRateScheduler(lambda epoch, lr: lr * 0.1 if epoch == 15 else lr),
        values=STUCK[:20],
    )
    assert {6, 10} == set(beyond.analysis.own_reductions)


@pytest.mark.long
def test_a_cooldown_delays_the_next_reduction(tmp_path: Path) -> None:
    plateau = ReduceLROnPlateau(patience=3, factor=0.5, cooldown=4)
    report = fit(tmp_path, plateau, values=STUCK[:20])

    assert [(5, "both"), (11, "both"), (17, "both")] == kinds(report)
    # A drop by the rule's factor within the cooldown is not the rule's.
    other = fit(
        tmp_path / "other",
        ReduceLROnPlateau(patience=3, factor=0.5, cooldown=4),
        LearningRateScheduler(lambda epoch, lr: lr * 0.5 if epoch == 8 else lr),
        values=STUCK[:14],
    )
    assert {5, 11} == set(other.analysis.own_reductions)
    assert {0.1, 0.05, 0.025, 0.0125} == {round(float(lr), 6) for lr in other.run.learning_rate}


def test_what_its_own_did_stays_told_under_another_rule(tmp_path: Path) -> None:
    fit(tmp_path, ReduceLROnPlateau())
    run = lrmon.load(tmp_path)["run"]
    later = lrmon.report(run, lrmon.PlateauRule("val_loss", factor=0.5, patience=15))
    first = later.to_dict()["plateaus"]["reductions"][0]

    assert [(12, "did"), (17, "would"), (22, "did")] == kinds(later)
    assert [12, 38, 0.1, 0.01] == [first[name] for name in ("epoch", "step", "did_from", "did_to")]
    same_place = lrmon.report(run, lrmon.PlateauRule("val_loss", factor=0.5, patience=10))
    assert [(12, "both"), (22, "both")] == kinds(same_place)
    first = same_place.to_dict()["plateaus"]["reductions"][0]
    assert [0.1, 0.05, 0.1, 0.01] == [first[name] for name in ("lr_from", "lr_to", "did_from", "did_to")]


def test_a_callback_of_the_second_fit_has_not_reduced_in_the_first(tmp_path: Path) -> None:
    model = unit_gradient_model(keras.optimizers.SGD(0.1), **MODES["eager"])
    monitor = lrmon.LRMonitor(tmp_path / "run")
    values = STUCK[:15]
    drop = LearningRateScheduler(lambda epoch, lr: lr * 0.1 if epoch == 13 else lr)
    model.fit(**batches(3), epochs=15, callbacks=[Metric(values), drop, monitor])
    model.fit(**batches(3), epochs=15, callbacks=[Metric(values), ReduceLROnPlateau(), monitor])
    report = lrmon.report(lrmon.load(tmp_path)["run"])

    assert [(12, "would"), (27, "both")] == kinds(report)
