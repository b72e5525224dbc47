"""The LR reductions by the run's own ReduceLROnPlateau that the record proves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.plateau.replay import replay_plateau
from lrmon.analysis.plateau.rule import TYPES, PlateauRule
from lrmon.review.report.plateau_settings import applied_rule
from lrmon.review.run.run import Run

LRs = NDArray[np.floating[Any]]

_ROUNDING: Final = 4 * 2.0**-23
"""Two learning rates that differ by no more than this fraction are equal."""


def own_reductions(run: Run, last_lrs: LRs, next_lrs: LRs) -> Mapping[int, tuple[float, float]]:
    """Returns the LR reductions by the run's own ReduceLROnPlateau: by epoch, the LR before and after.

    Three things prove an LR reduction: the fit recorded the settings of a ReduceLROnPlateau in its list of
    callbacks; that rule, replayed on the recorded metric and learning rates, reduces at the end of this
    epoch; and the next step used what the rule gives there. A learning rate that drops by itself where the
    rule would have reduced it is no LR reduction.

    Args:
      run: the run.
      last_lrs: [epochs], the learning rate of the last step of each epoch; NaN if it is unknown.
      next_lrs: [epochs], that of the next step; NaN if it is not recorded.
    """
    reductions: dict[int, tuple[float, float]] = {}
    for epochs, fit_starts, rule in _epochs_with_rule(run):
        values = [epoch.metrics.get(rule.monitor) for epoch in run.epochs[epochs]]
        types = [kind for epoch in run.epochs[epochs] if (kind := epoch.types.get(rule.monitor)) is not None]
        replay = replay_plateau(
            values,
            last_lrs[epochs],
            rule,
            fit_starts=fit_starts,
            logged_as=types[0] if types and types[0] in TYPES else "float",
        )
        for reduction in replay.reductions:
            index = epochs.start + reduction.epoch
            before, after = float(last_lrs[index]), float(next_lrs[index])
            if is_same_lr(reduction.lr_to, after) and not is_same_lr(before, after):
                reductions[index] = (before, after)
    return reductions


def is_same_lr(one: float, other: float) -> bool:
    """Returns whether two learning rates are equal except for float32 rounding; NaN equals nothing."""
    return abs(one - other) <= _ROUNDING * max(abs(one), abs(other))


def _epochs_with_rule(run: Run) -> Iterator[tuple[slice, list[int], PlateauRule]]:
    """Yields the epochs with one rule, the positions among them at which fits start, and the rule."""
    if not run.epochs:
        return
    firsts = np.array([epoch.first_step for epoch in run.epochs], dtype=np.int64)
    fits = run.fit_of(firsts)
    rules = [applied_rule(run.fits[fit].record) if fit >= 0 else None for fit in fits.tolist()]
    for rule, members in groupby(range(len(rules)), rules.__getitem__):
        indices = list(members)
        if rule is None or not _has_direction(rule):
            continue
        first = indices[0]
        starts = [index - first for index in indices[1:] if fits[index] != fits[index - 1]]
        yield slice(first, indices[-1] + 1), starts, rule


def _has_direction(rule: PlateauRule) -> bool:
    try:
        return rule.direction in ("min", "max")
    except ValueError:
        return False
