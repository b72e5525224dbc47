"""What a learning-rate range test suggests, and which cautions apply.

::

    test = analyze(learning_rates, losses)
    test.recommended.learning_rate           # or None, and test.recommended.reason says why
    test.suggestions["steepest"].reason
    combine([test, *others]).recommended     # median and spread over sweeps with other seeds
    compare(test, learning_rates_of_a_training).text  # "You trained at 0.08, 8 times above …"

The test is Leslie Smith's ("Cyclical Learning Rates for Training Neural Networks", 2015, section 3.3): the
learning rate grows from batch to batch, and the loss of each batch shows where learning starts, where it is
fastest and where it breaks. The loss has to be the batch's own. Keras' logs hold the mean since the start
of the epoch, which lags behind and puts every suggestion several times too high.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from lrmon.analysis.range_test.cautions import flat_reason, is_flat, obstacle, suggestion_cautions
from lrmon.analysis.range_test.curve import Curve, Floats, curve_of
from lrmon.analysis.range_test.methods import (
    divergence,
    minimum_tenth,
    recommended,
    slide,
    steepest,
    valley,
)
from lrmon.analysis.range_test.repeats import combine, compare
from lrmon.analysis.range_test.results import (
    METHODS,
    RECOMMENDED,
    Caution,
    Comparison,
    RangeTest,
    Repeats,
    Spread,
    Suggestion,
)

__all__ = [
    "METHODS",
    "RECOMMENDED",
    "Caution",
    "Comparison",
    "RangeTest",
    "Repeats",
    "Spread",
    "Suggestion",
    "analyze",
    "combine",
    "compare",
]

_FALLING = {"steepest": steepest, "valley": valley, "slide": slide, "minimum_tenth": minimum_tenth}


def analyze(learning_rate: ArrayLike, loss: ArrayLike, *, smoothing: float | None = None) -> RangeTest:
    """Returns what one sweep suggests.

    It never fails on data: any length from 0, non-finite values anywhere, a flat curve. A suggestion
    that cannot be made is None with a reason, and `RangeTest.cautions` has the reasons to doubt the others.

    Args:
      learning_rate: [n], in the order of the sweep.
      loss: [n], of each step's own batch.
      smoothing: weight of the average, 0 ≤ smoothing < 1; by default one that reaches 0.4 decades
        (`lrmon.analysis.range_test.curve.weight_of`), which is what the suggestions were tried with.

    Raises:
      ValueError: if the shapes differ, or smoothing is outside its range.
    """
    lrs, losses = (np.array(values, dtype=np.float64) for values in (learning_rate, loss))
    if lrs.ndim != 1 or lrs.shape != losses.shape:
        raise ValueError(
            "learning_rate and loss must have one dimension and one length, "
            f"got shapes {lrs.shape} and {losses.shape}"
        )
    if smoothing is not None and not 0.0 <= smoothing < 1.0:
        raise ValueError(f"smoothing must be at least 0 and less than 1, got {smoothing}")
    caution = obstacle(lrs, losses)
    with np.errstate(all="ignore"):
        curve, weight = curve_of(lrs, losses, smoothing)
        suggestions, best, cautions = _judged(curve, lrs, losses) if caution is None else _nothing(caution)
    smoothed, slope = np.full(lrs.size, np.nan), np.full(lrs.size, np.nan)
    smoothed[curve.rows], slope[curve.rows] = curve.smoothed, curve.slope
    for array in (lrs, losses, smoothed, slope):
        array.setflags(write=False)
    return RangeTest(lrs, losses, smoothed, slope, weight, MappingProxyType(suggestions), best, cautions)


_Judgement = tuple[dict[str, Suggestion], Suggestion, tuple[Caution, ...]]


def _judged(curve: Curve, lrs: Floats, losses: Floats) -> _Judgement:
    diverges = divergence(curve, lrs)
    if is_flat(curve):
        reason = flat_reason(curve)
        suggestions = {name: Suggestion(name, None, None, reason) for name in _FALLING}
        best = Suggestion(RECOMMENDED, None, None, reason)
    else:
        suggestions = {name: method(curve) for name, method in _FALLING.items()}
        best = recommended(curve, diverges)
    suggestions["divergence"] = diverges
    return suggestions, best, tuple(suggestion_cautions(curve, losses, suggestions))


def _nothing(caution: Caution) -> _Judgement:
    suggestions = {name: Suggestion(name, None, None, caution.text) for name in METHODS}
    return suggestions, Suggestion(RECOMMENDED, None, None, caution.text), (caution,)
