"""Findings about trainings without improvement for a long time, and about further LR drops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.loss.levels import Floats, LossLevels, noise_around_course
from lrmon.analysis.plateau.direction import monitor_direction
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, figure, percent
from lrmon.review.report.plateau.plateaus import default_plateaus
from lrmon.review.report.plateau_settings import keras_call
from lrmon.review.run.numbers import shortest
from lrmon.text.wording import quantity

FEWEST: Final = 5
"""Fewer epochs without improvement are not reported."""
_LONG: Final = 0.4
"""A run without improvement for at least this share of it has stalled."""
_STILL: Final = 1.01
"""A learning rate whose values are within this ratio was constant."""
_OSCILLATES: Final = 0.05
"""A metric that changes by at least this share of its level from epoch to epoch oscillates."""
_SURE: Final = 3.0
_ANSWER: Final = 0.1
"""An LR drop helped if the loss dropped by at least this share of its level."""
_NO_MORE: Final = 0.2
"""Since then, the loss dropped by less than this share of its drop at the LR drop."""
_LONGEST: Final = 12
"""This many epochs, and three fifths of the run, without any improvement are a warning."""
_NO_GAIN: Final = 0.02
"""An improvement of less than this share of the whole improvement is irrelevant."""
_DONE: Final = 0.02
"""A loss below this share of its reference cannot improve much."""


def stall_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``drop-would-help`` or ``stalled``."""
    yield from list(_drop(analysis)) or _stalled(analysis)


def _drop(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields a finding if the loss dropped at the last LR drop and has been constant since.

    That must last for a third of the run. It is a warning from half of the run on, because many trainings end
    with a third at their lowest learning rate.
    """
    levels, lr_changes = analysis.levels, analysis.lr_changes
    if levels is None or analysis.defaults.is_applied:
        return
    drops = np.flatnonzero((lr_changes.lr_to <= 0.5 * lr_changes.lr_from) & (lr_changes.lr_to > 0))
    if not drops.size:
        return
    drop = int(drops[-1])
    row = int(np.searchsorted(levels.step, lr_changes.step[drop]))
    rest = levels.loss.size - row
    if rest < levels.loss.size / 3 or rest < 60 or not _is_constant(levels.learning_rate[row:]) or row < 20:
        return
    window = max(20, levels.loss.size // 30)
    means = _means_around(analysis, int(lr_changes.step[drop]))
    if means is not None:
        before, after, error = means
    else:
        before = float(np.median(levels.loss[max(row - window, 0) : row]))
        after = float(np.median(levels.loss[row + window // 2 : row + window // 2 + window]))
        error = float(np.median(levels.error[: levels.block_of(row) + 1]))
    if before - after < max(_SURE * error, _ANSWER * before) or levels.end < _DONE * levels.reference:
        return
    tail = levels.loss[row + rest // 3 :]
    half = tail.size // 2
    gain = float(np.median(tail[:half]) - np.median(tail[half:]))
    if gain > _NO_MORE * (before - after):
        return
    since = int(levels.step[row + rest // 3])
    step = int(lr_changes.step[drop])
    lrs = shortest(np.array([lr_changes.lr_from[drop], lr_changes.lr_to[drop]], np.float32))
    yield Finding(
        code="drop-would-help",
        severity="warning" if rest >= levels.loss.size / 2 else "info",
        text=(
            f"The LR drop from {figure(float(lrs[0]))} to {figure(float(lrs[1]))} at "
            f"{analysis.positions.describe(step)} reduced the loss from {figure(before, 3)} to "
            f"{figure(after, 3)}. Since {analysis.positions.describe(since)}, the loss has been constant at "
            f"{figure(float(np.median(tail)), 3)}, and there was no further LR drop in "
            f"{quantity(rest, 'step')}."
        ),
        advice="Reduce the learning rate once more, or stop the training there.",
        step=since,
        last_step=int(levels.step[-1]),
        numbers={
            "drop_step": step,
            "before": before,
            "after": after,
            "level": float(np.median(tail)),
            "steps": rest,
        },
    )


def _means_around(analysis: RunAnalysis, step: int) -> tuple[float, float, float] | None:
    """Returns the mean loss of the two epochs before an LR drop, of the two after the next, and its noise.

    Complete epochs have the same data, so differences between batches are no noise. None for fewer epochs.
    """
    firsts = np.array([epoch.first_step for epoch in analysis.run.epochs], dtype=np.int64)
    index = int(np.searchsorted(firsts, step, side="right")) - 1
    index += int(index >= 0 and firsts[index] < step)
    means = analysis.epochs.mean_loss
    if index < 4 or means.size < index + 3 or not bool(np.isfinite(means[: index + 3]).all()):
        return None
    before, after = float(means[index - 2 : index].mean()), float(means[index + 1 : index + 3].mean())
    return before, after, noise_around_course(means[:index])


def _stalled(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields a finding if the metric did not improve for two fifths of the run and five epochs, at one LR.

    It is a warning if the training loss did not improve for three fifths of the run either, or if the metric
    changes by a twentieth of its level from epoch to epoch, because the updates are then too large for it to
    settle. Otherwise, or if the loss is almost 0, it is info.
    """
    name, value, position = watched(analysis)
    if value.size < 2 * FEWEST:
        return
    falls = _falls(name)
    if falls is None:
        return
    signed = value if falls else -value
    oscillating = _oscillating_since(signed) if name.startswith("val_") else None
    flat = _flat_since(analysis, signed) if oscillating is None and name == "val_loss" else None
    best = next(index for index in (oscillating, flat, int(np.argmin(signed))) if index is not None)
    since = value.size - 1 - best
    steps = analysis.run.step
    if since < max(FEWEST, _LONG * value.size):
        return
    a, b = np.searchsorted(steps, [position[best], position[-1] + 1])
    lrs = analysis.run.learning_rate[a:b].astype(np.float64)
    if not _is_constant(lrs):
        return
    levels = analysis.levels
    is_done = levels is not None and levels.reference > 0 and levels.end < _DONE * levels.reference
    level = abs(float(np.median(value[best:])))
    noise = noise_around_course(value[best:])
    is_oscillating = level > 0 and noise >= _OSCILLATES * level
    if flat is None and best > 0 and not is_oscillating and float(signed[0] - signed[best]) <= 4 * noise:
        return
    positions = analysis.run.epoch_positions
    word, first = (
        ("epoch", int(positions[best]))
        if position.size == len(analysis.run.epochs)
        else ("step", int(position[best]))
    )
    count = quantity(since if word == "epoch" else int(position[-1] - position[best]), word)
    oscillation = (
        f" The metric changes by {percent(noise / level)} of its level from one "
        f"{word if word == 'epoch' else 'block'} to the next."
        if is_oscillating
        else ""
    )
    course = (
        f"{name} has not improved since {word} {first:,} ({figure(value[best], 4)}), for {count}"
        if oscillating is None and flat is None
        else f"{name} has been around {figure(level, 3)} since {word} {first:,}, for {count}"
    )
    plateaus = default_plateaus(analysis)
    reduced = (
        next((reduction for reduction in plateaus.reductions if reduction.is_first), None)
        if plateaus.unit == "epoch"
        else None
    )
    would = (
        f" ReduceLROnPlateau with patience {plateaus.rule.patience} would have reduced the learning rate "
        "after epoch "
        f"{int(positions[reduced.index])}."
        if reduced is not None and reduced.kind == "would" and plateaus.rule.monitor == name
        else ""
    )
    call = keras_call(analysis.defaults.rule) if would else None
    yield Finding(
        code="stalled",
        # Blocks of a loop without epochs differ by the noise of their batches, too.
        severity="warning"
        if not is_done and ((is_oscillating and word == "epoch") or flat is not None)
        else "info",
        text=(
            f"{course}. The learning rate was constant at "
            f"{figure(float(shortest(lrs[:1].astype(np.float32))[0]))} in that time.{oscillation}{would}"
        ),
        advice=(
            f"Reduce the learning rate there, for example with {call}."
            if call
            else "Reduce the learning rate there, or stop the training there."
        ),
        step=int(position[best]),
        last_step=int(position[-1]),
        numbers={
            "monitor": name,
            "best": float(value[best]),
            "best_epoch": first if word == "epoch" else None,
            "epochs": since if word == "epoch" else None,
            "noise": noise,
            "level": level,
            **({"reduction_epoch": int(positions[reduced.index])} if would and reduced is not None else {}),
        },
    )


def watched(analysis: RunAnalysis) -> tuple[str, Floats, NDArray[np.int64]]:
    """Returns the metric that is watched: its name, its values, and the last step of each."""
    name = analysis.defaults.rule.monitor
    epochs = [epoch for epoch in analysis.run.epochs if np.isfinite(epoch.metrics.get(name, np.nan))]
    if len(epochs) == len(analysis.run.epochs) and len(epochs) >= 2 * FEWEST:
        values = np.array([epoch.metrics[name] for epoch in epochs], dtype=np.float64)
        return name, values, np.array([epoch.last_step for epoch in epochs], dtype=np.int64)
    levels: LossLevels | None = analysis.levels
    if levels is None or analysis.run.epochs or float(levels.level.min()) <= 0:
        return name, np.zeros(0), np.zeros(0, dtype=np.int64)
    return "loss", levels.level, levels.step[levels.row[1:] - 1]


def _flat_since(analysis: RunAnalysis, value: Floats) -> int | None:
    """Returns the last epoch with a relevant improvement of validation or training, None if unknown.

    A relevant improvement is a fiftieth of the whole improvement; single lucky epochs are less. The result is
    also None if that epoch is so late that nothing stalled.
    """
    levels, training = analysis.levels, analysis.epochs.mean_loss
    if levels is None or training.size != value.size or not bool(np.isfinite(training).all()):
        return None
    starts = []
    for series in (value, training):
        tail = series[series.size // 2 :]
        half, level = tail.size // 2, float(np.median(tail))
        gain = levels.reference - level
        margin = max(_NO_GAIN * gain, noise_around_course(tail))
        least = max(min(_NO_GAIN * gain, 0.03 * abs(level)), noise_around_course(tail))
        if gain <= 0 or float(np.median(tail[:half]) - np.median(tail[half:])) > least:
            return None
        starts.append(int(np.argmax(series <= level + margin)))
    index = max(starts)
    return index if value.size - 1 - index >= max(_LONGEST, 0.6 * value.size) else None


def _oscillating_since(signed: Floats) -> int | None:
    """Returns the epoch from which on a metric oscillates around one level, None if it does not.

    In the last three fifths it changes by a tenth of its level, and the median of their second half is hardly
    better than that of the first: single lucky epochs are no improvement.
    """
    tail = signed[2 * signed.size // 5 :]
    half, level = tail.size // 2, abs(float(np.median(tail)))
    noise = noise_around_course(tail)
    gain = float(np.median(tail[:half]) - np.median(tail[half:]))
    if level <= 0 or noise < 2 * _OSCILLATES * level or gain > max(noise, 0.15 * level):
        return None
    return int(np.argmax(signed <= np.median(tail)))


def _falls(name: str) -> bool | None:
    """Returns whether a metric improves by falling, None if it is unknown."""
    try:
        return monitor_direction(name, "auto", "keras-3.15") == "min"
    except ValueError:
        return None


def _is_constant(lrs: Floats) -> bool:
    known = lrs[np.isfinite(lrs)]
    return known.size > 0 and float(known.max()) <= _STILL * float(known.min()) and float(known.min()) > 0
