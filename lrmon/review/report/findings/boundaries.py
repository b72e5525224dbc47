"""Findings about a learning rate that is set once per epoch, by a formula with an error."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, figure, listed
from lrmon.review.run.numbers import shortest

_DROPS = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9)
_LONGEST = 100
_SAME_RATIO = 5e-7
_SAME_LR = 1e-5


def boundary_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``staircase-every-epoch`` or ``drop-one-epoch-early``.

    Both need a learning rate that is a number and is set only at the start of epochs, from epoch 0 on.
    """
    lrs = _lrs_of_epochs(analysis)
    if lrs is None:
        return
    yield from _every_epoch(analysis, lrs)
    yield from _one_early(analysis, lrs)


def _lrs_of_epochs(analysis: RunAnalysis) -> NDArray[np.float64] | None:
    """Returns the learning rate of each epoch, None if it is not one number per epoch from epoch 0 on."""
    run, starts = analysis.run, analysis.positions.starts
    if analysis.has_schedule or analysis.positions.unknown.size or not run.complete or starts.size < 4:
        return None
    if not np.array_equal(analysis.positions.epoch_positions, np.arange(starts.size)):
        return None
    if not np.array_equal(run.step[:1], starts[:1]):
        return None  # it starts elsewhere, or no step is recorded
    rows = np.searchsorted(run.step, starts)
    if rows[-1] == run.step.size:
        return None  # an epoch without recorded steps
    lrs = run.learning_rate[rows]
    changes = int(np.count_nonzero(lrs[1:] != lrs[:-1]))
    if changes == 0 or changes != analysis.lr_changes.changes or not bool((lrs > 0).all()):
        return None
    return shortest(lrs)


def _every_epoch(analysis: RunAnalysis, lrs: NDArray[np.float64]) -> Iterator[Finding]:
    """Yields a finding if the learning rate drops in every epoch by the n-th root of a usual drop.

    It also drops in epoch 0. ``lr * pow(drop, floor(1 + epoch) / n)`` gives that, but
    ``floor((1 + epoch) / n)`` was meant. A decay that was chosen has a round ratio, or starts from a round
    number. This one does neither, within float32 precision.
    """
    size = lrs.size
    ratio = float((lrs[-1] / lrs[0]) ** (1.0 / (size - 1)))
    if not 0.0 < ratio < 1.0 or _is_round(ratio, 3) or _is_round(float(lrs[0]), 3):
        return
    if not np.allclose(lrs, lrs[0] * ratio ** np.arange(size), rtol=_SAME_LR, atol=0.0):
        return
    first = float(lrs[0]) / ratio
    root = next(
        (
            (drop, every)
            for every in range(2, _LONGEST + 1)
            for drop in _DROPS
            if abs(drop ** (1.0 / every) / ratio - 1.0) < _SAME_RATIO
        ),
        None,
    )
    if root is None or not _is_round(first, 3):
        return
    drop, every = root
    yield Finding(
        code="staircase-every-epoch",
        severity="warning",
        text=(
            f"The learning rate changes in every epoch by a factor of {figure(ratio, 4)}, and epoch 0 "
            f"already has {figure(lrs[0], 5)} instead of {figure(first, 4)}. This is {drop:g} to the power "
            f"of (1 + epoch) / {every}: the parenthesis of floor() probably closes before the division."
        ),
        advice=(
            f"For a staircase, write pow({drop:g}, floor((1 + epoch) / {every})), or floor(epoch / {every}) "
            f"for LR drops at epochs {every}, {2 * every}, {3 * every}."
        ),
        step=int(analysis.positions.starts[0]),
        last_step=int(analysis.run.step[-1]),
        numbers={
            "drop": drop,
            "epochs_drop": every,
            "ratio": ratio,
            "initial_learning_rate": float(f"{first:.4g}"),
        },
    )


def _one_early(analysis: RunAnalysis, lrs: NDArray[np.float64]) -> Iterator[Finding]:
    """Yields a finding for two or more LR drops by one ratio at epochs n - 1, 2n - 1, …, with n at least 3.

    ``floor((1 + epoch) / n)`` gives them, because Keras counts epochs from 0.
    """
    lr_changes = np.flatnonzero(np.diff(lrs) != 0) + 1
    if lr_changes.size < 2:
        return
    every = int(lr_changes[1] - lr_changes[0])
    ratios = lrs[lr_changes] / lrs[lr_changes - 1]
    if every < 3 or lr_changes[0] != every - 1 or bool((np.diff(lr_changes) != every).any()):
        return
    if float(ratios.max()) >= 1.0 or not np.allclose(ratios, ratios[0], rtol=_SAME_LR, atol=0.0):
        return
    yield Finding(
        code="drop-one-epoch-early",
        severity="info",
        text=(
            f"The learning rate drops at epochs {listed([str(epoch) for epoch in lr_changes.tolist()])}, one "
            f"epoch before each multiple of {every}: Keras counts epochs from 0, but "
            f"floor((1 + epoch) / {every}) counts from 1."
        ),
        advice=(
            f"Use floor(epoch / {every}) if the first {every} epochs should have the initial learning rate."
        ),
        step=int(analysis.positions.starts[lr_changes[0]]),
        last_step=int(analysis.positions.starts[lr_changes[-1]]),
        numbers={
            "epochs": lr_changes.tolist()[:20],
            "epochs_drop": every,
            "factor": float(f"{float(ratios[0]):.6g}"),
        },
    )


def _is_round(value: float, digits: int) -> bool:
    return abs(float(f"{value:.{digits}g}") / value - 1.0) < 1e-6
