"""Writes the tables of docs/exactness.md from what the tests found.

Usage: ``python scripts/reference_table.py RESULTS PAGE``. RESULTS is the folder to which the tests in
tests/fits write under ``make reference``, one file for each set-up.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

BEGIN: Final = "<!-- made by `make reference` -->"
END: Final = "<!-- end of what `make reference` makes -->"

SETUPS: Final = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch", "tf_keras": "tf_keras"}
TABLES: Final = {"optimizers": "optimizer", "ways": "way to train"}
ABSENT: Final = "–"
NO_EFFECTIVE: Final = "no effective LR"

Cells = Mapping[str, Mapping[str, str]]
"""By table and row, the text of the cell of one set-up."""


def cell(learning_rate: str, effective_learning_rate: str, loss: str) -> str:
    """Returns the text of a cell.

    Args:
        learning_rate: How exact the learning rate is: ``exact``, ``bounded`` or ``unavailable``.
        effective_learning_rate: How exact the effective learning rate is.
        loss: How exact the loss is.

    >>> cell("exact", "unavailable", "exact")
    'exact; no effective LR'
    >>> cell("exact", "exact", "bounded")
    'LR exact, loss bounded'
    """
    text = learning_rate if learning_rate == loss else f"LR {learning_rate}, loss {loss}"
    if effective_learning_rate == learning_rate:
        return text
    effective = effective_learning_rate
    return f"{text}; {NO_EFFECTIVE if effective == 'unavailable' else f'effective LR {effective}'}"


def read_results(folder: Path, setup: str) -> dict[str, dict[str, str]]:
    """Returns by table and row what the tests of a set-up found.

    Raises:
        ValueError: Two tests found different cells for one row.
    """
    results: dict[str, dict[str, str]] = {table: {} for table in TABLES}
    for line in (folder / f"{setup}.jsonl").read_text(encoding="utf-8").splitlines():
        table, row, text = json.loads(line)
        if results[table].setdefault(row, text) != text:
            raise ValueError(f"two tests differ on {row!r}: {results[table][row]!r} and {text!r}")
    return results


def render(results: Mapping[str, Cells]) -> str:
    """Returns the tables as Markdown.

    Args:
        results: By set-up.
    """
    tables = []
    for table, title in TABLES.items():
        rows = list(dict.fromkeys(row for setup in SETUPS for row in results[setup][table]))
        lines = [f"| {title} | {' | '.join(SETUPS.values())} |", f"| --- |{' --- |' * len(SETUPS)}"]
        for row in rows:
            cells = [results[setup][table].get(row, ABSENT) for setup in SETUPS]
            lines.append(f"| {row} | {' | '.join(cells)} |")
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def column(page: str, setup: str) -> dict[str, dict[str, str]]:
    """Returns by table and row the cells that a page has for a set-up, without absent ones."""
    index = 2 + list(SETUPS).index(setup)
    found: dict[str, dict[str, str]] = {table: {} for table in TABLES}
    table = ""
    for line in page.partition(BEGIN)[2].partition(END)[0].splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < len(SETUPS) + 2 or cells[1] == "---":
            continue
        heading = next((name for name, title in TABLES.items() if title == cells[1]), None)
        if heading is not None:
            table = heading
        elif cells[index] != ABSENT:
            found[table][cells[1]] = cells[index]
    return found


def main(arguments: Sequence[str]) -> int:
    """Writes the tables into the page and returns the exit status."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder, path = Path(arguments[0]), Path(arguments[1])
    page = path.read_text(encoding="utf-8")
    if BEGIN not in page or END not in page:
        print(f"error: {path} has no lines {BEGIN!r} and {END!r} to put the tables between", file=sys.stderr)
        return 1
    tables = render({setup: read_results(folder, setup) for setup in SETUPS})
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
