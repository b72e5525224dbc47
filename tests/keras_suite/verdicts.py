"""What two runs of the same tests said, with the monitor and without it, and what follows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.recorded import recorded

MISSING: Final = "did not run"

BY_DESIGN: Final = "lrmon.Recorder records any training loop"
"""How every refusal ends that the documentation names."""


@dataclass(frozen=True)
class Journal:
    """One run.

    Attributes:
        verdicts: By test.
        errors: By test, the last line of its error.
        fits: Those that got a monitor, as the plugin wrote them.
        threads: Names of those that were alive at the end; None where the run did not come to its end.
    """

    verdicts: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    fits: list[dict[str, Any]] = field(default_factory=list)
    threads: list[str] | None = None


def read_journal(path: Path) -> Journal:
    """Returns what the plugin wrote, as far as it came."""
    verdicts, errors, fits = {}, {}, []
    threads = None
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        entry = json.loads(line)
        if "fit" in entry:
            fits.append(entry)
        elif "threads" in entry:
            threads = entry["threads"]
        else:
            verdicts[entry["test"]] = entry["verdict"]
            if entry["error"]:
                errors[entry["test"]] = entry["error"]
    return Journal(verdicts, errors, fits, threads)


def differing(without: Mapping[str, str], with_monitor: Mapping[str, str]) -> list[str]:
    """Returns the tests whose verdict differs in two runs; a test that only one of them ran differs too."""
    tests = sorted({*without, *with_monitor})
    return [test for test in tests if without.get(test) != with_monitor.get(test)]


def changed(
    tests: Iterable[str], without: Sequence[Mapping[str, str]], with_monitor: Sequence[Mapping[str, str]]
) -> tuple[list[str], list[str]]:
    """Splits tests that once differed: into those that the monitor changes, and those that are flaky.

    A test is changed where the runs with the monitor gave a verdict that no run without it gave.

    Args:
        tests: To judge.
        without: The verdicts of each run without the monitor.
        with_monitor: The verdicts of each run with it.
    """
    is_changed: list[str] = []
    is_flaky: list[str] = []
    for test in tests:
        usual = {verdicts.get(test, MISSING) for verdicts in without}
        now = {verdicts.get(test, MISSING) for verdicts in with_monitor}
        (is_flaky if now <= usual else is_changed).append(test)
    return is_changed, is_flaky


@dataclass
class Fits:
    """What became of the monitors.

    Attributes:
        recorded: Fits of which every step is on disk.
        steps: On disk, together.
        untrained: Fits that made no step, often since the test is about an error.
        refused: By reason, the fits that the monitor refused as documented.
        problems: Sentences: what must not be.
        forms: By how the monitor was handed over, the fits.
    """

    recorded: int = 0
    steps: int = 0
    untrained: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    forms: Counter[str] = field(default_factory=Counter)


def judged(fits: Iterable[Mapping[str, Any]]) -> Fits:
    """Returns what became of the fits, by what TensorBoard's own reader finds in their folders."""
    result = Fits()
    for fit in fits:
        result.forms[fit["form"]] += 1
        where = f"{fit['test']}, fit {fit['fit']} ({fit['form']})"
        if fit["refusal"] is not None:
            if fit["refusal"].endswith(BY_DESIGN):
                result.refused[fit["refusal"]] += 1
            else:
                result.problems.append(f"{where}: refused, {fit['refusal']}")
        elif fit["problem"] is not None:
            result.problems.append(f"{where}: stopped recording, {fit['problem']}")
        elif fit["begun"] == 0:
            result.untrained += 1
        else:
            steps = len(recorded(fit["folder"]).step)
            # A batch that began may have ended in an error of the test's own, or of its data.
            if not fit["ended"] <= steps <= fit["begun"]:
                made = f"{fit['ended']} to {fit['begun']}"
                result.problems.append(f"{where}: {steps} steps are on disk, and {made} were made")
            elif steps == 0:
                result.untrained += 1
            else:
                result.recorded += 1
                result.steps += steps
    return result
