"""Which rows of a long curve must be drawn so that no pixel of it changes, and nothing of note is lost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Numbers = NDArray[np.number]
Rows = NDArray[np.intp]

ROWS_PER_COLUMN = 4
"""With no more rows than this in a column of pixels on average, leaving some out saves nothing."""


def thin(
    x: Numbers,
    *,
    curves: Sequence[Floats] = (),
    levels_held: Sequence[Floats] = (),
    start: float,
    end: float,
    width: int,
) -> Rows:
    """Returns the indices, ascending, of the rows that a chart `width` columns of pixels wide needs.

    All rows, where there are no more than `ROWS_PER_COLUMN` times `width`. Otherwise the first and the
    last row; in each column and for each series, the first row, the last one and the first with the
    smallest and with the largest finite value; both sides of each place where a series passes between
    finite, NaN, +inf and -inf; and both sides of each edge of `levels_held`, where the value changes from one
    row to the next. The number of rows stays bounded:

    - with more than `width` edges, those remain before and after which the value holds for two rows at
      least (a staircase that begins with a warm-up); with more than `width` of these too the series is a
      curve, and its extremes are what is kept;
    - with more than `width` passages from or to non-finite values, the first and the last non-finite row
      of each column remain.

    Args:
      x: the rows' places on the axis, ascending (equal ones may follow one another).
      curves: series aligned with `x`.
      levels_held: further series aligned with `x`, whose edges are kept too.
      start: place of the left border of the first column.
      end: place of the right border of the last column. Rows left or right of the borders belong to the
        first or the last column.
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
    if x.size <= ROWS_PER_COLUMN * width:
        return np.arange(x.size)
    firsts = first_rows(x, start=start, end=end, width=width)
    keep = np.zeros(x.size, dtype=bool)
    keep[firsts] = True
    keep[firsts[1:] - 1] = True
    keep[-1] = True
    for values in series:
        _keep_extremes(keep, values, firsts, width)
    for values in levels_held:
        _keep_lr_changes(keep, values, width)
    return np.flatnonzero(keep)


def first_rows(x: Numbers, *, start: float, end: float, width: int) -> Rows:
    """Returns the first row of each column that has one; column c begins at start + (end - start)·c/width."""
    borders = start + (end - start) * (np.arange(1, width) / width)
    firsts = np.concatenate(([0], np.searchsorted(x, borders, side="left")))
    firsts = np.unique(firsts)
    return firsts[firsts < x.size]


def _keep_extremes(keep: NDArray[np.bool_], values: Floats, firsts: Rows, width: int) -> None:
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


def _keep_smallest(keep: NDArray[np.bool_], values: Floats, firsts: Rows) -> None:
    """Marks the first of the smallest values of each column; infinity stands for a value that is left out."""
    smallest = np.minimum.reduceat(values, firsts)
    # A column's first row is kept anyway; without this, a constant series would have every row looked at.
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
