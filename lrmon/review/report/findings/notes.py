"""What the recording itself warned of when training began."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding

_MOST = 20


def find(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``recorded-warning`` for each different sentence that the fits recorded."""
    said: set[str] = set()
    for fit in analysis.run.fits:
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
                text=_text(sentence),
                advice=(
                    "What was recorded from there on is true as far as it goes; see to this before the next "
                    "run."
                ),
                step=fit.first_step,
                last_step=fit.first_step,
                numbers={},
            )


def came_true(analysis: RunAnalysis, codes: set[str]) -> frozenset[str]:
    """Returns the texts of those of these findings that others say again, from what then happened.

    Args:
        analysis: Of the run.
        codes: Of all that was found.
    """
    texts: set[str] = set()
    for fit in analysis.run.fits:
        preflight_warnings = fit.record.get("preflight_warnings")
        for each in preflight_warnings if isinstance(preflight_warnings, list) else ():
            if isinstance(each, Mapping) and str(each.get("code")) in codes:
                texts.add(_text(str(each.get("text"))))
    return frozenset(texts)


def _text(sentence: str) -> str:
    return f"Noted when training began: {sentence}"
