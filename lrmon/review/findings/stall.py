"""Trainings that went on for long after the last gain, judged over the whole run."""

from __future__ import annotations

from collections.abc import Iterator

from lrmon.review.facts import Facts
from lrmon.review.findings.finding import Finding


def find(facts: Facts) -> Iterator[Finding]:
    """Yields ``drop-would-help`` or ``stalled``."""
    return iter(())
