"""The published error rates are what the corpus gives, and what they promise holds on its measured half."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

import error_rates
from tests.corpus.recordings import FOLDER, load_all

PAGE = (Path(__file__).parents[2] / "docs/error_rates.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def verdicts() -> Sequence[error_rates.Verdict]:
    return [error_rates.verdict(case) for case in load_all()]


def rows(title: str) -> dict[str, list[str]]:
    """The cells of a table of the page, by what its first two columns say."""
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if re.match(r"\| \w", line)]
    return {" | ".join(cells[:2]): cells[2:] for cells in lines[1:]}


@pytest.mark.parametrize(
    ("title", "measured"),
    [("Faults, the half that was only measured", True), ("Faults that the rules were tuned on", False)],
)
def test_the_page_says_of_faults_what_the_corpus_gives(
    verdicts: Sequence[error_rates.Verdict], title: str, measured: bool
) -> None:
    here = [verdict for verdict in verdicts if verdict.case.severity and verdict.case.is_measured is measured]
    documented = rows(title)

    assert {key: cells[:5] for key, cells in documented.items() if not key.startswith("all")} == (
        error_rates.fault_rows(here)
    )


def test_the_page_says_of_healthy_trainings_what_the_corpus_gives(
    verdicts: Sequence[error_rates.Verdict],
) -> None:
    section = PAGE.partition("## Healthy trainings with an alarm\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if re.match(r"\| \w", line)][1:]
    documented = {(half, severity): (int(count), int(own)) for half, count, severity, own, *_ in lines}

    for half, count, errors, warnings in error_rates.healthy_rows(verdicts):
        assert {(half, "error"): (count, errors), (half, "warning"): (count, warnings)} == {
            key: value for key, value in documented.items() if key[0] == half
        }


def test_each_fault_is_told_once(verdicts: Sequence[error_rates.Verdict]) -> None:
    faults = [verdict for verdict in verdicts if verdict.case.severity]
    single = [verdict for verdict in faults if len(verdict.findings) == 1]

    assert len(single) >= 0.9 * len(faults)


def test_the_corpus_is_as_large_as_it_was_promised(verdicts: Sequence[error_rates.Verdict]) -> None:
    faults = {
        (verdict.case.kind, verdict.case.severity, verdict.case.seed)
        for verdict in verdicts
        if verdict.case.severity
    }

    assert len({kind for kind, _, _ in faults}) >= 20
    assert len(faults) == 9 * len({kind for kind, _, _ in faults})
    assert sum(not verdict.case.severity for verdict in verdicts) >= 60
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 5_000_000
