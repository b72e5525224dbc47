"""Names in the code use the terms of docs/glossary.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.test_architecture import sources


@dataclass(frozen=True)
class Word:
    """A word that no name contains.

    Attributes:
        word: The word, in lower case.
        better: What to write.
        allowed: Names, or parts of names with the word in them, that mean something else.
    """

    word: str
    better: str
    allowed: tuple[str, ...] = ()


WORDS: Final = (
    Word("rate", "learning_rate, lr", ("learning_rate", "decay_rate", "rms_rate", "sample_rate")),
    Word("rates", "learning_rates, lrs", ("learning_rates", "error_rates", "RATES_PREFIX", "rates_prefix")),
    Word("edge", "lr_change, lr_drop"),
    Word("edges", "lr_changes, lr_drops"),
    Word("stair", "lr_change"),
    Word("stairs", "lr_changes"),
    Word("place", "position", ("in_place",)),
    Word("places", "positions"),
    Word("foretold", "preflight_warnings"),
    Word("facts", "analysis"),
    Word("trigger", "reduction"),
    Word("triggers", "reductions"),
    Word("departs", "diverges"),
    Word("monitors", "metric_names"),
    Word("told", "reported, known"),
    Word("library", "run_cache"),
)
"""Words of the glossary's right column, and what to write."""

VARIABLES: Final = {"of", "found", "each", "told", "seen", "said"}
"""Names that say nothing of what a variable holds."""


def names_in(text: str) -> Iterator[str]:
    """The names that a module defines: of classes, functions, arguments, variables and attributes."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname


def to_avoid(text: str) -> list[str]:
    """Each name with a word to avoid, and what to write."""
    wrong = set()
    for name in names_in(text):
        if name in VARIABLES:
            wrong.add(f"{name} (what it holds)")
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")
        for word in WORDS:
            rest = snake
            for allowed in word.allowed:
                rest = rest.replace(allowed.lower(), "")
            if word.word in rest.split("_"):
                wrong.add(f"{name} ({word.better})")
    return sorted(wrong)


@pytest.mark.parametrize("module", [module for module, _ in sources()])
def test_a_module_has_no_name_to_avoid(module: str) -> None:
    assert [] == to_avoid(dict(sources())[module])


def test_no_file_has_a_name_to_avoid() -> None:
    folders = [Path("lrmon"), Path("tb_plugin/lrmon_tb")]
    root = Path(__file__).parent.parent
    parts = {
        part for folder in folders for path in (root / folder).rglob("*.py") for part in path.stem.split("_")
    }

    assert set() == parts & {word.word for word in WORDS}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("rate = 0.1", ["rate (learning_rate, lr)"]),
        ("class BestRate: ...", ["BestRate (learning_rate, lr)"]),
        ("def f(edges): ...", ["edges (lr_changes, lr_drops)"]),
        ("self.first_place = 1", ["first_place (position)"]),
        ("for each in steps: ...", ["each (what it holds)"]),
        ("import a as facts", ["facts (analysis)"]),
        ("learning_rate, decay_rate, generate = 1, 2, 3", []),
    ],
)
def test_a_name_to_avoid_is_found(text: str, wrong: list[str]) -> None:
    assert wrong == to_avoid(text)
