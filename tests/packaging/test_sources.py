"""What the files of the project may not say, and what they must say alike."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lrmon.version import __version__

ROOT = Path(__file__).resolve().parents[2]
FRONTEND = ROOT / "tb_plugin" / "frontend"

# In brackets, so that this file does not hold what it looks for.
SOMEBODYS_FOLDER = re.compile(r"(?<![\w.])/(?:[r]oot|[h]ome|[U]sers)/\w")
REGISTRY = re.compile(
    r"registry[.](?:npmjs|yarnpkg)|npmmirror[.]|pythonhosted[.]|pypi[.]org/simple|deb[.]debian"
)


def test_the_version_is_the_newest_heading_of_the_changelog() -> None:
    headings = re.findall(
        r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert __version__ == headings[0]


def test_setup_py_holds_only_what_needs_code() -> None:
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    (call,) = (
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "setup"
    )

    assert ([], ["cmdclass"]) == (call.args, [keyword.arg for keyword in call.keywords])


def test_the_front_end_has_the_version_of_the_library() -> None:
    assert __version__ == _json(FRONTEND / "package.json")["version"]
    assert __version__ == _json(FRONTEND / "package-lock.json")["version"]


def test_the_lock_file_fixes_content_and_not_where_it_comes_from() -> None:
    packages = {name: package for name, package in _packages().items() if name}

    assert set() == {name for name, package in packages.items() if "integrity" not in package}
    assert set() == {name for name, package in packages.items() if "resolved" in package}


def test_the_lock_file_covers_every_platform() -> None:
    packages = _packages()
    names = {name.rpartition("node_modules/")[2] for name in packages}
    optional = {name for package in packages.values() for name in package.get("optionalDependencies", {})}

    assert set() == optional - names


def test_no_file_names_a_registry_or_somebodys_folder() -> None:
    assert [] == [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in _files()
        for number, line in enumerate(
            path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1
        )
        if SOMEBODYS_FOLDER.search(line) or REGISTRY.search(line)
    ]


def _files() -> Iterator[Path]:
    folders = ("lrmon", "tb_plugin", "tests", "examples", "scripts", "docs", ".ci")
    files = (*ROOT.iterdir(), *(path for folder in folders for path in (ROOT / folder).rglob("*")))
    built = {"node_modules", "static", "__pycache__"}
    for path in files:
        if (
            path.is_file()
            and not built & set(path.relative_to(ROOT).parts)
            and not path.name.startswith(".coverage")
        ):
            yield path


def _packages() -> dict[str, dict[str, Any]]:
    packages: dict[str, dict[str, Any]] = _json(FRONTEND / "package-lock.json")["packages"]
    return packages


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
