"""Formulas of the epoch with a slip in them, and without."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.review.trained import NAME as A
from tests.review.trained import by_epoch, findings, trained
from tests.review.written import block, epoch, fit, run_of

EPOCHS = np.arange(32)


def lrs(formula: Callable[[int], float]) -> list[float]:
    return [formula(int(epoch)) for epoch in EPOCHS]


MISPLACED = lrs(lambda epoch: 0.1 * math.pow(0.5, math.floor(1 + epoch) / 10))
EARLY = lrs(lambda epoch: 0.1 * math.pow(0.5, math.floor((1 + epoch) / 10)))
RIGHT = lrs(lambda epoch: 0.1 * math.pow(0.5, math.floor(epoch / 10)))


def test_a_misplaced_parenthesis_is_found() -> None:
    found = findings(trained(by_epoch(MISPLACED, 7), 7))["staircase-every-epoch"]

    assert "warning" == found.severity
    assert (0.5, 10, 0.1) == tuple(
        found.numbers[name] for name in ("drop", "epochs_drop", "initial_learning_rate")
    )


@pytest.mark.parametrize(
    "other",
    [
        RIGHT,
        EARLY,
        lrs(lambda epoch: 0.1 * 0.95**epoch),
        lrs(lambda epoch: 0.1 * 0.9 ** (epoch + 1)),
        lrs(lambda epoch: 0.1 * 0.5 ** (epoch / 10)),
        lrs(lambda epoch: 0.1 * math.exp(-0.1 * (epoch + 1))),
        lrs(lambda epoch: 0.1 / (1 + 0.1 * epoch)),
        lrs(lambda epoch: 0.05 * (1 + math.cos(epoch / 32 * math.pi))),
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


@pytest.mark.parametrize(
    "other",
    [
        RIGHT,
        EARLY[:15],
        lrs(lambda epoch: 0.1 * 0.5 ** (epoch // 2)),
        lrs(lambda epoch: 0.1 if epoch < 9 else 0.05 if epoch < 19 else 0.005),
        lrs(lambda epoch: 0.1 * 2.0 ** ((1 + epoch) // 10)),
    ],
    ids=["right", "one drop", "every second", "different drops", "rises"],
)
def test_drops_in_time_are_not_early(other: list[float]) -> None:
    assert "drop-one-epoch-early" not in findings(trained(by_epoch(other, 7), 7))


def test_epochs_whose_steps_are_not_here_are_no_boundaries(tmp_path: Path) -> None:
    """As in a run whose last rows could not be written: the epochs' records are there, the steps are not."""
    values = [np.full((5, 4), 0.1 / (1 + number), dtype=np.float32) for number in range(6)]
    records = [fit(A, 0, steps_per_epoch=5), *(block(A, 5 * n, values[n]) for n in range(4))]
    run = run_of(tmp_path, [*records, *(epoch(A, n, 5 * n, 5 * n + 4, loss=1.0) for n in range(6))])

    assert (20, 6, [[20, 29]]) == (run.step.size, len(run.epochs), run.holes.tolist())
    assert {} == findings(run)


def test_epochs_of_which_no_step_is_here_have_no_finding_of_their_rates(tmp_path: Path) -> None:
    records = [epoch(A, number, 4 * number, 4 * number + 3, loss=1.0) for number in range(5)]
    run = run_of(tmp_path, [fit(A, 0, ended="completed", last_step=19), *records])

    assert 0 == run.step.size
    assert set() == {"staircase-every-epoch", "drop-one-epoch-early"} & set(findings(run))
