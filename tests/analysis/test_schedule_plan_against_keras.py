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

from lrmon.analysis.learning_rate.schedules import keras_schedule, schedule_of_keras

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
    known = schedule_of_keras(schedule)
    assert known is not None
    actual = known.learning_rates(STEPS, compiled=compiled)

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
    known = schedule_of_keras(schedule)
    assert known is not None
    actual = known.learning_rates(STEPS, compiled=compiled)

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
    known = keras_schedule(class_name, config)

    assert known is None or known.learning_rates([0, 1]) is None


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
    known = keras_schedule(class_name, config)

    assert known is not None
    assert expected == known.drop_every


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("polynomial", 300),
        ("cosine", 250),
        ("cosine after a warm-up", 261),
        ("polynomial in cycles", None),
        ("cosine with restarts", None),
        ("exponential", None),
        ("staircase", None),
    ],
)
def test_a_schedule_stays_at_its_final_value_from_its_end_on(name: str, end: int | None) -> None:
    schedule = SCHEDULES[name]()
    known = schedule_of_keras(schedule)
    assert known is not None
    assert end == known.end

    lrs = np.array([float(schedule(step)) for step in range(401)])
    changes = np.flatnonzero(np.diff(lrs)) + 1
    if end is not None:
        assert changes[-1] <= end
        assert changes[-1] >= end - 2
    else:
        assert changes[-1] > 300


def test_a_warm_up_ends_at_the_peak() -> None:
    schedule = SCHEDULES["cosine after a warm-up"]()
    known = schedule_of_keras(schedule)
    assert known is not None

    assert known.warmup_steps == int(np.argmax([float(schedule(step)) for step in range(200)]))
    for name in ("cosine", "exponential", "constants"):
        without = schedule_of_keras(SCHEDULES[name]())
        assert without is not None
        assert 0 == without.warmup_steps


def test_a_class_of_a_user_is_not_taken_for_one_of_keras() -> None:
    class ExponentialDecay(S.ExponentialDecay):  # type: ignore[name-defined]
        pass

    assert None is schedule_of_keras(ExponentialDecay(0.1, 5, 0.5))


def test_every_schedule_of_keras_is_known() -> None:
    names = {
        name
        for name, schedule in vars(S).items()
        if isinstance(schedule, type) and name not in ("LearningRateSchedule", "CosineDecayRestarts")
    }

    assert names
    assert all(keras_schedule(name, {}) is not None for name in (*names, "CosineDecayRestarts"))
