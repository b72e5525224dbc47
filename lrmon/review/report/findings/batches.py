"""What the place of a batch in its epoch says of the data, where every epoch has the same batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from lrmon.analysis.loss.levels import SIGMA, Floats
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, figure

FEWEST: Final = 4
"""Epochs of one length that are needed."""
SHORTEST: Final = 8
"""Steps an epoch has at least."""
_MATTERS: Final = 0.7
"""A batch whose loss is this share of a guess's was not learned; one with a hard sample was."""

_EXPLAINED: Final = 0.25
"""Share of the variance within epochs that the place explains, where data is sorted."""
_ALIKE: Final = 0.3
"""Correlation of neighboring places from which on they are alike."""
_ROSE: Final = 1.05


def batch_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``corrupted-batch`` or ``sorted-data``."""
    whole_epochs = folded(analysis)
    if whole_epochs is None:
        return
    losses, firsts, length = whole_epochs
    level = np.median(losses, axis=1)
    away = losses - level[:, None]
    scale = np.maximum(SIGMA * np.median(np.abs(away), axis=1), 1e-12 * np.abs(level) + 1e-300)
    relative = away / scale[:, None]
    middle = np.median(relative, axis=0)
    # The last batch of an epoch may be smaller than the others, and so may its losses be wilder.
    inner = middle[:-1]
    spread = max(SIGMA * float(np.median(np.abs(inner - np.median(inner)))), 1e-12)
    height = (inner - np.median(inner)) / spread
    worst = int(np.argmax(height))
    others = np.sort(np.delete(inner, worst))[-1]
    shared = float(np.mean(relative[:, worst] > np.quantile(relative[:, :-1], 0.9, axis=1)))
    levels = analysis.levels
    untrained = 0.0 if levels is None else levels.start if levels.guess is None else levels.guess
    here = float(np.median(losses[:, worst]))
    is_high = height[worst] >= 6 and inner[worst] >= 4 and inner[worst] >= 1.5 * max(others, 0.0)
    if is_high and shared >= 0.75 and here >= _MATTERS * untrained > 0:
        yield _corrupted(analysis, losses, firsts, worst, length)
        return
    yield from _sorted(analysis, losses, firsts, length)


def folded(analysis: RunAnalysis) -> tuple[Floats, list[int], int] | None:
    """Returns the losses of whole epochs, [epochs, steps]; None where they cannot be compared."""
    run = analysis.run
    length = analysis.positions.steps_per_epoch
    if length is None or length < SHORTEST or not analysis.loss_is_exact:
        return None
    rows = np.searchsorted(run.step, analysis.positions.starts)
    whole = [
        (row, int(first))
        for row, first in zip(rows.tolist(), analysis.positions.starts.tolist(), strict=True)
        if row + length <= run.step.size and int(run.step[row + length - 1]) == int(first) + length - 1
    ]
    whole = whole[len(whole) // 6 :] if len(whole) > FEWEST else whole
    losses = np.array([run.loss[row : row + length] for row, _ in whole], dtype=np.float64)
    good = np.array([bool(np.isfinite(row).all()) for row in losses], dtype=bool)
    if int(good.sum()) < FEWEST:
        return None
    return losses[good], [first for (_, first), ok in zip(whole, good.tolist(), strict=True) if ok], length


def _corrupted(analysis: RunAnalysis, losses: Floats, firsts: list[int], worst: int, length: int) -> Finding:
    here, level = float(np.median(losses[:, worst])), float(np.median(losses))
    start = int(analysis.positions.starts[0])
    return Finding(
        code="corrupted-batch",
        severity="warning",
        text=(
            f"Batch {worst} of each epoch of {length} (counted from 0) has a loss of {figure(here, 3)}, "
            "where the others "
            f"have {figure(level, 3)}, in the median over {len(losses)} epochs: its data is corrupted, or "
            "harder to fit than the rest."
        ),
        advice=(
            f"Look at samples and labels of batch {worst} (with batch size b its samples are {worst} · b to "
            f"{worst + 1} · b - 1, if the data is not shuffled)."
        ),
        step=start + worst,
        last_step=firsts[-1] + worst,
        numbers={
            "batch": worst,
            "loss": here,
            "others": level,
            "epochs": len(losses),
            "steps_per_epoch": length,
        },
    )


def _sorted(analysis: RunAnalysis, losses: Floats, firsts: list[int], length: int) -> Iterator[Finding]:
    """The loss follows the place in the epoch, in every epoch, and neighboring places are alike.

    And in the first epoch the loss rose instead of falling: what the first batches teach does not hold for
    the next ones.
    """
    profile = np.median(losses, axis=0)
    around = losses - np.median(losses, axis=1)[:, None]
    pattern = profile - np.median(profile)
    squares = float((around * around).sum())
    explained = 1.0 - float(((around - pattern) ** 2).sum()) / squares if squares > 0 else 0.0
    away = pattern - pattern.mean()
    total = float(away @ away)
    alike = float(away[1:] @ away[:-1]) / total if total > 0 else 0.0
    row = int(np.searchsorted(analysis.run.step, analysis.positions.starts[0]))
    first = analysis.run.loss[row : row + length].astype(np.float64)
    if explained < _EXPLAINED or alike < _ALIKE or not bool(np.isfinite(first).all()):
        return
    rest = float(np.median(first[length // 4 :]))
    began = float(first[0]) if analysis.levels is None else min(float(first[0]), analysis.levels.reference)
    if rest < _ROSE * began or float(first[: length // 2].min()) > 0.98 * float(first[0]):
        return
    yield Finding(
        code="sorted-data",
        severity="warning",
        text=(
            f"The loss follows the place of the batch in the epoch, which explains {100 * explained:.0f}% of "
            f"how the {length} batches of an epoch differ, and batches that follow each other are alike. The "
            f"first epoch brought no fall: {figure(rest, 3)} in the median of its last three quarters, "
            f"{figure(began, 3)} {'in its first batch' if began == first[0] else 'without training'}. Data "
            "that is sorted, by class for example, and not shuffled does that."
        ),
        advice="Shuffle the data: shuffle=True in fit, or dataset.shuffle(…) with a buffer of its size.",
        step=int(analysis.positions.starts[0]),
        last_step=firsts[-1] + length - 1,
        numbers={
            "explained": round(explained, 4),
            "alike": round(alike, 4),
            "began": began,
            "rest": rest,
        },
    )
