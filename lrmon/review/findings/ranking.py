"""All findings of a run, the most important first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from lrmon.review.facts import Facts
from lrmon.review.findings import (
    batches,
    boundaries,
    extremes,
    keras_log,
    learning,
    notes,
    plateau,
    response,
    setbacks,
    sources,
    staircase,
    stall,
    trouble,
    validation,
)
from lrmon.review.findings.finding import SEVERITIES, Finding

_THEMES: Final[tuple[Callable[[Facts], Iterator[Finding]], ...]] = (
    trouble.find,
    learning.find,
    setbacks.find,
    batches.find,
    validation.find,
    stall.find,
    notes.find,
    sources.find,
    staircase.find,
    boundaries.find,
    keras_log.find,
    plateau.find,
    extremes.find,
    response.find,
)
"""In the order in which findings of one severity stand."""

_RECORDED: Final[tuple[Callable[[Facts], Iterator[Finding]], ...]] = (notes.find, sources.find)
"""Those that do not judge the curves."""


def find_all(facts: Facts) -> tuple[Finding, ...]:
    """Returns the findings of a run: errors, then warnings, then what is good to know.

    Of a range test only what the recording itself says: to raise the learning rate until the loss diverges is
    its purpose.
    """
    themes = _RECORDED if facts.run.kind == "range_test" else _THEMES
    found = [finding for find in themes for finding in find(facts)]
    repeated = notes.came_true(facts, {finding.code for finding in found})
    found = [finding for finding in found if finding.text not in repeated]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
