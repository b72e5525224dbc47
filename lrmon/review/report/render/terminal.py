"""Colors, tables and sentences for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

HEAD, TAIL = 12, 4
"""The number of rows that are shown of the start and of the end of a table."""

_COLORS: Final = {"title": "1", "head": "2", "error": "1;31", "warning": "33", "info": "36", "advice": "32"}


@dataclass(frozen=True, slots=True)
class Paint:
    """Adds colors to text, or does not."""

    is_on: bool

    def __call__(self, kind: str, text: str) -> str:
        return f"\x1b[{_COLORS[kind]}m{text}\x1b[0m" if self.is_on and text else text


def shown(size: int) -> list[int]:
    """Returns the indices of a table's rows that are shown: all, or those at both ends."""
    if size <= HEAD + TAIL + 1:
        return list(range(size))
    return [*range(HEAD), *range(size - TAIL, size)]


def table(rows: Sequence[Sequence[str]], size: int, paint: Paint) -> list[str]:
    """Returns the lines of a table, aligned to the right, with a line for the omitted rows."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines[0] = paint("head", lines[0])
    if size > len(rows) - 1:
        lines.insert(1 + HEAD, f"  … {size - len(rows) + 1:,} more")
    return lines


def wrapped(sentences: Sequence[str], width: int, indent: str) -> Iterator[str]:
    """Yields the lines of sentences; each sentence starts a line."""
    for sentence in sentences:
        yield from textwrap.wrap(
            sentence, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False,
            break_on_hyphens=False,
        )  # fmt: skip
