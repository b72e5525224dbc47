"""Step records of a training step that is not compiled, with values that may still be computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrmon.train.ring_buffer.base import StepRecords, grown

_Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HostRecord:
    """One step, each value a number, or a scalar of the backend that no one changes any more.

    Attributes:
        iterations: [m], the counter of each optimizer before the step.
        iterations_after: [m], the same after it.
        learning_rates: [m], that the update of each used.
        loss: The batch's.
        samples: Of the batch, None if no one counts them.
    """

    iterations: Sequence[Any]
    iterations_after: Sequence[Any]
    learning_rates: Sequence[Any]
    loss: Any
    samples: int | None = None


class HostRecords:
    """The latest step records. One thread appends while another reads.

    Args:
        depth: How many.
        read: Values to numbers, which waits for the device.
    """

    def __init__(self, depth: int, read: Callable[[list[Any]], _Doubles]) -> None:
        self._read: Final = read
        self._rows: list[HostRecord | None] = [None] * depth
        self.count = 0
        """Step records appended."""

    def append(self, row: HostRecord) -> None:
        """Keeps the step record in place of the oldest."""
        self._rows[self.count % len(self._rows)] = row
        # A reader in another thread that sees the count must see the step record.
        self.count += 1

    def samples(self, start: int) -> int | None:
        """Returns the samples of the batch of step record `start`, or of the first kept one after it."""
        row = self._rows[max(start, self.count - len(self._rows)) % len(self._rows)]
        return None if row is None else row.samples

    def between(self, start: int, stop: int, optimizers: int) -> StepRecords:
        """Returns step records `start` to `stop`, less the first where they are overwritten.

        Args:
            start: First step record.
            stop: The one after the last.
            optimizers: How many columns there are; of an optimizer that a step record does not know yet, its
                values are NaN.
        """
        start = max(start, self.count - len(self._rows))
        held = [self._rows[index % len(self._rows)] for index in range(start, stop)]
        rows = [row for row in held if row is not None]
        before = self._columns([row.iterations for row in rows], optimizers)
        return StepRecords(
            iteration=before,
            updates=grown(before, self._columns([row.iterations_after for row in rows], optimizers)),
            learning_rate=self._columns([row.learning_rates for row in rows], optimizers),
            loss=self._read([row.loss for row in rows]),
        )

    def _columns(self, rows: list[Sequence[Any]], width: int) -> _Doubles:
        """Returns [n, width], read a column at a time."""
        columns = np.full((len(rows), width), np.nan)
        for column in range(width):
            known = [position for position, row in enumerate(rows) if column < len(row)]
            if known:
                columns[known, column] = self._read([rows[position][column] for position in known])
        return columns
