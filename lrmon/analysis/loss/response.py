"""How level and slope of the loss change at an LR change, with their errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_FEWEST: Final = 8
"""Finite losses on each side, below which a line through them says nothing."""


@dataclass(frozen=True, slots=True)
class Response:
    """The loss after an LR change, compared with the continuation of the straight line before it.

    Attributes:
      steps: how many losses after the LR change are used.
      before: mean of the loss before.
      after: mean of the loss after.
      level: `after` minus what the line before the LR change gives there.
      level_error: standard error of `level`.
      slope: slope after less slope before, in loss per step.
      slope_error: standard error of `slope`.
    """

    steps: int
    before: float
    after: float
    level: float
    level_error: float
    slope: float
    slope_error: float


@dataclass(frozen=True, slots=True)
class _Line:
    middle: float
    mean: float
    slope: float
    noise: float
    """Variance of one loss around the line, larger where neighbors are alike."""
    count: int
    spread: float
    """Sum of the squared distances from the middle."""


def loss_response(before: NDArray[np.floating], after: NDArray[np.floating]) -> Response | None:
    """Returns the response of the loss; None with fewer than 8 finite losses on a side.

    A line is fitted to the losses before and one to those after. Their noise is what is left of the losses,
    with neighbors that resemble each other counting as fewer. A loss that falls ever more slowly, as losses
    do, is above the line before: a positive `level` is expected of an LR change without effect, a negative
    one is not.

    Args:
      before: losses of the steps before, the last one right before the LR change.
      after: losses from the first step with the new learning rate on.
    """
    first = _line(before, -before.size)
    second = _line(after, 0)
    if first is None or second is None:
        return None
    ahead = second.middle - first.middle
    return Response(
        steps=second.count,
        before=first.mean,
        after=second.mean,
        level=second.mean - (first.mean + first.slope * ahead),
        level_error=math.sqrt(
            second.noise / second.count + first.noise * (1.0 / first.count + ahead**2 / first.spread)
        ),
        slope=second.slope - first.slope,
        slope_error=math.sqrt(first.noise / first.spread + second.noise / second.spread),
    )


def _line(losses: NDArray[np.floating], start: int) -> _Line | None:
    values = losses.astype(np.float64)
    positions = np.arange(start, start + values.size, dtype=np.float64)
    finite = np.isfinite(values)
    values, positions = values[finite], positions[finite]
    if values.size < _FEWEST:
        return None
    middle, mean = float(positions.mean()), float(values.mean())
    away = positions - middle
    spread = float(away @ away)
    slope = float(away @ (values - mean)) / spread
    rest = values - mean - slope * away
    squares = float(rest @ rest)
    alike = min(max(float(rest[1:] @ rest[:-1]) / squares, 0.0), 0.9) if squares > 0 else 0.0
    noise = squares / (values.size - 2) * (1 + alike) / (1 - alike)
    return _Line(middle, mean, slope, noise, values.size, spread)
