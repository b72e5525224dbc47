"""The journal: what has been written, for who wants to look at it without reading the files again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrmon.record import events

MOST_ROWS: Final = 2**20
"""With 16 bytes a row, 16 MB."""

_MOST_RECORDS: Final = 2**16


@dataclass(frozen=True, slots=True)
class Record:
    """One of lrmon's own records, as it is on disk.

    Attributes:
        tag: Of the event.
        step: Of the event.
        wall_time: Seconds since 1970.
        value: An array of numbers, or a JSON text.
    """

    tag: str
    step: int
    wall_time: float
    value: npt.NDArray[np.floating[Any]] | str

    @property
    def numpy(self) -> npt.NDArray[Any]:
        """The value as TensorBoard gives it."""
        return np.asarray(self.value, dtype=object) if isinstance(self.value, str) else self.value

    @property
    def event(self) -> bytes:
        """The framed event."""
        write = events.text_event if isinstance(self.value, str) else events.tensor_event
        return write(self.tag, self.step, self.wall_time, self.value)  # type: ignore[arg-type]


class Journal:
    """Keeps the records of one recorder, as long as they are few enough."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._rows = 0
        self.is_complete = True
        """Whether it holds everything that was recorded."""

    @property
    def records(self) -> tuple[Record, ...]:
        """Those so far, in the order of writing."""
        return tuple(self._records)

    def add(self, records: Sequence[Record], rows: int) -> None:
        """Takes further records, which hold so many rows."""
        self._rows += rows
        if self.is_complete:
            self._records += records
        if self._rows > MOST_ROWS or len(self._records) > _MOST_RECORDS:
            self.give_up()

    def give_up(self) -> None:
        """Keeps nothing any more: something is missing, or it is too much."""
        self.is_complete = False
        self._records = []
