"""Findings about plateaus with a late LR reduction, and about LR reductions without a plateau."""

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
"""A plateau has at least this many epochs, however short the patience of the rule is."""
_STILL = 1.01
"""A learning rate whose values are within this ratio was constant."""
_MOVED = 0.9


def plateau_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``plateau-answered-late`` and ``reduced-while-improving``.

    The rule is that of the run, otherwise Keras' defaults.
    """
    plateaus = default_plateaus(analysis)
    if plateaus.problem is not None or plateaus.unit != "epoch" or not analysis.run.complete:
        return
    first = next((reduction for reduction in plateaus.reductions if reduction.is_first), None)
    if first is not None and first.kind == "would" and first.best >= 0:
        yield from _answered_late(analysis, plateaus, first)
    yield from _while_improving(analysis, plateaus)


def _answered_late(analysis: RunAnalysis, plateaus: Plateaus, first: LRReduction) -> Iterator[Finding]:
    """Yields a finding for a plateau that ended only when the learning rate dropped, later than by the rule.

    From the best value on, the learning rate was constant until it dropped by a tenth or more, later than one
    epoch after the rule's LR reduction. The metric improved within the patience after that.
    """
    run = analysis.run
    row = int(np.searchsorted(run.step, plateaus.step[first.best]))
    lrs = run.learning_rate[row:]
    moved = np.flatnonzero(lrs < _MOVED * lrs[0])
    if not moved.size or not _is_constant(lrs[: int(moved[0])]):
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
            f"{plateaus.rule.monitor} did not improve from epoch {best} "
            f"({figure(plateaus.value[first.best], 4)}) until the learning rate dropped at "
            f"{analysis.positions.describe(drop)}, and improved in epoch {int(positions[then])} "
            f"({figure(plateaus.value[then], 4)}). ReduceLROnPlateau with patience {plateaus.rule.patience} "
            f"would have reduced it after epoch {int(positions[first.index])}."
        ),
        advice="Reduce the learning rate earlier, with a shorter schedule or with ReduceLROnPlateau.",
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
    """Yields a finding if the run's own ReduceLROnPlateau acted during an improvement.

    The rule expects the metric to improve in one direction. By its name, the metric improves in the other
    one, and its best value in that direction was within the patience.
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
                f"ReduceLROnPlateau reduced the learning rate after epoch {epoch}, although "
                f"{plateaus.rule.monitor} "
                f"was still improving (its best, {figure(plateaus.value[best], 4)}, is that of epoch "
                f"{int(analysis.run.epoch_positions[best])}): {auto} assumes that it improves by {falling}, "
                f"not by {rising}."
            ),
            advice=f'Set mode="{natural}".',
            step=reduction.step,
            last_step=reduction.step + 1,
            numbers={"monitor": plateaus.rule.monitor, "epoch": epoch, "mode": natural},
        )
        return


def _is_constant(lrs: Reals) -> bool:
    return lrs.size > 0 and float(lrs.max()) <= _STILL * float(lrs.min()) and float(lrs.min()) > 0
