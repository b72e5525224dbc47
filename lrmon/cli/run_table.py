"""The list of runs as text: a line for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lrmon.review.report.render.terminal import Paint
from lrmon.review.run.outline import HEADINGS, Outline
from lrmon.text.widths import GAP, Rows, cells, fitted, printable, table_width, with_short_cells

_NAME, _KIND, _STEPS, _EPOCHS, _OPTIMIZER, _LR, _LOSS, _FINDINGS = range(8)
_ORDER: Final = (_LOSS, _OPTIMIZER, _KIND, _EPOCHS, _LR, _STEPS)
"""Columns that are omitted while a line is too long, in this order."""
_SHORTEST: Final = {_NAME: 20, _OPTIMIZER: 8}
"""The least widths of columns that are shortened before another column is omitted."""
_LEFT: Final = (_NAME, _KIND, _OPTIMIZER, _FINDINGS)
"""Columns of words, which are left-aligned."""


def run_table(
    outlines: Sequence[Outline], summaries: Mapping[str, Mapping[str, Any]], *, width: int, color: bool
) -> list[str]:
    """Returns a heading and a line for each run, none of them wider than the terminal.

    While lines are too long, first the last loss is omitted, then names are shortened, then more columns
    are omitted.

    Args:
      outlines: of the runs.
      summaries: by name, with ``findings`` and ``severity`` as `lrmon.review.run_list.summarize` has them.
      width: of the terminal.
      color: whether to use its colors.
    """
    listed = [summaries[outline.name] for outline in outlines]
    rows = [[*HEADINGS, "findings"]]
    rows += [
        [*map(printable, outline.cells()), _findings(summary)]
        for outline, summary in zip(outlines, listed, strict=True)
    ]
    columns, kept = _that_fit(rows, width + GAP)  # its first column has no gap before it
    widths = [max(cells(row[index]) for row in kept) for index in range(len(columns))]
    paint = Paint(color)
    lines: list[str] = []
    for row, style in zip(kept, ["head", *(str(summary["severity"]) for summary in listed)], strict=True):
        padded = [
            cell.ljust(wide - cells(cell) + len(cell))
            if column in _LEFT
            else cell.rjust(wide - cells(cell) + len(cell))
            for column, cell, wide in zip(columns, row, widths, strict=True)
        ]
        last = padded.pop().rstrip()
        if style == "head":
            lines.append(paint(style, (" " * GAP).join([*padded, last])))
        else:
            lines.append((" " * GAP).join([*padded, last if style == "None" else paint(style, last)]))
    return list(fitted(lines, width))


def _that_fit(rows: Rows, room: int) -> tuple[list[int], Rows]:
    """Returns the columns that fit, and the table of these columns with its names shortened."""
    for count in range(len(_ORDER) + 1):
        columns = [column for column in range(len(rows[0])) if column not in _ORDER[:count]]
        kept = [[row[column] for column in columns] for row in rows]
        if table_width(kept) <= room:
            break
        least = {index: _SHORTEST[column] for index, column in enumerate(columns) if column in _SHORTEST}
        kept = with_short_cells(kept, room, least)
        if count and table_width(kept) <= room:
            break
    return columns, kept


def _findings(summary: Mapping[str, Any]) -> str:
    """Returns the number of findings and the worst severity."""
    return f"{summary['findings']} ({summary['severity']})" if summary["findings"] else "none"
