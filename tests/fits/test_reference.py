"""The tables of docs/exactness.md have the rows that tests check, and a wrong cell fails."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import reference_table
from tests.fits.conftest import ONLY_FOR
from tests.fits.framework import KERAS_3_SINCE, SETUP, api, has
from tests.fits.reference import PAGE, Reference

TABLE_OF: Final = {"optimizer": "optimizers", "way": "ways", "refused": "ways"}
"""By method of `Reference`, the table that it checks."""


def rows_with_tests() -> dict[str, set[str]]:
    """By table, the rows that the tests of this set-up check, whichever of them run."""
    rows: dict[str, set[str]] = {table: set() for table in TABLE_OF.values()}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        setups = next((ONLY_FOR[name] for name in ONLY_FOR if path.stem.startswith(name)), {SETUP})
        if path == Path(__file__) or SETUP not in setups:
            continue
        module = importlib.import_module(f"tests.fits.{path.stem}")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and hasattr(module, node.name):
                for table, row in rows_of(node, getattr(module, node.name)):
                    rows[table].add(row)
    return rows


def rows_of(node: ast.FunctionDef, test: Any) -> Iterator[tuple[str, str]]:
    """Yields table and row of each call of the fixture `reference`, for all parameters of the test."""
    constants = {
        child.targets[0].id: child.value.value
        for child in ast.walk(node)
        if isinstance(child, ast.Assign)
        and isinstance(child.targets[0], ast.Name)
        and isinstance(child.value, ast.Constant)
    }
    for call in ast.walk(node):
        match call:
            case ast.Call(ast.Attribute(ast.Name("reference"), method), [name, *_]):
                row = compile(ast.Expression(name), node.name, "eval")
                for parameters in parameters_of(test):
                    yield TABLE_OF[method], eval(row, {}, {**constants, **parameters})


def parameters_of(test: Any) -> Iterator[dict[str, Any]]:
    """Yields the arguments that each case of a parametrized test gets."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    for values in itertools.product(*(mark.args[1] for mark in marks)):
        parameters: dict[str, Any] = {}
        for mark, value in zip(marks, values, strict=True):
            names = mark.args[0]
            if isinstance(names, str):
                parameters[names] = getattr(value, "values", value)
            else:
                parameters |= zip(names, getattr(value, "values", value), strict=True)
        yield parameters


def test_every_row_of_the_tables_has_its_test_and_every_test_its_row() -> None:
    absent = {name for name in KERAS_3_SINCE if not has(name)}
    column = reference_table.column(PAGE.read_text(encoding="utf-8"), SETUP)
    expected = {
        table: {row for row in rows if not absent & set(re.findall(r"\w+", row))}
        for table, rows in column.items()
    }

    assert expected == rows_with_tests()


def test_an_older_keras_lacks_what_the_page_says_that_it_lacks() -> None:
    assert [name for name in KERAS_3_SINCE if has(name)] == [
        name for name in KERAS_3_SINCE if hasattr(api.optimizers, name)
    ]
    brought = [f"`{name}` (Keras {major}.{minor})" for name, (major, minor) in KERAS_3_SINCE.items()]
    sentence = f"{', '.join(brought[:-1])} and {brought[-1]}"
    assert sentence in " ".join(PAGE.read_text(encoding="utf-8").split())


def page_with(text: str) -> str:
    """A page whose tables have one row each, with `text` as the cells of all set-ups."""
    results = {
        setup: {"optimizers": {"SGD": text}, "ways": {"`fit`": text}} for setup in reference_table.SETUPS
    }
    return f"…{reference_table.BEGIN}\n{reference_table.render(results)}\n{reference_table.END}"


def test_a_wrong_cell_fails_and_so_does_a_missing_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LRMON_REFERENCE", raising=False)
    error = TypeError("steps")
    Reference(page_with("Keras raises TypeError")).refused("`fit`", error)

    with pytest.raises(AssertionError, match="`fit`"):
        Reference(page_with("exact")).refused("`fit`", error)
    with pytest.raises(AssertionError, match="eager"):
        Reference(page_with("Keras raises TypeError")).refused("eager", error)


def test_what_the_tests_write_makes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, error = tmp_path / "page.md", TypeError("steps")
    page.write_text(page_with("exact"), encoding="utf-8")
    for setup in reference_table.SETUPS:
        monkeypatch.setenv("LRMON_REFERENCE", str(tmp_path))
        monkeypatch.setattr("tests.fits.reference.SETUP", setup)
        Reference(page_with("exact")).refused("`fit`", error)

    assert 0 == reference_table.main([str(tmp_path), str(page)])
    assert {"`fit`": "Keras raises TypeError"} == reference_table.column(page.read_text("utf-8"), SETUP)[
        "ways"
    ]

    Reference(page_with("exact")).refused("`fit`", ValueError("steps"))
    with pytest.raises(ValueError, match="two tests differ on '`fit`'"):
        reference_table.main([str(tmp_path), str(page)])
