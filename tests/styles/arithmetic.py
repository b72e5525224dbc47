"""Updates that are not made of one batch in float32: accumulation, mixed precision, averages, clipping."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tests.fits.framework import COMPILED, MODES, api
from tests.styles.learning_rates import dense_model
from tests.styles.style import Trained, labels, vectors

PiecewiseConstantDecay = api.optimizers.schedules.PiecewiseConstantDecay


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Makes models of another precision inside."""
    before = api.mixed_precision.dtype_policy()
    api.mixed_precision.set_dtype_policy(policy)
    try:
        yield
    finally:
        api.mixed_precision.set_dtype_policy(before)


def falling() -> Any:
    """Returns a schedule of numbers that float32 rounds."""
    return PiecewiseConstantDecay([2, 6], [0.01, 0.003, 0.0007])


FALLING = [0.01] * 3 + [0.003] * 4 + [0.0007] * 3
"""What `falling` gives in 10 steps."""


def fitted(model: Any, optimizer: Any, callbacks: list[Any]) -> Trained:
    """Trains for 10 steps, in which the learning rate is that of `falling`."""
    loss = api.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"], **MODES[COMPILED])
    arguments = {"batch_size": 8, "epochs": 2, "verbose": 0, "callbacks": callbacks}
    history = model.fit(vectors(40, 6), labels(40, 3), **arguments)
    return Trained(model, FALLING, histories=[history.history])


def gradient_accumulation(callbacks: list[Any]) -> Trained:
    """Each batch moves the schedule on, and every third one the weights."""
    optimizer = api.optimizers.AdamW(falling(), gradient_accumulation_steps=3)
    return fitted(dense_model(), optimizer, callbacks)


def half_precision(callbacks: list[Any]) -> Trained:
    """float16, for which Keras scales the loss."""
    with precision("mixed_float16"):
        return fitted(dense_model(), api.optimizers.Adam(falling()), callbacks)


def brain_precision(callbacks: list[Any]) -> Trained:
    with precision("mixed_bfloat16"):
        return fitted(dense_model(), api.optimizers.Adam(falling()), callbacks)


def averaged_weights(callbacks: list[Any]) -> Trained:
    """Validates with the moving average of the weights."""
    optimizer = api.optimizers.SGD(falling(), use_ema=True, ema_momentum=0.9)
    return fitted(dense_model(), optimizer, [*callbacks, api.callbacks.SwapEMAWeights(swap_on_epoch=True)])


class ClippedByUnit(api.optimizers.SGD):
    """Clips each gradient by the norm of its weight, before SGD's own update."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        ops = api.ops
        most = 0.02 * ops.maximum(ops.norm(variable), 0.001)
        norm = ops.maximum(ops.norm(gradient), 1e-6)
        super().update_step(
            ops.where(norm > most, gradient * (most / norm), gradient), variable, learning_rate
        )


def clipped(callbacks: list[Any]) -> Trained:
    return fitted(dense_model(), ClippedByUnit(falling(), momentum=0.9, clipnorm=1.0), callbacks)


def several_outputs(callbacks: list[Any]) -> Trained:
    """Two losses, two weights, a metric each, and a penalty that a layer adds."""
    layers = api.layers
    inputs = api.Input((6,))
    hidden = layers.Dense(8, activation="relu", kernel_regularizer=api.regularizers.L2(0.01))(inputs)
    hidden = layers.ActivityRegularization(l2=0.01)(hidden)
    kind, size = layers.Dense(3, name="kind")(hidden), layers.Dense(1, name="size")(hidden)
    model = api.Model(inputs, {"kind": kind, "size": size})
    model.compile(
        api.optimizers.RMSprop(falling()),
        {"kind": api.losses.SparseCategoricalCrossentropy(from_logits=True), "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.2},
        metrics={"kind": "accuracy", "size": "mae"},
        **MODES[COMPILED],
    )
    targets = {"kind": labels(40, 3), "size": np.ones((40, 1), np.float32)}
    arguments = {"batch_size": 8, "epochs": 2, "verbose": 0, "callbacks": callbacks}
    history = model.fit(vectors(40, 6), targets, **arguments)
    return Trained(model, FALLING, histories=[history.history])
