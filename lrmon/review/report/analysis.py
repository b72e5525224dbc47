"""What a report says of a run whatever the rule: its epochs, its learning rate's edges, its plan."""

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
from lrmon.review.report.own_reductions import own_reductions
from lrmon.review.report.planned_schedule import (
    Plan,
    Schedule,
    expected_kind,
    plan_ahead,
    schedule_of,
    verified,
)
from lrmon.review.report.plateau_settings import Defaults, default_rule
from lrmon.review.report.positions import Positions, positions
from lrmon.review.run.run import Fit, Run

LRs = NDArray[np.floating[Any]]

ANSWERS: Final = 100
"""To so many edges, the first ones, the loss's answer is measured."""
_WINDOW: Final = 100
"""Steps before and after an edge that are compared where nothing is known of epochs."""


@dataclass(frozen=True, slots=True)
class EpochColumns:
    """The learning rate and the loss of each epoch that ended. Arrays are aligned with ``run.epochs``.

    Attributes:
      learning_rate: [n], what the epoch's last update used; NaN where it is not known.
      next_learning_rate: [n], what the update after it used; in the last epoch what the schedule would have
        it use. NaN where neither is known.
      is_recorded: [n], whether `next_learning_rate` is recorded.
      mean_loss: [n], mean of the epoch's batches; NaN where there are none or their losses are not known.
    """

    learning_rate: LRs
    next_learning_rate: LRs
    is_recorded: NDArray[np.bool_]
    mean_loss: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RunAnalysis:
    """What is found out once a run.

    Attributes:
      run: the run.
      positions: its epochs.
      steps: the edges of its learning rate. The epochs there are indices into ``positions.starts``.
      shape: the rule that all its changes follow, None where they follow none.
      in_epoch: [m], which of the edges lie in an epoch whose start is known.
      answers: for each of the first edges the loss's answer, None where it cannot be measured.
      epochs: columns.
      schedule: of the last fit, where its formula is known and is what was recorded.
      plan: what is left of it.
      defaults: the rule that holds where nobody says another one.
      own_reductions: what the run's own ReduceLROnPlateau did, see `own_reductions`.
      loss_is_known: whether losses of batches are recorded, NaN or not.
      levels: the course of the loss; None where it is not known, too short, or that of a range test.
    """

    run: Run
    positions: Positions
    steps: LRChanges
    shape: Shape | None
    in_epoch: NDArray[np.bool_]
    answers: tuple[Response | None, ...]
    epochs: EpochColumns
    schedule: Schedule | None
    plan: Plan | None
    defaults: Defaults
    own_reductions: Mapping[int, tuple[float, float]]
    loss_is_known: bool
    levels: LossLevels | None

    @property
    def loss_is_exact(self) -> bool:
        """Whether every loss is its batch's own, not one recovered within a bound."""
        return self.loss_is_known and all(
            (fit.record.get("exactness") or {}).get("loss", schema.EXACT) == schema.EXACT
            for fit in self.run.fits
            if isinstance(fit.record.get("exactness") or {}, Mapping)
        )

    @property
    def exact_lr_changes(self) -> bool:
        """Whether the step before each edge is recorded, so that none lies anywhere among missing steps."""
        return bool((self.steps.step_before == self.steps.step - 1).all())

    @property
    def has_schedule(self) -> bool:
        """Whether any fit's learning rate was a schedule, known or not."""
        return any(fit.record.get("schedule") for fit in self.run.fits)


def analysis(run: Run) -> RunAnalysis:
    """Returns what there is to know of a run."""
    where = positions(run)
    schedule = verified(run, schedule_of(run.fits[-1], run.skipped) if run.fits else None)
    # A learning rate that no update used holds for as long as loss scaling skips: no stair of anybody's.
    known = ~np.isnan(run.learning_rate) & ~np.isin(run.step, run.skipped)
    same = _one_schedule(run.fits)
    steps = find_lr_changes(
        run.learning_rate[known],
        where.starts,
        steps=run.step[known],
        end=where.end,
        iteration_offset=schedule.iteration_offset if schedule and same else 0,
        decay_steps=schedule.decay_steps if schedule and same else None,
    )
    shape = find_shape(
        run.learning_rate[known],
        run.step[known],
        where.starts,
        iteration_offset=run.fits[-1].first_iteration - run.fits[-1].first_step if run.fits else 0,
        expected=expected_kind(run, schedule) if same else None,
    )
    if run.kind == "range_test":
        # To raise the learning rate from step to step was the purpose: nothing of it is an edge, or planned.
        none = find_lr_changes(run.learning_rate[:0], where.starts)
        schedule, steps = None, replace(none, kind=steps.kind, changes=steps.changes)
    loss_is_known = bool(run.recorded("loss").any())
    epochs = _epoch_columns(run, schedule, loss_is_known=loss_is_known)
    went_on_at = np.where(epochs.is_recorded, epochs.next_learning_rate, np.nan)
    return RunAnalysis(
        run=run,
        positions=where,
        steps=steps,
        shape=shape,
        in_epoch=where.known(steps.step),
        answers=tuple(_answers(run, where, steps)) if loss_is_known else (),
        epochs=epochs,
        schedule=schedule,
        plan=plan_ahead(run, schedule),
        defaults=default_rule(run),
        own_reductions=own_reductions(run, epochs.learning_rate, went_on_at),
        loss_is_known=loss_is_known,
        levels=_levels(run, where) if loss_is_known and run.kind != "range_test" else None,
    )


def _levels(run: Run, where: Positions) -> LossLevels | None:
    recorded = run.recorded("loss")
    classes = run.fits[-1].record.get("classes") if run.fits else None
    guess = math.log(classes) if isinstance(classes, int) and classes > 1 else None
    return loss_levels(
        run.step[recorded], run.loss[recorded], run.learning_rate[recorded], where.steps_per_epoch, guess
    )


def _one_schedule(fits: tuple[Fit, ...]) -> bool:
    """Whether one schedule, counting on, was at work in all fits."""
    kinds = {(repr(fit.record.get("schedule")), fit.first_iteration - fit.first_step) for fit in fits}
    return len(kinds) == 1


def _answers(run: Run, where: Positions, steps: LRChanges) -> list[Response | None]:
    rows = np.searchsorted(run.step, steps.step)
    borders = [0, *rows.tolist(), run.step.size]
    answers: list[Response | None] = []
    for index, row in enumerate(rows.tolist()[:ANSWERS]):
        epoch = int(steps.epoch[index])
        window = where.length(epoch) if epoch >= 0 else _WINDOW
        if steps.step_before[index] != steps.step[index] - 1:
            answers.append(None)
            continue
        before = slice(max(borders[index], row - window), row)
        after = slice(row, min(borders[index + 2], row + window))
        answers.append(loss_response(run.loss[before], run.loss[after]))
    return answers


def _epoch_columns(run: Run, schedule: Schedule | None, *, loss_is_known: bool) -> EpochColumns:
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
    """Returns the recorded learning rate of each step, NaN where there is none."""
    lrs = np.full(steps.size, np.nan, dtype=run.learning_rate.dtype)
    rows = np.searchsorted(run.step, steps)
    held = rows < run.step.size
    held[held] = run.step[rows[held]] == steps[held]
    lrs[held] = run.learning_rate[rows[held]]
    return lrs
