"""Staircases and epochs: when something is said of them, and when not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.review.trained import STAIRCASE, by_epoch, findings, parts, staircase, trained


def test_steps_beside_the_boundaries_are_told_with_what_would_align_them() -> None:
    found = parts(staircase(76, 6))["staircase-off-epoch"]

    assert ("warning", 95, 380) == (found.severity, found.step, found.last_step)
    assert {
        "decay_steps": 95,
        "steps_per_epoch": 76,
        "offsets": [19, 38, 57, 0],
        "drift": 19,
        "aligned_decay_steps": 76,
    } == found.numbers


@pytest.mark.parametrize(
    ("record", "is_named"),
    [
        ({}, False),
        ({"validation_split": None, "steps_before_split": None}, False),
        ({"validation_split": 0.2, "steps_before_split": 95}, True),
        ({"validation_split": 0.2, "steps_before_split": 94}, False),
        ({"validation_split": "0.2", "steps_before_split": 95}, False),
    ],
)
def test_a_split_is_named_where_the_record_holds_it_and_nowhere_else(
    record: dict[str, Any], is_named: bool
) -> None:
    found = findings(staircase(76, 6, **record))["staircase-off-epoch"]

    assert is_named == ("validation_split=0.2" in found.text)
    assert is_named == ("validation_split" in found.text)


def test_a_staircase_of_several_epochs_is_an_explanation_not_a_warning() -> None:
    found = findings(staircase(100, 10, decay_steps=270))["staircase-off-epoch"]

    assert "info" == found.severity
    assert 300 == found.numbers["aligned_decay_steps"]
    assert "validation_split" not in found.text


@pytest.mark.parametrize("decay_steps", [76, 152, 38, 30], ids=["epoch", "two epochs", "half epoch", "many"])
def test_steps_on_the_boundaries_or_several_in_an_epoch_are_nothing_to_tell(decay_steps: int) -> None:
    assert "staircase-off-epoch" not in findings(staircase(76, 6, decay_steps=decay_steps))


def test_steps_that_are_late_by_one_alone_are_not_off_the_boundary() -> None:
    steps = np.arange(41 * 6)
    late = (np.float32(1 / np.float32(41)) * steps.astype(np.float32)).astype(int)
    schedule = {"class_name": "ExponentialDecay", "config": {**STAIRCASE, "decay_steps": 41}}
    found = findings(trained(0.1 * 0.95**late, 41, schedule=schedule, compiled="graph", epochs=6))

    assert "staircase-off-epoch" not in found
    assert {"decay_steps": 41, "late": 3, "lr_changes": 5} == found["step-one-late"].numbers
    assert ("info", 42) == (found["step-one-late"].severity, found["step-one-late"].step)


def test_steps_that_are_on_time_are_not_late() -> None:
    assert "step-one-late" not in findings(staircase(41, 6, decay_steps=41, compiled="eager"))


def test_an_epoch_without_a_step_is_told() -> None:
    found = parts(staircase(76, 6))["epoch-without-step"]

    assert ("info", 285, 379) == (found.severity, found.step, found.last_step)
    assert (4, 1) == (found.numbers["epoch"], found.numbers["epochs"])


def test_an_epoch_without_a_step_where_none_was_meant_is_not_told() -> None:
    for run in (staircase(76, 6, decay_steps=152), staircase(76, 3), staircase(76, 6, decay_steps=70)):
        assert "epoch-without-step" not in parts(run)


def test_one_value_twice_in_the_log_of_keras_is_explained() -> None:
    found = parts(staircase(76, 6))["keras-log-repeats"]

    assert ("warning", 380, 455) == (found.severity, found.step, found.last_step)
    assert [4, 5] == found.numbers["epochs"]
    assert [380, 456] == found.numbers["logged_at"]
    assert 0.0814506 == pytest.approx(found.numbers["learning_rate"], rel=1e-6)


def test_a_log_of_keras_without_repeats_is_not_explained() -> None:
    # Too short to repeat, aligned, a step only every second epoch, no schedule.
    lrs = by_epoch([0.1, 0.05, 0.05, 0.02, 0.01], 10)
    for run in (
        staircase(76, 5),
        staircase(76, 6, decay_steps=76),
        staircase(76, 6, decay_steps=152),
        trained(lrs, 10),
    ):
        assert "keras-log-repeats" not in parts(run)


def test_the_log_of_keras_shows_the_next_epoch() -> None:
    found = findings(staircase(76, 6, decay_steps=76))["keras-log-next-epoch"]

    assert ("info", 75, 76) == (found.severity, found.step, found.last_step)
    assert {"epoch": 0, "used": 0.1, "shown": 0.095} == found.numbers


def test_a_rate_that_is_a_number_is_logged_with_its_own_epoch() -> None:
    assert {} == findings(trained(by_epoch([0.1, 0.05, 0.02], 10), 10))


def test_a_schedule_that_does_not_give_what_was_recorded_explains_nothing() -> None:
    schedule = {"class_name": "ExponentialDecay", "config": {**STAIRCASE, "decay_rate": 0.5}}
    run = staircase(76, 6, decay_steps=76, schedule=schedule)

    assert "keras-log-next-epoch" not in findings(run)


def test_a_single_edge_says_nothing_of_a_staircase() -> None:
    assert {} == findings(trained([0.1] * 75 + [0.01] * 25, 10))


def test_a_staircase_that_misses_the_epochs_is_one_finding() -> None:
    found = findings(staircase(76, 6))

    assert ["staircase-off-epoch"] == list(found)
    (one,) = found.values()
    assert {"epoch-without-step", "keras-log-repeats"} == {each.code for each in one.consequences}
    assert "warning" == one.severity
    for part in parts(staircase(76, 6)).values():
        assert part.text in one.text
