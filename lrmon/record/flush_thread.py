"""The flush thread: takes what training hands over, and alone waits for files."""

from __future__ import annotations

import os
import queue
import threading
import time
from _thread import LockType, allocate_lock
from collections import deque
from collections.abc import Callable
from typing import Final

from lrmon.record.intake import Intake
from lrmon.record.journal import Journal
from lrmon.record.ledger import Ledger
from lrmon.record.warning import warn
from lrmon.record.writer import Writer

MOST_UNWRITTEN: Final = 1024
"""Weight (a batch has 1) beyond which training waits for the flush thread, if that keeps up."""

_PATIENCE_SECONDS: Final = 0.1
"""A file system that takes longer for one operation is not waited for, until it is faster again."""

_LONGEST_WAIT_SECONDS: Final = 1.0
"""How long training waits at most where the flush thread has much to encode."""

_FLUSH_EVERY_SECONDS: Final = 0.75
"""Low enough that with the flush itself no row stays unwritten for longer than a second."""

_UNCLAIMED_SECONDS: Final = 2.0
"""After so long the flush thread gives a warning that training has not given."""


class FlushThread:
    """Writes an intake's entries to a folder, in a thread of its own.

    It wakes up when half of what may be unwritten has come together, when the user's code waits, and
    otherwise every 0.75 seconds.

    Args:
        log_dir: See `EventFile`.
        ask_source: Called from time to time: puts into the intake what is still elsewhere. It must not wait.
        journal: Gets what was written.

    Raises:
        OSError: The folder cannot be written to.
        ValueError: Nothing that is installed opens the path's scheme.
    """

    def __init__(self, log_dir: str, ask_source: Callable[[], None], journal: Journal | None = None) -> None:
        self.intake: Final = Intake()
        self._log_dir: Final = log_dir
        self._ask_source: Final = ask_source
        self._writer: Final = Writer(log_dir, journal)
        self.first_number: Final = self._writer.first_number
        """Of the first recording; those of the folder count from 1."""
        self._ledger: Final = Ledger()
        self._process_id: Final = os.getpid()
        # Both are C alone, so that no interrupt can break them off.
        self._calls: Final[queue.SimpleQueue[LockType | None]] = queue.SimpleQueue()
        self.warnings: Final = self._writer.warnings
        """Sentences for the user, each to be given once by whoever takes it out."""
        self._warning_time = 0.0
        self._written = 0
        self._is_called = False
        self._is_slow = False
        self._was_waited_for = False
        self._is_full_reported = False
        self._is_closing = False
        self._thread: Final = threading.Thread(target=self._run, name="lrmon-flush", daemon=True)
        self._thread.start()

    @property
    def is_anothers(self) -> bool:
        """Whether this is a fork of the process that records: what it holds is the parent's to write."""
        return os.getpid() != self._process_id

    def notice(self, weight: int) -> None:
        """Says that training has put so much by now; waits a moment where too much is unwritten."""
        unwritten, waiting = weight - self._written, weight - self.intake.taken
        if unwritten < MOST_UNWRITTEN // 2:
            return
        if self.intake.was_full and not self._is_full_reported:
            self._is_full_reported = True
            self.warnings.append(
                f"{self._log_dir!r} has not been writable for too long. Training continues, but new steps "
                "are lost until the folder is writable again. Free space there, or check the file system."
            )
        if unwritten > MOST_UNWRITTEN and not self._is_slow:
            self._wait_while_it_works()
        elif not self._is_called and waiting >= MOST_UNWRITTEN // 2:
            self._is_called = True
            self._calls.put(None)

    def _wait_while_it_works(self) -> None:
        deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
        while not self.wait(_PATIENCE_SECONDS) and time.monotonic() < deadline:
            if self._writer.has_waited_for(_PATIENCE_SECONDS):
                self._is_slow = True
                return

    def wait(self, seconds: float) -> bool:
        """Waits until everything that was put has been written or refused; returns whether it has been."""
        if self.is_anothers or threading.get_ident() == self._thread.ident or not self._thread.is_alive():
            return True
        caller = allocate_lock()
        caller.acquire()
        self._calls.put(caller)
        return caller.acquire(timeout=seconds)

    def wait_once(self, seconds: float) -> None:
        """Waits likewise, but not again for the same operation of a file system that hangs."""
        if not self._was_waited_for and not self.wait(seconds):
            self._was_waited_for = True

    def close(self, seconds: float) -> None:
        """Has the rest written as far as the file system lets it, and ends the thread."""
        self._is_closing = True
        if not self.wait(seconds):
            self.warnings.append(
                f"{self._log_dir!r} did not take the last steps within {seconds:.0f} seconds; "
                "they are lost if the process ends before it does."
            )

    def _run(self) -> None:
        next_flush = time.monotonic() + _FLUSH_EVERY_SECONDS
        while True:
            callers = self._next_callers(next_flush - time.monotonic())
            is_closing, now = self._is_closing, time.monotonic()
            self._is_called = False
            try:
                if now >= next_flush:
                    next_flush = now + _FLUSH_EVERY_SECONDS
                    self._ask_source()
                self._flush(now=is_closing)
                if is_closing:
                    self._writer.close()
            except Exception as error:  # noqa: BLE001 - this thread alone writes: it goes on
                self.warnings.append(
                    f"recording to {self._log_dir!r} failed: {type(error).__name__}: {error}"
                )
            self._is_slow = self._writer.longest_wait > _PATIENCE_SECONDS or not self._writer.is_done
            self._writer.longest_wait = 0.0
            self._was_waited_for = False
            for caller in callers:
                caller.release()
            self._give_unclaimed_warnings()
            if is_closing:
                return

    def _next_callers(self, seconds: float) -> list[LockType]:
        """Returns who waits, as soon as the thread is called or so many seconds have passed."""
        callers = []
        try:
            call = self._calls.get(timeout=max(seconds, 0.0))
            while True:
                if call is not None:
                    callers.append(call)
                call = self._calls.get_nowait()
        except queue.Empty:
            return callers

    def _flush(self, *, now: bool) -> None:
        writer, weight = self._writer, self._take()
        while writer.write(now=now):
            if self.intake.is_filling:
                weight = self._take()
        if writer.is_done:
            self._written = weight

    def _take(self) -> int:
        entries = self.intake.take()
        self._writer.add(self._ledger.items(entries))
        return self.intake.taken

    def _give_unclaimed_warnings(self) -> None:
        """Gives the warnings that no call from training has given for a while."""
        if not self.warnings:
            self._warning_time = 0.0
        elif not self._warning_time:
            self._warning_time = time.monotonic()
        elif time.monotonic() - self._warning_time > _UNCLAIMED_SECONDS:
            give(self.warnings)


def give(warnings: deque[str], *, stacklevel: int = 1) -> None:
    """Gives each warning once; another thread may do so at the same time."""
    while warnings:
        try:
            sentence = warnings.popleft()
        except IndexError:
            return
        warn(sentence, stacklevel=stacklevel + 1)
