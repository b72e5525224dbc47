"""The ring in a training step of TensorFlow: of Keras 3, or of tf_keras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from lrmon.train.model.optimizers import Part, decay, lr_function, lr_variable, schedule_of
from lrmon.train.model.step_optimizers import StepOptimizers, WatchedUpdates
from lrmon.train.private_names.keras import CURRENT_LEARNING_RATE, counter
from lrmon.train.private_names.tf_keras import LEGACY_LEARNING_RATE, is_legacy, loss_scale
from lrmon.train.ring_buffer.base import RingBuffer, StepRecords, grown
from lrmon.train.ring_buffer.losses import LOSS_OF_LOGS, Loss, MetricCalls, WatchedMetrics, watchable
from lrmon.train.ring_buffer.replicas import LOSS, SAMPLES, WorkersRecords, rows_of
from lrmon.train.ring_buffer.watched_calls import Watch

_FINITE, _PARTS = SAMPLES + 1, SAMPLES + 2
_BEFORE, _AFTER, _LR = range(3)
"""Of each optimizer three columns, from `_PARTS` on."""

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class _Observed:
    """What was seen of a step.

    Attributes:
        before: The counters of the optimizers before it.
        metrics: What was called of them.
        lrs: By optimizer, what it got from a user's function.
        scaling: Of the loss scale: whether the gradients were finite.
    """

    before: _CountersBefore
    metrics: WatchedMetrics
    lrs: dict[int, Watch]
    scaling: Watch


class _CountersBefore:
    """The counters before a step, also of the optimizers that only the step itself makes known.

    Args:
        ring: Whose step.
        known: By optimizer, its counter, of those known before the step.
    """

    def __init__(self, ring: TensorFlowRingBuffer, known: dict[int, Any]) -> None:
        self._ring: Final = ring
        self._known: Final = known
        self._graph: Final = tf.compat.v1.get_default_graph()

    def before_update(self, optimizer: Any) -> None:
        self._ring.guarded("iteration", partial(self._note, optimizer), None)

    def after_update(self, optimizer: Any) -> None:
        pass

    def count_before(self, part: Part, after: Any) -> Any:
        """Returns the counter before the step; one that the step itself has made began at 0."""
        key = id(part.optimizer)
        carried = self._ring.carried.get(key)
        if carried is not None:
            before = carried.read_value()
            with tf.control_dependencies([before] if tf.inside_function() else []):
                carried.assign(after)
            return before
        return self._known.get(key, tf.zeros_like(after))

    def _note(self, optimizer: Any) -> None:
        makes_update, key = self._ring.optimizers.see(optimizer), id(optimizer)
        if not makes_update or key in self._known or key in self._ring.carried:
            return
        with tf.init_scope():
            counted = counter(optimizer)  # a legacy optimizer makes it when it is first asked for
        if tf.compat.v1.get_default_graph() is self._graph:
            self._known[key] = tf.convert_to_tensor(counted)
            return
        # Within a branch or a loop of the step nothing can be read for the step itself. So the count after
        # each step is kept for the next; now, while the step is traced, it is that before the first.
        with tf.init_scope():
            self._ring.carried[key] = tf.Variable(tf.convert_to_tensor(counted), trainable=False)


class TensorFlowRingBuffer(RingBuffer):
    """Rows in a variable, written by a scatter within the compiled step; of each replica its own."""

    def __init__(self, model: Any, depth: int, optimizers: StepOptimizers) -> None:
        super().__init__(model, depth, optimizers)
        self._rows = rows_of(model.distribute_strategy, depth)
        self.carried: Final[dict[int, Any]] = {}
        """By optimizer, its counter after the latest step, where it cannot be read before a step."""
        self._columns: int | None = None
        """Optimizers in a row, once one was written."""
        self._counters_at_first: Final = self._counts()  # makes a legacy optimizer's counter, too

    def count(self) -> int:
        return self._rows.count()

    def rows(self, start: int, stop: int) -> StepRecords:
        rows = self._rows.read(start, stop)
        if self._rows.several and self.batch_size is None and np.isfinite(rows[:1, SAMPLES]).any():
            self.batch_size = int(rows[0, SAMPLES])
        part_rows = self._by_optimizer(rows)
        before = part_rows[:, :, _BEFORE]
        return StepRecords(
            iteration=before,
            updates=grown(before, part_rows[:, :, _AFTER]),
            learning_rate=part_rows[:, :, _LR],
            loss=rows[:, LOSS],
            # What loss scaling says where it is watched, else whether the counter grew.
            finite=rows[:, _FINITE] == 1 if np.isfinite(rows[:, _FINITE]).all() else None,
        )

    def _by_optimizer(self, rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """[n, m, 3]: NaN of the optimizers that the compiled step does not know."""
        held = rows[:, _PARTS:]
        missing = max(3 * len(self.optimizers.parts) - held.shape[1], 0)
        held = np.pad(held, ((0, 0), (0, missing)), constant_values=np.nan)
        return held.reshape(len(rows), -1, 3)[:, : len(self.optimizers.parts)]

    def execution_ended(self, steps: int) -> None:
        if isinstance(self._rows, WorkersRecords):
            self._rows.execution_ended(steps)

    def epoch_ended(self) -> None:
        if isinstance(self._rows, WorkersRecords):
            self._rows.exchange()

    def interrupted(self) -> None:
        if isinstance(self._rows, WorkersRecords):
            self._rows.hold_own()

    def awaits_others(self) -> bool:
        return self._rows.written() > self._rows.count()

    def resumed(self) -> bool:
        # Some train functions ask the model for its train_step whenever they are traced (tf_keras' and older
        # ones of Keras 3): a fit in between can have left a trace without the ring.
        if self._columns is not None and len(self.optimizers.parts) > self._columns:
            return False
        last = self._rows.last()
        if last is not None:
            after = self._by_optimizer(last)[0, :, _AFTER].tolist()
        else:
            after = [self._counters_at_first.get(id(part.optimizer), 0) for part in self.optimizers.parts]
        now = self._counts()
        if any(
            now[id(part.optimizer)] > count for part, count in zip(self.optimizers.parts, after, strict=True)
        ):
            return False
        self.model.train_step = self._wrapped
        return True

    def install_again(self) -> None:
        """Does nothing: every train function calls the model's train_step, which writes the ring."""

    def _counts(self) -> dict[int, int]:
        """By optimizer, what its counter shows now."""
        return {
            id(part.optimizer): int(tf.convert_to_tensor(counter(part.optimizer)).numpy())
            for part in self.optimizers.parts
        }

    def around(self, train_step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        # tf_keras has TensorFlow convert the Python of this function and of the user's step in it.
        def train_step_with_ring(data: Any) -> Any:
            with self._watching(train_step) as observed:
                logs = train_step(data)
            self._note(observed, logs)
            return logs

        return train_step_with_ring

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    @contextmanager
    def _watching(self, train_step: Callable[[Any], Any]) -> Iterator[_Observed]:
        nothing: list[tuple[Any, str]] = []
        metrics = self.guarded("loss", partial(watchable, self.model, train_step), nothing)
        self.guarded("optimizers", self.optimizers.refresh, None)
        before = _CountersBefore(self, self._iterations())
        with ExitStack() as watches:
            enter = watches.enter_context
            # Replicas run in threads of their own.
            enter(WatchedUpdates(before, any_thread=self._rows.several))
            yield _Observed(
                before=before,
                metrics=WatchedMetrics.watching(metrics, watches),
                lrs={
                    id(part.optimizer): enter(
                        Watch(
                            part.optimizer,
                            LEGACY_LEARNING_RATE if is_legacy(part.optimizer) else CURRENT_LEARNING_RATE,
                        )
                    )
                    for part in self.optimizers.parts
                    if lr_function(part.optimizer) is not None
                },
                # Replicas leave it to the thread that runs them.
                scaling=enter(Watch(loss_scale(self.model.optimizer), "update", any_thread=True)),
            )

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def _note(self, observed: _Observed, logs: Any) -> None:
        self.guarded("row", lambda: self._rows.write(self._row(observed, logs)), None)

    def _row(self, observed: _Observed, logs: Any) -> list[Any]:
        """The values of the step that has just been made."""
        loss = self.guarded("loss", partial(self._loss, observed.metrics.calls(), logs), Loss())
        samples = 1 if loss.weight is None or not self._rows.several else tf.reduce_sum(loss.weight)
        row = [loss.value, samples, self._finite(observed.scaling)]
        after = self._iterations()
        if self._columns is None or tf.executing_eagerly():
            self._columns = len(self.optimizers.parts)
        for part in self.optimizers.parts[self._columns :]:
            self.problem = (
                f"the learning rate of {part.name!r} is not recorded: the step was compiled without it"
            )
        for part in self.optimizers.parts[: self._columns]:
            count = after.get(id(part.optimizer))
            if count is None:
                row += [_NAN, _NAN, _NAN]
                continue
            before = self.guarded("iteration", partial(observed.before.count_before, part, count), _NAN)
            got = observed.lrs[id(part.optimizer)].results if id(part.optimizer) in observed.lrs else ()
            lr = self.guarded("learning rate", partial(self._learning_rate, part, before, got), _NAN)
            row += [before, count, lr]
        return row

    def _iterations(self) -> dict[int, Any]:
        """The counters of the optimizers, by identity."""
        nothing: dict[int, Any] = {}
        return self.guarded(
            "iteration",
            lambda: {
                id(part.optimizer): tf.convert_to_tensor(counter(part.optimizer))
                for part in self.optimizers.parts
            },
            nothing,
        )

    def _finite(self, scaling: Watch) -> Any:
        """Whether the gradients were finite, NaN where no loss scaling says: tf_keras counts such steps."""
        if scaling.results:
            _, finite = scaling.results[-1]
            if self._is_of_this_step(finite):
                return finite
        return _NAN

    def _loss(self, calls: Sequence[MetricCalls], logs: Any) -> Loss:
        provenance = self.loss_provenance
        loss = super()._loss(calls, logs)
        if not self._rows.several:
            return loss
        if self._rows.replica() > 0:
            self.loss_provenance = provenance
            return loss
        if self.loss_provenance == LOSS_OF_LOGS:
            self.loss_provenance = "none: the model's own train_step returns a loss of each replica alone"
            return Loss(provenance=self.loss_provenance)
        if not self.loss_provenance.startswith("none"):
            counted = "each counted alike" if loss.weight is None else "weighted by their samples"
            self.loss_provenance += f", of all replicas together, {counted}"
            if isinstance(self._rows, WorkersRecords):
                self.loss_provenance += (
                    ", which the workers exchange every 64 batches and at each epoch's end"
                )
        return loss

    def _learning_rate(self, part: Part, iteration: Any, got: Sequence[Any]) -> Any:
        """The rate that the update of this iteration uses.

        A schedule is evaluated here once more, by the same compiler. To take the optimizer's own value
        instead would change the training: the compiler folds a schedule's last multiplication into what
        follows it, and does so no longer where somebody else wants the value between. (AdamW with
        CosineDecay: other last bits.) A function is never called; what the optimizer got from it is taken.
        """
        optimizer = part.optimizer
        schedule, variable = schedule_of(optimizer), lr_variable(optimizer)
        if schedule is None and variable is None:
            # The update asks last: weight decay, where there is any, asks before it.
            values = (value for value in reversed(got) if self._is_of_this_step(value))
            return next((tf.convert_to_tensor(value) for value in values), _NAN)
        if not is_legacy(optimizer):
            return schedule(iteration) if schedule is not None else tf.convert_to_tensor(variable)
        # In the type of the weights, as the optimizer does it: the bits depend on it.
        dtype = _dtype(self.model)
        step = tf.cast(iteration, dtype)
        lr = tf.cast(variable if schedule is None else schedule(step), dtype)
        slope = decay(optimizer)
        return lr / (1.0 + tf.cast(slope, dtype) * step) if slope > 0 else lr

    def _is_of_this_step(self, value: Any) -> bool:
        graph = None if tf.executing_eagerly() else getattr(value, "graph", None)
        return graph is None or graph is tf.compat.v1.get_default_graph()


def _dtype(model: Any) -> tf.DType:
    """The type of the first weight that trains; the weights of mixed precision are float32."""
    weights = model.trainable_weights
    return weights[0].dtype if weights else tf.float32
