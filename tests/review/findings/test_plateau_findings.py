"""Plateaus that nobody answered, or late, and reductions that answered none."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.review.trained import by_epoch, findings, trained

FALLING = [1.0 / (1 + epoch) for epoch in range(8)]
STUCK = [*FALLING, *([0.2, 0.19, 0.21] * 5)]
RULE: dict[str, Any] = {
    "monitor": "val_auc",
    "factor": 0.5,
    "patience": 2,
    "mode": "auto",
    "min_delta": 1e-4,
    "cooldown": 0,
    "min_lr": 0.0,
    "version": "tf_keras",
    "applied": True,
}


def test_a_training_that_stalled_is_told_with_what_the_rule_would_have_done() -> None:
    found = findings(trained([0.1] * 230, 10, metrics={"val_loss": STUCK}))["stalled"]

    assert ("warning", 79, 229) == (found.severity, found.step, found.last_step)
    assert ("val_loss", 0.125, 7, 15, 17) == tuple(
        found.numbers[name] for name in ("monitor", "best", "best_epoch", "epochs", "reduction_epoch")
    )


def test_a_training_that_lies_still_is_only_good_to_know() -> None:
    values = [*FALLING, *([0.13] * 15)]

    assert "info" == findings(trained([0.1] * 230, 10, metrics={"val_loss": values}))["stalled"].severity


def test_a_training_has_not_stalled_if_the_rate_moved_or_the_metric_did() -> None:
    moved = by_epoch([0.1] * 15 + [0.05] * 8, 10)
    smooth = 0.1 * 0.99 ** np.arange(230)
    slow = [*FALLING, *(0.125 - 0.00005 * epoch for epoch in range(1, 16))]
    for run in (
        trained(moved, 10, metrics={"val_loss": STUCK}),
        trained(smooth, 10, metrics={"val_loss": STUCK}),
        trained([0.1] * 230, 10, metrics={"val_loss": [*STUCK[:-1], 0.1]}),
        trained([0.1] * 230, 10, metrics={"val_loss": slow}),
        trained([0.1] * 110, 10, metrics={"val_loss": STUCK[:11]}),
        trained([0.1] * 230, 10, metrics={"my_score": STUCK}),
    ):
        assert "stalled" not in findings(run)


def test_a_plateau_that_was_answered_late_is_told() -> None:
    values = [*STUCK[:20], 0.1, 0.05, 0.04]
    found = findings(trained(by_epoch([0.1] * 20 + [0.01] * 3, 10), 10, metrics={"val_loss": values}))

    assert ("info", 200) == (
        found["plateau-answered-late"].severity,
        found["plateau-answered-late"].last_step,
    )
    assert 200 == found["plateau-answered-late"].numbers["drop_step"]


def test_an_answer_in_time_or_without_effect_is_not_late() -> None:
    in_time = by_epoch([0.1] * 18 + [0.01] * 5, 10)
    late = by_epoch([0.1] * 20 + [0.01] * 3, 10)
    for run in (
        trained(in_time, 10, metrics={"val_loss": [*STUCK[:18], 0.1, 0.05, 0.04, 0.03, 0.02]}),
        trained(late, 10, metrics={"val_loss": STUCK}),
        trained(late, 10, metrics={"val_loss": [*STUCK[:15], *(0.1 - epoch / 100 for epoch in range(8))]}),
    ):
        assert "plateau-answered-late" not in findings(run)


def test_a_reduction_of_a_metric_that_still_improves_is_told() -> None:
    rising = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9]
    run = trained(
        by_epoch([0.1, 0.1, 0.1, 0.05, 0.05, 0.025], 10), 10, metrics={"val_auc": rising}, plateau=RULE
    )
    found = findings(run)["reduced-while-improving"]

    assert ("warning", 29) == (found.severity, found.step)
    assert {"monitor": "val_auc", "epoch": 2, "mode": "max"} == found.numbers


def test_a_reduction_in_the_right_direction_or_of_a_plateau_is_not_told() -> None:
    lrs = by_epoch([0.1, 0.1, 0.1, 0.05, 0.05, 0.025], 10)
    rising, falling = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9], [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    for metric, rule in (
        (rising, {**RULE, "mode": "max"}),
        (falling, RULE),
        (rising, {**RULE, "applied": False}),
        (rising, {**RULE, "monitor": "my_score"}),
    ):
        metrics = {rule["monitor"]: metric}
        assert "reduced-while-improving" not in findings(trained(lrs, 10, metrics=metrics, plateau=rule))
