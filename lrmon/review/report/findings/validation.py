"""Training against validation: learned by heart, or never learned for other data at all."""

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
"""Epochs with a validation loss below which nothing is said."""
_LEARNED: Final = 0.2
"""Share of its start that the training loss has to fall by, before it counts as learning."""
_NOTHING: Final = 0.1
"""A gain of validation below this share of training's is none."""
_ROSE: Final = 0.25
"""Share of its progress that validation has to give back to be a warning; less is good to know."""
_SURE: Final = 4.0
_FELL: Final = 0.1
"""Share of its level that the training loss has to have fallen by since."""


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
                f"Validation never improved: val_loss is {figure(value[0], 3)} after the first epoch, "
                f"{figure(value[best], 3)} at best (epoch {numbers['best_epoch']}) and "
                f"{figure(value[-1], 3)} at the "
                f"end, while the training loss fell from {figure(levels.start, 3)} to {figure(training[-1], 3)}."
            ),
            advice=(
                "Check that validation data is prepared as the training data is and has the right labels, "
                "and that "
                "the labels can be learned at all."
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
    """Validation rose from its minimum, for three epochs and a tenth of all, and training fell by a tenth."""
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
            f"Overfitting from epoch {epoch} on: val_loss was lowest there ({figure(value[best], 3)}) and "
            "rose to "
            f"{figure(last, 3)}, {percent(share)} of what it had gained, while the training loss fell "
            "further, from "
            f"{figure(training[best], 3)} to {figure(training[-1], 3)}."
        ),
        advice=(
            f"Stop at epoch {epoch} (EarlyStopping with restore_best_weights=True), or use more data, "
            "augmentation or "
            "regularization."
        ),
        step=int(analysis.run.epochs[there[best]].last_step),
        last_step=int(analysis.run.epochs[there[-1]].last_step),
        numbers={**numbers, "share": round(share, 4)},
    )


def _training(analysis: RunAnalysis) -> Floats:
    """Returns the mean training loss of each epoch: of its batches, else as Keras logged it."""
    logged = np.array(
        [epoch.metrics.get("loss", math.nan) for epoch in analysis.run.epochs], dtype=np.float64
    )
    return np.where(np.isfinite(analysis.epochs.mean_loss), analysis.epochs.mean_loss, logged)
