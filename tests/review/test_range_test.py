"""Range tests read back: what they are, what they suggest, why they stopped."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lrmon
from lrmon.analysis.range_test.analyze import METHODS, analyze
from lrmon.review.report.range_test import range_test
from lrmon.review.run.run import Run
from tests.analysis.sweeps import swept
from tests.review.range_tests import SETTINGS, record_range_test, three_sweeps
from tests.review.trained import trained
from tests.review.written import Logs

ANYTHING = st.sampled_from(
    [None, 5, -1, 0, 10**400, 1e308, "text", "x" * 1000, [], {}, math.nan, math.inf, True, [None], {"a": 1}]
)


def recorded(folder: Path, *sweeps: Any, **fields: Any) -> Run:
    record_range_test(folder / "run", *sweeps, **fields)
    return Logs(folder).run()


def test_a_recorded_sweep_says_what_its_numbers_say(tmp_path: Path) -> None:
    lr, loss = swept(200, noise=0.02)

    found = lrmon.range_test(recorded(tmp_path, (lr, loss)))
    truth = analyze(lr, loss)

    assert "Adam" == found.optimizer
    assert SETTINGS == found.settings
    assert (1, 200) == (len(found.sweeps), found.sweeps[0].step.size)
    for name in METHODS:
        expected = truth.suggestions[name].learning_rate
        assert found.suggestions[name].median == pytest.approx(expected, rel=1e-6)
    assert found.recommended.median == pytest.approx(truth.recommended.learning_rate, rel=1e-6)


def test_sweeps_of_one_call_are_told_apart_by_their_fits(tmp_path: Path) -> None:
    found = lrmon.range_test(recorded(tmp_path, *three_sweeps()))

    assert [(0, 0, 199), (1, 200, 399), (2, 400, 599)] == [
        (sweep.repeat, int(sweep.step[0]), int(sweep.step[-1])) for sweep in found.sweeps
    ]
    assert [3] * 6 == [each.sweep_count for each in (*found.suggestions.values(), found.recommended)]
    assert found.recommended.spread is not None
    assert 0.0 <= found.recommended.spread < 0.5


def test_a_sweep_whose_fellows_lie_elsewhere_says_which_one_it_is(tmp_path: Path) -> None:
    with lrmon.Recorder.without_fit(str(tmp_path / "run")) as recorder:
        test = {**SETTINGS, "repeat": 1, "repeats": 3}
        recorder.begin_fit({"kind": "range_test", "range_test": test}, first_step=0)
        recorder.batches(learning_rate=swept(60)[0], loss=swept(60)[1], wall_time=np.arange(60.0))
    run = Logs(tmp_path).run()

    assert [1] == [sweep.repeat for sweep in lrmon.range_test(run).sweeps]
    assert "sweep 2 of 3" in lrmon.report(run).to_text()


def test_a_second_call_in_the_same_recording_counts_alone(tmp_path: Path) -> None:
    lr, loss = swept(100)
    with lrmon.Recorder.without_fit(str(tmp_path / "run")) as recorder:
        for repeat in (0, 1, 0):
            test = {"repeat": repeat}
            recorder.begin_fit({"kind": "range_test", "range_test": test}, first_step=recorder.next_step)
            recorder.batches(learning_rate=lr, loss=loss, wall_time=np.arange(100.0))
            recorder.end_fit("completed")

    found = lrmon.range_test(Logs(tmp_path).run())

    assert [(0, 200)] == [(sweep.repeat, int(sweep.step[0])) for sweep in found.sweeps]


def test_the_answer_is_json_as_it_is_described(tmp_path: Path) -> None:
    run = recorded(tmp_path, swept(200), stopped="diverged", stopped_reason="It rose.")
    answer = lrmon.range_test(run).to_dict()
    sweep = answer["sweeps"][0]

    assert [
        "run", "version", "state", "complete", "settings", "optimizer", "recognized", "sweeps", "suggestions",
        "recommended", "cautions", "training", "notices", "about",
    ] == list(answer)  # fmt: skip
    assert {
        "repeat", "first_step", "last_step", "steps", "points", "every_step", "stopped", "stopped_reason",
        "smoothing", "columns", "suggestions", "recommended", "cautions",
    } == set(sweep)  # fmt: skip
    assert (0, 199, 200, 200, True) == tuple(
        sweep[name] for name in ("first_step", "last_step", "steps", "points", "every_step")
    )
    assert ("diverged", "It rose.") == (sweep["stopped"], sweep["stopped_reason"])
    assert ["step", "learning_rate", "loss", "loss_smoothed", "slope"] == list(sweep["columns"])
    assert list(METHODS) == list(sweep["suggestions"]) == list(answer["suggestions"])
    assert {"learning_rate", "low", "high", "spread", "found", "reason"} == set(answer["recommended"])
    step = sweep["suggestions"]["steepest"]["step"]
    assert sweep["columns"]["learning_rate"][step] == sweep["suggestions"]["steepest"]["learning_rate"]
    assert answer["training"] is None


def test_a_long_sweep_is_thinned_and_judged_by_all_of_its_steps(tmp_path: Path) -> None:
    lr, loss = swept(20_000, noise=0.05)
    loss[15_000] = math.nan

    found = lrmon.range_test(recorded(tmp_path, (lr, loss)))
    sweep = found.to_dict()["sweeps"][0]

    assert (20_000, False) == (sweep["steps"], sweep["every_step"])
    assert sweep["points"] == len(sweep["columns"]["loss"]) < 12_000
    assert "NaN" in sweep["columns"]["loss"]
    assert found.recommended.median == pytest.approx(analyze(lr, loss).recommended.learning_rate, rel=1e-6)


def test_a_training_is_compared_with_the_test(tmp_path: Path) -> None:
    found = lrmon.range_test(recorded(tmp_path, swept(400, falls_at=1e-3)))
    steepest = found.suggestions["steepest"].median
    assert steepest is not None
    training = trained([8 * steepest] * 100, 10, name="a training")

    assert "8 times above the steepest point" in found.compare(training).text
    answer = found.to_dict(training)["training"]
    assert "a training" == answer["run"]
    assert answer["times_steepest"] == pytest.approx(8.0)
    assert {
        "run", "low", "high", "median", "steepest", "times_steepest", "beyond_divergence", "text",
    } == set(answer)  # fmt: skip


def test_a_training_is_no_range_test() -> None:
    with pytest.raises(ValueError, match="run 'run' is a training, not a range test"):
        lrmon.range_test(trained([0.1] * 10, 5))


def test_the_report_says_what_it_suggests_and_why_it_stopped(tmp_path: Path) -> None:
    run = recorded(
        tmp_path, swept(200), stopped="diverged", stopped_reason="The loss rose above 4 times its lowest."
    )
    report = lrmon.report(run)
    text = report.to_text()

    assert "range test" in text.splitlines()[0]
    assert "The loss rose above 4 times its lowest." in text
    for name in METHODS:
        assert name.replace("_", " ") in text
    for absent in ("Plateaus", "Learning rate  ", "Epochs"):
        assert absent not in text


def test_the_report_has_no_edges_and_no_findings_of_a_staircase(tmp_path: Path) -> None:
    # So few steps that each is a jump of its own.
    answer = lrmon.report(recorded(tmp_path, swept(20), swept(20))).to_dict()

    assert [] == answer["findings"]
    assert ([], None, None) == tuple(answer["lr"][name] for name in ("lr_changes", "warmup_end", "aligned"))
    assert answer["planned"] is None
    assert {"settings", "optimizer", "recognized", "sweeps", "suggestions", "recommended", "cautions"} == set(
        answer["range_test"]
    )
    assert "columns" not in answer["range_test"]["sweeps"][0]
    assert "range_test" in lrmon.report(trained([0.1] * 10, 5)).to_dict()
    assert lrmon.report(trained([0.1] * 10, 5)).to_dict()["range_test"] is None


def test_a_sweep_that_still_runs_says_how_far_it_is(tmp_path: Path) -> None:
    lr, loss = swept(60)
    with lrmon.Recorder.without_fit(str(tmp_path / "run")) as recorder:
        recorder.begin_fit({"kind": "range_test", "range_test": SETTINGS}, first_step=0)
        recorder.batches(learning_rate=lr, loss=loss, wall_time=np.arange(60.0))
        recorder.flush()
        run = Logs(tmp_path).run()

        assert "running" == run.state
        assert "60 steps so far" in lrmon.report(run).to_text()


def test_what_the_recording_warned_of_is_a_finding_of_a_range_test_too() -> None:
    run = trained([0.1] * 20, 20, kind="range_test", warnings=["Dropout's seeds are not as before."])

    assert ["recorded-warning"] == [finding.code for finding in lrmon.report(run).findings]


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys((*SETTINGS, "repeat", "stopped", "stopped_reason"), ANYTHING)
    )
    | ANYTHING,
    st.lists(
        st.tuples(
            st.sampled_from([0.0, -0.1, 1e-30, 1e-3, 0.1, 10.0, math.nan, math.inf]),
            st.sampled_from([0.0, 1.0, 2.0, -5.0, 1e38, math.nan, math.inf, -math.inf]),
        ),
        max_size=40,
    ),
)
@settings(max_examples=200)
def test_whatever_is_recorded_both_faces_of_it_can_be_read(
    record: Any, rows: list[tuple[float, float]]
) -> None:
    run = trained(
        [row[0] for row in rows],
        max(len(rows), 1),
        loss=[row[1] for row in rows],
        kind="range_test",
        range_test=record,
    )
    with np.errstate(all="ignore"):
        report = lrmon.report(run)
        text = range_test(run).to_json(trained([0.1, math.nan], 1))

    json.loads(text, parse_constant=lambda name: pytest.fail(f"not JSON: {name}"))
    json.loads(report.to_json(), parse_constant=lambda name: pytest.fail(f"not JSON: {name}"))
    assert "Range test" in report.to_text()
