"""One fit, recorded: the ring in its training step, what the recorder gets, and what the record says."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from lrmon.record.recorder import Recorder
from lrmon.train.description import described_fit, exactness
from lrmon.train.effective import effective_rate
from lrmon.train.feed import RingFeed
from lrmon.train.host import on_host
from lrmon.train.models import is_distributed, loss_tracker, steps_per_execution
from lrmon.train.optimizers import innermost, parts, scales_loss
from lrmon.train.outside import NOT_CALLED, OutsideRing, remove_outside, rings_of
from lrmon.train.preflight.problem import Problem
from lrmon.train.ring.base import StepRing, uninstall
from lrmon.train.step_sizes.sampler import StepSizes


class FitRecording:
    """From a fit's beginning to its end.

    It puts the ring into the model's training step when it is made. Of several processes that train one model
    each has to have one and to tell it of every execution and epoch; only that of the chief is begun.

    Args:
        model: That is about to train.
    """

    def __init__(self, model: Any) -> None:
        self._model: Final = model
        self._steps_per_execution: Final = steps_per_execution(model)
        self._ring, self._outside = rings_of(model)
        self._rows_before: Final = self._ring.count(), 0 if self._outside is None else self._outside.count()
        self._recorder: Recorder | None = None
        self._feed: RingFeed | None = None
        self._step_sizes: StepSizes | None = None
        self._foretold: list[Problem] = []
        self._first_epoch = 0
        self._batch_size: int | None = None
        found = parts(model.optimizer)
        self.optimizer: Final = found[0].optimizer if found else innermost(model.optimizer)
        """The one whose learning rate is the run's."""

    def begin(
        self,
        recorder: Recorder,
        params: Mapping[str, Any],
        *,
        plateau: dict[str, Any] | None,
        step_sizes_every: int | None,
        foretold: list[Problem],
        went_on_from: int | None,
    ) -> None:
        """Has the recorder ask for the rows from now on.

        Args:
            recorder: Gets them.
            params: What Keras tells its callbacks.
            plateau: Settings of the fit's ReduceLROnPlateau, for the record.
            step_sizes_every: See LRMonitor.
            foretold: What pre-flight says.
            went_on_from: The count at which the optimizer stood when the recorder's last fit ended, None
                where it was another one.
        """
        start_time, model, first_ring = time.time(), self._model, self._ring
        effective = effective_rate(self.optimizer)
        run = {
            **described_fit(model, dict(params), effective),
            "plateau": plateau,
            "step_sizes_every": step_sizes_every,
            "foretold": [{"code": problem.code, "text": problem.text} for problem in foretold],
        }
        if step_sizes_every is not None:
            self._step_sizes = StepSizes(model, first_ring, step_sizes_every, self._steps_per_execution)
            notes = (run["effective_learning_rate_note"], self._step_sizes.formula)
            run["effective_learning_rate_note"] = " ".join(filter(None, notes)) or None

        def begin(iteration: int) -> None:
            recorder.begin_fit(
                {**run, **self._known_after_first_step(run)},
                first_step=recorder.next_step if iteration == went_on_from else iteration,
                first_iteration=iteration,
                start_time=start_time,
            )

        self._foretold = foretold
        self._feed = RingFeed(
            first_ring,
            recorder,
            effective,
            self._steps_per_execution,
            begin,
            marks_skipped=scales_loss(model.optimizer),
            step_sizes=self._step_sizes,
        )
        self._recorder = recorder

    @property
    def is_first(self) -> bool:
        """Whether it is yet to be chosen where the rows come from."""
        return self._outside is not None

    @property
    def is_recorded(self) -> bool:
        """Whether a recorder gets its rows."""
        return self._feed is not None

    @property
    def began(self) -> bool:
        """Whether any of its steps has been recorded."""
        return self._feed is not None and self._feed.began

    @property
    def next_iteration(self) -> int | None:
        """The count that the optimizer goes on from if nobody changes it."""
        return None if self._feed is None else self._feed.next_iteration

    def epoch_began(self, epoch: int) -> None:
        """Notes where the epoch's first step lies."""
        if self._feed is not None:
            if not self._feed.began:
                self._first_epoch = epoch
            self._feed.epoch_began()

    def before_execution(self) -> None:
        """Now and then, if that was asked for, reads the weights that the update will change."""
        if self._step_sizes is not None:
            self._step_sizes.before_execution()

    def execution_ended(self) -> bool:
        """Notes the time; returns whether it is time to write."""
        if self._step_sizes is not None:
            # A sample must be there before its row may be read.
            self._step_sizes.execution_ended()
        if self._feed is None:
            return False
        # Keras itself may be at work on the model where it calls us in another thread, as a bare callback.
        if self._batch_size is None and not self._ring.counts_samples and not is_distributed(self._model):
            self._batch_size = _batch_size(self._model)
        is_full = self._step_sizes is not None and self._step_sizes.is_full
        return self._feed.execution_ended() or is_full

    def tell_ring_of_execution(self) -> None:
        """Lets the ring know; after a problem too, since other processes may wait for this one."""
        self._ring.execution_ended(self._steps_per_execution)

    def tell_ring_of_epoch(self) -> None:
        """As `tell_ring_of_execution`, of an epoch's end."""
        self._ring.epoch_ended()

    def tell_ring_of_break(self) -> None:
        """As `tell_ring_of_execution`, of a fit that ended in the middle."""
        self._ring.interrupted()

    def choose_ring(self) -> None:
        """After the first step: goes on with what was seen from outside, if the step has written no row."""
        outside, self._outside = self._outside, None
        if outside is None or self._ring is outside:
            return
        in_ring, in_outside = self._rows_before
        if self._ring.count() > in_ring or self._feed is None:
            remove_outside(self._model)
            return
        outside.problem = outside.problem or self._ring.problem or NOT_CALLED
        self._ring = outside
        self._feed.change_ring(outside, in_outside)
        if self._step_sizes is not None:
            self._step_sizes.problem = f"no step sizes were sampled: {outside.problem}"

    def end_epoch(self, epoch: int, metrics: Mapping[str, Any]) -> None:
        """Records the epoch's metrics."""
        if self._recorder is None or self._feed is None:
            return
        self._recorder.drain()
        if self._feed.began:
            self._recorder.end_epoch(metrics, epoch=epoch)

    def read(self, *, unfinished: bool = False) -> None:
        """Hands on what the ring holds, with `unfinished` also of an execution that was broken off."""
        if self._feed is not None:
            self._feed.read(unfinished=unfinished)

    def end(self, ended: str) -> None:
        """Records how it ended, if it began."""
        if self._recorder is not None and self.began:
            self._recorder.end_fit(ended, warnings=self._warnings(self._ring))

    def give_up(self) -> None:
        """Reads no more."""
        self._feed = self._step_sizes = None

    def leave_model(self) -> None:
        """Gives the model its own functions back; what is compiled keeps the ring."""
        uninstall(self._model)
        remove_outside(self._model)

    def _known_after_first_step(self, run: Mapping[str, Any]) -> dict[str, Any]:
        ring: StepRing = self._ring if self._feed is None else self._feed.ring
        sources = run["learning_rate_source"], run["effective_learning_rate_source"], ring.loss_source
        return {
            "exactness": exactness(*sources),
            **(ring.told(run) if isinstance(ring, OutsideRing) else {}),
            "initial_epoch": self._first_epoch,
            "batch_size": self._batch_size or ring.batch_size,
            "loss_source": ring.loss_source,
            "warnings": self._warnings(ring),
        }

    def _warnings(self, ring: StepRing) -> list[str]:
        """What the run's record warns of, so far."""
        of_ring = [ring.problem] if ring.problem else []
        return [
            *(problem.text for problem in self._foretold),
            *of_ring,
            *(self._step_sizes.warnings if self._step_sizes else []),
        ]


def _batch_size(model: Any) -> int:
    """Samples of each batch so far, asked after an epoch's first execution; 0 where nobody counts them."""
    tracker = loss_tracker(model)
    try:
        return int(float(on_host(tracker.count))) // steps_per_execution(model)
    except (AttributeError, TypeError):
        return 0
