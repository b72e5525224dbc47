"""The recorded learning rate is the one that moved the weights, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lrmon
from tests.fits.framework import (
    IS_TF_KERAS,
    MODES,
    ON_TENSORFLOW,
    UsedRates,
    api,
    batches,
    same_bits,
    set_learning_rate,
    unit_gradient_model,
)
from tests.fits.reference import Reference
from tests.recorded import recorded

schedules = api.optimizers.schedules

SCHEDULES: dict[str, Callable[[], Any]] = {
    "constant": lambda: 0.123,
    "staircase": lambda: schedules.ExponentialDecay(0.1, 41, 0.5, staircase=True),
    "polynomial": lambda: schedules.PolynomialDecay(0.1, 47, 0.001, power=2.0, cycle=True),
    "cosine with warm-up": lambda: schedules.CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=41),
}


class EveryBatch(api.callbacks.Callback):
    """Sets the rate between batches, in the hook that comes before and in the one that comes after."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch % 2:
            set_learning_rate(self.model.optimizer, 0.5 / (batch + 1))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch % 3 == 0:
            set_learning_rate(self.model.optimizer, 0.3 / (batch + 1))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_of_a_schedule_is_the_one_that_each_update_used(
    tmp_path: Path, schedule: str, mode: str
) -> None:
    model = unit_gradient_model(api.optimizers.SGD(SCHEDULES[schedule]()), **MODES[mode])
    used = UsedRates()
    model.fit(**batches(44), epochs=2, callbacks=[used, lrmon.LRMonitor(tmp_path)])
    same_bits(used.lrs, recorded(tmp_path).learning_rate)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("position", ["first", "last"])
def test_a_rate_assigned_between_batches_is_recorded_wherever_the_monitor_stands(
    tmp_path: Path, reference: Reference, position: str, mode: str
) -> None:
    model = unit_gradient_model(api.optimizers.SGD(0.1), **MODES[mode])
    used, monitor = UsedRates(), lrmon.LRMonitor(tmp_path)
    others = [used, EveryBatch()]
    model.fit(
        **batches(7), epochs=2, callbacks=[monitor, *others] if position == "first" else [*others, monitor]
    )
    assert len(set(used.lrs)) > 3
    run = recorded(tmp_path)
    same_bits(used.lrs, run.learning_rate)
    reference.way("learning rate assigned between batches", run)


CALLBACKS: dict[str, Callable[[], Any]] = {
    "`LearningRateScheduler`": lambda: api.callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.7**epoch),
    "`ReduceLROnPlateau`": lambda: api.callbacks.ReduceLROnPlateau("loss", 0.3, patience=1, min_delta=1e9),
}


@pytest.mark.parametrize("position", ["first", "last"])
@pytest.mark.parametrize("callback", CALLBACKS)
def test_the_rate_that_a_callback_of_keras_sets_is_recorded(
    tmp_path: Path, reference: Reference, callback: str, position: str
) -> None:
    model = unit_gradient_model(api.optimizers.SGD(0.1))
    used, monitor = UsedRates(), lrmon.LRMonitor(tmp_path)
    others = [used, CALLBACKS[callback]()]
    model.fit(
        **batches(3), epochs=5, callbacks=[monitor, *others] if position == "first" else [*others, monitor]
    )
    assert len(set(used.lrs)) > 3
    run = recorded(tmp_path)
    same_bits(used.lrs, run.learning_rate)
    reference.way(callback, run)


def test_a_schedule_put_in_place_of_a_number_is_recorded_as_the_step_has_it(
    tmp_path: Path, reference: Reference
) -> None:
    """TensorFlow's compiled step goes on with the number."""

    class Replace(api.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 2:
                self.model.optimizer.learning_rate = schedules.ExponentialDecay(0.2, 1, 0.5)

    way = "schedule put in place of a number in training"
    model = unit_gradient_model(api.optimizers.SGD(0.1))
    used = UsedRates()
    callbacks = [used, Replace(), lrmon.LRMonitor(tmp_path)]
    model.fit(**batches(8), callbacks=callbacks)
    run = recorded(tmp_path)
    same_bits(used.lrs, run.learning_rate)
    assert (1 if ON_TENSORFLOW else 6) == len(set(used.lrs))
    reference.way(way, run)


@pytest.mark.parametrize("mode", MODES)
def test_a_rate_given_as_a_function_is_recorded_as_the_optimizer_got_it(
    tmp_path: Path, reference: Reference, mode: str
) -> None:
    calls: list[float] = []

    def lr() -> float:
        calls.append(0.5 ** len(calls))
        return calls[-1]

    optimizer = api.optimizers.legacy.SGD(lr) if IS_TF_KERAS else api.optimizers.SGD(lr)
    model = unit_gradient_model(optimizer, **MODES[mode])
    used = UsedRates()
    model.fit(**batches(6), callbacks=[used, lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    same_bits(used.lrs, run.learning_rate)
    reference.way("`learning_rate` given as a function", run)
