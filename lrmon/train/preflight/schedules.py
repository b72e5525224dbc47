"""A schedule, and the epochs and steps that the fit is planned to have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from lrmon.analysis.learning_rate.cadence import aligned_decay_steps
from lrmon.analysis.learning_rate.schedules import (
    KerasSchedule,
    PiecewiseConstantDecay,
    schedule_of_keras,
)
from lrmon.train.model.optimizers import parts, schedule_of
from lrmon.train.preflight.problem import PreflightWarning, figure
from lrmon.train.preflight.situation import Situation
from lrmon.train.private_names.keras import counter

_SPREAD: Final = 0.01
"""A learning rate that is off its end by less than this share of the schedule's span is there."""
_FALLEN: Final = 0.1
_POSITIONS: Final = 6


@dataclass(frozen=True, slots=True)
class SchedulePlan:
    """What one optimizer's schedule is to do in this fit. Counts are the optimizer's, of batches.

    Attributes:
        schedule: What is known about it, one of Keras' own.
        start: The optimizer's count before the fit's first update.
        first_epoch: The first epoch's number.
        epochs: How many are ahead; None where unknown.
        length: Batches of an epoch.
        split: ``validation_split``, None where it has split nothing off.
        before_split: Batches that an epoch would have without it.
    """

    schedule: KerasSchedule
    start: int
    first_epoch: int
    epochs: int | None
    length: int
    split: float | None
    before_split: int | None

    @property
    def class_name(self) -> str:
        return self.schedule.class_name

    @property
    def end(self) -> int:
        """The optimizer's count after the fit."""
        return self.start + (self.epochs or 0) * self.length

    def lr(self, count: int) -> float | None:
        """The learning rate of the update after so many."""
        lrs = self.schedule.learning_rates([count])
        return None if lrs is None else float(lrs[0])

    def epoch(self, count: int) -> int:
        """The number of the epoch in which the update after so many lies."""
        return self.first_epoch + (count - self.start) // self.length


def check_schedules(situation: Situation) -> Iterator[PreflightWarning]:
    """Yields what of each optimizer's schedule does not go together with the plan.

    Steps an epoch have to be known, and for all that the end of the fit matters for, its epochs too. A fit of
    one epoch is taken for one of many, in a loop of one's own: only what holds for it alone is said.
    """
    for part in parts(situation.model.optimizer):
        plan = _plan(situation, part.optimizer)
        if plan is None:
            continue
        in_epochs = _in_epochs(plan)
        if in_epochs is not None:
            yield in_epochs
            continue
        for check in (_off_epoch, _without_step, _warm_up, _ends_early, _cut_off, _beyond):
            problem = check(plan)
            if problem is not None:
                yield problem


def _plan(situation: Situation, optimizer: Any) -> SchedulePlan | None:
    schedule, length, first = schedule_of(optimizer), situation.steps_per_epoch, situation.fit.initial_epoch
    if schedule is None or length is None or first is None:
        return None
    known = schedule_of_keras(schedule)
    if known is None:
        return None
    epochs = None if situation.epochs is None else max(situation.epochs - first, 0)
    start = int(counter(optimizer).numpy())
    fit = situation.fit
    return SchedulePlan(
        known,
        start,
        first,
        epochs,
        length,
        fit.validation_split,
        fit.steps_before_split,
    )


def _in_epochs(plan: SchedulePlan) -> PreflightWarning | None:
    """``schedule-in-epochs``: a number of batches that looks like one of epochs.

    It is not above the planned epochs, an epoch has at least twice as many batches, and the learning rate is
    through with the schedule, or at a tenth, within the first epoch.
    """
    setting, numbers = plan.schedule.step_setting, plan.schedule.step_counts
    in_epochs = [number * plan.length for number in numbers]
    if not numbers or plan.epochs is None or plan.start or max(numbers) < 2:
        return None
    if max(numbers) > plan.epochs or 2 * max(numbers) > plan.length:
        return None
    first, after = plan.lr(0), plan.lr(plan.length)
    if first is None or after is None:
        return None
    if plan.schedule.course == "decays":
        if after > _FALLEN * first:
            return None
        happens = f"after the first epoch the learning rate is {figure(after)} already, from {figure(first)}"
    elif plan.schedule.course == "restarts":
        happens = "the first restart comes within the first epoch"
    else:
        happens = f"the schedule is over within the first epoch, and the learning rate is {figure(after)}"
    is_list = isinstance(plan.schedule, PiecewiseConstantDecay)
    given = f"{setting}={numbers if is_list else numbers[0]}"
    meant = f"{setting}={in_epochs if is_list else in_epochs[0]}"
    return PreflightWarning(
        code="schedule-in-epochs",
        text=(
            f"{plan.class_name}({given}) counts batches, of which an epoch has {plan.length:,}: {happens}. "
            f"If epochs were meant, of which {plan.epochs} are planned, write {meant}."
        ),
    )


def _off_epoch(plan: SchedulePlan) -> PreflightWarning | None:
    """``staircase-off-epoch``: steps that are not at the starts of epochs.

    decay_steps is at least half an epoch: with less, several steps an epoch were meant. An optimizer that has
    not counted whole epochs so far is left alone.
    """
    every = plan.schedule.drop_every
    aligned = None if every is None else aligned_decay_steps(every, plan.length)
    if every is None or aligned is None or plan.start % plan.length:
        return None
    if every % plan.length == 0 or plan.length % every == 0 or (plan.epochs and plan.end <= every):
        return None
    end = plan.end if plan.epochs else plan.start + _POSITIONS * every
    counts = range(plan.start - plan.start % every + every, end, every)
    positions = [str((count - plan.start) % plan.length) for count in counts[:_POSITIONS]]
    if not set(positions) - {"0"}:
        return None
    where = ", ".join(positions) + (", …" if len(counts) > _POSITIONS else "")
    split = ""
    if plan.split is not None and plan.before_split == every:
        split = f" (of {every:,} validation_split={plan.split:g} leaves {plan.length:,})"
    lies = "its step lies" if len(counts) == 1 else "its steps lie"
    epochs = "its epoch" if len(counts) == 1 else "their epochs"
    return PreflightWarning(
        code="staircase-off-epoch",
        text=(
            f"{plan.class_name} steps every {every:,} batches, and an epoch has {plan.length:,}{split}: "
            f"{lies} {where} batches into {epochs}. Choose decay_steps={aligned} to have every step at the "
            "start of an epoch."
        ),
    )


def _without_step(plan: SchedulePlan) -> PreflightWarning | None:
    """``staircase-without-step``: the first step would come after the fit."""
    every = plan.schedule.drop_every
    if every is None or plan.epochs is None or plan.epochs < 2:
        return None
    following = (plan.start // every + 1) * every
    lr = plan.lr(plan.start)
    if following < plan.end or lr is None:
        return None
    return PreflightWarning(
        code="staircase-without-step",
        text=(
            f"{plan.class_name} steps every {every:,} batches, the next time at {following:,}, and this fit "
            f"ends at {plan.end:,}: the learning rate stays at {figure(lr)} all the while. Choose a "
            f"smaller decay_steps; an epoch has {plan.length:,} batches."
        ),
    )


def _warm_up(plan: SchedulePlan) -> PreflightWarning | None:
    """``warm-up-beyond-fit``: the learning rate never comes to its peak."""
    warm_up = plan.schedule.warmup_steps
    if not warm_up or plan.epochs is None or plan.epochs < 2 or plan.end >= warm_up:
        return None
    last = plan.lr(plan.end - 1)
    if last is None:
        return None
    return PreflightWarning(
        code="warm-up-beyond-fit",
        text=(
            f"{plan.class_name} warms up for {warm_up:,} batches, and this fit ends at {plan.end:,}: the "
            f"learning rate comes to {figure(last)} and never to its warmup_target, "
            f"{figure(float(plan.schedule.config['warmup_target']))}. Choose warmup_steps below {plan.end}."
        ),
    )


def _ends_early(plan: SchedulePlan) -> PreflightWarning | None:
    """``schedule-ends-early``: the learning rate stays where it is for an epoch or more."""
    over = plan.schedule.end
    if over is None or plan.epochs is None:
        return None
    still = plan.end - max(over, plan.start)
    lr = plan.lr(over)
    if still < plan.length or still <= 0 or lr is None:
        return None
    if over <= plan.start:
        return PreflightWarning(
            code="schedule-ends-early",
            text=(
                f"{plan.class_name} ends after {over:,} batches, and the optimizer has counted "
                f"{plan.start:,} before this fit: the learning rate stays at {figure(lr)} in all of it. "
                "Compile the model with a new optimizer to begin the schedule anew."
            ),
        )
    return PreflightWarning(
        code="schedule-ends-early",
        text=(
            f"{plan.class_name} ends after {over:,} batches, and this fit at {plan.end:,}: from epoch "
            f"{plan.epoch(over)} (counted from 0) the learning rate stays at {figure(lr)}, for {still:,} "
            f"batches. Choose decay_steps={_meant(plan)} to let both end together."
        ),
    )


def _cut_off(plan: SchedulePlan) -> PreflightWarning | None:
    """``schedule-cut-off``: the fit ends an epoch or more before the schedule."""
    over = plan.schedule.end
    if over is None or plan.epochs is None or plan.epochs < 2:
        return None
    if over - plan.end < plan.length or plan.end <= plan.schedule.warmup_steps:
        return None
    last, final = plan.lr(plan.end - 1), plan.lr(over)
    if last is None or final is None:
        return None
    peak = max(plan.lr(plan.schedule.warmup_steps) or 0.0, plan.lr(0) or 0.0)
    if abs(last - final) <= _SPREAD * abs(peak - final):
        return None
    return PreflightWarning(
        code="schedule-cut-off",
        text=(
            f"{plan.class_name} ends after {over:,} batches, and this fit at {plan.end:,}: the last learning "
            f"rate is {figure(last)}, not {figure(final)}. Choose decay_steps={_meant(plan)} to let both end "
            "together."
        ),
    )


def _beyond(plan: SchedulePlan) -> PreflightWarning | None:
    """``boundary-beyond-fit``: a value of a PiecewiseConstantDecay whose turn never comes."""
    schedule = plan.schedule
    if not isinstance(schedule, PiecewiseConstantDecay) or plan.epochs is None or plan.epochs < 2:
        return None
    boundaries, values = schedule.step_counts, schedule.values
    # At the boundary itself the value before it still holds.
    beyond = [index for index, boundary in enumerate(boundaries) if boundary >= plan.end - 1]
    if not beyond:
        return None
    first = beyond[0]
    return PreflightWarning(
        code="boundary-beyond-fit",
        text=(
            f"PiecewiseConstantDecay goes on to {figure(values[first + 1])} after batch "
            f"{boundaries[first]:,} (counted from 0), and this fit ends at {plan.end:,}: its last "
            f"learning rate is {figure(values[first])}. Choose lower boundaries; an epoch "
            f"has {plan.length:,} batches."
        ),
    )


def _meant(plan: SchedulePlan) -> int:
    """The decay_steps with which the schedule ends as the fit does."""
    return max(plan.end - plan.schedule.warmup_steps, 1)
