"""The ring in a training step of TensorFlow: of Keras 3, or of tf_keras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from lrmon.train.optimizers import (
    Part,
    counter,
    decay,
    is_legacy,
    loss_scale,
    parts,
    rate_function,
    rate_variable,
    schedule_of,
)
from lrmon.train.ring.base import StepRing, StepRows
from lrmon.train.ring.losses import LOSS_OF_LOGS, Loss, MetricCalls, WatchedMetrics, watchable
from lrmon.train.ring.replicas import LOSS, SAMPLES, WorkersRows, rows_of
from lrmon.train.ring.watch import Watch

_ITERATION, _COUNTED, _FINITE, _RATES = range(SAMPLES + 1, SAMPLES + 5)

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen of a step.

    Attributes:
        before: By optimizer, its counter before the step.
        metrics: What was called of them.
        rates: By optimizer, what it got from a user's function.
        scaling: Of the loss scale: whether the gradients were finite.
    """

    before: dict[int, Any]
    metrics: WatchedMetrics
    rates: dict[int, Watch]
    scaling: Watch


class TensorFlowRing(StepRing):
    """Rows in a variable, written by a scatter within the compiled step; of each replica its own."""

    def __init__(self, model: Any, depth: int) -> None:
        super().__init__(model, depth)
        self._rows = rows_of(model.distribute_strategy, depth)
        for part in parts(model.optimizer):
            counter(part.optimizer)  # a legacy optimizer makes it when it is first asked for
        self._unseen = self._steps_unseen()

    def count(self) -> int:
        return self._rows.count()

    def rows(self, start: int, stop: int) -> StepRows:
        rows = self._rows.read(start, stop)
        if self._rows.several and self.batch_size is None and np.isfinite(rows[:1, SAMPLES]).any():
            self.batch_size = int(rows[0, SAMPLES])
        return StepRows(
            iteration=rows[:, _ITERATION],
            applied=rows[:, _COUNTED] == 1,
            learning_rate=rows[:, _RATES:],
            loss=rows[:, LOSS],
            finite=rows[:, _FINITE] == 1,
        )

    def execution_ended(self, steps: int) -> None:
        if isinstance(self._rows, WorkersRows):
            self._rows.execution_ended(steps)

    def epoch_ended(self) -> None:
        if isinstance(self._rows, WorkersRows):
            self._rows.exchange()

    def interrupted(self) -> None:
        if isinstance(self._rows, WorkersRows):
            self._rows.hold_own()

    def awaits_others(self) -> bool:
        return self._rows.written() > self._rows.count()

    def resumed(self) -> bool:
        # Some train functions ask the model for its train_step whenever they are traced (tf_keras' and older
        # ones of Keras 3): a fit in between can have left a trace without the ring.
        unseen, self._unseen = self._unseen, self._steps_unseen()
        if unseen is None or self._unseen is None or self._unseen > unseen:
            return False
        self.model.train_step = self._wrapped
        return True

    def _steps_unseen(self) -> int | None:
        """How many steps the optimizer has counted that are not in the ring."""
        found = parts(self.model.optimizer)
        if not found:
            return None
        counted = tf.convert_to_tensor(counter(found[0].optimizer))
        return int(counted.numpy()) - self._rows.written()

    def around(self, train_step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        # tf_keras has TensorFlow convert the Python of this function and of the user's step in it.
        def train_step_with_ring(data: Any) -> Any:
            with self._watching(train_step) as seen:
                logs = train_step(data)
            self._note(seen, logs)
            return logs

        return train_step_with_ring

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    @contextmanager
    def _watching(self, train_step: Callable[[Any], Any]) -> Iterator[_Seen]:
        nothing: list[tuple[Any, str]] = []
        metrics = self._read("loss", partial(watchable, self.model, train_step), nothing)
        found = parts(self.model.optimizer)
        with ExitStack() as watches:
            enter = watches.enter_context
            yield _Seen(
                before=self._iterations(),
                metrics=WatchedMetrics.of(metrics, watches),
                rates={
                    id(part.optimizer): enter(
                        Watch(
                            part.optimizer,
                            "_decayed_lr" if is_legacy(part.optimizer) else "_get_current_learning_rate",
                        )
                    )
                    for part in found
                    if rate_function(part.optimizer) is not None
                },
                # Replicas leave it to the thread that runs them.
                scaling=enter(Watch(loss_scale(self.model.optimizer), "update", any_thread=True)),
            )

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def _note(self, seen: _Seen, logs: Any) -> None:
        self._read("row", lambda: self._rows.write(self._row(seen, logs)), None)

    def _row(self, seen: _Seen, logs: Any) -> list[Any]:
        """The values of the step that has just been made."""
        found, after = parts(self.model.optimizer), self._iterations()
        self.names = [part.name for part in found]
        # One that the step itself has built began at 0.
        before = {key: seen.before.get(key, tf.zeros_like(count)) for key, count in after.items()}
        loss = self._read("loss", partial(self._loss, seen.metrics.calls(), logs), Loss())
        samples = 1 if loss.weight is None or not self._rows.several else tf.reduce_sum(loss.weight)
        first = id(found[0].optimizer if found else None)
        counted = after[first] > before[first] if first in after else False
        rates = []
        for part in found:
            key = id(part.optimizer)
            got = seen.rates[key].results if key in seen.rates else ()
            read = partial(self._learning_rate, part, before.get(key, _NAN), got)
            rates.append(self._read("learning rate", read, _NAN))
        finite = self._finite(seen.scaling, counted)
        return [loss.value, samples, before.get(first, _NAN), counted, finite, *(rates or [_NAN])]

    def _iterations(self) -> dict[int, Any]:
        """The counters of the optimizers, by identity."""
        nothing: dict[int, Any] = {}
        return self._read(
            "iteration",
            lambda: {
                id(part.optimizer): tf.convert_to_tensor(counter(part.optimizer))
                for part in parts(self.model.optimizer)
            },
            nothing,
        )

    def _finite(self, scaling: Watch, counted: Any) -> Any:
        """Whether the update was made: tf_keras counts one that its loss scaling leaves out."""
        if scaling.results:
            _, finite = scaling.results[-1]
            if self._is_of_this_step(finite):
                return finite
        return counted

    def _loss(self, calls: Sequence[MetricCalls], logs: Any) -> Loss:
        said = self.loss_source
        loss = super()._loss(calls, logs)
        if not self._rows.several:
            return loss
        if self._rows.replica() > 0:
            self.loss_source = said
            return loss
        if self.loss_source == LOSS_OF_LOGS:
            self.loss_source = "none: the model's own train_step returns a loss of each replica alone"
            return Loss(source=self.loss_source)
        if not self.loss_source.startswith("none"):
            counted = "each counted alike" if loss.weight is None else "weighted by their samples"
            self.loss_source += f", of all replicas together, {counted}"
            if isinstance(self._rows, WorkersRows):
                self.loss_source += ", which the workers exchange every 64 batches and at each epoch's end"
        return loss

    def _learning_rate(self, part: Part, iteration: Any, got: Sequence[Any]) -> Any:
        """The rate that the update of this iteration uses.

        A schedule is evaluated here once more, by the same compiler. To take the optimizer's own value
        instead would change the training: the compiler folds a schedule's last multiplication into what
        follows it, and does so no longer where somebody else wants the value between. (AdamW with
        CosineDecay: other last bits.) A function is never called; what the optimizer got from it is taken.
        """
        optimizer = part.optimizer
        schedule, variable = schedule_of(optimizer), rate_variable(optimizer)
        if schedule is None and variable is None:
            # The update asks last: weight decay, where there is any, asks before it.
            of_step = (value for value in reversed(got) if self._is_of_this_step(value))
            return next((tf.convert_to_tensor(value) for value in of_step), _NAN)
        if not is_legacy(optimizer):
            return schedule(iteration) if schedule is not None else tf.convert_to_tensor(variable)
        # In the type of the weights, as the optimizer does it: the bits depend on it.
        dtype = _dtype(self.model)
        step = tf.cast(iteration, dtype)
        rate = tf.cast(variable if schedule is None else schedule(step), dtype)
        slope = decay(optimizer)
        return rate / (1.0 + tf.cast(slope, dtype) * step) if slope > 0 else rate

    def _is_of_this_step(self, value: Any) -> bool:
        graph = None if tf.executing_eagerly() else getattr(value, "graph", None)
        return graph is None or graph is tf.compat.v1.get_default_graph()


def _dtype(model: Any) -> tf.DType:
    """The type of the first weight that trains; the weights of mixed precision are float32."""
    weights = model.trainable_weights
    return weights[0].dtype if weights else tf.float32
