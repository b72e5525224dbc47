"""Findings about the start and the end of the learning rate: warm-up and floor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, epochs, figure, percent
from lrmon.review.report.plateau.plateaus import default_plateaus
from lrmon.review.run.numbers import shortest
from lrmon.text.wording import quantity

_TAIL = 0.1
"""The learning rate is at its floor for at least this share of the steps."""


def extreme_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``warm-up`` and ``rate-at-floor``."""
    yield from _warm_up(analysis)
    yield from _at_floor(analysis)


def _warm_up(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields a finding for a rise to the peak, in three changes or more, from half of the peak or less."""
    end = analysis.lr_changes.warmup_end
    if end is None:
        return
    run = analysis.run
    row = int(np.searchsorted(run.step, end))
    lrs = run.learning_rate[: row + 1]
    changes = int(np.count_nonzero(lrs[1:] != lrs[:-1]))
    if changes < 3 or not float(lrs[0]) <= 0.5 * float(lrs[row]):
        return
    first, peak = shortest(lrs[[0, row]]).tolist()
    length = analysis.positions.steps_per_epoch
    steps = end - int(run.step[0])
    in_epochs = f" ({epochs(steps / length)})" if length else ""
    yield Finding(
        code="warm-up",
        severity="info",
        text=(
            f"The learning rate warms up in the first {quantity(steps, 'step')}{in_epochs}, from "
            f"{figure(first)} to {figure(peak)}."
        ),
        advice=(
            "Compare runs from the end of the warm-up on; the loss before says little about the learning "
            "rate."
        ),
        step=int(run.step[0]),
        last_step=end,
        numbers={"steps": steps, "from": first, "to": peak},
    )


def _at_floor(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields a finding if the learning rate is at its floor at the end, for a tenth of the steps.

    It must be there for at least one epoch, and the reason must be known: a schedule that has ended
    (PolynomialDecay, CosineDecay), or min_lr of ReduceLROnPlateau. A learning rate of 0 has its own finding.
    """
    run = analysis.run
    lrs, steps = run.learning_rate, run.step
    if lrs.size < 2 or not bool(np.isfinite(lrs).all()) or lrs[-1] != lrs.min() or lrs[-1] == lrs.max():
        return
    # The end of a cosine and rounding: a difference of a millionth of the peak does not count.
    above = np.flatnonzero(lrs > lrs[-1] + np.float32(1e-6) * lrs.max())
    first = int(above[-1]) + 1 if above.size else 0
    tail = lrs.size - first
    if tail < max(_TAIL * lrs.size, analysis.positions.steps_per_epoch or 1):
        return
    lr = float(shortest(lrs[-1:])[0])
    share = percent(tail / lrs.size)
    reason = _reason(analysis, int(steps[-1]))
    if float(lrs[-1]) <= 0.0 or reason is None:
        return
    yield Finding(
        code="rate-at-floor",
        severity="info",
        text=(
            f"From {analysis.positions.describe(int(steps[first]))} to the end, {share} of the steps, the "
            f"learning rate is at its floor, {figure(lr)}{reason}."
        ),
        advice="Stop the training there, or lower the floor if the loss was still falling.",
        step=int(steps[first]),
        last_step=int(steps[-1]),
        numbers={"learning_rate": lr, "steps": tail, "share": round(tail / lrs.size, 4)},
    )


def _reason(analysis: RunAnalysis, last_step: int) -> str | None:
    """Returns why the learning rate is at its floor, None if no reason is known."""
    schedule, defaults = analysis.schedule, analysis.defaults
    end = schedule.known.end if schedule is not None and schedule.known is not None else None
    if schedule is not None and end is not None and end < last_step + schedule.iteration_offset:
        return f": {schedule.class_name} ends after {end:,} steps"
    if defaults.is_applied and np.float32(defaults.rule.min_lr) == analysis.run.learning_rate[-1]:
        plateaus = default_plateaus(analysis)
        if plateaus.problem is None and int(plateaus.wait[-1]) >= max(defaults.rule.patience, 1):
            waited = f"after {quantity(int(plateaus.wait[-1]), 'epoch')} without improvement"
            return f": min_lr of ReduceLROnPlateau, which would reduce it further {waited}"
    return None
