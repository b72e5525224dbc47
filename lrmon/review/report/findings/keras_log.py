"""Findings that explain the learning rate that Keras' TensorBoard callback logs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, epochs, figure
from lrmon.review.run.numbers import shortest
from lrmon.text.wording import quantity


def keras_log_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``keras-log-repeats`` or ``keras-log-next-epoch``, both only for schedules.

    With a schedule, Keras logs the learning rate of the next step at the end of an epoch. (A learning rate
    that is a number is set at the start of the next epoch, or before the log is written.)
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
    """Yields a finding if Keras logs one value for two epochs in a row of a staircase.

    One LR change per epoch was meant: one epoch is the nearest whole number of epochs to decay_steps.
    """
    cadence, length = analysis.lr_changes.cadence, analysis.positions.steps_per_epoch
    if cadence is None or length is None or cadence.aligned_decay_steps != length or cadence.every <= length:
        return
    shown = analysis.epochs.next_learning_rate
    # Before the first LR change, two epochs can be alike.
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
    last_change = int(analysis.lr_changes.step[analysis.lr_changes.step <= first][-1])
    due = last_change - bool(cadence.late[np.searchsorted(analysis.lr_changes.step, last_change)])
    lr = float(shortest(shown[index : index + 1])[0])
    yield Finding(
        code="keras-log-repeats",
        severity="warning",
        text=(
            f"Keras' TensorBoard curve shows the same learning rate, {figure(lr)}, for {which}. At the end "
            "of an epoch it logs the learning rate of the next step, here that of steps "
            f"{first:,} and {second:,}. The learning rate changed at step {due:,}, and the next LR change is "
            f"due at step {due + cadence.every:,}, because decay_steps={cadence.every} is "
            f"{epochs(cadence.every / length)} of {quantity(length, 'step')}."
        ),
        advice=f"Use decay_steps={length}, the number of steps per epoch, for one LR change in every epoch.",
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
    """Yields a finding for an LR change at the start of an epoch, which Keras logs one epoch earlier."""
    lr_changes = analysis.lr_changes
    for index in np.flatnonzero(lr_changes.on_boundary & analysis.in_epoch).tolist():
        step = int(lr_changes.step[index])
        epoch = next(
            (candidate for candidate in analysis.run.epochs if candidate.last_step == step - 1), None
        )
        if epoch is None or lr_changes.step_before[index] != step - 1:
            continue
        number = analysis.positions.epoch_of(epoch.first_step)
        used, shown = shortest(np.array([lr_changes.lr_from[index], lr_changes.lr_to[index]])).tolist()
        yield Finding(
            code="keras-log-next-epoch",
            severity="info",
            text=(
                f"Keras' TensorBoard curve is shifted by one epoch: it shows {figure(shown)} for epoch "
                f"{number}, whose last step used {figure(used)}. At the end of an epoch, it logs the "
                "learning rate of the next step."
            ),
            advice="Shift its epoch_learning_rate by one epoch to the right, or read the learning rate here.",
            step=epoch.last_step,
            last_step=step,
            numbers={"epoch": number, "used": used, "shown": shown},
        )
        return
