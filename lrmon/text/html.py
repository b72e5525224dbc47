"""HTML for notebooks. Text has the page's own color, so that it is readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from lrmon.text.widths import printable

MOST_ROWS: Final = 200
"""A table shows at most this many rows, and then the number of the others."""


def text_html(text: str) -> str:
    """Returns any text as HTML. Characters that cannot be printed become replacement characters."""
    return escape(printable(" ".join(text.split())))


def table_html(caption: str, rows: Sequence[Sequence[str]], *, headings: Sequence[str] = ()) -> str:
    """Returns a table as HTML.

    Args:
      caption: stands above it.
      rows: the cells, as plain text.
      headings: of the columns; without them the first cell of each row is that row's heading.
    """
    lines = ["<table>", f"<caption style='text-align:left'>{text_html(caption)}</caption>"]
    if headings:
        cells = "".join(_cell("th", heading, " scope='col'") for heading in headings)
        lines.append(f"<thead><tr>{cells}</tr></thead>")
    lines.append("<tbody>")
    for first, *others in rows[:MOST_ROWS]:
        cells = "".join(_cell("td", cell) for cell in others)
        lines.append(f"<tr>{_cell('th', first, ' scope=' + repr('row'))}{cells}</tr>")
    lines.append("</tbody></table>")
    if len(rows) > MOST_ROWS:
        lines.append(f"<p>… {len(rows) - MOST_ROWS:,} more</p>")
    return "".join(lines)


def _cell(tag: str, text: str, attributes: str = "") -> str:
    return f"<{tag}{attributes} style='text-align:left'>{text_html(text)}</{tag}>"
