"""What a range test suggests, held against curves of which the answer is known."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrmon.analysis.loss.smoothing import smooth
from lrmon.analysis.range_test.analyze import METHODS, RangeTest, Suggestion, analyze
from lrmon.analysis.range_test.curve import curve_of
from tests.analysis.sweeps import Floats, swept

NUMBERS = st.floats(width=32) | st.sampled_from([0.0, 1e-30, 1e30, math.nan, math.inf, -math.inf, -1.0])


def decades(suggestion: Suggestion, lr: float) -> float:
    """How far a suggestion lies from a rate."""
    assert suggestion.learning_rate is not None, suggestion.reason
    return abs(math.log10(suggestion.learning_rate / lr))


def codes(test: RangeTest) -> list[str]:
    return [problem.code for problem in test.cautions]


@pytest.mark.parametrize("steps", [100, 200, 1000, 5000])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_the_steepest_point_is_where_the_loss_falls_fastest(steps: int, noise: float) -> None:
    test = analyze(*swept(steps, falls_at=1e-3, noise=noise))

    assert decades(test.suggestions["steepest"], 1e-3) < 0.2


@pytest.mark.parametrize("steps", [60, 100, 200, 1000])
def test_every_suggestion_of_a_clear_curve_lies_between_its_fall_and_its_break(steps: int) -> None:
    test = analyze(*swept(steps, falls_at=1e-3, breaks_at=0.3))

    assert [] == codes(test)
    for name in ("steepest", "valley", "slide", "minimum_tenth"):
        assert decades(test.suggestions[name], 2e-3) < 0.9, name
    assert decades(test.suggestions["divergence"], 0.15) < 0.4
    assert test.recommended.learning_rate is not None
    assert 1e-3 < test.recommended.learning_rate < 0.05


def test_the_lowest_loss_is_found_where_a_running_mean_would_have_moved_it_by_more_than_three_times() -> None:
    lr, loss = swept(400, falls_at=1e-2, breaks_at=1.0, noise=0.02)
    truth = lr[int(np.argmin(swept(400, falls_at=1e-2, breaks_at=1.0)[1]))]
    running_mean = np.cumsum(loss) / np.arange(1, loss.size + 1)

    tenth, misled = (analyze(lr, losses).suggestions["minimum_tenth"] for losses in (loss, running_mean))

    assert decades(tenth, truth / 10.0) < math.log10(2.0)
    assert decades(misled, truth / 10.0) > math.log10(3.0) - math.log10(2.0)
    assert misled.learning_rate is not None
    assert tenth.learning_rate is not None
    assert misled.learning_rate > 3.0 * tenth.learning_rate


def test_smoothing_both_ways_does_not_move_the_lowest_point() -> None:
    lr = np.geomspace(1e-4, 1.0, 401)
    loss = np.log10(lr / 1e-2) ** 2

    test = analyze(lr, loss, smoothing=0.95)

    assert 200 == int(np.argmin(test.smoothed))
    assert 200 < int(np.argmin(smooth(loss, weight=0.95)))


def test_an_explosion_at_the_end_does_not_reach_back() -> None:
    lr, loss = swept(200, breaks_at=1e6)
    exploded = loss.copy()
    exploded[-5:] = [1e3, 1e8, 1e20, 1e30, 1e38]

    calm, broken = analyze(lr, loss), analyze(lr, exploded)

    assert np.abs(calm.smoothed[:150] - broken.smoothed[:150]).max() < 0.05
    assert calm.suggestions["steepest"] == broken.suggestions["steepest"]


def test_the_slope_is_loss_a_decade() -> None:
    lr = np.geomspace(1e-5, 1.0, 51)

    test = analyze(lr, 3.0 - 0.5 * np.log10(lr), smoothing=0.0)

    assert test.slope == pytest.approx(-0.5)


def test_the_recommended_rate_stays_a_decade_below_a_divergence_without_warning() -> None:
    lr = np.geomspace(1e-5, 10.0, 200)
    loss = 2.0 - 1.8 * np.clip(np.log10(lr / 0.01) / 2.0, 0.0, 1.0)
    loss[lr > 1.0] = math.nan

    test = analyze(lr, loss)
    diverges = test.suggestions["divergence"].learning_rate

    assert diverges is not None
    assert diverges == lr[lr > 1.0][0]
    assert test.recommended.learning_rate == pytest.approx(diverges / 10.0)
    assert "It is a tenth of" in test.recommended.reason


def test_a_sweep_that_ends_with_a_loss_that_is_no_number_diverges_there() -> None:
    lr, loss = swept(200, breaks_at=1e6)
    loss[180:] = math.inf

    test = analyze(lr, loss)

    assert (180, float(lr[180])) == (
        test.suggestions["divergence"].index,
        test.suggestions["divergence"].learning_rate,
    )
    assert not {"not-finite", "no-divergence"} & set(codes(test))
    assert np.isnan(test.smoothed[180:]).all()
    assert np.isinf(test.loss[180:]).all()


def test_losses_that_are_no_numbers_in_between_are_left_out_and_said() -> None:
    lr, loss = swept(200)
    broken = loss.copy()
    broken[[3, 40, 90]] = math.nan, math.inf, -math.inf

    test = analyze(lr, broken)

    assert ["not-finite"] == codes(test)
    assert "3 of the 200 steps have a loss that is no number, the first in step 3" in test.cautions[0].text
    assert decades(test.suggestions["steepest"], 1e-3) < 0.2
    assert [3, 40, 90] == np.flatnonzero(np.isnan(test.smoothed)).tolist()


def test_a_sweep_without_any_number_says_so() -> None:
    test = analyze(np.geomspace(1e-5, 1, 50), np.full(50, math.nan))

    assert ["not-finite"] == codes(test)
    assert all(
        suggestion.learning_rate is None and suggestion.reason for suggestion in test.suggestions.values()
    )


@pytest.mark.parametrize("steps", range(17))
def test_a_sweep_of_no_to_sixteen_steps_suggests_nothing_and_says_why(steps: int) -> None:
    test = analyze(*swept(steps))

    assert ["too-short"] == codes(test)
    assert f"{steps} step{'' if steps == 1 else 's'};" in test.cautions[0].text
    assert [None] * 6 == [
        suggestion.learning_rate for suggestion in (*test.suggestions.values(), test.recommended)
    ]
    assert (steps, steps) == (test.smoothed.size, test.slope.size)


def test_few_steps_a_decade_are_judged_with_a_warning() -> None:
    test = analyze(*swept(30))

    assert "too-short" in codes(test)
    assert test.recommended.learning_rate is not None


@pytest.mark.parametrize("noise", [0.0, 0.01, 1.0])
@pytest.mark.parametrize("steps", [50, 200, 1000])
def test_a_flat_curve_suggests_nothing(steps: int, noise: float) -> None:
    loss = 2.0 + noise * np.random.default_rng(steps).normal(size=steps)

    test = analyze(np.geomspace(1e-7, 10, steps), loss)

    assert ["flat", "no-divergence"] == codes(test)
    assert test.recommended.learning_rate is None
    assert test.cautions[0].text.startswith(f"{test.recommended.reason} There is nothing to suggest.")


def test_a_flat_curve_says_what_was_compared() -> None:
    """The fall that is named is never larger than what it is held against, in the very digits."""
    lr, random = np.geomspace(1e-7, 10, 150), np.random.default_rng(2)
    noisy = [analyze(lr, 2.0 + random.normal(size=150)) for _ in range(200)]
    reasons = [test.recommended.reason for test in noisy if test.recommended.learning_rate is None]
    sentence = re.compile(
        r"The smoothed loss falls by (\S+) from its level at the start, (\S+), and noise alone may make it "
        r"fall by (\S+): 5 times the (\S+) that smoothing leaves of it\."
    )

    assert len(reasons) > 100
    for reason in reasons:
        said = sentence.fullmatch(reason)
        assert said is not None, reason
        fall, start, limit, noise = (float(number) for number in said.groups())
        assert fall < limit
        assert pytest.approx(5 * noise, rel=0.01) == limit
        assert pytest.approx(2.0, abs=1.0) == start


def test_a_curve_that_is_flat_but_for_rounding_says_so() -> None:
    lr = np.geomspace(1e-7, 10, 100)

    steady = analyze(lr, np.full(100, 2.0)).recommended.reason
    rounded = analyze(lr, np.linspace(2.0, 1.99999, 100)).recommended.reason

    assert "The smoothed loss never lies below its level at the start, 2." == steady
    assert re.search(r"falls by \S+e-06 .*, 2, and rounding alone may make it fall by 2e-05\.", rounded)


def test_a_flat_curve_that_explodes_still_says_where() -> None:
    lr = np.geomspace(1e-7, 10, 200)

    test = analyze(lr, np.where(lr > 0.5, 2.0 * lr / 0.5, 2.0))

    assert ["flat"] == codes(test)
    assert decades(test.suggestions["divergence"], 0.5) < 0.3


def test_pure_noise_is_taken_for_a_fall_in_less_than_a_fiftieth_of_cases() -> None:
    lr, random = np.geomspace(1e-7, 10, 150), np.random.default_rng(1)

    fooled = [analyze(lr, random.gamma(3.0, 1.0, 150)).recommended.learning_rate for _ in range(300)]

    assert sum(lr is not None for lr in fooled) <= 6


def test_a_noisy_curve_says_so() -> None:
    test = analyze(*swept(100, noise=0.7, seed=3))

    assert "noisy" in codes(test)
    assert "average_runs=3" in next(caution.text for caution in test.cautions if caution.code == "noisy")


def test_a_sweep_that_never_rises_asks_for_a_higher_end() -> None:
    test = analyze(*swept(200, breaks_at=1e6))

    assert "no-divergence" == codes(test)[0]
    assert "Raise end_lr" in test.cautions[0].text
    assert test.suggestions["divergence"].learning_rate is None


def test_a_sweep_that_begins_too_high_asks_for_a_lower_start() -> None:
    lr = np.geomspace(0.01, 10.0, 200)
    loss = 2.0 - np.exp(-np.arange(200) / 3.0) + np.where(lr > 1.0, lr, 0.0)
    loss[:8] = np.linspace(2.0, 0.1, 8)

    assert "at-the-start" in codes(analyze(lr, loss))


def test_methods_that_disagree_by_more_than_a_decade_are_said_to() -> None:
    lr = np.geomspace(1e-7, 10, 400)
    first = 1.0 / (1.0 + np.exp(-12.0 * np.log10(lr / 1e-5)))
    second = 0.5 / (1.0 + np.exp(-12.0 * np.log10(lr / 1e-1)))

    test = analyze(lr, 2.0 - first - second + np.where(lr > 2.0, lr, 0.0))
    text = next(caution.text for caution in test.cautions if caution.code == "disagree")

    assert "steepest says 1.01e-05, minimum_tenth says" in text


@pytest.mark.parametrize(
    "lrs",
    [np.geomspace(1, 1e-5, 50), np.full(50, 0.1), np.tile([0.1, 0.2], 25)],
    ids=["falling", "constant", "to and fro"],
)
def test_rates_that_do_not_grow_are_no_range_test(lrs: Floats) -> None:
    test = analyze(lrs, np.linspace(2, 1, 50))

    assert ["not-ascending"] == codes(test)
    assert test.recommended.learning_rate is None


def test_a_linear_sweep_that_begins_at_zero_is_judged_without_its_first_step() -> None:
    lr = np.linspace(0.0, 1.0, 300)
    loss = 2.0 - 1.5 * np.minimum(lr / 0.2, 1.0) + np.where(lr > 0.6, 20 * (lr - 0.6), 0.0)

    test = analyze(lr, loss)

    assert math.isnan(test.smoothed[0])
    assert math.isnan(test.slope[0])
    assert test.recommended.learning_rate is not None
    assert 0.02 < test.recommended.learning_rate < 0.4


@pytest.mark.parametrize("steps", [60, 100, 200, 400, 1600])
def test_the_average_reaches_as_many_decades_whatever_the_number_of_steps(steps: int) -> None:
    weight = analyze(*swept(steps)).smoothing

    assert math.exp(-1.0) == pytest.approx(weight ** (0.4 * (steps - 1) / 8))


def test_arguments_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got shapes \(3,\) and \(2,\)"):
        analyze([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match=r"smoothing must be at least 0 and less than 1, got 1.0"):
        analyze([1, 2], [1, 2], smoothing=1.0)


def test_results_cannot_be_written_to() -> None:
    test = analyze(*swept(50))

    for array in (test.learning_rate, test.loss, test.smoothed, test.slope):
        assert not array.flags.writeable


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS), max_size=60),
    st.none() | st.floats(0, 1, exclude_max=True),
    st.booleans(),
)
@settings(max_examples=300)
def test_whatever_comes_in_a_result_comes_out(
    rows: list[tuple[float, float]], smoothing: float | None, ascending: bool
) -> None:
    lrs, losses = (np.array([row[column] for row in rows]) for column in (0, 1))
    test = analyze(np.sort(lrs) if ascending else lrs, losses, smoothing=smoothing)

    assert METHODS == tuple(test.suggestions)
    for suggestion in (*test.suggestions.values(), test.recommended):
        assert (suggestion.learning_rate is None) == (suggestion.index is None)
        assert suggestion.reason.endswith(".")
        if suggestion.index is not None and suggestion.learning_rate is not None:
            assert 0 <= suggestion.index < losses.size
            assert math.isfinite(suggestion.learning_rate)
            assert suggestion.learning_rate > 0.0
    assert len(set(codes(test))) == len(test.cautions) or "too-short" in codes(test)


@st.composite
def curves(draw: st.DrawFn) -> tuple[Floats, Floats]:
    return swept(
        draw(st.integers(80, 600)),
        falls_at=10.0 ** draw(st.floats(-5, -2)),
        breaks_at=10.0 ** draw(st.floats(-1.2, 0.5)),
        noise=draw(st.sampled_from([0.0, 0.01, 0.05])),
        seed=draw(st.integers(0, 100)),
    )


@given(curves(), st.floats(-3, 3))
@settings(max_examples=60)
def test_other_units_of_the_learning_rate_move_the_suggestions_with_them(
    curve: tuple[Floats, Floats], shift: float
) -> None:
    lr, loss = curve
    here, there = analyze(lr, loss), analyze(lr * 10.0**shift, loss)

    for name in METHODS:
        first, second = here.suggestions[name], there.suggestions[name]
        if first.learning_rate is not None and second.learning_rate is not None and name != "slide":
            assert abs((first.index or 0) - (second.index or 0)) <= 1, name


@given(curves(), st.floats(0.01, 100))
@settings(max_examples=60)
def test_other_units_of_the_loss_change_nothing(curve: tuple[Floats, Floats], factor: float) -> None:
    lr, loss = curve
    here, there = analyze(lr, loss), analyze(lr, factor * loss)

    for name in METHODS:
        first, second = here.suggestions[name].index, there.suggestions[name].index
        assert (first is None) == (second is None)
        assert abs((first or 0) - (second or 0)) <= 1, name


@given(curves())
@settings(max_examples=60)
def test_the_recommended_rate_lies_after_the_start_of_the_fall_and_below_the_divergence(
    curve: tuple[Floats, Floats],
) -> None:
    test = analyze(*curve)
    best, diverges = test.recommended.learning_rate, test.suggestions["divergence"].learning_rate

    assert best is not None
    assert test.recommended.index is not None
    assert diverges is None or best <= diverges / 3.0
    judged, _ = curve_of(test.learning_rate, test.loss, None)
    assert test.smoothed[test.recommended.index] <= judged.start


@given(st.lists(st.integers(-50, 50), min_size=17, max_size=40))
@settings(max_examples=100)
def test_the_valley_is_part_of_the_longest_fall_there_is(values: list[int]) -> None:
    """Held against a search that tries every pair."""
    from lrmon.analysis.range_test.methods import _longest_fall

    fall = _longest_fall(np.array(values, dtype=np.float64))
    lengths: list[int] = []
    for index, value in enumerate(values):
        before = [lengths[other] for other in range(index) if values[other] > value]
        lengths.append(1 + max(before, default=0))

    assert max(lengths) == len(fall)
    assert all(first < second and values[first] > values[second] for first, second in pairwise(fall))
