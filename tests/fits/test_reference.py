"""README's tables say of this set-up what the tests of this session have found; it runs after all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import reference_table
from tests.fits import reference as told
from tests.fits.framework import KERAS_3_SINCE, SETUP, api, has

README = Path(__file__).parents[2] / "README.md"


def test_what_readme_says_of_this_set_up_is_what_was_found(request: pytest.FixtureRequest) -> None:
    expected = {
        table: {row: reference_table.cell(result) for row, result in rows.items()}
        for table, rows in told.found.items()
    }
    actual = reference_table.column(README.read_text(encoding="utf-8"), SETUP)
    absent = {name for name in KERAS_3_SINCE if not has(name)}
    actual = {
        table: {row: text for row, text in rows.items() if not absent & set(re.findall(r"\w+", row))}
        for table, rows in actual.items()
    }
    if not _all_ran(request.session):  # a part of the tests tells a part of the rows
        actual = {
            table: {row: text for row, text in rows.items() if row in expected[table]}
            for table, rows in actual.items()
        }
    assert expected == actual, "`make reference` makes the tables anew"


def test_an_older_keras_lacks_what_readme_says_that_it_lacks() -> None:
    classes = {*dir(api.optimizers), *dir(getattr(api, "wrappers", None))}
    assert {name: has(name) for name in KERAS_3_SINCE} == {name: name in classes for name in KERAS_3_SINCE}
    brought = [f"`{name}` (Keras {major}.{minor})" for name, (major, minor) in KERAS_3_SINCE.items()]
    assert f"{', '.join(brought[:-1])} and {brought[-1]}" in " ".join(README.read_text("utf-8").split())


def _all_ran(session: pytest.Session) -> bool:
    """Whether no test was left out, neither by a name on the command line nor by one that failed."""
    here = [item for item in session.items if item.path.parent == Path(__file__).parent]
    named = session.config.option.keyword or any("::" in argument for argument in session.config.args)
    files = {path for path in Path(__file__).parent.glob("test_*.py") if not path.name.startswith("test_on_")}
    return not named and session.testsfailed == 0 and files <= {item.path for item in here}


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
