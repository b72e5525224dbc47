"""The shape of the learning rate of a run in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lrmon.analysis.learning_rate.shape import Shape
from lrmon.review.report.findings.finding import figure
from lrmon.review.run.numbers import shortest
from lrmon.text.wording import quantity

if TYPE_CHECKING:
    from lrmon.review.report.analysis import RunAnalysis


_ROUNDING: Final = 2.0**-22
"""The largest error of the ratio of two float32 numbers."""


def shape_kind(analysis: RunAnalysis) -> str:
    """Returns the kind of the learning rate's curve, as `lr.kind` of the report has it."""
    shape = analysis.shape
    return analysis.lr_changes.kind if shape is None or _is_staircase(shape) else shape.kind


def shape_words(analysis: RunAnalysis) -> str:
    """Returns the shape of the learning rate in a few words.

    For example ``×0.933 every epoch, from 0.0933 to 0.0001`` or ``staircase, from 0.1 to 0.01, 3 LR
    changes``.
    """
    lrs, lr_changes, shape = analysis.run.learning_rate, analysis.lr_changes, analysis.shape
    known = lrs[~np.isnan(lrs)]
    if not known.size:
        return "not recorded"
    first, last = (figure(lr) for lr in shortest(known[[0, -1]]).tolist())
    if lr_changes.kind == "constant":
        return f"constant, {first}"
    size = int(lr_changes.step.size)
    count = f", {quantity(size, 'LR change')}" if size else ""
    if shape is None:
        return f"{lr_changes.kind}, from {first} to {last}{count}"
    rule = _rule_words(analysis, shape)
    if _is_staircase(shape):
        return f"staircase, {rule}, from {first} to {last}{count}"
    return f"{_before(analysis, shape)}{rule}, from {first} to {last}"


def shape_sentence(analysis: RunAnalysis) -> str | None:
    """Returns a description of a time-based decay, None for any other learning rate.

    Its formula counts steps, but its settings are often chosen for epochs.
    """
    shape = analysis.shape
    if shape is None or shape.kind != "inverse_time":
        return None
    x = "step" if shape.unit == "step" else "epoch"
    when = "per step, not per epoch" if shape.unit == "step" else "per epoch"
    lrs, columns = analysis.run.learning_rate, analysis.epochs
    known = lrs[~np.isnan(lrs)]
    # The constant has fewer digits if the float32 numbers that it is computed from hardly differ.
    moved = abs(float(known[-1]) / float(known[0]) - 1.0) if known[0] > 0.0 else 1.0
    digits = min(max(int(math.log10(moved / _ROUNDING)), 1), 4) if moved > 0.0 else 1
    constant = figure(shape.constant, digits)
    formula = f"Time-based decay: {figure(shape.initial, 4)} / (1 + {constant} × {x}), {when}."
    values = [f"It starts at {_lr(known[0])}"]
    if columns.learning_rate.size and len(analysis.run.fits) <= 1:
        after = columns.next_learning_rate[0] if columns.is_recorded[0] else columns.learning_rate[0]
        number = analysis.run.epochs[0].number
        if not np.isnan(after):
            which = "the first epoch" if number == 0 else f"epoch {number}"
            values.append(f"is {_lr(after)} after {which}")
    values.append(f"{_lr(known[-1])} at the end")
    joined = values[0] + (" and is " if len(values) == 2 else ", ") + " and ".join(values[1:])
    return f"{formula} {joined}."


def shape_json(analysis: RunAnalysis) -> dict[str, Any] | None:
    """Returns the shape for the report, None if there is none."""
    shape = analysis.shape
    if shape is None:
        return None
    return {
        "kind": shape.kind,
        "unit": shape.unit,
        "every": shape.every,
        "constant": shape.constant,
        "initial": shape.initial,
        "first_step": _step(analysis, shape, shape.first),
        "last_step": _step(analysis, shape, shape.last),
    }


def changes_every_epoch(analysis: RunAnalysis) -> bool:
    """Returns whether one rule sets the learning rate in each epoch, so it is no staircase."""
    return analysis.shape is not None and analysis.shape.unit == "epoch" and analysis.shape.every == 1


def _is_staircase(shape: Shape) -> bool:
    return shape.every > 1


def _rule_words(analysis: RunAnalysis, shape: Shape) -> str:
    one = "epoch" if shape.unit == "epoch" else "step"
    every = f"every {one}" if shape.every == 1 else f"every {quantity(shape.every, one)}"
    if shape.kind == "inverse_time":
        return f"time-based decay {every}"
    if shape.kind == "linear":
        return "linear" if shape.unit == "step" else f"linear, {every}"
    words = f"×{_factor(shape.constant)} {every}"
    length = analysis.positions.steps_per_epoch
    if shape.unit == "step" and shape.every == 1 and length is not None and analysis.run.epochs:
        words += f" (×{_factor(shape.constant**length)} per epoch)"
    return words


def _before(analysis: RunAnalysis, shape: Shape) -> str:
    """Returns the words about the steps before the first change."""
    steps, warmup = analysis.run.step, analysis.lr_changes.warmup_end
    first = _step(analysis, shape, shape.first)
    usual = (
        1 if shape.unit == "step" else analysis.positions.length(0) if analysis.positions.starts.size else 1
    )
    if warmup is not None and warmup > int(steps[0]):
        return f"warm-up to step {warmup:,}, then "
    if first - int(steps[0]) <= usual:
        return ""
    where = f"epoch {analysis.positions.epoch_of(first)}" if shape.unit == "epoch" else f"step {first:,}"
    return f"constant to {where}, then "


def _step(analysis: RunAnalysis, shape: Shape, x: int) -> int:
    return int(analysis.positions.starts[x]) if shape.unit == "epoch" else x


def _factor(value: float) -> str:
    """Returns a factor with three digits of its difference from 1.

    >>> _factor(0.9330329915), _factor(0.99953987), _factor(0.1), _factor(1.0723)
    ('0.933', '0.99954', '0.1', '1.0723')
    """
    change = abs(1.0 - value)
    if change == 0.0:
        return "1"
    decimals = max(0, 2 - math.floor(math.log10(change)))
    text = f"{value:.{decimals}f}" if value >= 0.1 else f"{value:.3g}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _lr(value: Any) -> str:
    return figure(float(shortest(np.array([value], dtype=np.float32))[0]), 4)
