"""The writer: keeps what is to be written until a file has it, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import errno
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, cast

from lrmon import schema
from lrmon.record.event_file import EventFile, is_there
from lrmon.record.intake import Dropped
from lrmon.record.journal import Journal, Record
from lrmon.record.ledger import Item
from lrmon.record.recording import Note, Recording, RecordingStart, Rows

KEPT_ROWS: Final = 2**20
"""Rows kept in memory while the file system refuses them; beyond that the oldest are given up."""

KEPT_ITEMS: Final = 2**14
"""Epochs, notes and pieces of rows kept likewise."""

_LONGEST_RETRY_SECONDS: Final = 30.0
_CHECK_SECONDS: Final = 1.0
"""From one look for a deleted file to the next."""

_DELETED: Final = "their event file was deleted during the recording"

_NO_SPACE: Final = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


class Writer:
    """Writes items to event files, in order and in pieces, each one until it succeeded.

    For the flush thread alone, which waits for file systems. After a failed write the next one goes to a new
    event file, because a reader may have seen a part of what was taken back.

    Args:
        log_dir: See `EventFile`.
        journal: Gets what was written.

    Raises:
        OSError: The folder cannot be written to.
        ValueError: Nothing that is installed opens the path's scheme.
    """

    def __init__(self, log_dir: str, journal: Journal | None = None) -> None:
        self._log_dir: Final = log_dir
        self._journal: Final = journal
        self._file: EventFile | None = EventFile(log_dir)
        self.first_number: Final = self._file.number
        """Of the first recording."""
        self._in_file = Dropped()
        self._earlier: list[tuple[str, Dropped]] = []
        self._kept: deque[Item] = deque()
        self._kept_rows = 0
        self._rows_at_once = schema.ROWS_PER_RECORD
        self._recording: Recording | None = None
        self._fit: schema.RunRecord | None = None
        self._lost = Dropped()
        self._lost_ever = Dropped()
        self._lost_reason = ""
        self._is_loss_reported = True
        self._problem = ""
        self._retry_seconds = 0.0
        self._retry_time = 0.0
        self._check_time = 0.0
        self._warned: set[str] = set()
        self._waiting_since: float | None = None
        self.longest_wait = 0.0
        """Seconds of the longest operation on the file system; whoever reads it may set it back to 0."""
        self.warnings: Final[deque[str]] = deque()
        """Sentences for the user, each to be given once by whoever takes it out."""

    @property
    def is_done(self) -> bool:
        """Whether files have everything that was added."""
        return not self._kept

    def has_waited_for(self, seconds: float) -> bool:
        """Returns whether the file system has not answered for so long; for any thread."""
        since = self._waiting_since
        return since is not None and time.monotonic() - since > seconds

    def add(self, items: Iterable[Item]) -> None:
        """Takes items, to be written in this order."""
        for item in items:
            if isinstance(item, Dropped):
                self._lose(item, f"{self._log_dir!r} did not take them in time")
                continue
            self._keep(item)
        # As long as it can be written, there may be more for a while.
        times = 1 if self._retry_seconds else 4
        if self._kept_rows > times * KEPT_ROWS or len(self._kept) > times * KEPT_ITEMS:
            self._give_up_oldest()

    def write(self, *, now: bool = False) -> bool:
        """Writes one piece; returns whether there is more to write at once.

        A failure keeps what could not be written, to be tried again later (or `now`).
        """
        if not now and time.monotonic() < self._retry_time:
            return False
        try:
            with self._waiting():
                self.check_file(now=now)
            if not self._kept and (self._is_loss_reported or self._recording is None):
                return False
            self._write_piece()
        except Exception as error:  # noqa: BLE001 - each file system raises its own
            return self._refused(error)
        self._retry_seconds = self._retry_time = 0.0
        self._problem = ""
        self._rows_at_once = min(2 * self._rows_at_once, schema.ROWS_PER_RECORD)
        return bool(self._kept)

    def check_file(self, *, now: bool = False) -> None:
        """Goes on in a new file where the folder or the file was deleted.

        Args:
            now: Whether to look even if it has just been looked.

        Raises:
            Exception: No new file can be made. What the old one holds can still be moved later.
        """
        if self._file is None or not (now or time.monotonic() >= self._check_time):
            return
        if self._file.is_gone():
            new = self._file.moved()
            if new is None:
                self._lose(self._in_file, _DELETED)
                self._in_file = Dropped()
                self._abandon_file()
            self._file = new
            for gone in [earlier for earlier in self._earlier if not is_there(earlier[0])]:
                self._earlier.remove(gone)
                self._lose(gone[1], _DELETED)
            self._warn(
                "deleted",
                f"the event file in {self._log_dir!r} was deleted during the recording. It goes on in a new "
                f"file with {'everything' if self._is_loss_reported else 'what is kept in memory'}.",
            )
        self._check_time = time.monotonic() + _CHECK_SECONDS

    def close(self) -> None:
        """Closes the file; what was not written by now is given up and counted in a warning."""
        unwritten = Dropped()
        for item in self._kept:
            unwritten += _count(item)
        if self._file is not None:
            try:
                self.check_file(now=True)
            except Exception as error:  # noqa: BLE001 - each file system raises its own
                unwritten += self._in_file
                self._problem = self._failure(error)
            self._abandon_file()
        lost = self._lost_ever + unwritten
        if lost != Dropped():
            reason = self._problem or f"{self._lost_reason}."
            # One sentence says both, if nobody has been told of the problem yet.
            with contextlib.suppress(ValueError):
                self.warnings.remove(self._problem)
            self._warn("end", f"{_in_words(lost)} of {self._log_dir!r} could not be written: {reason}")

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        """Measures how long the file system takes."""
        since = self._waiting_since = time.monotonic()
        try:
            yield
        finally:
            self._waiting_since = None
            self.longest_wait = max(self.longest_wait, time.monotonic() - since)

    def _keep(self, item: Item) -> None:
        if isinstance(item, Rows):
            self._kept_rows += len(item)
            last = self._kept[-1] if self._kept else None
            if isinstance(last, Rows) and len(last) + len(item) <= schema.ROWS_PER_RECORD:
                both = last.followed_by(item)
                if both is not None:
                    self._kept[-1] = both
                    return
        self._kept.append(item)

    def _write_piece(self) -> None:
        while self._kept and isinstance(start := self._kept[0], RecordingStart):
            with self._waiting():
                self._begin(start)
            self._kept.popleft()
        recording = self._recording
        if recording is None:
            raise RuntimeError("an item was added before its recording")
        items, count, rest = self._piece()
        fit, parts, written = self._fit, list[bytes](), Dropped()
        records: list[Record] = []
        for item in items:
            written += _count(item)
            if isinstance(item, Rows):
                recording, row_records, data = recording.with_rows(item)
                records += row_records
                parts.append(data)
                continue
            if isinstance(item, Note):
                record, data = recording.note_record(item), b""
            elif _is_epoch(item):
                recording, record, data = recording.with_epoch(cast(schema.EpochRecord, item))
            else:
                fit = cast(schema.RunRecord, item)
                record, data = recording.fit_record(self._with_lost(fit)), b""
            records.append(record)
            parts += [record.event, data]
        if not self._is_loss_reported and fit is not None:
            records.append(recording.fit_record(self._with_lost(fit)))
            parts.append(records[-1].event)
        data = b"".join(parts)
        with self._waiting():
            if self._file is None:
                self._file = EventFile(self._log_dir, recording.number)
            self._file.write(data)
        for _ in range(count):
            self._kept.popleft()
        if rest is not None:
            self._kept.appendleft(rest)
        if self._journal is not None:
            self._journal.add(records, written.steps)
        self._kept_rows -= written.steps
        self._in_file += written
        self._recording, self._fit = recording, fit
        self._is_loss_reported = self._is_loss_reported or fit is not None

    def _begin(self, start: RecordingStart) -> None:
        """Gives a recording its number, in the file that carries it."""
        file = self._file
        if file is None or not file.is_empty or not file.is_latest():
            if file is not None and file.is_empty:
                file.remove()
                self._file = None
            self._abandon_file()
            self._file = file = EventFile(self._log_dir)
        self._recording, self._fit = Recording.started(start, file.number), None
        self._lost, self._is_loss_reported = Dropped(), True

    def _piece(self) -> tuple[list[Item], int, Rows | None]:
        """Returns the next items of one recording, how many kept ones they are, and what is left of the last.

        Rows that go on from each other become one, for records as long as they can be. What stands between
        two rows moves behind both, which changes nothing: its own steps are in it.
        """
        items: list[Item] = []
        count, room = 0, self._rows_at_once
        rest: Rows | None = None
        position: int | None = None
        for item in self._kept:
            if isinstance(item, RecordingStart) or room <= 0 or count >= self._rows_at_once:
                break
            count += 1
            if not isinstance(item, Rows):
                items.append(item)
                continue
            if len(item) > room:
                item, rest = item[:room], item[room:]  # noqa: PLW2901 - the rest stays
            room -= len(item)
            before = None if position is None else items[position]
            both = before.followed_by(item) if isinstance(before, Rows) else None
            if both is not None and position is not None:
                items[position] = both
            else:
                position = len(items)
                items.append(item)
        return items, count, rest

    def _refused(self, error: Exception) -> bool:
        """Notes a failure; returns whether to try at once again, with less."""
        file = self._file
        if file is not None and not _is_gone(file):
            if file.is_empty:
                file.remove()
                self._file = None
            self._abandon_file()
        self._problem = self._failure(error)
        self._warn("refused", self._problem)
        if isinstance(error, OSError) and error.errno in _NO_SPACE and self._rows_at_once > 1:
            self._rows_at_once //= 2
            return True
        self._retry_seconds = min(max(1.0, 2 * self._retry_seconds), _LONGEST_RETRY_SECONDS)
        self._retry_time = time.monotonic() + self._retry_seconds
        if self._kept_rows > KEPT_ROWS or len(self._kept) > KEPT_ITEMS:
            self._give_up_oldest()
        return False

    def _failure(self, error: Exception) -> str:
        return (
            f"writing to {self._log_dir!r} failed ({type(error).__name__}: {error}). Training goes on; up to "
            f"{KEPT_ROWS:,} steps are kept in memory and written when the folder takes them again."
        )

    def _abandon_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            self._earlier.append((file.path, self._in_file))
            self._in_file = Dropped()
            with contextlib.suppress(Exception):  # it may just have refused a write
                file.close()

    def _give_up_oldest(self) -> None:
        """Drops the oldest rows, epochs and notes until the rest is within the bounds."""
        fits: list[Item] = []
        dropped = Dropped()
        while self._kept and (self._kept_rows > KEPT_ROWS or len(self._kept) + len(fits) > KEPT_ITEMS):
            item = self._kept.popleft()
            if isinstance(item, RecordingStart) or _count(item) == Dropped():
                fits.append(item)
                continue
            dropped += _count(item)
            if isinstance(item, Rows):
                self._kept_rows -= len(item)
        self._kept.extendleft(reversed(fits))
        self._lose(dropped, "the folder refused them for too long")

    def _lose(self, lost: Dropped, reason: str) -> None:
        if lost == Dropped():
            return
        if self._journal is not None:
            self._journal.give_up()
        self._lost += lost
        self._lost_ever += lost
        self._lost_reason = reason
        self._is_loss_reported = False

    def _with_lost(self, fit: schema.RunRecord) -> schema.RunRecord:
        if self._lost == Dropped():
            return fit
        lost: schema.LostRecord = {
            "steps": self._lost.steps,
            "epochs": self._lost.epochs,
            "others": self._lost.others,
            "reason": self._lost_reason,
        }
        return {**fit, "lost": lost}

    def _warn(self, kind: str, sentence: str) -> None:
        """Has a warning given, once of each kind."""
        if kind not in self._warned:
            self._warned.add(kind)
            self.warnings.append(sentence)


def _count(item: Item) -> Dropped:
    """Returns how much is lost where an item is."""
    if isinstance(item, Rows):
        return Dropped(steps=len(item))
    if isinstance(item, Note):
        return Dropped(others=1)
    return Dropped(epochs=1) if _is_epoch(item) else Dropped()


def _is_epoch(item: Item) -> bool:
    return isinstance(item, dict) and "metrics" in item


def _in_words(lost: Dropped) -> str:
    words = [f"{lost.steps} batches"] * bool(lost.steps) + [f"{lost.epochs} epochs"] * bool(lost.epochs)
    return " and ".join(words) or f"{lost.others} records"


def _is_gone(file: EventFile) -> bool:
    try:
        return file.is_gone()
    except Exception:  # noqa: BLE001 - each file system raises its own
        return False
