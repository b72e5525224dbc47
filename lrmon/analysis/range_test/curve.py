"""The curve of a range test: its loss without the noise, and how steeply that falls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.loss.smoothing import smooth

Floats = NDArray[np.float64]

REACH: Final = 0.4
"""Decades after which a step counts 1/e in the average."""

LARGEST_WEIGHT: Final = 0.999999

_FARTHEST: Final = 1e200
"""Losses beyond it count as it, so that sums of them are numbers."""

_SIGMA: Final = 1.4826
"""Times the median distance from the median: the standard deviation of normal noise."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The steps of a sweep that can be judged. Arrays are aligned with each other, [m].

    Attributes:
      rows: their indices in the sweep.
      lr: the learning rate, not descending.
      log_lr: log10 of it.
      loss: finite.
      smoothed: see `smoothed_loss`.
      slope: of `smoothed` against `log_lr`; NaN where steps before and after have one learning rate.
      broken_after: index in the sweep of the first step after all of `rows`, whose loss is not a number; None
        if the sweep ends with a number.
      density: steps per decade.
      start: level of the smoothed loss in the first tenth.
      lowest: index of the lowest smoothed loss; 0 where there is none.
      batch_noise: standard deviation of single batches' losses, estimated from the differences of neighbors,
        which know nothing of a trend.
      noise: what of it is left in `smoothed`.
    """

    rows: NDArray[np.intp]
    lr: Floats
    log_lr: Floats
    loss: Floats
    smoothed: Floats
    slope: Floats
    broken_after: int | None
    density: float
    start: float
    lowest: int
    batch_noise: float
    noise: float

    @property
    def fall(self) -> float:
        """How far the loss falls from its level at the start."""
        return max(self.start - float(self.smoothed[self.lowest]), 0.0)


def judged_rows(learning_rate: Floats, loss: Floats) -> NDArray[np.intp]:
    """Returns the indices of the steps with a positive learning rate and a finite loss."""
    return np.flatnonzero(np.isfinite(loss) & np.isfinite(learning_rate) & (learning_rate > 0.0))


def weight_of(log_lr: Floats) -> float:
    """Returns the weight of an average that reaches `REACH` decades: exp(-1 / (REACH * steps per decade)).

    A weight by the number of steps, as plots of range tests often have, would smear a short sweep over
    decades and leave a long one noisy.
    """
    density = density_of(log_lr)
    return min(math.exp(-1.0 / (REACH * density)), LARGEST_WEIGHT) if density > 0.0 else 0.0


def density_of(log_lr: Floats) -> float:
    """Returns the number of steps per decade by the median distance of neighbors, 0 without neighbors.

    Steps that use one learning rate, those of an epoch for example, count as so many.
    """
    distances = np.diff(log_lr)
    distances = distances[distances > 0.0]
    steps_per_lr = log_lr.size / (distances.size + 1)
    return steps_per_lr / float(np.median(distances)) if distances.size else 0.0


def smoothed_loss(loss: Floats, weight: float) -> Floats:
    """Returns the debiased exponential average of the losses, taken forwards and then backwards.

    An average that runs forwards lags: its lowest point is at a higher learning rate than that of the loss.
    The way back takes the lag out again.

    A loss that explodes at the end would reach far back on that way. So losses count for no more than
    ``start + max(start - lowest, |start|) / 2``, with the median of the first tenth as start and the
    lowest of the forward average.

    Args:
      loss: [m], finite.
      weight: 0 ≤ weight < 1.
    """
    if not loss.size:
        return loss
    start = float(np.median(loss[: head_of(loss.size)]))
    lowest = float(smooth(loss, weight=weight).min())
    most = start + max(start - lowest, abs(start)) / 2.0
    forwards = smooth(np.minimum(loss, most), weight=weight)
    return smooth(forwards[::-1], weight=weight)[::-1]


def head_of(size: int) -> int:
    """Returns how many steps at the start give its level: a tenth, three at least."""
    return max(3, size // 10)


def slope_of(smoothed: Floats, log_lr: Floats) -> Floats:
    """Returns the slope between the neighbors of each step; at the ends, to the only neighbor."""
    slope = np.full(smoothed.size, np.nan)
    if smoothed.size > 1:
        before = np.maximum(np.arange(smoothed.size) - 1, 0)
        after = np.minimum(np.arange(smoothed.size) + 1, smoothed.size - 1)
        distance = log_lr[after] - log_lr[before]
        apart = distance > 0.0
        slope[apart] = (smoothed[after] - smoothed[before])[apart] / distance[apart]
    return slope


def curve_of(learning_rate: Floats, loss: Floats, weight: float | None) -> tuple[Curve, float]:
    """Returns the curve of a sweep and the weight of its average; an empty curve where no step can be judged.

    Args:
      learning_rate: [n]; where those that can be judged descend, what comes of it means nothing.
      loss: [n].
      weight: of the average; `weight_of` where None.
    """
    rows = judged_rows(learning_rate, loss)
    lr, numbers = learning_rate[rows], np.clip(loss[rows], -_FARTHEST, _FARTHEST)
    log_lr = np.log10(lr)
    used = weight_of(log_lr) if weight is None else weight
    smoothed = smoothed_loss(numbers, used)
    lowest = int(np.argmin(smoothed)) if rows.size else 0
    noise = _noise(numbers[: lowest + 1] if lowest >= 8 else numbers)
    after = int(rows[-1]) + 1 if rows.size else 0
    curve = Curve(
        rows=rows,
        lr=lr,
        log_lr=log_lr,
        loss=numbers,
        smoothed=smoothed,
        slope=slope_of(smoothed, log_lr),
        broken_after=after if after < loss.size and not math.isfinite(loss[after]) else None,
        density=density_of(log_lr),
        start=float(np.median(smoothed[: head_of(smoothed.size)])) if rows.size else math.nan,
        lowest=lowest,
        batch_noise=noise,
        noise=noise * math.sqrt(_left_of_variance(used)),
    )
    return curve, used


def _noise(loss: Floats) -> float:
    if loss.size < 2:
        return 0.0
    differences = np.diff(loss)
    return _SIGMA * float(np.median(np.abs(differences - np.median(differences)))) / math.sqrt(2.0)


def _left_of_variance(weight: float) -> float:
    """Returns the sum of the squared weights of an average forwards and backwards.

    The weights are (1 - w) / (1 + w) · w^|k|: of their squares the sum is ((1 - w) / (1 + w))² ·
    (1 + w²) / (1 - w²).
    """
    ratio = (1.0 - weight) / (1.0 + weight)
    return ratio**2 * (1.0 + weight**2) / (1.0 - weight**2)
