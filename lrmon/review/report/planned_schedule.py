"""The recorded schedule of a run, and its course after the last recorded step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrmon.analysis.learning_rate.curve import jump_rows
from lrmon.analysis.learning_rate.schedules import KerasSchedule, keras_schedule
from lrmon.analysis.learning_rate.shape import ShapeKind
from lrmon.analysis.thinning import thin
from lrmon.review.run.run import Fit, Run, no_steps

LRs = NDArray[np.float32]

_WIDTH: Final = 480
"""Columns for which the outlook is thinned: with four rows each, about 2,000 points."""
_EVALUATED: Final = 1_000_000
_COMPARED: Final = 64
_AGREE: Final = 1e-4
"""A formula that differs from the record by more than this fraction is not that of this schedule."""


@dataclass(frozen=True, slots=True)
class RecordedSchedule:
    """The schedule of a fit, as recorded.

    Attributes:
      class_name: Keras' name of its class.
      config: its settings.
      compiled: whether training was compiled.
      iteration_offset: the optimizer's counter before step k is k plus this, minus the skipped steps before.
      skipped: the skipped steps of the fit, ascending.
    """

    class_name: str
    config: Mapping[str, Any]
    compiled: bool
    iteration_offset: int
    skipped: NDArray[np.int64] = field(default_factory=no_steps)

    @property
    def known(self) -> KerasSchedule | None:
        """What lrmon knows about the schedule; None if it is not one of Keras."""
        return keras_schedule(self.class_name, self.config)

    @property
    def decay_steps(self) -> int | None:
        """Of a staircase; None for any other schedule, and if skipped steps delay its LR changes."""
        return None if self.skipped.size or self.known is None else self.known.drop_every

    def lrs(self, steps: ArrayLike) -> LRs | None:
        """Returns the learning rate at each of `steps`, None if the schedule is unknown."""
        skipped_before = np.searchsorted(self.skipped, steps)
        iterations = np.asarray(steps, dtype=np.int64) + self.iteration_offset - skipped_before
        return None if self.known is None else self.known.learning_rates(iterations, compiled=self.compiled)


@dataclass(frozen=True, slots=True)
class ScheduleOutlook:
    """The rest of a schedule, after the last recorded step.

    Attributes:
      class_name: of the schedule.
      last_step: the last that is planned.
      step: [n], ascending, from the last recorded step to `last_step`, thinned.
      learning_rate: [n].
      lr_changes: the steps of its LR changes.
      every_step: whether no step is omitted.
    """

    class_name: str
    last_step: int
    step: NDArray[np.int64]
    learning_rate: LRs
    lr_changes: NDArray[np.int64]
    every_step: bool


def recorded_schedule(fit: Fit, skipped: NDArray[np.int64] | None = None) -> RecordedSchedule | None:
    """Returns the schedule of a fit; None if its learning rate is a number or is unknown.

    Args:
      fit: the fit.
      skipped: the skipped steps of all fits, ascending; None if there are none.
    """
    recorded = fit.record.get("schedule")
    class_name = recorded.get("class_name") if isinstance(recorded, Mapping) else None
    if not isinstance(recorded, Mapping) or not isinstance(class_name, str):
        return None
    config = recorded.get("config")
    return RecordedSchedule(
        class_name,
        config if isinstance(config, Mapping) else {},
        compiled=fit.record.get("compiled") != "eager",
        iteration_offset=fit.first_iteration - fit.first_step,
        skipped=no_steps() if skipped is None else skipped[skipped >= fit.first_step],
    )


def verified_schedule(run: Run, schedule: RecordedSchedule | None) -> RecordedSchedule | None:
    """Returns the schedule if its formula is known and gives what the last fit recorded, else None."""
    if schedule is None or not run.step.size:
        return None
    first = int(np.searchsorted(run.step, run.fits[-1].first_step))
    rows = np.unique(np.linspace(first, run.step.size - 1, _COMPARED).astype(np.intp))
    rows = rows[rows >= first]
    recorded, planned = run.learning_rate[rows], schedule.lrs(run.step[rows])
    if planned is None or not rows.size:
        return None
    known = np.isfinite(recorded)
    scale = np.maximum(np.abs(recorded[known]), np.abs(recorded[known]).max(initial=0.0) * 1e-3)
    differs = np.abs(planned[known] - recorded[known]) > _AGREE * scale
    # At an LR change, the arithmetic of another device may be one step late.
    return schedule if known.any() and np.count_nonzero(differs) <= known.sum() // 10 else None


def schedule_outlook(run: Run, schedule: RecordedSchedule | None) -> ScheduleOutlook | None:
    """Returns the rest of the schedule; None if it or the end is unknown, or if nothing is left."""
    end = planned_end(run)
    if schedule is None or end is None or not run.step.size or end <= int(run.step[-1]) + 1:
        return None
    first = int(run.step[-1])
    stride = 1 + (end - first) // _EVALUATED
    steps = np.append(np.arange(first, end - 1, stride), end - 1)
    lrs = schedule.lrs(steps)
    if lrs is None or not bool(np.isfinite(lrs).all()):
        return None
    rows = thin(steps, levels_held=[lrs], start=first, end=end - 1, width=_WIDTH)
    jumps = jump_rows(lrs, steps) if stride == 1 else np.zeros(0, dtype=np.intp)
    every_step = stride == 1 and rows.size == steps.size
    return ScheduleOutlook(schedule.class_name, end - 1, steps[rows], lrs[rows], steps[jumps], every_step)


def planned_end(run: Run) -> int | None:
    """Returns the step after the last planned step of the last fit, None if it is unknown."""
    fit = run.fits[-1] if run.fits else None
    epochs = fit.record.get("epochs") if fit else None
    if fit is None or fit.steps_per_epoch is None or isinstance(epochs, bool) or not isinstance(epochs, int):
        return None
    return fit.first_step + max(epochs - fit.initial_epoch, 0) * fit.steps_per_epoch


def expected_kind(run: Run, schedule: RecordedSchedule | None) -> ShapeKind | None:
    """Returns the shape that the recorded settings name, None if they name none.

    Args:
      run: the run.
      schedule: of its last fit, if it is known and gives the recorded learning rates.
    """
    if schedule is not None:
        return None if schedule.known is None else schedule.known.shape
    optimizer = run.fits[-1].record.get("optimizer") if run.fits else None
    config = optimizer.get("config") if isinstance(optimizer, Mapping) else None
    decay = config.get("decay") if isinstance(config, Mapping) else None
    # tf_keras' legacy optimizers divide by 1 + decay · iterations.
    return "inverse_time" if isinstance(decay, (int, float)) and decay > 0 else None
