"""Models that two optimizers train: one makes three updates in each batch, the other one in some.

Each has one weight, whose gradient is 1, so that plain SGD moves it by its learning rate.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tests.fits.framework import ON_TENSORFLOW, SETUP, OneWeight, api, batches, numpy_of

CRITIC_UPDATES: Final = 3
EVERY: Final = 2
"""The generator is updated in every second batch."""

elsewhere: dict[str, Any] = {}
"""Optimizers that neither the model nor a callback holds."""


class Adversarial(api.Model):
    """As GANs are written: `compile` takes two optimizers, and gives Keras none of them.

    Args:
        held: Where the optimizers are: in attributes of the ``model``, in a ``dict`` of it, or ``elsewhere``.
    """

    def __init__(self, held: str = "model") -> None:
        super().__init__()
        self.held = held
        self.critic, self.generator = OneWeight(), OneWeight()
        self.loss_tracker = api.metrics.Mean(name="loss")

    def compile(self, critic_optimizer: Any, generator_optimizer: Any, **arguments: Any) -> None:
        if SETUP == "jax":
            arguments["optimizer"] = Both(critic_optimizer, generator_optimizer)
        super().compile(**arguments)
        if self.held == "model":
            self.critic_optimizer, self.generator_optimizer = critic_optimizer, generator_optimizer
        elif self.held == "dict":
            self.optimizers_by_name = {"critic": critic_optimizer, "generator": generator_optimizer}
        else:
            elsewhere.update(critic=critic_optimizer, generator=generator_optimizer)

    @property
    def own_optimizers(self) -> tuple[Any, Any]:
        if self.held == "model":
            return self.critic_optimizer, self.generator_optimizer
        held = self.optimizers_by_name if self.held == "dict" else elsewhere
        return held["critic"], held["generator"]

    @property
    def metrics(self) -> Any:
        return [self.loss_tracker]

    def call(self, inputs: Any) -> Any:
        return self.critic(inputs) + self.generator(inputs)

    if ON_TENSORFLOW:

        def train_step(self, data: Any) -> Any:
            import tensorflow as tf

            critic, generator = self.own_optimizers
            one = tf.ones(())
            for _ in range(CRITIC_UPDATES):
                critic.apply_gradients([(one, self.critic.trainable_weights[0])])

            def update_generator() -> Any:
                generator.apply_gradients([(one, self.generator.trainable_weights[0])])
                return tf.constant(0)

            tf.cond(
                tf.equal(critic.iterations // CRITIC_UPDATES % EVERY, 0),
                update_generator,
                lambda: tf.constant(0),
            )
            self.loss_tracker.update_state(one)
            return {"loss": self.loss_tracker.result()}

    elif SETUP == "torch":

        def train_step(self, data: Any) -> Any:
            import torch

            critic, generator = self.own_optimizers
            with torch.no_grad():
                for _ in range(CRITIC_UPDATES):
                    critic.apply([torch.ones(())], self.critic.trainable_weights)
                if int(numpy_of(critic.iterations)) // CRITIC_UPDATES % EVERY == 0:
                    generator.apply([torch.ones(())], self.generator.trainable_weights)
                self.loss_tracker.update_state(torch.ones(()))
            return {"loss": self.loss_tracker.result()}

    else:

        def train_step(self, state: Any, data: Any) -> Any:  # type: ignore[misc]
            import jax

            critic, generator = self.own_optimizers
            (critic_weight, generator_weight), others, optimizer_state, metrics_state = state
            own, rest = optimizer_state[:2], optimizer_state[2:]
            critic_state, generator_state = rest[: len(critic.variables)], rest[len(critic.variables) :]
            one = jax.numpy.ones(())
            for _ in range(CRITIC_UPDATES):
                (critic_weight,), critic_state = critic.stateless_apply(critic_state, [one], [critic_weight])
            due = critic_state[0] // CRITIC_UPDATES % EVERY == 0
            (generator_weight,), generator_state = jax.lax.cond(
                due,
                lambda: generator.stateless_apply(generator_state, [one], [generator_weight]),
                lambda: ([generator_weight], generator_state),
            )
            pairs = list(zip(self.metrics_variables, metrics_state, strict=True))
            with api.StatelessScope(state_mapping=pairs) as scope:
                self.loss_tracker.update_state(one)
                logs = {"loss": self.loss_tracker.result()}
                metrics_state = [scope.get_current_value(variable) for variable, _ in pairs]
            optimizer_state = [*own, *critic_state, *generator_state]
            return logs, ([critic_weight, generator_weight], others, optimizer_state, metrics_state)


if SETUP == "jax":

    class Both(api.optimizers.Optimizer):
        """Carries the variables of two optimizers through the state of a step; makes no update itself."""

        def __init__(self, critic: Any, generator: Any) -> None:
            super().__init__(learning_rate=0.5, name="both")
            self._pair = (critic, generator)

        @property
        def variables(self) -> Any:
            critic, generator = self._pair
            return [*super().variables[:2], *critic.variables, *generator.variables]

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            raise AssertionError("it makes no update")

        def get_config(self) -> dict[str, Any]:
            raise NotImplementedError


def adversarial(critic: Any, generator: Any, held: str, **arguments: Any) -> Any:
    """Returns a compiled model."""
    model = Adversarial(held)
    model(np.ones((1, 1), np.float32))
    critic.build(model.critic.trainable_weights)
    generator.build(model.generator.trainable_weights)
    model.compile(critic, generator, **arguments)
    return model


def fit(model: Any, count: int, callbacks: list[Any], **arguments: Any) -> None:
    """Trains for so many batches."""
    model.fit(**batches(count), callbacks=callbacks, **arguments)
