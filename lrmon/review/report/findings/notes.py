"""The warnings that were recorded when the training started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding

_MOST = 20


def recorded_warnings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``recorded-warning`` for each different warning that the fits recorded."""
    known: set[str] = set()
    for fit in analysis.run.fits:
        warnings = fit.record.get("warnings")
        for sentence in warnings if isinstance(warnings, list) else ():
            if (
                not isinstance(sentence, str)
                or not sentence.strip()
                or sentence in known
                or len(known) >= _MOST
            ):
                continue
            known.add(sentence)
            yield Finding(
                code="recorded-warning",
                severity="warning",
                text=_text(sentence),
                advice="The recorded values are correct; fix this before the next run.",
                step=fit.first_step,
                last_step=fit.first_step,
                numbers={},
            )


def repeated_warning_texts(analysis: RunAnalysis, codes: set[str]) -> frozenset[str]:
    """Returns the texts of recorded warnings that other findings of the run repeat.

    A preflight warning predicts a finding. If the finding is there, the warning says nothing new.

    Args:
      analysis: of the run.
      codes: of all findings of the run.
    """
    texts: set[str] = set()
    for fit in analysis.run.fits:
        preflight_warnings = fit.record.get("preflight_warnings")
        for warning in preflight_warnings if isinstance(preflight_warnings, list) else ():
            if isinstance(warning, Mapping) and str(warning.get("code")) in codes:
                texts.add(_text(str(warning.get("text"))))
    return frozenset(texts)


def _text(sentence: str) -> str:
    return f"Recorded when the training started: {sentence}"
