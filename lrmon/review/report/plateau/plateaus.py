"""What a rule of ReduceLROnPlateau does over a run, compared with what happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.plateau.direction import Direction
from lrmon.analysis.plateau.replay import PlateauReplay
from lrmon.analysis.plateau.rule import PlateauRule
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.plateau.comparison import LRReduction, compared_reductions, first_difference
from lrmon.review.report.plateau.sensitivity import Sensitivity, sensitivity
from lrmon.review.report.plateau.watched_series import (
    Steps,
    Unit,
    WatchedSeries,
    problem_with,
    rule_with_direction,
    watched_series,
)


@dataclass(frozen=True, slots=True)
class _States:
    """The state of the rule at each value of the series, missing values included. Arrays are [n]."""

    learning_rate: NDArray[np.float32]
    wait: Steps
    best: Steps
    in_cooldown: NDArray[np.bool_]
    improved: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Plateaus:
    """A rule over a run. Arrays are aligned with the epochs, or with the rows of a series of batches.

    Attributes:
      rule: the settings.
      direction: ``min`` or ``max``, None if there is a problem.
      unit: ``epoch`` or ``step``.
      problem: why the rule cannot be judged, None if it can be; if there is one, arrays are empty.
      step: the last step of each epoch, or the step of each row.
      value: the watched metric.
      missing: where it has no value.
      learning_rate: the rule's.
      wait: values since the best one, as ReduceLROnPlateau counts them.
      best: index of the best value so far, -1 if there is none.
      in_cooldown: whether the rule is in its cooldown.
      improved: whether the value is the best so far.
      reductions: in order.
      diverges: the first LR reduction at which the rule and the record differ, None if there is none.
      sensitivity: the first LR reduction under other settings.
    """

    rule: PlateauRule
    direction: Direction | None
    unit: Unit
    problem: str | None
    step: Steps
    value: NDArray[np.float64]
    missing: NDArray[np.bool_]
    learning_rate: NDArray[np.float32]
    wait: Steps
    best: Steps
    in_cooldown: NDArray[np.bool_]
    improved: NDArray[np.bool_]
    reductions: tuple[LRReduction, ...]
    diverges: LRReduction | None
    sensitivity: Sensitivity | None


def default_plateaus(analysis: RunAnalysis) -> Plateaus:
    """Returns what the default rule does over the run, computed once for each version of the run."""
    return analysis.run.memo.get("default plateaus", lambda: plateaus(analysis, analysis.defaults.rule))


def plateaus(analysis: RunAnalysis, rule: PlateauRule) -> Plateaus:
    """Returns what a rule does over the run."""
    series = watched_series(analysis, rule)
    problem = problem_with(analysis.run, rule, series)
    if problem is not None:
        return _no_plateaus(rule, series.unit, problem)
    replayed_rule = rule_with_direction(rule)
    replay, rows = series.replay(replayed_rule)
    own = analysis.own_reductions if series.unit == "epoch" else {}
    reductions = compared_reductions(series, replay, rows, own)
    states = _states(series, replay, rows)
    return Plateaus(
        rule=rule,
        direction=replayed_rule.direction,
        unit=series.unit,
        problem=None,
        step=series.step,
        value=series.value,
        missing=series.missing,
        learning_rate=states.learning_rate,
        wait=states.wait,
        best=states.best,
        in_cooldown=states.in_cooldown,
        improved=states.improved,
        reductions=reductions,
        diverges=first_difference(reductions, analysis.run),
        sensitivity=sensitivity(series, replayed_rule),
    )


def _states(series: WatchedSeries, replay: PlateauReplay, rows: NDArray[np.intp]) -> _States:
    """Returns the states of a replay over the existing values, for all values of the series.

    A missing value changes nothing: its state is that after the value before it.
    """
    positions = np.maximum(np.searchsorted(rows, np.arange(series.step.size), side="right") - 1, -1)
    is_before_all = positions < 0
    best = replay.best_epoch[positions]
    best = np.where(best >= 0, rows[best], -1)
    lrs = np.where(series.missing, replay.next_learning_rate[positions], replay.learning_rate[positions])
    wait = replay.wait[positions]
    best[is_before_all], wait[is_before_all], lrs[is_before_all] = -1, 0, replay.learning_rate[0]
    in_cooldown = np.where(series.missing, replay.cooldown[positions] > 0, replay.in_cooldown[positions])
    return _States(
        learning_rate=lrs.astype(np.float32),
        wait=wait,
        best=best,
        in_cooldown=in_cooldown & ~is_before_all,
        improved=replay.improved[positions] & ~series.missing,
    )


def _no_plateaus(rule: PlateauRule, unit: Unit, problem: str) -> Plateaus:
    ints, floats, bools = np.zeros(0, np.int64), np.zeros(0, np.float64), np.zeros(0, np.bool_)
    return Plateaus(
        rule=rule, direction=None, unit=unit, problem=problem, step=ints, value=floats, missing=bools,
        learning_rate=floats.astype(np.float32), wait=ints, best=ints, in_cooldown=bools, improved=bools,
        reductions=(), diverges=None, sensitivity=None,
    )  # fmt: skip
