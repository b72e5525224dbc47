"""The ring: learning rate and loss of each step, taken where the step itself takes them.

A callback sees the learning rate before or after somebody else changed it, and the loss as a running mean;
a schedule that is evaluated outside is not always what the compiled step used. So the training step itself
writes a row into a ring of rows on its device, and the host reads many rows at once, when it suits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from lrmon import schema

_SEQUENCE, ITERATION, LEARNING_RATE, LOSS, SAMPLES = range(5)
"""Columns of a row. SAMPLES is the batch's number of samples, NaN where the step does not tell."""

_MARK: Final = "lrmon_ring"
_T = TypeVar("_T")


class StepRing:
    """Rows of the latest steps of one model.

    Args:
        depth: Rows kept. More than are ever unread, with room for the steps that run during a read.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        with tf.init_scope():
            # float64 holds float32 rates and losses and every count below 2^53 exactly.
            self._rows = tf.Variable(tf.zeros((depth, 5), tf.float64), trainable=False, name="lrmon_rows")
            self._count = tf.Variable(0, dtype=tf.int64, trainable=False, name="lrmon_count")
        self.problem: str | None = None
        """Why rows are missing or incomplete, in words, if they are; known once the step has been traced."""
        self.loss_source = ""
        """Where the losses come from, in words; known once the step has been traced."""

    def count(self) -> int:
        """Returns how many steps have run; waits for the device."""
        return int(self._count.numpy())

    def rows(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        """Returns [n, 5]: the rows of steps `start` to `stop`, as many as are still there.

        The oldest are gone where more than `depth` steps ran since.
        """
        held = self._rows.numpy()
        sequence = np.arange(max(start, stop - self.depth), stop)
        rows = held[sequence % self.depth]
        return rows[rows[:, _SEQUENCE] == sequence]

    def around(self, model: keras.Model, train_step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Returns `train_step` with the row of each step written into the ring."""

        def train_step_with_ring(data: Any) -> Any:
            before = self._read("learning rate", lambda: _before_update(model.optimizer), (np.nan, np.nan))
            with _LossWatch(model) as watch:
                logs = train_step(data)
            loss, samples, self.loss_source = self._read(
                "loss", lambda: watch.loss(logs), (np.nan, np.nan, "none: the training step does not show it")
            )
            self._read("row", lambda: self._write(*before, loss, samples), None)
            return logs

        train_step_with_ring.lrmon_original = train_step  # type: ignore[attr-defined]
        return train_step_with_ring

    def _read(self, what: str, read: Callable[[], _T], otherwise: _T) -> _T:
        """The step is the user's: it goes on, whatever happens to us in it."""
        try:
            return read()
        except Exception as error:
            self.problem = f"the {what} cannot be read in the training step ({type(error).__name__}: {error})"
            return otherwise

    def _write(self, iteration: Any, learning_rate: Any, loss: Any, samples: Any) -> None:
        sequence = self._count.read_value()
        row = tf.stack([tf.cast(value, tf.float64) for value in (sequence, iteration, learning_rate, loss, samples)])
        written = self._rows.scatter_nd_update([[sequence % self.depth]], [row])
        # A reader in another thread that sees the count must see the row.
        with tf.control_dependencies([written] if tf.inside_function() else []):
            self._count.assign_add(1)


def installed(model: keras.Model) -> StepRing:
    """Returns the ring that the model's training step writes; puts one in where there is none.

    A step that was traced before is traced once more. The ring stays in the compiled step, so that a later
    fit does not trace it again.
    """
    depth = schema.ROWS_PER_RECORD + schema.ROWS_PER_RECORD * -(-2 * model.steps_per_execution // schema.ROWS_PER_RECORD)
    ring = getattr(model.train_function, _MARK, None)
    if isinstance(ring, StepRing) and ring.depth >= depth:
        return ring
    ring = StepRing(depth)
    train_step = getattr(model.train_step, "lrmon_original", model.train_step)
    model.train_step = ring.around(model, train_step)
    model.make_train_function(force=True)
    setattr(model.train_function, _MARK, ring)
    return ring


def uninstall(model: keras.Model) -> None:
    """Gives the model its own `train_step` back; what is compiled keeps the ring."""
    if hasattr(model.train_step, "lrmon_original") and "train_step" in vars(model):
        del model.train_step


def innermost(optimizer: Any) -> Any:
    """Returns the optimizer that makes the update, out of a LossScaleOptimizer."""
    while hasattr(optimizer, "inner_optimizer"):
        optimizer = optimizer.inner_optimizer
    return optimizer


def learning_rate_is_callable(optimizer: Any) -> bool:
    """Tells whether the rate is a function that Keras calls: once, while tracing, in compiled training."""
    rate = getattr(optimizer, "_learning_rate", None)
    return callable(rate) and not isinstance(
        rate, (keras.Variable, keras.optimizers.schedules.LearningRateSchedule)
    )


def _before_update(optimizer: Any) -> tuple[Any, Any]:
    """Iterations and learning rate that the step's update is about to use."""
    optimizer = innermost(optimizer)
    if optimizer is None:
        return np.nan, np.nan
    iteration = tf.convert_to_tensor(optimizer.iterations)
    if learning_rate_is_callable(optimizer) or not hasattr(optimizer, "learning_rate"):
        return iteration, np.nan
    return iteration, tf.convert_to_tensor(optimizer.learning_rate)


class _LossWatch:
    """Sees the batch's loss go by while the model's training step runs.

    Keras hands each batch's loss and number of samples to the model's loss tracker; its logs have only the
    mean since the epoch began.
    """

    def __init__(self, model: keras.Model) -> None:
        self._tracker = getattr(model, "_loss_tracker", None)
        self._has_loss_metric = any(metric.name == "loss" for metric in model.metrics)
        self._seen: tuple[Any, Any] | None = None

    def __enter__(self) -> _LossWatch:
        if self._tracker is not None:
            update_state = self._tracker.update_state

            def watched(values: Any, sample_weight: Any = None) -> Any:
                self._seen = (values, sample_weight)
                return update_state(values, sample_weight=sample_weight)

            self._tracker.update_state = watched
        return self

    def __exit__(self, *_: object) -> None:
        if self._tracker is not None:
            del self._tracker.update_state

    def loss(self, logs: Any) -> tuple[Any, Any, str]:
        """Returns loss and number of samples, NaN for what the step does not tell, and where the loss is from."""
        value, samples, source = np.nan, np.nan, "none: the training step neither tracks nor returns its loss"
        if self._seen is not None:
            value, samples = self._seen
            samples = np.nan if samples is None else samples
            source = "each batch's own loss, read in the training step"
        elif not self._has_loss_metric and isinstance(logs, dict) and "loss" in logs:
            value, source = logs["loss"], "the loss that the model's own train_step returns for each batch"
        if tf.inside_function() and getattr(value, "graph", None) not in (None, tf.compat.v1.get_default_graph()):
            return np.nan, np.nan, "none: the model's own train_step computes its loss in a function within the step"
        if len(getattr(value, "shape", ())):
            return np.nan, samples, f"none: the training step returns a loss of shape {value.shape}"
        return value, samples, source
