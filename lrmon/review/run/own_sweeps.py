"""Recognizes range tests that were recorded as trainings, by their learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from lrmon.analysis.learning_rate.shape import LRSweep, find_lr_sweep
from lrmon.analysis.range_test.analyze import analyze
from lrmon.review.run.numbers import shortest
from lrmon.review.run.run import Fit, Reals
from lrmon.text.wording import quantity

Steps = NDArray[np.int64]

_DECADES: Final = 2.0
"""A range test spans at least this many decades."""
_SURE: Final = 3.0
"""A sweep that could be a warm-up must span this many decades."""
_SAME: Final = 1.1
_FEW_EPOCHS: Final = 5


def with_own_sweeps(fits: Sequence[Fit], step: Steps, learning_rate: Reals, loss: Reals) -> list[Fit]:
    """Returns the fits; those whose learning rates make them range tests are marked.

    In a range test, the learning rate grows over decades, by one factor or by one amount, from the first step
    of a fit to the last. A warm-up does the same if its fit ends early: such a fit is continued by the next
    one, was interrupted, or has a schedule. Then there are more conditions, see `_is_range_test`.
    """
    borders = np.searchsorted(step, [fit.first_step for fit in fits]).tolist()
    marked = []
    for index, fit in enumerate(fits):
        stop = borders[index + 1] if index + 1 < len(fits) else step.size
        rows = slice(borders[index], stop)
        following = float(learning_rate[stop]) if stop < step.size else None
        sweep = _sweep(fit, step[rows], learning_rate[rows])
        if sweep is None or not _is_range_test(
            fit, sweep, learning_rate[rows], loss[rows], following=following
        ):
            marked.append(fit)
            continue
        first_step = int(step[borders[index] + sweep.first_row])
        marked.append(replace(fit, kind="range_test", sweep_from=first_step))
    return marked


def about_own_sweep(fits: Sequence[Fit], index: int, step: Steps, learning_rate: Reals) -> str | None:
    """Returns a sentence about a fit that was recognized as a range test, None for any other fit.

    Args:
      fits: of the run.
      index: of the fit.
      step: [n], of the run.
      learning_rate: [n], of the run.
    """
    fit = fits[index]
    if fit.sweep_from is None:
        return None
    borders = [fit.first_step, *(later.first_step for later in fits[index + 1 : index + 2])]
    first, *rest = np.searchsorted(step, borders).tolist()
    rows = slice(first, rest[0] if rest else step.size)
    sweep = find_lr_sweep(learning_rate[rows], step[rows])
    return None if sweep is None else _sentence(fit, sweep, learning_rate[rows], index=index, fits=len(fits))


def _sweep(fit: Fit, step: Steps, learning_rate: Reals) -> LRSweep | None:
    """Returns the sweep of a completed fit, None if there is none."""
    if fit.kind != "training" or fit.ended is None or step.size < 2:
        return None
    # Nearly every training ends here.
    if not learning_rate[-1] > 0.99 * 10**_DECADES * learning_rate[:2].min():
        return None
    sweep = find_lr_sweep(learning_rate, step)
    return sweep if sweep is not None and sweep.decades >= _DECADES - 1e-6 else None


def _is_range_test(
    fit: Fit, sweep: LRSweep, learning_rate: Reals, loss: Reals, *, following: float | None
) -> bool:
    """Returns whether a sweep is a range test and no warm-up.

    - If the next fit continues at its last learning rate, it is a warm-up.
    - A sweep by a factor is a range test from 2 decades on; from 3 on if each learning rate is used for an
      epoch, if it is a schedule, or if the fit was interrupted and the loss does not rise.
    - A sweep by an amount must also be made by a callback, in a fit of a few epochs, start from a round
      number, not in proportion to the step, and end at one or where the loss rises.
    """
    if following is not None and sweep.high / _SAME < following < sweep.high * _SAME:
        return False
    record = fit.record
    rises = False
    if bool(np.isfinite(loss).any()):
        test = analyze(shortest(learning_rate[sweep.first_row :]), loss[sweep.first_row :])
        rises = test.suggestions["divergence"].learning_rate is not None
    was_interrupted = str(fit.ended).startswith("interrupted")
    if sweep.growth == "exponential":
        per_epoch = fit.steps_per_epoch is not None and 1 < fit.steps_per_epoch <= sweep.every
        doubtful = per_epoch or bool(record.get("schedule")) or (was_interrupted and not rises)
        return sweep.decades >= (_SURE if doubtful else _DECADES) - 1e-6
    epochs = record.get("epochs")
    if record.get("schedule") or (isinstance(epochs, int) and epochs - fit.initial_epoch > _FEW_EPOCHS):
        return False
    return (
        sweep.is_from_round_number
        and (sweep.is_to_round_number or rises)
        and not (was_interrupted and not rises)
    )


def _sentence(fit: Fit, sweep: LRSweep, lrs: Reals, *, index: int, fits: int) -> str:
    low, high = (f"{lr:.3g}" for lr in shortest(lrs[[sweep.first_row, -1]]).tolist())
    per_epoch = fit.steps_per_epoch is not None and 1 < fit.steps_per_epoch <= sweep.every
    when = (
        "every epoch"
        if per_epoch
        else "every step"
        if sweep.every == 1
        else f"every {quantity(sweep.every, 'step')}"
    )
    what = "This run is" if fits == 1 else f"Fit {index + 1} of this run, from step {fit.sweep_from:,} on, is"
    text = (
        f"{what} recognized as a range test: the learning rate grows {when} from {low} to {high}, over "
        f"{sweep.decades:.1f} decades."
    )
    if per_epoch or not str(fit.record.get("framework")).startswith(("keras", "tf_keras")):
        return text
    exactness = fit.record.get("exactness")
    exact = not isinstance(exactness, dict) or exactness.get("loss", schema.EXACT) == schema.EXACT
    own = " The loss here is that of each batch." if fit.has("loss") and exact else ""
    return (
        f"{text}{own} Keras' logs['loss'] in on_train_batch_end is the mean of all batches since the epoch "
        "started. It lags behind, so a plot of it suggests learning rates that are too high."
    )
