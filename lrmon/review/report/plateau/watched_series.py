"""The series of values that a plateau rule watches in a run."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.plateau.replay import PlateauReplay
from lrmon.analysis.plateau.rule import TYPES, PlateauRule
from lrmon.analysis.plateau.scan import scan_plateau
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.plateau_settings import BATCH_METRICS, BATCH_PREFIX
from lrmon.review.run.run import Run

Unit = Literal["epoch", "step"]
Steps = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WatchedSeries:
    """The values that a rule watches, and the learning rates at and after each.

    Attributes:
      unit: what one value belongs to.
      step: [n], the last step of each epoch, or the step.
      value: [n], NaN where `missing`.
      missing: [n], where there is no value.
      lr_at: [n], the learning rate of that step; NaN if it is unknown.
      lr_after: [n], the learning rate of the next step; NaN if it is not recorded.
      fit_starts: the indices at which fits start, except the first fit.
      logged_as: the type of the metric in Keras' logs.
    """

    unit: Unit
    step: Steps
    value: NDArray[np.float64]
    missing: NDArray[np.bool_]
    lr_at: NDArray[np.float32]
    lr_after: NDArray[np.float32]
    fit_starts: tuple[int, ...]
    logged_as: str

    @property
    def initial_lr(self) -> float:
        """The first known learning rate."""
        return float(self.lr_at[np.flatnonzero(~np.isnan(self.lr_at))[0]])

    def present(self) -> tuple[NDArray[np.intp], list[int]]:
        """Returns the indices of the existing values, and the positions among them at which fits start.

        A missing value changes nothing, not even wait or cooldown, so it can be omitted.
        """
        rows = np.flatnonzero(~self.missing)
        return rows, np.searchsorted(rows, np.array(self.fit_starts, dtype=np.int64)).tolist()

    def replay(self, rule: PlateauRule) -> tuple[PlateauReplay, NDArray[np.intp]]:
        """Returns the replay of the rule over the existing values, and the indices of these values."""
        rows, starts = self.present()
        replay = scan_plateau(
            self.value[rows], self.initial_lr, rule, fit_starts=starts, logged_as=self.logged_as
        )
        return replay, rows


def watched_series(analysis: RunAnalysis, rule: PlateauRule) -> WatchedSeries:
    """Returns the series that a rule watches: one value per epoch, or one per step."""
    return _steps(analysis.run, rule) if rule.monitor in BATCH_METRICS else _epochs(analysis, rule)


def rule_with_direction(rule: PlateauRule) -> PlateauRule:
    """Returns the rule under a name whose direction Keras knows, if it watches the loss of the batches."""
    return replace(rule, monitor="loss") if rule.monitor == f"{BATCH_PREFIX}loss" else rule


def problem_with(run: Run, rule: PlateauRule, series: WatchedSeries) -> str | None:
    """Returns why a rule cannot be judged on a run, None if it can be."""
    try:
        rule_with_direction(rule).direction  # noqa: B018 - the error says why there is none
    except ValueError as error:
        return f"{error}."
    if not run.epochs and not rule.monitor.startswith(BATCH_PREFIX):
        return "No epoch has ended in this run, so there is no metric to watch."
    if not run.metric_names and not rule.monitor.startswith(BATCH_PREFIX):
        return "This run has no metric to watch."
    if bool(series.missing.all()):
        return f"This run has recorded no {rule.monitor}."
    if bool(np.isnan(series.lr_at).all()):
        return "No learning rate is recorded at the ends of this run's epochs."
    return None


def _epochs(analysis: RunAnalysis, rule: PlateauRule) -> WatchedSeries:
    epochs = analysis.run.epochs
    values = [epoch.metrics.get(rule.monitor) for epoch in epochs]
    types = [epoch.types.get(rule.monitor) for epoch in epochs if rule.monitor in epoch.metrics]
    starts = [fit.first_step for fit in analysis.run.fits[1:]]
    firsts = [epoch.first_step for epoch in epochs]
    columns = analysis.epochs
    return WatchedSeries(
        unit="epoch",
        step=np.array([epoch.last_step for epoch in epochs], dtype=np.int64),
        value=np.array([math.nan if value is None else value for value in values], dtype=np.float64),
        missing=np.array([value is None for value in values], dtype=bool),
        lr_at=columns.learning_rate,
        lr_after=np.where(columns.is_recorded, columns.next_learning_rate, np.float32(np.nan)),
        fit_starts=tuple(int(index) for index in np.searchsorted(firsts, starts)),
        logged_as=types[0] if types and types[0] in TYPES else "float",
    )


def _steps(run: Run, rule: PlateauRule) -> WatchedSeries:
    name = rule.monitor.removeprefix(BATCH_PREFIX)
    absent = run.absent.get(name)
    rows = np.flatnonzero(~absent) if absent is not None else np.arange(run.step.size)
    lrs = run.learning_rate[rows]
    following = np.append(lrs[1:], np.float32(np.nan))
    following[:-1][np.diff(run.step[rows]) != 1] = np.nan
    starts = [fit.first_step for fit in run.fits[1:]]
    return WatchedSeries(
        unit="step",
        step=run.step[rows],
        value=getattr(run, name)[rows].astype(np.float64),
        missing=np.zeros(rows.size, dtype=bool),
        lr_at=lrs,
        lr_after=following,
        fit_starts=tuple(int(index) for index in np.searchsorted(run.step[rows], starts)),
        logged_as="float",
    )
