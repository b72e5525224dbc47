"""Trainings that broke: learning rates, losses and metrics that are no numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, figure
from lrmon.review.run.numbers import shortest


def trouble_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields what broke.

    The codes are ``learning-rate-not-finite``, ``loss-not-finite`` and ``metric-not-finite``.
    """
    yield from _lr_not_finite(analysis)
    if not analysis.loss_is_known:
        return
    broken = list(_not_finite(analysis))
    yield from broken
    if not broken:
        yield from _metric_not_finite(analysis)


def _lr_not_finite(analysis: RunAnalysis) -> Iterator[Finding]:
    """A learning rate that is NaN or infinite, where a fit recorded it and a step made an update."""
    run = analysis.run
    used = run.recorded("learning_rate") & ~np.isin(run.step, run.skipped)
    if run.main_updates is not None:
        used &= run.main_updates > 0
    rows = np.flatnonzero(~np.isfinite(run.learning_rate) & used)
    if not rows.size:
        return
    first, last = int(rows[0]), int(rows[-1])
    position, word = (
        analysis.positions.describe(int(run.step[first])),
        not_finite(float(run.learning_rate[first])),
    )
    if rows.size == np.count_nonzero(used[first:]):
        text = f"The learning rate is {word} from {position} to the end."
    elif rows.size == 1:
        text = f"The learning rate is {word} at {position}."
    else:
        text = f"The learning rate of {rows.size:,} steps is no number, the first ({word}) at {position}."
    yield Finding(
        code="learning-rate-not-finite",
        severity="error",
        text=f"{text} An update with it leaves no number in the weights that it trains.",
        advice=(
            "Look at the schedule or the callback that set it, for a division by 0, or the root or the "
            "logarithm of a negative number."
        ),
        step=int(run.step[first]),
        last_step=int(run.step[last]),
        numbers={"steps": int(rows.size), "first_step": int(run.step[first])},
    )


def not_finite(value: float) -> str:
    """Returns a number that is not finite in words."""
    return "NaN" if np.isnan(value) else "infinite" if value > 0 else "negative infinite"


def _not_finite(analysis: RunAnalysis) -> Iterator[Finding]:
    """NaN or infinite losses: an error where most of those from the first on are, and the last one is."""
    run = analysis.run
    recorded = run.recorded("loss")
    bad = ~np.isfinite(run.loss) & recorded
    rows = np.flatnonzero(bad)
    if not rows.size:
        return
    first, last = int(rows[0]), int(rows[-1])
    for_good = last == run.step.size - 1 and 2 * rows.size >= run.step.size - first
    position, kind = analysis.positions.describe(int(run.step[first])), not_finite(float(run.loss[first]))
    numbers = {"batches": int(rows.size), "first_step": int(run.step[first])}
    if for_good:
        is_all = rows.size == np.count_nonzero(recorded)
        where = f"in every batch, the first at {position}" if is_all else f"at {position} and never recovers"
        yield Finding(
            code="loss-not-finite",
            severity="error",
            text=f"The loss is {kind} {where}{_lr_there(analysis, first)}.",
            advice=(
                "Lower the learning rate, clip gradients (clipnorm), or look for log(0) and divisions by 0 "
                "in the loss."
            ),
            step=int(run.step[first]),
            last_step=int(run.step[last]),
            numbers=numbers,
        )
        return
    end = "on and off to the end" if last == run.step.size - 1 else "training recovered"
    count = "One batch has" if rows.size == 1 else f"{rows.size:,} batches have"
    yield Finding(
        code="loss-not-finite",
        severity="warning",
        text=(
            f"{count} a loss that is no number, the first ({kind}) at {position}; {end}. In Keras' own logs "
            "it spoils the rest of the epoch's mean."
        ),
        advice="Look at what is in that batch; with mixed precision an overflow now and then is usual.",
        step=int(run.step[first]),
        last_step=int(run.step[last]),
        numbers=numbers,
    )


def _lr_there(analysis: RunAnalysis, row: int) -> str:
    lr = analysis.run.learning_rate[row : row + 1]
    if not np.isfinite(lr[0]):
        # What there is to say of it, another finding says.
        return ""
    return f"; the learning rate there was {figure(float(shortest(lr)[0]))}"


def _metric_not_finite(analysis: RunAnalysis) -> Iterator[Finding]:
    """A metric of the last epoch that is no number, though the loss of every batch is one."""
    run = analysis.run
    if not run.epochs:
        return
    epoch = run.epochs[-1]
    names = [name for name, value in epoch.metrics.items() if not np.isfinite(value)]
    if not names:
        return
    firsts = [
        other for other in run.epochs if any(not np.isfinite(other.metrics.get(name, 0.0)) for name in names)
    ]
    number = analysis.positions.epoch_of(firsts[0].first_step)
    yield Finding(
        code="metric-not-finite",
        severity="warning",
        text=(
            f"{' and '.join(names[:3])} {'is' if len(names) == 1 else 'are'} no number in the last epoch "
            f"(first in epoch {number}), though the loss of every batch is one."
        ),
        advice="Look for validation data with NaN in it, and for metrics that divide by 0.",
        step=firsts[0].first_step,
        last_step=epoch.last_step,
        numbers={"metrics": names, "epoch": number},
    )
