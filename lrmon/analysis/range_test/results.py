"""The results of a learning-rate range test, which `lrmon.analysis.range_test.analyze` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

METHODS: Final = ("steepest", "valley", "slide", "minimum_tenth", "divergence")
"""The named suggestions, in the order in which they are shown."""

RECOMMENDED: Final = "recommended"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A learning rate that a method picks, or the reason why it picks none.

    Attributes:
      name: one of `METHODS`, or `RECOMMENDED`.
      learning_rate: None if the method picks none. Those of ``minimum_tenth`` and ``recommended`` need not
        occur in the sweep.
      index: the index in the sweep's arrays that it is read from (of ``minimum_tenth`` that of the minimum).
      reason: a sentence: why this one, or why none.
    """

    name: str
    learning_rate: float | None
    index: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Caution:
    """A reason to doubt the suggestions.

    Attributes:
      code: ``too-short``, ``flat``, ``not-finite``, ``not-ascending``, ``no-divergence``, ``at-the-start``,
        ``noisy``, ``disagree`` or ``spread``; a section of docs/range_test.md.
      text: a sentence or two with the numbers and what to do.
    """

    code: str
    text: str

    @property
    def anchor(self) -> str:
        """The section of the documentation."""
        return f"docs/range_test.md#{self.code}"


@dataclass(frozen=True, slots=True)
class RangeTest:
    """A sweep, and what it suggests. Arrays are aligned with the input and read-only.

    Attributes:
      learning_rate: [n], as it came in.
      loss: [n], as it came in, non-finite values included.
      smoothed: [n], see `lrmon.analysis.range_test.curve.smoothed_loss`; NaN where the loss is no number.
      slope: [n], of `smoothed` against log10 of the learning rate: loss per decade. NaN if there is none.
      smoothing: the weight of `smoothed`.
      suggestions: by name, all of `METHODS`.
      recommended: the one to train with.
      cautions: the reasons to doubt them; empty without any.
    """

    learning_rate: NDArray[np.float64]
    loss: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    slope: NDArray[np.float64]
    smoothing: float
    suggestions: Mapping[str, Suggestion]
    recommended: Suggestion
    cautions: tuple[Caution, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """One method's suggestions over several sweeps.

    Attributes:
      name: one of `METHODS`, or `RECOMMENDED`.
      median: of those that were found, in decades (the geometric one between two); None where no sweep has
        one.
      low: the smallest of them, or None.
      high: the largest of them, or None.
      spread: log10(high / low), decades; 0 for one sweep; None where there is none.
      sweep_count: in how many sweeps there is one.
      reason: a sentence.
    """

    name: str
    median: float | None
    low: float | None
    high: float | None
    spread: float | None
    sweep_count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Repeats:
    """Several sweeps of one test, with other seeds.

    Attributes:
      tests: each sweep.
      suggestions: by name, all of `METHODS`.
      recommended: the one to train with.
      cautions: those that at least half of the sweeps have, and ``spread``, where the recommended one moves
        by more than a decade from sweep to sweep.
    """

    tests: tuple[RangeTest, ...]
    suggestions: Mapping[str, Spread]
    recommended: Spread
    cautions: tuple[Caution, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the learning rates of a training compare with a range test.

    Attributes:
      low: smallest positive learning rate of the training, None where it has none.
      high: largest.
      median: median over its steps.
      steepest: the point of the range test that it is compared with, or None.
      times_steepest: median / steepest, or None.
      beyond_divergence: share of its steps above the learning rate at which the sweep diverges, or None.
      text: one or two sentences.
    """

    low: float | None
    high: float | None
    median: float | None
    steepest: float | None
    times_steepest: float | None
    beyond_divergence: float | None
    text: str
