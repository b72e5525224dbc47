"""Findings about validation: overfitting, or no improvement at all."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.loss.levels import Floats, noise_around_course
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, figure, percent

FEWEST: Final = 4
"""With fewer epochs with a validation loss, nothing is reported."""
_LEARNED: Final = 0.2
"""The training loss must drop by at least this share of its start."""
_NOTHING: Final = 0.1
"""An improvement of validation below this share of that of training is none."""
_ROSE: Final = 0.25
"""It is a warning if validation lost at least this share of its progress, otherwise info."""
_SURE: Final = 4.0
_FELL: Final = 0.1
"""The training loss must have dropped by at least this share of its level since."""


def validation_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``validation-never-improved`` or ``overfitting``."""
    levels = analysis.levels
    epochs = analysis.run.epochs
    value = np.array([epoch.metrics.get("val_loss", math.nan) for epoch in epochs])
    there = np.flatnonzero(np.isfinite(value))
    if levels is None or there.size < FEWEST or levels.progress <= max(2 * levels.start_error, 0.0):
        return
    value = value[there]
    training = _training(analysis)[there]
    least = _LEARNED if levels.guess is None else 0.05
    if (
        levels.reference <= 0
        or levels.progress < least * levels.reference
        or not bool(np.isfinite(training).all())
    ):
        return
    best = int(np.argmin(value))
    untrained = levels.start if levels.guess is None else levels.guess
    gain = untrained - float(value[best])
    numbers = {
        "best": float(value[best]),
        "best_epoch": int(analysis.run.epoch_positions[there[best]]),
        "last": float(value[-1]),
        "training_start": levels.start,
        "training_last": float(training[-1]),
    }
    if gain < max(
        _NOTHING * (untrained - float(training.min())), 0.0 if levels.guess is None else 0.02 * levels.guess
    ):
        yield Finding(
            code="validation-never-improved",
            severity="warning",
            text=(
                f"The validation loss never improved: val_loss is {figure(value[0], 3)} after the first "
                f"epoch, {figure(value[best], 3)} at best (epoch {numbers['best_epoch']}) and "
                f"{figure(value[-1], 3)} at the end, while the training loss dropped from "
                f"{figure(levels.start, 3)} to {figure(training[-1], 3)}."
            ),
            advice=(
                "Check that the validation data is prepared like the training data, that its labels are "
                "right, and that the labels can be learned at all."
            ),
            step=int(epochs[there[0]].last_step),
            last_step=int(epochs[there[-1]].last_step),
            numbers=numbers,
        )
        return
    yield from _overfitting(analysis, value, training, there, best, gain, numbers)


def _overfitting(
    analysis: RunAnalysis,
    value: Floats,
    training: Floats,
    there: NDArray[np.intp],
    best: int,
    gain: float,
    numbers: dict[str, float],
) -> Iterator[Finding]:
    """Yields a finding if validation rose from its minimum, for three epochs and a tenth of all.

    The training loss must have dropped by a tenth since.
    """
    since = value.size - 1 - best
    last = float(np.median(value[-3:]))
    rise = last - float(value[best])
    noise = noise_around_course(value)
    fell = float(training[best] - np.median(training[-3:]))
    share = rise / gain if gain > 0 else 0.0
    if (
        since < max(3, value.size // 10)
        or fell < _FELL * training[best]
        or rise < _SURE * noise
        or share < 0.1
    ):
        return
    epoch = int(analysis.run.epoch_positions[there[best]])
    yield Finding(
        code="overfitting",
        severity="warning" if share >= _ROSE or rise >= 0.5 * value[best] > 0 else "info",
        text=(
            f"Overfitting from epoch {epoch} on: val_loss has its minimum there ({figure(value[best], 3)}) "
            f"and rose to {figure(last, 3)}, by {percent(share)} of its progress, while the training loss "
            f"dropped from {figure(training[best], 3)} to {figure(training[-1], 3)}."
        ),
        advice=(
            f"Stop at epoch {epoch} (EarlyStopping with restore_best_weights=True), or use more data, "
            "augmentation or regularization."
        ),
        step=int(analysis.run.epochs[there[best]].last_step),
        last_step=int(analysis.run.epochs[there[-1]].last_step),
        numbers={**numbers, "share": round(share, 4)},
    )


def _training(analysis: RunAnalysis) -> Floats:
    """Returns the mean training loss of each epoch: that of its batches, otherwise that of Keras' logs."""
    logged = np.array(
        [epoch.metrics.get("loss", math.nan) for epoch in analysis.run.epochs], dtype=np.float64
    )
    return np.where(np.isfinite(analysis.epochs.mean_loss), analysis.epochs.mean_loss, logged)
