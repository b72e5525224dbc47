from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent.parent


def test_every_finding_has_its_section_and_every_section_its_finding() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "lrmon/review/report/findings").glob("*.py"))
    sections = re.findall(r"^## (.+)$", (ROOT / "docs/findings.md").read_text(), re.MULTILINE)

    assert sorted(set(re.findall(r'code="(.+?)"', sources))) == sorted(sections)
