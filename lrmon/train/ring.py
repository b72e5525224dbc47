"""The ring: learning rate and loss of each step, taken where the step itself takes them.

A callback sees the learning rate before or after somebody else changed it, and the loss as a running mean;
a schedule that is evaluated outside is not always what the compiled step used. So the training step itself
writes a row into a ring of rows on its device, and the host reads many rows at once, when it suits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from lrmon import schema

if TYPE_CHECKING:
    from typing_extensions import Self

ITERATION, LEARNING_RATE, LOSS = range(3)
"""Columns of a row. The iteration is the optimizer's counter before the step's update."""

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
            self._rows = tf.Variable(tf.zeros((depth, 3), tf.float64), trainable=False, name="lrmon_rows")
            self._count = tf.Variable(0, dtype=tf.int64, trainable=False, name="lrmon_count")
        self.problem: str | None = None
        """Why rows are missing or incomplete, in words, if they are; known once the step has been traced."""
        self.loss_source = ""
        """Where the losses come from, in words; known once the step has been traced."""

    def count(self) -> int:
        """Returns how many steps have run; waits for the device."""
        return int(self._count.numpy())

    def rows(self, start: int, stop: int) -> npt.NDArray[np.float64]:
        """Returns [n, 3]: the rows of steps `start` to `stop`, less the first where they are overwritten."""
        held: npt.NDArray[np.float64] = self._rows.numpy()
        start = max(start, self.count() - self.depth)
        return held[np.arange(start, stop) % self.depth]

    def around(self, model: keras.Model, train_step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Returns `train_step` with the row of each step written into the ring."""

        def train_step_with_ring(data: Any) -> Any:
            optimizer = innermost(model.optimizer)
            iteration = self._read("iteration", lambda: _iterations(optimizer), np.nan)
            with (
                _Watch(optimizer, "_get_current_learning_rate") as rates,
                _Watch(getattr(model, "_loss_tracker", None), "update_state") as updates,
            ):
                logs = train_step(data)
            learning_rate = self._read(
                "learning rate", lambda: _learning_rate(optimizer, iteration, rates.results), np.nan
            )
            loss, self.loss_source = self._read(
                "loss", lambda: _loss(model, updates.arguments, logs), (np.nan, "none: it cannot be read")
            )
            self._read("row", lambda: self._write(iteration, learning_rate, loss), None)
            return logs

        train_step_with_ring.lrmon_original = train_step  # type: ignore[attr-defined]
        return train_step_with_ring

    def _read(self, what: str, read: Callable[[], _T], otherwise: _T) -> _T:
        """The step is the user's: it goes on, whatever happens to us in it."""
        try:
            return read()
        except Exception as error:  # noqa: BLE001 - see above
            self.problem = f"the {what} cannot be read in the training step ({type(error).__name__}: {error})"
            return otherwise

    def _write(self, iteration: Any, learning_rate: Any, loss: Any) -> None:
        row = tf.stack([tf.cast(value, tf.float64) for value in (iteration, learning_rate, loss)])
        written = self._rows.scatter_nd_update([[self._count % self.depth]], [row])
        # A reader in another thread that sees the count must see the row.
        with tf.control_dependencies([written] if tf.inside_function() else []):
            self._count.assign_add(1)


def installed(model: keras.Model) -> StepRing:
    """Returns the ring that the model's training step writes; puts one in where there is none.

    A step that was traced before is traced once more. The ring stays in the compiled step, so that a later
    fit does not trace it again.
    """
    depth = schema.ROWS_PER_RECORD + schema.ROWS_PER_RECORD * -(
        -2 * model.steps_per_execution // schema.ROWS_PER_RECORD
    )
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
    """Tells whether the rate is a function; compiled training calls it once, while tracing."""
    rate = getattr(optimizer, "_learning_rate", None)
    return callable(rate) and not isinstance(
        rate, (keras.Variable, keras.optimizers.schedules.LearningRateSchedule)
    )


def _iterations(optimizer: Any) -> Any:
    """The raw counter that the schedule sees; `iterations` counts updates where gradients are accumulated."""
    return tf.convert_to_tensor(getattr(optimizer, "_iterations", optimizer.iterations))


def _learning_rate(optimizer: Any, iteration: Any, got: list[Any]) -> Any:
    """The rate that the update of this iteration uses.

    A schedule is evaluated here once more, by the same compiler. To take the optimizer's own value instead
    would change the training: the compiler folds a schedule's last multiplication into what follows it, and
    does so no longer where somebody else wants the value between. (AdamW with CosineDecay: other last bits.)
    A function is never called; what the optimizer got from it is taken.
    """
    rate = getattr(optimizer, "_learning_rate", None)
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return rate(iteration)
    if isinstance(rate, keras.Variable):
        return tf.convert_to_tensor(rate)
    return next((tf.convert_to_tensor(value) for value in got if _is_of_this_step(value)), np.nan)


def _loss(model: keras.Model, updates: list[tuple[Any, ...]], logs: Any) -> tuple[Any, str]:
    """The batch's loss, and where it is from.

    Keras hands each batch's loss to the model's loss tracker; its logs have the mean since the epoch began.
    """
    if updates:
        loss, source = updates[-1][0], "each batch's own loss, read in the training step"
    elif isinstance(logs, dict) and "loss" in logs and all(metric.name != "loss" for metric in model.metrics):
        loss, source = logs["loss"], "what the model's own train_step returns as each batch's loss"
    else:
        return np.nan, "none: the model's own train_step neither tracks nor returns each batch's loss"
    if not _is_of_this_step(loss):
        return np.nan, "none: the model's own train_step computes its loss in a function within the step"
    if len(getattr(loss, "shape", ())):
        return np.nan, f"none: the model's own train_step has a loss of shape {tuple(loss.shape)}"
    return loss, source


def _is_of_this_step(value: Any) -> bool:
    """Tells whether the step can use a value: any number or variable, but no tensor of an inner function."""
    graph = None if tf.executing_eagerly() else getattr(value, "graph", None)
    return graph is None or graph is tf.compat.v1.get_default_graph()


class _Watch:
    """Sees the calls of one method of one object while the training step runs, and what they return."""

    def __init__(self, owner: Any, method: str) -> None:
        self._owner, self._method = owner, method
        self.arguments: list[tuple[Any, ...]] = []
        self.results: list[Any] = []

    def __enter__(self) -> Self:
        call = getattr(self._owner, self._method, None)
        if call is not None:

            def watched(*args: Any, **kwargs: Any) -> Any:
                result = call(*args, **kwargs)
                self.arguments.append(args)
                self.results.append(result)
                return result

            setattr(self._owner, self._method, watched)
        return self

    def __exit__(self, *_: object) -> None:
        if self._owner is not None:
            vars(self._owner).pop(self._method, None)
