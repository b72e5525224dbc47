"""Models that train with optimizers of their own beside, or instead of, the one that Keras knows.

Each backend has its own way to make an update in a training step; `SeveralOptimizers` knows them, so that a
style says only what it minimizes, with which optimizer, and when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.fits.framework import COMPILED, IS_TF_KERAS, MODES, ON_TENSORFLOW, SETUP, api, mean
from tests.styles.style import Trained, labels, vectors

layers = api.layers
PiecewiseConstantDecay = api.optimizers.schedules.PiecewiseConstantDecay

STEPS = 8
"""Of every training here, in two epochs."""


@dataclass(frozen=True)
class Truth:
    """What one optimizer did.

    Attributes:
        learning_rates: Of each step, the learning rate of its updates; anything where it made none.
        updates: Of each step, how many it made.
    """

    learning_rates: list[float]
    updates: list[int] = field(default_factory=lambda: [1] * STEPS)


@dataclass(frozen=True)
class TrainedBySeveral(Trained):
    """A training by several optimizers.

    Attributes:
        truth: By the name under which the record is to have it.
    """

    truth: dict[str, Truth] = field(default_factory=dict)


class SeveralOptimizers(api.Model):
    """Makes an update of some weights by any optimizer in its training step, on every backend."""

    def own(self, *optimizers_and_weights: tuple[Any, list[Any]]) -> None:
        """Builds optimizers for the weights that they train."""
        for optimizer, weights in optimizers_and_weights:
            optimizer.build(weights)
        if SETUP == "jax":
            # What is no variable of the model does not go through the compiled step.
            self.optimizer_columns_by_name = [
                variable for optimizer, _ in optimizers_and_weights for variable in optimizer.variables
            ]
        self.built = True

    def make_updates(self, data: Any) -> dict[str, Any]:
        """Makes the updates of a batch; returns what the step shows."""
        raise NotImplementedError

    def minimize(self, loss_of: Callable[[], Any], optimizer: Any, weights: list[Any]) -> Any:
        """Makes one update; returns the loss before it."""
        loss, gradients = self.differentiated(loss_of, weights)
        self.update(optimizer, gradients, weights)
        return loss

    if ON_TENSORFLOW:

        def train_step(self, data: Any) -> Any:
            return self.make_updates(data)

        def differentiated(self, loss_of: Callable[[], Any], weights: list[Any]) -> Any:
            import tensorflow as tf

            with tf.GradientTape() as tape:
                loss = loss_of()
            return loss, tape.gradient(loss, weights)

        def update(self, optimizer: Any, gradients: list[Any], weights: list[Any]) -> None:
            optimizer.apply_gradients(zip(gradients, weights, strict=True))

        def update_if(self, wanted: Any, optimizer: Any, gradients: list[Any], weights: list[Any]) -> None:
            import tensorflow as tf

            def made() -> Any:
                self.update(optimizer, gradients, weights)
                return 1

            tf.cond(wanted, made, lambda: 0)

        def gradient_of(self, function: Callable[[Any], Any], x: Any) -> Any:
            import tensorflow as tf

            with tf.GradientTape() as tape:
                tape.watch(x)
                y = function(x)
            return tape.gradient(y, x)

    elif SETUP == "torch":

        def train_step(self, data: Any) -> Any:
            return self.make_updates(data)

        def differentiated(self, loss_of: Callable[[], Any], weights: list[Any]) -> Any:
            import torch

            loss = loss_of()
            return loss.detach(), torch.autograd.grad(loss, [weight.value for weight in weights])

        def update(self, optimizer: Any, gradients: list[Any], weights: list[Any]) -> None:
            import torch

            with torch.no_grad():
                optimizer.apply(list(gradients), weights)

        def update_if(self, wanted: Any, optimizer: Any, gradients: list[Any], weights: list[Any]) -> None:
            if wanted:
                self.update(optimizer, gradients, weights)

        def gradient_of(self, function: Callable[[Any], Any], x: Any) -> Any:
            import torch

            x = x.detach().requires_grad_()
            return torch.autograd.grad(function(x).sum(), x, create_graph=True)[0]

    else:

        def train_step(self, state: Any, data: Any) -> Any:  # type: ignore[misc]
            trainable, others, optimizer_state, metrics_state = state
            pairs = [
                *zip(self.trainable_variables, trainable, strict=True),
                *zip(self.non_trainable_variables, others, strict=True),
                *zip(self.metrics_variables, metrics_state, strict=True),
            ]
            with api.StatelessScope(state_mapping=pairs) as self.scope:
                logs = self.make_updates(data)
            scope = self.scope
            trainable = [scope.get_current_value(variable) for variable in self.trainable_variables]
            others = [scope.get_current_value(variable) for variable in self.non_trainable_variables]
            metrics_state = [scope.get_current_value(variable) for variable in self.metrics_variables]
            return logs, (trainable, others, optimizer_state, metrics_state)

        def differentiated(self, loss_of: Callable[[], Any], weights: list[Any]) -> Any:
            import jax

            values = [self.scope.get_current_value(weight) for weight in weights]
            (loss, after), gradients = jax.value_and_grad(
                lambda values: self.within(weights, values, loss_of), has_aux=True
            )(values)
            for variable, value in zip(self.non_trainable_variables, after, strict=True):
                self.scope.add_update((variable, value))
            return loss, gradients

        def within(self, weights: list[Any], values: list[Any], function: Callable[[], Any]) -> Any:
            """Calls a function with other values of weights; returns its result and the state after it."""
            everything = [*self.trainable_variables, *self.non_trainable_variables]
            pairs = [(variable, self.scope.get_current_value(variable)) for variable in everything]
            with api.StatelessScope(state_mapping=[*pairs, *zip(weights, values, strict=True)]) as inner:
                result = function()
            return result, [inner.get_current_value(variable) for variable in self.non_trainable_variables]

        def update(self, optimizer: Any, gradients: list[Any], weights: list[Any]) -> None:
            variables = [*weights, *optimizer.variables]
            values = [self.scope.get_current_value(variable) for variable in variables]
            after = self._applied(optimizer, gradients, weights, values)
            for variable, value in zip(variables, after, strict=True):
                self.scope.add_update((variable, value))

        def update_if(self, wanted: Any, optimizer: Any, gradients: list[Any], weights: list[Any]) -> None:
            import jax

            variables = [*weights, *optimizer.variables]
            values = [self.scope.get_current_value(variable) for variable in variables]
            after = jax.lax.cond(
                wanted,
                lambda values: self._applied(optimizer, gradients, weights, values),
                lambda values: values,
                values,
            )
            for variable, value in zip(variables, after, strict=True):
                self.scope.add_update((variable, value))

        def _applied(
            self, optimizer: Any, gradients: list[Any], weights: list[Any], values: list[Any]
        ) -> list[Any]:
            count = len(weights)
            trained, optimizer_state = optimizer.stateless_apply(values[count:], gradients, values[:count])
            return [*trained, *optimizer_state]

        def gradient_of(self, function: Callable[[Any], Any], x: Any) -> Any:
            import jax

            return jax.grad(lambda x: function(x).sum())(x)


def network(inputs: int, outputs: int) -> Any:
    """Returns a network of two layers."""
    built = api.Sequential([layers.Dense(8, activation="tanh"), layers.Dense(outputs)])
    built.build((None, inputs))
    return built


def fitted(model: Any, callbacks: list[Any], data: Any = None) -> list[Any]:
    """Trains for `STEPS` steps; returns the histories."""
    x = vectors(STEPS * 4, 6) if data is None else data
    arguments = {"batch_size": 8, "epochs": 2, "verbose": 0, "shuffle": False, "callbacks": callbacks}
    if not isinstance(x, tuple):
        return [model.fit(x, **arguments).history]
    return [model.fit(*x, **arguments).history]


class Adversaries(SeveralOptimizers):
    """A generator and a discriminator, of which `compile` gets the two optimizers, and Keras none."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.discriminator = network(2, 6), network(6, 1)
        if not IS_TF_KERAS:
            self.seed_generator = api.random.SeedGenerator(3)
        self.g_loss_metric = api.metrics.Mean(name="g_loss")
        self.d_loss_metric = api.metrics.Mean(name="d_loss")

    def compile(self, d_optimizer: Any, g_optimizer: Any, loss_fn: Any = None) -> None:
        super().compile(**MODES[COMPILED])
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn
        self.own(
            (d_optimizer, self.discriminator.trainable_variables),
            (g_optimizer, self.generator.trainable_variables),
        )

    @property
    def metrics(self) -> list[Any]:
        return [self.d_loss_metric, self.g_loss_metric]

    def noise(self) -> Any:
        if IS_TF_KERAS:
            import tensorflow as tf

            return tf.random.normal((8, 2))
        return api.random.normal((8, 2), seed=self.seed_generator)

    def discriminate(self, real: Any) -> Any:
        """Returns the discriminator's loss."""
        made = self.discriminator(self.generator(self.noise()))
        # Labels with a little noise are usual; here they are only softened.
        ones = np.ones((8, 1), np.float32)
        return self.loss_fn(0.9 * ones, self.discriminator(real)) + self.loss_fn(0.1 * ones, made)

    def generate(self) -> Any:
        """Returns the generator's loss."""
        return self.loss_fn(np.ones((8, 1), np.float32), self.discriminator(self.generator(self.noise())))

    def make_updates(self, data: Any) -> dict[str, Any]:
        d_weights = self.discriminator.trainable_variables
        d_loss = self.minimize(lambda: self.discriminate(data), self.d_optimizer, d_weights)
        g_weights = self.generator.trainable_variables
        g_loss = self.minimize(self.generate, self.g_optimizer, g_weights)
        return self.shown(d_loss, g_loss)

    def shown(self, d_loss: Any, g_loss: Any) -> dict[str, Any]:
        """Returns what the step shows."""
        self.d_loss_metric.update_state(d_loss)
        self.g_loss_metric.update_state(g_loss)
        return {"d_loss": self.d_loss_metric.result(), "g_loss": self.g_loss_metric.result()}


def cross_entropy() -> Any:
    return api.losses.BinaryCrossentropy(from_logits=True)


def adversaries(callbacks: list[Any]) -> TrainedBySeveral:
    """Each once a batch, at learning rates of their own; Keras' own unused optimizer stands at 0.001."""
    model = Adversaries()
    d_optimizer = api.optimizers.Adam(0.0001)
    g_optimizer = api.optimizers.Adam(PiecewiseConstantDecay([4], [0.0003, 0.0002]))
    model.compile(d_optimizer=d_optimizer, g_optimizer=g_optimizer, loss_fn=cross_entropy())
    histories = fitted(model, callbacks)
    truth = {
        "d_optimizer": Truth([0.0001] * 8),
        # The boundary itself is still the first number's.
        "g_optimizer": Truth([0.0003] * 5 + [0.0002] * 3),
    }
    return TrainedBySeveral(model, None, 0, histories, [d_optimizer, g_optimizer], truth)


class Critics(Adversaries):
    """A critic that is updated three times a batch, with a penalty on the norm of its gradient."""

    def criticize(self, real: Any) -> Any:
        """Returns the critic's loss."""
        made = self.generator(self.noise())
        difference = mean(self.discriminator(made)) - mean(self.discriminator(real))
        gradient = self.gradient_of(self.discriminator, 0.5 * made + 0.5 * real)
        return difference + 10.0 * mean((mean(gradient**2) - 1.0) ** 2)

    def make_updates(self, data: Any) -> dict[str, Any]:
        for _ in range(3):
            d_loss = self.minimize(
                lambda: self.criticize(data), self.d_optimizer, self.discriminator.trainable_variables
            )
        g_loss = self.minimize(
            lambda: -mean(self.discriminator(self.generator(self.noise()))),
            self.g_optimizer,
            self.generator.trainable_variables,
        )
        return self.shown(d_loss, g_loss)


def critics(callbacks: list[Any]) -> TrainedBySeveral:
    """Three updates of the critic a batch, whose schedule counts each."""
    model = Critics()
    # It falls between two batches: the fourth batch makes updates 9, 10 and 11.
    d_optimizer = api.optimizers.Adam(PiecewiseConstantDecay([8], [0.0002, 0.0001]), beta_1=0.5, beta_2=0.9)
    g_optimizer = api.optimizers.Adam(0.0004, beta_1=0.5, beta_2=0.9)
    model.compile(d_optimizer=d_optimizer, g_optimizer=g_optimizer)
    histories = fitted(model, callbacks)
    truth = {
        "d_optimizer": Truth([0.0002] * 3 + [0.0001] * 5, [3] * 8),
        "g_optimizer": Truth([0.0004] * 8),
    }
    return TrainedBySeveral(model, None, 0, histories, [d_optimizer, g_optimizer], truth)


class Alternating(Adversaries):
    """Updates the generator in every third batch only."""

    def __init__(self) -> None:
        super().__init__()
        if SETUP != "torch":
            named = {"trainable": False, "name": "batches", "initializer": "zeros", "shape": ()}
            self.batches = self.add_weight(**named, dtype="int32")
        else:
            self.batches = 0

    def make_updates(self, data: Any) -> dict[str, Any]:
        d_weights, g_weights = self.discriminator.trainable_variables, self.generator.trainable_variables
        d_loss = self.minimize(lambda: self.discriminate(data), self.d_optimizer, d_weights)
        g_loss, gradients = self.differentiated(self.generate, g_weights)
        now = self.batches if SETUP == "torch" else self.batches + 0
        self.update_if(now % 3 == 2, self.g_optimizer, gradients, g_weights)
        if SETUP == "torch":
            self.batches += 1
        else:
            self.batches.assign(now + 1)
        return self.shown(d_loss, g_loss)


def alternating(callbacks: list[Any]) -> TrainedBySeveral:
    model = Alternating()
    d_optimizer = api.optimizers.SGD(0.03)
    g_optimizer = api.optimizers.Adam(PiecewiseConstantDecay([0], [0.0003, 0.0002]))
    model.compile(d_optimizer=d_optimizer, g_optimizer=g_optimizer, loss_fn=cross_entropy())
    histories = fitted(model, callbacks)
    truth = {
        "d_optimizer": Truth([0.03] * 8),
        "g_optimizer": Truth([0.0003] * 3 + [0.0002] * 5, [0, 0, 1, 0, 0, 1, 0, 0]),
    }
    return TrainedBySeveral(model, None, 0, histories, [d_optimizer, g_optimizer], truth)


class ContrastiveWithProbe(SeveralOptimizers):
    """Learns from two noisy views, and beside it a probe that tells how good the features are."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.probe = network(6, 4), network(4, 3)

    def compile(self, contrastive_optimizer: Any, probe_optimizer: Any) -> None:
        super().compile(**MODES[COMPILED])
        self.contrastive_optimizer, self.probe_optimizer = contrastive_optimizer, probe_optimizer
        self.probe_loss = api.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.own(
            (contrastive_optimizer, self.encoder.trainable_weights),
            (probe_optimizer, self.probe.trainable_weights),
        )

    def make_updates(self, data: Any) -> dict[str, Any]:
        x, y = data
        loss = self.minimize(
            lambda: mean((self.encoder(x) - self.encoder(0.9 * x)) ** 2),
            self.contrastive_optimizer,
            self.encoder.trainable_weights,
        )
        probe_loss = self.minimize(
            lambda: self.probe_loss(y, self.probe(self.encoder(x))),
            self.probe_optimizer,
            self.probe.trainable_weights,
        )
        return {"loss": loss, "p_loss": probe_loss}


def contrastive_with_probe(callbacks: list[Any]) -> TrainedBySeveral:
    """Both optimizers have the same name of their own; the model's attributes tell them apart."""
    model = ContrastiveWithProbe()
    optimizers = [api.optimizers.Adam(0.002), api.optimizers.Adam(0.0005)]
    model.compile(contrastive_optimizer=optimizers[0], probe_optimizer=optimizers[1])
    histories = fitted(model, callbacks, (vectors(32, 6), labels(32, 3)))
    truth = {
        "contrastive_optimizer": Truth([0.002] * 8),
        "probe_optimizer": Truth([0.0005] * 8),
    }
    return TrainedBySeveral(model, None, 0, histories, optimizers, truth)


class TrainsBy(SeveralOptimizers):
    """Trains one network with whatever optimizer a function gives, at the time of the update."""

    def __init__(self, optimizer_of: Callable[[], Any]) -> None:
        super().__init__()
        self.network = network(6, 6)
        # A function, so that the model has no attribute that is the optimizer.
        self.optimizer_of = optimizer_of
        self.own((optimizer_of(), self.network.trainable_variables))

    def make_updates(self, data: Any) -> dict[str, Any]:
        weights = self.network.trainable_variables
        loss_of = lambda: mean((self.network(data) - data) ** 2)  # noqa: E731
        return {"loss": self.minimize(loss_of, self.optimizer_of(), weights)}


class HasOptimizer(api.callbacks.Callback):
    """A callback that brings the optimizer of a training along."""

    def __init__(self, optimizer: Any) -> None:
        super().__init__()
        self.own_optimizer = optimizer


def held_by_a_callback(callbacks: list[Any]) -> TrainedBySeveral:
    holder = HasOptimizer(api.optimizers.SGD(0.07, momentum=0.9, name="mine"))
    model = TrainsBy(lambda: holder.own_optimizer)
    model.compile(**MODES[COMPILED])
    histories = fitted(model, [*callbacks, holder])
    truth = {"own_optimizer": Truth([0.07] * 8)}
    return TrainedBySeveral(model, None, 0, histories, [holder.own_optimizer], truth)


def made_elsewhere(callbacks: list[Any]) -> TrainedBySeveral:
    optimizer = api.optimizers.Adam(PiecewiseConstantDecay([2], [0.0007, 0.0001]), name="elsewhere")
    model = TrainsBy(lambda: optimizer)
    model.compile(**MODES[COMPILED])
    histories = fitted(model, callbacks)
    truth = {"elsewhere": Truth([0.0007] * 3 + [0.0001] * 5)}
    return TrainedBySeveral(model, None, 0, histories, [optimizer], truth)


class ByHand(SeveralOptimizers):
    """Moves its weights itself; the optimizer that Keras made for it does nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.network = network(6, 6)
        self.own()

    def make_updates(self, data: Any) -> dict[str, Any]:
        weights = self.network.trainable_variables
        loss, gradients = self.differentiated(lambda: mean((self.network(data) - data) ** 2), weights)
        with no_gradient():
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.assign(weight - 0.05 * gradient)
        return {"loss": loss}


@contextmanager
def no_gradient() -> Iterator[None]:
    """Has PyTorch follow no computation inside; the other backends follow none of themselves."""
    if SETUP != "torch":
        yield
        return
    import torch

    with torch.no_grad():
        yield


def by_hand(callbacks: list[Any]) -> TrainedBySeveral:
    model = ByHand()
    model.compile(**MODES[COMPILED])
    return TrainedBySeveral(model, None, histories=fitted(model, callbacks))
