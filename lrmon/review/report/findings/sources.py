"""Findings about numbers that are not exact and about skipped steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from lrmon import schema
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, percent
from lrmon.review.run.run import Fit
from lrmon.text.wording import quantity

_MANY: Final = 0.05
"""With more skipped steps than this share, the loss scale is too high, and not just searched for."""

_MOST_WORDS: Final = 500


def exactness_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``learning-rate-not-exact``, ``loss-not-exact`` and ``updates-skipped``."""
    yield from _not_exact(analysis, "learning_rate", code="learning-rate-not-exact")
    yield from _not_exact(analysis, "loss", code="loss-not-exact")
    yield from _skipped(analysis)


def _not_exact(analysis: RunAnalysis, column: str, *, code: str) -> Iterator[Finding]:
    """Yields a finding for a column that is bounded or unavailable, with its recorded provenance."""
    words = column.replace("_", " ")
    for exactness in (schema.UNAVAILABLE, schema.BOUNDED):
        fits = [fit for fit in analysis.run.fits if _exactness(fit, column) == exactness]
        if not fits:
            continue
        provenance = fits[0].record.get(f"{column}_provenance")
        detail = (
            f": {provenance.strip()[:_MOST_WORDS]}"
            if isinstance(provenance, str) and provenance.strip()
            else ""
        )
        which_fits = (
            ""
            if len(fits) == len(analysis.run.fits)
            else f" in {len(fits)} of {quantity(len(analysis.run.fits), 'fit')}"
        )
        is_bounded = exactness == schema.BOUNDED
        state = "is only known within a bound" if is_bounded else "is unavailable"
        end = "" if detail.endswith(".") else "."
        yield Finding(
            code=code,
            severity="info" if is_bounded else "warning",
            text=f"The {words} of single batches {state}{which_fits}{detail}{end}",
            advice=(
                "Differences between batches that are smaller than this bound have no meaning."
                if is_bounded
                else f"Do not use the {words} of this run; docs/findings.md says when it can be recorded."
            ),
            step=fits[0].first_step,
            last_step=fits[0].last_step,
            numbers={"exactness": exactness, "fits": len(fits)},
        )
        return


def _exactness(fit: Fit, column: str) -> object:
    by_column = fit.record.get("exactness")
    return by_column.get(column) if isinstance(by_column, Mapping) else None


def _skipped(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields a finding for skipped steps: usual while loss scaling adapts, a warning above 5 % of all."""
    run = analysis.run
    count = int(run.skipped.size)
    if not count:
        return
    share = count / run.step.size
    first = analysis.positions.describe(int(run.skipped[0]))
    yield Finding(
        code="updates-skipped",
        severity="warning" if share > _MANY else "info",
        text=(
            f"Loss scaling skipped {quantity(count, 'step')} ({percent(share)} of all), the first is "
            f"{first}: a gradient was not finite. The recorded learning rate was not used there, and the "
            "weights did not change."
        ),
        advice=(
            "Lower the learning rate or the initial_scale of loss scaling, or clip gradients. The search for "
            "a loss scale causes fewer overflows."
            if share > _MANY
            else "A few skipped steps are normal with loss scaling; nothing needs to be done."
        ),
        step=int(run.skipped[0]),
        last_step=int(run.skipped[-1]),
        numbers={"skipped": count, "share": share},
    )
