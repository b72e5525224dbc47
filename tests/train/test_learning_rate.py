"""The recorded learning rate is the one that moved the weights, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras.optimizers import schedules

import lrmon
from tests.fits.framework import MODES, UsedRates, batches, unit_gradient_model
from tests.recorded import recorded

# Beside those of tests/fits, which every set-up has.
SCHEDULES: dict[str, Callable[[], Any]] = {
    "exponential": lambda: schedules.ExponentialDecay(0.1, 41, 0.5),
    "piecewise": lambda: schedules.PiecewiseConstantDecay([10, 41, 90], [0.1, 0.07, 0.03, 0.011]),
    "inverse time": lambda: schedules.InverseTimeDecay(0.1, 47, 0.7),
    "inverse time staircase": lambda: schedules.InverseTimeDecay(0.1, 47, 0.7, staircase=True),
    "cosine restarts": lambda: schedules.CosineDecayRestarts(0.1, 41),
}


def same_bits(expected: list[float], actual: Any) -> None:
    # A rate of 0 is read off the weight as -0.
    expected_bits = (np.array(expected, np.float32) + np.float32(0)).view(np.uint32)
    np.testing.assert_array_equal(expected_bits, np.asarray(actual, np.float32).view(np.uint32))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_of_a_schedule_is_the_one_that_each_update_used(
    tmp_path: Path, schedule: str, mode: str
) -> None:
    model = unit_gradient_model(keras.optimizers.SGD(SCHEDULES[schedule]()), **MODES[mode])
    used = UsedRates()
    model.fit(**batches(48), epochs=3, callbacks=[used, lrmon.LRMonitor(tmp_path)])
    same_bits(used.lrs, recorded(tmp_path).learning_rate)


@pytest.mark.parametrize(("mode", "first_lower"), [("graph", 42), ("jit", 42), ("eager", 41)])
def test_a_compiled_staircase_of_41_steps_falls_at_step_42(
    tmp_path: Path, mode: str, first_lower: int
) -> None:
    """Compiled training multiplies by float32(1/41), and 41 of that is a little below 1."""
    schedule = schedules.ExponentialDecay(0.1, 41, 0.5, staircase=True)
    model = unit_gradient_model(keras.optimizers.SGD(schedule), **MODES[mode])
    used = UsedRates()
    model.fit(**batches(50), callbacks=[used, lrmon.LRMonitor(tmp_path)])
    lrs = recorded(tmp_path).learning_rate
    same_bits(used.lrs, lrs)
    assert [0.1, 0.05] == [round(float(lr), 6) for lr in lrs[first_lower - 1 : first_lower + 1]]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("steps_per_execution", [7, 48, 3000])
def test_every_step_of_an_execution_is_recorded(tmp_path: Path, steps_per_execution: int, mode: str) -> None:
    model = unit_gradient_model(
        keras.optimizers.SGD(schedules.ExponentialDecay(0.1, 41, 0.5, staircase=True)),
        steps_per_execution=steps_per_execution,
        **MODES[mode],
    )
    model.fit(**batches(50), epochs=3, callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    weight = np.float32(0)
    weights = []
    for lr in run.learning_rate:
        weights.append(weight)
        weight -= lr
    assert list(range(150)) == run.step.tolist()
    assert float(weight) == float(model.layers[-1].weight.numpy())
    np.testing.assert_allclose(np.array(weights), run.loss, rtol=2**-22)
    assert (run.rows[:, 3] >= 0).all()


@pytest.mark.parametrize("mode", ["graph", pytest.param("jit", marks=pytest.mark.long)])
def test_5000_rates_of_one_epoch_are_those_used(tmp_path: Path, mode: str) -> None:
    model = unit_gradient_model(
        keras.optimizers.SGD(schedules.CosineDecay(0.1, 5000, warmup_target=0.2, warmup_steps=333)),
        **MODES[mode],
    )
    used = UsedRates()
    model.fit(**batches(5000), callbacks=[used, lrmon.LRMonitor(tmp_path)])
    same_bits(used.lrs, recorded(tmp_path).learning_rate)


@pytest.mark.parametrize("mode", MODES)
def test_gradient_accumulation_sees_the_schedule_at_raw_iterations(tmp_path: Path, mode: str) -> None:
    schedule = schedules.ExponentialDecay(0.1, 10, 0.5)
    model = unit_gradient_model(keras.optimizers.SGD(schedule, gradient_accumulation_steps=4), **MODES[mode])
    used = UsedRates()
    model.fit(**batches(32), callbacks=[used, lrmon.LRMonitor(tmp_path)])
    lrs = recorded(tmp_path).learning_rate
    same_bits(used.lrs[3::4], lrs[3::4])
    assert [0.0] * 24 == [lr for batch, lr in enumerate(used.lrs) if batch % 4 != 3]
    np.testing.assert_allclose(0.1 * 0.5 ** (np.arange(32) / 10), lrs, rtol=1e-6)


def test_a_fit_under_loss_scaling_records_the_inner_optimizers_rate(tmp_path: Path) -> None:
    schedule = schedules.ExponentialDecay(0.1, 5, 0.5, staircase=True)
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(schedule), initial_scale=8.0)
    model = unit_gradient_model(optimizer)
    used = UsedRates()
    model.fit(**batches(20), callbacks=[used, lrmon.LRMonitor(tmp_path)])
    same_bits(used.lrs, recorded(tmp_path).learning_rate)
    assert "SGD" == recorded(tmp_path).fits[0]["optimizer"]["class_name"]
