"""Rows of a training step that is not compiled: kept as they come, with values that may still be computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrmon.train.ring.base import StepRows

_Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HostRow:
    """One step, each value a number, or a scalar of the backend that nobody changes any more.

    Attributes:
        iteration: The first optimizer's counter before the step.
        iteration_after: The same after it.
        loss: The batch's.
        learning_rates: [m], that the update of each optimizer used.
        samples: Of the batch, None where nobody counts them.
    """

    iteration: Any
    iteration_after: Any
    loss: Any
    learning_rates: Sequence[Any]
    samples: int | None = None


class HostRows:
    """The latest rows. One thread appends while another reads.

    Args:
        depth: How many.
        read: Values to numbers, which waits for the device.
    """

    def __init__(self, depth: int, read: Callable[[list[Any]], _Doubles]) -> None:
        self._read: Final = read
        self._rows: list[HostRow | None] = [None] * depth
        self.count = 0
        """Rows appended."""

    def append(self, row: HostRow) -> None:
        """Keeps the row in place of the oldest."""
        self._rows[self.count % len(self._rows)] = row
        # A reader in another thread that sees the count must see the row.
        self.count += 1

    def samples(self, start: int) -> int | None:
        """Returns how many samples the batch of row `start` had, or of the first after it that is left."""
        row = self._rows[max(start, self.count - len(self._rows)) % len(self._rows)]
        return None if row is None else row.samples

    def between(self, start: int, stop: int, optimizers: int) -> StepRows:
        """Returns rows `start` to `stop`, less the first where they are overwritten.

        Args:
            start: First row.
            stop: The one after the last.
            optimizers: How many learning rates a row has; of a row that has not, they are NaN.
        """
        start = max(start, self.count - len(self._rows))
        held = [self._rows[index % len(self._rows)] for index in range(start, stop)]
        rows = [row for row in held if row is not None]
        missing = [np.nan] * optimizers
        rates = [row.learning_rates if len(row.learning_rates) == optimizers else missing for row in rows]
        iteration = self._read([row.iteration for row in rows])
        return StepRows(
            iteration=iteration,
            applied=self._read([row.iteration_after for row in rows]) > iteration,
            learning_rate=np.stack([self._read(list(column)) for column in zip(*rates, strict=True)], axis=1)
            if rows
            else np.empty((0, optimizers)),
            loss=self._read([row.loss for row in rows]),
        )
