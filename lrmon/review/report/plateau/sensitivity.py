"""How the first LR reduction depends on patience and min_delta."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lrmon.analysis.plateau.rule import PlateauRule
from lrmon.analysis.plateau.scan import first_reductions
from lrmon.review.report.plateau.watched_series import WatchedSeries


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The first LR reduction, by patience and min_delta.

    Attributes:
      patience: the rows of `first`.
      min_delta: the columns of `first`.
      first: [patience][min_delta], index in the series, None if there is no LR reduction.
    """

    patience: tuple[int, ...]
    min_delta: tuple[float, ...]
    first: tuple[tuple[int | None, ...], ...]


def sensitivity(series: WatchedSeries, rule: PlateauRule) -> Sensitivity:
    """Returns the first LR reduction for settings around those of the rule."""
    patiences, deltas = _patiences(rule.patience), _deltas(rule.min_delta)
    rows, starts = series.present()
    can_fall = series.initial_lr > np.float32(rule.min_lr)
    columns = []
    for delta in deltas:
        firsts = first_reductions(
            series.value[rows],
            replace(rule, min_delta=delta),
            patiences,
            fit_starts=starts,
            logged_as=series.logged_as,
        )
        columns.append([int(rows[row]) if row is not None and can_fall else None for row in firsts])
    table = tuple(tuple(column[index] for column in columns) for index in range(len(patiences)))
    return Sensitivity(patiences, deltas, table)


def _patiences(own: int) -> tuple[int, ...]:
    """Returns the rule's own patience among three shorter and three longer ones."""
    usual = [1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 75, 100]
    while usual[-1] <= own * 8:
        usual += [usual[-1] * 2, usual[-1] * 5, usual[-1] * 10]
    values = sorted({*usual, own})
    position = values.index(own)
    first = max(min(position - 3, len(values) - 7), 0)
    return tuple(values[first : first + 7])


def _deltas(own: float) -> tuple[float, ...]:
    """Returns the rule's own min_delta among smaller and larger ones by powers of ten, and 0."""
    size = abs(own) or 1e-4
    scaled = [float(f"{size * 10.0**power:.12g}") for power in (-2, -1, 0, 1, 2)]
    return tuple(sorted({0.0, own, *(value for value in scaled if math.isfinite(value))}))
