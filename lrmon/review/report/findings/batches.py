"""Findings about the data, from the positions of batches in epochs that have the same batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from lrmon.analysis.loss.levels import SIGMA, Floats
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, figure
from lrmon.text.wording import quantity

FEWEST: Final = 4
"""At least this many epochs of one length are needed."""
SHORTEST: Final = 8
"""At least this many steps per epoch are needed."""
_MATTERS: Final = 0.7
"""A batch with at least this share of the loss of guessing was not learned, so it is not just hard."""

_EXPLAINED: Final = 0.25
"""If data is sorted, the position explains at least this share of the variance within epochs."""
_ALIKE: Final = 0.3
"""Neighboring positions with at least this correlation are alike."""
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
    """Returns the losses of complete epochs, [epochs, steps]; None if they cannot be compared."""
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
            f"Batch {worst} of each epoch of {length} (counted from 0) has a loss of {figure(here, 3)}; the "
            f"other batches have {figure(level, 3)} (medians over {quantity(len(losses), 'epoch')}). The "
            "data of this batch is corrupted, or harder to fit than the rest."
        ),
        advice=(
            f"Check the samples and labels of batch {worst}. If the data is not shuffled and the batch size "
            f"is b, these are samples {worst} · b to {worst + 1} · b - 1."
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
    """Yields a finding if the loss depends on the position in the epoch, alike at neighboring positions.

    The loss must also rise in the first epoch: what the first batches teach does not hold for the next ones.
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
    start = float(first[0]) if analysis.levels is None else min(float(first[0]), analysis.levels.reference)
    if rest < _ROSE * start or float(first[: length // 2].min()) > 0.98 * float(first[0]):
        return
    yield Finding(
        code="sorted-data",
        severity="warning",
        text=(
            "The data is probably sorted, for example by class, and not shuffled: the position of a batch in "
            f"its epoch explains {100 * explained:.0f}% of the differences in loss between the {length} "
            "batches of an epoch, and neighboring batches are alike. In the first epoch, the loss did not "
            f"drop: it was {figure(start, 3)} "
            f"{'in the first batch' if start == first[0] else 'before training'} and {figure(rest, 3)} in "
            "the median of the last three quarters."
        ),
        advice="Shuffle the data: shuffle=True in fit, or dataset.shuffle(…) with a buffer of its size.",
        step=int(analysis.positions.starts[0]),
        last_step=firsts[-1] + length - 1,
        numbers={
            "explained": round(explained, 4),
            "alike": round(alike, 4),
            "began": start,
            "rest": rest,
        },
    )
