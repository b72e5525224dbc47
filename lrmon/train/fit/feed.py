"""The feed: rows from the ring to the recorder, each with the time at which its step ended."""

from __future__ import annotations

import time
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from lrmon import schema
from lrmon.record.recorder import Recorder
from lrmon.train.model.effective_lr import EffectiveLR
from lrmon.train.model.optimizers import scales_loss
from lrmon.train.ring_buffer.base import RingBuffer, StepRecords
from lrmon.train.update_samples.sampler import UpdateSampler


class FeedListener(Protocol):
    """What the feed asks of the fit that it reads."""

    def begin(self, main: int | None, iteration: int, updates: int) -> None:
        """Has the recorder begin the fit, before its first rows.

        Args:
            main: Column of the optimizer whose learning rate is the run's, None where none makes updates yet.
            iteration: Its counter before the first step.
            updates: How many updates it made in that step.
        """

    def revise(self, main: int | None, iteration: int | None) -> None:
        """As `begin`, where a later step makes an optimizer known; `iteration` if it is the main one."""

    def effective(self, main: int) -> EffectiveLR:
        """Returns the rule of an optimizer's effective learning rate."""


class StepFeed:
    """Feeds a recorder from a ring during one fit.

    The thread that trains calls `execution_ended` and `epoch_began`; `read` may be called by any thread, one
    at a time. Of an execution (`steps_per_execution` steps, or one) only its end is seen from outside: the
    times of the steps in it are spread evenly over it.

    An interrupt may fall anywhere in these calls. What has been read is therefore not counted here: it
    follows from the recorder's next step, which changes in one operation with the rows that it gets.

    Args:
        ring: Of the model that trains.
        recorder: Gets the rows.
        fit: Is told what becomes known of the optimizers.
        steps_per_execution: Steps that one call of the train function makes; fewer at an epoch's end.
        sampler: Completes its samples from the rows.
    """

    def __init__(
        self,
        ring: RingBuffer,
        recorder: Recorder,
        fit: FeedListener,
        steps_per_execution: int,
        *,
        sampler: UpdateSampler | None = None,
    ) -> None:
        self.ring = ring
        """Where the rows come from."""
        self._recorder: Final = recorder
        self._fit: Final = fit
        self._steps_per_execution: Final = steps_per_execution
        self._sampler: Final = sampler
        self._most_unread: Final = max(schema.ROWS_PER_RECORD // steps_per_execution, 1)
        self._anchor: tuple[int, int | None] = ring.count(), None
        """A row, and its step in the run; None until the recorder began the fit."""
        self.has_begun = False
        """Whether there have been rows."""
        self._ended = 0
        """Executions that ended since the epoch began."""
        self._ends: list[tuple[int, float]] = []
        """Their numbers, with the times when they ended; none of those that have been read."""
        self._is_broken = False
        self._last_end = time.time()
        self._epoch_row = self._next_row
        self._columns = 0
        """Optimizers that the fit's rows name."""
        self._updated = np.zeros(0, np.bool_)
        """Which of them made updates so far."""
        self.main: int | None = None
        """Column of the optimizer whose learning rate is the run's; None until one makes updates."""
        self.next_iteration: int | None = None
        """What its counter will show before the next row if nobody changes it."""

    @property
    def _next_row(self) -> int:
        """The first row that the recorder has not got."""
        row, step = self._anchor
        return row if step is None else row + max(self._recorder.next_step - step, 0)

    def _executions(self, row: int) -> int:
        """Executions of the epoch that had begun before `row`."""
        return -(-(row - self._epoch_row) // self._steps_per_execution)

    def change_ring(self, ring: RingBuffer, next_row: int) -> None:
        """Goes on with another ring, before anything was read; its `next_row` is the fit's first."""
        self.ring, self._anchor, self._epoch_row = ring, (next_row, None), next_row

    def execution_ended(self, end: float | None = None) -> bool:
        """Notes that the train function came back, just now or then; returns whether it is time to read."""
        self._ends.append((self._ended, time.time() if end is None else end))
        self._ended += 1
        return len(self._ends) >= self._most_unread

    def execution_passed(self) -> None:
        """Notes that the train function was called where nobody saw it: its steps may have written no row."""
        size = self._steps_per_execution
        if self.ring.count() > self._epoch_row + self._ended * size:
            self.execution_ended()
            return
        self._recorder.drain()
        if self._anchor[1] is not None:
            self._anchor = self._next_row, self._recorder.next_step + size
        self._recorder.skip(size)

    def execution_broke(self) -> None:
        """Notes that the train function raised: it may have made some of its steps, or all."""
        self.execution_ended()
        self._is_broken = True

    def epoch_began(self) -> None:
        """Notes that an epoch begins; everything before it has been read."""
        self._epoch_row = self._next_row
        self._ends.clear()
        self._ended = 0
        self._is_broken = False
        self._last_end = time.time()

    def read(self, *, unfinished: bool = False) -> None:
        """Hands on the rows of all executions that have ended; with `unfinished` those of a broken one too.

        Raises:
            RuntimeError: Executions have ended, and the ring has no row of them.
        """
        next_row = self._next_row
        read = self._executions(next_row)
        ends = np.sort([end for execution, end in self._ends if execution >= read])
        if not len(ends) and not unfinished:
            return
        size, written = self._steps_per_execution, self.ring.count()
        stop = self._epoch_row + (read + len(ends)) * size
        if unfinished:
            stop = max(stop, written)
        stop = min(stop, written)
        if stop == next_row:
            if len(ends) > self._is_broken and not self.has_begun and not self.ring.awaits_others():
                raise RuntimeError(
                    self.ring.problem or "the model's train_function does not call its train_step"
                )
            return
        rows = self.ring.rows(next_row, stop)
        wall_time = self._wall_times(ends, next_row, stop, written)[-len(rows) :]
        overwritten = stop - next_row - len(rows)
        self._begin(rows, next_row, overwritten)
        self._recorder.skip(overwritten)
        first_step, main = self._recorder.next_step, self.main
        learning_rate, updates = rows.learning_rate, rows.updates
        if main is not None:
            self.next_iteration = _number(rows.iteration[-1, main]) + int(updates[-1, main])
            made = self._made(rows, main)
            if made is not None:
                self._recorder.skipped((first_step + np.flatnonzero(~made)).tolist())
        samples = [] if self._sampler is None else self._sampler.completed(rows, stop - len(rows), first_step)
        unknown = np.full(len(rows), np.nan)
        self._recorder.batches(
            learning_rate=unknown if main is None else learning_rate[:, main],
            loss=rows.loss,
            effective_learning_rate=unknown
            if main is None
            else self._fit.effective(main)(learning_rate[:, main], rows.iteration[:, main]),
            wall_time=wall_time,
            learning_rates=dict(zip(self.ring.optimizers.names, learning_rate.T, strict=False))
            if self._columns > 1
            else None,
            updates=updates if self._columns > 1 or (updates != 1).any() else None,
        )
        for sample in samples:
            self._recorder.sample(sample)
        self._last_end = float(wall_time[-1])
        read = self._executions(stop)
        while self._ends and self._ends[0][0] < read:
            del self._ends[0]

    def _begin(self, rows: StepRecords, first_row: int, overwritten: int) -> None:
        """Begins the fit with its first rows, and finds out which optimizer's learning rate is the run's."""
        optimizers = self.ring.optimizers
        columns, main = rows.learning_rate.shape[1], self.main
        self._updated = np.pad(self._updated, (0, columns - len(self._updated)))
        self._updated |= (rows.updates > 0).any(axis=0)
        if main is None:
            # Another thread may just be making one known.
            main = optimizers.main(self._updated)
            main = None if main is not None and main >= columns else main
        iteration = 0 if main is None else _number(rows.iteration[0, main])
        updates = 1 if main is None else int(rows.updates[0, main])
        if not self.has_begun:
            self._fit.begin(main, iteration - overwritten * updates, updates)
            self._anchor = first_row, self._recorder.next_step
        elif main != self.main or columns != self._columns:
            self._fit.revise(main, iteration if main != self.main else None)
        self.main, self.has_begun, self._columns = main, True, columns

    def _made(self, rows: StepRecords, main: int) -> npt.NDArray[np.bool_] | None:
        """[n]: whether loss scaling let an update be made; None where nothing scales the loss."""
        outer = self.ring.optimizers.parts[main].outer
        if not scales_loss(outer):
            return None
        watched = rows.finite is not None and outer is self.ring.model.optimizer
        return rows.finite if watched else rows.updates[:, main] > 0

    def _wall_times(
        self, ends: npt.NDArray[np.float64], next_row: int, stop: int, written: int
    ) -> npt.NDArray[np.float64]:
        """[n]: when the steps from `next_row` to `stop` ended."""
        size, read = self._steps_per_execution, self._executions(next_row)
        row = np.arange(next_row, stop) - self._epoch_row
        execution = row // size
        # A broken execution has no end; now is the latest that its steps can have ended.
        missing = int(execution[-1]) + 1 - read - len(ends)
        bounds = np.concatenate(([self._last_end], ends, [time.time()] * max(missing, 0)))
        index = execution - read
        steps = np.minimum(size, written - self._epoch_row - execution * size)
        fraction = (row - execution * size + 1) / steps
        times: npt.NDArray[np.float64] = bounds[index] + fraction * (bounds[index + 1] - bounds[index])
        return times


def _number(iteration: float) -> int:
    """An iteration that could not be read counts as 0."""
    return 0 if np.isnan(iteration) else int(iteration)
