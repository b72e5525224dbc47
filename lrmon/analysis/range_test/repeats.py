"""What several sweeps of one test suggest together, and how a training compares with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

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

_MOVES: Final = 1.0
_SAME: Final = 1.1
"""Learning rates that differ by a smaller factor count as equal."""


def combine(tests: Sequence[RangeTest]) -> Repeats:
    """Returns what several sweeps of one test, with other seeds, suggest together.

    The median is of the logarithms: of two sweeps it is the geometric mean.

    Args:
      tests: one is enough; of none everything is None.
    """
    suggestions = {name: _spread(name, [test.suggestions[name] for test in tests]) for name in METHODS}
    recommended = _spread(RECOMMENDED, [test.recommended for test in tests])
    cautions = list(_shared(tests))
    if recommended.spread is not None and recommended.spread > _MOVES:
        text = (
            f"From sweep to sweep the recommended learning rate moves by {recommended.spread:.1f} decades "
            f"({recommended.low:.3g} to {recommended.high:.3g}): take more steps, or larger batches."
        )
        cautions.append(Caution("spread", text))
    return Repeats(tuple(tests), suggestions, recommended, tuple(cautions))


def compare(sweep: RangeTest | Repeats, learning_rate: ArrayLike) -> Comparison:
    """Returns how the learning rates of a training compare with a range test.

    Args:
      sweep: of the same model, optimizer and data.
      learning_rate: [n], what each step of the training used. Values that are not positive are ignored (a
        warm-up from 0).
    """
    several = sweep if isinstance(sweep, Repeats) else combine([sweep])
    steepest, diverges = (several.suggestions[name].median for name in ("steepest", "divergence"))
    lrs = np.asarray(learning_rate, dtype=np.float64)
    lrs = lrs[np.isfinite(lrs) & (lrs > 0.0)]
    if not lrs.size:
        text = "The training has no positive learning rate to compare."
        return Comparison(None, None, None, steepest, None, None, text)
    low, high = float(lrs.min()), float(lrs.max())
    median = float(np.median(lrs))
    beyond = None if diverges is None else float(np.mean(lrs > diverges))
    used = f"{median:.3g}" if high < _SAME * low else f"a median of {median:.3g} ({low:.3g} to {high:.3g})"
    if steepest is None:
        text = f"You trained at {used}; the range test has no steepest point to compare it with."
        times = None
    else:
        times = median / steepest
        text = (
            f"You trained at {used}, {_times(times)} the steepest point of the range test ({steepest:.3g})."
        )
    if beyond and diverges is not None:
        text += f" {_share(beyond)} of its steps used more than {diverges:.3g}, where the test diverges."
    return Comparison(low, high, median, steepest, times, beyond, text)


def _spread(name: str, suggestions: Sequence[Suggestion]) -> Spread:
    lrs = [suggestion.learning_rate for suggestion in suggestions if suggestion.learning_rate is not None]
    if not lrs:
        reason = suggestions[0].reason if suggestions else "There is no sweep."
        return Spread(name, None, None, None, None, 0, reason)
    low, high = min(lrs), max(lrs)
    if len(suggestions) == 1:
        return Spread(name, lrs[0], low, high, 0.0, 1, suggestions[0].reason)
    # Between the smallest and the largest, whatever the logarithms are rounded to.
    median = min(max(float(10.0 ** np.median(np.log10(lrs))), low), high)
    count = len(suggestions)
    counted = f"all {count}" if len(lrs) == count else f"{len(lrs)} of {count}"
    reason = f"The median of {counted} sweeps, which lie between {low:.3g} and {high:.3g}."
    return Spread(name, median, low, high, math.log10(high / low), len(lrs), reason)


def _shared(tests: Sequence[RangeTest]) -> list[Caution]:
    """Returns the cautions that at least half of the sweeps have, each with the text of the first."""
    shared = []
    for code in dict.fromkeys(caution.code for test in tests for caution in test.cautions):
        having = [caution for test in tests for caution in test.cautions if caution.code == code]
        if 2 * len(having) >= len(tests):
            prefix = (
                "" if len(tests) == 1 else f"In {len(having)} of {len(tests)} sweeps. The first of them: "
            )
            shared.append(Caution(code, prefix + having[0].text))
    return shared


def _times(factor: float) -> str:
    """Returns how far above or below something is.

    >>> _times(8.2), _times(0.1), _times(1.02)
    ('8.2 times above', '10 times below', 'at')
    """
    if 1.0 / _SAME < factor < _SAME:
        return "at"
    side, size = ("above", factor) if factor > 1.0 else ("below", 1.0 / factor)
    return f"{size:.2g} times {side}" if size < 99.5 else f"{size:,.0f} times {side}"


def _share(share: float) -> str:
    return "All" if share == 1.0 else f"{max(share, 0.01):.0%}"
