"""What a folder's records make up, read through TensorBoard's own DataProvider."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard import errors
from tensorboard.compat.proto import tensor_pb2, types_pb2

import lrmon
from lrmon import schema
from tests.review.written import START, Logs, Record, block, epoch, fit, run_of, scalar, write

A, B, C = "20250101T000000.000000Z-1", "20250102T000000.000000Z-2", "20250103T000000.000000Z-3"


def steps(*ranges: tuple[int, int]) -> list[int]:
    return [step for first, last in ranges for step in range(first, last + 1)]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_what_the_recorder_wrote_is_what_is_read_bit_by_bit(tmp_path: Path, kind: Any) -> None:
    random = np.random.default_rng(5)
    lr = random.random(3000).astype(kind)
    loss = np.where(random.random(3000) < 0.01, np.nan, random.normal(size=3000)).astype(kind)
    times = START + np.cumsum(random.random(3000))
    with lrmon.Recorder(tmp_path / "run", run={"optimizer": {"class_name": "Adam"}}) as recorder:
        recorder.batches(learning_rate=lr, loss=loss, effective_learning_rate=lr / 3, wall_time=times)
        recorder.end_epoch({"loss": 0.1, "val_loss": math.inf})
    run = Logs(tmp_path).run()

    assert list(range(3000)) == run.step.tolist()
    for expected, actual in (
        (lr, run.learning_rate),
        (lr / 3, run.effective_learning_rate),
        (loss, run.loss),
    ):
        assert expected.tobytes() == actual.tobytes()
    np.testing.assert_allclose(times, run.time, atol=1e-4)
    assert {"loss": 0.1, "val_loss": math.inf} == run.epochs[0].metrics
    assert (True, "completed", "training", ()) == (run.complete, run.state, run.kind, run.notices)
    assert "Adam" == Logs(tmp_path).runs()["run"]["optimizer"]


def test_columns_are_read_only(tmp_path: Path) -> None:
    run = run_of(tmp_path, [block(A, 0, 3)])

    with pytest.raises(ValueError, match="read-only"):
        run.loss[0] = 1.0


def test_a_recording_goes_on_from_tag_to_tag_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    records = [block(A, 10 * number, 10, number=number) for number in range(12)]

    run = run_of(tmp_path, records[::-1])

    assert list(range(120)) == run.step.tolist()
    assert run.complete


def test_a_later_recording_replaces_the_steps_it_repeats_and_all_after_them(tmp_path: Path) -> None:
    again = np.full((5, 4), 7, dtype=np.float32)
    run = run_of(tmp_path, [fit(A, 0), block(A, 0, 30), fit(B, 10), block(B, 10, again)])

    assert steps((0, 14)) == run.step.tolist()
    assert [*map(float, range(10)), *[7.0] * 5] == run.loss.tolist()
    assert run.complete
    assert "from step 29 to step 10" in run.notices[0]


def test_epochs_and_fits_that_were_trained_again_are_the_later_ones(tmp_path: Path) -> None:
    records = [fit(A, 0), block(A, 0, 40), *(epoch(A, n, 10 * n, 10 * n + 9, loss=1.0) for n in range(4))]
    records += [fit(A, 20, fit=1), fit(B, 20), block(B, 20, 10), epoch(B, 2, 20, 29, loss=0.5)]
    run = run_of(tmp_path, records)

    assert [(0, 1.0), (1, 1.0), (2, 0.5)] == [(e.number, e.metrics["loss"]) for e in run.epochs]
    assert [(A, 0), (B, 20)] == [(f.recording, f.first_step) for f in run.fits]


def test_another_training_from_step_0_is_the_run_and_the_earlier_one_is_a_run_too(tmp_path: Path) -> None:
    records = [
        fit(A, 0),
        block(A, 0, 1230),
        epoch(A, 0, 0, 1229),
        fit(B, 0, start_time=START + 60),
        block(B, 0, 5),
    ]
    write(tmp_path / "run", records)
    logs = Logs(tmp_path)
    run = logs.run()

    assert steps((0, 4)) == run.step.tolist()
    assert () == run.epochs
    assert ["'run//earlier 0'" in notice for notice in run.notices] == [True]
    earlier = logs.run("run//earlier 0")
    assert steps((0, 1229)) == earlier.step.tolist()
    assert [1229] == [each.last_step for each in earlier.epochs]
    assert ["2023-11-14 22:13:20 UTC" in notice for notice in earlier.notices] == [True]


def test_a_training_without_a_batch_yet_hides_nothing(tmp_path: Path) -> None:
    ended = fit(A, 0, ended="completed", last_step=9)
    run = run_of(tmp_path, [ended, block(A, 0, 10), fit(B, 0)])

    assert (steps((0, 9)), "completed") == (run.step.tolist(), run.state)
    assert ["2023-11-14 22:13:20 UTC" in notice for notice in run.notices] == [True]


def test_a_run_without_any_batch_yet_is_there(tmp_path: Path) -> None:
    run = run_of(tmp_path, [fit(A, 0)])

    assert ([], "running", True) == (run.step.tolist(), run.state, run.complete)


def test_a_block_written_twice_counts_once_and_nothing_is_said_of_it(tmp_path: Path) -> None:
    twice = block(A, 10, 10, wall_time=START + 10)
    run = run_of(tmp_path, [fit(A, 0), block(A, 0, 10, wall_time=START + 5), twice, twice])

    assert (steps((0, 19)), ()) == (run.step.tolist(), run.notices)
    assert START + 10 == run.time[-1]


def test_a_block_written_again_with_more_rows_counts_once(tmp_path: Path) -> None:
    run = run_of(tmp_path, [fit(A, 0), block(A, 0, 4), block(A, 0, 9)])

    assert (steps((0, 8)), ()) == (run.step.tolist(), run.notices)


def test_of_two_fit_records_the_later_counts(tmp_path: Path) -> None:
    run = run_of(tmp_path, [fit(A, 0), block(A, 0, 5), fit(A, 0, ended="interrupted: KeyboardInterrupt")])

    assert (1, "interrupted") == (len(run.fits), run.state)


def test_the_time_of_each_row_leads_back_from_its_blocks_wall_time(tmp_path: Path) -> None:
    run = run_of(tmp_path, [block(A, 0, 4, wall_time=START + 100), block(A, 4, 2, wall_time=START + 200)])

    assert [98.5, 99.0, 99.5, 100.0, 199.5, 200.0] == (run.time - START).tolist()


def test_times_do_not_go_back_where_the_clock_did(tmp_path: Path) -> None:
    run = run_of(tmp_path, [block(A, 0, 2, wall_time=START + 100), block(A, 2, 2, wall_time=START + 50)])

    assert [99.5, 100.0, 100.0, 100.0] == (run.time - START).tolist()
    assert 1 == len(run.notices)


def test_rows_without_a_time_take_that_of_a_neighbour(tmp_path: Path) -> None:
    values = np.array(
        [[0.1, 0.1, 1.0, 1.0], [0.1, 0.1, 1.0, math.nan], [0.1, 0.1, 1.0, 1.0]], dtype=np.float32
    )
    run = run_of(tmp_path, [block(A, 0, values, wall_time=START + 3)])

    assert [2.0, 2.0, 3.0] == (run.time - START).tolist()
    assert 1 == len(run.notices)


def test_a_gap_inside_a_fit_is_missing(tmp_path: Path) -> None:
    run = run_of(tmp_path, [fit(A, 0), block(A, 0, 10), block(A, 20, 10)])

    assert (False, [[10, 19]]) == (run.complete, run.holes.tolist())
    assert ["10 steps" in notice for notice in run.notices] == [True]


OPTIMIZER = {"class_name": "Adam", "config": {}}


@pytest.mark.parametrize(
    ("next_fit", "hole"),
    [
        # A generator that raised: the failed batch is in the optimizer's counter and made no update.
        (
            fit(A, 41, fit=1, optimizer=OPTIMIZER), [40, 40],
        ),
        (
            fit(A, 43, fit=1, optimizer=OPTIMIZER), [40, 42],
        ),
        # Another process went on, without an optimizer that anybody knows.
        (
            fit(B, 500), [40, 499],
        ),
    ],
)  # fmt: skip
def test_steps_that_were_counted_and_not_recorded_are_a_hole_and_said(
    tmp_path: Path, next_fit: Record, hole: list[int]
) -> None:
    recording = next_fit.tag.removeprefix(schema.RUN_PREFIX)
    records = [
        fit(A, 0, ended="interrupted: ValueError", last_step=39),
        block(A, 0, 40),
        next_fit,
        block(recording, next_fit.step, 10),
    ]
    run = run_of(tmp_path, records)

    assert (False, [hole]) == (run.complete, run.holes.tolist())
    assert [str(hole[0]) in notice for notice in run.notices] == [True]


def test_a_hole_of_lost_rows_is_told_apart_from_steps_that_were_never_recorded(tmp_path: Path) -> None:
    records = [
        fit(A, 0, ended="interrupted: ValueError", last_step=39),
        block(A, 0, 30),
        fit(A, 41, fit=1, optimizer=OPTIMIZER, ended="completed", last_step=59),
        block(A, 41, 4),
        block(A, 50, 10),
    ]
    run = run_of(tmp_path, records)

    assert [[30, 39], [40, 40], [45, 49]] == run.holes.tolist()
    assert 2 == len(run.notices)
    assert ["15 steps" in run.notices[0], "step 40" in run.notices[1]] == [True, True]


def test_a_hole_after_a_fit_without_an_end_may_be_of_lost_steps(tmp_path: Path) -> None:
    run = run_of(tmp_path, [fit(A, 0), block(A, 0, 10), fit(B, 20, optimizer=OPTIMIZER), block(B, 20, 5)])

    assert [[10, 19]] == run.holes.tolist()
    assert ["10 to 19" in notice for notice in run.notices] == [True]


def test_a_fit_that_begins_where_the_one_before_ended_leaves_no_hole(tmp_path: Path) -> None:
    records = [
        fit(A, 0, ended="completed", last_step=9),
        block(A, 0, 10),
        fit(A, 10, fit=1, ended="stopped", last_step=None),
        fit(A, 10, fit=2, ended="completed", last_step=19),
        block(A, 10, 10),
    ]
    run = run_of(tmp_path, records)

    assert (True, ()) == (run.complete, run.notices)


@pytest.mark.parametrize(
    ("records", "holes"),
    [
        ([fit(A, 0), block(A, 5, 5)], [[0, 4]]),
        ([fit(A, 0, ended="stopped", last_step=19), block(A, 0, 10)], [[10, 19]]),
        (
            [fit(A, 0, ended="stopped", last_step=14), block(A, 0, 9), fit(B, 20), block(B, 20, 5)],
            [[9, 14], [15, 19]],
        ),
        (
            [fit(A, 0, ended="stopped", last_step=14), block(A, 0, 10), fit(B, 20), block(B, 22, 5)],
            [[10, 14], [15, 19], [20, 21]],
        ),
        ([fit(A, 0), block(A, 0, 10), fit(B, 20), block(B, 22, 5)], [[10, 19], [20, 21]]),
        ([fit(A, 0), block(A, 0, 10), fit(B, 5), block(B, 12, 5)], [[5, 11]]),
        ([block(A, 5, 5), block(A, 20, 5)], [[10, 19]]),
        ([fit(A, 0, ended="stopped", last_step=9), block(A, 0, 10), fit(A, 10, fit=1)], []),
        ([fit(A, 0), block(A, 0, 10), epoch(A, 0, 0, 9), epoch(A, 1, 10, 19)], [[10, 19]]),
        ([block(A, 0, 10), epoch(A, 0, 0, 14)], [[10, 14]]),
    ],
)  # fmt: skip
def test_what_is_missing_of_each_fit(tmp_path: Path, records: list[Record], holes: list[list[int]]) -> None:
    assert holes == run_of(tmp_path, records).holes.tolist()


def test_records_that_tensorboard_has_dropped_are_missed_with_the_flag_to_change(tmp_path: Path) -> None:
    run = run_of(tmp_path, [fit(A, 0), *(block(A, 10 * n, 10) for n in range(20))], samples=5)

    assert (50, False) == (run.step.size, run.complete)
    assert ["--samples_per_plugin" in notice for notice in run.notices] == [True]


def test_epochs_whose_records_are_missing_are_said(tmp_path: Path) -> None:
    records = [
        fit(A, 0),
        block(A, 0, 100),
        epoch(A, 0, 0, 9),
        epoch(A, 4, 40, 49),
        fit(A, 60, fit=1),
        epoch(A, 9, 60, 69),
    ]
    run = run_of(tmp_path, records)

    assert (True, 1) == (run.complete, len(run.notices))
    assert "3 epochs" in run.notices[0]


def test_numbers_that_a_loop_of_its_own_gives_to_epochs_are_not_missing_ones(tmp_path: Path) -> None:
    run = run_of(
        tmp_path, [fit(A, 0), block(A, 0, 30), epoch(A, 0, 0, 9), epoch(A, 10, 10, 19), epoch(A, 20, 20, 29)]
    )

    assert () == run.notices


def test_a_newer_format_is_said_and_the_rest_shown(tmp_path: Path) -> None:
    run = run_of(tmp_path, [fit(A, 0, format_version=2, more={"a": 1}), block(A, 0, 10)])

    assert 10 == run.step.size
    assert "format 2" in run.notices[0]


def text(tag: str, value: Any, step: int = 0) -> Record:
    return Record(tag + A, step, value)


BROKEN_TENSOR = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=b"123")

MALFORMED = {
    "batch record of three columns": block(A, 10, np.zeros((5, 3), dtype=np.float32)),
    "batch record of one dimension": Record(
        f"{schema.BATCHES_PREFIX}{A}/0", 10, np.zeros(4, dtype=np.float32)
    ),
    "batch record of integers": block(A, 10, np.zeros((5, 4), dtype=np.int32)),
    "batch record of text": Record(f"{schema.BATCHES_PREFIX}{A}/0", 10, "rows"),
    "batch record without rows": Record(
        f"{schema.BATCHES_PREFIX}{A}/0", 10, np.zeros((0, 4), dtype=np.float32)
    ),
    "more rows than steps": Record(f"{schema.BATCHES_PREFIX}{A}/1", 3, np.zeros((9, 4), dtype=np.float32)),
    "tag without a number": Record(f"{schema.BATCHES_PREFIX}{A}", 99, np.zeros((1, 4), dtype=np.float32)),
    "tensor that is none": Record(f"{schema.BATCHES_PREFIX}{A}/1", 10, BROKEN_TENSOR),
    "epoch that is no JSON": text(schema.EPOCHS_PREFIX, "{"),
    "epoch that is a list": text(schema.EPOCHS_PREFIX, "[1]"),
    "epoch that is a number": text(schema.EPOCHS_PREFIX, np.float32(3)),
    "epoch without steps": text(schema.EPOCHS_PREFIX, '{"epoch":0,"metrics":{}}'),
    "epoch with a boolean": text(
        schema.EPOCHS_PREFIX, '{"epoch":true,"first_step":0,"last_step":1,"metrics":{}}'
    ),
    "epoch that ends before it begins": epoch(A, 0, 50, 10),
    "epoch of text": text(
        schema.EPOCHS_PREFIX, '{"epoch":0,"first_step":0,"last_step":9,"metrics":{"loss":"low"}}'
    ),
    "epoch with a huge number": text(schema.EPOCHS_PREFIX, '{"epoch":0,"first_step":0,"last_step":1e400}'),
    "epoch with a metric too large": text(
        schema.EPOCHS_PREFIX, '{"epoch":0,"first_step":0,"last_step":9,"metrics":{"n":1' + "0" * 400 + "}}"
    ),
    "fit that is no UTF-8": text(schema.RUN_PREFIX, b"\xff\xfe{}"),
    "fit without a first step": text(schema.RUN_PREFIX, '{"fit":0}'),
    "fit with a negative step": text(schema.RUN_PREFIX, '{"fit":0,"first_step":-1}'),
    "fit nested too deep": text(schema.RUN_PREFIX, '{"first_step":0,"a":' + "[" * 900 + "]" * 900 + "}"),
    "JSON nested far too deep": text(schema.RUN_PREFIX, "[" * 100_000),
    "many strings": Record(schema.RUN_PREFIX + A, 0, np.array([b"{}", b"{}"])),
    "unknown kind of record": Record("lrmon/later/" + A, 10, "{}"),
}


@pytest.mark.parametrize("malformed", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_record_is_left_out_and_said(tmp_path: Path, malformed: Record) -> None:
    run = run_of(tmp_path, [block(A, 0, 10), malformed])

    assert (steps((0, 9)), ()) == (run.step.tolist(), run.epochs)
    assert [repr(malformed.tag) in notice for notice in run.notices] == [True]
    assert 10 == Logs(tmp_path).runs()["run"]["steps"]


@pytest.mark.parametrize(
    ("ended", "state"),
    [
        (None, "running"),
        ("completed", "completed"),
        ("stopped", "stopped"),
        ("interrupted: KeyboardInterrupt", "interrupted"),
        (5, "running"),
    ],
)
def test_the_state_is_how_the_last_fit_ended(tmp_path: Path, ended: Any, state: str) -> None:
    records = [fit(A, 0, ended="completed"), block(A, 0, 5), fit(A, 5, fit=1, ended=ended), block(A, 5, 5)]

    assert state == run_of(tmp_path, records).state


def test_a_range_test_is_known_as_one(tmp_path: Path) -> None:
    assert "range_test" == run_of(tmp_path, [fit(A, 0, kind="range_test"), block(A, 0, 5)]).kind


def test_odd_fields_of_a_fit_do_no_harm(tmp_path: Path) -> None:
    odd = fit(
        A, 0, optimizer="Adam", schedule={"class_name": 3}, kind="nap", ended="asleep", start_time="soon",
        steps_per_epoch=-4, initial_epoch=1e99, last_step="x", format_version="new",
    )  # fmt: skip
    run = run_of(tmp_path, [odd, block(A, 0, 10)])
    summary = Logs(tmp_path).runs()["run"]

    assert ("training", None, True) == (run.kind, run.state, run.complete)
    assert (None, None) == (summary["optimizer"], summary["schedule"])


def test_a_run_of_which_only_scalars_are_there_is_a_sample_and_says_so(tmp_path: Path) -> None:
    records = [scalar(schema.SCALAR_LEARNING_RATE, step, 0.1) for step in range(30)]
    records += [scalar(schema.SCALAR_LOSS, step, step) for step in range(0, 30, 2)]
    records += [scalar(f"{schema.SCALAR_EPOCH_PREFIX}val_loss", step, 0.5) for step in (9, 19, 29)]
    run = run_of(tmp_path, records)

    assert ("scalars", 30, True) == (run.provenance, run.step.size, run.complete)
    assert [(0, 0, 9), (1, 10, 19), (2, 20, 29)] == [
        (e.number, e.first_step, e.last_step) for e in run.epochs
    ]
    assert list(range(1, 30, 2)) == np.flatnonzero(run.absent["loss"]).tolist()
    assert run.absent["effective_learning_rate"].all()
    assert "learning_rate" not in run.absent
    assert 1 == len(run.notices)


def test_a_long_run_of_scalars_is_incomplete(tmp_path: Path) -> None:
    run = run_of(tmp_path, [scalar(schema.SCALAR_LEARNING_RATE, step, 0.1) for step in range(3000)])

    assert (1000, False) == (run.step.size, run.complete)


@pytest.mark.parametrize("records", [[], [scalar("epoch_loss", 0, 1.0)]])
def test_a_run_without_anything_of_lrmon_is_not_found(tmp_path: Path, records: list[Record]) -> None:
    write(tmp_path / "run", records)
    logs = Logs(tmp_path)

    assert {} == logs.runs()
    with pytest.raises(errors.NotFoundError, match="no run 'run' with a learning rate recorded by lrmon"):
        logs.run()


def test_the_iteration_of_a_step_is_that_of_its_fit(tmp_path: Path) -> None:
    records = [
        fit(A, 5, first_iteration=1005),
        block(A, 5, 5),
        fit(A, 10, fit=1, first_iteration=0),
        block(A, 10, 5),
    ]
    run = run_of(tmp_path, records)

    assert [0, 0, 0, 0, 0, 1, 1, 1, 1, 1] == run.fit_of(run.step).tolist()
    assert [1005, 0] == [of_fit.first_iteration for of_fit in run.fits]
