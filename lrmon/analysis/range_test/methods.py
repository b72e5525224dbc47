"""The methods that pick a learning rate from the curve of a range test, one function each.

Each takes a `Curve` of at least `FEWEST` steps whose loss is not flat (`is_flat`), and returns a
`Suggestion`; only `divergence` takes any.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Final

import numpy as np

from lrmon.analysis.range_test.curve import Curve, Floats
from lrmon.analysis.range_test.results import RECOMMENDED, Suggestion

FEWEST: Final = 17
"""A sweep of fewer steps has a step or two where the loss falls: too few to pick one."""

RISE: Final = 0.25
"""A loss diverges if it loses this share of its fall again."""

BELOW_DIVERGENCE: Final = 1.0
"""The recommended learning rate is at least this many decades below the divergence."""

_RISE_OF_SIZE: Final = 0.1
_ONSET: Final = 0.05
_VALLEY: Final = 2 / 3
_LAST_FEW: Final = 3
_INTERVAL: Final = 1.2
_CALM: Final = 0.3


def steepest(curve: Curve) -> Suggestion:
    """Returns the learning rate at which the smoothed loss falls fastest, slope against its logarithm.

    Of the steps from where the loss has made 5 % of its fall (before, slopes are those of noise) to the
    lowest one, that with the most negative slope. It is where learning is fastest at this point of training,
    and often below what a whole training bears. Source: Smith, "Cyclical Learning Rates
    for Training Neural Networks" (2015), section 3.3, reads the range's lower end off where the curve starts
    to improve; that the steepest point be taken is the reading of the first learning-rate finders (fast.ai's
    course of 2018, its ``steep``).
    """
    onset = _crossing(curve, _ONSET)
    slopes = np.where(np.isnan(curve.slope), np.inf, curve.slope)[onset : curve.lowest + 1]
    index = onset + int(np.argmin(slopes))
    if not curve.slope[index] < 0.0:
        return Suggestion("steepest", None, None, "The smoothed loss falls nowhere before its lowest point.")
    return _at(curve, "steepest", index, "Here the smoothed loss falls fastest.")


def valley(curve: Curve) -> Suggestion:
    """Returns the learning rate two thirds along the longest fall of the curve.

    From where the loss has made 5 % of its fall on (noise makes falls of a flat beginning, too), the longest
    subsequence of steps each lower than the one before; of its steps the one after two thirds. Source:
    fast.ai's ``valley`` (2021), which takes a fixed part of the longest run of falling losses, too.
    """
    onset = _crossing(curve, _ONSET)
    steps = _longest_fall(curve.smoothed[onset:])
    index = onset + steps[int((len(steps) - 1) * _VALLEY)]
    return _at(curve, "valley", index, "It lies two thirds along the longest fall of the smoothed loss.")


def slide(curve: Curve) -> Suggestion:
    """Returns the learning rate below the part of the curve in which its slope turns upwards.

    An interval of 1.2 decades slides down from the steepest rise of the curve (from its end, where it does
    not rise) as long as the slope at its upper end is greater than that at its lower end by more than 0.3 of
    the fall a decade. Where it no longer is, the lower end is taken. Source: fast.ai's ``slide`` (interval
    slide rule, after the learning-rate finder of Esri's arcgis.learn), whose interval is counted in steps and
    whose threshold is absolute.
    """
    lrs, slopes = curve.log_lr, np.nan_to_num(curve.slope)
    lower = np.searchsorted(lrs, lrs - _INTERVAL)
    threshold = _CALM * curve.fall
    rising = curve.lowest + int(np.argmax(slopes[curve.lowest :]))
    for upper in range(rising if slopes[rising] > threshold else lrs.size - 1, 0, -1):
        index = int(lower[upper])
        if index == 0:
            break
        if slopes[upper] - slopes[index] <= threshold:
            reason = f"Within {_INTERVAL:g} decades above it the slope of the smoothed loss begins to turn."
            return _at(curve, "slide", index, reason)
    reason = f"The slope turns everywhere: no part of {_INTERVAL:g} decades of the sweep is calm."
    return Suggestion("slide", None, None, reason)


def minimum_tenth(curve: Curve) -> Suggestion:
    """Returns a tenth of the learning rate with the lowest smoothed loss.

    At the lowest point the loss is about to rise. Source: fast.ai's ``minimum``, a rule of thumb of its
    courses.
    """
    lr = float(curve.lr[curve.lowest])
    reason = f"A tenth of {lr:.3g}, where the smoothed loss is lowest."
    return Suggestion("minimum_tenth", lr / 10.0, int(curve.rows[curve.lowest]), reason)


def divergence(curve: Curve, learning_rate: Floats) -> Suggestion:
    """Returns the learning rate at which the loss starts to rise for good.

    By cases, after the lowest smoothed loss:

    - the first step from which on it stays higher by a quarter of its fall (or by its own size, if that is
      less: a loss that fell far doubles), by four times its noise and by a tenth of its size;
    - where there is none, since the sweep was stopped at once, the first of the last steps, three at least,
      whose own losses are higher by as much and by two times the noise of a batch;
    - where there is none either, the step after the last number, if the loss there is none.

    It is the upper end of the range, not a learning rate to train with: Smith (2015), section 3.3, ends the
    range where the accuracy stops growing, gets rough or falls; the usual advice is one to two decades below.

    Args:
      curve: any, flat ones too.
      learning_rate: [n], of the sweep's steps.
    """
    lowest = float(curve.smoothed[curve.lowest])
    size = abs(lowest)
    rise = max(min(RISE * curve.fall, size), 4.0 * curve.noise, _RISE_OF_SIZE * size, 1e-12)
    most = lowest + rise
    last_low = int(np.flatnonzero(curve.smoothed <= most)[-1])
    if last_low + 1 < curve.rows.size:
        return _at(curve, "divergence", last_low + 1, "From here on the smoothed loss rises.")
    high = curve.loss > lowest + max(rise, 2.0 * curve.batch_noise)
    first_high = int(np.flatnonzero(~high)[-1]) + 1 if not high.all() else high.size
    if 0 < first_high <= high.size - _LAST_FEW:
        return _at(curve, "divergence", first_high, "From here on the losses of single batches leap up.")
    after = curve.broken_after
    if after is not None and math.isfinite(learning_rate[after]) and learning_rate[after] > 0.0:
        lr, reason = float(learning_rate[after]), "Here the loss is no longer a number."
        return Suggestion("divergence", lr, after, reason)
    reason = "The smoothed loss does not begin to rise within the sweep."
    return Suggestion("divergence", None, None, reason)


def recommended(curve: Curve, diverges: Suggestion) -> Suggestion:
    """Returns the learning rate by which the loss has made most of its fall, well below the divergence.

    ::

        share = 1 - 1 / (2 · √(steps per decade))      25 steps per decade: 0.9
        lr    = the lowest at which (and up to the minimum beyond which) share of the fall is made
        lr    = min(lr, divergence / 10)

    Above that learning rate there is little to gain within a sweep and all to lose. The share grows with
    the density because a slow sweep has learned more by the time it reaches a learning rate: of two
    sweeps over the same range, the slower one falls at lower learning rates. Of the published methods the
    steepest point and a tenth of the minimum are about a decade below the learning rate that is best for
    five epochs, and the divergence is as far above it; docs/range_test.md has the comparison. The bound
    is the upper end of the usual advice, one to two decades below the divergence. It is for curves that
    fall until they explode, and for optimizers with momentum, which respond to a learning rate about ten
    steps late: with momentum 0.9 on scikit-learn's digits half a decade below was too high in two of two
    models, a decade in none.

    Args:
      curve: of the sweep.
      diverges: the suggestion of `divergence`.
    """
    share = 1.0 - 0.5 / math.sqrt(max(curve.density, 1.0))
    index = _crossing(curve, share)
    lr = float(curve.lr[index])
    reason = f"By here the smoothed loss has made {share:.0%} of its fall"
    if diverges.learning_rate is None:
        return Suggestion(RECOMMENDED, lr, int(curve.rows[index]), f"{reason}.")
    bound = diverges.learning_rate * 10.0**-BELOW_DIVERGENCE
    if lr > bound:
        index = max(int(np.searchsorted(curve.log_lr, math.log10(bound), side="right")) - 1, 0)
        reason = f"It is a tenth of {diverges.learning_rate:.3g}, where the loss rises."
        return Suggestion(RECOMMENDED, bound, int(curve.rows[index]), reason)
    decades = math.log10(diverges.learning_rate / lr)
    reason += f"; the loss rises {decades:.1f} decades above, from {diverges.learning_rate:.3g} on."
    return Suggestion(RECOMMENDED, lr, int(curve.rows[index]), reason)


def _at(curve: Curve, name: str, index: int, reason: str) -> Suggestion:
    return Suggestion(name, float(curve.lr[index]), int(curve.rows[index]), reason)


def _crossing(curve: Curve, share: float) -> int:
    """Returns the first step after which, up to the lowest, this share of the fall is made at every step."""
    level = curve.start - share * curve.fall
    above = np.flatnonzero(curve.smoothed[: curve.lowest + 1] > level)
    return min(int(above[-1]) + 1, curve.lowest) if above.size else 0


def _longest_fall(values: Floats) -> list[int]:
    """Returns the indices of the longest strictly descending subsequence, at least one."""
    ends: list[float] = []
    at: list[int] = []
    before = [-1] * values.size
    for index, value in enumerate((-values).tolist()):
        length = bisect_left(ends, value)
        if length == len(ends):
            ends.append(value)
            at.append(index)
        else:
            ends[length], at[length] = value, index
        before[index] = at[length - 1] if length else -1
    index, fall = at[-1], []
    while index >= 0:
        fall.append(index)
        index = before[index]
    return fall[::-1]
