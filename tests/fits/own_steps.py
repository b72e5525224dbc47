"""Models with a training step of their own, as each backend has it written: the mean squared error."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tests.fits.framework import ON_TENSORFLOW, SETUP, api, mean

WEIGHT: Final = 7.0
"""Of each batch in the mean that `OwnStepWithKerasTracker` keeps; Keras takes the batch's samples."""


def squared_error(expected: Any, actual: Any) -> Any:
    return mean((actual - expected) ** 2)


class OwnStep(api.Sequential):
    """Returns each batch's loss, and keeps no mean of it."""

    if ON_TENSORFLOW:

        def train_step(self, data: Any) -> Any:
            import tensorflow as tf

            x, y = data
            with tf.GradientTape() as tape:
                loss = squared_error(y, self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return self.shown(loss)

    elif SETUP == "torch":

        def train_step(self, data: Any) -> Any:
            import torch

            x, y = data
            self.zero_grad()
            loss = squared_error(y, self(x, training=True))
            loss.backward()
            trainable = list(self.trainable_weights)
            with torch.no_grad():
                self.optimizer.apply([weight.value.grad for weight in trainable], trainable)
            return self.shown(loss)

    else:

        def train_step(self, state: Any, data: Any) -> Any:  # type: ignore[misc]
            import jax

            trainable, others, optimizer_state, metrics_state = state
            x, y = data

            def loss_of(trainable: Any) -> Any:
                output, after = self.stateless_call(trainable, others, x, training=True)
                return squared_error(y, output), after

            (loss, others), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
            trainable, optimizer_state = self.optimizer.stateless_apply(optimizer_state, gradients, trainable)
            logs, metrics_state = self.shown_in(metrics_state, loss)
            return logs, (trainable, others, optimizer_state, metrics_state)

        def shown_in(self, metrics_state: Any, loss: Any) -> Any:
            """What the step returns, and the metrics' variables after it."""
            pairs = list(zip(self.metrics_variables, metrics_state, strict=True))
            with api.StatelessScope(state_mapping=pairs) as scope:
                logs = self.shown(loss)
            return logs, [scope.get_current_value(variable) for variable, _ in pairs]

    def shown(self, loss: Any) -> Any:
        """What the step returns of its loss."""
        return {"loss": loss}


class OwnStepWithKerasTracker(OwnStep):
    """Hands each batch's loss to the tracker that Keras made for it."""

    def shown(self, loss: Any) -> Any:
        self.keras_tracker.update_state(loss, sample_weight=WEIGHT)
        return {"loss": self.keras_tracker.result()}

    @property
    def keras_tracker(self) -> Any:
        if SETUP == "tf_keras":
            return getattr(getattr(self, "compiled_loss", None), "_total_loss_mean", None)
        return getattr(self, "_loss_tracker", None)

    @property
    def metrics(self) -> Any:
        return [] if self.keras_tracker is None else [self.keras_tracker]


class OwnStepWithTracker(OwnStep):
    """Keeps a mean of its own, as Keras' guides have it."""

    def __init__(self, layers: Any) -> None:
        super().__init__(layers)
        self.own_tracker = api.metrics.Mean(name="loss")

    def shown(self, loss: Any) -> Any:
        self.own_tracker.update_state(loss)
        return {"loss": self.own_tracker.result()}

    @property
    def metrics(self) -> Any:
        return [self.own_tracker]


class OwnStepWithNamedTracker(OwnStep):
    """Keeps means of another name and shows one as its loss, as Keras' variational autoencoder does."""

    kind: str = "Mean"

    def __init__(self, layers: Any) -> None:
        super().__init__(layers)
        self.part_tracker = api.metrics.Mean(name="part_loss")
        self.total_tracker = getattr(api.metrics, self.kind)(name="total_loss")

    def shown(self, loss: Any) -> Any:
        self.total_tracker.update_state(loss)
        self.part_tracker.update_state(loss / 4)
        return {"loss": self.total_tracker.result(), "part_loss": self.part_tracker.result()}

    @property
    def metrics(self) -> Any:
        return [self.total_tracker, self.part_tracker]


class OwnStepWithNamedSum(OwnStepWithNamedTracker):
    """The same with a sum."""

    kind = "Sum"


class OwnStepThatReckonsWithItsTracker(OwnStepWithNamedTracker):
    """The same, which shows what it makes of its mean, and has Keras name its metrics."""

    def shown(self, loss: Any) -> Any:
        return {**(logs := super().shown(loss)), "loss": 1 * logs["loss"]}

    @property
    def metrics(self) -> Any:
        return super(OwnStepWithNamedTracker, self).metrics


class OwnStepWithMetrics(OwnStepWithNamedTracker):
    """Returns each batch's loss, and beside it the results of metrics, reckoned with or not."""

    def __init__(self, layers: Any) -> None:
        super().__init__(layers)
        self.mae = api.metrics.MeanAbsoluteError(name="mae")

    def shown(self, loss: Any) -> Any:
        ones = np.ones((2, 1), np.float32) if SETUP == "tf_keras" else api.ops.ones((2, 1))
        self.mae.update_state(ones, loss * ones)
        self.total_tracker.update_state(loss)
        return {"loss": loss, "mae": self.mae.result(), "mean": 1 * self.total_tracker.result()}

    @property
    def metrics(self) -> Any:
        return [self.total_tracker, self.part_tracker, self.mae]


class SilentStep(OwnStep):
    """Shows nothing of its loss."""

    def shown(self, loss: Any) -> Any:
        return {"steps": loss * 0 + 1}


class OwnFunction(OwnStepWithKerasTracker):
    """Makes its train function itself, which calls a step of another name."""

    if SETUP == "jax":

        def make_train_function(self, force: bool = False) -> Any:
            import jax

            compiled = jax.jit(self.own_step)

            def train_function(*state_and_iterator: Any) -> Any:
                state, iterator = state_and_iterator
                return compiled(state, next(iterator))

            self.train_function = train_function
            return self.train_function

    elif SETUP == "torch":

        def make_train_function(self, force: bool = False) -> Any:
            def train_function(*data: Any) -> Any:
                return self.own_step(data[0][0])

            self.train_function = train_function
            return self.train_function

    else:

        def make_train_function(self, force: bool = False) -> Any:
            import tensorflow as tf

            self.train_function = tf.function(lambda iterator: self.own_step(next(iterator)), autograph=False)
            return self.train_function

    def own_step(self, *arguments: Any) -> Any:
        return OwnStep.train_step(self, *arguments)

    def train_step(self, *arguments: Any) -> Any:
        raise AssertionError("nobody calls it")


class OwnFunctionThatReturns(OwnFunction):
    """The same, which returns each batch's loss and keeps no mean of it."""

    def shown(self, loss: Any) -> Any:
        return OwnStep.shown(self, loss)


class SilentFunction(OwnFunction):
    """The same, which shows nothing of its loss."""

    def shown(self, loss: Any) -> Any:
        return {"steps": loss * 0 + 1}
