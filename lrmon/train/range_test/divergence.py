"""When to stop a sweep: the loss is no number any more, or far above its best."""

from __future__ import annotations

import math
from typing import Final

WARM_IN: Final = 10
"""Steps, or a quarter of the sweep, before which the average says too little to stop by."""

REGAINED: Final = 0.25
"""The share of its fall that a loss has to lose again."""


class Divergence:
    """Judges the losses of one sweep as they come.

    A sweep has diverged where the debiased exponential average of its losses is above::

        max(best + (stop_factor - 1) · |best|,  best + 0.25 · (first - best))

    with the best and the first of the averages. The first is stop_factor · best where losses are positive.
    The second keeps a loss that has come near 0 from ending the sweep by its noise.

    Args:
        stop_factor: Above 1.
        smoothing: Weight of the average, 0 ≤ smoothing < 1.
        steps: Of the whole sweep.
    """

    def __init__(self, stop_factor: float, smoothing: float, steps: int) -> None:
        self._stop_factor: Final = stop_factor
        self._smoothing: Final = smoothing
        self._warm_in: Final = min(WARM_IN, steps // 4)
        self._count = 0
        self._sum = 0.0
        self._first = self._best = math.nan

    def after(self, loss: float) -> tuple[str, str] | None:
        """Returns why to stop after a step with this loss, None to continue.

        The first part is one of `lrmon.schema.RangeTestRecord`'s words, the second a sentence.
        """
        if not math.isfinite(loss):
            return "not finite", f"The loss became {loss}."
        self._count += 1
        self._sum = self._smoothing * self._sum + (1.0 - self._smoothing) * loss
        smoothed = self._sum / (1.0 - self._smoothing**self._count)
        if self._count == 1:
            self._first = self._best = smoothed
        best = self._best
        limit = max(
            best + (self._stop_factor - 1.0) * abs(best), best + REGAINED * max(self._first - best, 0.0)
        )
        if self._count > self._warm_in and smoothed > limit:
            return "diverged", f"The smoothed loss rose to {smoothed:.4g}, from a best of {best:.4g}."
        self._best = min(best, smoothed)
        return None
