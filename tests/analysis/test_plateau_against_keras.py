"""The plateau replay against the installed Keras: its own callback, and real fits."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

from lrmon.analysis.plateau.direction import monitor_direction
from lrmon.analysis.plateau.replay import replay_plateau
from lrmon.analysis.plateau.rule import PlateauRule
from tests.analysis.real_plateau import random_cases, real_outcome, replayed_outcome, tiny_model, version_of

VERSION = version_of(keras)


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_model(keras)


def check(model: Any, *, seed: int, count: int) -> None:
    for case in random_cases(VERSION, seed=seed, count=count):
        assert real_outcome(keras, model, case) == replayed_outcome(case), case


def test_the_replay_is_what_the_real_callback_does(model: Any) -> None:
    check(model, seed=0, count=1_500)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 21))
def test_the_replay_is_what_the_real_callback_does_at_length(model: Any, seed: int) -> None:
    check(model, seed=seed, count=5_000)


@pytest.mark.parametrize(
    "settings",
    [
        {"monitor": "val_loss", "patience": 1, "min_delta": 0.05, "factor": 0.3},
        {"monitor": "loss", "patience": 2, "min_delta": 0.2, "cooldown": 2, "min_lr": 0.002},
        {"monitor": "val_accuracy", "patience": 0, "min_delta": 0.0},
        {"monitor": "mae", "mode": "max", "patience": 2, "factor": 0.7},
    ],
)
def test_the_replay_of_a_history_has_the_learning_rates_of_the_fit(settings: dict[str, Any]) -> None:
    keras.utils.set_random_seed(3)
    random = np.random.default_rng(3)
    x = random.normal(size=(64, 3)).astype(np.float32)
    y = (x[:, :1] + random.normal(size=(64, 1)) > 0).astype(np.float32)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(0.1), loss="mse", metrics=["mae", "accuracy"], jit_compile=False)
    callback = keras.callbacks.ReduceLROnPlateau(**settings)
    lrs: list[float] = []
    values: list[float] = []
    for _ in range(2):
        history = model.fit(
            x, y, batch_size=16, epochs=12, validation_split=0.25, callbacks=[callback], verbose=0
        ).history
        lrs += history["learning_rate"]
        values += history[settings["monitor"]]
    rule = PlateauRule(**settings, version=VERSION)
    replay = replay_plateau(values, 0.1, rule, fit_starts=[12])
    assert len(replay.reductions) >= 2
    assert lrs == replay.learning_rate.tolist()
    assert lrs[1:] == replay.next_learning_rate.tolist()[:-1]
    assert callback.wait == replay.wait[-1]


def metrics() -> Iterator[Any]:
    """Every metric of Keras with a name that Keras chose."""
    needed = {"num_classes": 2, "target_class_ids": [0]}
    for name in sorted(dir(keras.metrics)):
        kind = getattr(keras.metrics, name)
        if inspect.isclass(kind) and name not in ("Metric", "MeanMetricWrapper"):
            parameters = inspect.signature(kind).parameters.values()
            required = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
            yield kind(**{name: needed.get(name, 0.5) for name in required if name != "kwargs"})


def real_direction(monitor: str, metric: Any) -> str:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", loss="mse", metrics=[metric])
    model._compile_metrics.build(np.zeros((1, 2)), np.zeros((1, 2)))
    callback = keras.callbacks.ReduceLROnPlateau(monitor=monitor)
    callback.set_model(model)
    if VERSION != "keras-3.0":  # where the callback chooses the direction as it is made
        callback._set_monitor_op()
    return "min" if callback.monitor_op(0.0, 1.0) else "max"


def direction(monitor: str) -> str:
    return monitor_direction(monitor, "auto", VERSION)


@pytest.mark.parametrize("metric", list(metrics()), ids=lambda metric: str(metric.name))
def test_auto_takes_each_metric_of_keras_in_its_own_direction(metric: Any) -> None:
    for monitor in (metric.name, f"val_{metric.name}"):
        # Up to Keras 3.10 the name alone decides, so that every metric has a direction.
        if VERSION == "keras-3.0" or hasattr(metric, "_direction"):
            assert real_direction(monitor, metric) == direction(monitor)
        else:
            with pytest.raises(ValueError, match="automatically determine"):
                real_direction(monitor, metric)
            with pytest.raises(ValueError, match="mode 'auto' cannot tell"):
                direction(monitor)


@pytest.mark.parametrize(
    "name",
    [
        "acc",
        "accuracy",
        "Accuracy",
        "mse",
        "MSE",
        "mae",
        "mape",
        "msle",
        "bce",
        "AUC",
        "BinaryIoU",
        "F1Score",
    ],
)
def test_auto_takes_a_metric_named_in_compile_in_its_own_direction(name: str) -> None:
    assert real_direction(name, name) == direction(name)


def test_auto_minimises_the_loss() -> None:
    assert "min" == direction("loss") == direction("val_loss") == real_direction("val_loss", "mae")
