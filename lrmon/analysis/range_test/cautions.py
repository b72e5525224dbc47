"""The reasons to doubt what a range test suggests."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from lrmon.analysis.range_test.curve import Curve, Floats, judged_rows
from lrmon.analysis.range_test.methods import FEWEST
from lrmon.analysis.range_test.results import Caution, Suggestion

FLAT: Final = 5.0
"""The loss must fall by more than this many times its noise; a flat curve falls by two or three times."""

_ROUNDING: Final = 1e-5
"""The share of a float32 loss that sums and means may lose to rounding."""

_NOISY: Final = 10.0
_SPARSE: Final = 6.0
_EARLY: Final = 0.05
_COMPARED: Final = ("steepest", "valley", "slide", "minimum_tenth")
"""The methods that answer one question; ``divergence`` answers another one."""

_DISAGREE: Final = 1.0


def obstacle(learning_rate: Floats, loss: Floats) -> Caution | None:
    """Returns why a sweep has no curve to judge, None if it has one."""
    rows = judged_rows(learning_rate, loss)
    if loss.size and not np.isfinite(loss).any():
        text = "No loss of the sweep is a number: look for NaN in the data or in the weights it began with."
        return Caution("not-finite", text)
    if rows.size < FEWEST:
        usable = "" if rows.size == loss.size else f", of which {rows.size} can be judged"
        text = (
            f"The sweep has {_steps(loss.size)}{usable}; at least {FEWEST} are needed, and 200 are "
            "good. Set steps=, or take smaller batches."
        )
        return Caution("too-short", text)
    lrs = learning_rate[rows]
    if bool((np.diff(lrs) < 0.0).any()) or lrs[0] == lrs[-1]:
        text = (
            f"The learning rate does not grow from step to step ({lrs[0]:.3g} to {lrs[-1]:.3g}): a range "
            "test raises it all the time."
        )
        return Caution("not-ascending", text)
    return None


def suggestion_cautions(
    curve: Curve, loss: Floats, suggestions: Mapping[str, Suggestion]
) -> Iterator[Caution]:
    """Yields the reasons to doubt the suggestions of a curve.

    Args:
      curve: of the sweep.
      loss: [n], of all its steps.
      suggestions: by name.
    """
    if curve.density < _SPARSE:
        text = (
            f"A decade of learning rates has {curve.density:.1f} steps only: the suggestions may be off by "
            "half a decade. Set steps=200, or sweep a smaller range."
        )
        yield Caution("too-short", text)
    yield from _broken(curve, loss)
    flat = is_flat(curve)
    if flat:
        text = (
            f"{flat_reason(curve)} There is nothing to suggest. Sweep higher learning rates, take more "
            "steps, or see whether the model can learn at all."
        )
        yield Caution("flat", text)
    elif curve.fall < _NOISY * curve.noise:
        text = (
            f"The loss falls by {curve.fall:.3g}, {curve.fall / curve.noise:.1f} times the noise that "
            f"smoothing leaves ({curve.noise:.3g}): the suggestions may move from sweep to sweep. Take "
            "larger batches, more steps or average_runs=3."
        )
        yield Caution("noisy", text)
    diverges = suggestions["divergence"].learning_rate is not None
    if not flat and curve.lowest < _EARLY * curve.rows.size:
        text = (
            f"The loss is lowest at the very start ({curve.lr[curve.lowest]:.3g}): the sweep began too "
            "high. Lower start_lr by some decades."
        )
        yield Caution("at-the-start", text)
    if not diverges:
        text = (
            f"The loss does not rise up to {curve.lr[-1]:.3g}, so nothing is known of how much the model "
            "bears. Raise end_lr."
        )
        yield Caution("no-divergence", text)
    yield from _disagreement(suggestions)


def is_flat(curve: Curve) -> bool:
    """Returns whether the loss falls by no more than noise and rounding explain."""
    return curve.fall <= max(_by_noise(curve), _by_rounding(curve))


def flat_reason(curve: Curve) -> str:
    """Returns the sentence that compares the fall of a flat curve with noise and rounding."""
    fall, noise, rounding = curve.fall, _by_noise(curve), _by_rounding(curve)
    if fall == 0.0:
        return f"The smoothed loss never lies below its level at the start, {curve.start:.3g}."
    sentence = f"The smoothed loss falls by {{}} from its level at the start, {curve.start:.3g}"
    if noise >= rounding:
        by, limit = _apart(fall, noise)
        return (
            f"{sentence.format(by)}, and noise alone may make it fall by {limit}: {FLAT:g} times the "
            f"{curve.noise:.3g} that smoothing leaves of it."
        )
    by, limit = _apart(fall, rounding)
    return f"{sentence.format(by)}, and rounding alone may make it fall by {limit}."


def _by_noise(curve: Curve) -> float:
    return FLAT * curve.noise


def _by_rounding(curve: Curve) -> float:
    return max(_ROUNDING * abs(curve.start), 1e-12)


def _apart(one: float, other: float) -> tuple[str, str]:
    """Returns two numbers with three digits, or as many as it takes to tell them apart."""
    for digits in range(3, 17):
        texts = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts


def _broken(curve: Curve, loss: Floats) -> Iterator[Caution]:
    """Yields a caution for losses that are not numbers, unless no number follows: that is the divergence."""
    count = int(np.count_nonzero(~np.isfinite(loss[: int(curve.rows[-1])])))
    if count:
        first = int(np.flatnonzero(~np.isfinite(loss))[0])
        verb = "has" if count == 1 else "have"
        text = (
            f"{count} of the {_steps(loss.size)} {verb} a loss that is no number, the first in step {first} "
            "of the sweep, and later ones are numbers again. They are left out."
        )
        yield Caution("not-finite", text)


def _disagreement(suggestions: Mapping[str, Suggestion]) -> Iterator[Caution]:
    lrs = {
        name: lr
        for name in _COMPARED
        if name in suggestions and (lr := suggestions[name].learning_rate) is not None
    }
    if len(lrs) < 2:
        return
    low, high = min(lrs, key=lrs.__getitem__), max(lrs, key=lrs.__getitem__)
    decades = math.log10(lrs[high] / lrs[low])
    if decades > _DISAGREE:
        text = (
            f"The methods disagree by {decades:.1f} decades: {low} says {lrs[low]:.3g}, {high} says "
            f"{lrs[high]:.3g}. Look at the curve, and try rates between them."
        )
        yield Caution("disagree", text)


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count:,} steps"
