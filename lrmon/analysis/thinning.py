"""Which points of a long curve must be drawn so that no pixel of it changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Numbers = NDArray[np.number]
Indices = NDArray[np.intp]

POINTS_PER_COLUMN = 4
"""With no more points than this per column of pixels, thinning saves nothing."""


def thin(
    x: Numbers,
    *,
    curves: Sequence[Floats] = (),
    levels_held: Sequence[Floats] = (),
    start: float,
    end: float,
    width: int,
) -> Indices:
    """Returns the indices, ascending, of the points that a chart with `width` columns of pixels needs.

    These are all points if there are no more than `POINTS_PER_COLUMN` times `width`. Otherwise they are the
    first and the last point; in each column and for each series, the first point, the last one and the first
    with the smallest and with the largest finite value; both sides of each transition of a series between
    finite, NaN, +inf and -inf; and both sides of each change of `levels_held`. Their number is bounded:

    - of more than `width` changes, those are kept before and after which the value holds for at least two
      points (a staircase that starts with a warm-up); if these are also more than `width`, the series is a
      curve, and its extremes are kept;
    - of more than `width` transitions, the first and the last non-finite point of each column are kept.

    Args:
      x: the position of each point on the axis, ascending; equal ones may follow one another.
      curves: series aligned with `x`.
      levels_held: further series aligned with `x`, whose changes are kept too.
      start: position of the left border of the first column.
      end: position of the right border of the last column. Points outside the borders belong to the first or
        the last column.
      width: number of columns, at least 1.

    Raises:
      ValueError: if `width` is less than 1 or a series has not the length of `x`.
    """
    if width < 1:
        raise ValueError(f"width must be at least 1, got {width}")
    series = [*curves, *levels_held]
    for values in series:
        if values.shape != x.shape:
            raise ValueError(f"every series must have the shape of x, {x.shape}, got {values.shape}")
    if x.size <= POINTS_PER_COLUMN * width:
        return np.arange(x.size)
    firsts = first_points(x, start=start, end=end, width=width)
    keep = np.zeros(x.size, dtype=bool)
    keep[firsts] = True
    keep[firsts[1:] - 1] = True
    keep[-1] = True
    for values in series:
        _keep_extremes(keep, values, firsts, width)
    for values in levels_held:
        _keep_lr_changes(keep, values, width)
    return np.flatnonzero(keep)


def first_points(x: Numbers, *, start: float, end: float, width: int) -> Indices:
    """Returns the first point of each column; column c starts at start + (end - start)·c/width."""
    borders = start + (end - start) * (np.arange(1, width) / width)
    firsts = np.concatenate(([0], np.searchsorted(x, borders, side="left")))
    firsts = np.unique(firsts)
    return firsts[firsts < x.size]


def _keep_extremes(keep: NDArray[np.bool_], values: Floats, firsts: Indices, width: int) -> None:
    finite = np.isfinite(values)
    if bool(finite.all()):
        _keep_smallest(keep, values, firsts)
        _keep_smallest(keep, -values, firsts)
        return
    _keep_smallest(keep, np.where(finite, values, np.inf), firsts)
    _keep_smallest(keep, np.where(finite, -values, np.inf), firsts)
    # 0 for a finite value; NaN, +inf and -inf each have a number of their own.
    kind = np.where(finite, 0, np.where(np.isnan(values), 1, np.where(values > 0, 2, 3)))
    passages = np.flatnonzero(kind[1:] != kind[:-1])
    if passages.size <= width:
        keep[passages] = True
        keep[passages + 1] = True
    else:
        rows = np.flatnonzero(~finite)
        columns = np.searchsorted(firsts, rows, side="right")
        new = np.flatnonzero(np.diff(columns, prepend=-1))
        keep[rows[new]] = True
        keep[rows[new[1:] - 1]] = True
        keep[rows[-1]] = True


def _keep_smallest(keep: NDArray[np.bool_], values: Floats, firsts: Indices) -> None:
    """Marks the first of the smallest values of each column; infinity stands for a value to ignore."""
    smallest = np.minimum.reduceat(values, firsts)
    # The first point of a column is kept anyway; without this, a constant series would mark every point.
    smallest = np.where(np.isinf(smallest) | (smallest == values[firsts]), np.nan, smallest)
    rows = np.flatnonzero(values == np.repeat(smallest, np.diff(firsts, append=values.size)))
    columns = np.searchsorted(firsts, rows, side="right")
    keep[rows[np.diff(columns, prepend=-1) != 0]] = True


def _keep_lr_changes(keep: NDArray[np.bool_], values: Floats, width: int) -> None:
    changed = values[1:] != values[:-1]
    changed &= ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
    lr_changes = np.flatnonzero(changed)
    if lr_changes.size > width:
        gaps = np.diff(lr_changes, prepend=-1, append=values.size - 1)
        lr_changes = lr_changes[(gaps[:-1] > 1) & (gaps[1:] > 1)]
    if lr_changes.size <= width:
        keep[lr_changes] = True
        keep[lr_changes + 1] = True
