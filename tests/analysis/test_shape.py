"""By which rule a learning rate changes, and whether it sweeps: judged on many curves, in float32."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrmon.analysis.learning_rate.shape import LRSweep, Shape, find_lr_sweep, find_shape

EPOCH = 40


def shape(lrs: Any, *, length: int = EPOCH, **options: Any) -> Shape | None:
    """Returns the shape of a learning rate of each step."""
    column = np.asarray(lrs, dtype=np.float32)
    return find_shape(column, np.arange(column.size), np.arange(0, column.size, length), **options)


def by_epoch(lrs: Any, length: int = EPOCH) -> NDArray[Any]:
    return np.repeat(np.asarray(lrs, dtype=np.float32), length)


def recursive(first: float, times: float, count: int, dtype: Any = np.float32) -> list[float]:
    """Returns lr, lr * times, … as a callback makes them that reads back what the optimizer holds."""
    values = [dtype(first)]
    for _ in range(count - 1):
        values.append(dtype(float(values[-1]) * times))
    return [float(value) for value in values]


@pytest.mark.parametrize("drop", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("every", [4, 10])
@pytest.mark.parametrize("epochs", [4, 12, 100])
def test_one_factor_at_every_epoch_is_told(drop: float, every: int, epochs: int) -> None:
    factor = drop ** (1 / every)
    for lrs in (
        [0.1 * factor ** (1 + epoch) for epoch in range(epochs)],
        recursive(0.1, factor, epochs),
    ):
        rule = shape(by_epoch(lrs))
        assert rule is not None
        assert ("exponential", "epoch", 1) == (rule.kind, rule.unit, rule.every)
        assert pytest.approx(factor, rel=1e-5) == rule.constant


def test_what_stands_still_before_and_after_is_no_part_of_it() -> None:
    lrs = [0.01 if epoch < 10 else 0.01 * math.exp(-0.1 * (epoch - 9)) for epoch in range(30)]
    rule = shape(by_epoch([*lrs, *lrs[-1:] * 8]))

    assert rule is not None
    assert ("exponential", 10, 29) == (rule.kind, rule.first, rule.last)
    floored = shape(by_epoch([max(0.1 * 0.7**epoch, 0.01) for epoch in range(20)]))
    assert floored is not None
    assert ("exponential", 6) == (floored.kind, floored.last)


def test_one_factor_at_even_distances_is_told() -> None:
    rule = shape(by_epoch([0.1 * 0.1 ** (epoch // 5) for epoch in range(20)]))
    assert rule is not None
    assert ("exponential", "epoch", 5) == (rule.kind, rule.unit, rule.every)
    off = shape(0.1 * 0.95 ** (np.arange(456) // 95), length=76)
    assert off is not None
    assert ("step", 95) == (off.unit, off.every)


@pytest.mark.parametrize(
    "lrs",
    [
        by_epoch([0.1, 0.05, 0.01, 0.005, 0.001]),
        by_epoch([0.1] * 5 + [0.01] * 5),
        by_epoch([0.1, 0.09, 0.081, 0.0729, 0.07]) * by_epoch([1, 1, 1, 1, 1.2]),
        by_epoch([round(0.1 * 0.93**epoch, 3) for epoch in range(12)]),
        0.05 * (1 + np.cos(np.pi * np.arange(800) / 800)),
        0.1 * (1 - np.arange(800) / 801) ** 2,
        0.1 / np.sqrt(1 + np.arange(800)),
        np.full(400, 0.1),
        np.tile(np.linspace(0.01, 0.1, 40), 20),
        0.1 * np.random.default_rng(1).uniform(0.5, 1, 400),
    ],
    ids=range(10),
)
def test_no_other_curve_has_one_of_these_shapes(lrs: Any) -> None:
    assert None is shape(lrs)


def test_one_factor_at_every_step_is_told_also_where_rounding_adds_up() -> None:
    for count, factor in ((400, 0.99), (4000, 0.9995), (20_000, 0.9999)):
        for lrs in (0.1 * factor ** np.arange(count), recursive(0.1, factor, count)):
            rule = shape(lrs)
            assert rule is not None
            assert ("exponential", "step", 1) == (rule.kind, rule.unit, rule.every)
            assert pytest.approx(1 - factor, rel=1e-3) == 1 - rule.constant


@pytest.mark.parametrize("decay", [1e-4, 1e-3, 1e-2])
def test_a_time_based_decay_is_told_from_a_factor_and_from_a_line(decay: float) -> None:
    rule = shape(0.1 / (1 + decay * np.arange(4000)))
    assert rule is not None
    assert ("inverse_time", "step") == (rule.kind, rule.unit)
    assert pytest.approx((0.1, decay), rel=1e-3) == (rule.initial, rule.constant)
    resumed = find_shape(
        (0.1 / (1 + decay * np.arange(1000, 4000))).astype(np.float32),
        np.arange(3000),
        np.arange(0, 3000, EPOCH),
        iteration_offset=1000,
    )
    assert resumed is not None
    assert pytest.approx((0.1, decay), rel=1e-3) == (resumed.initial, resumed.constant)


def test_a_curve_that_hardly_moves_has_a_shape_only_where_it_is_known() -> None:
    lrs = 0.1 / (1 + 1e-6 * np.arange(1000))

    assert None is shape(lrs)
    known = shape(lrs, expected="inverse_time")
    assert known is not None
    assert pytest.approx(1e-6, rel=1e-2) == known.constant


def test_a_warm_up_before_it_does_not_count() -> None:
    rule = shape(np.concatenate((np.linspace(0, 0.1, 100), 0.1 * 0.999 ** np.arange(1, 1000))))
    assert rule is not None
    assert ("exponential", 100) == (rule.kind, rule.first)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(0.0, 1e3, width=32), max_size=40),
    st.lists(st.integers(0, 60), max_size=6, unique=True),
)
def test_any_learning_rate_has_a_shape_or_none(lrs: list[float], starts: list[int]) -> None:
    column = np.array(lrs, dtype=np.float32)
    with np.errstate(all="ignore"):
        rule = find_shape(column, np.arange(column.size), np.array(sorted(starts), dtype=np.int64))
        sweep = find_lr_sweep(column, np.arange(column.size))
    assert isinstance(rule, Shape | None)
    assert isinstance(sweep, LRSweep | None)


Growth = Callable[[float, float, int], NDArray[Any]]


def powers(low: float, high: float, count: int) -> NDArray[Any]:
    return low * (high / low) ** (np.arange(count) / (count - 1))


def multiplied(low: float, high: float, count: int) -> NDArray[Any]:
    return np.array(recursive(low, (high / low) ** (1 / (count - 1)), count))


def straight(low: float, high: float, count: int) -> NDArray[Any]:
    return low + (high - low) * np.arange(count) / (count - 1)


@pytest.mark.parametrize("grow", [powers, multiplied, straight])
@pytest.mark.parametrize("ends", [(1e-7, 10.0), (1e-6, 1.0), (1e-5, 1e-1), (1e-4, 1e-2)])
@pytest.mark.parametrize("count", [30, 100, 1000, 5000])
def test_a_learning_rate_that_grows_over_decades_sweeps(
    grow: Growth, ends: tuple[float, float], count: int
) -> None:
    sweep = find_lr_sweep(grow(*ends, count).astype(np.float32), np.arange(count))
    if grow is straight and (count, *ends) == (100, 1e-4, 1e-2):
        assert None is sweep  # in proportion to the step, as a warm-up is
        return
    assert sweep is not None
    assert ("linear" if grow is straight else "exponential") == sweep.growth
    assert pytest.approx(math.log10(ends[1] / ends[0]), rel=1e-3) == sweep.decades


def test_a_stray_first_step_and_repeated_levels_do_not_hide_a_sweep() -> None:
    lrs = np.append(1e-3, powers(1e-6, 1.0, 200)).astype(np.float32)
    sweep = find_lr_sweep(lrs, np.arange(201))
    assert sweep is not None
    assert 1 == sweep.first_row
    per_epoch = by_epoch([1e-8 * 10 ** (epoch / 20) for epoch in range(100)])
    held = find_lr_sweep(per_epoch[:-7], np.arange(per_epoch.size - 7))
    assert held is not None
    assert EPOCH == held.every


@pytest.mark.parametrize(
    "lrs",
    [
        np.linspace(0, 0.1, 200),
        0.1 * np.arange(1, 201) / 1000,
        np.concatenate((powers(1e-6, 0.1, 100), np.full(10, 0.1))),
        np.concatenate((straight(0.004, 0.1, 100), straight(0.1, 0.004, 100))),
        np.concatenate((straight(0.004, 0.1, 100), 0.05 * (1 + np.cos(np.linspace(0, 3.1, 300))))),
        0.05 * (1 - np.cos(np.linspace(0.01, 3.14, 300))),
        np.tile(powers(1e-5, 1e-1, 50), 3),
        powers(1.0, 1e-6, 200),
        powers(1e-6, 1.0, 200) * np.random.default_rng(1).uniform(0.9, 1.1, 200),
        1e-3 * np.minimum(np.arange(1, 300) ** -0.5, np.arange(1, 300) * 4000**-1.5),
        np.full(100, 0.1),
        powers(1e-6, 1.0, 6),
    ],
    ids=range(12),
)
def test_no_other_learning_rate_sweeps(lrs: Any) -> None:
    assert None is find_lr_sweep(np.asarray(lrs, dtype=np.float32), np.arange(len(lrs)))
