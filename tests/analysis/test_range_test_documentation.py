"""Every problem has its section in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

from lrmon.analysis.range_test.analyze import METHODS, RECOMMENDED

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs/range_test.md").read_text(encoding="utf-8")


def test_every_problem_has_its_section_and_every_section_its_problem() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "lrmon/analysis/range_test").glob("*.py")
    )
    cautions = TEXT.partition("# Problems\n")[2]

    assert sorted(set(re.findall(r'Caution\("(.+?)"', sources))) == sorted(
        re.findall(r"^## (.+)$", cautions, re.MULTILINE)
    )


def test_every_suggestion_is_explained() -> None:
    for name in (*METHODS, RECOMMENDED):
        assert f"| `{name}` |" in TEXT
