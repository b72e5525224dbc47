"""Plateaus that nobody answered, or late, and reductions that answered none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lrmon.analysis.plateau.direction import monitor_direction
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, figure
from lrmon.review.report.plateaus import LRReduction, Plateaus, plateaus
from lrmon.review.run.run import Reals

_FEWEST = 5
"""A plateau of fewer epochs is not worth a word, however impatient the rule."""
_STILL = 1.01
"""A learning rate whose values lie within this ratio has stood still."""
_MOVED = 0.9
_NOTHING = 1e-3
"""A gain after the best value that is below this share of all gains before it is none."""


def find(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``plateau-answered-late`` and ``reduced-while-improving``.

    They are judged by the run's own rule, Keras' defaults where it has none.
    """
    of = plateaus(analysis, analysis.defaults.rule)
    if of.problem is not None or of.unit != "epoch" or not analysis.run.complete:
        return
    first = next((reduction for reduction in of.reductions if reduction.first), None)
    if first is not None and first.kind == "would" and first.best >= 0:
        yield from _answered_late(analysis, of, first)
    yield from _while_improving(analysis, of)


def _answered_late(analysis: RunAnalysis, of: Plateaus, first: LRReduction) -> Iterator[Finding]:
    """A plateau that went on for epochs beyond the patience, until the learning rate fell and it was over.

    From the best value on the learning rate stood still until it fell by a tenth or more, later than in the
    epoch after the rule's; and the metric improved within the patience after that.
    """
    run = analysis.run
    row = int(np.searchsorted(run.step, of.step[first.best]))
    lrs = run.learning_rate[row:]
    moved = np.flatnonzero(lrs < _MOVED * lrs[0])
    if not moved.size or not _stands(lrs[: int(moved[0])]):
        return
    drop = int(run.step[row + int(moved[0])])
    index = int(np.searchsorted(of.step, drop))
    if index <= first.index + 1 or index >= of.step.size or int(of.best[index - 1]) != first.best:
        return
    after = of.improved[index : index + max(of.rule.patience, _FEWEST)]
    if not bool(after.any()):
        return
    positions = run.epoch_positions
    best, then = int(positions[first.best]), index + int(np.argmax(after))
    yield Finding(
        code="plateau-answered-late",
        severity="info",
        text=(
            f"{of.rule.monitor} stood still from epoch {best} ({figure(of.value[first.best], 4)}) until the "
            f"learning rate fell at {analysis.positions.describe(drop)}, and improved in epoch "
            f"{int(positions[then])} ({figure(of.value[then], 4)}). ReduceLROnPlateau with patience "
            f"{of.rule.patience} would have reduced it after epoch {int(positions[first.index])}."
        ),
        advice="Let the learning rate fall earlier, by a shorter schedule or by ReduceLROnPlateau.",
        step=int(of.step[first.best]),
        last_step=drop,
        numbers={
            "monitor": of.rule.monitor,
            "best_epoch": best,
            "reduction_epoch": int(positions[first.index]),
            "drop_step": drop,
        },
    )


def _while_improving(analysis: RunAnalysis, of: Plateaus) -> Iterator[Finding]:
    """The run's own ReduceLROnPlateau reduced the learning rate while the metric was at its best.

    The rule takes the metric to improve in the one direction, and the metric, by its name one of Keras' own,
    improves in the other, in which its best value lay within the patience.
    """
    if not analysis.defaults.applied:
        return
    try:
        natural = monitor_direction(of.rule.monitor, "auto", "keras-3.15")
    except ValueError:
        return
    if natural == of.direction:
        return
    for reduction in of.reductions:
        if reduction.kind == "would":
            continue
        values = of.value[: reduction.index + 1]
        known = np.flatnonzero(np.isfinite(values))
        if not known.size:
            continue
        best = int(known[np.argmax(values[known]) if natural == "max" else np.argmin(values[known])])
        if reduction.index - best >= max(of.rule.patience, 1):
            continue
        epoch = int(analysis.run.epoch_positions[reduction.index])
        rising, falling = ("rising", "falling") if natural == "max" else ("falling", "rising")
        auto = f"mode 'auto' of {of.rule.version}" if of.rule.mode == "auto" else f"mode '{of.rule.mode}'"
        yield Finding(
            code="reduced-while-improving",
            severity="warning",
            text=(
                f"ReduceLROnPlateau reduced the learning rate after epoch {epoch}, though {of.rule.monitor} "
                f"was still improving (its best, {figure(of.value[best], 4)}, is that of epoch "
                f"{int(analysis.run.epoch_positions[best])}): {auto} takes it to improve by {falling}, "
                f"not by {rising}."
            ),
            advice=f'Set mode="{natural}".',
            step=reduction.step,
            last_step=reduction.step + 1,
            numbers={"monitor": of.rule.monitor, "epoch": epoch, "mode": natural},
        )
        return


def _lrs_between(analysis: RunAnalysis, first: int, last: int) -> Reals:
    a, b = np.searchsorted(analysis.run.step, [first, last + 1])
    lrs: Reals = analysis.run.learning_rate[a:b]
    known: Reals = lrs[~np.isnan(lrs)]
    return known


def _stands(lrs: Reals) -> bool:
    return lrs.size > 0 and float(lrs.max()) <= _STILL * float(lrs.min()) and float(lrs.min()) > 0


def _gain_after(of: Plateaus, best: int) -> float:
    """By how much a later value is better than the best one by the rule; 0 or less: by nothing."""
    later = of.value[best + 1 :]
    later = later[np.isfinite(later)]
    if not later.size:
        return 0.0
    return float(of.value[best] - later.min() if of.direction == "min" else later.max() - of.value[best])


def _gain_before(of: Plateaus, best: int) -> float:
    known = of.value[: best + 1][np.isfinite(of.value[: best + 1])]
    return abs(float(known[0] - of.value[best])) if known.size else 0.0
