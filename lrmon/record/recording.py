"""One recording: rows and epochs become events under tags that no other recording uses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lrmon import schema
from lrmon.record import events
from lrmon.record.journal import Record

Reals = npt.NDArray[np.floating[Any]]
"""float32 or float64."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive steps, in the order of their updates.

    Attributes:
        first_step: Step of the first row.
        learning_rate: [n], that each step's update used.
        effective_learning_rate: [n], or None where nobody says what it is: the record then holds NaN and
            no scalar is written.
        loss: [n], of each batch.
        wall_time: [n], seconds since 1970, when each step ended.
        learning_rates: Where several optimizers train one model, by name the [n] of each.
        updates: [n, m], how many updates each optimizer made; None where all made one in each step.
    """

    first_step: int
    learning_rate: Reals
    effective_learning_rate: Reals | None
    loss: Reals
    wall_time: npt.NDArray[np.float64]
    learning_rates: Mapping[str, Reals] = field(default_factory=dict)
    updates: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.loss)

    def starting_at(self, first_step: int) -> Rows:
        """Returns the same rows as those of the steps from `first_step` on."""
        return replace(self, first_step=first_step)

    def followed_by(self, later: Rows) -> Rows | None:
        """Returns both as one, or None where `later` does not go on from here."""
        effective, later_effective = self.effective_learning_rate, later.effective_learning_rate
        if (
            later.first_step != self.first_step + len(self)
            or (effective is None) != (later_effective is None)
            or list(self.learning_rates) != list(later.learning_rates)
            or _columns(self) != _columns(later)
        ):
            return None
        return Rows(
            first_step=self.first_step,
            learning_rate=np.concatenate((self.learning_rate, later.learning_rate)),
            effective_learning_rate=None
            if effective is None or later_effective is None
            else np.concatenate((effective, later_effective)),
            loss=np.concatenate((self.loss, later.loss)),
            wall_time=np.concatenate((self.wall_time, later.wall_time)),
            learning_rates={
                name: np.concatenate((lrs, later.learning_rates[name]))
                for name, lrs in self.learning_rates.items()
            },
            updates=None
            if self.updates is None or later.updates is None
            else np.concatenate((self.updates, later.updates)),
        )

    def __getitem__(self, rows: slice) -> Rows:
        effective = self.effective_learning_rate
        return Rows(
            first_step=self.first_step + (rows.start or 0),
            learning_rate=self.learning_rate[rows],
            effective_learning_rate=None if effective is None else effective[rows],
            loss=self.loss[rows],
            wall_time=self.wall_time[rows],
            learning_rates={name: lrs[rows] for name, lrs in self.learning_rates.items()},
            updates=None if self.updates is None else self.updates[rows],
        )


@dataclass(frozen=True, slots=True)
class Note:
    """A JSON record beside the rows.

    Attributes:
        prefix: Of its tag.
        step: Of its summary.
        wall_time: Seconds since 1970.
        text: What it says, as JSON, in the words of `lrmon.schema`.
    """

    prefix: str
    step: int
    wall_time: float
    text: str


@dataclass(frozen=True, slots=True)
class RecordingStart:
    """What follows belongs to a new recording, which began at `start_time` (seconds since 1970)."""

    start_time: float


@dataclass(frozen=True, slots=True)
class Recording:
    """Where a recording stands: its name, and how much of it has been encoded.

    It is a value: what encodes returns the next one, and who could not write the bytes keeps this one.

    Attributes:
        start_time: Seconds since 1970; the seconds of the rows add up from here.
        number: Its place among the recordings of the folder.
        name: The part of its tags that no other recording has.
        records: Batch records so far.
        last_wall_time: Of the last row, or the start.
        epoch_step: Step of the last epoch record, -1 before the first.
    """

    start_time: float
    number: int
    name: str
    records: int = 0
    last_wall_time: float = 0.0
    epoch_step: int = -1

    @classmethod
    def started(cls, start: RecordingStart, number: int) -> Recording:
        """Returns a new recording of this process."""
        name = schema.recording_name(number, start.start_time, os.getpid())
        return cls(start.start_time, number, name, last_wall_time=start.start_time)

    def with_rows(self, rows: Rows) -> tuple[Recording, list[Record], bytes]:
        """Returns where the recording stands after `rows`, their records, and all of their events."""
        state, records, parts = self, list[Record](), []
        for start in range(0, len(rows), schema.ROWS_PER_RECORD):
            block = rows[start : start + schema.ROWS_PER_RECORD]
            block_records, scalars = state._block(block)
            records += block_records
            parts += [scalars, *(record.event for record in block_records)]
            state = replace(state, records=state.records + 1, last_wall_time=float(block.wall_time[-1]))
        return state, records, b"".join(parts)

    def _block(self, rows: Rows) -> tuple[list[Record], bytes]:
        """Returns the records of at most `schema.ROWS_PER_RECORD` rows, and the events of their scalars."""
        steps = np.arange(rows.first_step, rows.first_step + len(rows))
        scalars: dict[str, Any] = {
            schema.SCALAR_LEARNING_RATE: rows.learning_rate,
            schema.SCALAR_LOSS: rows.loss,
        }
        effective = rows.effective_learning_rate
        if effective is None:
            effective = np.full(len(rows), np.nan, np.float32)
        else:
            scalars[schema.SCALAR_EFFECTIVE_LEARNING_RATE] = effective
        parts = [
            events.scalar_events(name, steps, rows.wall_time, float32(values))
            for name, values in scalars.items()
        ]
        seconds = np.diff(rows.wall_time, prepend=self.last_wall_time)
        kind = _type_for(rows)
        columns = np.column_stack((rows.learning_rate, effective, rows.loss, seconds))
        records: dict[str, Any] = {}
        if rows.learning_rates:
            records[schema.RATES_PREFIX] = np.column_stack(list(rows.learning_rates.values())).astype(kind)
            for column, (name, lrs) in enumerate(rows.learning_rates.items()):
                made = slice(None) if rows.updates is None else rows.updates[:, column] > 0
                if len(steps[made]):
                    tag = schema.SCALAR_LEARNING_RATE_PREFIX + name
                    parts.append(
                        events.scalar_events(tag, steps[made], rows.wall_time[made], float32(lrs[made]))
                    )
        if rows.updates is not None and (rows.updates != 1).any():
            records[schema.UPDATES_PREFIX] = rows.updates
        # Last, so that who reads a file that grows has what belongs to the rows when it has the rows.
        records[schema.BATCHES_PREFIX] = columns.astype(kind)
        position = f"{self.name}/{self.records // schema.RECORDS_PER_TAG}"
        last_step, last_time = int(steps[-1]), float(rows.wall_time[-1])
        row_records = [
            Record(tag + position, last_step, last_time, values) for tag, values in records.items()
        ]
        return row_records, b"".join(parts)

    def note_record(self, note: Note) -> Record:
        """Returns the record of a note."""
        return Record(note.prefix + self.name, note.step, note.wall_time, note.text)

    def fit_record(self, fit: schema.RunRecord) -> Record:
        """Returns the record of what is known of a fit by now."""
        wall_time = fit.get("end_time") or fit["start_time"]
        return Record(schema.RUN_PREFIX + self.name, fit["first_step"], wall_time, schema.to_json(fit))

    def with_epoch(self, epoch: schema.EpochRecord) -> tuple[Recording, Record, bytes]:
        """Returns where the recording stands after an epoch, its record, and the events of its scalars."""
        wall_time = epoch["wall_time"]
        # A reader drops what a tag held at the same step, and an epoch without a batch has the last one's.
        record_step = max(epoch["last_step"], self.epoch_step + 1)
        tag = schema.EPOCHS_PREFIX + self.name
        record = Record(tag, record_step, wall_time, schema.to_json(epoch))
        parts = []
        step = np.array([max(epoch["last_step"], 0)])
        for metric, value in epoch["metrics"].items():
            name = schema.SCALAR_EPOCH_PREFIX + metric
            parts.append(events.scalar_events(name, step, np.array([wall_time]), float32([value])))
        return replace(self, epoch_step=record_step), record, b"".join(parts)


def reals(values: Any) -> Reals:
    """Returns the values as float32 where they are, else as float64."""
    array = np.asarray(values)
    return array if array.dtype == np.float32 else array.astype(np.float64)


def _type_for(rows: Rows) -> type[np.float32 | np.float64]:
    """Returns float32 where it holds every learning rate and loss, else float64."""
    for values in (rows.learning_rate, rows.loss, *rows.learning_rates.values()):
        if values.dtype != np.float32 and not np.array_equal(values, float32(values), equal_nan=True):
            return np.float64
    return np.float32


def _columns(rows: Rows) -> int:
    """Returns how many optimizers the counts of updates name."""
    return 0 if rows.updates is None else rows.updates.shape[1]


def float32(values: Any) -> npt.NDArray[np.float32]:
    """Returns the values as float32, nearest; what is above its largest becomes infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(values).astype(np.float32)
