"""Every snippet of README and docs runs as it stands there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.docs import run_snippets
from tests.docs.pages import PAGES, ROOT

QUICK: Final = {"README.md", "CONTRIBUTING.md", "preflight.md"}
"""The other pages train for longer."""

WITH_SNIPPETS: Final = [
    path
    for path in PAGES
    if any(
        snippet.language in {"python", "sh"}
        for snippet in run_snippets.snippets_of(path.read_text(encoding="utf-8"))
    )
]


def run(page: Path, folder: Path) -> str:
    """Runs the snippets of a page in a folder; returns what was printed, with the exit status last."""
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tb_plugin")))
    result = subprocess.run(
        [sys.executable, run_snippets.__file__, page],
        cwd=folder,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "agg", "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return f"{result.stdout}\nexit status {result.returncode}"


def page_of(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(path, id=path.name, marks=[] if path.name in QUICK else [pytest.mark.long])
        for path in WITH_SNIPPETS
    ],
)
def test_the_snippets_of_a_page_run_as_they_stand(page: Path, tmp_path: Path) -> None:
    if page.name == "examples.md":  # It says that it is read in the source folder.
        (tmp_path / "examples").symlink_to(ROOT / "examples")
    said = run(page, tmp_path)

    assert said.endswith("exit status 0"), said


@pytest.mark.parametrize(
    "path", [path for path in PAGES if path.name != "DESIGN.md"], ids=lambda path: path.name
)
def test_every_block_is_of_a_language_that_is_checked_or_an_illustration(path: Path) -> None:
    languages = [snippet.language for snippet in run_snippets.snippets_of(path.read_text(encoding="utf-8"))]

    assert set() == set(languages) - {"python", "sh", "text", "json"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("```python\nraise KeyError('gone')\n```\n", "KeyError: 'gone'"),
        ("```python\nprint('one')\n```\n\n```text\ntwo\n```\n", "did not print ['two']"),
        ("```sh\ntrue\nls missing\n```\n", "'ls missing' ended with"),
        ('```sh\npip install "lrmon[none]"\n```\n', "lrmon has no extra none"),
        ("```sh\npip install lrmon-of-nobody\n```\n", "lrmon-of-nobody is not installed"),
        ("```ruby\nputs 1\n```\n", "'ruby'"),
    ],
)
def test_a_snippet_that_is_wrong_fails(text: str, error: str, tmp_path: Path) -> None:
    said = run(page_of(tmp_path, text), tmp_path)

    assert said.endswith("exit status 1")
    assert error in said


def test_a_server_that_ends_by_itself_fails() -> None:
    with pytest.raises(run_snippets.SnippetError, match="ended: no port"):
        run_snippets.serve("echo no port >&2")


def test_an_unknown_target_of_make_fails(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("known:\n\tfalse\n", encoding="utf-8")

    assert run(page_of(tmp_path, "```sh\nmake known\n```\n"), tmp_path).endswith("exit status 0")
    assert "No rule" in run(page_of(tmp_path, "```sh\nmake unknown\n```\n"), tmp_path)


def test_blocks_share_their_names_and_a_traceback_names_the_line_of_the_page(tmp_path: Path) -> None:
    good = page_of(tmp_path, "```python\nvalue = 3\n```\n\n```python\nprint(value)\n```\n\n```text\n3\n```\n")
    assert "2 snippets ran" in run(good, tmp_path)

    bad = page_of(tmp_path, "# Title\n\n```python\nvalue = 3\n1 / 0\n```\n")
    assert 'page.md", line 5' in run(bad, tmp_path)
