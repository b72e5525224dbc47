"""Numbers that are not what they seem: columns that are not exact, steps that made no update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from lrmon import schema
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, percent
from lrmon.review.run.run import Fit

_MANY: Final = 0.05
"""Share of skipped steps from which on loss scaling is too high, rather than looking for its level."""

_MOST_WORDS: Final = 500


def exactness_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``learning-rate-not-exact``, ``loss-not-exact`` and ``updates-skipped``."""
    yield from _not_exact(analysis, "learning_rate", code="learning-rate-not-exact")
    yield from _not_exact(analysis, "loss", code="loss-not-exact")
    yield from _skipped(analysis)


def _not_exact(analysis: RunAnalysis, column: str, *, code: str) -> Iterator[Finding]:
    """A column that a fit calls bounded or unavailable: the worse of them, in the words of its source."""
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
            "" if len(fits) == len(analysis.run.fits) else f" in {len(fits)} of {len(analysis.run.fits)} fits"
        )
        is_bounded = exactness == schema.BOUNDED
        state = "is known within a bound only" if is_bounded else "is unavailable"
        end = "" if detail.endswith(".") else "."
        yield Finding(
            code=code,
            severity="info" if is_bounded else "warning",
            text=f"The {words} of single batches {state}{which_fits}{detail}{end}",
            advice=(
                "Read small differences between batches with that bound in mind."
                if is_bounded
                else f"Do not read a {words} off this run; docs/findings.md says when it can be recorded."
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
    """Steps without an update: usual while loss scaling looks for its level, a warning above 5 % of all."""
    run = analysis.run
    count = int(run.skipped.size)
    if not count:
        return
    share = count / run.step.size
    steps = "1 step" if count == 1 else f"{count:,} steps"
    first = analysis.positions.describe(int(run.skipped[0]))
    yield Finding(
        code="updates-skipped",
        severity="warning" if share > _MANY else "info",
        text=(
            f"Loss scaling skipped the update of {steps} ({percent(share)} of all), the first at {first}: a "
            "gradient was not finite. The learning rate recorded there was not used, and the weights stayed "
            "as they were."
        ),
        advice=(
            "Lower the learning rate or the loss scale's initial_scale, or clip gradients: so many overflows "
            "are more than the search for a scale."
            if share > _MANY
            else "Now and then this is how a loss scale finds its level; nothing needs to be done."
        ),
        step=int(run.skipped[0]),
        last_step=int(run.skipped[-1]),
        numbers={"skipped": count, "share": share},
    )
