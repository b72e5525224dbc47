"""Findings about trainings that learned nothing, or whose learning rate was too low or decayed early."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.loss.levels import Floats, LossLevels
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, figure, percent
from lrmon.review.run.numbers import shortest
from lrmon.text.wording import quantity

_SURE: Final = 5.0
_NOTHING: Final = 0.05
"""If the loss dropped by less than this share, the training learned almost nothing."""
_FLAT: Final = 0.03
"""Levels within this share of each other are constant."""
_CHANCE: Final = 0.015
"""A loss within this share of ln k is at the level of guessing among k classes."""
_TINY: Final = 1e-5
"""A learning rate below this is too low for a network that starts from random weights."""
_LOW_FOR_A_LINE: Final = 1e-3
"""A learning rate above this is not too low, even if the loss drops slowly."""
_STILL: Final = 1e-6
"""Updates below this share of the weights change nothing in a training of any usual length."""
_ZERO: Final = 1e-9
"""A learning rate below this share of its peak counts as 0."""
_LOW: Final = 0.1
"""Steps with a learning rate below this share of its peak contribute little."""


def learning_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``learning-rate-zero``, and one of the other findings of this theme."""
    yield from _zero(analysis)
    levels = analysis.levels
    if levels is None or float(levels.level.min()) <= 0.0:
        # A loss that can be negative has no level that is known to be good.
        return
    yield from list(_decayed(analysis, levels)) or list(_never(analysis, levels)) or _too_low(levels)


def _zero(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields a finding for a learning rate of 0 for ten steps and a twentieth of the run."""
    run = analysis.run
    used = run.recorded("learning_rate") & ~np.isin(run.step, run.skipped) & np.isfinite(run.learning_rate)
    if run.main_updates is not None:
        used &= run.main_updates > 0
    lrs = run.learning_rate[used].astype(np.float64)
    steps = run.step[used]
    if lrs.size < 2:
        return
    is_zero = np.abs(lrs) <= _ZERO * max(float(np.abs(lrs).max()), 0.0)
    lr_changes = np.flatnonzero(np.diff(np.concatenate(([0], is_zero.view(np.int8), [0]))))
    firsts, stops = lr_changes[::2], lr_changes[1::2]
    if not firsts.size:
        return
    longest = int(np.argmax(stops - firsts))
    first, stop = int(firsts[longest]), int(stops[longest])
    size = stop - first
    if size < max(10, lrs.size // 20) and not (size == lrs.size and size >= 3):
        return
    lr = float(shortest(run.learning_rate[used][stop - 1 : stop])[0])
    is_all = size == lrs.size
    to_end = stop == lrs.size
    position = analysis.positions.describe(int(steps[first]))
    if is_all:
        text = f"The learning rate is {figure(lr)} in all {quantity(size, 'step')}, so nothing was learned."
    else:
        end = "to the end" if to_end else f"to {analysis.positions.describe(int(steps[stop - 1]))}"
        text = (
            f"The learning rate is {figure(lr)} from {position} {end}, {percent(size / lrs.size)} of the "
            "steps, so nothing was learned there."
        )
    yield Finding(
        code="learning-rate-zero",
        severity="error" if is_all else "warning",
        text=text,
        advice=(
            "Give the optimizer a learning rate, and check the schedule or callback that sets it to 0."
            if is_all or not to_end
            else "Make the schedule as long as the training, or give it an end that is not 0."
        ),
        step=int(steps[first]),
        last_step=int(steps[stop - 1]),
        numbers={"learning_rate": lr, "steps": size, "share": round(size / lrs.size, 4)},
    )


def chance(level: float) -> int | None:
    """Returns the number of classes, 2 to 30, for which guessing has this loss; None if there is none.

    >>> chance(2.31), chance(2.0)
    (10, None)
    """
    if level <= 0:
        return None
    classes = round(math.exp(min(level, 5.0)))
    if not 2 <= classes <= 30 or abs(level / math.log(classes) - 1.0) > _CHANCE:
        return None
    return classes


def _never(analysis: RunAnalysis, levels: LossLevels) -> Iterator[Finding]:
    """Yields a finding if the loss is no better than at the start by a twentieth, or no better than guessing.

    Levels are those after a fifth of the steps. One of these holds:

    - the number of classes is recorded, and no level is 7 % below guessing among them;
    - the levels are constant (within 3 % or their noise), and no better than the start by a twentieth or by
      the noise;
    - the levels are constant at ln k, after a drop of at most a quarter of the start, or after losses ten
      times as high;
    - in the first fifth, the loss rose to three times the start, and never came back below the start.
    """
    later = levels.smooth[levels.row[:-1] >= levels.loss.size // 5]
    low, high = float(np.quantile(later, 0.1)), float(np.quantile(later, 0.9))
    level, error = float(np.median(later)), float(np.median(levels.error))
    margin = max(_FLAT * level, 5 * error)
    is_still = high - low <= margin and abs(_drift(later)) <= margin and not _wanders(levels)
    is_sure = 3 * levels.start_error < 0.5 * levels.start and high <= 1.3 * levels.start
    is_nothing = is_sure and levels.start - level <= max(
        _NOTHING * levels.start, min(3 * levels.start_error, 2 * _NOTHING * levels.start)
    )
    highest = float(np.median(np.sort(levels.loss[: max(levels.loss.size // 5, 3)])[-3:]))
    is_hot = highest >= 3 * (levels.start + 3 * levels.start_error) and low >= 0.9 * levels.start
    classes, hedge = chance(level), ", if the loss is a cross-entropy (the loss of a GAN can stay there)"
    if levels.guess is not None:
        if levels.start < 0.9 * levels.guess:
            return  # the model was trained before
        if low < 0.93 * levels.guess:
            return
        classes, hedge = round(math.exp(levels.guess)), ""
        is_hot = is_hot or (level > 1.05 * levels.guess and not is_still)
    else:
        is_guess = classes is not None and (
            0 <= levels.start - level <= 0.25 * levels.start or highest >= 10 * level
        )
        if not is_hot and not (is_still and (is_nothing or is_guess)):
            return
    lrs = levels.learning_rate[np.isfinite(levels.learning_rate)]
    used = f" at learning rates up to {_figure(lrs.max())}" if lrs.size else ""
    position, last_step = int(levels.step[0]), int(levels.step[-1])
    size = int(levels.loss.size)
    steps = quantity(size, "step")
    numbers = {"start": levels.start, "level": level, "last": levels.end, "steps": size, "classes": classes}
    evidence = None if is_hot else _evidence(analysis, lrs)
    if evidence is not None:
        yield Finding(
            code="learning-rate-too-low",
            severity="warning",
            text=(
                f"The loss did not drop in {steps}{used}: it was {figure(levels.start, 4)} at the start and "
                f"{figure(levels.end, 4)} at the end, and {evidence}."
            ),
            advice=(
                "Raise the learning rate, for example by a factor of 100. A range test (lrmon.LRFinder) "
                "suggests one."
            ),
            step=position,
            last_step=last_step,
            numbers=numbers,
        )
        return
    guess = (
        f" This is the level of guessing among {classes} classes (ln {classes} = "
        f"{figure(math.log(classes), 4)}){hedge}."
        if classes is not None
        else ""
    )
    if classes is not None and level > 1.07 * math.log(classes):
        guess = f" Guessing among {classes} classes is better: ln {classes} = {figure(math.log(classes), 4)}."
    over = f" over {figure(highest, 3)}" if highest >= 2 * max(levels.start, level) else ""
    course = f"from {figure(levels.start, 4)} at the start{over} to {figure(level, 4)}"
    stayed = "stayed" if is_still else f"moved between {figure(low, 3)} and {figure(high, 3)}"
    yield Finding(
        code="never-learned",
        severity="error" if is_hot or not hedge else "warning",
        text=(
            f"The training learned nothing{used}: in {steps}, the loss changed {course}, where it "
            f"{stayed}.{guess}"
        ),
        advice=(
            "Lower the learning rate by a factor of 10 to 100, and scale the inputs."
            if is_hot
            else "Check that the labels belong to the inputs, that the inputs vary and are scaled and "
            "shuffled, and that gradients reach the weights. A range test (lrmon.LRFinder) shows whether the "
            "learning rate is the cause."
        ),
        step=position,
        last_step=last_step,
        numbers=numbers,
    )


def _wanders(levels: LossLevels) -> bool:
    """Returns whether levels rise again by far more than their noise, as those of a GAN do."""
    up = float((levels.level - np.minimum.accumulate(levels.level)).max())
    return up > max(7 * float(np.median(levels.error)), 0.02 * abs(float(np.median(levels.level))))


def _figure(lr: float) -> str:
    """Returns a learning rate as text, as short as its float32 allows."""
    return figure(float(shortest(np.array([lr], np.float32))[0]))


def _drift(later: Floats) -> float:
    """Returns the change of levels from their first third to their last."""
    third = max(later.size // 3, 1)
    return float(np.median(later[-third:]) - np.median(later[:third]))


def _evidence(analysis: RunAnalysis, lrs: NDArray[np.float64]) -> str | None:
    """Returns the evidence that the learning rate is too low, None if there is none."""
    ratios = [
        ratio
        for sample in analysis.run.samples
        for ratio in sample.update_to_weight.values()
        if math.isfinite(ratio)
    ]
    if ratios:
        middle = float(np.median(ratios))
        return (
            f"an update changed the weights by {figure(middle, 2)} of their size" if middle < _STILL else None
        )
    # The training loss alone can drop because the model memorizes the data.
    name = "val_loss" if "val_loss" in analysis.run.metric_names else "loss"
    values = np.array([epoch.metrics.get(name, math.nan) for epoch in analysis.run.epochs])
    values = values[np.isfinite(values)]
    if values.size >= 6:
        falls = int(np.count_nonzero(np.diff(values) < 0))
        middle = values[values.size // 2]
        # A loss that only learns how frequent the classes are drops more and more slowly.
        is_steady = middle - values[-1] >= 0.6 * (values[0] - middle)
        share = float((values[0] - values[-1]) / abs(values[0])) if values[0] else 0.0
        logged = [epoch.metrics["loss"] for epoch in analysis.run.epochs if "loss" in epoch.metrics]
        is_memorized = len(logged) > 1 and logged[0] - logged[-1] >= _NOTHING * abs(logged[0])
        if falls >= 0.9 * (values.size - 1) and 0 < share < _NOTHING and is_steady and not is_memorized:
            return f"{name} dropped in {falls} of {values.size - 1} epochs, by {percent(share)} in total"
    if lrs.size and 0 < float(lrs.max()) < _TINY:
        return f"no learning rate was above {figure(_TINY)}"
    return None


def _too_low(levels: LossLevels) -> Iterator[Finding]:
    """Yields a finding if the loss drops in a straight line by less than a third, at one learning rate."""
    lrs = levels.learning_rate
    if (
        levels.loss.size < 200
        or not bool(np.isfinite(lrs).all())
        or lrs.max() > 1.05 * lrs.min()
        or lrs.min() <= 0
    ):
        return
    if float(lrs.max()) > _LOW_FOR_A_LINE or _wanders(levels):
        return
    middle = levels.level.size // 2
    first, first_error = _slope(levels.level[:middle])
    second, second_error = _slope(levels.level[middle:])
    share = (levels.start - levels.end) / levels.start
    if not 0 < share <= 1 / 3 or second > -_SURE * second_error or second > 0.6 * first or first >= 0:
        return
    lr = _figure(lrs[0])
    yield Finding(
        code="learning-rate-too-low",
        severity="warning",
        text=(
            f"At a learning rate of {lr}, the loss dropped by only {percent(share)} in "
            f"{quantity(levels.loss.size, 'step')}, from {figure(levels.start, 4)} to "
            f"{figure(levels.end, 4)}, in a straight line, and as fast at the end as before."
        ),
        advice=(
            "Raise the learning rate, for example by a factor of 10. A range test (lrmon.LRFinder) suggests "
            "one."
        ),
        step=int(levels.step[0]),
        last_step=int(levels.step[-1]),
        numbers={
            "start": levels.start,
            "last": levels.end,
            "share": round(share, 4),
            "learning_rate": float(lrs[0]),
        },
    )
    del first_error


def _slope(values: Floats) -> tuple[float, float]:
    """Returns the slope of a line through values and its standard error."""
    if values.size < 4:
        return 0.0, math.inf
    positions = np.arange(values.size) - (values.size - 1) / 2
    spread = float(positions @ positions)
    slope = float(positions @ values) / spread
    rest = values - values.mean() - slope * positions
    return slope, math.sqrt(float(rest @ rest) / (values.size - 2) / spread)


def _decayed(analysis: RunAnalysis, levels: LossLevels) -> Iterator[Finding]:
    """Yields a finding if the learning rate was below a tenth of its peak for a third of the steps.

    It decayed too early: the learning rate is added up over the steps. In the second half of this sum, the
    loss made at least a tenth of its progress: by five standard errors of a line, or because the means of all
    epochs in it dropped. After that, the loss dropped by at most twice as much, and it was not near 0. Or the
    loss had not dropped at all.
    """
    lrs = levels.learning_rate
    if not bool(np.isfinite(lrs).all()) or lrs.max() <= 0 or lrs.min() < 0:
        return
    high = np.flatnonzero(lrs > 1.001 * _LOW * lrs.max())
    row = int(high[-1]) + 1
    rest = levels.loss.size - row
    if row < 8 or rest < levels.loss.size / 3 or rest < 30:
        return
    total = np.cumsum(lrs[:row])
    half = int(np.searchsorted(total, total[-1] / 2))
    after = float(np.median(levels.loss[row : row + max(20, rest // 10)]))
    progress = max(levels.reference, levels.start) - after
    fall = _fall_of_line(levels.loss[:row], total, half) or _fall_of_epochs(analysis, levels, half, row)
    step = int(levels.step[row])
    peak, then = (figure(float(lr)) for lr in shortest(np.array([lrs.max(), lrs[row]], np.float32)))
    position, since = analysis.positions.describe(step), analysis.positions.describe(int(levels.step[half]))
    if after < 0.1 * levels.reference:
        return
    if fall is not None and fall >= 0.1 * progress and after - levels.end <= 2 * fall:
        text = (
            f"The learning rate decayed while the loss was still dropping: it was {peak} at its peak and "
            f"{then} at {position}. The loss had dropped by {figure(fall, 2)} since {since}; in the "
            f"{quantity(rest, 'step')} after the decay it changed from {figure(after, 3)} to "
            f"{figure(levels.end, 3)}."
        )
    elif rest > 2 / 3 * levels.loss.size and levels.reference - levels.end < _NOTHING * levels.reference:
        fall = 0.0
        text = (
            f"The learning rate decayed before the loss dropped: it was {peak} at its peak and {then} at "
            f"{position}. In the {quantity(rest, 'step')} after that, the loss changed from "
            f"{figure(after, 3)} to {figure(levels.end, 3)}."
        )
    else:
        return
    by_rule = analysis.defaults.is_applied and not analysis.has_schedule
    yield Finding(
        code="decayed-too-early",
        severity="warning",
        text=text,
        advice=(
            "Give ReduceLROnPlateau more patience or a smaller min_delta, so it waits for a plateau."
            if by_rule
            else "Let the learning rate decay later or more slowly, over all planned steps."
        ),
        step=step,
        last_step=int(levels.step[-1]),
        numbers={"learning_rate": float(lrs[row]), "peak": float(lrs.max()), "fall": fall, "steps": rest},
    )


def _fall_of_line(losses: Floats, total: Floats, half: int) -> float | None:
    """Returns how far losses dropped in the second half of a sum of learning rates, None if it is uncertain.

    If a line through that half is uncertain, one through all losses counts, unless the last third is above
    it, because the drop has then slowed down.
    """
    for first, sure in ((half, _SURE), (0, 3.0)):
        x, values = total[first:] - total[first:].mean(), losses[first:]
        spread = float(x @ x)
        if values.size < 6 or spread <= 0:
            continue
        slope = float(x @ (values - values.mean())) / spread
        rest = values - values.mean() - slope * x
        noise = math.sqrt(float(rest @ rest) / (values.size - 2))
        end = rest[-(values.size // 3) :]
        has_slowed = first < half and float(end.mean()) > 2 * noise / math.sqrt(end.size)
        if slope < -sure * noise / math.sqrt(spread) and not has_slowed:
            return -slope * float(total[-1] - total[half])
    return None


def _fall_of_epochs(analysis: RunAnalysis, levels: LossLevels, first: int, last: int) -> float | None:
    """Returns how far the mean loss of epochs dropped between two rows, None if it ever rose."""
    firsts = np.array([epoch.first_step for epoch in analysis.run.epochs], dtype=np.int64)
    if firsts.size < 3:
        return None
    a, b = np.searchsorted(firsts, levels.step[[first, last]], side="right") - 1
    means = analysis.epochs.mean_loss[max(int(a), 0) : int(b) + 1]
    if means.size < 2:
        means = analysis.epochs.mean_loss[max(int(a), 0) : int(b) + 2]
    if means.size < 2 or not bool((np.diff(means) < 0).all()):
        return None
    return float(means[0] - means[-1])
