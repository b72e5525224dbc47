from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (ROOT, "lrmon"), (ROOT / "tb_plugin", "lrmon_tb")
MODULES = sorted(
    ".".join(path.relative_to(folder).with_suffix("").parts)
    for folder, package in SOURCES
    for path in (folder / package).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))

    assert 0 == result.failed
    assert 0 < result.attempted
