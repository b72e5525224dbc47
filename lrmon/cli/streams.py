"""The standard streams of the command: any encoding, any width, a reader that leaves."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Final, TextIO

WIDTH: Final = 80
"""Columns of an output that is no terminal."""


def prepare_streams() -> None:
    """Makes the streams take every text, and nothing where the shell has closed them (``>&-``)."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - stays open
        elif hasattr(stream, "reconfigure"):
            # A run's name may hold anything; a terminal that cannot show it gets a question mark.
            stream.reconfigure(errors="replace")


def flush_streams() -> None:
    """Writes what is buffered.

    Raises:
      BrokenPipeError: if the reader has left.
      OSError: if it cannot be written, as on a full disk.
    """
    sys.stdout.flush()
    sys.stderr.flush()


def abandon_streams() -> None:
    """Drops what is buffered and cannot be written, since Python flushes once more at its exit."""
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
    """Returns the terminal's width: of the variable COLUMNS, of the terminal itself, else 80."""
    return shutil.get_terminal_size((WIDTH, 24)).columns


def has_color() -> bool:
    """Returns whether the output is a terminal that shows colors, and nobody has asked for none."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
