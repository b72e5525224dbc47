"""The wording of warnings and errors.

Tests assert that a warning or an error comes, its code and its numbers. Its sentences are in
snapshots/warnings.txt alone, each under a name. After a change of wording,

    LRMON_REFRESH=1 .venv/bin/python -m pytest tests/train tests/range_test tests/record

writes the file anew; read its difference before you commit it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

FILE: Final = Path(__file__).parent / "snapshots" / "warnings.txt"

_VERSION: Final = re.compile(r"\b(tf_keras|[Kk]eras) \d+\.\d+\.\d+")


def wordings() -> dict[str, str]:
    """By name, the sentences of the file."""
    parts = re.findall(r"^\[(.+)\]\n(.*)\n", FILE.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(parts)


def assert_wording(name: str, message: object, **values: object) -> None:
    """Asserts that a message is the one of the file.

    Args:
        name: In the file.
        message: A text, or an error or warning.
        values: What differs from run to run, such as a folder; the file has its name in angle brackets.
    """
    text = _VERSION.sub(r"\1 <version>", str(message))
    for key, value in values.items():
        text = text.replace(str(value), f"<{key}>")
    if os.environ.get("LRMON_REFRESH"):
        known = wordings() if FILE.exists() else {}
        known[name] = text
        FILE.write_text("\n".join(f"[{key}]\n{known[key]}\n" for key in sorted(known)), encoding="utf-8")
    assert wordings()[name] == text


@contextmanager
def refused(kind: type[Exception], name: str, **values: object) -> Iterator[None]:
    """Asserts that the block raises an error of a kind, with the wording of this name in the file."""
    with pytest.raises(kind) as caught:
        yield
    assert_wording(name, caught.value, **values)
