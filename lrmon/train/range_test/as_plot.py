"""A range test drawn by matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from lrmon.train.range_test.sweep_settings import Floats, checked_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lrmon.analysis.range_test.analyze import RangeTest, Suggestion

_RAW, _LINE, _VALIDATION, _RECOMMENDED, _OTHER = "#1f5fa855", "#1f5fa8", "#b5541c", "#0a7d38", "#6b7280"
_TIMES_START: Final = 3.0


class _Curves(Protocol):
    """What a plot needs of `lrmon.train.range_test.result.RangeTestResult`."""

    @property
    def learning_rates(self) -> Floats: ...
    @property
    def losses(self) -> Floats: ...
    @property
    def smoothed(self) -> Floats: ...
    @property
    def validation_losses(self) -> Floats: ...
    @property
    def suggestions(self) -> Mapping[str, Suggestion]: ...
    @property
    def recommended(self) -> Suggestion: ...
    @property
    def sweeps(self) -> Sequence[RangeTest]: ...


def loss_plot(result: _Curves, n_skip_beginning: int, n_skip_end: int, x_scale: str, ax: Axes | None) -> Axes:
    """Returns axes with the loss against the learning rate; see `RangeTestResult.plot_loss`."""
    axes = ax or _new_axes()
    kept = _kept(result.losses.size, n_skip_beginning, n_skip_end)
    lrs = result.learning_rates[kept]
    for sweep in result.sweeps:
        some = _kept(sweep.loss.size, n_skip_beginning, n_skip_end)
        axes.plot(sweep.learning_rate[some], sweep.loss[some], color=_RAW, lw=0.8)
    axes.plot(lrs, result.smoothed[kept], color=_LINE, lw=1.8, label="loss, smoothed")
    validation = result.validation_losses[kept]
    measured = np.isfinite(validation)
    if measured.any():
        axes.plot(lrs[measured], validation[measured], color=_VALIDATION, lw=1.2, label="validation loss")
    _limit(axes, result.losses[kept])
    axes.set_xscale(x_scale)
    for suggestion in (*result.suggestions.values(), result.recommended):
        lr = suggestion.learning_rate
        if lr is not None and lrs.size and lrs[0] <= lr <= lrs[-1]:
            is_best = suggestion.name == result.recommended.name
            axes.axvline(
                lr,
                color=_RECOMMENDED if is_best else _OTHER,
                ls="-" if is_best else ":",
                lw=1.4 if is_best else 1.0,
                label=f"{suggestion.name} {lr:.3g}",
            )
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss of the batch")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=8)
    return axes


def loss_change_plot(
    result: _Curves,
    sma: int,
    n_skip_beginning: int,
    n_skip_end: int,
    y_lim: tuple[float, float] | None,
    ax: Axes | None,
) -> Axes:
    """Returns axes with the change of the loss; see `RangeTestResult.plot_loss_change`."""
    checked_count("sma", sma)
    axes = ax or _new_axes()
    losses = result.losses
    change = np.full(losses.size, np.nan)
    with np.errstate(invalid="ignore"):
        change[sma:] = (losses[sma:] - losses[:-sma]) / sma
    kept = _kept(losses.size, n_skip_beginning, n_skip_end)
    axes.plot(result.learning_rates[kept], change[kept], color=_LINE, lw=1.0)
    axes.axhline(0.0, color=_OTHER, lw=0.8)
    axes.set_xscale("log")
    if y_lim is not None:
        axes.set_ylim(y_lim)
    axes.set_xlabel("learning rate")
    axes.set_ylabel(f"change of the loss per step, over {sma}" if sma > 1 else "change of the loss per step")
    return axes


def _new_axes() -> Axes:
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise ImportError("plots need matplotlib; run pip install matplotlib") from error
    axes: Axes = plt.subplots(figsize=(7, 4), layout="constrained")[1]
    return axes


def _kept(size: int, n_skip_beginning: int, n_skip_end: int) -> slice:
    """The steps to draw: all, where fewer than two would be left."""
    if n_skip_beginning < 0 or n_skip_end < 0:
        raise ValueError(
            f"n_skip_beginning and n_skip_end must be at least 0, got {n_skip_beginning} and {n_skip_end}"
        )
    if size - n_skip_beginning - n_skip_end < 2:
        return slice(0, size)
    return slice(n_skip_beginning, size - n_skip_end)


def _limit(axes: Axes, losses: Floats) -> None:
    """Lets a loss that explodes leave the picture, so that the part before it can be seen."""
    finite = losses[np.isfinite(losses)]
    if not finite.size:
        return
    low, start = float(finite.min()), float(np.median(finite[: max(3, finite.size // 10)]))
    most = start + _TIMES_START * max(start - low, 0.05 * abs(start), 1e-12)
    if finite.max() > most:
        axes.set_ylim(low - 0.05 * (most - low), most)
