"""The smoothed line is TensorBoard's: held against the rule as one would write it down."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmon.analysis.loss.smoothing import smooth

WEIGHTS = st.one_of(
    st.sampled_from([0.0, 1e-300, 1e-20, 0.5, 0.6, 0.9, 0.99, 0.999, 0.999999]), st.floats(0.0, 0.9999)
)
VALUES = st.lists(
    st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, 1e30, math.nan, math.inf, -math.inf])),
    max_size=700,
)


def slow(values: list[float], weight: float) -> list[float]:
    """What TensorBoard's Time Series dashboard computes, value by value."""
    if all(value == values[0] for value in values):
        return values
    smoothed, last, count = [], 0.0, 0
    for value in values:
        if math.isfinite(value):
            last = last * weight + (1.0 - weight) * value
            count += 1
            smoothed.append(last / (1.0 - weight**count))
        else:
            smoothed.append(value)
    return smoothed


@given(values=VALUES, weight=WEIGHTS)
def test_smooth_equals_the_loop(values: list[float], weight: float) -> None:
    magnitudes = np.abs(slow([abs(value) for value in values], weight))
    expected, actual = np.array(slow(values, weight)), smooth(values, weight=weight)
    finite = np.isfinite(expected)

    np.testing.assert_array_equal(expected[~finite], actual[~finite])
    # Rounding errors are as large as the values that were added, not as their sum; and 1 - weight ** n
    # of a weight near 1 loses digits in the loop.
    tolerance = 1e-9 if weight < 0.9999 else 1e-6
    error = np.abs(expected[finite] - actual[finite])
    assert bool((error <= tolerance * magnitudes[finite] + 1e-300).all())


@pytest.mark.parametrize("weight", [0.6, 0.999])
def test_smooth_of_a_long_series_equals_the_loop(weight: float) -> None:
    values = np.random.default_rng(7).normal(1.0, 0.3, size=20_000)

    np.testing.assert_allclose(smooth(values, weight=weight), slow(values.tolist(), weight), rtol=1e-11)


def test_weight_0_leaves_every_value_as_it_is() -> None:
    values = np.array([0.1, math.nan, -3.0, math.inf, 1e-40])

    np.testing.assert_array_equal(values, smooth(values, weight=0.0))


def test_a_constant_series_stays_as_it_is() -> None:
    assert [0.1] * 1000 == smooth([0.1] * 1000, weight=0.999).tolist()


def test_a_nan_neither_ends_the_line_nor_counts() -> None:
    with_nan, without = smooth([1.0, math.nan, 2.0, 4.0], weight=0.6), smooth([1.0, 2.0, 4.0], weight=0.6)

    assert math.isnan(with_nan[1])
    assert without.tolist() == with_nan[[0, 2, 3]].tolist()


def test_the_first_value_is_not_drawn_towards_0() -> None:
    assert smooth([5.0, 1.0], weight=0.999)[0] == pytest.approx(5.0)


@pytest.mark.parametrize("values", [[], [3.5], [math.nan], [math.nan, math.nan]])
def test_series_without_a_second_value_stay_as_they_are(values: list[float]) -> None:
    np.testing.assert_array_equal(np.array(values), smooth(values, weight=0.9))


def test_the_input_is_not_changed() -> None:
    values = np.array([1.0, 2.0, 3.0])
    smooth(values, weight=0.9)

    assert [1.0, 2.0, 3.0] == values.tolist()


@pytest.mark.parametrize("weight", [-0.1, 1.0, 1.5, math.nan])
def test_a_weight_outside_its_range_is_an_error(weight: float) -> None:
    with pytest.raises(ValueError, match="weight must be at least 0 and less than 1, got"):
        smooth([1.0, 2.0], weight=weight)


def test_two_dimensions_are_an_error() -> None:
    with pytest.raises(ValueError, match="values must have one dimension, got 2"):
        smooth([[1.0], [2.0]], weight=0.5)


def test_a_million_values_take_less_than_a_tenth_of_a_second() -> None:
    values = np.random.default_rng(7).normal(size=1_000_000).astype(np.float32)
    durations = []
    for _ in range(5):
        start = time.perf_counter()
        smooth(values, weight=0.999)
        durations.append(time.perf_counter() - start)

    assert min(durations) < 0.1
