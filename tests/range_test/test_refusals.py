"""What cannot be tested is refused before the sweep, with a sentence."""

from __future__ import annotations

from typing import Any

import keras
import pytest

import lrmon
from tests.range_test.models import BACKEND, MODES, data, model
from tests.train.wordings import refused

X, Y = data()


@pytest.mark.parametrize(
    "arguments",
    [
        {"start_lr": 0.0},
        {"start_lr": 1.0, "end_lr": 0.1},
        {"end_lr": float("inf")},
        {"growth": "cubic"},
        {"stop_factor": 1.0},
        {"smoothing": 1.0},
        {"steps": 0},
        {"epochs": 0},
        {"average_runs": 0},
        {"validation_freq": -1},
        {"seed": -1},
    ],
    ids=", ".join,
)
def test_a_setting_outside_its_range(arguments: dict[str, Any]) -> None:
    name, value = list(arguments.items())[-1]
    with refused(ValueError, f"LRFinder, {name}={value}"):
        lrmon.LRFinder(model(keras.optimizers.SGD(0.1))).find(X, Y, verbose=0, **arguments)


def test_a_number_of_steps_that_is_no_number() -> None:
    with refused(TypeError, "LRFinder, steps of no whole number"):
        lrmon.LRFinder(model(keras.optimizers.SGD(0.1))).find(X, Y, steps=2.5)  # type: ignore[arg-type]


def test_a_model_that_is_not_compiled() -> None:
    network = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    with refused(ValueError, "LRFinder, not compiled"):
        lrmon.LRFinder(network).find(X, Y)


def test_what_is_no_model() -> None:
    with refused(TypeError, "LRFinder, no model"):
        lrmon.LRFinder(3)


def test_several_optimizers() -> None:
    if not hasattr(keras.optimizers, "MultiOptimizer"):
        return
    several = keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.1), {".*bias": keras.optimizers.Adam(0.1)})
    )
    network = model(several)
    with refused(ValueError, "LRFinder, several optimizers"):
        lrmon.LRFinder(network).find(X, Y)


def test_an_optimizer_that_cannot_be_made_again() -> None:
    class Own(keras.optimizers.SGD):
        def __init__(self, lr: float, *, secret: object) -> None:
            super().__init__(lr)
            self.secret = secret

    with refused(ValueError, "LRFinder, optimizer without config"):
        lrmon.LRFinder(model(Own(0.1, secret=object()))).find(X, Y, steps=3, verbose=0)


def test_a_learning_rate_that_is_a_function() -> None:
    """It is not refused: the sweep sets the rate itself."""
    network = model(keras.optimizers.SGD(lambda: 0.1))
    result = lrmon.LRFinder(network).find(X, Y, steps=3, start_lr=1e-4, end_lr=1e-2, verbose=0)
    assert [1e-4, 1e-3, 1e-2] == pytest.approx(result.learning_rates.tolist())


def test_plotting_before_finding() -> None:
    with refused(ValueError, "LRFinder, nothing to plot"):
        lrmon.LRFinder(model(keras.optimizers.SGD(0.1))).plot_loss()


def test_a_train_step_that_updates_with_another_optimizer() -> None:
    if BACKEND == "jax":
        return  # there the state that a step may change has no room for one

    class Own(keras.Sequential):
        def train_step(self, *arguments: Any) -> Any:
            return self.test_step(*arguments)

    network = Own([keras.Input((5,)), keras.layers.Dense(1)])
    network.compile(keras.optimizers.SGD(0.1), "mse", **next(iter(MODES.values())))
    with refused(RuntimeError, "LRFinder, another optimizer"):
        lrmon.LRFinder(network).find(X, Y, steps=3, verbose=0)
