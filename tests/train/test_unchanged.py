"""Training is bit for bit what it is without the callback."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lrmon
from tests.fits.framework import MODES


def convolutional_model() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.SpatialDropout2D(0.2),
            keras.layers.Flatten(),
            keras.layers.Dense(10),
        ]
    )


def trained(build: Callable[[], keras.Model], callbacks: list[Any], **compile_arguments: Any) -> list[Any]:
    """Everything that a training leaves behind."""
    keras.utils.clear_session(
        free_memory=False
    )  # Keras 3.12 sets no new seed for its global generator without it
    keras.utils.set_random_seed(7)
    random = np.random.default_rng(7)
    x = random.normal(size=(200, 8, 8, 1)).astype(np.float32)
    y = random.integers(0, 10, size=200)
    model = build()
    schedule = keras.optimizers.schedules.CosineDecay(0.01, 40)
    model.compile(
        keras.optimizers.AdamW(schedule),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        **compile_arguments,
    )
    history = model.fit(
        x, y, batch_size=32, epochs=2, validation_split=0.2, verbose=0, callbacks=callbacks
    ).history
    again = model.fit(x, y, batch_size=32, epochs=1, verbose=0).history
    variables = [variable.numpy() for variable in [*model.variables, *model.optimizer.variables]]
    random_after = np.random.random(3)  # noqa: NPY002 - its hidden state is what is asked for
    return [history, again, variables, random_after, keras.random.normal((3,)).numpy()]


@pytest.mark.parametrize(
    "mode", [pytest.param(mode, marks=pytest.mark.long) if mode == "jit" else mode for mode in MODES]
)
def test_history_weights_and_random_state_are_the_same_with_and_without(tmp_path: Path, mode: str) -> None:
    without = trained(convolutional_model, [], **MODES[mode])
    with_monitor = trained(convolutional_model, [lrmon.LRMonitor(tmp_path)], **MODES[mode])
    assert without[:2] == with_monitor[:2]
    for expected, actual in zip(without[2], with_monitor[2], strict=True):
        np.testing.assert_array_equal(expected, actual)
    np.testing.assert_array_equal(without[3], with_monitor[3])
    np.testing.assert_array_equal(without[4], with_monitor[4])


def test_the_model_is_left_as_it_was(tmp_path: Path) -> None:
    model = convolutional_model()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    data = {"x": np.ones((8, 8, 8, 1)), "y": np.zeros(8), "verbose": 0}
    model.fit(**data)
    attributes, variables = set(vars(model)), [variable.path for variable in model.variables]
    model.fit(**data, callbacks=[lrmon.LRMonitor(tmp_path / "logs")])
    assert attributes == set(vars(model))
    assert variables == [variable.path for variable in model.variables]
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(data["x"]), restored(data["x"]))


def test_only_the_first_fit_traces_the_training_step(tmp_path: Path) -> None:
    traces: list[int] = []

    class Counting(keras.Sequential):
        def train_step(self, data: Any) -> Any:
            traces.append(1)
            return super().train_step(data)

    model = Counting([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    monitor = lrmon.LRMonitor(tmp_path)
    data = {"x": np.ones((8, 4)), "y": np.ones((8, 1)), "verbose": 0}
    model.fit(**data, callbacks=[monitor])
    first = len(traces)
    model.fit(**data, callbacks=[monitor])
    model.fit(**data, callbacks=[lrmon.LRMonitor(tmp_path / "other")])
    model.fit(**data)
    assert first == len(traces)


def test_a_train_step_that_the_model_itself_has_is_given_back(tmp_path: Path) -> None:
    model = convolutional_model()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    own = model.train_step = functools.partial(type(model).train_step, model)
    for _ in range(2):
        model.fit(np.ones((8, 8, 8, 1)), np.zeros(8), verbose=0, callbacks=[lrmon.LRMonitor(tmp_path)])
        assert own is model.train_step
