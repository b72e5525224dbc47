"""Optimizers that train a model beside the one that Keras was given, or in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from lrmon import schema
from tests.fits.framework import (
    MODES,
    ON_TENSORFLOW,
    SETUP,
    api,
    batches,
    number_of,
    same_bits,
    unit_gradient_model,
)
from tests.fits.two_optimizers import CRITIC_UPDATES, EVERY, adversarial, fit
from tests.recorded import Recorded, recorded

optimizers = api.optimizers
schedules = optimizers.schedules

BATCHES = 8
CRITIC_RATES = [0.5, 0.25, 0.125]
GENERATOR_RATES = [0.75, 0.0625]


def critic_schedule() -> Any:
    """It only chooses among numbers; it falls in the middle of a batch, too."""
    return schedules.PiecewiseConstantDecay([4, 11], CRITIC_RATES)


def generator_schedule() -> Any:
    return schedules.PiecewiseConstantDecay([1], GENERATOR_RATES)


def falls(iterations: Any, borders: list[int], lrs: list[float]) -> Any:
    """What a PiecewiseConstantDecay gives: the border itself is still in the piece before it."""
    return np.asarray(lrs, np.float32)[np.searchsorted(borders, iterations, side="left")]


def by_name(run: Recorded) -> tuple[dict[str, Any], dict[str, Any]]:
    """By name of the optimizer, the learning rates and the updates of each batch."""
    names = [optimizer["name"] for optimizer in run.fits[-1]["optimizers"]]
    return dict(zip(names, run.lrs.T, strict=True)), dict(zip(names, run.updates.T, strict=True))


NAMES = {
    "model": ("critic_optimizer", "generator_optimizer"),
    "dict": ("optimizers_by_name[critic]", "optimizers_by_name[generator]"),
    "elsewhere": ("first", "second"),
}
if SETUP == "jax":
    # There an optimizer has to be part of the state that Keras hands through the step.
    NAMES["elsewhere"] = ("pair[0]", "pair[1]")


@pytest.mark.parametrize("held", NAMES)
@pytest.mark.parametrize("mode", MODES)
def test_each_optimizer_that_makes_updates_has_an_exact_series(tmp_path: Path, mode: str, held: str) -> None:
    critic = optimizers.SGD(critic_schedule(), name="first")
    generator = optimizers.SGD(generator_schedule(), name="second")
    model = adversarial(critic, generator, held, **MODES[mode])
    fit(model, BATCHES, [lrmon.LRMonitor(tmp_path)])

    run = recorded(tmp_path)
    first, second = NAMES[held]
    lrs, updates = by_name(run)
    made = [0 if (batch + 1) % EVERY else 1 for batch in range(BATCHES)]
    critic_iterations = np.arange(BATCHES) * CRITIC_UPDATES
    generator_iterations = np.cumsum(made) - made
    same_bits(falls(critic_iterations, [4, 11], CRITIC_RATES), lrs[first])
    # One that only its first update makes known has none before that.
    known = slice(1 if held == "elsewhere" and mode == "eager" else 0, None)
    same_bits(falls(generator_iterations, [1], GENERATOR_RATES)[known], lrs[second][known])
    assert [CRITIC_UPDATES] * BATCHES == updates[first].tolist()
    assert made == updates[second].tolist()
    # What the weights were moved by.
    every_update = falls(np.arange(BATCHES * CRITIC_UPDATES), [4, 11], CRITIC_RATES)
    assert -float(every_update.sum()) == number_of(model.critic.trainable_weights[0])
    assert -float(lrs[second][updates[second] > 0].sum()) == number_of(model.generator.trainable_weights[0])


@pytest.mark.parametrize("mode", MODES)
def test_the_record_says_whose_learning_rate_is_the_main_column(tmp_path: Path, mode: str) -> None:
    model = adversarial(optimizers.SGD(0.5), optimizers.SGD(0.25), "model", **MODES[mode])
    fit(model, BATCHES, [lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    record = run.fits[-1]
    assert "critic_optimizer" == record["main_optimizer"]
    assert schema.EXACT == record["exactness"]["learning_rate"]
    same_bits([0.5] * BATCHES, run.learning_rate)
    same_bits([0.5] * BATCHES, run.scalars[schema.SCALAR_LEARNING_RATE][1])
    steps, values, _ = run.scalars[f"{schema.SCALAR_LEARNING_RATE_PREFIX}generator_optimizer"]
    assert list(range(1, BATCHES, EVERY)) == steps
    same_bits([0.25] * len(steps), values)
    # The optimizer that Keras was given has trained nothing, so no dashboard has a curve of it.
    unused = {optimizer["name"] for optimizer in record["optimizers"]} - {
        "critic_optimizer",
        "generator_optimizer",
    }
    assert not {f"{schema.SCALAR_LEARNING_RATE_PREFIX}{name}" for name in unused} & set(run.scalars)


def test_steps_count_batches_whatever_the_optimizer_counts(tmp_path: Path) -> None:
    monitor = lrmon.LRMonitor(tmp_path)
    model = adversarial(optimizers.SGD(0.5), optimizers.SGD(0.25), "model")
    fit(model, BATCHES, [monitor])
    fit(model, BATCHES, [monitor])
    run = recorded(tmp_path)
    assert list(range(2 * BATCHES)) == run.step.tolist()
    first, last = run.fits[0], run.fits[-1]
    assert [0, BATCHES * CRITIC_UPDATES] == [first["first_iteration"], last["first_iteration"]]
    assert 1 == len(run.recordings)


class Unoptimized(api.Model):
    """Moves its weight without any optimizer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = api.layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        return self.layer(inputs)

    if ON_TENSORFLOW or SETUP == "torch":

        def train_step(self, data: Any) -> Any:
            for weight in self.trainable_variables:
                weight.assign(weight * 0.5)
            return {"loss": 0 * weight[0] + 1.0 if len(weight.shape) == 1 else 1.0}

    else:

        def train_step(self, state: Any, data: Any) -> Any:  # type: ignore[misc]
            trainable, *others = state
            return {"loss": 1.0}, ([value * 0.5 for value in trainable], *others)


@pytest.mark.parametrize("mode", MODES)
def test_where_no_optimizer_makes_an_update_the_learning_rate_is_unavailable(
    tmp_path: Path, mode: str
) -> None:
    model = Unoptimized()
    model(np.ones((1, 1), np.float32))
    model.compile("sgd", **MODES[mode])
    fit(model, 4, [lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    record = run.fits[-1]
    assert np.isnan(run.learning_rate).all()
    assert np.isnan(run.effective_learning_rate).all()
    assert schema.UNAVAILABLE == record["exactness"]["learning_rate"]
    assert record["learning_rate_provenance"].startswith("none: ")
    assert record["optimizer"] is None
    assert [0, 1, 2, 3] == run.step.tolist()


def test_an_optimizer_that_a_callback_holds_is_found(tmp_path: Path) -> None:
    class Trainer(api.callbacks.Callback):
        """Moves a weight of its own after each batch: that is no update of the training step."""

        def __init__(self) -> None:
            super().__init__()
            self.own_optimizer = optimizers.SGD(0.125)

    model = unit_gradient_model(optimizers.SGD(0.5))
    model.fit(**batches(3), callbacks=[Trainer(), lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    lrs, updates = by_name(run)
    same_bits([0.5] * 3, run.learning_rate)
    assert [0, 0, 0] == updates["own_optimizer"].tolist()
    assert record_names(run) == [run.fits[-1]["main_optimizer"], "own_optimizer"]
    assert lrs["own_optimizer"].tolist() == [0.125] * 3


def record_names(run: Recorded) -> list[str]:
    return [optimizer["name"] for optimizer in run.fits[-1]["optimizers"]]
