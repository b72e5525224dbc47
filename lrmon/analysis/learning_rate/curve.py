"""What kind of curve a learning rate is: where it jumps, where it glides, how it warms up."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

LRs = NDArray[np.float32]
Kind = Literal["constant", "staircase", "smooth", "mixed"]

_ROUNDING: Final = 256 * 2.0**-23
"""A change by less than this fraction of the learning rate is a curve's own, or its arithmetic's."""
_FOOT: Final = 8 * 2.0**-23
"""So is one by less than this fraction of a curve's peak: 1 + cos, at its foot, has no finer steps."""
_NEIGHBORS: Final = 8.0
"""A jump is more than this many times as steep as what is right before it and right after it."""


def jump_rows(lrs: LRs, steps: NDArray[np.int64]) -> NDArray[np.intp]:
    """Returns the indices of the LR changes, ascending: a level that differs from the one before.

    With the slopes s[i] = (lrs[i] - lrs[i - 1]) / (steps[i] - steps[i - 1]), i is an LR change if |s[i]| is
    more than 8 times |s[i - 1]| and |s[i + 1]|: both are 0 on a staircase, and about as large as s[i] on a
    curve. A change of a few roundings is no jump: one by less than 256 float32 roundings of the learning rate
    itself or, in a record that has a curve, by less than 8 of its peak.

    Args:
      lrs: [n] float32 without NaN.
      steps: [n], ascending: the step that used each learning rate.
    """
    size = np.abs(lrs.astype(np.float64))
    with np.errstate(invalid="ignore"):  # infinity - infinity
        changes = np.abs(np.diff(lrs.astype(np.float64)))
    slopes = changes / np.diff(steps)
    before, after = np.zeros_like(slopes), np.zeros_like(slopes)
    before[1:], after[:-1] = slopes[:-1], slopes[1:]
    jumps = (changes > _ROUNDING * np.maximum(size[1:], size[:-1])) & (
        slopes > _NEIGHBORS * np.maximum(before, after)
    )
    if bool(((slopes > 0) & (before > 0)).any()):
        jumps &= changes > _FOOT * size.max()
    return np.flatnonzero(jumps) + 1


def curve_kind(lrs: LRs, jumps: NDArray[np.intp]) -> Kind:
    """Returns the kind of a curve with these `jump_rows`.

    - ``constant``: it never changes;
    - ``staircase``: every change is a jump;
    - ``smooth``: no change is;
    - ``mixed``: some are, such as the restarts of a cosine, or a staircase after a gradual warm-up.

    >>> lrs = np.array([0.1, 0.1, 0.05, 0.05], np.float32)
    >>> curve_kind(lrs, jump_rows(lrs, np.arange(4)))
    'staircase'
    """
    changes = int(np.count_nonzero(lrs[1:] != lrs[:-1]))
    if changes == 0:
        return "constant"
    if jumps.size == 0:
        return "smooth"
    return "staircase" if jumps.size == changes else "mixed"


def warmup_rows(lrs: LRs) -> int:
    """Returns the index that first has the peak of a warm-up, 0 without a warm-up.

    A warm-up is a rise from the very start (a curve or a staircase, over any part of training) to the
    highest learning rate of the record, after which it never rises again, beyond rounding. One that rises to
    the record's end (a range test, a run cut short) is not known to be one, and a cycle's first rise is none.

    >>> warmup_rows(np.array([0.0, 0.1, 0.2, 0.2, 0.1], np.float32))
    2
    """
    if lrs.size == 0:
        return 0
    changes = np.diff(lrs.astype(np.float64))
    peak = int(np.argmax(lrs))
    rounding = _ROUNDING * float(np.abs(lrs).max())
    rises, falls = changes > rounding, changes < -rounding
    warms_up = 0 < peak < lrs.size - 1 and not bool(falls[:peak].any()) and not bool(rises[peak:].any())
    return peak if warms_up else 0
