"""The LR reductions of a rule, compared with those in the record."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.plateau.replay import PlateauReplay
from lrmon.review.report.plateau.own_reductions import is_same_lr
from lrmon.review.report.plateau.watched_series import WatchedSeries
from lrmon.review.run.run import Run

Kind = Literal["would", "did", "both"]


@dataclass(frozen=True, slots=True)
class LRReduction:
    """One LR reduction, by the rule or in the record.

    Attributes:
      index: in the columns of `Plateaus`.
      step: the epoch's last step, or the step: the next one is the first with the lower learning rate.
      lr_from: the rule's; the recorded one where `kind` is ``did``.
      lr_to: the same after the reduction.
      kind: ``would``: by this rule alone. ``both``: by this rule, and by the run's own ReduceLROnPlateau.
        ``did``: by the run's own ReduceLROnPlateau alone. `own_reductions` proves what the run's own did.
      is_first: whether it is the first one of the rule.
      best: index of the best value so far, -1 if there is none.
      did_from: the recorded learning rate before, NaN if the record does not change there.
      did_to: the recorded learning rate after, whatever changed it.
    """

    index: int
    step: int
    lr_from: float
    lr_to: float
    kind: Kind
    is_first: bool
    best: int
    did_from: float
    did_to: float


def compared_reductions(
    series: WatchedSeries,
    replay: PlateauReplay,
    rows: NDArray[np.intp],
    own: Mapping[int, tuple[float, float]],
) -> tuple[LRReduction, ...]:
    """Returns the LR reductions by the rule, by the run's own ReduceLROnPlateau, or by both, in order.

    Args:
      series: what the rule watches.
      replay: of the rule over the existing values.
      rows: the indices of these values in the series.
      own: the run's own LR reductions by index in the series.
    """
    by_rule = {int(rows[reduction.epoch]): reduction for reduction in replay.reductions}
    reductions = []
    first = min(by_rule, default=-1)
    for index in sorted({*by_rule, *own}):
        did_from, did_to = float(series.lr_at[index]), float(series.lr_after[index])
        if did_from == did_to or math.isnan(did_to):
            did_from = did_to = math.nan
        reduction = by_rule.get(index)
        position = int(np.searchsorted(rows, index, side="right")) - 1
        best = int(replay.best_epoch[position]) if position >= 0 else -1
        reductions.append(
            LRReduction(
                index=index,
                step=int(series.step[index]),
                lr_from=reduction.lr_from if reduction else did_from,
                lr_to=reduction.lr_to if reduction else did_to,
                kind="did" if reduction is None else "both" if index in own else "would",
                is_first=index == first,
                best=int(rows[best]) if best >= 0 else -1,
                did_from=did_from,
                did_to=did_to,
            )
        )
    return tuple(reductions)


def first_difference(reductions: Sequence[LRReduction], run: Run) -> LRReduction | None:
    """Returns the first LR reduction from which on the rule and the record differ, None if there is none."""
    return next((reduction for reduction in reductions if _differs(reduction, run)), None)


def _differs(reduction: LRReduction, run: Run) -> bool:
    """Returns whether rule and record differ at an LR reduction, and steps are recorded after it."""
    if reduction.kind != "did" and is_same_lr(reduction.lr_to, reduction.did_to):
        return False
    return bool(run.step.size) and reduction.step < int(run.step[-1])
