"""The tables of README that say how truly what is recorded, made of what the tests told.

Usage: ``python scripts/reference_table.py RESULTS README``. RESULTS is a folder with JSON files of each
set-up, which the tests in tests/fits write; see ``make reference``.
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
TABLES: Final = {"optimizers": "optimizer", "ways": "way to fit"}
ABSENT: Final = "–"

Results = Mapping[str, Mapping[str, Mapping[str, str]]]
"""By table and row, by column of the record, how true it is."""


def cell(result: Mapping[str, str]) -> str:
    """Returns what a table says of one set-up.

    >>> cell({"learning_rate": "exact", "effective_learning_rate": "not available", "loss": "exact"})
    'exact; no effective rate'
    >>> cell({"learning_rate": "exact", "effective_learning_rate": "exact", "loss": "bounded"})
    'rate exact, loss bounded'
    """
    if "refused by Keras" in result:
        return f"Keras raises {result['refused by Keras']}"
    rate, loss = result["learning_rate"], result["loss"]
    text = rate if rate == loss else f"rate {rate}, loss {loss}"
    effective = result["effective_learning_rate"]
    if effective == rate:
        return text
    return f"{text}; no effective rate" if effective == "not available" else f"{text}; effective {effective}"


def told(folder: Path, setup: str) -> dict[str, dict[str, dict[str, str]]]:
    """Returns what the tests of a set-up told, each process of them in a file of its own.

    Raises:
        ValueError: Two tests told otherwise of one row.
    """
    results: dict[str, dict[str, dict[str, str]]] = {table: {} for table in TABLES}
    for path in sorted(folder.glob(f"{setup}-*.json")):
        for table, rows in json.loads(path.read_text(encoding="utf-8")).items():
            for row, result in rows.items():
                if results[table].setdefault(row, result) != result:
                    raise ValueError(f"two tests tell of {row!r}: {results[table][row]} and {result}")
    return results


def rendered(results: Mapping[str, Results]) -> str:
    """Returns the tables as Markdown.

    Args:
        results: By set-up.
    """
    tables = []
    for table, title in TABLES.items():
        rows = list(dict.fromkeys(row for setup in SETUPS for row in results[setup][table]))
        lines = [f"| {title} | {' | '.join(SETUPS.values())} |", f"| --- |{' --- |' * len(SETUPS)}"]
        for row in rows:
            found = [results[setup][table].get(row) for setup in SETUPS]
            cells = [ABSENT if result is None else cell(result) for result in found]
            lines.append(f"| {row} | {' | '.join(cells)} |")
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def column(readme: str, setup: str) -> dict[str, dict[str, str]]:
    """Returns what README says of a set-up: by table and row the text of the cell, absent ones left out."""
    index = 2 + list(SETUPS).index(setup)
    found: dict[str, dict[str, str]] = {table: {} for table in TABLES}
    table = ""
    for line in _between(readme).splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < len(SETUPS) + 2 or cells[1] == "---":
            continue
        heading = next((name for name, title in TABLES.items() if title == cells[1]), None)
        if heading is not None:
            table = heading
        elif cells[index] != ABSENT:
            found[table][cells[1]] = cells[index]
    return found


def _between(readme: str) -> str:
    return readme.partition(BEGIN)[2].partition(END)[0]


def main(arguments: Sequence[str]) -> int:
    """Puts the tables into README; returns the exit status."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder, path = Path(arguments[0]), Path(arguments[1])
    results = {setup: told(folder, setup) for setup in SETUPS}
    readme = path.read_text(encoding="utf-8")
    if BEGIN not in readme or END not in readme:
        print(f"error: {path} has no lines {BEGIN!r} and {END!r} to put the tables between", file=sys.stderr)
        return 1
    before, _, rest = readme.partition(BEGIN)
    after = rest.partition(END)[2]
    path.write_text(f"{before}{BEGIN}\n\n{rendered(results)}\n\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
