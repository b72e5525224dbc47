"""Broken trainings, warm-ups, floors, the loss's answer, and what the recording noted."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrmon import schema
from tests.review.trained import NAME, by_epoch, findings, parts, trained
from tests.review.written import block, fit, run_of, skipped
from tests.review.written import lrs as rates_beside

RANDOM = np.random.default_rng(3)
NOISE = RANDOM.normal(0, 0.05, 2000)


def falling_loss(steps: int) -> Any:
    return 1.0 / (1 + np.arange(steps) / 100) + NOISE[:steps] + 0.2


def test_an_ordinary_training_has_no_findings() -> None:
    values = [1 / (1 + epoch) for epoch in range(10)]
    for lrs in ([0.1] * 1000, 0.1 * 0.999 ** np.arange(1000), 0.05 * (1 + np.cos(np.arange(1000) / 320))):
        assert {} == findings(trained(lrs, 100, loss=falling_loss(1000), metrics={"val_loss": values}))


def test_a_loss_that_stays_nan_is_an_error() -> None:
    loss = falling_loss(300)
    loss[210:] = math.nan
    found = findings(trained([0.1] * 300, 100, loss=loss))["loss-not-finite"]

    assert ("error", 210, 299) == (found.severity, found.step, found.last_step)
    assert {"batches": 90, "first_step": 210} == found.numbers


def test_single_losses_that_are_no_numbers_are_a_warning() -> None:
    loss = falling_loss(300)
    loss[[50, 120]] = math.inf, math.nan
    found = findings(trained([0.1] * 300, 100, loss=loss))["loss-not-finite"]

    assert ("warning", 50, 120) == (found.severity, found.step, found.last_step)
    assert {"batches": 2, "first_step": 50} == found.numbers


def test_losses_that_nobody_knows_are_not_broken() -> None:
    loss = np.full(300, math.nan)

    assert {} == findings(trained([0.1] * 300, 100, loss=loss, loss_provenance="none: no such thing"))
    not_available = trained([0.1] * 300, 100, loss=loss, exactness={"loss": schema.UNAVAILABLE})
    assert {"loss-not-exact"} == set(findings(not_available))


@pytest.mark.parametrize("told", [{}, {"exactness": {"loss": schema.EXACT}}, {"loss_provenance": None}])
def test_losses_that_are_nan_in_every_batch_are_an_error(told: dict[str, Any]) -> None:
    run = trained([0.1] * 300, 100, loss=np.full(300, math.nan), metrics={"loss": [math.nan] * 3}, **told)
    found = findings(run)

    assert {"loss-not-finite"} == set(found)
    assert ("error", 0, 299) == tuple(
        getattr(found["loss-not-finite"], name) for name in ("severity", "step", "last_step")
    )
    assert {"batches": 300, "first_step": 0} == found["loss-not-finite"].numbers


def test_a_learning_rate_that_turns_nan_is_an_error_with_its_first_step() -> None:
    lrs = np.full(300, 0.1)
    lrs[210:] = math.nan
    loss = falling_loss(300)
    loss[211:] = math.nan
    found = findings(trained(lrs, 100, loss=loss))

    assert ["learning-rate-not-finite"] == list(found)
    assert ["loss-not-finite"] == [each.code for each in found["learning-rate-not-finite"].consequences]
    assert ("error", 210, 299) == tuple(
        getattr(found["learning-rate-not-finite"], name) for name in ("severity", "step", "last_step")
    )
    assert 90 == found["learning-rate-not-finite"].numbers["steps"]
    (consequence,) = found["learning-rate-not-finite"].consequences
    assert (211, True) == (consequence.step, consequence.text in found["learning-rate-not-finite"].text)


@pytest.mark.parametrize(
    ("lrs", "first", "count"),
    [
        ([0.1] * 5 + [math.inf] + [0.1] * 4, 5, 1),
        ([0.1] * 5 + [-math.inf, 0.1, math.nan, 0.1, 0.1], 5, 2),
        ([math.nan] * 10, 0, 10),
    ],
)
def test_a_learning_rate_that_is_not_finite_for_a_while_is_an_error_too(
    lrs: list[float], first: int, count: int
) -> None:
    finding = findings(trained(lrs, 10))["learning-rate-not-finite"]

    assert ("error", first) == (finding.severity, finding.step)
    assert {"steps": count, "first_step": first} == finding.numbers


@pytest.mark.parametrize(
    "told",
    [
        {"learning_rate_provenance": "none: no optimizer was seen to update"},
        {"exactness": {"learning_rate": schema.UNAVAILABLE}},
    ],
)
def test_a_learning_rate_that_is_not_available_is_not_nan(told: dict[str, Any]) -> None:
    assert "learning-rate-not-finite" not in findings(trained([math.nan] * 10, 10, **told))


def test_an_infinite_learning_rate_stands_for_no_missing_update() -> None:
    run = trained([math.nan, math.inf] * 5, 10)
    found = findings(replace(run, main_updates=np.array([0, 1] * 5, dtype=np.int32)))

    assert 5 == found["learning-rate-not-finite"].numbers["steps"]


def test_a_skipped_update_had_no_learning_rate_that_was_no_number(tmp_path: Path) -> None:
    values = np.full((10, 4), 0.1, dtype=np.float32)
    values[3, 0] = math.nan
    records = [fit(NAME, 0, steps_per_epoch=10), block(NAME, 0, values)]

    assert "learning-rate-not-finite" in findings(run_of(tmp_path / "a", records))
    assert "learning-rate-not-finite" not in findings(run_of(tmp_path / "b", [*records, skipped(NAME, 3)]))


def test_a_learning_rate_of_another_optimizer_that_made_no_update_is_no_finding(tmp_path: Path) -> None:
    beside = np.array([[0.1, math.nan], [0.1, 0.2]] * 5, dtype=np.float32)
    optimizers = [{"name": name, "optimizer": None} for name in ("critic", "generator")]
    values = np.full((10, 4), 0.1, dtype=np.float32)
    run = run_of(
        tmp_path, [fit(NAME, 0, optimizers=optimizers), block(NAME, 0, values), rates_beside(NAME, 0, beside)]
    )

    assert {"critic", "generator"} == set(run.learning_rates)
    assert {} == findings(run)


def test_a_loss_that_explodes_has_diverged() -> None:
    loss = falling_loss(1000)
    loss[800:] *= np.exp(np.arange(200) / 20)
    found = findings(trained([0.1] * 1000, 100, loss=loss))

    assert ["progress-lost"] == list(found)
    assert ("error", 1) == (found["progress-lost"].severity, found["progress-lost"].numbers["share"] > 1)
    assert 800 <= (found["progress-lost"].step or 0) <= 830


@pytest.mark.parametrize(("end", "severity"), [(0.5, None), (0.9, "warning"), (1.5, "error")])
def test_how_much_of_its_progress_a_loss_lost_decides(end: float, severity: str | None) -> None:
    loss = falling_loss(1000)
    loss[900:] = end + NOISE[:100]
    found = findings(trained([0.1] * 1000, 100, loss=loss)).get("progress-lost")

    assert severity == (found.severity if found else None)


def test_a_loss_without_scale_is_judged_by_its_own_progress() -> None:
    for scale, shift in ((1e-6, 0.0), (1e6, 0.0), (1.0, 0.0)):
        loss = falling_loss(1000)
        loss[800:] += 0.8
        found = findings(trained([0.1] * 1000, 100, loss=scale * loss + shift))
        assert ["progress-lost"] == list(found)


def test_a_loss_that_rises_slowly_by_itself_is_only_good_to_know() -> None:
    loss = falling_loss(1000)
    loss[300:] += np.arange(700) / 500
    found = findings(trained([0.1] * 1000, 100, loss=loss))["progress-lost"]

    assert "info" == found.severity


def test_a_metric_that_is_no_number_is_told() -> None:
    values = [1.0, 0.9, math.nan, math.nan]
    found = findings(trained([0.1] * 400, 100, loss=falling_loss(400), metrics={"val_loss": values}))

    assert ("warning", 200) == (found["metric-not-finite"].severity, found["metric-not-finite"].step)


def test_a_metric_that_recovered_is_not_told() -> None:
    values = [1.0, math.nan, 0.9, 0.8]

    assert "metric-not-finite" not in findings(
        trained([0.1] * 400, 100, loss=falling_loss(400), metrics={"val_loss": values})
    )


def test_a_loss_that_leaps_when_the_rate_rises_is_told() -> None:
    loss = falling_loss(400)
    loss[200:210] += 3.0
    lrs = by_epoch([0.1, 0.01, 0.2, 0.02], 100)
    found = findings(trained(lrs, 100, loss=loss))["loss-spike"]

    assert ("warning", 200, "increase") == (found.severity, found.step, found.numbers["cause"])


def test_an_increase_without_a_leap_is_not_told() -> None:
    lrs = by_epoch([0.1, 0.01, 0.2, 0.02], 100)

    assert "loss-spike" not in findings(trained(lrs, 100, loss=falling_loss(400)))


def test_a_leap_without_an_increase_says_that_there_is_none() -> None:
    loss = falling_loss(400)
    loss[205:208] += 3.0
    found = findings(trained(by_epoch([0.1, 0.1, 0.05, 0.02], 100), 100, loss=loss))["loss-spike"]

    assert (205, "none") == (found.step, found.numbers["cause"])


def test_a_warm_up_is_told() -> None:
    lrs = 0.1 * np.minimum(np.arange(400) / 150, 1)
    found = findings(trained(lrs, 100))["warm-up"]

    assert ("info", 0, 150) == (found.severity, found.step, found.last_step)
    assert {"steps": 150, "from": 0.0, "to": 0.1} == found.numbers


def test_a_rise_at_once_or_to_the_end_is_no_warm_up() -> None:
    for lrs in (by_epoch([0.01, 0.1, 0.1, 0.1], 100), np.arange(400) / 4000, [0.1] * 400):
        assert "warm-up" not in findings(trained(lrs, 100))


def cosine(decay_steps: int, alpha: float) -> tuple[Any, dict[str, Any]]:
    steps = np.minimum(np.arange(1000), decay_steps)
    lrs = 0.1 * ((1 - alpha) * 0.5 * (1 + np.cos(np.pi * steps / decay_steps)) + alpha)
    config = {"initial_learning_rate": 0.1, "decay_steps": decay_steps, "alpha": alpha, "warmup_target": None}
    return lrs, {"class_name": "CosineDecay", "config": config}


def test_a_schedule_that_ended_before_training_is_told() -> None:
    for alpha, code in ((0.0, "learning-rate-zero"), (0.2, "rate-at-floor")):
        lrs, schedule = cosine(600, alpha)
        found = parts(trained(lrs, 100, schedule=schedule))[code]

        assert ("warning" if alpha == 0 else "info") == found.severity
        assert 590 <= (found.step or 0) <= 600


def test_a_schedule_as_long_as_training_has_not_come_to_rest() -> None:
    lrs, schedule = cosine(1000, 0.0)
    for run in (
        trained(lrs, 100, schedule=schedule),
        trained(by_epoch([0.1] * 5 + [0.01] * 5, 100), 100),
        trained([0.0] * 1000, 100),
    ):
        assert "rate-at-floor" not in findings(run)


def test_a_rule_at_its_min_lr_is_told() -> None:
    rule = {"monitor": "val_loss", "factor": 0.1, "patience": 2, "min_lr": 0.01, "applied": True}
    lrs = by_epoch([0.1] * 4 + [0.01] * 6, 10)
    stuck, falling = (
        [1.0, 0.9] + [0.9] * 8,
        [1.0, 0.9] + [0.9, 0.9] + [0.8 - epoch / 10 for epoch in range(6)],
    )

    at_floor = parts(trained(lrs, 10, metrics={"val_loss": stuck}, plateau=rule))["rate-at-floor"]
    assert 0.01 == at_floor.numbers["learning_rate"]
    assert "rate-at-floor" not in findings(trained(lrs, 10, metrics={"val_loss": falling}, plateau=rule))


def test_a_loss_that_answers_a_step_is_told_with_its_noise() -> None:
    loss = 1.0 + NOISE[:600]
    loss[300:] -= 0.4
    found = parts(trained(by_epoch([0.1] * 3 + [0.01] * 3, 100), 100, loss=loss))["loss-answered"]

    assert ("info", 300, 399) == (found.severity, found.step, found.last_step)
    assert -0.4 == pytest.approx(found.numbers["level"], abs=0.05)
    assert 0.03 > found.numbers["level_error"] > 0.0


def test_a_loss_that_goes_on_as_before_has_not_answered() -> None:
    lrs = by_epoch([0.1] * 3 + [0.01] * 3, 100)
    for loss in (falling_loss(600), 1.0 - np.arange(600) / 1000 + NOISE[:600], np.full(600, 1.0)):
        assert "loss-answered" not in findings(trained(lrs, 100, loss=loss))


def test_what_the_recording_warned_of_is_a_finding() -> None:
    found = findings(
        trained([0.1] * 30, 10, warnings=["the schedule is ignored", "the schedule is ignored", 5])
    )

    assert ["recorded-warning"] == list(found)
    assert found["recorded-warning"].text.endswith(": the schedule is ignored")


def test_a_recording_without_warnings_has_none() -> None:
    for warnings in ([], None, "text", [""]):
        assert {} == findings(trained([0.1] * 30, 10, warnings=warnings))


def test_a_range_test_has_no_findings() -> None:
    lrs = 1e-5 * 1.02 ** np.arange(600)
    loss = falling_loss(600)
    loss[500:] = math.nan

    assert {} == findings(trained(lrs, 600, loss=loss, kind="range_test"))


def test_findings_stand_in_order_of_severity() -> None:
    loss = falling_loss(400)
    loss[300:] = math.nan
    lrs = 0.1 * np.minimum(np.arange(400) / 150, 1)
    found = findings(trained(lrs, 100, loss=loss, warnings=["look here"]))

    assert ["loss-not-finite", "recorded-warning", "warm-up"] == list(found)
