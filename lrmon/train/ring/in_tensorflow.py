"""The ring in a training step of TensorFlow: of Keras 3, or of tf_keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from lrmon.train.optimizers import (
    Part,
    counter,
    decay,
    parts,
    rate_function,
    rate_variable,
    schedule_of,
)
from lrmon.train.ring.base import StepRing, StepRows
from lrmon.train.ring.watch import Watch

_ITERATION, _ITERATION_AFTER, _LOSS, _RATES = range(4)


class TensorFlowRing(StepRing):
    """Rows in a variable, written by a scatter within the compiled step."""

    def __init__(self, model: Any, depth: int) -> None:
        super().__init__(model, depth)
        self._rows: tf.Variable | None = None
        with tf.init_scope():
            self._count = tf.Variable(0, dtype=tf.int64, trainable=False, name="lrmon_count")

    def count(self) -> int:
        return int(self._count.numpy())

    def rows(self, start: int, stop: int) -> StepRows:
        held = np.zeros((self.depth, _RATES)) if self._rows is None else self._rows.numpy()
        start = max(start, self.count() - self.depth)
        rows = held[np.arange(start, stop) % self.depth]
        return StepRows(
            iteration=rows[:, _ITERATION],
            applied=rows[:, _ITERATION_AFTER] > rows[:, _ITERATION],
            learning_rate=rows[:, _RATES:],
            loss=rows[:, _LOSS],
        )

    def around(self, train_step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def train_step_with_ring(data: Any) -> Any:
            before = self._iterations()
            with ExitStack() as watches:
                updates = watches.enter_context(Watch(self._tracker(), "update_state"))
                rates = {
                    id(part.optimizer): watches.enter_context(
                        Watch(part.optimizer, "_get_current_learning_rate")
                    )
                    for part in parts(self.model.optimizer)
                    if rate_function(part.optimizer) is not None
                }
                logs = train_step(data)
            got = {key: watch.results for key, watch in rates.items()}
            self._read("row", lambda: self._write(self._row(before, got, updates.arguments, logs)), None)
            return logs

        return train_step_with_ring

    def _row(
        self,
        before: dict[int, Any],
        got: dict[int, list[Any]],
        updates: Sequence[tuple[Any, ...]],
        logs: Any,
    ) -> list[Any]:
        """The values of the step that has just been made.

        Args:
            before: By optimizer, its counter before the step; one that the step itself has built began at 0.
            got: By optimizer, what it got from a user's function.
            updates: Arguments of the loss tracker's updates.
            logs: What the training step returned.
        """
        found, after = parts(self.model.optimizer), self._iterations()
        self.names = [part.name for part in found]
        keys = [id(part.optimizer) for part in found]
        row = [np.nan, np.nan, self._read("loss", partial(self._loss, updates, logs), np.nan)]
        for part, key in zip(found, keys, strict=True):
            iteration = before.get(key, tf.zeros_like(after[key]))
            read = partial(self._learning_rate, part, iteration, got.get(key, ()))
            row.append(self._read("learning rate", read, np.nan))
        if found:
            row[_ITERATION], row[_ITERATION_AFTER] = before.get(keys[0], 0), after[keys[0]]
        return row if found else [*row, np.nan]

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

    def _write(self, values: Sequence[Any]) -> None:
        row = tf.stack([tf.cast(value, tf.float64) for value in values])
        if self._rows is None:
            with tf.init_scope():
                # float64 holds float32 rates and losses and every count below 2^53 exactly.
                zeros = tf.zeros((self.depth, len(values)), tf.float64)
                self._rows = tf.Variable(zeros, trainable=False, name="lrmon_rows")
        written = self._rows.scatter_nd_update([[self._count % self.depth]], [row])
        # A reader in another thread that sees the count must see the row.
        with tf.control_dependencies([written] if tf.inside_function() else []):
            self._count.assign_add(1)

    def _learning_rate(self, part: Part, iteration: Any, got: Sequence[Any]) -> Any:
        """The rate that the update of this iteration uses.

        A schedule is evaluated here once more, by the same compiler. To take the optimizer's own value
        instead would change the training: the compiler folds a schedule's last multiplication into what
        follows it, and does so no longer where somebody else wants the value between. (AdamW with
        CosineDecay: other last bits.) A function is never called; what the optimizer got from it is taken.
        """
        optimizer = part.optimizer
        schedule, variable = schedule_of(optimizer), rate_variable(optimizer)
        if schedule is not None:
            rate = schedule(iteration)
        elif variable is not None:
            rate = tf.convert_to_tensor(variable)
        else:
            return next(
                (tf.convert_to_tensor(value) for value in got if self._is_of_this_step(value)), np.nan
            )
        slope = decay(optimizer)
        if slope:
            rate = tf.cast(rate, tf.float32) / (
                1.0 + tf.cast(slope, tf.float32) * tf.cast(iteration, tf.float32)
            )
        return rate

    def _is_of_this_step(self, value: Any) -> bool:
        graph = None if tf.executing_eagerly() else getattr(value, "graph", None)
        return graph is None or graph is tf.compat.v1.get_default_graph()
