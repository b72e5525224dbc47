"""What the recording itself warned of when training began."""

from __future__ import annotations

from collections.abc import Iterator

from lrmon.review.facts import Facts
from lrmon.review.findings.finding import Finding

_MOST = 20


def find(facts: Facts) -> Iterator[Finding]:
    """Yields ``recorded-warning`` for each different sentence that the fits recorded."""
    said: set[str] = set()
    for fit in facts.run.fits:
        warnings = fit.record.get("warnings")
        for sentence in warnings if isinstance(warnings, list) else ():
            if (
                not isinstance(sentence, str)
                or not sentence.strip()
                or sentence in said
                or len(said) >= _MOST
            ):
                continue
            said.add(sentence)
            yield Finding(
                code="recorded-warning",
                severity="warning",
                text=f"Noted when training began: {sentence}",
                advice=(
                    "What was recorded from there on is true as far as it goes; see to this before the next "
                    "run."
                ),
                step=fit.first_step,
                last_step=fit.first_step,
                numbers={},
            )
