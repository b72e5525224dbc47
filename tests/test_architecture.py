"""Rooms with one-way doors: who imports whom, and that nothing loads TensorFlow that need not."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.plugin.process import WITHOUT_TENSORFLOW

ROOT = Path(__file__).parent.parent
FRONTEND = ROOT / "tb_plugin" / "frontend" / "src"
SOURCES = {"lrmon": ROOT / "lrmon", "lrmon_tb": ROOT / "tb_plugin" / "lrmon_tb"}

RULES: dict[str, set[str]] = {
    "lrmon": {"lrmon", "numpy", "tensorboard", "matplotlib"},
    "lrmon.schema": set(),
    "lrmon.text": {"lrmon.text"},
    "lrmon.analysis": {"lrmon.analysis", "numpy"},
    "lrmon.record": {"lrmon.record", "lrmon.schema", "lrmon.version", "numpy", "tensorboard", "tensorflow"},
    "lrmon.train": {"lrmon.record", "lrmon.schema", "lrmon.train", "lrmon.version", "numpy"},
    "lrmon.train.fit.closing_lines": {"lrmon.record", "lrmon.review", "numpy"},
    "lrmon.train.base": {"keras", "lrmon.train.private_names", "tf_keras"},
    "lrmon.train.private_names": {"lrmon.train.private_names"},
    "lrmon.train.model": {
        "lrmon.analysis", "lrmon.record", "lrmon.schema", "lrmon.train", "lrmon.version", "numpy",
    },
    "lrmon.train.ring_buffer.in_tensorflow": {"lrmon.train", "numpy", "tensorflow"},
    "lrmon.train.ring_buffer.replicas": {"lrmon.train", "numpy", "tensorflow"},
    "lrmon.train.ring_buffer.in_jax": {"jax", "keras", "lrmon.train", "numpy"},
    "lrmon.train.ring_buffer.late_schedule": {"jax", "keras", "lrmon.train", "numpy"},
    "lrmon.train.ring_buffer.in_torch": {"lrmon.train", "numpy", "torch"},
    "lrmon.train.preflight": {
        "lrmon.analysis", "lrmon.train.model.models", "lrmon.train.model.optimizers", "lrmon.train.preflight",
        "lrmon.train.private_names",
    },
    "lrmon.train.range_test": {
        "lrmon.analysis", "lrmon.record", "lrmon.schema", "lrmon.train", "matplotlib", "numpy",
    },
    "lrmon.review": {"lrmon.analysis", "lrmon.review", "lrmon.schema", "lrmon.text", "numpy"},
    "lrmon.review.run": {"lrmon.analysis", "lrmon.review.run", "lrmon.schema", "lrmon.text", "numpy"},
    "lrmon.review.reading": {
        "lrmon.analysis", "lrmon.review.reading", "lrmon.review.run", "lrmon.schema", "lrmon.text", "numpy",
        "tensorboard",
    },
    "lrmon.review.reading.damaged_files": {"google.protobuf", "tensorboard"},
    "lrmon.review.report": {
        "lrmon.analysis", "lrmon.review.report", "lrmon.review.run", "lrmon.schema", "lrmon.text", "numpy",
    },
    "lrmon.review.report.render.as_plot": {
        "lrmon.analysis", "lrmon.review.report", "lrmon.review.run", "matplotlib", "numpy",
    },
    "lrmon_tb": {
        "lrmon.analysis", "lrmon.review", "lrmon.schema", "lrmon_tb", "numpy", "tensorboard", "werkzeug",
    },
}  # fmt: skip
"""What the modules of a package may import besides the standard library; the longest name counts."""


def sources() -> Iterator[tuple[str, str]]:
    """Each module with its text."""
    for package, folder in SOURCES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path.read_text(encoding="utf-8")


def imported(source: str) -> set[str]:
    """The modules that a source imports anywhere in it, but for those that only a type checker sees."""
    names: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            # From lrmon itself come modules, from its modules come names.
            names |= {f"{base}.{alias.name}" for alias in node.names} if base == "lrmon" else {base}
        else:
            waiting += ast.iter_child_nodes(node)
    return names


def wrong_imports(module: str, source: str) -> list[str]:
    """What a module imports against the rules."""
    rule = RULES[max((name for name in RULES if within(module, name)), key=len)]
    return sorted(
        name
        for name in imported(source)
        if name.partition(".")[0] not in sys.stdlib_module_names and not any(within(name, of) for of in rule)
    )


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("module", [module for module, _ in sources()])
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    assert [] == wrong_imports(module, dict(sources())[module])


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("lrmon.analysis.a", "from lrmon.review import run", ["lrmon.review"]),
        ("lrmon.analysis.a", "import tensorboard.errors", ["tensorboard.errors"]),
        (
            "lrmon.review.a",
            "def f():\n    from lrmon.train.callback import LRMonitor",
            ["lrmon.train.callback"],
        ),
        ("lrmon.review.a", "from lrmon import record", ["lrmon.record"]),
        ("lrmon.train.a", "import lrmon.review.run.run, json", ["lrmon.review.run.run"]),
        ("lrmon.record.a", "from . import events", ["."]),
        ("lrmon_tb.a", "import keras", ["keras"]),
        ("lrmon.cli", "import lrmon_tb", ["lrmon_tb"]),
        ("lrmon.cli", "if TYPE_CHECKING:\n    import keras\nelse:\n    import tensorflow", ["tensorflow"]),
        ("lrmon.review.a", "import json\nfrom lrmon import schema\nimport numpy as np", []),
    ],
)
def test_a_wrong_import_is_found(module: str, source: str, wrong: list[str]) -> None:
    assert wrong == wrong_imports(module, source)


def python_imports(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """By module, the modules among `texts` that it imports anywhere: in functions and for types, too."""
    graph: dict[str, set[str]] = {}
    for module, text in texts.items():
        names: set[str] = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module} has a relative import"
                parents = {f"{node.module}.{alias.name}" for alias in node.names}
                names |= parents & texts.keys() or {str(node.module)}
        graph[module] = names & texts.keys()
    return graph


def typescript_imports(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """By file (without its ending), the files among `texts` that it imports; types count, too."""
    graph: dict[str, set[str]] = {}
    for name, text in texts.items():
        found = re.findall(r"""(?:\bfrom|\bimport)\s*\(?\s*["'](\.[^"']+)["']""", text)
        paths = {os.path.normpath(Path(name).parent / re.sub(r"\.tsx?$", "", path)) for path in found}
        graph[name] = paths & texts.keys()
    return graph


def circle_in(graph: Mapping[str, set[str]]) -> list[str]:
    """Names in a circle, each of which imports the next; none where there is no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle[::-1]
    return []


def typescript_sources() -> dict[str, str]:
    paths = [*FRONTEND.rglob("*.ts"), *FRONTEND.rglob("*.tsx")]
    return {str(path.relative_to(FRONTEND).with_suffix("")): path.read_text("utf-8") for path in paths}


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert [] == circle_in(python_imports(dict(sources())))
    assert [] == circle_in(typescript_imports(typescript_sources()))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("import lrmon.b", "import lrmon.a"),
        ("from lrmon import b", "from lrmon.a import name"),
        ("from lrmon.b import name", "def f():\n    from lrmon.a import name"),
        ("import lrmon.b", "if TYPE_CHECKING:\n    from lrmon.a import name"),
    ],
)
def test_a_circle_of_python_modules_is_found(a: str, b: str) -> None:
    assert 3 == len(circle_in(python_imports({"lrmon": "", "lrmon.a": a, "lrmon.b": b})))
    assert [] == circle_in(python_imports({"lrmon": "", "lrmon.a": a, "lrmon.b": ""}))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ('import { b } from "../model/b";', 'import { a } from "../chart/a";'),
        ('import type { B } from "../model/b.ts";', 'export { a } from "../chart/a";'),
        ('import "../model/b";', 'const a = import("../chart/a");'),
    ],
)
def test_a_circle_of_typescript_files_is_found(a: str, b: str) -> None:
    assert 3 == len(circle_in(typescript_imports({"chart/a": a, "model/b": b})))
    assert [] == circle_in(typescript_imports({"chart/a": a, "model/b": ""}))
    assert 100 < sum(map(len, typescript_imports(typescript_sources()).values()))


def test_the_map_lists_every_room() -> None:
    rooms = {
        f"{path.parent.relative_to(ROOT)}/"
        for folder in SOURCES.values()
        for path in folder.rglob("*.py")
        if (path.parent / "__init__.py").exists()
    }
    above = {"lrmon/", "lrmon/analysis/", "lrmon/train/", "lrmon/review/"}
    listed = re.findall(r"^\| `(.+?/)` \|", (ROOT / "DESIGN.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted({*listed} - {"tb_plugin/frontend/"}) == sorted(rooms - above)


def loads(statement: str, *folders: Path, hide_tensorflow: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs a statement in a new process, which prints which of the heavy packages it has loaded."""
    program = (
        f"import sys\n{statement}\n"
        "heavy = {'tensorflow', 'keras', 'tf_keras', 'torch', 'jax'}\n"
        "print(sorted(heavy & {name.partition('.')[0] for name in sys.modules}))"
    )
    path = [*folders, ROOT, ROOT / "tb_plugin", *([WITHOUT_TENSORFLOW] if hide_tensorflow else [])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "statement",
    [
        "import lrmon",
        "import lrmon_tb.loader",
        "import lrmon_tb.plugin",
        "import lrmon; lrmon.Recorder, lrmon.load, lrmon.preview",
        "import lrmon.cli",
        "import lrmon; dir(lrmon)",
    ],
)
def test_it_is_loaded_without_tensorflow_and_keras(statement: str) -> None:
    process = loads(statement)

    assert ("[]\n", 0) == (process.stdout, process.returncode), process.stderr


def test_a_package_that_does_load_tensorflow_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("")

    assert "['tensorflow']\n" == loads("import tensorflow", tmp_path).stdout


def test_the_processes_of_the_plugin_tests_have_no_tensorflow() -> None:
    process = loads("import tensorflow", hide_tensorflow=True)

    assert "No module named 'tensorflow' (hidden by this test)" in process.stderr
    assert 0 != process.returncode
