"""The course of a loss as levels of blocks of steps, with their noise, for judgments of a training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST: Final = 60
"""The fewest finite losses of which a course can be judged."""
_BLOCKS: Final = 48
SIGMA: Final = 1.4826
"""Times the median distance from the median: the standard deviation of normal noise."""
_MEDIAN_ERROR: Final = 1.2533
"""Standard error of a median, in standard errors of a mean."""


@dataclass(frozen=True, slots=True)
class LossLevels:
    """The finite losses of a run and the levels of blocks of them. A level is a median.

    Attributes:
      step: [n], of each finite loss.
      loss: [n], float64.
      learning_rate: [n], float64; NaN where it is not known.
      row: [m + 1], the index in these columns at which each block starts; the last is n.
      level: [m], median of each block.
      error: [m], standard error of each level, larger where neighbors resemble each other.
      noise: [m], standard deviation of single losses around the level of their block, robust.
      start: the level before training: the median of the first losses, or the very first of all where the
        next ones are more than twice as high.
      start_error: its standard error.
      guess: the loss of guessing among the classes, where their number is known.
    """

    step: NDArray[np.int64]
    loss: Floats
    learning_rate: Floats
    row: NDArray[np.intp]
    level: Floats
    error: Floats
    noise: Floats
    start: float
    start_error: float
    guess: float | None

    @property
    def reference(self) -> float:
        """What progress is counted from: the start, or what guessing has, where that is lower."""
        return self.start if self.guess is None else min(self.start, self.guess)

    @property
    def last(self) -> Floats:
        """The losses of the end: those of the last blocks, a twentieth of all, one at least."""
        return self.loss[self.row[-1 - max(1, round(self.level.size / 20))] :]

    @property
    def end(self) -> float:
        """The level at the end."""
        return float(np.median(self.last))

    @property
    def smooth(self) -> Floats:
        """[m], each level's median with its neighbors, so that no single block makes a best value."""
        if self.level.size < 3:
            return self.level
        padded = np.concatenate((self.level[:1], self.level, self.level[-1:]))
        middle: Floats = np.median(np.stack((padded[:-2], padded[1:-1], padded[2:])), axis=0)
        return middle

    @property
    def best(self) -> int:
        """The block with the lowest smoothed level."""
        return int(np.argmin(self.smooth))

    @property
    def progress(self) -> float:
        """By how much the loss fell from the reference to its best level."""
        return self.reference - float(self.smooth[self.best])

    def block_of(self, row: int) -> int:
        """Returns the block that contains an index of the columns."""
        return int(np.searchsorted(self.row, row, side="right")) - 1


def loss_levels(
    step: NDArray[np.int64],
    loss: NDArray[np.floating[Any]],
    learning_rate: NDArray[np.floating[Any]],
    epoch_length: int | None = None,
    guess: float | None = None,
) -> LossLevels | None:
    """Returns the levels of a loss, None for fewer than `FEWEST` finite losses.

    Blocks are whole epochs where all have one length and there are at least eight, so that the order of the
    data shows in no level; else some 48 blocks of one size, counted from the end.

    Args:
      step: [n], ascending.
      loss: [n], of each step; non-finite ones are ignored.
      learning_rate: [n], of each step.
      epoch_length: steps of an epoch, where all epochs have one length.
      guess: the loss of guessing among the classes, where their number is known.
    """
    finite = np.isfinite(loss)
    values = loss[finite].astype(np.float64)
    size = values.size
    if size < FEWEST:
        return None
    width = max(size // _BLOCKS, 8)
    if epoch_length is not None and epoch_length >= 4 and size // epoch_length >= 8:
        width = epoch_length * max(round(width / epoch_length), 1)
    count = size // width
    rest = size - count * width
    row = np.concatenate(([0], rest + width * np.arange(1, count + 1))).astype(np.intp)
    body = values[rest:].reshape(count, width)
    level = np.median(body, axis=1)
    if rest:
        # The first block takes what is left over.
        level[0] = np.median(values[: rest + width])
    around = body - level[:, None]
    noise = SIGMA * np.median(np.abs(around), axis=1)
    alike = _likeness(around)
    error = _MEDIAN_ERROR * noise / np.sqrt(width) * np.sqrt((1 + alike) / (1 - alike))
    first = min(max(5, size // 100), width)
    start = float(np.median(values[:first]))
    spread = max(SIGMA * float(np.median(np.abs(values[:first] - start))), float(noise[0]))
    if start > 2 * values[0] > 0:
        start = float(values[0])
        spread = min(spread, 0.2 * start)
    return LossLevels(
        step=step[finite],
        loss=values,
        learning_rate=learning_rate[finite].astype(np.float64),
        row=row,
        level=level,
        error=error,
        noise=noise,
        start=start,
        start_error=_MEDIAN_ERROR * spread / float(np.sqrt(first)),
        guess=guess,
    )


def _likeness(around: Floats) -> float:
    """The correlation of neighboring losses within blocks, 0 to 0.9; wild ones count as others do."""
    limit = 4 * SIGMA * float(np.median(np.abs(around)))
    if limit <= 0:
        return 0.0
    clipped = np.clip(around, -limit, limit)
    squares = float((clipped * clipped).sum())
    products = float((clipped[:, 1:] * clipped[:, :-1]).sum())
    return min(max(products / squares, 0.0), 0.9) if squares > 0 else 0.0


def noise_around_course(values: Floats) -> float:
    """Returns the standard deviation of a series around its course; 0 for fewer than 4 values.

    It is that of its second differences.

    >>> noise_around_course(np.arange(10.0))
    0.0
    """
    if values.size < 4:
        return 0.0
    second = np.diff(values, 2)
    return SIGMA * float(np.median(np.abs(second - np.median(second)))) / math.sqrt(6.0)
