"""The standard streams of the command: their encoding, their width, and closed pipes."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Final, TextIO

WIDTH: Final = 80
"""The width of an output that is not a terminal."""


def prepare_streams() -> None:
    """Makes the streams accept any text; the null device stands in for closed ones (``>&-``)."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - stays open
        elif hasattr(stream, "reconfigure"):
            # Run names hold any character; those that the encoding lacks become question marks.
            stream.reconfigure(errors="replace")


def flush_streams() -> None:
    """Writes what is buffered.

    Raises:
      BrokenPipeError: if the reader has closed the pipe.
      OSError: if it cannot be written, for example because the disk is full.
    """
    sys.stdout.flush()
    sys.stderr.flush()


def abandon_streams() -> None:
    """Drops buffered text that cannot be written, because Python flushes the streams again when it exits."""
    for stream in (sys.stdout, sys.stderr):
        _abandon(stream)


def _abandon(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def terminal_width() -> int:
    """Returns the width of the output: the variable COLUMNS, else the terminal's width, else 80."""
    return shutil.get_terminal_size((WIDTH, 24)).columns


def has_color() -> bool:
    """Returns whether the output is a terminal with colors and NO_COLOR is not set."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
