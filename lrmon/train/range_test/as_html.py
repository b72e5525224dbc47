"""A range test in a notebook, as a table in HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def table_html(title: str, rows: Sequence[tuple[str, str, str]], cautions: Sequence[str]) -> str:
    """Returns the suggestions as an HTML table, the recommended one first and in bold.

    Args:
        title: What was swept.
        rows: Name, learning rate and reason of each suggestion.
        cautions: Sentences for the list below the table.
    """
    body = "".join(
        f"<tr><td>{'<b>' if first else ''}{escape(name)}{'</b>' if first else ''}</td>"
        f"<td style='text-align:right'>{escape(lr)}</td>"
        f"<td style='text-align:left'>{escape(reason)}</td></tr>"
        for first, (name, lr, reason) in zip([True, *[False] * len(rows)], rows, strict=False)
    )
    listed = "".join(f"<li>{escape(caution)}</li>" for caution in cautions)
    return (
        f"<div><div>{escape(title)}</div>"
        "<table><thead><tr><th>suggestion</th><th>learning rate</th><th style='text-align:left'>why</th></tr>"
        f"</thead><tbody>{body}</tbody></table>{f'<ul>{listed}</ul>' if listed else ''}</div>"
    )
