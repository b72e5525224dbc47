"""Models whose training tells the truth by itself."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

MODES: dict[str, dict[str, Any]] = {
    "graph": {"jit_compile": False},
    "jit": {"jit_compile": True},
    "eager": {"run_eagerly": True},
}


class OneWeight(keras.layers.Layer):
    """Its output is its weight, whatever comes in."""

    def build(self, input_shape: Any) -> None:
        self.weight = self.add_weight(shape=(), initializer="zeros", name="weight")

    def call(self, inputs: Any) -> Any:
        return 0 * inputs + self.weight


def unit_gradient_model(optimizer: Any, **compile_arguments: Any) -> keras.Model:
    """A model of one weight whose loss is that weight: plain SGD moves it by the learning rate exactly."""
    model = keras.Sequential([keras.Input((1,)), OneWeight()])
    model.compile(optimizer, loss=lambda _, output: keras.ops.mean(output), **compile_arguments)
    return model


class UsedRates(keras.callbacks.Callback):
    """The learning rate of each update, read off the weight, which it puts back to 0: 0 - lr is exact."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        weight = self.model.layers[-1].weight
        self.rates.append(-float(weight.numpy()))
        weight.assign(0.0)


def batches(count: int, size: int = 2) -> dict[str, Any]:
    """Data for so many batches of any numbers."""
    return {
        "x": np.ones((count * size, 1), np.float32),
        "y": np.zeros((count * size, 1), np.float32),
        "batch_size": size,
        "verbose": 0,
        "shuffle": False,
    }
