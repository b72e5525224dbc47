"""Findings about broken trainings: learning rates, losses and metrics that are not finite."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, figure
from lrmon.review.run.numbers import shortest
from lrmon.text.wording import quantity


def trouble_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields a finding for each number that is not finite.

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
    """Yields a finding for a learning rate that is NaN or infinite in a step that made an update."""
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
        text = (
            f"The learning rate is not finite in {quantity(rows.size, 'step')}, first ({word}) at {position}."
        )
    yield Finding(
        code="learning-rate-not-finite",
        severity="error",
        text=f"{text} Such an update makes the weights NaN.",
        advice=(
            "Check the schedule or the callback that set it for a division by 0, or for the root or "
            "logarithm of a negative number."
        ),
        step=int(run.step[first]),
        last_step=int(run.step[last]),
        numbers={"steps": int(rows.size), "first_step": int(run.step[first])},
    )


def not_finite(value: float) -> str:
    """Returns the word for a number that is not finite."""
    return "NaN" if np.isnan(value) else "infinite" if value > 0 else "negative infinite"


def _not_finite(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields a finding for NaN or infinite losses: an error if most of them are from the first on."""
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
        where = (
            f"in every batch, the first at {position}" if is_all else f"from {position} on and never recovers"
        )
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
    end = "The last loss is one of them." if last == run.step.size - 1 else "The training recovered."
    count = quantity(rows.size, "batch")
    yield Finding(
        code="loss-not-finite",
        severity="warning",
        text=(
            f"The loss of {count} is not finite, first ({kind}) at {position}. {end} In Keras' logs, the "
            "mean of the epoch is not finite from there on."
        ),
        advice="Check the data of this batch. With mixed precision, a few overflows are normal.",
        step=int(run.step[first]),
        last_step=int(run.step[last]),
        numbers=numbers,
    )


def _lr_there(analysis: RunAnalysis, row: int) -> str:
    lr = analysis.run.learning_rate[row : row + 1]
    if not np.isfinite(lr[0]):
        # The finding about the learning rate reports it.
        return ""
    return f"; the learning rate is {figure(float(shortest(lr)[0]))}"


def _metric_not_finite(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields a finding for a metric of the last epoch that is not finite, although all losses are."""
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
            f"{' and '.join(names[:3])} {'is' if len(names) == 1 else 'are'} not finite in the last epoch "
            f"(first in epoch {number}), although the loss of every batch is finite."
        ),
        advice="Look for NaN in the validation data, and for metrics that divide by 0.",
        step=firsts[0].first_step,
        last_step=epoch.last_step,
        numbers={"metrics": names, "epoch": number},
    )
