from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tests.fits.framework import VERSION
from tests.train.preflight.fits import Look, dense, fitted
from tests.train.wordings import assert_wording

callbacks = keras.callbacks


def plateau(monitor: str = "val_loss", **settings: Any) -> Any:
    return callbacks.ReduceLROnPlateau(**{"monitor": monitor, "patience": 1, **settings})


def test_a_metric_without_validation_data_is_never_there() -> None:
    look = fitted(keras, "sgd", [plateau()], epochs=4)

    assert ["monitor-missing"] == look.codes
    assert ({0.01}, None, False) == (set(look.used), look.error, "val_loss" in look.logged)


def test_a_validation_that_comes_after_the_last_epoch_is_none() -> None:
    look = fitted(keras, "sgd", [plateau()], epochs=4, validation=True, validation_freq=5)

    assert ["monitor-missing"] == look.codes
    assert_wording("monitor-missing, by validation_freq", look.text)
    assert ({0.01}, False) == (set(look.used), "val_loss" in look.logged)


@pytest.mark.parametrize("freq", [2, [1, 4], 4])
def test_a_validation_now_and_then_is_enough(freq: Any) -> None:
    assert [] == fitted(keras, "sgd", [plateau()], epochs=4, validation=True, validation_freq=freq).codes


def test_early_stopping_on_a_missing_metric_never_stops() -> None:
    look = fitted(keras, "sgd", [callbacks.EarlyStopping("mae", mode="min")], epochs=4, metrics=["mse"])

    assert ["monitor-missing"] == look.codes
    assert_wording("monitor-missing, of EarlyStopping", look.text)
    assert (4, False) == (look.epochs, "mae" in look.logged)


def test_another_name_of_the_metric_is_missing() -> None:
    look = fitted(
        keras, "sgd", [plateau("val_acc", mode="max")], metrics=["accuracy"], validation=True, epochs=4
    )

    assert ["monitor-missing"] == look.codes
    assert ({0.01}, False) == (set(look.used), "val_acc" in look.logged)


@pytest.mark.parametrize("callback", [callbacks.ReduceLROnPlateau, callbacks.EarlyStopping])
@pytest.mark.parametrize(
    ("monitor", "metric"),
    [("val_acc", "accuracy"), ("val_accuracy", "acc"), ("own", lambda y, p: y), ("val_mse", "mae")],
)
def test_mode_auto_without_a_direction_ends_in_the_value_error_of_the_preflight_warning(
    callback: Any, monitor: str, metric: Any
) -> None:
    if callable(metric):
        metric.__name__ = "own"
    look = fitted(keras, "sgd", [callback(monitor)], metrics=[metric], validation=True)

    if callback is callbacks.ReduceLROnPlateau and VERSION < (3, 11):
        # It takes every name for a direction; a metric of another name is missing.
        assert ([] if monitor == "own" else ["monitor-missing"], None) == (look.codes, look.error)
        return
    assert ["monitor-without-direction"] == look.codes
    assert ("ValueError", 1) == (look.error, look.epochs)


@pytest.mark.parametrize(
    ("monitor", "metrics"),
    [
        ("loss", []),
        ("val_loss", ["accuracy"]),
        ("val_accuracy", ["accuracy"]),
        ("val_acc", ["acc"]),
        ("val_mae", ["mae"]),
        ("val_mean_squared_error", ["mean_squared_error"]),
        ("val_mean_absolute_error", lambda: [keras.metrics.MeanAbsoluteError()]),
        ("val_score", lambda: [keras.metrics.AUC(name="score")]),
    ],
)
@pytest.mark.parametrize("callback", [callbacks.ReduceLROnPlateau, callbacks.EarlyStopping])
def test_what_keras_can_judge_is_not_remarked_on(callback: Any, monitor: str, metrics: Any) -> None:
    given = metrics() if callable(metrics) else metrics
    look = fitted(keras, "sgd", [callback(monitor, patience=5)], metrics=given, validation=True)

    assert ([], None) == (look.codes, look.error)
    assert monitor in look.logged


@pytest.mark.parametrize("monitor", ["val_mae", "val_weighted_mae", "weighted_mae"])
def test_weighted_metrics_are_known(monitor: str) -> None:
    model = dense(keras, "sgd", metrics=["mae"], weighted_metrics=["mae"])
    look = fitted(keras, model=model, callbacks=[plateau(monitor, mode="min")], validation=True)

    assert ([], True) == (look.codes, monitor in look.logged)


def two_outputs(monitor: str, mode: str) -> Look:
    entry = keras.Input((1,))
    model = keras.Model(entry, [keras.layers.Dense(1, name=name)(entry) for name in ("a", "b")])
    model.compile("sgd", loss=["mse", "mse"], metrics=[["mae"], ["accuracy"]])
    return _of_two(model, plateau(monitor, mode=mode, patience=5))


def _of_two(model: Any, callback: Any) -> Look:
    from tests.train.preflight.fits import watcher

    watch, look = watcher(keras)
    x, y = np.zeros((4, 1)), np.ones((4, 1))
    try:
        model.fit(x, [y, y], validation_data=(x, [y, y]), verbose=0, callbacks=[callback, watch])
    except ValueError as error:
        look.error = type(error).__name__
    look.logged = dict(model.history.history)
    return look


@pytest.mark.parametrize("monitor", ["val_a_mae", "b_accuracy", "val_b_loss", "loss"])
def test_the_metrics_of_several_outputs_are_known(monitor: str) -> None:
    look = two_outputs(monitor, "min" if "acc" not in monitor else "max")

    assert ([], True) == (look.codes, monitor in look.logged)


@pytest.mark.parametrize("monitor", ["val_a_mae", "b_loss"])
def test_mode_auto_knows_no_output_of_several(monitor: str) -> None:
    look = two_outputs(monitor, "auto")

    if VERSION < (3, 11):  # It takes every name for a direction.
        assert ([], None) == (look.codes, look.error)
        return
    assert (["monitor-without-direction"], "ValueError") == (look.codes, look.error)
    assert_wording(f"monitor-without-direction, {monitor}", look.text)


def test_the_wrong_mode_reduces_while_the_metric_improves() -> None:
    look = fitted(keras, "sgd", [plateau("val_accuracy", mode="min")], metrics=["accuracy"], validation=True)

    assert ["monitor-wrong-direction"] == look.codes
    assert look.text.endswith("mode='max'.")


class _Writes(keras.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["val_f1"] = 0.5


@pytest.mark.parametrize(
    "writer", [_Writes, lambda: callbacks.LambdaCallback(on_epoch_end=_Writes().on_epoch_end)]
)
def test_a_callback_of_ones_own_may_write_the_metric(writer: Any) -> None:
    look = fitted(keras, "sgd", [writer(), plateau("val_f1", mode="max")], epochs=4)

    assert ([], None) == (look.codes, look.error)
    assert 1 < len(set(look.used))


def test_a_training_step_of_ones_own_may_log_the_metric() -> None:
    class Own(keras.Sequential):
        def train_step(self, *args: Any, **kwargs: Any) -> Any:
            return super().train_step(*args, **kwargs)

    model = Own([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")

    assert [] == fitted(keras, model=model, callbacks=[plateau("psnr", mode="max")]).codes


def test_a_plateau_class_of_ones_own_is_judged_where_it_acts_as_keras_does() -> None:
    class Named(keras.callbacks.ReduceLROnPlateau):
        pass

    class Own(keras.callbacks.ReduceLROnPlateau):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            pass

    assert ["monitor-missing"] == fitted(keras, "sgd", [Named()]).codes
    assert [] == fitted(keras, "sgd", [Own()]).codes
