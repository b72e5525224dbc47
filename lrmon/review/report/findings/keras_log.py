"""What Keras' own TensorBoard callback shows of this run, and why it looks odd."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, epochs, figure
from lrmon.review.run.numbers import shortest


def keras_log_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``keras-log-repeats`` or ``keras-log-next-epoch``, both for schedules alone.

    With a schedule Keras logs at an epoch's end the learning rate of the next update. (A learning rate that
    is a number is set at the start of the next epoch, or before the log is written.)
    """
    if (
        analysis.schedule is None
        or not analysis.has_exact_lr_changes
        or analysis.lr_changes.kind not in ("staircase", "mixed")
        or not analysis.run.epochs
    ):
        return
    repeats = list(_repeats(analysis))
    yield from repeats or _next_epoch(analysis)


def _repeats(analysis: RunAnalysis) -> Iterator[Finding]:
    """Two epochs in a row for which Keras shows one value, in a staircase that was to step once an epoch.

    decay_steps is nearest to one epoch, and is not that.
    """
    cadence, length = analysis.lr_changes.cadence, analysis.positions.steps_per_epoch
    if cadence is None or length is None or cadence.aligned_decay_steps != length or cadence.every <= length:
        return
    shown = analysis.epochs.next_learning_rate
    # Before the first step two epochs may well be alike.
    after_first = np.array([epoch.last_step + 1 for epoch in analysis.run.epochs]) > int(
        analysis.lr_changes.step[0]
    )
    same = np.flatnonzero((shown[1:] == shown[:-1]) & after_first[1:]) + 1
    if not same.size:
        return
    index = int(same[0])
    before, epoch = analysis.run.epochs[index - 1], analysis.run.epochs[index]
    first, second = before.last_step + 1, epoch.last_step + 1
    numbers = [analysis.positions.epoch_of(one.first_step) for one in (before, epoch)]
    which = f"epochs {numbers[0]} and {numbers[1]}"
    if index == len(analysis.run.epochs) - 1:
        which = f"the last two epochs, {numbers[0]} and {numbers[1]}"
    lr_change = int(analysis.lr_changes.step[analysis.lr_changes.step <= first][-1])
    due = lr_change - bool(cadence.late[np.searchsorted(analysis.lr_changes.step, lr_change)])
    lr = float(shortest(shown[index : index + 1])[0])
    yield Finding(
        code="keras-log-repeats",
        severity="warning",
        text=(
            f"Keras' TensorBoard curve shows one learning rate, {figure(lr)}, for {which}. At an epoch's "
            f"end it logs the rate of the next update, here steps {first:,} and {second:,}; the rate stepped "
            f"at {due:,} and the next step is due at {due + cadence.every:,}, since "
            f"decay_steps={cadence.every} is {epochs(cadence.every / length)} of {length:,} steps."
        ),
        advice=f"Choose decay_steps={length}, the steps of one epoch, to see one step in every epoch.",
        step=first,
        last_step=epoch.last_step,
        numbers={
            "epochs": numbers,
            "learning_rate": lr,
            "logged_at": [first, second],
            "decay_steps": cadence.every,
            "steps_per_epoch": length,
            "next_edge": due + cadence.every,
        },
    )


def _next_epoch(analysis: RunAnalysis) -> Iterator[Finding]:
    """A step on a boundary, which Keras logs with the epoch before it."""
    steps = analysis.lr_changes
    for lr_change in np.flatnonzero(steps.on_boundary & analysis.in_epoch).tolist():
        step = int(steps.step[lr_change])
        epoch = next(
            (candidate for candidate in analysis.run.epochs if candidate.last_step == step - 1), None
        )
        if epoch is None or steps.step_before[lr_change] != step - 1:
            continue
        number = analysis.positions.epoch_of(epoch.first_step)
        used, shown = shortest(np.array([steps.lr_from[lr_change], steps.lr_to[lr_change]])).tolist()
        yield Finding(
            code="keras-log-next-epoch",
            severity="info",
            text=(
                f"Keras' TensorBoard curve shows {figure(shown)} for epoch {number}, whose last update used "
                f"{figure(used)}: at an epoch's end it logs the rate of the next update."
            ),
            advice="Read its epoch_learning_rate one epoch to the right, or read the learning rate here.",
            step=epoch.last_step,
            last_step=step,
            numbers={"epoch": number, "used": used, "shown": shown},
        )
        return
