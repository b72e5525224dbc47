"""Calls of Keras' classes in the user's source, read without running anything."""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from types import ModuleType
from typing import Any, Final

from lrmon.train.preflight.fit import Caller

_MOST_CHARACTERS: Final = 400_000
_MOST_FILES: Final = 20
_NOTEBOOK: Final = re.compile(r"<ipython-input|ipykernel_\d+|<marimo")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a class of Keras.

    Attributes:
        path: The class' dotted name, ``keras.callbacks.ReduceLROnPlateau`` for example. The package is
            ``keras``, ``tf_keras``, or ``tensorflow`` where it was reached through TensorFlow.
        file: The file's name without its folder, or ``this cell`` of a notebook.
        keywords: By name, the source of the value and its line. Those given by ``**`` are not among them.
        positional: The sources of the values.
    """

    path: str
    file: str
    keywords: Mapping[str, tuple[str, int]]
    positional: Sequence[str]

    @property
    def class_name(self) -> str:
        """The last part of `path`."""
        return self.path.rpartition(".")[2]


def calls(callers: Sequence[Caller], class_names: frozenset[str]) -> list[Call]:
    """Returns the calls with keywords of Keras' classes of these names, file by file in the order of lines.

    What a name means is taken from the file's imports, else from what the running code sees under it. A name
    that leads to something else than Keras, a class of one's own for example, is left alone.

    Args:
        callers: Files to read. At most 20 are, and none above 400,000 characters.
        class_names: Which classes.
    """
    found: list[Call] = []
    for caller in callers[:_MOST_FILES]:
        loaded_by = {name: caller.names.get(name) for name in ("__name__", "__loader__", "__spec__")}
        text = "".join(linecache.getlines(caller.filename, loaded_by))
        if len(text) <= _MOST_CHARACTERS and any(name in text for name in class_names):
            found += _calls_in(text, caller, class_names)
    return found


def _calls_in(text: str, caller: Caller, class_names: frozenset[str]) -> Iterator[Call]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # A notebook's cell may hold %magic.
    imports = dict(_imports(tree))
    file = "this cell" if _NOTEBOOK.search(caller.filename) else PurePath(caller.filename).name
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.keywords]
    for node in sorted(nodes, key=lambda each: (each.lineno, each.col_offset)):
        path = _path(node.func, imports, caller.names)
        if path is None or path.rpartition(".")[2] not in class_names:
            continue
        keywords = {
            keyword.arg: (ast.unparse(keyword.value), keyword.lineno)
            for keyword in node.keywords
            if keyword.arg is not None
        }
        yield Call(path, file, keywords, [ast.unparse(argument) for argument in node.args])


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (
                    alias.asname or alias.name.partition(".")[0],
                    alias.name if alias.asname else (alias.name.partition(".")[0]),
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _path(node: ast.expr, imports: Mapping[str, str], names: Mapping[str, Any]) -> str | None:
    """The dotted name of what is called, None where it is not Keras'."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    base = imports.get(node.id) or _origin(names.get(node.id))
    if base is None:
        return None
    path = ".".join([base, *reversed(parts)])
    package = path.split(".")[:2]
    is_keras = package[0] in ("keras", "tf_keras") or package == ["tensorflow", "keras"]
    return path if is_keras else None


def _origin(value: Any) -> str | None:
    """The dotted name of a module or class. Nothing is asked of a module that would load it."""
    if isinstance(value, ModuleType):
        name = vars(value).get("__name__")
        return name if isinstance(name, str) else None
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    return None
