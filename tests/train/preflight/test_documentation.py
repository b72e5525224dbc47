from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import keras
import pytest

from tests.fits.framework import VERSION
from tests.train.preflight.cases import CASES
from tests.train.preflight.fits import release

ROOT = Path(__file__).parent.parent.parent.parent
PAGE = (ROOT / "docs/preflight.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def quoted(code: str) -> str:
    """The example of a section, as one line."""
    lines = [line[2:] for line in SECTIONS[code].splitlines() if line.startswith("> ")]
    return re.sub(r"(tf_keras|Keras) \d+\.\d+\.\d+", r"\1", " ".join(lines))


def test_every_problem_has_its_section_and_its_case_and_none_has_more() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "lrmon/train/preflight").glob("*.py"))
    codes = sorted(set(re.findall(r'code(?:=|, decided = )"(.+?)"', sources)))

    assert (codes, codes) == (sorted(SECTIONS), sorted(CASES))


def as_documented(look: Any, of: Any) -> list[str]:
    return [text.replace(release(of), release(of).split()[0]) for text in look.texts]


@pytest.mark.parametrize("code", sorted(CASES))
def test_the_page_quotes_what_is_said(code: str) -> None:
    look = CASES[code](keras)
    if code == "monitor-without-direction" and VERSION < (3, 11):
        # This ReduceLROnPlateau takes every name for a direction, and val_acc is none of the metrics.
        assert ["monitor-missing"] == look.codes
        return

    assert [code] == look.codes
    assert [quoted(code)] == as_documented(look, keras)
