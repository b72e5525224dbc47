"""The intake: what training hands over, in order, until the flush thread takes it.

Every change is one atomic operation on one list, so that an interrupt at any point of the training thread
leaves it whole: an entry is in or it is not, and the step of the next batch is that of the last entry. The
flush thread takes entries without a lock, so that training never waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from lrmon.record.recording import Note, Rows

MOST_ENTRIES: Final = 2**17
"""Entries that may wait here while the flush thread waits for a file system."""

MOST_WEIGHT: Final = 2**20
"""Their weight, where many batches are one entry."""

NOTE_WEIGHT: Final = 32
"""Encoding an epoch or another JSON record takes about as long as so many batches."""


@dataclass(frozen=True, slots=True)
class FitBegin:
    """A fit starts; see `Recorder.begin_fit`."""

    run: dict[str, Any]
    first_step: int
    first_iteration: int
    start_time: float
    step_before: int
    """The step of the next batch if no fit had begun."""


@dataclass(frozen=True, slots=True)
class FitRevision:
    """More is known of the fit that runs; see `Recorder.revise_fit`."""

    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FitEnd:
    """A fit ended; see `Recorder.end_fit`."""

    ended: str
    fields: dict[str, Any]
    end_time: float


@dataclass(frozen=True, slots=True)
class EpochEnd:
    """An epoch ended; see `Recorder.end_epoch`."""

    epoch: int | None
    wall_time: float
    metrics: dict[str, float]
    types: dict[str, str]


@dataclass(frozen=True, slots=True)
class Skip:
    """Batches ran of which nothing is known."""

    steps: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Something found no place here.

    Attributes:
        steps: How many rows.
        epochs: How many epochs.
        others: How many other notes.
    """

    steps: int = 0
    epochs: int = 0
    others: int = 0

    def __add__(self, other: Dropped) -> Dropped:
        return Dropped(self.steps + other.steps, self.epochs + other.epochs, self.others + other.others)


Payload = FitBegin | FitRevision | FitEnd | EpochEnd | Skip | Dropped | Rows | Note | None

Entry = tuple[Any, ...]
"""``(weight, next_step, payload)`` or, of a single row, ``(weight, next_step, learning rate, effective
learning rate or None, loss, wall time)``. The weight is that of all entries so far; `next_step` is that
after the entry. The first entry in the list has been taken already, or says where counting starts."""

ROW_LENGTH: Final = 6


class Intake:
    """Takes entries from one training thread, or from several that exclude each other."""

    def __init__(self) -> None:
        self._entries: list[Entry] = [(0, 0, None)]
        self.taken = 0
        """Weight of all that the flush thread has taken."""
        self.was_full = False
        """Whether anything had to be dropped."""

    @property
    def next_step(self) -> int:
        """The step of the next batch."""
        step: int = self._entries[-1][1]
        return step

    @property
    def weight(self) -> int:
        """Weight of all that has ever been put."""
        weight: int = self._entries[-1][0]
        return weight

    @property
    def is_filling(self) -> bool:
        """Whether the flush thread should take something soon."""
        return self.weight - self.taken > MOST_ENTRIES // 4

    def put_row(self, learning_rate: float, effective: float | None, loss: float, wall_time: float) -> int:
        """Puts one row; returns the weight of all that has ever been put."""
        entries = self._entries
        last = entries[-1]
        weight: int = last[0] + 1
        if len(entries) > MOST_ENTRIES:
            self._drop(last, last[1] + 1, Dropped(steps=1))
            return weight
        entries.append((weight, last[1] + 1, learning_rate, effective, loss, wall_time))
        return weight

    def put(self, payload: Rows | Note | EpochEnd | Skip | FitBegin | FitRevision | FitEnd) -> int:
        """Puts something else; returns the weight of all that has ever been put."""
        last = self._entries[-1]
        next_step: int = last[1]
        weight, dropped = NOTE_WEIGHT, None
        if isinstance(payload, Rows):
            weight = len(payload)
            next_step += weight
            dropped = Dropped(steps=weight)
        elif isinstance(payload, Skip):
            next_step += payload.steps
        elif isinstance(payload, FitBegin):
            next_step = payload.first_step
        elif isinstance(payload, EpochEnd):
            dropped = Dropped(epochs=1)
        elif isinstance(payload, Note):
            dropped = Dropped(others=1)
        total: int = last[0] + weight
        # What is larger than the bound by itself is taken while nothing else waits.
        is_full = len(self._entries) > MOST_ENTRIES or total - self.taken > max(MOST_WEIGHT, weight)
        if dropped is not None and is_full:
            self._drop(last, next_step, dropped)
        else:
            self._entries.append((total, next_step, payload))
        return total

    def take(self) -> list[Entry]:
        """Returns all entries since the last time. For the flush thread alone."""
        entries = self._entries[:]
        self.taken = entries[-1][0]
        # The last one stays: it says where counting continues.
        del self._entries[: len(entries) - 1]
        return entries[1:]

    def _drop(self, last: Entry, next_step: int, dropped: Dropped) -> None:
        """Counts what is dropped in the last entry, so that it takes no memory however much it is."""
        self.was_full = True
        if isinstance(last[2], Dropped):
            self._entries[-1] = (last[0], next_step, last[2] + dropped)
        else:
            self._entries.append((last[0], next_step, dropped))
