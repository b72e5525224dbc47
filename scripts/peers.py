"""Runs other linters of training logs over a folder of CSV files and prints what each says as JSON.

Usage: ``.venv-peers/bin/python scripts/peers.py FOLDER``. They are called as their commands are, in one
process.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

_LEVELS: Final = {
    "FAIL": "error", "critical": "error", "error": "error", "WARN": "warning", "warning": "warning",
}  # fmt: skip


def _of_losslint(answer: Any) -> list[tuple[str, str]]:
    return [(each["check"], each["severity"]) for each in answer["findings"]]


def _of_runmedic(answer: Any) -> list[tuple[str, str]]:
    return [(each["check"], each["severity"]) for run in answer for each in run["findings"]]


def _of_trainproof(answer: Any) -> list[tuple[str, str]]:
    return [(each["id"], each["level"]) for report in answer["reports"] for each in report["findings"]]


def _of_trainspotter(answer: Any) -> list[tuple[str, str]]:
    return [(each["detector"], each["severity"]) for each in answer["findings"]]


PEERS: Final[dict[str, tuple[list[str], Callable[[Any], list[tuple[str, str]]]]]] = {
    "trainproof": (["doctor", "--json"], _of_trainproof),
    "runmedic": (["diagnose", "--json"], _of_runmedic),
    "trainspotter": (["analyze", "--output", "json"], _of_trainspotter),
    "losslint": (["check", "--format", "json"], _of_losslint),
}


def findings(peer: str, path: Path) -> dict[str, str]:
    """Returns the names of a peer's warnings and errors on one file, with the severity of each."""
    arguments, of = PEERS[peer]
    main: Any = importlib.import_module(f"{peer}.cli").main
    out = io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.suppress(SystemExit),
    ):
        sys.argv = [peer, *arguments, str(path)]
        main()
    found = of(json.loads(out.getvalue()))
    return {name: _LEVELS[level] for name, level in found if level in _LEVELS}


if __name__ == "__main__":
    # The peers' own command lines take its place below.
    files = sorted(Path(sys.argv[1]).glob("*.csv"))
    answer = {
        f"{peer} {version(peer)}": {path.stem: findings(peer, path) for path in files} for peer in PEERS
    }
    print(json.dumps(answer))
