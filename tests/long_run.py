"""What the long tests share: how much they do, and the line in which they say what they found."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest


def amount(name: str, default: int) -> int:
    """Returns how much of something a long test does: that of the environment variable, else the default."""
    return int(os.environ.get(name, default))


def say(capture: pytest.CaptureFixture[str], test: str, **found: Any) -> None:
    """Prints one line for the table of docs/reliability.md: ``LRMON-LONG {"test": …}``."""
    with capture.disabled():
        print(f"\nLRMON-LONG {json.dumps({'test': test, **found})}", flush=True)
