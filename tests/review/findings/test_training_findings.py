"""What went wrong in a training, told from exact losses, at any scale, with NaN between."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest

from lrmon.review.report.report import analyzed_run
from tests.review.trained import by_epoch, findings, trained

STEPS = 1200


def losses(start: float = 2.0, floor: float = 0.2, *, steps: int = STEPS, noise: float = 0.05) -> Any:
    random = np.random.default_rng(11)
    return floor + (start - floor) / (1 + np.arange(steps) / 60) + random.normal(0, noise, steps)


def still(level: float, *, steps: int = STEPS, noise: float = 0.05) -> Any:
    return level + np.random.default_rng(12).normal(0, noise, steps)


def test_a_learning_rate_of_zero_is_told_with_where_it_begins() -> None:
    lrs = np.full(STEPS, 0.1)
    lrs[700:] = 0.0
    found = findings(trained(lrs, 100, loss=losses()))

    assert ["learning-rate-zero"] == list(found)
    assert ("warning", 700, 1199) == tuple(
        getattr(found["learning-rate-zero"], name) for name in ("severity", "step", "last_step")
    )


def test_a_learning_rate_of_zero_in_all_steps_is_an_error_and_explains_that_nothing_was_learned() -> None:
    found = findings(trained(np.zeros(STEPS), 100, loss=still(math.log(10))))

    assert ["learning-rate-zero"] == list(found)
    assert "error" == found["learning-rate-zero"].severity
    assert "never-learned" in {each.code for each in found["learning-rate-zero"].consequences}


def test_a_few_steps_at_zero_are_a_warm_up() -> None:
    lrs = 0.1 * np.minimum(np.arange(STEPS) / 150, 1)

    assert "learning-rate-zero" not in findings(trained(lrs, 100, loss=losses()))


@pytest.mark.parametrize("classes", [2, 5, 10])
def test_a_loss_at_chance_names_the_classes(classes: int) -> None:
    found = findings(trained([0.1] * STEPS, 100, loss=still(math.log(classes), noise=0.02)))

    assert ["never-learned"] == list(found)
    assert ("warning", classes) == (
        found["never-learned"].severity,
        found["never-learned"].numbers["classes"],
    )


def test_with_the_classes_recorded_a_loss_above_guessing_never_learned_whatever_it_fell() -> None:
    run = trained([0.1] * STEPS, 100, loss=losses(9.0, 2.4), classes=10)

    assert ["never-learned"] == list(findings(run))
    assert [] == list(findings(trained([0.1] * STEPS, 100, loss=losses(9.0, 2.4))))


def test_a_loss_that_may_be_negative_has_no_level_of_guessing() -> None:
    assert {} == findings(trained([0.1] * STEPS, 100, loss=still(0.0)))


def test_a_short_training_is_not_judged() -> None:
    assert {} == findings(trained([0.1] * 40, 10, loss=still(math.log(10), steps=40)))


def test_a_loss_that_falls_in_a_straight_line_has_too_low_a_learning_rate() -> None:
    loss = 2.0 - 0.2 * np.arange(STEPS) / STEPS + still(0.0)
    found = findings(trained([1e-4] * STEPS, 100, loss=loss))

    assert ["learning-rate-too-low"] == list(found)
    assert 1e-4 == pytest.approx(found["learning-rate-too-low"].numbers["learning_rate"])


def test_a_learning_rate_that_decays_while_the_loss_falls_decayed_too_early() -> None:
    lrs = by_epoch([0.1, 0.1, *([0.001] * 10)], 100)
    loss = np.concatenate((2.0 - np.arange(200) / 400, np.full(1000, 1.5))) + still(0.0)
    found = findings(trained(lrs, 100, loss=loss))

    assert ["decayed-too-early"] == list(found)
    assert (200, "warning") == (found["decayed-too-early"].step, found["decayed-too-early"].severity)


def test_a_learning_rate_that_decays_on_a_plateau_did_not_decay_too_early() -> None:
    lrs = by_epoch([*([0.1] * 6), *([0.001] * 6)], 100)

    assert "decayed-too-early" not in findings(trained(lrs, 100, loss=losses()))


def test_an_increase_after_which_the_loss_never_came_back_is_named_with_its_step() -> None:
    lrs = np.full(STEPS, 0.1)
    lrs[633:] = 1.0
    loss = losses()
    loss[633:] += 1.0
    found = findings(trained(lrs, 100, loss=loss))

    assert ["increase-not-recovered"] == list(found)
    assert (633, "warning") == (
        found["increase-not-recovered"].step,
        found["increase-not-recovered"].severity,
    )


def test_an_increase_after_which_the_loss_came_back_is_a_restart() -> None:
    lrs = np.tile(np.linspace(0.1, 0.01, 300), 4)
    loss = losses()
    for restart in (300, 600, 900):
        loss[restart : restart + 100] += 0.15

    assert "increase-not-recovered" not in findings(trained(lrs, 100, loss=loss))


@pytest.mark.parametrize("height", [1.6, 3.0])
def test_a_batch_that_is_bad_in_every_epoch_is_named_by_its_place(height: float) -> None:
    loss = losses()
    loss[37::100] += height
    found = findings(trained([0.1] * STEPS, 100, loss=loss))

    assert ["corrupted-batch"] == list(found)
    assert (37, 37) == (found["corrupted-batch"].step, found["corrupted-batch"].numbers["batch"])


def test_a_batch_that_is_bad_at_another_place_in_each_epoch_is_not_named() -> None:
    loss = losses()
    for epoch in range(12):
        loss[100 * epoch + (17 * epoch) % 89] += 3.0

    assert "corrupted-batch" not in findings(trained([0.1] * STEPS, 100, loss=loss))


def test_losses_within_a_bound_say_nothing_of_places() -> None:
    loss = losses()
    loss[37::100] += 3.0
    run = trained([0.1] * STEPS, 100, loss=loss, exactness={"loss": "bounded"})

    assert "corrupted-batch" not in findings(run)


def test_overfitting_is_told_with_the_epoch_of_the_minimum() -> None:
    values = [1.5, 1.2, 1.0, 0.9, 0.95, 1.0, 1.1, 1.2, 1.25, 1.3, 1.35, 1.4]
    found = findings(trained([0.1] * STEPS, 100, loss=losses(floor=0.0), metrics={"val_loss": values}))

    assert ["overfitting"] == list(found)
    assert ("warning", 399, 3) == (
        found["overfitting"].severity,
        found["overfitting"].step,
        found["overfitting"].numbers["best_epoch"],
    )


def test_a_validation_loss_that_follows_training_is_not_overfitting() -> None:
    values = np.array([1.5, 1.2, 1.0, 0.9, 0.8, 0.7, 0.65, 0.6, 0.58, 0.57, 0.58, 0.57])
    for metric in (values, np.roll(values, 0)):
        assert {} == findings(
            trained([0.1] * STEPS, 100, loss=losses(), metrics={"val_loss": metric.tolist()})
        )


def test_a_validation_that_never_improved_is_told() -> None:
    values = [2.1, 2.2, 2.3, 2.5, 2.6, 2.7, 2.8, 2.8, 2.9, 3.0, 3.0, 3.1]
    found = findings(trained([0.1] * STEPS, 100, loss=losses(), metrics={"val_loss": values}))

    assert ["validation-never-improved"] == list(found)


def test_a_level_that_an_earlier_drop_broke_asks_for_another_one() -> None:
    lrs = by_epoch([*([0.1] * 4), *([0.01] * 8)], 100)
    loss = np.concatenate((np.maximum(2.0 - np.arange(400) / 100, 1.0), np.full(800, 0.5))) + still(0.0)
    found = findings(trained(lrs, 100, loss=loss))

    assert ["drop-would-help"] == list(found)
    assert ("warning", 400) == (
        found["drop-would-help"].severity,
        found["drop-would-help"].numbers["drop_step"],
    )


def test_a_report_says_what_was_checked_and_what_could_not_be_and_why() -> None:
    long = analyzed_run(trained([0.1] * STEPS, 100, loss=losses())).checks
    short = analyzed_run(trained([0.1] * 20, 10, loss=losses(steps=20))).checks

    assert {"in order", "not checked"} == {check.state for check in long}
    assert sum(check.state == "not checked" for check in long) < sum(
        check.state == "not checked" for check in short
    )
    for check in (*long, *short):
        assert (check.state == "not checked") == (check.reason is not None)
        assert () == check.codes


def test_what_was_found_is_neither_in_order_nor_unchecked() -> None:
    lrs = np.full(STEPS, 0.1)
    lrs[700:] = 0.0
    made = analyzed_run(trained(lrs, 100, loss=losses()))
    found = {code for check in made.checks if check.state == "found" for code in check.codes}

    assert {"learning-rate-zero"} <= found
    assert not any(check.reason for check in made.checks if check.state == "found")


@pytest.mark.parametrize("spoil", [math.nan, math.inf, -1.0])
def test_losses_that_are_no_numbers_or_negative_break_no_detector(spoil: float) -> None:
    loss = losses()
    loss[::7] = spoil
    for run in (trained([0.1] * STEPS, 100, loss=loss), trained([math.nan] * STEPS, 10**6, loss=loss)):
        assert analyzed_run(run).checks


def test_ten_times_as_many_steps_take_no_more_calls() -> None:
    counts = []
    for steps in (10_000, 100_000):
        run = trained(0.1 * 0.1 ** (np.arange(steps) / steps), steps // 20, loss=losses(steps=steps))
        calls = 0

        def count(frame: Any, event: str, argument: Any) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            analyzed_run(run)
        finally:
            sys.setprofile(None)
        counts.append(calls)

    assert counts[1] < 1.5 * counts[0]
