"""Text that fits a width: wrapped lines, names cut in the middle, tables with fewer columns.

A width is a number of terminal cells: most characters take one, those of Chinese, Japanese and Korean two,
and the colors of `lrmon.review.report.render.terminal.Paint` none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

GAP: Final = 2
"""Spaces between the columns of a table, and before its first one."""

_COLOR: Final = re.compile(r"\x1b\[[\d;]*m")
_TOKEN: Final = re.compile(r"\x1b\[[\d;]*m|\s+|(?:(?!\x1b\[[\d;]*m)\S)+")
_SHORTEST_HEADING: Final = 12

Rows = Sequence[Sequence[str]]
"""A table: the headings, then the rows, all of one length."""


def cells(text: str) -> int:
    r"""Returns the number of terminal cells that a text takes.

    >>> cells("abc"), cells("学习率"), cells("\x1b[1mabc\x1b[0m")
    (3, 6, 3)
    """
    text = _COLOR.sub("", text)
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def printable(text: str) -> str:
    """Returns the text with control characters replaced; only the sequences for colors are kept.

    Names of runs, metrics and optimizers can hold any character, escape sequences included.
    """
    if text.isprintable():
        return text
    return "".join(
        part if _COLOR.fullmatch(part) else "".join(c if c.isprintable() else "\ufffd" for c in part)
        for part in re.split(r"(\x1b\[[\d;]*m)", text)
    )


def shortened(text: str, width: int) -> str:
    """Returns the text, shortened in the middle if it is wider than `width`.

    >>> shortened("experiments/adam/run-17", 12), shortened("sgd", 12)
    ('experi…un-17', 'sgd')
    """
    if cells(text) <= width:
        return text
    tail = _head(reversed(text), (width - 1) // 2)[::-1]
    return f"{_head(text, width - 1 - cells(tail))}…{tail}"


def fitted(lines: Iterable[str], width: int) -> Iterator[str]:
    """Yields printable lines of at most `width` cells; longer lines are wrapped with a hanging indent."""
    for line in lines:
        text = printable(line)
        if cells(text) <= width:
            yield text
        else:
            yield from _wrapped(text, width)


def table_width(rows: Rows) -> int:
    """Returns the width of a table."""
    return sum(_column_widths(rows)) + GAP * len(rows[0])


def with_short_headings(rows: Rows, width: int) -> list[list[str]]:
    """Returns the table with its headings shortened while it is too wide, but not below the values."""
    below = rows[1:]
    least = [
        max([_SHORTEST_HEADING, *(cells(row[column]) for row in below)]) for column in range(len(rows[0]))
    ]
    return _narrowed(rows, width, least)


def with_short_cells(rows: Rows, width: int, least: Mapping[int, int]) -> list[list[str]]:
    """Returns the table with the cells of some columns shortened while it is too wide.

    Args:
      rows: the table.
      width: the greatest width of the table.
      least: the least width of each column that may be shortened, by column.
    """
    return _narrowed(rows, width, [least.get(column, 2**31) for column in range(len(rows[0]))])


def without_columns(rows: Rows, width: int, order: Sequence[int]) -> tuple[list[list[str]], list[int]]:
    """Returns the table without the columns that do not fit, its headings shortened, and the omitted columns.

    Args:
      rows: the table.
      width: the greatest width of the table.
      order: the columns that may be omitted, in the order in which they are.
    """
    gone: list[int] = []
    kept = with_short_headings(rows, width)
    for column in order:
        if table_width(kept) <= width:
            break
        gone.append(column)
        remaining = [[cell for index, cell in enumerate(row) if index not in gone] for row in rows]
        kept = with_short_headings(remaining, width)
    return kept, sorted(gone)


def _narrowed(rows: Rows, width: int, least: Sequence[int]) -> list[list[str]]:
    """Returns the table with its widest columns shortened first, none below its least width."""
    widths = _column_widths(rows)
    excess = table_width(rows) - width
    while excess > 0:
        column = max(range(len(widths)), key=lambda index: (widths[index] > least[index], widths[index]))
        if widths[column] <= least[column]:
            break
        widths[column] -= 1
        excess -= 1
    return [[shortened(cell, most) for cell, most in zip(row, widths, strict=True)] for row in rows]


def _column_widths(rows: Rows) -> list[int]:
    return [max(cells(row[column]) for row in rows) for column in range(len(rows[0]))]


def _wrapped(line: str, width: int) -> Iterator[str]:
    text = line.lstrip(" ")
    indent = " " * min(len(line) - len(text), width // 2)
    further = " " * min(len(indent) + GAP, width // 2)
    current, used, is_empty, between = indent, len(indent), True, ""
    for token in _TOKEN.findall(text):
        if token.isspace() or _COLOR.fullmatch(token):
            between += token
            continue
        word = token
        if not is_empty and used + cells(between) + cells(word) > width:
            yield current
            current, used, is_empty = further, len(further), True
        while is_empty and used + cells(word) > width:
            piece = _head(word, width - used) or word[0]
            yield f"{current}{_colors(between)}{piece}"
            word, current, used, between = word[len(piece) :], further, len(further), ""
        between = _colors(between) if is_empty else between
        current, used = f"{current}{between}{word}", used + cells(between) + cells(word)
        is_empty, between = False, ""
    yield f"{current}{_colors(between)}"


def _colors(between: str) -> str:
    """Returns the color sequences between two words."""
    return "".join(between.split())


def _head(text: Iterable[str], width: int) -> str:
    """Returns the first characters that fit into a width."""
    taken: list[str] = []
    for character in text:
        width -= _cells_of(character)
        if width < 0:
            break
        taken.append(character)
    return "".join(taken)


def _cells_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
