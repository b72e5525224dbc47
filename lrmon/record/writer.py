"""The writer: keeps what is to be written until a file has it, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import warnings
from collections.abc import Callable
from typing import Final, cast

from lrmon import schema
from lrmon.record.event_file import EventFile
from lrmon.record.recording import Note, Recording, Rows

KEPT_ROWS: Final = 2**20
"""Rows kept in memory while the file system refuses them; beyond that the oldest are given up."""

_LONGEST_RETRY_SECONDS: Final = 30.0

Item = Recording | Rows | Note | schema.EpochRecord | schema.RunRecord
"""What can be put; a `Recording` says that what follows belongs to it."""


class Writer:
    """Writes items to an event file, each one until it succeeded.

    Thread safe. A block that could not be written stays, and goes to a new event file later: the old one may
    end in half of it, and a reader stops there.
    """

    def __init__(self, log_dir: str) -> None:
        self._log_dir = log_dir
        self._file: EventFile | None = EventFile(log_dir)
        self._process_id = os.getpid()
        self._items: list[Item] = []
        self._recording: Recording | None = None
        self._items_lock = threading.Lock()
        self._file_lock = threading.RLock()
        self._retry_seconds = 0.0
        self._retry_time = 0.0
        self._problem: str | None = None
        self._warned = False
        self._lost_rows = 0
        self.source: Callable[[], None] | None = None
        """Called before each flush: puts what it still holds."""

    @property
    def is_anothers(self) -> bool:
        """Whether this is a fork of the process that records: what it holds is the parent's to write."""
        return os.getpid() != self._process_id

    def put(self, item: Item) -> None:
        """Takes an item, to be written at the next flush."""
        with self._items_lock:
            self._items.append(item)

    def flush(self, *, now: bool = False) -> None:
        """Writes everything that was put. A failure keeps it, to be tried again later (or `now`)."""
        if self.is_anothers:
            return
        with self._file_lock:
            if self.source is not None:
                self.source()
            with self._items_lock:
                items, self._items = self._items, []
            if not items:
                return
            if not now and time.monotonic() < self._retry_time:
                self._keep(items)
                return
            try:
                self._write(items)
            except Exception as error:  # noqa: BLE001 - each file system raises its own
                self._refused(error)
                self._keep(items)
            except BaseException:
                # An interrupt in the middle of a write: the file may end in half a block.
                self._abandon_file()
                self._keep(items)
                raise

    def close(self) -> None:
        """Writes what is left, as far as the file system lets it, and closes the file."""
        if self.is_anothers:
            return
        with self._file_lock:
            self.flush(now=True)
            self.source = None
            if self._file is not None:
                self._file.close()
            unwritten = self._lost_rows + sum(len(item) for item in self._items if isinstance(item, Rows))
            if unwritten:
                self._warned = False
                self._problem = (
                    f"{unwritten} batches of {self._log_dir!r} could not be written. {self._problem}"
                )

    def warn_once(self) -> None:
        """Gives the warning that is due, if any, in the thread of the caller."""
        with self._items_lock:
            due = self._problem is not None and not self._warned
            self._warned = self._warned or due
        if due:
            warnings.warn(f"lrmon: {self._problem}", RuntimeWarning, stacklevel=3)

    def _write(self, items: list[Item]) -> None:
        recording, parts = self._recording, []
        for item in _merged(items):
            if isinstance(item, Recording):
                recording = item
                continue
            if recording is None:
                raise RuntimeError("an item was put before its recording")
            if isinstance(item, Rows):
                recording, data = recording.with_rows(item)
            elif isinstance(item, Note):
                data = recording.note_event(item)
            elif "metrics" in item:
                recording, data = recording.with_epoch(cast(schema.EpochRecord, item))
            else:
                data = recording.fit_events(item)
            parts.append(data)
        if self._file is None:
            self._file = EventFile(self._log_dir)
        self._file.write(b"".join(parts))
        self._recording = recording
        self._retry_seconds = 0.0

    def _refused(self, error: Exception) -> None:
        self._abandon_file()
        self._problem = (
            f"writing to {self._log_dir!r} failed ({type(error).__name__}: {error}). "
            "Training goes on; what was recorded is kept in memory, and written once the folder takes it."
        )
        self._retry_seconds = min(max(1.0, 2 * self._retry_seconds), _LONGEST_RETRY_SECONDS)
        self._retry_time = time.monotonic() + self._retry_seconds

    def _abandon_file(self) -> None:
        if self._file is not None:
            with contextlib.suppress(Exception):  # it has just refused a write
                self._file.close()
        self._file = None

    def _keep(self, items: list[Item]) -> None:
        with self._items_lock:
            self._items[:0] = items
            rows = sum(len(item) for item in self._items if isinstance(item, Rows))
            for index, item in enumerate(self._items):
                if rows <= KEPT_ROWS:
                    break
                if isinstance(item, Rows):
                    rows -= len(item)
                    self._lost_rows += len(item)
                    self._items[index] = item[:0]


def _merged(items: list[Item]) -> list[Item]:
    """Returns the items with rows that go on from each other as one, for blocks as long as they can be.

    An epoch between two rows moves behind both, which changes nothing: its own steps are in it.
    """
    merged: list[Item] = []
    last_rows: int | None = None
    for item in items:
        if isinstance(item, Recording):
            last_rows = None
        elif isinstance(item, Rows):
            if not len(item):
                continue
            before = None if last_rows is None else merged[last_rows]
            both = before.followed_by(item) if isinstance(before, Rows) else None
            if both is not None and last_rows is not None:
                merged[last_rows] = both
                continue
            last_rows = len(merged)
        merged.append(item)
    return merged
