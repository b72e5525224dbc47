"""The run analysis: everything in a report that does not depend on the plateau rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from lrmon.analysis.learning_rate.shape import Shape, find_shape
from lrmon.analysis.learning_rate.staircase import LRChanges, find_lr_changes
from lrmon.analysis.loss.levels import LossLevels, loss_levels
from lrmon.analysis.loss.response import Response, loss_response
from lrmon.review.report.planned_schedule import (
    RecordedSchedule,
    ScheduleOutlook,
    expected_kind,
    recorded_schedule,
    schedule_outlook,
    verified_schedule,
)
from lrmon.review.report.plateau.own_reductions import own_reductions
from lrmon.review.report.plateau_settings import DefaultRule, default_rule
from lrmon.review.report.positions import Positions, positions
from lrmon.review.run.run import Fit, Run

LRs = NDArray[np.floating[Any]]

_MOST_RESPONSES: Final = 100
"""The response of the loss is measured for this many LR changes, the first ones."""
_WINDOW: Final = 100
"""Steps before and after an LR change that are compared if the length of an epoch is unknown."""


@dataclass(frozen=True, slots=True)
class EpochColumns:
    """The learning rate and the loss of each completed epoch. Arrays are aligned with ``run.epochs``.

    Attributes:
      learning_rate: [n], that of the epoch's last step; NaN if it is unknown.
      next_learning_rate: [n], that of the next step; after the last epoch that of the schedule. NaN if
        neither is known.
      is_recorded: [n], whether `next_learning_rate` is recorded.
      mean_loss: [n], mean of the epoch's batches; NaN if there are none or their losses are unknown.
    """

    learning_rate: LRs
    next_learning_rate: LRs
    is_recorded: NDArray[np.bool_]
    mean_loss: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RunAnalysis:
    """What is computed once for a run.

    Attributes:
      run: the run.
      positions: its epochs.
      lr_changes: its LR changes. The epochs there are indices into ``positions.starts``.
      shape: the rule that all its changes follow, None if they follow none.
      in_epoch: [m], which of the LR changes are in an epoch whose start is known.
      responses: how the loss responded to each of the first LR changes, None if that cannot be measured.
      epochs: columns.
      schedule: of the last fit, if its formula is known and gives the recorded learning rates.
      outlook: the rest of the schedule.
      defaults: the plateau rule that is used if no other one is given.
      own_reductions: what the run's own ReduceLROnPlateau did, see `own_reductions`.
      loss_is_known: whether losses of batches are recorded, NaN or not.
      levels: the course of the loss; None if it is unknown, too short, or that of a range test. Findings
        and checks alone need it, so `AnalyzedRun` does not keep it.
    """

    run: Run
    positions: Positions
    lr_changes: LRChanges
    shape: Shape | None
    in_epoch: NDArray[np.bool_]
    responses: tuple[Response | None, ...]
    epochs: EpochColumns
    schedule: RecordedSchedule | None
    outlook: ScheduleOutlook | None
    defaults: DefaultRule
    own_reductions: Mapping[int, tuple[float, float]]
    loss_is_known: bool
    levels: LossLevels | None

    @property
    def loss_is_exact(self) -> bool:
        """Whether every recorded loss is exactly that of its batch."""
        return self.loss_is_known and all(
            (fit.record.get("exactness") or {}).get("loss", schema.EXACT) == schema.EXACT
            for fit in self.run.fits
            if isinstance(fit.record.get("exactness") or {}, Mapping)
        )

    @property
    def has_exact_lr_changes(self) -> bool:
        """Whether the step before each LR change is recorded, so that its step is certain."""
        return bool((self.lr_changes.step_before == self.lr_changes.step - 1).all())

    @property
    def has_schedule(self) -> bool:
        """Whether the learning rate of any fit was a schedule, known or not."""
        return any(fit.record.get("schedule") for fit in self.run.fits)


def analysis(run: Run) -> RunAnalysis:
    """Returns the analysis of a run."""
    run_positions = positions(run)
    schedule = verified_schedule(run, recorded_schedule(run.fits[-1], run.skipped) if run.fits else None)
    # No update used the learning rate of a skipped step, so it is no LR change.
    known = ~np.isnan(run.learning_rate) & ~np.isin(run.step, run.skipped)
    has_one_schedule = _has_one_schedule(run.fits)
    lr_changes = find_lr_changes(
        run.learning_rate[known],
        run_positions.starts,
        steps=run.step[known],
        end=run_positions.end,
        iteration_offset=schedule.iteration_offset if schedule and has_one_schedule else 0,
        decay_steps=schedule.decay_steps if schedule and has_one_schedule else None,
    )
    shape = find_shape(
        run.learning_rate[known],
        run.step[known],
        run_positions.starts,
        iteration_offset=run.fits[-1].first_iteration - run.fits[-1].first_step if run.fits else 0,
        expected=expected_kind(run, schedule) if has_one_schedule else None,
    )
    if run.kind == "range_test":
        # A range test raises the learning rate on purpose, so it has no LR changes and no outlook.
        none = find_lr_changes(run.learning_rate[:0], run_positions.starts)
        schedule, lr_changes = None, replace(none, kind=lr_changes.kind, changes=lr_changes.changes)
    loss_is_known = bool(run.recorded("loss").any())
    epochs = _epoch_columns(run, schedule, loss_is_known=loss_is_known)
    next_lrs = np.where(epochs.is_recorded, epochs.next_learning_rate, np.nan)
    return RunAnalysis(
        run=run,
        positions=run_positions,
        lr_changes=lr_changes,
        shape=shape,
        in_epoch=run_positions.known(lr_changes.step),
        responses=tuple(_responses(run, run_positions, lr_changes)) if loss_is_known else (),
        epochs=epochs,
        schedule=schedule,
        outlook=schedule_outlook(run, schedule),
        defaults=default_rule(run),
        own_reductions=own_reductions(run, epochs.learning_rate, next_lrs),
        loss_is_known=loss_is_known,
        levels=_levels(run, run_positions) if loss_is_known and run.kind != "range_test" else None,
    )


def _levels(run: Run, run_positions: Positions) -> LossLevels | None:
    recorded = run.recorded("loss")
    classes = run.fits[-1].record.get("classes") if run.fits else None
    guess = math.log(classes) if isinstance(classes, int) and classes > 1 else None
    return loss_levels(
        run.step[recorded],
        run.loss[recorded],
        run.learning_rate[recorded],
        run_positions.steps_per_epoch,
        guess,
    )


def _has_one_schedule(fits: tuple[Fit, ...]) -> bool:
    """Returns whether all fits used one schedule that continued to count."""
    kinds = {(repr(fit.record.get("schedule")), fit.first_iteration - fit.first_step) for fit in fits}
    return len(kinds) == 1


def _responses(run: Run, run_positions: Positions, lr_changes: LRChanges) -> list[Response | None]:
    rows = np.searchsorted(run.step, lr_changes.step)
    borders = [0, *rows.tolist(), run.step.size]
    responses: list[Response | None] = []
    for index, row in enumerate(rows.tolist()[:_MOST_RESPONSES]):
        epoch = int(lr_changes.epoch[index])
        window = run_positions.length(epoch) if epoch >= 0 else _WINDOW
        if lr_changes.step_before[index] != lr_changes.step[index] - 1:
            responses.append(None)
            continue
        before = slice(max(borders[index], row - window), row)
        after = slice(row, min(borders[index + 2], row + window))
        responses.append(loss_response(run.loss[before], run.loss[after]))
    return responses


def _epoch_columns(run: Run, schedule: RecordedSchedule | None, *, loss_is_known: bool) -> EpochColumns:
    firsts = np.array([epoch.first_step for epoch in run.epochs], dtype=np.int64)
    lasts = np.array([epoch.last_step for epoch in run.epochs], dtype=np.int64)
    last = _lr_at(run, lasts)
    following = _lr_at(run, lasts + 1)
    following[lasts < firsts] = last[lasts < firsts] = np.nan
    is_recorded = ~np.isnan(following)
    if schedule is not None and lasts.size and not is_recorded[-1] and lasts[-1] == run.step[-1]:
        planned = schedule.lrs(lasts[-1:] + 1)
        following[-1] = planned[0] if planned is not None else np.nan
    loss = run.loss.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinity - infinity
        sums = [
            float(np.mean(loss[a:b])) if b > a and loss_is_known else np.nan
            for a, b in zip(
                np.searchsorted(run.step, firsts).tolist(),
                np.searchsorted(run.step, lasts, side="right").tolist(),
                strict=True,
            )
        ]
    return EpochColumns(last, following, is_recorded, np.array(sums, dtype=np.float64))


def _lr_at(run: Run, steps: NDArray[np.int64]) -> LRs:
    """Returns the recorded learning rate of each step, NaN if there is none."""
    lrs = np.full(steps.size, np.nan, dtype=run.learning_rate.dtype)
    rows = np.searchsorted(run.step, steps)
    held = rows < run.step.size
    held[held] = run.step[rows[held]] == steps[held]
    lrs[held] = run.learning_rate[rows[held]]
    return lrs
