"""Models to be tested, their data, and everything that a training leaves behind; for every backend."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

BACKEND: Final[str] = keras.backend.backend()

MODES: Final[dict[str, dict[str, Any]]] = {
    "tensorflow": {
        "graph": {"jit_compile": False},
        "jit": {"jit_compile": True},
        "eager": {"run_eagerly": True},
    },
    "jax": {"jit": {"jit_compile": True}, "eager": {"run_eagerly": True}},
    "torch": {"eager": {"jit_compile": False}},
}[BACKEND]
"""Arguments of `compile`, by how the training step is then made; the first one is compiled fastest."""

Arrays = list[npt.NDArray[Any]]

schedules = keras.optimizers.schedules

OPTIMIZERS: Final[dict[str, Callable[[], Any]]] = {
    "Adam with a staircase": lambda: keras.optimizers.Adam(
        schedules.ExponentialDecay(0.01, 4, 0.5, staircase=True)
    ),
    "SGD": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    "LossScaleOptimizer": lambda: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(schedules.CosineDecay(0.01, 20)), initial_scale=64.0, dynamic_growth_steps=3
    ),
    "gradient accumulation": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
}

if BACKEND != "jax":  # where Keras 3.15 itself cannot train a second time with an average of the weights
    OPTIMIZERS["AdamW with an average"] = lambda: keras.optimizers.AdamW(
        0.01, use_ema=True, ema_overwrite_frequency=5
    )


def data(count: int = 48) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """So many samples of five features and one target."""
    numbers = np.random.default_rng(1)
    x = numbers.normal(size=(count, 5)).astype(np.float32)
    return x, (x @ numbers.normal(size=(5, 1))).astype(np.float32)


def model(
    optimizer: Any, *, built: bool = True, dropout: float = 0.3, **compile_arguments: Any
) -> keras.Model:
    """A network with normalization and dropout, the same at every call."""
    keras.utils.clear_session(
        free_memory=False
    )  # Keras 3.12 sets no new seed for its global generator without it
    keras.utils.set_random_seed(3)
    layers = [
        keras.layers.Dense(8, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(dropout),
        keras.layers.Dense(1),
    ]
    network = keras.Sequential([keras.Input((5,)), *layers] if built else layers)
    network.compile(optimizer, "mse", metrics=["mae"], **(compile_arguments or next(iter(MODES.values()))))
    return network


def numpy_of(variable: Any) -> npt.NDArray[Any]:
    """A copy of its value on the host."""
    return np.array(keras.ops.convert_to_numpy(variable))


def trained(network: keras.Model, x: Any, y: Any, **arguments: Any) -> list[Any]:
    """Trains, and returns everything that a training leaves behind."""
    history = network.fit(x, y, batch_size=8, epochs=2, verbose=0, **arguments).history
    variables = [numpy_of(variable) for variable in [*network.variables, *network.optimizer.variables]]
    return [history, variables, random_numbers()]


def random_numbers() -> Arrays:
    """What the global generators give next."""
    return [
        np.random.random(2),  # noqa: NPY002 - its hidden state is what is asked for
        np.array([random.random(), random.random()]),
        numpy_of(keras.random.normal((2,))),
    ]


def assert_same(expected: list[Any], actual: list[Any]) -> None:
    """Asserts that two trainings left the same behind, bit for bit."""
    assert expected[0] == actual[0]
    for arrays in (1, 2):
        for one, other in zip(expected[arrays], actual[arrays], strict=True):
            np.testing.assert_array_equal(one, other)


def state(network: keras.Model) -> dict[str, Any]:
    """Everything of a model that a test might have changed, by name; and what is kept by identity."""
    variables = [*network.variables, *network.optimizer.variables, *network.metrics_variables]
    return {
        "attributes": dict(vars(network)),
        "optimizer": dict(vars(network.optimizer)),
        "values": [numpy_of(variable) for variable in variables],
        "variables": [id(variable) for variable in variables],
    }


def assert_as_before(before: dict[str, Any], network: keras.Model) -> None:
    """Asserts that a model is what it was: the same objects with the same values."""
    now = state(network)
    for name in ("attributes", "optimizer"):
        assert list(before[name]) == list(now[name])
        assert [] == [key for key, value in before[name].items() if now[name][key] is not value]
    assert before["variables"] == now["variables"]
    for one, other in zip(before["values"], now["values"], strict=True):
        np.testing.assert_array_equal(one, other)
