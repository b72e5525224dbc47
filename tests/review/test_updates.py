"""Several optimizers, skipped steps and samples of updates, from the records to the answer of `series`."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lrmon
from lrmon import schema
from lrmon.review.reading.recordings import decode
from lrmon.review.run.export import export
from lrmon.review.run.optimizers import updates_words
from lrmon.review.run.run import Run
from lrmon.review.run.series import View, series_json
from tests.review.written import Logs, Record, block, epoch, fit, lrs, run_of, sample, skipped

A, B = "20250101T000000.000000Z-1", "20250102T000000.000000Z-2"
TWO = {"optimizers": [{"name": "body"}, {"name": "head"}]}


def series(run: Run, **view: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(series_json(run, View(**view)))
    return answer


def of_two(first_step: int, rows: int) -> np.ndarray:
    steps = np.arange(first_step, first_step + rows)
    return np.column_stack((steps / 1000, steps / 10)).astype(np.float32)


def test_a_run_of_one_optimizer_has_none_of_it(tmp_path: Path) -> None:
    answer = series(run_of(tmp_path, [fit(A, 0), block(A, 0, 10)]))

    assert ({}, {"step": [], "total": 0}, None) == tuple(
        answer[name] for name in ("learning_rates", "skipped", "samples")
    )


def test_each_optimizer_has_its_learning_rate_at_each_row(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        [
            fit(A, 0, **TWO),
            block(A, 0, 10),
            lrs(A, 0, of_two(0, 10)),
            block(A, 10, 5),
            lrs(A, 10, of_two(10, 5)),
        ],
    )
    answer = series(run, start=8, end=11, width=10)

    assert ["body", "head"] == list(run.learning_rates)
    assert of_two(0, 15).tobytes() == np.column_stack(list(run.learning_rates.values())).tobytes()
    assert [7, 8, 9, 10, 11, 12] == answer["columns"]["step"]
    assert {
        "body": [0.007, 0.008, 0.009, 0.01, 0.011, 0.012],
        "head": [0.7, 0.8, 0.9, 1.0, 1.1, 1.2],
    } == answer["learning_rates"]
    assert () == run.notices


def test_rows_whose_rates_are_missing_are_null(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        [fit(A, 0, **TWO), block(A, 0, 2), block(A, 2, 2), lrs(A, 2, of_two(2, 2)), block(A, 4, 1)],
    )

    assert {"body": [None, None, 0.002, 0.003, None], "head": [None, None, 0.2, 0.3, None]} == series(run)[
        "learning_rates"
    ]


def test_a_second_fit_may_have_other_optimizers(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        [
            fit(A, 0, **TWO),
            block(A, 0, 2),
            lrs(A, 0, of_two(0, 2)),
            fit(A, 2, fit=1, optimizers=[{"name": "head"}, {"name": "tail"}, {"name": "body"}]),
            block(A, 2, 1),
            lrs(A, 2, np.array([[5, 6, 7]], dtype=np.float32)),
        ],
    )

    assert {"body": [0.0, 0.001, 7.0], "head": [0.0, 0.1, 5.0], "tail": [None, None, 6.0]} == series(run)[
        "learning_rates"
    ]


@pytest.mark.parametrize(
    "optimizers",
    [None, 5, [], [{"name": "one"}], [{"name": "a"}, {"name": "a"}], [{"name": 1}, 2], ["a", "b"]],
)
def test_rates_without_names_are_said_to_be_left_out(tmp_path: Path, optimizers: Any) -> None:
    run = run_of(tmp_path, [fit(A, 0, optimizers=optimizers), block(A, 0, 4), lrs(A, 0, of_two(0, 4))])

    assert {} == run.learning_rates
    assert any("without their names" in notice for notice in run.notices)
    assert 4 == run.step.size


def test_edges_of_every_optimizer_survive_thinning(tmp_path: Path) -> None:
    size = 5_000
    values = np.full((size, 2), 0.1, dtype=np.float32)
    values[1234:, 1] = 0.05
    records: list[Record] = [fit(A, 0, **TWO)]
    for first in range(0, size, 1000):
        records += [block(A, first, 1000), lrs(A, first, values[first : first + 1000])]
    answer = series(run_of(tmp_path, records), width=20)

    assert not answer["every_step"]
    assert {1233, 1234} <= set(answer["columns"]["step"])


def test_a_training_that_went_back_has_the_later_lineage(tmp_path: Path) -> None:
    records = [
        fit(A, 0, **TWO), block(A, 0, 10), lrs(A, 0, of_two(0, 10)), skipped(A, 3, 7), skipped(A, 9),
        sample(A, 0), sample(A, 5), sample(A, 9),
        fit(B, 6, **TWO), block(B, 6, 2), lrs(B, 6, 2 * of_two(6, 2)), skipped(B, 6), sample(B, 7),
    ]  # fmt: skip
    run = run_of(tmp_path, records)

    assert [*range(8)] == run.step.tolist()
    assert [3, 6] == run.skipped.tolist()
    assert [0, 5, 7] == [each.step for each in run.samples]
    assert [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 1.2, 1.4] == pytest.approx(run.learning_rates["head"].tolist())


def test_another_training_in_the_folder_replaces_all_of_it(tmp_path: Path) -> None:
    run = run_of(
        tmp_path, [fit(A, 0), block(A, 0, 10), skipped(A, 3), sample(A, 5), fit(B, 0), block(B, 0, 20)]
    )

    assert ([], ()) == (run.skipped.tolist(), run.samples)


def test_steps_that_are_not_there_are_not_skipped(tmp_path: Path) -> None:
    run = run_of(tmp_path, [fit(A, 0), block(A, 0, 10), skipped(A, 3, 3, 50), sample(A, 60)])

    assert ([3], ()) == (run.skipped.tolist(), run.samples)


def test_skipped_steps_are_those_of_the_range_with_their_number(tmp_path: Path) -> None:
    run = run_of(tmp_path, [fit(A, 0), block(A, 0, 100), skipped(A, 5, 10), skipped(A, 20, 99)])

    assert {"step": [5, 10, 20, 99], "total": 4} == series(run)["skipped"]
    assert {"step": [10, 20], "total": 2} == series(run, start=10, end=20)["skipped"]
    assert {"step": [], "total": 0} == series(run, start=30, end=40)["skipped"]
    assert {"step": [], "total": 0} == series(run, start=300, end=400)["skipped"]


def test_of_very_many_skipped_steps_the_first_are_listed(tmp_path: Path) -> None:
    run = run_of(tmp_path, [fit(A, 0), block(A, 0, 6000), skipped(A, *range(6000))])
    answer = series(run, width=10)["skipped"]

    assert (5000, 0, 4999, 6000) == (
        len(answer["step"]),
        answer["step"][0],
        answer["step"][-1],
        answer["total"],
    )


def test_samples_are_those_of_the_range_and_one_on_either_side(tmp_path: Path) -> None:
    samples = [sample(A, step, step_size=[step * q for q in (1, 2, 3, 4, 5)]) for step in range(0, 100, 10)]
    run = run_of(tmp_path, [fit(A, 0, step_sizes_every=10), block(A, 0, 100), *samples])
    answer = series(run, start=35, end=52)["samples"]

    assert [30, 40, 50, 60] == answer["step"]
    assert [0.05, 0.25, 0.5, 0.75, 0.95] == answer["quantiles"]
    assert [[30, 40, 50, 60], [60, 80, 100, 120]] == answer["step_size"][:2]
    assert {"dense": [0.01] * 4} == answer["update_to_weight"]
    assert (10, 100, 10, 2) == tuple(answer[name] for name in ("sampled", "parameters", "every", "total"))


def test_a_sample_without_a_known_rule_or_layer_is_null_there(tmp_path: Path) -> None:
    samples = [
        sample(A, 0, step_size=None, update_to_weight=None),
        sample(A, 1, update_to_weight={"other": math.nan}),
    ]
    answer = series(run_of(tmp_path, [fit(A, 0), block(A, 0, 10), *samples]))["samples"]

    assert [[None, 1.0]] == answer["step_size"][:1]
    assert {"other": [None, "NaN"]} == answer["update_to_weight"]


def test_of_very_many_samples_an_even_selection_is_sent(tmp_path: Path) -> None:
    samples = [sample(A, step) for step in range(5000)]
    answer = series(run_of(tmp_path, [fit(A, 0), block(A, 0, 5000), *samples]))["samples"]

    assert (2000, 0, 4999, 5000) == (
        len(answer["step"]),
        answer["step"][0],
        answer["step"][-1],
        answer["total"],
    )


def test_what_is_told_of_sources_passes_through(tmp_path: Path) -> None:
    told = {
        "exactness": {"loss": "bounded"},
        "effective_learning_rate_factors": [
            {"name": "bias correction", "formula": "√(1 − 0.999ᵗ) / (1 − 0.9ᵗ)"}
        ],
        "effective_learning_rate_note": "t counts updates.",
        **TWO,
    }
    answer = series(run_of(tmp_path, [fit(A, 0, **told), block(A, 0, 5)]))["about"]["fits"][0]

    assert told == {name: answer[name] for name in told}


def test_the_recorder_and_the_review_understand_each_other(tmp_path: Path) -> None:
    each = {"body": np.geomspace(1e-3, 1e-4, 2000), "head": np.full(2000, 0.1)}
    with lrmon.Recorder(tmp_path / "run", run=TWO) as recorder:
        recorder.batches(
            learning_rate=each["body"], loss=np.ones(2000), wall_time=np.arange(2000.0), learning_rates=each
        )
        recorder.skipped([3, 1999])
        recorder.sample(
            {
                "step": 100,
                "parameters": 9,
                "sampled": 9,
                "step_size": [1, 2, 3, 4, 5],
                "update_to_weight": None,
            }
        )
    run = Logs(tmp_path).run()

    for name, values in each.items():
        assert values.tobytes() == run.learning_rates[name].tobytes()
    assert {} == run.absent
    assert [3, 1999] == run.skipped.tolist()
    taken = run.samples[0]
    assert (100, 9, (1, 2, 3, 4, 5), {}) == (
        taken.step,
        taken.sampled,
        taken.step_size,
        taken.update_to_weight,
    )


def test_files_hold_the_rates_of_every_optimizer_and_what_was_skipped(tmp_path: Path) -> None:
    run = run_of(tmp_path, [fit(A, 0, **TWO), block(A, 0, 2), lrs(A, 0, of_two(0, 2)), skipped(A, 1)])
    csv = b"".join(export(run, "csv").parts).decode().splitlines()
    content = json.loads(b"".join(export(run, "json").parts))

    assert csv[0].endswith(",loss,learning_rate/body,learning_rate/head,skipped")
    assert csv[2].endswith(",0.001,0.1,1")
    assert {"body": [0.0, 0.001], "head": [0.0, 0.1]} == content["learning_rates"]
    assert [1] == content["skipped"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**60) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("steps", "step", "sampled", "parameters", "step_size", "update_to_weight")


@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING) | ANYTHING)
@settings(max_examples=300)
def test_whatever_a_record_holds_decoding_it_is_no_error(record: Any) -> None:
    for prefix in (schema.SKIPPED_PREFIX, schema.SAMPLES_PREFIX):
        decode(prefix + A, Datum(json.dumps(record)))


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(3, np.float32),
        np.zeros((3, 0), np.float32),
        np.zeros((3, 2), np.int32),
        np.array("text"),
        np.zeros((1, 1, 1)),
    ],
)
def test_rates_that_are_no_table_are_left_out_and_said(tmp_path: Path, values: Any) -> None:
    run = run_of(tmp_path, [fit(A, 0, **TWO), block(A, 0, 3), lrs(A, 0, values)])

    assert ({}, 3) == (run.learning_rates, run.step.size)
    assert any("could not be decoded" in notice for notice in run.notices)


@pytest.mark.parametrize(
    "text", ["{}", "[]", "no json", '{"steps":[-1]}', '{"steps":[1.5]}', '{"steps":"x"}', '{"step":true}']
)
def test_notes_that_are_none_are_left_out_and_said(tmp_path: Path, text: str) -> None:
    records = [Record(prefix + A, 1, text) for prefix in (schema.SKIPPED_PREFIX, schema.SAMPLES_PREFIX)]
    run = run_of(tmp_path, [fit(A, 0), block(A, 0, 3), epoch(A, 0, 0, 2), *records])

    assert ([], ()) == (run.skipped.tolist(), run.samples)
    assert 2 == sum("could not be decoded" in notice for notice in run.notices)


class Datum:
    """A point of TensorBoard's."""

    step = 5
    wall_time = 0.0

    def __init__(self, text: str) -> None:
        self.numpy = np.array(text, dtype=object)


def test_the_counter_and_the_planned_schedule_stand_still_where_an_update_was_left_out(
    tmp_path: Path,
) -> None:
    """A real training under loss scaling, with batches that overflow, stopped half way through its plan."""
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True)
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(schedule), initial_scale=2.0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    x = np.ones((60, 1), np.float32)
    x[[12, 13, 35]] = np.inf  # batches of two: steps 6 and 17
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the fit is cut off, which pre-flight cannot know
        model.fit(
            x,
            x,
            batch_size=2,
            epochs=2,
            shuffle=False,
            verbose=0,
            callbacks=[lrmon.LRMonitor(tmp_path), stop],
        )
    run = next(iter(lrmon.load(tmp_path).values()))
    assert [6, 17] == run.skipped.tolist()
    steps = np.arange(30)
    expected = steps - (steps > 6) - (steps > 17)
    assert expected.tolist() == series(run)["columns"]["iteration"]
    np.testing.assert_array_equal(np.float32(0.1) * np.float32(0.5) ** (expected // 10), run.learning_rate)
    # The schedule stood still while updates were left out; no update used a rate twice as long for it.
    assert [10 + 1, 20 + 2] == lrmon.report(run).analysis.lr_changes.step.tolist()
    planned = lrmon.report(run).analysis.outlook
    assert planned is not None
    assert [32, 42, 52] == planned.lr_changes.tolist()


def updates(name: str, first: int, values: Any) -> Record:
    """How many updates each optimizer made in the steps from `first` on."""
    counts = np.array(values, dtype=np.float32)
    return Record(f"{schema.UPDATES_PREFIX}{name}/0", first + len(counts) - 1, counts)


def test_updates_are_counted_by_optimizer_and_move_the_iteration(tmp_path: Path) -> None:
    two = {**TWO, "main_optimizer": "body", "first_iteration": 10}
    records = [
        fit(A, 0, **two),
        block(A, 0, 3),
        lrs(A, 0, np.full((3, 2), 0.1, np.float32)),
        updates(A, 0, [[3, 0], [3, 1], [2, 0]]),
        block(A, 3, 2),
        lrs(A, 3, np.full((2, 2), 0.1, np.float32)),
    ]
    run = run_of(tmp_path, records)

    assert {"body": [3, 3, 2, 1, 1], "head": [0, 1, 0, 1, 1]} == {
        name: made.tolist() for name, made in run.updates.items()
    }
    assert run.main_updates is not None
    assert [3, 3, 2, 1, 1] == run.main_updates.tolist()
    answer = json.loads(series_json(run, View()))
    assert [10, 13, 16, 18, 19] == answer["columns"]["iteration"]
    assert {"body": [3, 3, 2, 1, 1], "head": [0, 1, 0, 1, 1]} == answer["updates"]
    assert {"body", "head"} == set(answer["about"]["updates"])


def test_an_optimizer_without_any_update_has_no_series_of_its_learning_rate(tmp_path: Path) -> None:
    records = [
        fit(A, 0, **TWO, main_optimizer="body"),
        block(A, 0, 3),
        lrs(A, 0, np.full((3, 2), 0.1, np.float32)),
        updates(A, 0, [[1, 0]] * 3),
    ]
    run = run_of(tmp_path, records)

    assert ["body"] == list(run.learning_rates)
    assert [0, 0, 0] == run.updates["head"].tolist()


def test_an_optimizer_that_became_known_later_has_nothing_before(tmp_path: Path) -> None:
    records = [
        fit(A, 0, **TWO, main_optimizer="body"),
        block(A, 0, 3),
        lrs(A, 0, np.full((3, 1), 0.1, np.float32)),
        updates(A, 0, [[2]] * 3),
        block(A, 3, 2),
        lrs(A, 3, np.full((2, 2), 0.2, np.float32)),
    ]
    run = run_of(tmp_path, records)

    assert [True, True, True, False, False] == run.absent["learning_rate/head"].tolist()
    assert [0, 0, 0, 1, 1] == run.updates["head"].tolist()
    assert [2, 2, 2, 1, 1] == run.updates["body"].tolist()


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ([1, 1], "1 update in each step"),
        ([3, 3, 3], "3 updates in each step"),
        ([2, 5], "2 to 5 updates in each step"),
        ([0, 1, 0, 1], "1 update in each of 2 of 4 steps"),
        ([0, 0], "no update"),
    ],
)
def test_updates_in_words(made: list[int], words: str) -> None:
    assert words == updates_words(np.array(made, dtype=np.int32))
