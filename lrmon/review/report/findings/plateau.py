"""Plateaus that nobody answered, or late, and reductions that answered none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lrmon.analysis.plateau.direction import monitor_direction
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, figure
from lrmon.review.report.plateau.comparison import LRReduction
from lrmon.review.report.plateau.plateaus import Plateaus, default_plateaus
from lrmon.review.run.run import Reals

_FEWEST = 5
"""A plateau of fewer epochs is not worth a word, however impatient the rule."""
_STILL = 1.01
"""A learning rate whose values lie within this ratio has stood still."""
_MOVED = 0.9


def plateau_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``plateau-answered-late`` and ``reduced-while-improving``.

    They are judged by the run's own rule, Keras' defaults where it has none.
    """
    plateaus = default_plateaus(analysis)
    if plateaus.problem is not None or plateaus.unit != "epoch" or not analysis.run.complete:
        return
    first = next((reduction for reduction in plateaus.reductions if reduction.is_first), None)
    if first is not None and first.kind == "would" and first.best >= 0:
        yield from _answered_late(analysis, plateaus, first)
    yield from _while_improving(analysis, plateaus)


def _answered_late(analysis: RunAnalysis, plateaus: Plateaus, first: LRReduction) -> Iterator[Finding]:
    """A plateau that went on for epochs beyond the patience, until the learning rate fell and it was over.

    From the best value on the learning rate stood still until it fell by a tenth or more, later than in the
    epoch after the rule's; and the metric improved within the patience after that.
    """
    run = analysis.run
    row = int(np.searchsorted(run.step, plateaus.step[first.best]))
    lrs = run.learning_rate[row:]
    moved = np.flatnonzero(lrs < _MOVED * lrs[0])
    if not moved.size or not _stands(lrs[: int(moved[0])]):
        return
    drop = int(run.step[row + int(moved[0])])
    index = int(np.searchsorted(plateaus.step, drop))
    if index <= first.index + 1 or index >= plateaus.step.size or int(plateaus.best[index - 1]) != first.best:
        return
    after = plateaus.improved[index : index + max(plateaus.rule.patience, _FEWEST)]
    if not bool(after.any()):
        return
    positions = run.epoch_positions
    best, then = int(positions[first.best]), index + int(np.argmax(after))
    yield Finding(
        code="plateau-answered-late",
        severity="info",
        text=(
            f"{plateaus.rule.monitor} stood still from epoch {best} ({figure(plateaus.value[first.best], 4)}) until the "
            f"learning rate fell at {analysis.positions.describe(drop)}, and improved in epoch "
            f"{int(positions[then])} ({figure(plateaus.value[then], 4)}). ReduceLROnPlateau with patience "
            f"{plateaus.rule.patience} would have reduced it after epoch {int(positions[first.index])}."
        ),
        advice="Let the learning rate fall earlier, by a shorter schedule or by ReduceLROnPlateau.",
        step=int(plateaus.step[first.best]),
        last_step=drop,
        numbers={
            "monitor": plateaus.rule.monitor,
            "best_epoch": best,
            "reduction_epoch": int(positions[first.index]),
            "drop_step": drop,
        },
    )


def _while_improving(analysis: RunAnalysis, plateaus: Plateaus) -> Iterator[Finding]:
    """The run's own ReduceLROnPlateau reduced the learning rate while the metric was at its best.

    The rule takes the metric to improve in the one direction, and the metric, by its name one of Keras' own,
    improves in the other, in which its best value lay within the patience.
    """
    if not analysis.defaults.is_applied:
        return
    try:
        natural = monitor_direction(plateaus.rule.monitor, "auto", "keras-3.15")
    except ValueError:
        return
    if natural == plateaus.direction:
        return
    for reduction in plateaus.reductions:
        if reduction.kind == "would":
            continue
        values = plateaus.value[: reduction.index + 1]
        known = np.flatnonzero(np.isfinite(values))
        if not known.size:
            continue
        best = int(known[np.argmax(values[known]) if natural == "max" else np.argmin(values[known])])
        if reduction.index - best >= max(plateaus.rule.patience, 1):
            continue
        epoch = int(analysis.run.epoch_positions[reduction.index])
        rising, falling = ("rising", "falling") if natural == "max" else ("falling", "rising")
        auto = (
            f"mode 'auto' of {plateaus.rule.version}"
            if plateaus.rule.mode == "auto"
            else f"mode '{plateaus.rule.mode}'"
        )
        yield Finding(
            code="reduced-while-improving",
            severity="warning",
            text=(
                f"ReduceLROnPlateau reduced the learning rate after epoch {epoch}, though {plateaus.rule.monitor} "
                f"was still improving (its best, {figure(plateaus.value[best], 4)}, is that of epoch "
                f"{int(analysis.run.epoch_positions[best])}): {auto} takes it to improve by {falling}, "
                f"not by {rising}."
            ),
            advice=f'Set mode="{natural}".',
            step=reduction.step,
            last_step=reduction.step + 1,
            numbers={"monitor": plateaus.rule.monitor, "epoch": epoch, "mode": natural},
        )
        return


def _stands(lrs: Reals) -> bool:
    return lrs.size > 0 and float(lrs.max()) <= _STILL * float(lrs.min()) and float(lrs.min()) > 0
