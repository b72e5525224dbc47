"""What cannot be tested is refused before the sweep, with a sentence."""

from __future__ import annotations

from typing import Any

import keras
import pytest

import lrmon
from tests.range_test.models import BACKEND, MODES, data, model

X, Y = data()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start_lr": 0.0}, "start_lr must be above 0 and below end_lr"),
        ({"start_lr": 1.0, "end_lr": 0.1}, "got start_lr=1.0 and end_lr=0.1"),
        ({"end_lr": float("inf")}, "both must be finite"),
        ({"growth": "cubic"}, "growth must be 'exponential' or 'linear', got 'cubic'"),
        ({"stop_factor": 1.0}, "stop_factor must be above 1"),
        ({"smoothing": 1.0}, "smoothing must be at least 0 and less than 1, got 1.0"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"average_runs": 0}, "average_runs must be at least 1, got 0"),
        ({"validation_freq": -1}, "validation_freq must be at least 1, got -1"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_a_setting_outside_its_range(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lrmon.LRFinder(model(keras.optimizers.SGD(0.1))).find(X, Y, verbose=0, **arguments)


def test_a_number_of_steps_that_is_no_number() -> None:
    with pytest.raises(TypeError, match=r"steps must be a whole number, got 2\.5"):
        lrmon.LRFinder(model(keras.optimizers.SGD(0.1))).find(X, Y, steps=2.5)  # type: ignore[arg-type]


def test_a_model_that_is_not_compiled() -> None:
    network = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match=r"call model\.compile\(optimizer, loss\) first"):
        lrmon.LRFinder(network).find(X, Y)


def test_what_is_no_model() -> None:
    with pytest.raises(TypeError, match=r"tests models of Keras 3, got a builtins\.int"):
        lrmon.LRFinder(3)


def test_several_optimizers() -> None:
    if not hasattr(keras.optimizers, "MultiOptimizer"):
        return
    several = keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.1), {".*bias": keras.optimizers.Adam(0.1)})
    )
    network = model(several)
    with pytest.raises(ValueError, match="trained by several optimizers"):
        lrmon.LRFinder(network).find(X, Y)


def test_an_optimizer_that_cannot_be_made_again() -> None:
    class Own(keras.optimizers.SGD):
        def __init__(self, lr: float, *, secret: object) -> None:
            super().__init__(lr)
            self.secret = secret

    with pytest.raises(ValueError, match=r"Own cannot be made again from its get_config\(\) \(TypeError"):
        lrmon.LRFinder(model(Own(0.1, secret=object()))).find(X, Y, steps=3, verbose=0)


def test_a_learning_rate_that_is_a_function() -> None:
    """It is not refused: the sweep sets the rate itself."""
    network = model(keras.optimizers.SGD(lambda: 0.1))
    found = lrmon.LRFinder(network).find(X, Y, steps=3, start_lr=1e-4, end_lr=1e-2, verbose=0)
    assert [1e-4, 1e-3, 1e-2] == pytest.approx(found.learning_rates.tolist())


def test_plotting_before_finding() -> None:
    with pytest.raises(ValueError, match="nothing to plot yet"):
        lrmon.LRFinder(model(keras.optimizers.SGD(0.1))).plot_loss()


def test_a_train_step_that_updates_with_another_optimizer() -> None:
    if BACKEND == "jax":
        return  # there the state that a step may change has no room for one

    class Own(keras.Sequential):
        def train_step(self, *arguments: Any) -> Any:
            return self.test_step(*arguments)

    network = Own([keras.Input((5,)), keras.layers.Dense(1)])
    network.compile(keras.optimizers.SGD(0.1), "mse", **next(iter(MODES.values())))
    with pytest.raises(RuntimeError, match=r"no update of the sweep was made by model\.optimizer"):
        lrmon.LRFinder(network).find(X, Y, steps=3, verbose=0)
