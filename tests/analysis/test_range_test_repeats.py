"""Several sweeps together, and a training beside them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrmon.analysis.range_test.analyze import METHODS, analyze, combine, compare
from tests.analysis.sweeps import swept


def test_one_sweep_together_is_the_sweep() -> None:
    test = analyze(*swept(200))

    together = combine([test])

    for name in METHODS:
        one, spread = test.suggestions[name], together.suggestions[name]
        assert (one.learning_rate, one.learning_rate, one.learning_rate, 0.0, 1, one.reason) == (
            spread.median, spread.low, spread.high, spread.spread, spread.sweep_count, spread.reason,
        )  # fmt: skip
    assert test.cautions == together.cautions


def test_no_sweep_suggests_nothing() -> None:
    together = combine([])

    assert (None, 0, "There is no sweep.") == (
        together.recommended.median,
        together.recommended.sweep_count,
        together.recommended.reason,
    )
    assert () == together.cautions


def test_several_sweeps_give_the_median_and_the_spread_in_decades() -> None:
    positions = [1e-4, 3e-4, 1e-3]
    tests = [analyze(*swept(400, falls_at=position, breaks_at=300 * position)) for position in positions]

    steepest = combine(tests).suggestions["steepest"]

    assert [1e-4, 3e-4, 1e-3] == pytest.approx([steepest.low, steepest.median, steepest.high], rel=0.1)
    assert steepest.spread == pytest.approx(1.0, abs=0.05)
    assert steepest.sweep_count == 3
    assert steepest.reason.startswith("The median of all 3 sweeps, which lie between")


def test_a_recommendation_that_moves_by_more_than_a_decade_is_a_problem() -> None:
    tests = [analyze(*swept(200, falls_at=position, breaks_at=300 * position)) for position in (1e-5, 1e-3)]

    cautions = combine(tests).cautions

    assert ["spread"] == [problem.code for problem in cautions]
    assert "moves by 2.0 decades" in cautions[0].text


def test_a_problem_of_half_of_the_sweeps_is_one_of_all() -> None:
    flat, clear = analyze(np.geomspace(1e-7, 10, 200), np.full(200, 2.0)), analyze(*swept(200))

    assert ["flat", "no-divergence"] == [problem.code for problem in combine([flat, clear]).cautions]
    assert () == combine([flat, clear, clear]).cautions
    assert combine([flat, clear]).cautions[0].text.startswith("In 1 of 2 sweeps. The first of them: ")
    assert "The median of 1 of 2 sweeps" in combine([flat, clear]).recommended.reason


def test_a_training_above_the_steepest_point_is_told_so() -> None:
    test = analyze(*swept(400, falls_at=1e-3, breaks_at=0.3))
    steepest = test.suggestions["steepest"].learning_rate
    assert steepest is not None

    comparison = compare(test, np.full(100, 8 * steepest))

    assert comparison.times_steepest == pytest.approx(8.0)
    assert f"You trained at {8 * steepest:.3g}, 8 times above the steepest point" in comparison.text
    assert 0.0 == comparison.beyond_divergence


def test_a_training_that_went_beyond_the_divergence_is_told_how_often() -> None:
    test = analyze(*swept(400, falls_at=1e-3, breaks_at=0.3))

    comparison = compare(test, [0.001] * 60 + [5.0] * 40)

    assert (0.001, 5.0, 0.001, 0.4) == (
        comparison.low,
        comparison.high,
        comparison.median,
        comparison.beyond_divergence,
    )
    assert "a median of 0.001 (0.001 to 5), at the steepest point" in comparison.text
    assert "40% of its steps used more than" in comparison.text


@pytest.mark.parametrize("lrs", [[], [0.0, -1.0], [math.nan, math.inf]])
def test_a_training_without_a_positive_rate_cannot_be_compared(lrs: list[float]) -> None:
    comparison = compare(analyze(*swept(200)), lrs)

    assert (None, None, "The training has no positive learning rate to compare.") == (
        comparison.median,
        comparison.times_steepest,
        comparison.text,
    )


def test_a_training_beside_a_test_that_suggests_nothing_has_its_range_only() -> None:
    comparison = compare(analyze([], []), [0.1, 0.2])

    assert (0.1, 0.2, None) == (comparison.low, comparison.high, comparison.times_steepest)
    assert "no steepest point" in comparison.text


@given(st.lists(st.floats(1e-6, 1e-2), min_size=1, max_size=5))
@settings(max_examples=40)
def test_the_median_lies_between_the_smallest_and_the_largest(positions: list[float]) -> None:
    together = combine([analyze(*swept(60, falls_at=position)) for position in positions])

    for spread in (*together.suggestions.values(), together.recommended):
        if spread.median is not None:
            assert spread.low is not None
            assert spread.high is not None
            assert spread.low <= spread.median <= spread.high
            assert spread.spread == pytest.approx(math.log10(spread.high / spread.low))
