"""Curves of real Keras schedules, as compiled training uses them, and the edges of real fits."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from lrmon.analysis.learning_rate.cadence import late_multiples
from lrmon.analysis.learning_rate.staircase import find_lr_changes
from tests.fits.framework import MODES, UsedRates, batches, unit_gradient_model

schedules = keras.optimizers.schedules

# With each schedule the kind of its curve, how many edges it has in 1,000 steps, and where its warm-up ends.
CURVES: dict[str, tuple[Any, str, int, int | None]] = {
    "staircase": (schedules.ExponentialDecay(0.1, 95, 0.95, staircase=True), "staircase", 10, None),
    "inverse time staircase": (
        schedules.InverseTimeDecay(0.1, 100, 0.5, staircase=True),
        "staircase",
        9,
        None,
    ),
    "piecewise": (schedules.PiecewiseConstantDecay([200, 700], [0.1, 0.05, 0.001]), "staircase", 2, None),
    "warm-up in stairs": (
        schedules.PiecewiseConstantDecay([100, 200, 600], [0.01, 0.05, 0.1, 0.01]),
        "staircase",
        3,
        201,
    ),
    "exponential": (schedules.ExponentialDecay(0.1, 95, 0.95), "smooth", 0, None),
    "slow exponential": (schedules.ExponentialDecay(0.1, 10_000_000, 0.96), "smooth", 0, None),
    "fast exponential": (schedules.ExponentialDecay(0.1, 20, 0.5), "smooth", 0, None),
    "inverse time": (schedules.InverseTimeDecay(0.1, 1, 0.002), "smooth", 0, None),
    "cosine": (schedules.CosineDecay(0.1, 900), "smooth", 0, None),
    "cosine with warm-up": (
        schedules.CosineDecay(0.0, 800, warmup_target=0.1, warmup_steps=100),
        "smooth",
        0,
        100,
    ),
    "cosine with restarts": (schedules.CosineDecayRestarts(0.1, 200, t_mul=1.0), "mixed", 4, None),
    "polynomial": (schedules.PolynomialDecay(0.1, 800, 0.01, power=2.0), "smooth", 0, None),
    "polynomial in cycles": (schedules.PolynomialDecay(0.1, 400, 1e-5, cycle=True), "mixed", 2, None),
    "line": (schedules.PolynomialDecay(0.1, 1000, 0.0), "smooth", 0, None),
    "constant": (schedules.ExponentialDecay(0.1, 5000, 0.9, staircase=True), "constant", 0, None),
}


def used(schedule: Any, steps: Any) -> NDArray[np.float32]:
    """The schedule at each of the steps, compiled as training compiles it."""

    at = tf.function(schedule, autograph=False, input_signature=[tf.TensorSpec((), tf.int64)])
    return np.array([at(tf.constant(int(step), tf.int64)).numpy() for step in steps], np.float32)


@pytest.mark.parametrize("name", CURVES)
def test_the_curve_of_a_schedule_has_its_kind_and_edges(name: str) -> None:
    schedule, kind, lr_changes, warmup_end = CURVES[name]
    staircase = find_lr_changes(used(schedule, range(1000)), np.arange(0, 1000, 50))
    assert (kind, lr_changes, warmup_end) == (staircase.kind, staircase.step.size, staircase.warmup_end)


def test_a_long_cosine_is_smooth_at_its_head_and_at_its_foot() -> None:
    steps = np.concatenate([np.arange(1000), np.arange(50_000, 50_100), np.arange(98_000, 100_050)])
    staircase = find_lr_changes(used(schedules.CosineDecay(0.1, 100_000), steps), [0], steps=steps)
    assert ("smooth", 0) == (staircase.kind, staircase.step.size)


@pytest.mark.parametrize("decay_steps", [7, 41, 47, 55, 61, 76, 82, 95, 97, 100, 391, 1000, 9973])
def test_the_multiples_that_come_late_are_those_of_the_compiled_schedule(decay_steps: int) -> None:
    multiples = np.arange(1, 25)
    lrs = used(schedules.ExponentialDecay(1.0, decay_steps, 0.5, staircase=True), multiples * decay_steps)
    assert (lrs > 0.5**multiples).tolist() == late_multiples(decay_steps, multiples).tolist()


def test_how_many_decay_steps_come_late() -> None:
    first = np.array([1])
    assert 1247 == sum(bool(late_multiples(decay_steps, first)[0]) for decay_steps in range(2, 10_001))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("decay_steps", [41, 50])
def test_the_edges_of_a_fit_are_found_where_its_updates_changed(mode: str, decay_steps: int) -> None:
    schedule = schedules.ExponentialDecay(0.5, decay_steps, 0.5, staircase=True)
    model = unit_gradient_model(keras.optimizers.SGD(schedule), **MODES[mode])
    lrs = UsedRates()
    model.fit(**batches(41), epochs=5, callbacks=[lrs])
    staircase = find_lr_changes(lrs.lrs, np.arange(5) * 41, decay_steps=decay_steps)
    assert "staircase" == staircase.kind
    multiples = np.arange(1, -(-205 // decay_steps))
    late = late_multiples(decay_steps, multiples) & (mode != "eager")
    assert (multiples * decay_steps + late).tolist() == staircase.step.tolist()
    assert staircase.cadence is not None
    assert (decay_steps, late.tolist(), 41) == (
        staircase.cadence.decay_steps,
        staircase.cadence.late.tolist(),
        staircase.cadence.aligned_decay_steps,
    )
    assert (decay_steps - 41) == staircase.cadence.drift


def test_a_scheduler_that_drops_at_epochs_steps_on_their_first_batch() -> None:
    model = unit_gradient_model(keras.optimizers.SGD(0.5))
    lrs = UsedRates()
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: 0.5 ** (1 + epoch // 3))
    model.fit(**batches(7), epochs=10, callbacks=[lrs, scheduler])
    staircase = find_lr_changes(lrs.lrs, np.arange(10) * 7)
    assert [21, 42, 63] == staircase.step.tolist()
    assert [3, 6, 9] == staircase.epoch.tolist()
    assert staircase.on_boundary.all()
    assert staircase.cadence is not None
    assert 0 == staircase.cadence.drift


def test_the_tutorials_mystery_is_found_in_a_real_fit() -> None:
    schedule = schedules.ExponentialDecay(0.1, 95, 0.95, staircase=True)
    model = unit_gradient_model(keras.optimizers.SGD(schedule))
    lrs = UsedRates()
    # As many batches as 193,608 samples are with validation_split 0.2 and batches of 2,048.
    model.fit(**batches(-(-int(193_608 * 0.8) // 2_048)), epochs=6, callbacks=[lrs])
    staircase = find_lr_changes(lrs.lrs, np.arange(6) * 76)
    assert [95, 190, 285, 380] == staircase.step.tolist()
    assert [19, 38, 57, 0] == staircase.offset.tolist()
    assert staircase.cadence is not None
    assert (19, 76) == (staircase.cadence.drift, staircase.cadence.aligned_decay_steps)
