"""The ledger: gives what was handed over its place, with neither a clock nor a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from lrmon import schema
from lrmon.record.intake import (
    ROW_LENGTH,
    Dropped,
    Entry,
    EpochEnd,
    FitBegin,
    FitEnd,
    FitRevision,
    Skip,
)
from lrmon.record.recording import Note, RecordingStart, Rows, float32
from lrmon.version import __version__

Item = RecordingStart | Rows | Note | Dropped | schema.EpochRecord | schema.RunRecord
"""What can be written; a `RecordingStart` says that what follows belongs to a new recording."""


class Ledger:
    """Numbers steps, epochs, fits and recordings."""

    def __init__(self) -> None:
        self._next_step = 0
        self._epoch = 0
        self._epoch_first_step = 0
        self._fit: schema.RunRecord | None = None
        self._fits = 0
        self._recording: RecordingStart | None = None
        self._dropped = Dropped()

    def items(self, entries: Sequence[Entry]) -> list[Item]:
        """Returns what is to be written of further entries of an intake."""
        items: list[Item] = []
        rows: list[Entry] = []
        for entry in entries:
            if len(entry) == ROW_LENGTH:
                rows.append(entry)
                continue
            if rows:
                self._add_rows(items, _rows(rows), rows[-1][1])
                rows = []
            self._add(items, entry[2], entry[1])
        if rows:
            self._add_rows(items, _rows(rows), rows[-1][1])
        return items

    def _add(self, items: list[Item], payload: Any, next_step: int) -> None:
        if isinstance(payload, Rows):
            self._add_rows(items, payload, next_step)
            return
        if isinstance(payload, FitBegin):
            self._go_to(items, payload.step_before)
            self._begin_fit(items, payload)
        elif isinstance(payload, Skip):
            self._go_to(items, next_step - payload.steps)
            self._next_step = next_step
        elif isinstance(payload, Dropped):
            # Its steps are those up to the next entry's.
            self._go_to(items, next_step)
            items.append(Dropped(0, payload.epochs, payload.others))
            self._epoch += payload.epochs
        else:
            self._go_to(items, next_step)
            if isinstance(payload, FitEnd):
                self._end_fit(items, payload)
            elif isinstance(payload, FitRevision):
                self._revise_fit(items, payload)
            elif isinstance(payload, EpochEnd):
                items.append(self._epoch_record(payload))
            else:
                items.append(payload)

    def _go_to(self, items: list[Item], step: int) -> None:
        """Counts the steps up to `step` as dropped: nothing was handed over for them."""
        if step > self._next_step:
            items.append(Dropped(steps=step - self._next_step))
        self._next_step = step

    def _add_rows(self, items: list[Item], rows: Rows, next_step: int) -> None:
        first_step = next_step - len(rows)
        self._go_to(items, first_step)
        if self._recording is None:
            self._begin_fit(items, FitBegin({}, first_step, first_step, float(rows.wall_time[0]), first_step))
        items.append(rows.starting_at(first_step))
        self._next_step = next_step

    def _begin_fit(self, items: list[Item], begin: FitBegin) -> None:
        fit = self._fit
        if fit is not None and fit["first_step"] == begin.first_step == self._next_step:
            # It was interrupted while it started, and starts again.
            self._fits -= 1
        elif fit is not None:
            self._end_fit(items, FitEnd("interrupted", {}, begin.start_time))
        if self._recording is None or begin.first_step < self._next_step:
            self._recording = RecordingStart(begin.start_time)
            self._fits = 0
            items.append(self._recording)
        self._next_step = self._epoch_first_step = begin.first_step
        self._epoch = begin.run.get("initial_epoch") or 0
        self._fit = cast(
            schema.RunRecord,
            {
                "format_version": schema.FORMAT_VERSION,
                "kind": "training",
                "recorded_by": f"lrmon {__version__}",
                "warnings": [],
                **begin.run,
                "fit": self._fits,
                "start_time": begin.start_time,
                "recording_start_time": self._recording.start_time,
                "first_step": begin.first_step,
                "first_iteration": begin.first_iteration,
                "ended": None,
                "end_time": None,
                "last_step": None,
            },
        )
        self._fits += 1
        items.append(self._fit)

    def _revise_fit(self, items: list[Item], revision: FitRevision) -> None:
        if self._fit is not None:
            self._fit = cast(schema.RunRecord, {**self._fit, **revision.fields})
            items.append(self._fit)

    def _end_fit(self, items: list[Item], end: FitEnd) -> None:
        if self._fit is None:
            return
        known = cast(schema.RunRecord, {**self._fit, **end.fields})
        record: schema.RunRecord = {**known, "ended": end.ended, "end_time": end.end_time}
        record["last_step"] = self._next_step - 1 if self._next_step > record["first_step"] else None
        items.append(record)
        self._fit = None

    def _epoch_record(self, end: EpochEnd) -> schema.EpochRecord:
        if end.epoch is not None:
            self._epoch = end.epoch
        record = schema.EpochRecord(
            epoch=self._epoch,
            first_step=self._epoch_first_step,
            last_step=self._next_step - 1,
            wall_time=end.wall_time,
            metrics=end.metrics,
            types=end.types,
        )
        self._epoch += 1
        self._epoch_first_step = self._next_step
        return record


def _rows(entries: Sequence[Entry]) -> Rows:
    """Returns single rows as one, without their steps."""
    _, _, learning_rate, effective, loss, wall_time = zip(*entries, strict=True)
    given = any(value is not None for value in effective)
    return Rows(
        0,
        float32(learning_rate),
        float32([np.nan if value is None else value for value in effective]) if given else None,
        float32(loss),
        np.array(wall_time),
    )
