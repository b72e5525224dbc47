"""The effective learning rate is what the optimizer's own slots and weights say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lrmon
from tests.recorded import recorded
from tests.train.models import batches


class Slots(keras.callbacks.Callback):
    """After each batch: the weight and the optimizer's two slots of it."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[float, ...]] = [(0.0, 0.0, 0.0)]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        optimizer, weight = self.model.optimizer, self.model.trainable_variables[0]
        second = optimizer._u if hasattr(optimizer, "_u") else optimizer._velocities
        slots = optimizer._momentums if hasattr(optimizer, "_momentums") else optimizer._m
        self.rows.append((weight.numpy().item(), slots[0].numpy().item(), second[0].numpy().item()))


def quadratic_model(optimizer: Any) -> keras.Model:
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")]
    )
    model.compile(optimizer, "mse")
    return model


SCHEDULE = keras.optimizers.schedules.ExponentialDecay(0.01, 20, 0.5)


@pytest.mark.parametrize(
    ("optimizer", "scale"),
    [
        (lambda: keras.optimizers.Adam(SCHEDULE, epsilon=1e-12), np.sqrt),
        (lambda: keras.optimizers.AdamW(SCHEDULE, weight_decay=0.0, epsilon=1e-12, beta_2=0.99), np.sqrt),
        (lambda: keras.optimizers.Adamax(SCHEDULE, epsilon=1e-12), np.asarray),
    ],
    ids=["Adam", "AdamW", "Adamax"],
)
def test_the_effective_rate_is_the_factor_between_slots_and_step(
    tmp_path: Path, optimizer: Callable[[], Any], scale: Callable[[Any], Any]
) -> None:
    model, slots = quadratic_model(optimizer()), Slots()
    model.fit(**batches(60), callbacks=[slots, lrmon.LRMonitor(tmp_path)])
    weight, moment, second = np.array(slots.rows[1:]).T
    previous = np.concatenate(([1.0], weight[:-1]))
    factor = (previous - weight) * scale(second) / moment
    np.testing.assert_allclose(factor, recorded(tmp_path).effective_learning_rate, rtol=2e-4)


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adagrad", "Adadelta", "Ftrl", "Lion", "Lamb"])
def test_where_the_optimizer_does_not_scale_it_is_the_learning_rate(tmp_path: Path, name: str) -> None:
    model = quadratic_model(getattr(keras.optimizers, name)(SCHEDULE))
    model.fit(**batches(30), callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    np.testing.assert_array_equal(run.learning_rate, run.effective_learning_rate)


class OwnOptimizer(keras.optimizers.Adam):
    """Nobody knows what it does."""


@pytest.mark.parametrize(
    ("optimizer", "reason"),
    [
        (keras.optimizers.Nadam, "none: Nadam scales gradient and momentum differently"),
        (OwnOptimizer, "none: the update of OwnOptimizer is not known to lrmon"),
    ],
)
def test_where_no_single_number_exists_it_is_nan_and_says_why(
    tmp_path: Path, optimizer: Callable[..., Any], reason: str
) -> None:
    model = quadratic_model(optimizer(0.01))
    model.fit(**batches(30), callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    assert [True] * 30 == np.isnan(run.effective_learning_rate).tolist()
    assert [np.float32(0.01)] * 30 == run.learning_rate.tolist()
    assert reason == run.fits[0]["effective_learning_rate_source"]


def test_adafactors_relative_step_is_in_it(tmp_path: Path) -> None:
    model = quadratic_model(keras.optimizers.Adafactor(0.3))
    model.fit(**batches(30), callbacks=[lrmon.LRMonitor(tmp_path)])
    expected = np.minimum(np.float32(0.3), 1 / np.sqrt(np.arange(1, 31)))
    np.testing.assert_allclose(expected, recorded(tmp_path).effective_learning_rate, rtol=1e-6)


def test_accumulated_gradients_count_as_one_update(tmp_path: Path) -> None:
    model = quadratic_model(keras.optimizers.Adam(0.01, gradient_accumulation_steps=4))
    model.fit(**batches(32), callbacks=[lrmon.LRMonitor(tmp_path)])
    t = np.arange(32) // 4 + 1
    expected = np.float32(0.01) * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    np.testing.assert_allclose(expected, recorded(tmp_path).effective_learning_rate, rtol=1e-6)
