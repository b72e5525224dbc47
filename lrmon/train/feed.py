"""The feed: rows from the ring to the recorder, each with the time at which its step ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from lrmon import schema
from lrmon.record.recorder import Recorder
from lrmon.train.effective import EffectiveRate
from lrmon.train.ring.base import StepRing
from lrmon.train.step_sizes.sampler import StepSizes


class RingFeed:
    """Feeds a recorder from a ring during one fit.

    The thread that trains calls `execution_ended` and `epoch_began`; `read` may be called by any thread, one
    at a time. Of an execution (`steps_per_execution` steps, or one) only its end is seen from outside: the
    times of the steps in it are spread evenly over it.

    Args:
        ring: Of the model that trains.
        recorder: Gets the rows.
        effective: The optimizer's rule.
        steps_per_execution: Steps that one call of the train function makes; fewer at an epoch's end.
        begin: Called before the first rows, with the first row's iteration.
        marks_skipped: Whether a step without an update is one that loss scaling has left out.
        step_sizes: Completes its samples from the rows.
    """

    def __init__(
        self,
        ring: StepRing,
        recorder: Recorder,
        effective: EffectiveRate,
        steps_per_execution: int,
        begin: Callable[[int], None],
        *,
        marks_skipped: bool = False,
        step_sizes: StepSizes | None = None,
    ) -> None:
        self.ring = ring
        """Where the rows come from."""
        self._recorder: Final = recorder
        self._effective: Final = effective
        self._steps_per_execution: Final = steps_per_execution
        self._begin: Final = begin
        self._marks_skipped: Final = marks_skipped
        self._step_sizes: Final = step_sizes
        self._most_unread: Final = max(schema.ROWS_PER_RECORD // steps_per_execution, 1)
        self._next_row = ring.count()
        self.began = False
        """Whether there have been rows."""
        self._ends: list[float] = []
        self._last_end = time.time()
        self._epoch_row = self._next_row
        self._epoch_executions_read = 0
        self.next_iteration: int | None = None
        """The iteration that the next row will have if nobody changes the optimizer's counter."""

    def change_ring(self, ring: StepRing, next_row: int) -> None:
        """Goes on with another ring, before anything was read; its `next_row` is the fit's first."""
        self.ring, self._next_row, self._epoch_row = ring, next_row, next_row

    def execution_ended(self) -> bool:
        """Notes that the train function came back; returns whether it is time to read."""
        self._ends.append(time.time())
        return len(self._ends) >= self._most_unread

    def epoch_began(self) -> None:
        """Notes that an epoch begins; everything before it has been read."""
        self._epoch_row, self._epoch_executions_read = self._next_row, 0
        self._ends.clear()
        self._last_end = time.time()

    def read(self, *, unfinished: bool = False) -> None:
        """Hands on the rows of all executions that have ended; with `unfinished` those of a broken one too.

        Raises:
            RuntimeError: Executions have ended, and the ring has no row of them.
        """
        ends = np.sort(self._ends)
        if not len(ends) and not unfinished:
            return
        size, written = self._steps_per_execution, self.ring.count()
        stop = self._epoch_row + (self._epoch_executions_read + len(ends)) * size
        if unfinished:
            stop = max(stop, written)
        stop = min(stop, written)
        if stop == self._next_row:
            if len(ends) and not self.began and not self.ring.awaits_others():
                raise RuntimeError(
                    self.ring.problem or "the model's train_function does not call its train_step"
                )
            return
        rows = self.ring.rows(self._next_row, stop)
        wall_time = self._wall_times(ends, stop, written)[-len(rows) :]
        overwritten = stop - self._next_row - len(rows)
        if not self.began:
            self._begin(_number(rows.iteration[0]) - overwritten)
            self.began = True
        self._recorder.skip(overwritten)
        first_step, learning_rate = self._recorder.next_step, rows.learning_rate
        self._recorder.batches(
            learning_rate=learning_rate[:, 0],
            loss=rows.loss,
            effective_learning_rate=self._effective(learning_rate[:, 0], rows.iteration),
            wall_time=wall_time,
            learning_rates=dict(zip(self.ring.names, learning_rate.T, strict=True))
            if len(self.ring.names) > 1
            else None,
        )
        if self._marks_skipped:
            made = rows.applied if rows.finite is None else rows.finite
            self._recorder.skipped((first_step + np.flatnonzero(~made)).tolist())
        if self._step_sizes is not None:
            for sample in self._step_sizes.completed(rows, self._next_row + overwritten, first_step):
                self._recorder.sample(sample)
        self.next_iteration = _number(rows.iteration[-1]) + bool(rows.applied[-1])
        executions = -(-(stop - self._epoch_row) // size) - self._epoch_executions_read
        self._epoch_executions_read += executions
        self._last_end = float(wall_time[-1])
        del self._ends[:executions]
        self._next_row = stop

    def _wall_times(self, ends: npt.NDArray[np.float64], stop: int, written: int) -> npt.NDArray[np.float64]:
        """[n]: when the steps from the next row to `stop` ended."""
        size = self._steps_per_execution
        row = np.arange(self._next_row, stop) - self._epoch_row
        execution = row // size
        # A broken execution has no end; now is the latest that its steps can have ended.
        missing = int(execution[-1]) + 1 - self._epoch_executions_read - len(ends)
        bounds = np.concatenate(([self._last_end], ends, [time.time()] * max(missing, 0)))
        index = execution - self._epoch_executions_read
        steps = np.minimum(size, written - self._epoch_row - execution * size)
        fraction = (row - execution * size + 1) / steps
        times: npt.NDArray[np.float64] = bounds[index] + fraction * (bounds[index + 1] - bounds[index])
        return times


def _number(iteration: float) -> int:
    """An iteration that could not be read counts as 0."""
    return 0 if np.isnan(iteration) else int(iteration)
