"""Thinning keeps what must be seen: held against a twin that goes through the rows one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrmon.analysis.thinning import POINTS_PER_COLUMN, thin

Series = NDArray[np.float32]

VALUES = st.one_of(
    st.sampled_from([0.0, 0.05, 0.1, 1.0, math.nan, math.inf, -math.inf]), st.floats(-10, 10, width=32)
)


@st.composite
def charts(draw: st.DrawFn) -> dict[str, Any]:
    rows = draw(st.integers(1, 120))
    step = st.one_of(st.just(1.0), st.sampled_from([0.0, 1.0, 30.0]))
    x = np.cumsum([draw(step) for _ in range(rows)])

    def series() -> Series:
        stretches: list[float] = []
        while len(stretches) < rows:
            stretches += [draw(VALUES)] * draw(st.integers(1, 30))
        return np.array(stretches[:rows], dtype=np.float32)

    start, end = draw(st.sampled_from([(x[0], x[-1]), (x[0] - 5.0, x[-1] + 50.0)]))
    curves = [series() for _ in range(draw(st.integers(0, 2)))]
    return {
        "x": x,
        "curves": curves,
        "levels_held": [series()],
        "start": start,
        "end": end,
        "width": draw(st.integers(1, 9)),
    }


def slow(
    x: NDArray[np.float64],
    curves: Sequence[Series],
    levels_held: Sequence[Series],
    start: float,
    end: float,
    width: int,
) -> list[int]:
    """The rows to keep, as the docstring of `thin` tells them."""
    rows = range(len(x))
    if len(x) <= POINTS_PER_COLUMN * width:
        return list(rows)
    borders = [start + (end - start) * (column / width) for column in range(1, width)]
    columns: dict[int, list[int]] = {}
    for row in rows:
        columns.setdefault(sum(border <= x[row] for border in borders), []).append(row)
    keep = {0, len(x) - 1}
    for of_column in columns.values():
        keep |= {of_column[0], of_column[-1]}
    for values in [*curves, *levels_held]:
        for of_column in columns.values():
            finite = [row for row in of_column if math.isfinite(values[row])]
            if finite:
                keep |= {min(finite, key=lambda row: values[row]), max(finite, key=lambda row: values[row])}
        kinds = ["finite" if math.isfinite(value) else str(value) for value in values]
        passages = [row for row in rows[:-1] if kinds[row] != kinds[row + 1]]
        if len(passages) <= width:
            keep |= {row + side for row in passages for side in (0, 1)}
        else:
            for of_column in columns.values():
                keep |= set([row for row in of_column if kinds[row] != "finite"][:1])
                keep |= set([row for row in of_column if kinds[row] != "finite"][-1:])
    for values in levels_held:
        same = [a == b or (math.isnan(a) and math.isnan(b)) for a, b in pairwise(values)]
        lr_changes = [row for row, is_same in enumerate(same) if not is_same]
        if len(lr_changes) > width:
            held = [True, *same, True]
            held[0] = held[-1] = False
            lr_changes = [row for row in lr_changes if held[row] and held[row + 2]]
        if len(lr_changes) <= width:
            keep |= {row + side for row in lr_changes for side in (0, 1)}
    return sorted(keep)


@given(chart=charts())
def test_thin_equals_its_slow_twin(chart: dict[str, Any]) -> None:
    assert slow(**chart) == thin(**chart).tolist()


@given(chart=charts())
def test_each_column_keeps_its_range_of_values(chart: dict[str, Any]) -> None:
    kept = thin(**chart)
    borders = chart["start"] + (chart["end"] - chart["start"]) * (
        np.arange(1, chart["width"]) / chart["width"]
    )
    column = np.searchsorted(borders, chart["x"], side="right")

    for values in [*chart["curves"], *chart["levels_held"]]:
        finite = np.isfinite(values)
        for number in np.unique(column[finite]):
            all_rows = np.flatnonzero((column == number) & finite)
            rows = all_rows[np.isin(all_rows, kept)]
            assert values[all_rows].min() == values[rows].min()
            assert values[all_rows].max() == values[rows].max()


def thinned(lr: NDArray[np.floating[Any]], *, width: int, loss: Series | None = None) -> set[int]:
    x = np.arange(lr.size)
    curves = [] if loss is None else [loss]
    return set(
        thin(
            x, curves=curves, levels_held=[lr.astype(np.float32)], start=0, end=lr.size - 1, width=width
        ).tolist()
    )


def test_both_sides_of_every_edge_of_a_staircase_are_kept() -> None:
    steps = np.arange(100_000)
    kept = thinned(0.1 * 0.95 ** (steps // 317), width=400)

    lr_changes = np.arange(317, 100_000, 317)
    assert set(lr_changes.tolist()) <= kept
    assert set((lr_changes - 1).tolist()) <= kept


def test_a_staircase_survives_its_warm_up() -> None:
    steps = np.arange(100_000)
    lr = np.where(steps < 5_000, steps / 5_000, 0.5 ** ((steps - 5_000) // 10_007))
    kept = thinned(lr, width=300)

    lr_changes = np.arange(5_000 + 10_007, 100_000, 10_007)
    assert set(lr_changes.tolist()) | set((lr_changes - 1).tolist()) <= kept
    assert len(kept) < 2_000


def test_a_curve_costs_no_more_than_its_columns() -> None:
    assert len(thinned(np.cos(np.arange(100_000) / 30_000), width=500)) <= 4 * 500


def test_one_spike_of_a_million_rows_is_kept() -> None:
    loss = np.ones(1_000_000, dtype=np.float32)
    loss[765_432] = 9.0

    assert 765_432 in thinned(np.ones(1_000_000), width=100, loss=loss)


def test_the_ends_of_a_stretch_of_nan_are_kept_with_the_rows_beside_it() -> None:
    loss = np.ones(100_000, dtype=np.float32)
    loss[50_003:50_011] = math.nan

    assert {50_002, 50_003, 50_010, 50_011} <= thinned(np.ones(100_000), width=100, loss=loss)


def test_a_series_that_is_nan_at_every_other_row_does_not_defeat_thinning() -> None:
    loss = np.where(np.arange(100_000) % 2, np.nan, 1.0).astype(np.float32)

    assert len(thinned(np.ones(100_000), width=100, loss=loss)) <= 100 * 6


def test_columns_follow_x_and_not_the_number_of_rows() -> None:
    x = np.concatenate((np.linspace(0.0, 0.9, 9_900), np.linspace(50.0, 100.0, 100)))
    loss = np.random.default_rng(3).normal(size=10_000).astype(np.float32)
    kept = thin(x, curves=[loss], start=0.0, end=100.0, width=100)

    # The first 9,900 rows share one column of pixels; the last hundred have one each or two.
    assert 4 == np.count_nonzero(kept < 9_900)
    assert 100 == np.count_nonzero(kept >= 9_900)


def test_few_rows_are_all_kept() -> None:
    assert list(range(400)) == sorted(thinned(np.random.default_rng(1).normal(size=400), width=100))


def test_no_rows_give_no_rows() -> None:
    empty = np.empty(0, dtype=np.float32)

    assert [] == thin(empty, curves=[empty], levels_held=[empty], start=0.0, end=0.0, width=10).tolist()


def test_rows_at_one_place_share_a_column() -> None:
    values = np.arange(100, dtype=np.float32)

    assert [0, 99] == thin(np.full(100, 5.0), curves=[values], start=5.0, end=5.0, width=10).tolist()


def test_no_column_is_an_error() -> None:
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        thinned(np.ones(10), width=0)


def test_a_series_of_another_length_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"shape of x, \(10,\), got \(9,\)"):
        thinned(np.ones(10), width=1, loss=np.ones(9, dtype=np.float32))
