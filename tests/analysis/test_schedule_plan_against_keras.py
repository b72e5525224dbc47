"""Schedules by their formulas against Keras' own, compiled and not."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from lrmon.analysis.learning_rate.schedules import planned_lrs, staircase_decay_steps

S = keras.optimizers.schedules
STEPS = np.concatenate((np.arange(0, 400), [999, 1000, 1001, 4096, 99_999]))

SCHEDULES: dict[str, Any] = {
    "exponential": lambda: S.ExponentialDecay(0.1, 95, 0.95),
    "staircase": lambda: S.ExponentialDecay(0.1, 95, 0.95, staircase=True),
    "staircase that is late": lambda: S.ExponentialDecay(0.1, 41, 0.5, staircase=True),
    "inverse time": lambda: S.InverseTimeDecay(0.1, 1, 0.002),
    "inverse time in stairs": lambda: S.InverseTimeDecay(0.1, 47, 0.5, staircase=True),
    "polynomial": lambda: S.PolynomialDecay(0.1, 300, 0.01, power=0.5),
    "polynomial in cycles": lambda: S.PolynomialDecay(0.1, 55, 0.0, power=2.0, cycle=True),
    "cosine": lambda: S.CosineDecay(0.1, 250, alpha=0.1),
    "cosine after a warm-up": lambda: S.CosineDecay(0.0, 200, warmup_target=0.1, warmup_steps=61),
    "cosine with restarts": lambda: S.CosineDecayRestarts(0.1, 40, t_mul=2.0, m_mul=0.9, alpha=0.05),
    "cosine with even restarts": lambda: S.CosineDecayRestarts(0.1, 64, t_mul=1.0),
    "constants": lambda: S.PiecewiseConstantDecay([76, 152], [0.1, 0.05, 0.01]),
}


def by_keras(schedule: Any, *, compiled: bool) -> npt.NDArray[np.float32]:
    def lr(step: Any) -> Any:
        return schedule(step)

    if compiled:
        lr = tf.function(lr, autograph=False, input_signature=[tf.TensorSpec((), tf.int64)])
    return np.array([float(lr(tf.constant(step, tf.int64))) for step in STEPS], dtype=np.float32)


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_known_by_its_configuration(name: str, compiled: bool) -> None:
    schedule = SCHEDULES[name]()
    expected = by_keras(schedule, compiled=compiled)
    actual = planned_lrs(type(schedule).__name__, schedule.get_config(), STEPS, compiled=compiled)

    assert actual is not None
    # Near the foot of a cosine only the peak's roundings count.
    assert float(np.abs(actual - expected).max()) <= 1e-6 * float(expected.max())


@pytest.mark.parametrize(
    "name", ["staircase", "staircase that is late", "inverse time in stairs", "constants"]
)
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
def test_it_steps_where_training_steps(name: str, compiled: bool) -> None:
    schedule = SCHEDULES[name]()
    expected = by_keras(schedule, compiled=compiled)
    actual = planned_lrs(type(schedule).__name__, schedule.get_config(), STEPS, compiled=compiled)

    assert actual is not None
    assert (np.flatnonzero(np.diff(expected)) + 1).tolist() == (np.flatnonzero(np.diff(actual)) + 1).tolist()


@pytest.mark.parametrize(
    ("class_name", "config"),
    [
        ("MyDecay", {}),
        ("ExponentialDecay", {}),
        ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 0, "decay_rate": 0.9}),
        ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": "many", "decay_rate": 0.9}),
        ("ExponentialDecay", {"initial_learning_rate": {}, "decay_steps": 5, "decay_rate": 0.9}),
        ("PiecewiseConstantDecay", {"boundaries": [5, 3], "values": [1, 2, 3]}),
        ("PiecewiseConstantDecay", {"boundaries": None, "values": [1]}),
    ],
)
def test_a_schedule_that_nobody_knows_has_no_plan(class_name: str, config: dict[str, Any]) -> None:
    assert None is planned_lrs(class_name, config, [0, 1])


@pytest.mark.parametrize(
    ("class_name", "config", "expected"),
    [
        ("ExponentialDecay", {"decay_steps": 95, "staircase": True}, 95),
        ("InverseTimeDecay", {"decay_steps": 95.0, "staircase": True}, 95),
        ("ExponentialDecay", {"decay_steps": 95, "staircase": False}, None),
        ("ExponentialDecay", {"decay_steps": 9.5, "staircase": True}, None),
        ("ExponentialDecay", {"decay_steps": "NaN", "staircase": True}, None),
        ("PolynomialDecay", {"decay_steps": 95}, None),
    ],
)
def test_a_staircase_says_its_decay_steps(
    class_name: str, config: dict[str, Any], expected: int | None
) -> None:
    assert expected == staircase_decay_steps(class_name, config)
