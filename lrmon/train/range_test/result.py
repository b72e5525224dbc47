"""What a range test comes to: the curve, what it suggests, and how much that can be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from lrmon.analysis.range_test.analyze import (
    Caution,
    RangeTest,
    Repeats,
    Spread,
    Suggestion,
    analyze,
    combine,
)
from lrmon.train.range_test.as_html import table_html
from lrmon.train.range_test.as_plot import loss_change_plot, loss_plot
from lrmon.train.range_test.sweep import Measured
from lrmon.train.range_test.sweep_settings import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INTERRUPTED: Final = "interrupted"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RangeTestResult:
    """A range test of one sweep, or of several with other seeds.

    Arrays are aligned with each other, [n], and read-only. Of several sweeps they hold medians, over the
    steps that at least half of them made.

    Attributes:
        learning_rates: That each step's update used.
        losses: Of each step's own batch, before its update.
        smoothed: Without the noise, see `lrmon.analysis.range_test.curve.smoothed_loss`.
        validation_losses: After the update of those steps at which they were measured, NaN at the others.
        suggestions: By name (``steepest``, ``valley``, ``slide``, ``minimum_tenth``, ``divergence``), each
            with `learning_rate` (or None) and the `reason`.
        recommended: The one to train with; `recommended.learning_rate` is None where the curve does not say.
        cautions: What makes one doubt it; empty where nothing is wrong.
        stopped: Why the (first) sweep ended before its last step: ``diverged``, ``not finite``,
            ``data ended`` or ``interrupted``. None where it did not.
        stopped_reason: The same in a sentence.
        sweeps: What each sweep alone measured and suggests.
        repeats: The suggestions' spread over the sweeps.
    """

    learning_rates: Floats
    losses: Floats
    smoothed: Floats
    validation_losses: Floats
    suggestions: Mapping[str, Suggestion]
    recommended: Suggestion
    cautions: tuple[Caution, ...]
    stopped: str | None
    stopped_reason: str | None
    sweeps: tuple[RangeTest, ...]
    repeats: Repeats

    def plot_loss(
        self, n_skip_beginning: int = 10, n_skip_end: int = 5, x_scale: str = "log", *, ax: Axes | None = None
    ) -> Axes:
        """Returns matplotlib axes: loss against learning rate, smoothed and raw, with the suggestions.

        Args:
            n_skip_beginning: Steps left out at the start. Where leaving out would leave fewer than two, all
                are drawn.
            n_skip_end: Steps left out at the end.
            x_scale: ``"log"`` or ``"linear"``.
            ax: To draw into; a new figure where left out.

        Raises:
            ImportError: matplotlib is not installed.
        """
        return loss_plot(self, n_skip_beginning, n_skip_end, x_scale, ax)

    def plot_loss_change(
        self,
        sma: int = 1,
        n_skip_beginning: int = 10,
        n_skip_end: int = 5,
        y_lim: tuple[float, float] | None = None,
        *,
        ax: Axes | None = None,
    ) -> Axes:
        """Returns matplotlib axes: how much the loss changes a step, against learning rate.

        Args:
            sma: Steps over which the change is averaged: (loss[k] - loss[k - sma]) / sma.
            n_skip_beginning: See `plot_loss`.
            n_skip_end: See `plot_loss`.
            y_lim: Lowest and highest change shown.
            ax: To draw into; a new figure where left out.

        Raises:
            ImportError: matplotlib is not installed.
            ValueError: `sma` is less than 1.
        """
        return loss_change_plot(self, sma, n_skip_beginning, n_skip_end, y_lim, ax)

    def __repr__(self) -> str:
        """Returns the result in words."""
        return "\n".join(lines_of(self))

    def _repr_html_(self) -> str:
        """Returns the suggestions for a notebook."""
        rows = [
            (
                suggestion.name,
                number(suggestion.learning_rate),
                spread_of(self, suggestion.name) + suggestion.reason,
            )
            for suggestion in (self.recommended, *self.suggestions.values())
        ]
        return table_html(lines_of(self)[0], rows, [problem.text for problem in self.cautions])


def result_of(measured: Sequence[Measured], smoothing: float | None) -> RangeTestResult:
    """Returns the result of sweeps.

    Args:
        measured: One at least. The rates of all are the same as far as they go.
        smoothing: Weight of the average, see `lrmon.analysis.range_test.analyze.analyze`.
    """
    tests = [analyze(sweep.learning_rate, sweep.loss, smoothing=smoothing) for sweep in measured]
    several = combine(tests)
    first = measured[0]
    longest = max(measured, key=lambda sweep: sweep.loss.size)
    losses = _median([sweep.loss for sweep in measured])
    lrs = longest.learning_rate[: losses.size].copy()
    smoothed = _median([test.smoothed for test in tests])
    validation = _median([sweep.validation_loss for sweep in measured])
    for array in (lrs, losses, smoothed, validation):
        array.setflags(write=False)
    return RangeTestResult(
        learning_rates=lrs,
        losses=losses,
        smoothed=smoothed,
        validation_losses=validation,
        suggestions=MappingProxyType(
            {
                name: tests[0].suggestions[name] if len(tests) == 1 else _median_suggestion(spread)
                for name, spread in several.suggestions.items()
            }
        ),
        recommended=tests[0].recommended if len(tests) == 1 else _median_suggestion(several.recommended),
        cautions=several.cautions,
        stopped=next((sweep.stopped for sweep in measured if sweep.stopped == INTERRUPTED), first.stopped),
        stopped_reason=next(
            (sweep.stopped_reason for sweep in measured if sweep.stopped == INTERRUPTED), first.stopped_reason
        ),
        sweeps=tuple(tests),
        repeats=several,
    )


def lines_of(result: RangeTestResult) -> list[str]:
    """Returns what the result says, a line for each thing."""
    lrs, count = result.learning_rates, len(result.sweeps)
    steps = "no step" if not lrs.size else f"{lrs.size} steps, {lrs[0]:.3g} to {lrs[-1]:.3g}"
    lines = [f"learning-rate range test: {steps}" + (f", median of {count} sweeps" if count > 1 else "")]
    if result.stopped_reason is not None:
        lines[0] += f" ({result.stopped}: {result.stopped_reason.rstrip('.')})"
    for suggestion in (result.recommended, *result.suggestions.values()):
        spread = spread_of(result, suggestion.name)
        lines.append(
            f"  {suggestion.name:<14} {number(suggestion.learning_rate):<10} {spread}{suggestion.reason}"
        )
    return lines + [f"  ! {problem.text}" for problem in result.cautions]


def spread_of(result: RangeTestResult, name: str) -> str:
    """Returns ``0.01 to 0.03, ``-like text of several sweeps, nothing of one."""
    several = {**result.repeats.suggestions, result.recommended.name: result.repeats.recommended}[name]
    if len(result.sweeps) == 1 or several.low is None or several.high is None:
        return ""
    return f"[{several.low:.3g} to {several.high:.3g}] "


def number(lr: float | None) -> str:
    """Returns a rate as text, a dash where there is none."""
    return "–" if lr is None else f"{lr:.3g}"


def _median_suggestion(spread: Spread) -> Suggestion:
    return Suggestion(spread.name, spread.median, None, spread.reason)


def _median(columns: Sequence[Floats]) -> Floats:
    """[n]: the median of those that have the step, as far as half have it; NaN where none is a number."""
    sizes = sorted((column.size for column in columns), reverse=True)
    size = sizes[(len(sizes) - 1) // 2]
    if len(columns) == 1:
        return columns[0].copy()
    padded = np.full((len(columns), size), np.nan)
    for row, column in zip(padded, columns, strict=True):
        row[: column.size] = column[:size]
    known = ~np.isnan(padded).all(axis=0)
    median = np.full(size, np.nan)
    median[known] = np.nanmedian(padded[:, known], axis=0)
    return median
