"""The positions of steps among the epochs of a run, and how reports write them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lrmon.review.run.run import Run

Steps = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Positions:
    """The epochs of a run on its step axis, also those that have not ended.

    Attributes:
      starts: [k], ascending: the first step of each epoch that has a step.
      epoch_positions: [k], where each starts on the epoch axis.
      end: the step at which the last of them ends, or will end; exclusive. None without epochs.
      unknown: [m, 2], first and last step of each part in which epochs started whose records are missing.
    """

    starts: Steps
    epoch_positions: NDArray[np.float64]
    end: int | None
    unknown: Steps

    def known(self, steps: Steps) -> NDArray[np.bool_]:
        """Returns which of `steps` are in an epoch whose start is known."""
        inside = np.searchsorted(self.starts, steps, side="right") > 0
        for first, last in self.unknown.tolist():
            inside &= (steps < first) | (steps > last)
        return inside

    def epoch_of(self, step: int) -> int | None:
        """Returns the position on the epoch axis of the epoch that contains `step`; None if it is unknown."""
        if not bool(self.known(np.array([step]))[0]):
            return None
        return math.floor(
            float(self.epoch_positions[int(np.searchsorted(self.starts, step, side="right")) - 1])
        )

    def describe(self, step: int) -> str:
        """Returns the position of a step in words.

        For example ``step 95 (epoch 1 + 19/76)``.
        """
        epoch = self.epoch_of(step)
        if epoch is None:
            return f"step {step:,}"
        index = int(np.searchsorted(self.starts, step, side="right")) - 1
        offset = step - int(self.starts[index])
        if offset == 0:
            return f"step {step:,} (the start of epoch {epoch})"
        return f"step {step:,} (epoch {epoch} + {offset}/{self.length(index)})"

    def length(self, index: int) -> int:
        """Returns how many steps the epoch with this index in `starts` has."""
        after = int(self.starts[index + 1]) if index + 1 < self.starts.size else self.end
        return (after or 0) - int(self.starts[index])

    @property
    def steps_per_epoch(self) -> int | None:
        """The number of steps of every epoch, None if they differ; the last one may be shorter."""
        lengths = [self.length(index) for index in range(self.starts.size)]
        if not lengths or lengths[0] <= 0 or lengths[-1] > lengths[0] or set(lengths[:-1]) - {lengths[0]}:
            return None
        return lengths[0]


def positions(run: Run) -> Positions:
    """Returns where the run's epochs start."""
    position_at: dict[int, float] = {}
    covered: list[tuple[int, int]] = []
    for epoch, position in zip(run.epochs, run.epoch_positions.tolist(), strict=True):
        if epoch.last_step >= epoch.first_step:
            position_at[epoch.first_step] = position
            covered.append((epoch.first_step, epoch.last_step))
    unknown: list[tuple[int, int]] = []
    if run.step.size and math.isfinite(run.epoch[0]):
        last_row = int(run.step[-1])
        fits = [fit.first_step for fit in run.fits]
        stops = [*(first for first, _ in covered), last_row + 1]
        begin = min(fits[0], int(run.step[0])) if fits else int(run.step[0])
        for (_, last), stop in zip([(begin, begin - 1), *covered], stops, strict=True):
            for first, end in _pieces(last + 1, stop, fits):
                row, final = np.searchsorted(run.step, [first, end]).tolist()
                if row == final:
                    continue
                position = math.floor(float(run.epoch[row]) + 1e-6)
                if math.ceil(float(run.epoch[final - 1]) - 1e-6) - position > 1:
                    unknown.append((first, end - 1))
                position_at[first] = position
    starts = sorted(position_at)
    return Positions(
        np.array(starts, dtype=np.int64),
        np.array([position_at[start] for start in starts], dtype=np.float64),
        _end(run, starts, dict(covered)) if starts else None,
        np.array(unknown, dtype=np.int64).reshape(-1, 2),
    )


def _pieces(first: int, stop: int, fits: list[int]) -> list[tuple[int, int]]:
    """Returns [first, stop) in parts, cut where a fit starts."""
    cuts = [first, *(fit for fit in fits if first < fit < stop), stop]
    return [(a, b) for a, b in pairwise(cuts) if a < b]


def _end(run: Run, starts: list[int], lasts: dict[int, int]) -> int:
    """Returns where the last epoch ends: recorded, planned, or after as many steps as the one before."""
    start = starts[-1]
    if start in lasts:
        return lasts[start] + 1
    planned = run.fits[-1].steps_per_epoch if run.fits else None
    length = planned or (start - starts[-2] if len(starts) > 1 else 0)
    return max(start + length, int(run.step[-1]) + 1)
