"""Formulas of the epoch with a slip in them, and without."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from tests.review.trained import by_epoch, findings, trained

EPOCHS = np.arange(32)


def rates(formula: Callable[[int], float]) -> list[float]:
    return [formula(int(epoch)) for epoch in EPOCHS]


MISPLACED = rates(lambda epoch: 0.1 * math.pow(0.5, math.floor(1 + epoch) / 10))
EARLY = rates(lambda epoch: 0.1 * math.pow(0.5, math.floor((1 + epoch) / 10)))
RIGHT = rates(lambda epoch: 0.1 * math.pow(0.5, math.floor(epoch / 10)))


def test_a_misplaced_parenthesis_is_found() -> None:
    found = findings(trained(by_epoch(MISPLACED, 7), 7))["staircase-every-epoch"]

    assert "warning" == found.severity
    assert (0.5, 10, 0.1) == tuple(
        found.numbers[name] for name in ("drop", "epochs_drop", "initial_learning_rate")
    )
    assert "0.5 to the power of (1 + epoch) / 10" in found.text
    assert "pow(0.5, floor((1 + epoch) / 10))" in found.advice


@pytest.mark.parametrize(
    "other",
    [
        RIGHT,
        EARLY,
        rates(lambda epoch: 0.1 * 0.95**epoch),
        rates(lambda epoch: 0.1 * 0.9 ** (epoch + 1)),
        rates(lambda epoch: 0.1 * 0.5 ** (epoch / 10)),
        rates(lambda epoch: 0.1 * math.exp(-0.1 * (epoch + 1))),
        rates(lambda epoch: 0.1 / (1 + 0.1 * epoch)),
        rates(lambda epoch: 0.05 * (1 + math.cos(epoch / 32 * math.pi))),
    ],
    ids=["right", "early", "by 0.95", "by 0.9", "halved smoothly", "exponential", "time", "cosine"],
)
def test_a_curve_by_choice_is_not_a_misplaced_parenthesis(other: list[float]) -> None:
    assert "staircase-every-epoch" not in findings(trained(by_epoch(other, 7), 7))


def test_a_misplaced_parenthesis_is_not_told_of_a_run_that_begins_in_the_middle() -> None:
    run = trained(by_epoch(MISPLACED[5:], 7), 7, first_step=35, first_epoch=5)

    assert "staircase-every-epoch" not in findings(run)


def test_drops_one_epoch_early_are_found() -> None:
    found = findings(trained(by_epoch(EARLY, 7), 7))["drop-one-epoch-early"]

    assert ("info", 63) == (found.severity, found.step)
    assert [9, 19, 29] == found.numbers["epochs"]
    assert "drops at epochs 9, 19 and 29, one before each multiple of 10" in found.text


@pytest.mark.parametrize(
    "other",
    [
        RIGHT,
        EARLY[:15],
        rates(lambda epoch: 0.1 * 0.5 ** (epoch // 2)),
        rates(lambda epoch: 0.1 if epoch < 9 else 0.05 if epoch < 19 else 0.005),
        rates(lambda epoch: 0.1 * 2.0 ** ((1 + epoch) // 10)),
    ],
    ids=["right", "one drop", "every second", "different drops", "rises"],
)
def test_drops_in_time_are_not_early(other: list[float]) -> None:
    assert "drop-one-epoch-early" not in findings(trained(by_epoch(other, 7), 7))
