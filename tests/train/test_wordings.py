from __future__ import annotations

import pytest

from tests.train.wordings import FILE, assert_wording, wordings


def test_the_file_has_nothing_but_names_and_their_wordings() -> None:
    known = wordings()

    assert "\n".join(f"[{name}]\n{known[name]}\n" for name in sorted(known)) == FILE.read_text("utf-8")


def test_another_wording_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LRMON_REFRESH", raising=False)
    name, text = next(iter(wordings().items()))

    assert_wording(name, text)
    with pytest.raises(AssertionError):
        assert_wording(name, f"{text} And more.")
