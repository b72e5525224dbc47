"""One suite, four set-ups: what is called differently in each of them.

``KERAS_BACKEND`` chooses the backend of Keras 3 (tensorflow, jax, torch), ``LRMON_KERAS=tf_keras`` tf_keras.
"""

from __future__ import annotations

import importlib
import os
from typing import Any, Final

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt

IS_TF_KERAS: Final = os.environ.get("LRMON_KERAS") == "tf_keras"

api: Final[Any] = importlib.import_module("tf_keras" if IS_TF_KERAS else "keras")
"""The Keras of this set-up."""

SETUP: Final[str] = "tf_keras" if IS_TF_KERAS else api.backend.backend()
"""``tensorflow``, ``jax``, ``torch`` or ``tf_keras``."""

ON_TENSORFLOW: Final = SETUP in {"tensorflow", "tf_keras"}

VERSION: Final = tuple(int(number) for number in api.__version__.split(".")[:2])
"""Major and minor version of the Keras of this set-up."""

KERAS_3_SINCE: Final = {
    "Muon": (3, 10),
    "ScheduleFreeAdamW": (3, 14),
    "MultiOptimizer": (3, 15),
}
"""Optimizers that the oldest supported Keras 3 does not have, and the release that brought each."""


def has(name: str) -> bool:
    """Returns whether the Keras of this set-up has an optimizer of `KERAS_3_SINCE`, by its version."""
    return VERSION >= KERAS_3_SINCE[name]


MODES: Final[dict[str, dict[str, Any]]] = {
    "tensorflow": {
        "graph": {"jit_compile": False},
        "jit": {"jit_compile": True},
        "eager": {"run_eagerly": True},
    },
    "tf_keras": {"graph": {}, "jit": {"jit_compile": True}, "eager": {"run_eagerly": True}},
    "jax": {"jit": {"jit_compile": True}, "eager": {"run_eagerly": True}},
    "torch": {"eager": {"jit_compile": False}},
}[SETUP]
"""Arguments of `compile`, by how the training step is then made."""

COMPILED: Final = next(iter(MODES))
"""The mode that the set-up itself chooses, or nearly: the first."""

Floats = npt.NDArray[np.float32]


def numpy_of(value: Any) -> npt.NDArray[Any]:
    """The value of a variable or tensor on the host."""
    if not IS_TF_KERAS:
        return np.asarray(api.ops.convert_to_numpy(value))
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value)


def number_of(value: Any) -> float:
    """The value of a variable or tensor of one element."""
    return float(numpy_of(value).reshape(()))


def set_learning_rate(optimizer: Any, lr: float) -> None:
    """Gives an optimizer that holds a number another one."""
    if IS_TF_KERAS:
        api.backend.set_value(optimizer.lr, lr)
    else:
        optimizer.learning_rate = lr


def seed(number: int) -> None:
    """Seeds Python, numpy and the backend, and whatever generator Keras keeps besides."""
    api.backend.clear_session() if IS_TF_KERAS else api.utils.clear_session(free_memory=False)
    api.utils.set_random_seed(number)


def input_layer(*shape: int) -> Any:
    """The input of a Sequential model."""
    return api.layers.InputLayer(shape) if IS_TF_KERAS else api.Input(shape)


def mean(values: Any) -> Any:
    """The mean of a tensor, as a tensor."""
    return api.backend.mean(values) if IS_TF_KERAS else api.ops.mean(values)


def variables(model: Any) -> list[Floats]:
    """Every variable of the model and of its optimizer, on the host."""
    optimizer_state = model.optimizer.variables
    optimizer_state = optimizer_state() if callable(optimizer_state) else optimizer_state
    return [numpy_of(variable) for variable in [*model.variables, *optimizer_state]]


class OneWeight(api.layers.Layer):
    """Its output is its weight, whatever comes in."""

    def build(self, input_shape: Any) -> None:
        self.weight = self.add_weight(shape=(), initializer="zeros", name="weight")
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        return 0 * inputs + self.weight


def output_itself(_: Any, output: Any) -> Any:
    """A loss: the mean of the output."""
    return mean(output)


def unit_gradient_model(optimizer: Any, model: Any = None, **compile_arguments: Any) -> Any:
    """A model of one weight whose loss is that weight: plain SGD moves it by the learning rate exactly.

    Args:
        optimizer: Trains it.
        model: Its class; Sequential where none is given.
        compile_arguments: Of `compile`; those of `COMPILED` where there are none.
    """
    built = (model or api.Sequential)([input_layer(1), OneWeight()])
    built.compile(optimizer, loss=output_itself, **(compile_arguments or MODES[COMPILED]))
    return built


class UsedRates(api.callbacks.Callback):
    """The learning rate of each update, read off the weight, which it puts back to 0: 0 - lr is exact."""

    def __init__(self) -> None:
        super().__init__()
        self.lrs: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        weight = self.model.layers[-1].weight
        self.lrs.append(-number_of(weight))
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


def same_bits(expected: Any, actual: Any) -> None:
    """Asserts that two series of float32 are the same; a rate of 0 is read off the weight as -0."""
    expected_bits = (np.asarray(expected, np.float32) + np.float32(0)).view(np.uint32)
    np.testing.assert_array_equal(expected_bits, np.asarray(actual, np.float32).view(np.uint32))


TOLERANCE: Final = 2.0**-22
"""Of a loss that was computed once more, by `evaluate`: two roundings."""


def regression(count: int, number: int = 1) -> tuple[Floats, Floats]:
    """So many samples of five features and one target."""
    random = np.random.default_rng(number)
    x = random.normal(size=(count, 5)).astype(np.float32)
    return x, (x @ random.normal(size=(5, 1)) + random.normal(size=(count, 1))).astype(np.float32)


def resting_model(**compile_arguments: Any) -> Any:
    """A model that does not move, since its learning rate is 0."""
    seed(2)
    model = api.Sequential([input_layer(5), api.layers.Dense(1)])
    model.compile(api.optimizers.SGD(0.0), "mse", **(compile_arguments or MODES[COMPILED]))
    return model


def own_losses(model: Any, size: int, x: Any, y: Any, sample_weight: Any = None) -> list[float]:
    """The loss of each batch alone, by Keras' own evaluation."""
    values = []
    for start in range(0, len(x), size):
        rows = slice(start, start + size)
        weight = None if sample_weight is None else sample_weight[rows]
        model.reset_metrics()
        targets = [part[rows] for part in y] if isinstance(y, list) else y[rows]
        values.append(float(model.test_on_batch(x[rows], targets, weight, return_dict=True)["loss"]))
    return values
