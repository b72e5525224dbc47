from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from lrmon.train.preflight import PlannedFit, planned_fit, preflight
from tests.train.preflight.fits import dense, fitted, watcher


def plateau(**settings: Any) -> Any:
    return keras.callbacks.ReduceLROnPlateau(**{"monitor": "loss", **settings})


def test_all_callbacks_of_the_fit_are_seen_in_order() -> None:
    mine = plateau()
    look = fitted(keras, callbacks=[mine], initial_epoch=1, epochs=2)

    assert look.fit.callbacks is not None
    assert (mine, "Watcher", "History") == (
        look.fit.callbacks[0],
        *(type(callback).__name__ for callback in look.fit.callbacks[1:]),
    )
    assert (1, False, None) == (look.fit.initial_epoch, look.fit.validates, look.fit.validation_split)


def test_validation_is_seen_however_it_is_given() -> None:
    split = fitted(keras, validation_split=0.5)

    assert (True, 0.5, 2) == (split.fit.validates, split.fit.validation_split, split.fit.steps_before_split)
    assert fitted(keras, validation=True).fit.validates is True


@pytest.mark.parametrize(
    "arguments",
    [
        {"validation": True, "validation_split": 0.2},
        {"validation_split": 0.2, "steps_per_epoch": 3},
        {},
    ],
)
def test_a_split_that_did_not_make_the_epochs_is_none(arguments: dict[str, Any]) -> None:
    look = fitted(keras, steps=10, **arguments)

    assert (None, None) == (look.fit.validation_split, look.fit.steps_before_split)


@pytest.mark.parametrize(("samples", "share"), [(7, 0.3), (10, 0.25), (11, 0.5), (100, 0.1), (99, 0.9)])
def test_the_steps_before_a_split_are_those_of_all_samples(samples: int, share: float) -> None:
    watch, look = watcher(keras)
    x, y = {"x": np.zeros((samples, 1), np.float32)}, np.zeros((samples, 1), np.float32)
    inputs = {"x": keras.Input((1,), name="x")}
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs["x"]))
    model.compile("sgd", "mse")
    model.fit(x, y, batch_size=4, validation_split=share, verbose=0, callbacks=[watch])
    whole, _ = watcher(keras)
    model.fit(x, y, batch_size=4, verbose=0, callbacks=[whole])

    assert (share, whole.params["steps"]) == (look.fit.validation_split, look.fit.steps_before_split)


def test_the_only_plateau_of_the_list_is_the_fits_own() -> None:
    one, other = plateau(), plateau(patience=3)

    assert one is fitted(keras, callbacks=[one]).own_plateau
    assert fitted(keras, callbacks=[one, other]).own_plateau is None
    assert fitted(keras).own_plateau is None


def test_the_list_is_seen_through_a_decorated_hook() -> None:
    watch, look = watcher(keras)
    inner = watch.on_train_begin

    def outer(logs: Any = None) -> None:
        def hook() -> None:
            inner(logs)

        hook()

    watch.on_train_begin = outer
    one = plateau()
    dense(keras, "sgd").fit(np.zeros((1, 1)), np.ones((1, 1)), callbacks=[one, watch], verbose=0)

    assert one is look.own_plateau


def test_without_a_list_only_the_plateau_that_was_given_counts() -> None:
    optimizer = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.9))
    watch, look = watcher(keras, plateau=plateau())
    watch.set_model(dense(keras, optimizer))
    watch.set_params({"epochs": 2, "steps": 2})
    watch.on_train_begin()

    assert (None, None) == (look.fit.callbacks, look.fit.initial_epoch)
    assert ["plateau-on-schedule"] == look.codes


@pytest.mark.parametrize("model", [None, object(), "model"])
def test_what_is_no_model_has_no_problems(model: Any) -> None:
    assert (PlannedFit().callbacks, []) == (
        planned_fit(model).callbacks,
        preflight(model, None, PlannedFit()),
    )


def test_a_check_that_fails_costs_nothing() -> None:
    model = dense(keras, "sgd")
    broken = plateau()
    broken.patience = "many"
    callbacks = (
        broken,
        keras.callbacks.EarlyStopping("loss"),
        keras.callbacks.EarlyStopping("mae", mode="min"),
    )
    texts = [problem.text for problem in preflight(model, {"epochs": 3, "steps": 2}, PlannedFit(callbacks))]

    assert ["EarlyStopping"] == [text.split()[0] for text in texts]


def test_a_fit_is_the_same_with_and_without_the_look() -> None:
    x, y = [[1.0], [2.0]], [[1.0], [0.0]]
    histories = []
    for watched in (True, False):
        keras.utils.set_random_seed(3)
        model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
        model.compile("adam", "mse", metrics=["mae"])
        watch, _ = watcher(keras)
        hooks = [watch] if watched else []
        fit = model.fit(np.array(x), np.array(y), epochs=3, validation_split=0.5, callbacks=hooks, verbose=0)
        histories.append(fit.history)

    assert histories[0] == histories[1]
