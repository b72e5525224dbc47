"""What the pages point to exists: files, sections and paths."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import PAGES, ROOT

LINK: Final = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)")
PATH: Final = re.compile(r"`((?:lrmon|tb_plugin|tests|examples|scripts|docs)/[\w./-]*(?:/|\.\w+))`")
SECTION: Final = re.compile(r"\b(docs/\w+\.md)\b")


def prose(path: Path) -> str:
    """The text of a page without its fenced blocks."""
    return re.sub(r"^```.*\n(?:.*\n)*?```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(path: Path) -> list[str]:
    """What a page points to and what is not there."""
    text = prose(path)
    found = []
    for target, anchor in LINK.findall(text):
        file = path.parent / target if target else path
        if not file.exists() or (anchor and anchor not in anchors(file)):
            found.append(f"{target}#{anchor}" if anchor else target)
    named = [*PATH.findall(text), *SECTION.findall(text)]
    built = "tb_plugin/lrmon_tb/static/"
    return found + [name for name in named if name != built and not (ROOT / name).exists()]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_and_paths_exist(path: Path) -> None:
    assert [] == broken(path)


def test_every_page_of_docs_is_reached_from_readme() -> None:
    linked = {target for target, _ in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))}
    pages = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}

    assert set() == pages - linked


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One title\n[good](#one-title) [bad](#two) [gone](gone.md) `lrmon/nothing.py` `lrmon/schema.py`\n",
        encoding="utf-8",
    )

    assert ["#two", "gone.md", "lrmon/nothing.py"] == broken(page)
