"""The answer of the route series."""

from __future__ import annotations

import copy
import json
import math
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrmon import schema
from lrmon.analysis.loss.smoothing import smooth
from lrmon.review.run.run import Run
from lrmon.review.run.series import View, series_json, smoothed_loss
from tests.review.written import START, block, epoch, fit, run_of, scalar

A = "20250101T000000.000000Z-1"
ROWS = 5_000


def curves(rows: int = ROWS) -> np.ndarray:
    random = np.random.default_rng(11)
    step = np.arange(rows)
    lr = 0.1 * 0.5 ** (step // 1_700)
    return np.column_stack((lr, lr / 2, 2 + random.normal(size=rows), np.full(rows, 0.5))).astype(np.float32)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    values = curves()
    records = [fit(A, 0, steps_per_epoch=1_000)]
    records += [block(A, first, values[first : first + 1000]) for first in range(0, ROWS, 1000)]
    records += [
        epoch(A, number, 1000 * number, 1000 * number + 999, loss=1.0 / (number + 1)) for number in range(4)
    ]
    return run_of(tmp_path_factory.mktemp("logs"), records)


def series(run: Run, **view: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(series_json(run, View(**view)))
    return answer


def test_a_narrow_range_has_every_step_and_one_on_either_side(run: Run) -> None:
    answer = series(run, start=1000, end=1009, width=100)
    columns = answer["columns"]

    assert list(range(999, 1011)) == columns["step"] == columns["iteration"]
    assert (10, 12, True, True) == tuple(
        answer[name] for name in ("steps", "points", "every_step", "complete")
    )
    for index, name in enumerate(("learning_rate", "effective_learning_rate", "loss")):
        assert curves()[999:1011, index].tobytes() == np.array(columns[name], dtype=np.float32).tobytes()
    assert [START + step / 2 for step in range(999, 1011)] == columns["time"]
    assert [step / 1000 for step in range(999, 1011)] == columns["epoch"]


def test_the_whole_run_is_thinned_and_keeps_its_edges(run: Run) -> None:
    answer = series(run, width=50)
    kept = set(answer["columns"]["step"])

    assert (ROWS, False, True) == (answer["steps"], answer["every_step"], answer["complete"])
    assert {0, 1699, 1700, 3399, 3400, ROWS - 1} <= kept
    assert {int(curves()[:, 2].argmax()), int(curves()[:, 2].argmin())} <= kept
    assert len(kept) < 50 * 8
    assert all(len(column) == answer["points"] for column in answer["columns"].values())


def test_a_range_beyond_the_run_ends_has_no_step_and_the_nearest_one(run: Run) -> None:
    assert [ROWS - 1] == series(run, start=ROWS + 5)["columns"]["step"]
    assert [0] == series(run, end=-5)["columns"]["step"]
    assert 0 == series(run, start=ROWS + 5)["steps"]


def test_a_range_between_two_steps_has_both_neighbours(run: Run) -> None:
    answer = series(run, start=10.2, end=10.8)

    assert (0, [10, 11]) == (answer["steps"], answer["columns"]["step"])


def test_the_range_can_be_one_of_epochs_or_of_times(run: Run) -> None:
    by_epoch = series(run, x="epoch", start=1.25, end=1.5)
    by_time = series(run, x="time", start=START + 625.0, end=START + 750.0)

    assert list(range(1249, 1502)) == by_epoch["columns"]["step"] == by_time["columns"]["step"]
    assert {"step": [0, 4999], "epoch": [0.0, 4.999], "time": [START, START + 2499.5]} == by_epoch["extent"]


def test_the_smoothed_loss_is_computed_over_the_whole_run(run: Run) -> None:
    columns = series(run, start=3000, end=3050, smoothing=0.9)["columns"]

    expected = smooth(curves()[:, 2], weight=0.9)[2999:3052].astype(np.float32)
    assert expected.tobytes() == np.array(columns["loss_smoothed"], dtype=np.float32).tobytes()


def test_the_learning_rate_is_never_smoothed(run: Run) -> None:
    assert series(run, smoothing=0.0)["columns"]["learning_rate"][-1] == pytest.approx(0.025)
    assert series(run, smoothing=0.99)["columns"]["learning_rate"][-1] == pytest.approx(0.025)


def test_the_epochs_are_all_there_whatever_the_range(run: Run) -> None:
    assert {
        "epoch": [0, 1, 2, 3],
        "position": [0.0, 1.0, 2.0, 3.0],
        "first_step": [0, 1000, 2000, 3000],
        "last_step": [999, 1999, 2999, 3999],
        "time": [START + 999, START + 1999, START + 2999, START + 3999],
        "metrics": {"loss": [1.0, 0.5, 1 / 3, 0.25]},
    } == series(run, start=5, end=6)["epochs"]


def test_a_metric_that_an_epoch_has_not_got_is_null_and_nan_is_nan(tmp_path: Path) -> None:
    run = run_of(
        tmp_path, [block(A, 0, 4), epoch(A, 0, 0, 1, loss=math.nan), epoch(A, 1, 2, 3, val_loss=0.5)]
    )

    assert {"loss": ["NaN", None], "val_loss": [None, 0.5]} == series(run)["epochs"]["metrics"]


def test_what_is_recorded_of_a_fit_is_passed_on(tmp_path: Path) -> None:
    run = run_of(
        tmp_path, [fit(A, 0, optimizer={"class_name": "Adam", "config": {"epsilon": 1e-7}}), block(A, 0, 4)]
    )
    about = series(run)["about"]

    assert ("lrmon", "running") == (about["provenance"], about["state"])
    assert {"class_name": "Adam", "config": {"epsilon": 1e-7}} == about["fits"][0]["optimizer"]
    assert A == about["fits"][0]["recording"]


@pytest.mark.parametrize(
    ("view", "complete"),
    [
        ({}, False),
        ({"start": 0, "end": 9}, True),
        ({"start": 0, "end": 10}, False),
        ({"start": 12, "end": 13}, False),
        ({"start": 20}, True),
        ({"x": "time", "start": START, "end": START + 4}, True),
        ({"x": "time", "start": START, "end": START + 12}, False),
        ({"x": "time", "start": START + 10.5}, True),
    ],
)  # fmt: skip
def test_a_range_is_complete_where_no_step_of_it_is_missing(
    tmp_path: Path, view: dict[str, Any], complete: bool
) -> None:
    run = run_of(tmp_path, [fit(A, 0), block(A, 0, 10), block(A, 20, 10)])

    assert complete == series(run, **view)["complete"]


def test_a_run_without_epochs_has_no_place_on_their_axis(tmp_path: Path) -> None:
    run = run_of(tmp_path, [fit(A, 0), block(A, 0, 10)])
    answer = series(run, x="epoch", start=0, end=5)

    assert ([], 0, None) == (answer["columns"]["step"], answer["steps"], answer["extent"]["epoch"])
    assert 1 == len(answer["notices"])
    assert [None] * 10 == series(run)["columns"]["epoch"]


def test_a_run_without_a_batch_has_an_empty_answer(tmp_path: Path) -> None:
    answer = series(run_of(tmp_path, [fit(A, 0), epoch(A, 0, 0, -1, loss=2.0)]))

    assert (0, 0, True) == (answer["steps"], answer["points"], answer["every_step"])
    assert {"step": None, "epoch": None, "time": None} == answer["extent"]
    assert [2.0] == answer["epochs"]["metrics"]["loss"]


def test_what_a_sampled_run_has_no_value_for_is_null(tmp_path: Path) -> None:
    records = [scalar(schema.SCALAR_LEARNING_RATE, step, 0.1) for step in range(4)]
    run = run_of(
        tmp_path, [*records, scalar(schema.SCALAR_LOSS, 1, math.nan), scalar(schema.SCALAR_LOSS, 3, 2.0)]
    )
    columns = series(run)["columns"]

    assert [None, "NaN", None, 2.0] == columns["loss"] == columns["loss_smoothed"]
    assert [None] * 4 == columns["effective_learning_rate"] == columns["iteration"]
    assert [0.1] * 4 == columns["learning_rate"]


def test_what_is_computed_of_a_run_is_computed_once_and_the_latest_is_kept(tmp_path: Path) -> None:
    run = run_of(tmp_path, [block(A, 0, 10), block(A, 10, 10)])
    first = smoothed_loss(run, 0.5)

    assert smoothed_loss(run, 0.5) is first
    for weight in (0.1, 0.2, 0.3, 0.4, 0.6, 0.7):
        smoothed_loss(run, weight)
    assert smoothed_loss(run, 0.5) is not first


def test_a_copy_of_a_run_computes_for_itself(tmp_path: Path) -> None:
    run = run_of(tmp_path, [block(A, 0, 10)])
    first = smoothed_loss(run, 0.5)

    for copied in (copy.deepcopy(run), pickle.loads(pickle.dumps(run)), replace(run, loss=run.loss[::-1])):
        assert smoothed_loss(copied, 0.5) is not first
    assert [9.0, 0.0] == replace(run, loss=run.loss[::-1]).loss[[0, -1]].tolist()
