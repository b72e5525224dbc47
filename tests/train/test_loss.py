"""The recorded loss is the batch's own: what the same model gives when it is evaluated on that batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lrmon
from tests.fits.framework import MODES
from tests.recorded import recorded

TOLERANCE = 2.0**-22


def losses_of_batches(
    model: keras.Model, size: int, x: Any, y: Any, sample_weight: Any = None
) -> list[float]:
    """The loss of each batch alone, by Keras' own evaluation."""
    count = len(x)
    losses = []
    for start in range(0, count, size):
        rows = slice(start, start + size)
        weight = None if sample_weight is None else sample_weight[rows]
        model.reset_metrics()
        result = model.test_on_batch(
            x[rows], [part[rows] for part in y] if isinstance(y, list) else y[rows], weight, return_dict=True
        )
        losses.append(float(result["loss"]))
    return losses


def data(count: int, seed: int = 1) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 5)).astype(np.float32)
    return x, (x @ random.normal(size=(5, 1)) + random.normal(size=(count, 1))).astype(np.float32)


def dense(regularizer: Any = None, **compile_arguments: Any) -> keras.Model:
    """A model that does not move: its learning rate is 0."""
    keras.utils.set_random_seed(2)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, kernel_regularizer=regularizer)])
    model.compile(keras.optimizers.SGD(0.0), "mse", **compile_arguments)
    return model


def fit(model: keras.Model, log_dir: Path, *arguments: Any, **named: Any) -> np.ndarray[Any, Any]:
    model.fit(*arguments, verbose=0, shuffle=False, callbacks=[lrmon.LRMonitor(log_dir)], **named)
    return recorded(log_dir).loss


@pytest.mark.long
def test_5000_losses_of_one_epoch_are_those_of_their_batches(tmp_path: Path) -> None:
    x, y = data(10_000)
    model = dense(**MODES["jit"])
    losses = fit(model, tmp_path, x, y, batch_size=2)
    np.testing.assert_allclose(losses_of_batches(model, 2, x, y), losses, rtol=TOLERANCE)


@pytest.mark.parametrize("mode", MODES)
def test_every_inner_step_has_its_own_loss(tmp_path: Path, mode: str) -> None:
    x, y = data(103)
    model = dense(steps_per_execution=7, **MODES[mode])
    losses = fit(model, tmp_path, x, y, batch_size=8, epochs=2)
    expected = losses_of_batches(model, 8, x, y)
    np.testing.assert_allclose(expected * 2, losses, rtol=TOLERANCE)


def test_validation_leaves_no_trace_in_the_batches(tmp_path: Path) -> None:
    x, y = data(64)
    other_x, other_y = data(64, seed=9)
    model = dense()
    losses = fit(model, tmp_path, x, y, batch_size=8, epochs=3, validation_data=(other_x, other_y))
    np.testing.assert_allclose(losses_of_batches(model, 8, x, y) * 3, losses, rtol=TOLERANCE)
    assert ["loss", "val_loss"] == list(recorded(tmp_path).epochs[0]["metrics"])


def test_it_is_not_the_running_mean_that_keras_logs(tmp_path: Path) -> None:
    x, y = data(80)
    logged: list[float] = []
    model = dense()
    model.fit(
        x,
        y,
        batch_size=8,
        verbose=0,
        shuffle=False,
        callbacks=[
            keras.callbacks.LambdaCallback(on_train_batch_end=lambda _, logs: logged.append(logs["loss"])),
            lrmon.LRMonitor(tmp_path),
        ],
    )
    losses = recorded(tmp_path).loss.astype(np.float64)
    np.testing.assert_allclose(np.cumsum(losses) / np.arange(1, 11), logged, rtol=1e-6)
    assert not np.allclose(losses[1:], logged[1:], rtol=1e-3)


def test_a_train_step_that_returns_its_loss_is_recorded_and_says_so(tmp_path: Path) -> None:
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

        def train_step(self, batch: Any) -> Any:
            import tensorflow as tf

            x, y = batch
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(x) - y) ** 2)
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"loss": loss}

        @property
        def metrics(self) -> list[Any]:
            return []

    x, y = data(40)
    model = Own()
    model.compile(keras.optimizers.SGD(0.0))
    losses = fit(model, tmp_path, x, y, batch_size=8)
    truth = [float(np.mean((model(x[i : i + 8]) - y[i : i + 8]) ** 2)) for i in range(0, 40, 8)]
    np.testing.assert_allclose(truth, losses, rtol=1e-6)
    assert "train_step returns" in recorded(tmp_path).fits[0]["loss_provenance"]


def test_a_train_step_that_shows_no_loss_is_recorded_as_nan_with_the_reason(tmp_path: Path) -> None:
    class Silent(keras.Sequential):
        def train_step(self, batch: Any) -> Any:
            import tensorflow as tf

            x, y = batch
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(x) - y) ** 2)
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"loss": tf.fill((2,), loss)}

        @property
        def metrics(self) -> list[Any]:
            return []

    x, y = data(40)
    model = Silent([keras.Input((5,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01))
    losses = fit(model, tmp_path, x, y, batch_size=8)
    assert [True] * 5 == np.isnan(losses).tolist()
    assert (
        recorded(tmp_path).fits[0]["loss_provenance"]
        == "none: the model's own train_step has a loss of shape (2,)"
    )
    assert np.float32(0.01) == recorded(tmp_path).learning_rate[0]
