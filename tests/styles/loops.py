"""Training loops without `fit`, as each backend has them written; the loop itself feeds a Recorder."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.fits.framework import SETUP, Floats, api, number_of, numpy_of
from tests.styles.learning_rates import dense_model
from tests.styles.style import Trained, labels, vectors

PEAK, EPOCHS, BATCHES, SIZE = 0.05, 2, 5, 8

LEARNING_RATES = [PEAK * (1 - step / (EPOCHS * BATCHES)) for step in range(EPOCHS * BATCHES)]
"""A straight line down; the loop assigns each before its step."""


def batch(number: int) -> tuple[Floats, Any]:
    """Returns a batch of the data."""
    rows = slice(number * SIZE, (number + 1) * SIZE)
    return vectors(BATCHES * SIZE, 6)[rows], labels(BATCHES * SIZE, 3)[rows]


def looped(recorder: Any) -> Trained:
    """Trains for two epochs.

    Args:
        recorder: An `lrmon.Recorder` that gets each step and each epoch, or None.
    """
    model = dense_model()
    optimizer = api.optimizers.SGD(PEAK, momentum=0.9)
    loss_fn = api.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer.build(model.trainable_variables)
    step = STEPS[SETUP](model, optimizer, loss_fn)
    losses: list[float] = []
    for _ in range(EPOCHS):
        for number in range(BATCHES):
            optimizer.learning_rate = LEARNING_RATES[len(losses)]
            losses.append(step(*batch(number)))
            if recorder is not None:
                recorder.batch(learning_rate=number_of(optimizer.learning_rate), loss=losses[-1])
        if recorder is not None:
            recorder.end_epoch({"mean_loss": float(np.mean(losses[-BATCHES:]))})
    return Trained(model, LEARNING_RATES, histories=[{"loss": losses}], optimizers=[optimizer])


def on_tensorflow(model: Any, optimizer: Any, loss_fn: Any) -> Any:
    import tensorflow as tf

    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_weights)
        optimizer.apply(gradients, model.trainable_weights)
        return loss

    compiled = tf.function(step)
    return lambda x, y: float(compiled(tf.constant(x), tf.constant(y)))


def on_torch(model: Any, optimizer: Any, loss_fn: Any) -> Any:
    import torch

    def step(x: Any, y: Any) -> float:
        model.zero_grad()
        loss = loss_fn(y, model(x, training=True))
        loss.backward()
        weights = list(model.trainable_weights)
        with torch.no_grad():
            optimizer.apply([weight.value.grad for weight in weights], weights)
        return float(loss.detach())

    return step


def on_jax(model: Any, optimizer: Any, loss_fn: Any) -> Any:
    import jax

    def loss_of(trainable: Any, others: Any, x: Any, y: Any) -> Any:
        predicted, others = model.stateless_call(trainable, others, x, training=True)
        return loss_fn(y, predicted), others

    def stateless_step(state: Any, x: Any, y: Any) -> Any:
        trainable, others, optimizer_state = state
        (loss, others), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable, others, x, y)
        trainable, optimizer_state = optimizer.stateless_apply(optimizer_state, gradients, trainable)
        return loss, (trainable, others, optimizer_state)

    compiled = jax.jit(stateless_step)
    groups = model.trainable_variables, model.non_trainable_variables, optimizer.variables

    def step(x: Any, y: Any) -> float:
        state = tuple([variable.value for variable in group] for group in groups)
        loss, state = compiled(state, x, y)
        for group, values in zip(groups, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return float(numpy_of(loss))

    return step


STEPS = {"tensorflow": on_tensorflow, "torch": on_torch, "jax": on_jax}
