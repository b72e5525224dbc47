"""The epoch axis: positions of rows in completed, running and interrupted epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrmon.review.run.run import Epoch, Fit


@dataclass(frozen=True, slots=True)
class EpochAxis:
    """Positions on the epoch axis; see the attributes of `lrmon.review.run.run.Run`."""

    row_positions: NDArray[np.float64]
    epoch_positions: NDArray[np.float64]
    end: float


@dataclass(frozen=True, slots=True)
class _Span:
    """Steps with even positions: `first_step` is at `position`, and each step adds `slope`."""

    first_step: int
    position: float
    slope: float


def lay_out(steps: NDArray[np.int64], epochs: Sequence[Epoch], fits: Sequence[Fit]) -> EpochAxis:
    """Returns the positions of rows and epochs on the epoch axis.

    A row of a completed epoch is at ``number + (step - first step) / steps in the epoch``. In an epoch that
    has not ended, the divisor is the planned length, otherwise the length of a neighbor, but at least the
    number of steps that it already has. Epochs whose records are missing share the steps between their
    neighbors evenly. If the numbers go back, in a fit that counts from 0 again or repeats an interrupted
    epoch, its epochs are still after those before.

    Args:
      steps: of the rows, ascending.
      epochs: ascending in steps, without overlaps.
      fits: ascending in first steps.
    """
    layout = _Layout(epochs, fits, int(steps[-1]) if steps.size else -1)
    for epoch in epochs:
        layout.add(epoch)
    is_running = layout.add_unended()
    positions = np.full(steps.size, np.nan)
    if layout.spans:
        borders = [*np.searchsorted(steps, [span.first_step for span in layout.spans]), steps.size]
        for span, start, stop in zip(layout.spans, borders, borders[1:], strict=False):
            positions[start:stop] = span.position + (steps[start:stop] - span.first_step) * span.slope
    if not bool(np.isfinite(positions).all()):
        positions[:] = math.nan
    end = layout.end if epochs else math.nan
    if is_running:
        end = float(positions[-1])
    return EpochAxis(positions, np.array(layout.epoch_positions, dtype=np.float64), end)


class _Layout:
    """The axis, laid out from left to right."""

    def __init__(self, epochs: Sequence[Epoch], fits: Sequence[Fit], last_row: int) -> None:
        self.spans: list[_Span] = []
        self.epoch_positions: list[float] = []
        self.end = 0.0
        self._fits = fits
        self._last_row = last_row
        self._entered = 0
        self._next_step = 0
        self._next_number = 0
        self._shift = 0.0
        lengths = [epoch.last_step - epoch.first_step + 1 for epoch in epochs]
        planned = [fit.steps_per_epoch for fit in fits]
        self._length = next((length for length in [*lengths, *planned] if length), None)

    def add(self, epoch: Epoch) -> None:
        """Adds a completed epoch, and the steps before it that are not on the axis yet."""
        self._enter_fits(epoch.first_step)
        first_step = epoch.first_step
        steps, missing = first_step - self._next_step, epoch.number - self._next_number
        if steps > 0 and missing > 0:
            position = self._position(self._next_number)
            self.spans.append(_Span(self._next_step, position, missing / steps))
            self.end = position + missing
        elif steps > 0:
            first_step = self._next_step
        position = self._position(epoch.number)
        length = epoch.last_step - first_step + 1
        if length:
            self.spans.append(_Span(first_step, position, 1.0 / length))
            self._length = length
        self.epoch_positions.append(position)
        self.end = position + 1.0
        self._next_step, self._next_number = epoch.last_step + 1, epoch.number + 1

    def add_unended(self) -> bool:
        """Adds the rows after the last completed epoch; returns whether there are any."""
        self._enter_fits(self._last_row)
        return self._add_unended_until(self._last_row + 1)

    def _enter_fits(self, step: int) -> None:
        """Continues with the fit that contains `step`, which ends a running epoch of the fit before."""
        while self._entered < len(self._fits) and self._fits[self._entered].first_step <= step:
            fit = self._fits[self._entered]
            if self._entered:
                self._add_unended_until(fit.first_step)
            self._next_step = max(self._next_step, fit.first_step)
            self._next_number, self._shift = fit.initial_epoch, 0.0
            self._entered += 1

    def _add_unended_until(self, stop: int) -> bool:
        """Adds an epoch that has not ended, from the next step up to `stop`, exclusive."""
        steps = min(stop, self._last_row + 1) - self._next_step
        planned = self._fits[self._entered - 1].steps_per_epoch if self._entered else None
        length = planned or self._length
        if steps <= 0 or length is None:
            return False
        position = self._position(self._next_number)
        self.spans.append(_Span(self._next_step, position, 1.0 / max(length, steps)))
        self.end = position + 1.0
        return True

    def _position(self, number: int) -> float:
        """Returns where an epoch with this number starts: further right if its position is occupied."""
        if self.spans or self.epoch_positions:
            self._shift = max(self._shift, self.end - number)
        return number + self._shift
