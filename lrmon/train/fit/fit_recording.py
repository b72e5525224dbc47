"""One fit, recorded: the ring in its training step, what the recorder gets, and what the record says."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lrmon.record.recorder import Recorder
from lrmon.train.fit.executions import Executions
from lrmon.train.fit.feed import StepFeed
from lrmon.train.fit.outside import NOT_CALLED, OutsideRingBuffer, rings_of
from lrmon.train.model.description import (
    DescribedOptimizer,
    described_fit,
    described_optimizer,
    described_optimizers,
    exactness,
)
from lrmon.train.model.effective_lr import EffectiveLR
from lrmon.train.model.host import on_host
from lrmon.train.model.models import backend_of, is_distributed, loss_tracker, steps_per_execution
from lrmon.train.model.optimizers import Part
from lrmon.train.preflight import PlannedFit
from lrmon.train.preflight.problem import PreflightWarning
from lrmon.train.private_names.keras import counter
from lrmon.train.ring_buffer.base import RingBuffer, uninstall
from lrmon.train.update_samples.sampler import UpdateSampler

_LONGEST_WAIT_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Position:
    """Where a fit ended.

    Attributes:
        optimizer: The one whose learning rate was the run's, None where none made updates.
        iteration: What its counter shows after the last recorded step.
    """

    optimizer: Any
    iteration: int | None


class FitRecording:
    """From a fit's beginning to its end.

    It puts the ring into the model's training step when it is made, and hears of every execution. Of several
    processes that train one model each has to have one; only that of the chief is begun.

    Args:
        model: That is about to train.
        callbacks: Of the fit.
        protect: Runs a piece of ours within the training, which nothing that fails there may disturb.
        flush: Writes what was recorded.
        left: Is called where the fit raised and another has begun.
    """

    def __init__(
        self,
        model: Any,
        callbacks: Sequence[Any],
        *,
        protect: Callable[[Callable[[], None]], None],
        flush: Callable[[], None],
        left: Callable[[], None],
    ) -> None:
        self._model: Final = model
        self._protect: Final = protect
        self._flush: Final = flush
        self._left: Final = left
        self._steps_per_execution: Final = steps_per_execution(model)
        self._executions: Final = Executions(model, self)
        self._ring, self._outside = rings_of(model, callbacks)
        self._executions.put_in_place()
        self._rows_before: Final = self._ring.count(), 0 if self._outside is None else self._outside.count()
        self._recorder: Recorder | None = None
        self._feed: StepFeed | None = None
        self._sampler: UpdateSampler | None = None
        self._preflight_warnings: list[PreflightWarning] = []
        self._first_epoch = 0
        self._batch_size: int | None = None
        self._run: dict[str, Any] = {}
        self._start_time = 0.0
        self._previous_position: Position | None = None
        self._first_step: int | None = None
        """Known once it began; a begin that was interrupted begins again at the same step."""
        self._described: list[DescribedOptimizer] = []
        self._unsampled: float | None = None
        """When an execution ended of which a sample may still be taken; its rows are not read before."""
        self._noted = self._reported = 0
        """Executions that were noted, and that Keras has told of, since the epoch began."""

    def start(
        self,
        recorder: Recorder,
        params: Mapping[str, Any],
        *,
        planned: PlannedFit,
        plateau: dict[str, Any] | None,
        step_sizes_every: int | None,
        preflight_warnings: list[PreflightWarning],
        previous_position: Position | None,
    ) -> None:
        """Has the recorder ask for the rows from now on.

        Args:
            recorder: Gets them.
            params: What Keras tells its callbacks.
            planned: What can be seen of the fit.
            plateau: Settings of the fit's ReduceLROnPlateau, for the record.
            step_sizes_every: See LRMonitor.
            preflight_warnings: What pre-flight says.
            previous_position: Where the recorder's last fit ended; None where it has had none.
        """
        self._start_time = time.time()
        self._run = {
            **described_fit(self._model, dict(params)),
            "validation_split": planned.validation_split,
            "steps_before_split": planned.steps_before_split,
            "plateau": plateau,
            "step_sizes_every": step_sizes_every,
            "preflight_warnings": [
                {"code": problem.code, "text": problem.text} for problem in preflight_warnings
            ],
        }
        self._describe(self._ring.optimizers.parts)
        if step_sizes_every is not None:
            self._sampler = UpdateSampler(
                self._model, self._ring, step_sizes_every, self._steps_per_execution
            )
        self._preflight_warnings = preflight_warnings
        self._previous_position = previous_position
        self._feed = StepFeed(self._ring, recorder, self, self._steps_per_execution, sampler=self._sampler)
        self._recorder = recorder

    def begin(self, main: int | None, iteration: int, updates: int) -> None:
        """Has the recorder begin the fit; see `lrmon.train.fit.feed.FeedListener`."""
        if self._recorder is not None:
            if self._first_step is None:
                self._first_step = self._step_of(self._recorder, main, iteration, updates)
            self._recorder.begin_fit(
                self._known(main),
                first_step=self._first_step,
                first_iteration=iteration,
                start_time=self._start_time,
            )

    def revise(self, main: int | None, iteration: int | None) -> None:
        """Has the recorder note what a later step has made known; see `lrmon.train.fit.feed.FeedListener`."""
        if self._recorder is not None:
            first = {} if iteration is None else {"first_iteration": iteration}
            self._recorder.revise_fit({**self._known(main), **first})

    def effective(self, main: int) -> EffectiveLR:
        """Returns the rule of an optimizer's effective learning rate; see `FeedListener`."""
        return self._described[main].effective

    def _step_of(self, recorder: Recorder, main: int | None, iteration: int, updates: int) -> int:
        """Returns the step of the fit's first batch.

        Steps count batches since the optimizer began to count. Of those that it counted since the last fit
        nothing is recorded.
        """
        before = self._previous_position
        per_step = max(updates, 1)
        if before is not None and before.optimizer is self._optimizer(main):
            if before.iteration is None:
                return recorder.next_step
            return max(recorder.next_step + (iteration - before.iteration) // per_step, 0)
        return iteration // per_step

    def _optimizer(self, main: int | None) -> Any:
        return None if main is None else self._ring.optimizers.parts[main].optimizer

    @property
    def position(self) -> Position:
        """Where it stands: what a next fit may go on from."""
        feed = self._feed
        if feed is None:
            return Position(None, None)
        return Position(self._optimizer(feed.main), feed.next_iteration)

    @property
    def counts_from_0(self) -> bool:
        """Whether none of its optimizers has made an update yet; False where none is known."""
        counts = [int(on_host(counter(part.optimizer))) for part in self._ring.optimizers.parts]
        return bool(counts) and not any(counts)

    @property
    def is_recorded(self) -> bool:
        """Whether a recorder gets its rows."""
        return self._feed is not None

    @property
    def has_begun(self) -> bool:
        """Whether any of its steps has been recorded."""
        return self._feed is not None and self._feed.has_begun

    def epoch_began(self, epoch: int) -> None:
        """Notes where the epoch's first step lies."""
        self._noted = self._reported = 0
        if self._feed is not None:
            if not self._feed.has_begun:
                self._first_epoch = epoch
            self._feed.epoch_began()

    def before_execution(self) -> None:
        """Lets the rows of the execution before be read, also where Keras has not told of its end."""
        if self._unsampled is not None:
            self._protect(self._release)

    def sample_before(self) -> None:
        """Now and then, if that was asked for, reads the weights that the update will change.

        It is for a callback's hook: within the train function of Keras on JAX the model has no weights.
        """
        if self._sampler is not None:
            self._sampler.before_execution()

    def _sample_after(self) -> None:
        if self._sampler is not None:
            self._sampler.execution_ended()
        self._release()

    def _release(self) -> None:
        end, self._unsampled = self._unsampled, None
        if end is not None:
            self._note_end(end)

    def execute(self, train_function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls the train function; until a ring is chosen it is seen from outside too."""
        if self._outside is not None:
            return self._outside.execute(train_function, *arguments)
        return train_function(*arguments)

    def execution_ended(self) -> None:
        """Notes the time, and has rows written when there are many."""
        self._noted += 1
        self._protect(self._note_execution)

    def execution_broke(self) -> None:
        """Notes that the steps that were made are the last of an execution."""
        self._protect(self._note_broken_execution)

    def fit_was_left(self) -> None:
        """Ends the recording, as interrupted: the fit raised, and another has begun."""
        self._protect(self._left)
        self.leave_model()

    def execution_was_reported(self) -> None:
        """Hears of an execution's end from Keras: one that nothing else has told of counts too."""
        self._reported += 1
        if self._unsampled is not None:
            self._protect(self._sample_after)
        if self._executions.is_in_place or self._model.train_function is None:
            return
        # Somebody has made the train function anew.
        if self._reported > self._noted:
            self._noted += 1
            self._protect(self._note_passed_execution)
        self._protect(self._ring.install_again)
        self._executions.put_in_place()

    def _note_execution(self) -> None:
        # Other processes may wait for this one, whether it records or not.
        self._ring.execution_ended(self._steps_per_execution)
        self._choose_ring()
        if self._feed is None:
            return
        if self._batch_size is None and not self._ring.counts_samples and not is_distributed(self._model):
            self._batch_size = _batch_size(self._model)
        if self._sampler is not None:
            # A sample must be there before its row may be read.
            self._unsampled = time.time()
            return
        self._note_end(time.time())

    def _note_end(self, end: float) -> None:
        if self._feed is None:
            return
        is_full = self._sampler is not None and self._sampler.is_full
        if self._feed.execution_ended(end) or is_full:
            self._flush()

    def _note_passed_execution(self) -> None:
        if self._feed is not None:
            self._feed.execution_passed()

    def _note_broken_execution(self) -> None:
        self._choose_ring(broke=True)
        if self._feed is not None:
            self._feed.execution_broke()

    def tell_ring_of_epoch(self) -> None:
        """As `tell_ring_of_execution`, of an epoch's end."""
        self._ring.epoch_ended()

    def tell_ring_of_break(self) -> None:
        """As `tell_ring_of_execution`, of a fit that ended in the middle."""
        self._ring.interrupted()

    def _choose_ring(self, *, broke: bool = False) -> None:
        """After the first step: goes on with what was seen from outside, if the step has written no row."""
        if self._outside is None:
            return
        in_ring, in_outside = self._rows_before
        if self._ring is self._outside:
            return
        if self._ring.count() > in_ring:
            self._outside = None
            return
        if broke:
            return  # it may have made no step at all
        outside = self._outside
        outside.problem = outside.problem or self._ring.problem or NOT_CALLED
        self._ring = outside
        if self._feed is not None:
            self._feed.change_ring(outside, in_outside)
        if self._sampler is not None:
            self._sampler.problem = f"no step sizes were sampled: {outside.problem}"

    def end_epoch(self, epoch: int, metrics: Mapping[str, Any]) -> None:
        """Records the epoch's metrics."""
        if self._recorder is None or self._feed is None:
            return
        self._recorder.drain()
        if self._feed.has_begun:
            self._recorder.end_epoch(metrics, epoch=epoch)

    def read(self, *, unfinished: bool = False) -> None:
        """Hands on what the ring holds, with `unfinished` also of an execution that was broken off."""
        if self._feed is None:
            return
        if self._unsampled is not None and (
            unfinished or time.time() - self._unsampled > _LONGEST_WAIT_SECONDS
        ):
            # A callback has raised or takes long: the rows matter more than a sample.
            end, self._unsampled = self._unsampled, None
            self._feed.execution_ended(end)
        self._feed.read(unfinished=unfinished)

    def end(self, ended: str) -> None:
        """Records how it ended, if it began."""
        if self._recorder is not None and self.has_begun:
            self._recorder.end_fit(ended, warnings=self._warnings(self._ring))

    def give_up(self) -> None:
        """Reads no more."""
        self._feed = self._sampler = None

    def leave_model(self) -> None:
        """Gives the model its own functions back; what is compiled keeps the ring."""
        uninstall(self._model)
        self._executions.leave()

    def _describe(self, parts: Sequence[Part]) -> None:
        """Describes those of the optimizers that have not been yet."""
        backend = backend_of(self._model)
        for part in parts[len(self._described) :]:
            self._described.append(described_optimizer(part, backend))

    def _known(self, main: int | None) -> dict[str, Any]:
        """What is known once a step has run, as fields of the run's record."""
        ring: RingBuffer = self._ring if self._feed is None else self._feed.ring
        parts = ring.optimizers.parts
        self._describe(parts)
        run = {**self._run, **described_optimizers(parts, self._described[: len(parts)], main)}
        if self._sampler is not None:
            notes = (run["effective_learning_rate_note"], self._sampler.formula)
            run["effective_learning_rate_note"] = " ".join(filter(None, notes)) or None
        provenances = (
            run["learning_rate_provenance"],
            run["effective_learning_rate_provenance"],
            ring.loss_provenance,
        )
        optimizer = self._optimizer(main)
        return {
            **run,
            "exactness": exactness(*provenances),
            **(
                ring.changed_fields(run, optimizer)
                if isinstance(ring, OutsideRingBuffer) and optimizer is not None
                else {}
            ),
            "initial_epoch": self._first_epoch,
            "batch_size": self._batch_size or ring.batch_size,
            "loss_provenance": ring.loss_provenance,
            "warnings": self._warnings(ring),
        }

    def _warnings(self, ring: RingBuffer) -> list[str]:
        """What the run's record warns of, so far."""
        ring_problems = [ring.problem] if ring.problem else []
        return [
            *(problem.text for problem in self._preflight_warnings),
            *ring_problems,
            *(self._sampler.warnings if self._sampler else []),
        ]


def _batch_size(model: Any) -> int:
    """Samples of each batch so far, asked after an epoch's first execution; 0 where nobody counts them."""
    tracker = loss_tracker(model)
    try:
        return int(float(on_host(tracker.count))) // steps_per_execution(model)
    except (AttributeError, TypeError):
        return 0
