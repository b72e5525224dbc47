"""README's tables say of this set-up what the other tests in this folder found, which ran before."""

from __future__ import annotations

import os
import re
from pathlib import Path

import reference_table
from tests.fits.framework import KERAS_3_SINCE, SETUP, api, has

README = Path(__file__).parents[2] / "README.md"


def test_what_readme_says_of_this_set_up_is_what_was_found() -> None:
    expected = {
        table: {row: reference_table.cell(result) for row, result in rows.items()}
        for table, rows in reference_table.told(Path(os.environ["LRMON_REFERENCE"]), SETUP).items()
    }
    actual = reference_table.column(README.read_text(encoding="utf-8"), SETUP)
    absent = {name for name in KERAS_3_SINCE if not has(name)}
    actual = {
        table: {row: text for row, text in rows.items() if not absent & set(re.findall(r"\w+", row))}
        for table, rows in actual.items()
    }
    assert expected == actual, "`make reference` makes the tables anew"


def test_an_older_keras_lacks_what_readme_says_that_it_lacks() -> None:
    assert [name for name in KERAS_3_SINCE if has(name)] == [
        name for name in KERAS_3_SINCE if hasattr(api.optimizers, name)
    ]
    brought = [f"`{name}` (Keras {major}.{minor})" for name, (major, minor) in KERAS_3_SINCE.items()]
    assert f"{', '.join(brought[:-1])} and {brought[-1]}" in " ".join(README.read_text("utf-8").split())


def test_a_cell_that_lies_would_be_found() -> None:
    exact = {"learning_rate": "exact", "effective_learning_rate": "exact", "loss": "exact"}
    results = {
        setup: {"optimizers": {"SGD": exact}, "ways": {"`fit`": {**exact, "loss": "bounded"}}}
        for setup in reference_table.SETUPS
    }
    text = f"…{reference_table.BEGIN}\n{reference_table.rendered(results)}\n{reference_table.END}"
    column = reference_table.column(text, SETUP)
    assert {"optimizers": {"SGD": "exact"}, "ways": {"`fit`": "rate exact, loss bounded"}} == column
    assert {"optimizers": {"SGD": "exact"}} != reference_table.column(text.replace("exact", "bounded"), SETUP)
