"""The case that started it: two equal learning rates at the end of Keras' TensorBoard curve."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

import lrmon
from lrmon import cli
from tests.fits.framework import unit_gradient_model

SAMPLES, BATCH = 193_608, 2_048


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trains as the user did, with a model of one weight."""
    folder = tmp_path_factory.mktemp("logs")
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 95, 0.95, staircase=True)
    model = unit_gradient_model(keras.optimizers.SGD(schedule))
    model.fit(
        np.ones((SAMPLES, 1), np.float32),
        np.zeros((SAMPLES, 1), np.float32),
        batch_size=BATCH,
        epochs=6,
        validation_split=0.2,
        verbose=0,
        callbacks=[
            lrmon.LRMonitor(folder / "mystery"),
            keras.callbacks.TensorBoard(folder / "keras", write_graph=False),
        ],
    )
    return folder


@pytest.fixture(scope="module")
def report(log_dir: Path) -> Any:
    return lrmon.report(lrmon.load(log_dir)["mystery"]).to_dict()


def test_the_command_tells_where_the_steps_lie_and_why_the_last_two_are_equal(
    log_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = cli.main(["report", str(log_dir), "--json"])
    reports = json.loads(capsys.readouterr().out)
    lr_changes = reports["mystery"]["lr"]["lr_changes"]
    findings = {finding["code"]: finding for finding in reports["mystery"]["findings"]}

    assert (0, ["mystery"]) == (status, list(reports))
    assert [95, 190, 285, 380] == [lr_change["step"] for lr_change in lr_changes]
    assert [19, 38, 57, 0] == [lr_change["offset"] for lr_change in lr_changes]
    assert {76} == {lr_change["steps_in_epoch"] for lr_change in lr_changes}
    assert ["staircase-off-epoch"] == list(findings)
    assert [4, 5] == findings["staircase-off-epoch"]["numbers"]["epochs"]
    assert 76 == findings["staircase-off-epoch"]["numbers"]["aligned_decay_steps"]


def test_what_the_report_says_of_keras_log_is_in_keras_log(log_dir: Path, report: Any) -> None:
    reader = EventAccumulator(str(log_dir / "keras" / "train"), size_guidance={"tensors": 0})
    reader.Reload()
    logged = [
        float(tensor_util.make_ndarray(event.tensor_proto)) for event in reader.Tensors("epoch_learning_rate")
    ]

    assert logged == np.array(report["epochs"]["next_learning_rate"], dtype=np.float32).tolist()
    assert logged[4] == logged[5]


def test_with_the_advice_the_mystery_is_gone(report: Any) -> None:
    aligned = report["lr"]["aligned"]["decay_steps"]
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, aligned, 0.95, staircase=True)
    made = lrmon.preview(schedule, steps_per_epoch=76, epochs=6)

    assert ["keras-log-next-epoch"] == [finding.code for finding in made.findings]
    assert report["lr"]["aligned"]["step"] == [
        lr_change["step"] for lr_change in made.to_dict()["lr"]["lr_changes"]
    ]


def test_trainings_and_range_tests_are_recorded_in_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    model = unit_gradient_model(keras.optimizers.SGD(0.1))
    x, y = np.ones((8, 1), np.float32), np.zeros((8, 1), np.float32)
    model.fit(x, y, batch_size=2, verbose=0, callbacks=[lrmon.LRMonitor("~/logs/fit")])
    lrmon.LRFinder(model, "~/logs/sweep").find(x, y, steps=5, batch_size=2, verbose=0)

    assert {"fit": "training", "sweep": "range_test"} == {
        name: run.kind for name, run in lrmon.load("~/logs").items()
    }
