"""By which rule a learning rate changes: one factor, a time-based decay, a straight line; and range tests."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.learning_rate.curve import warmup_rows

Floats = NDArray[np.float64]
Steps = NDArray[np.int64]
ShapeKind = Literal["exponential", "inverse_time", "linear"]
Unit = Literal["step", "epoch"]

_ROUNDING: Final = 5e-5
"""A curve that keeps closer to its rule than this fraction follows it: float32 rounding, step after step."""
_CLEAR: Final = 10.0
"""The next best rule has to be so many times farther off."""
_LONG: Final = 300
_FEWEST_STEPS: Final = 8
_FEWEST_EPOCHS: Final = 3

_SWEEP_LEVELS: Final = 10
_SWEEP_ROUNDING: Final = 2e-3
_LINE_ROUNDING: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Shape:
    """The rule that all changes of a learning rate follow, except those of a warm-up.

    With x the step or the index of the epoch, and x₀ that of the last value before the first change:

    - ``exponential``: lr(x) = lr(x₀) · constant^((x - x₀) / every);
    - ``inverse_time``: lr(x) = initial / (1 + constant · x);
    - ``linear``: lr(x) = lr(x₀) + constant · (x - x₀) / every.

    Attributes:
      kind: see above.
      unit: ``step``: it changes from step to step, or every so many steps. ``epoch``: at starts of epochs.
      every: the number of steps or epochs between two changes.
      constant: see above.
      initial: of ``inverse_time``, the learning rate at x = 0; else that before the first change.
      first: x of the first change: a step, or an index into the epoch starts.
      last: x of the last change.
    """

    kind: ShapeKind
    unit: Unit
    every: int
    constant: float
    initial: float
    first: int
    last: int


def find_shape(
    learning_rate: NDArray[np.floating[Any]],
    steps: Steps,
    epoch_starts: Steps,
    *,
    iteration_offset: int = 0,
    expected: ShapeKind | None = None,
) -> Shape | None:
    """Returns the rule that all changes of the learning rate follow, None where they follow none of these.

    Before the first change and after the last one the learning rate may stand still; a warm-up before them
    (`curve.warmup_rows`) does not count. A rule has to fit to float32 rounding, and much better than every
    other one: a curve that hardly moves fits them all.

    Args:
      learning_rate: [n], without NaN.
      steps: [n], ascending.
      epoch_starts: ascending, the first step of each epoch that is known.
      iteration_offset: the optimizer's count before the update of step k is k + this.
      expected: the rule by the settings of the run's schedule, where they are known: then it is enough that
        it fits.
    """
    lrs = learning_rate.astype(np.float64)
    if lrs.size < 2 or not bool((np.isfinite(lrs) & (lrs >= 0.0)).all()):
        return None
    warmup = warmup_rows(learning_rate.astype(np.float32))
    lrs, numbers = lrs[warmup:], steps[warmup:]
    rows = np.flatnonzero(np.diff(lrs) != 0.0) + 1
    if rows.size < _FEWEST_EPOCHS - 1:
        return None
    changed = numbers[rows]
    levels = np.append(lrs[rows[:1] - 1], lrs[rows])
    at = np.searchsorted(epoch_starts, changed)
    on_start = at < epoch_starts.size
    on_start[on_start] = epoch_starts[at[on_start]] == changed[on_start]
    if bool(on_start.all()):
        return _by_levels(levels, at, "epoch", expected)
    stretch = slice(int(rows[0]) - 1, int(rows[-1]) + 1)
    if numbers[stretch.stop - 1] - numbers[stretch.start] >= _FEWEST_STEPS:
        x = numbers[stretch] + iteration_offset
        fitted = _fitted(lrs[stretch], x, expected, every=1)
        if fitted is not None:
            kind, constant, initial = fitted
            return Shape(kind, "step", 1, constant, initial, int(changed[0]), int(changed[-1]))
    return _by_levels(levels, changed, "step", expected)


def _by_levels(levels: Floats, at: Steps, unit: Unit, expected: ShapeKind | None) -> Shape | None:
    """Returns the rule of a learning rate that stands still between changes at even distances.

    The last change may be a smaller one, to a floor.
    """
    distances = np.diff(at)
    if not distances.size or bool((distances != distances[0]).any()):
        return None
    every = int(distances[0])
    if every == 1 and unit == "step":
        return None  # nothing stands still
    fewest = _FEWEST_EPOCHS if every == 1 else _FEWEST_EPOCHS - 1
    rule: ShapeKind | None = expected if every == 1 else "exponential"
    x = np.append(at[:1] - every, at)
    for count in (at.size, at.size - 1):
        if count < fewest:
            return None
        fitted = _fitted(levels[: count + 1], x[: count + 1], rule, every=every)
        is_floor = count == at.size or abs(levels[-1] - levels[-2]) < abs(levels[-2] - levels[-3])
        if fitted is not None and is_floor:
            kind, constant, initial = fitted
            return Shape(kind, unit, every, constant, initial, int(at[0]), int(at[count - 1]))
    return None


def _fitted(
    lrs: Floats, x: Steps, expected: ShapeKind | None, *, every: int
) -> tuple[ShapeKind, float, float] | None:
    """Returns the rule that fits, its constant and its initial value; None where none or several do."""
    if lrs.size > _LONG:
        # Nearly every other curve ends here.
        rows = np.linspace(0, lrs.size - 1, _LONG).astype(np.intp)
        if _fitted(lrs[rows], x[rows], expected, every=every) is None:
            return None
    passed = (x - x[0]).astype(np.float64)
    far = {kind: error(lrs, passed / passed[-1]) for kind, error in _ERRORS.items()}
    best = min(far, key=far.__getitem__)
    if expected is not None:
        best = expected
    elif sorted(far.values())[1] < _CLEAR * far[best]:
        return None
    if far[best] > _ROUNDING:
        return None
    first, last, span = float(lrs[0]), float(lrs[-1]), float(passed[-1])
    if best == "exponential":
        return best, (last / first) ** (every / span), first
    if best == "linear":
        return best, (last - first) / span * every, first
    per_step = (1.0 / last - 1.0 / first) / span
    at_zero = 1.0 / first - per_step * float(x[0])
    return (best, per_step / at_zero, 1.0 / at_zero) if at_zero > 0.0 else None


def _off_exponential(lrs: Floats, part: Floats) -> float:
    if not bool((lrs > 0.0).all()):
        return math.inf
    logs = np.log(lrs)
    return float(np.abs(logs - (logs[0] + (logs[-1] - logs[0]) * part)).max())


def _off_inverse_time(lrs: Floats, part: Floats) -> float:
    if not bool((lrs > 0.0).all()):
        return math.inf
    inverse = 1.0 / lrs
    return float(np.abs((inverse[0] + (inverse[-1] - inverse[0]) * part) * lrs - 1.0).max())


def _off_line(lrs: Floats, part: Floats) -> float:
    return float(np.abs(lrs - (lrs[0] + (lrs[-1] - lrs[0]) * part)).max() / lrs.max())


_ERRORS: Final[dict[ShapeKind, Callable[[Floats, Floats], float]]] = {
    "exponential": _off_exponential,
    "inverse_time": _off_inverse_time,
    "linear": _off_line,
}


@dataclass(frozen=True, slots=True)
class LRSweep:
    """A learning rate that grows over decades from the first step to the last.

    Attributes:
      growth: ``exponential`` or ``linear``.
      first_row: the index that it starts with: 0, or 1 after a step with a stray learning rate.
      every: how many steps each learning rate is used for.
      low: the first learning rate.
      high: the last.
      following: what would have been the next.
    """

    growth: Literal["exponential", "linear"]
    first_row: int
    every: int
    low: float
    high: float
    following: float

    @property
    def decades(self) -> float:
        """Over how many decades it grows."""
        return math.log10(self.high / self.low)

    @property
    def is_from_round_number(self) -> bool:
        """Whether it starts at a round number, which suggests that it was chosen."""
        return _is_round(self.low)

    @property
    def is_to_round_number(self) -> bool:
        """Whether it ends at one, or would have with its next level."""
        return _is_round(self.high) or _is_round(self.following)


def find_lr_sweep(learning_rate: NDArray[np.floating[Any]], steps: Steps) -> LRSweep | None:
    """Returns how the learning rate grows over decades; None if it does not do so from start to end.

    It has at least 10 levels, each used for the same number of steps (the last may be cut short), which grow
    by one factor or by one amount, up to the last step. One step before may have another learning rate: that
    of the optimizer, before a callback sets the first one.

    Args:
      learning_rate: [n], of one fit.
      steps: [n], ascending.
    """
    lrs = learning_rate.astype(np.float64)
    if not lrs.size or not bool((np.isfinite(lrs) & (lrs > 0.0)).all()):
        return None
    rows = np.append(0, np.flatnonzero(np.diff(lrs) != 0.0) + 1)
    if rows.size < _SWEEP_LEVELS:
        return None
    levels, at = lrs[rows], steps[rows]
    stray = 1 if levels[0] >= levels[1] and at[1] - at[0] == 1 else 0
    levels, at, rows = levels[stray:], at[stray:], rows[stray:]
    distances = np.diff(at)
    if bool((np.diff(levels) <= 0.0).any()) or bool((distances != distances[0]).any()):
        return None
    if int(steps[-1] - at[-1]) >= int(distances[0]):
        return None  # it stands still in the end
    part = np.linspace(0.0, 1.0, levels.size)
    low, high = float(levels[0]), float(levels[-1])
    if _off_exponential(levels, part) <= _SWEEP_ROUNDING:
        following = high * (high / low) ** (1.0 / (levels.size - 1))
        return LRSweep("exponential", int(rows[0]), int(distances[0]), low, high, following)
    if _off_line(levels, part) > _LINE_ROUNDING:
        return None
    # A warm-up in proportion to the step starts with one part of its peak, or two.
    part_of_it = (high - low) / (levels.size - 1)
    parts = low / part_of_it
    if abs(parts - round(parts)) < _SWEEP_ROUNDING and round(parts) in (1, 2):
        return None
    return LRSweep("linear", int(rows[0]), int(distances[0]), low, high, high + part_of_it)


def _is_round(value: float) -> bool:
    return abs(float(f"{value:.2g}") / value - 1.0) < _LINE_ROUNDING
