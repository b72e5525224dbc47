"""A staircase and the epochs: steps beside the boundaries, epochs without one, steps that come one late."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.learning_rate.cadence import Cadence
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, epochs, figure, listed
from lrmon.review.run.numbers import shortest


def staircase_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``staircase-off-epoch``, ``epoch-without-step`` and ``step-one-late``."""
    cadence, length = analysis.lr_changes.cadence, analysis.positions.steps_per_epoch
    if cadence is None or not analysis.has_exact_lr_changes:
        return
    if length is not None and cadence.aligned_decay_steps is not None:
        yield from _off_epoch(analysis, cadence, length)
        yield from _without_step(analysis, cadence, length)
    sentence = late_sentence(analysis)
    if sentence is not None:
        steps = analysis.lr_changes.step[cadence.late]
        yield Finding(
            code="step-one-late",
            severity="info",
            text=sentence,
            advice="Nothing is wrong with it; a decay_steps such as 64, 76, 95 or 100 steps on time.",
            step=int(steps[0]),
            last_step=int(steps[-1]),
            numbers={
                "decay_steps": cadence.every,
                "late": int(steps.size),
                "lr_changes": int(cadence.late.size),
            },
        )


def late_sentence(analysis: RunAnalysis) -> str | None:
    """Returns why edges came one step late, None where none did."""
    cadence = analysis.lr_changes.cadence
    if cadence is None or not bool(cadence.late.any()):
        return None
    steps = analysis.lr_changes.step[cadence.late]
    return (
        f"{_count(steps.size, cadence.late.size)} one step after a multiple of {cadence.every:,}, the first "
        f"at step {int(steps[0]):,}: compiled training multiplies by float32(1/{cadence.every}) instead of "
        "dividing, and at these multiples the product is just below a whole number."
    )


def _count(count: int, total: int) -> str:
    if count == total:
        return "The step comes" if total == 1 else f"All {total:,} steps come"
    return f"1 of {total:,} steps comes" if count == 1 else f"{count:,} of {total:,} steps come"


def _off_epoch(analysis: RunAnalysis, cadence: Cadence, length: int) -> Iterator[Finding]:
    """A schedule of evenly spaced steps, at least one of which is not the start of an epoch.

    All epochs have one length, decay_steps is known, at least half an epoch, and no even part of one: with
    more steps than that in an epoch, boundaries are not what was aimed at. An edge that is only late in
    compiled training is where it was meant to be. It is a warning where decay_steps is below two epochs, so
    that one step in each epoch was probably meant; else an explanation.
    """
    steps = analysis.lr_changes
    due = _due_offsets(analysis, cadence, length)
    placed = analysis.in_epoch & (steps.step > (steps.warmup_end or 0))
    off = placed & (due != 0)
    if not bool(off.any()) or length % cadence.every == 0:
        return
    offsets = [f"{offset}" for offset in steps.offset[placed].tolist()]
    where = listed(offsets) if len(offsets) <= 6 else f"{', '.join(offsets[:6])}, …"
    aligned = cadence.aligned_decay_steps or length
    drift = abs(cadence.drift or 0)
    text = (
        f"The learning rate steps every {cadence.every:,} steps, and an epoch has {length:,}: "
        f"{'the step lies' if len(offsets) == 1 else 'steps lie'} {where} steps into "
        f"{'its epoch' if len(offsets) == 1 else 'their epochs'}"
    )
    if drift and len(offsets) > 1:
        text += f", each {drift} {'further' if (cadence.drift or 0) > 0 else 'nearer'} than the one before"
    text += "."
    record = analysis.run.fits[-1].record if analysis.run.fits else {}
    split = record.get("validation_split")
    if isinstance(split, float) and record.get("steps_before_split") == cadence.every:
        text += f" (Of {cadence.every:,} batches validation_split={split:g} leaves {length:,}.)"
    yield Finding(
        code="staircase-off-epoch",
        severity="warning" if cadence.every < 2 * length else "info",
        text=text,
        advice=(
            f"Choose decay_steps={aligned} ({epochs(aligned / length)}) to have every step at the start of "
            "an epoch."
        ),
        step=int(steps.step[off][0]),
        last_step=int(steps.step[placed][-1]),
        numbers={
            "decay_steps": cadence.every,
            "steps_per_epoch": length,
            "offsets": steps.offset[placed].tolist()[:20],
            "drift": cadence.drift,
            "aligned_decay_steps": aligned,
        },
    )


def _without_step(analysis: RunAnalysis, cadence: Cadence, length: int) -> Iterator[Finding]:
    """An epoch that ended at the learning rate at which the one before did, though each was to have a step.

    decay_steps is nearest to one epoch, and longer.
    """
    if cadence.aligned_decay_steps != length or cadence.every <= length:
        return
    ended = analysis.epochs.learning_rate
    same = np.flatnonzero(ended[1:] == ended[:-1]) + 1
    # Before the first step the schedule is not behind yet.
    same = same[
        [analysis.run.epochs[index].first_step > int(analysis.lr_changes.step[0]) for index in same.tolist()]
    ]
    if not same.size:
        return
    epoch = analysis.run.epochs[int(same[0])]
    before = analysis.lr_changes.step[analysis.lr_changes.step <= epoch.first_step]
    start, lr = int(before[-1]), figure(shortest(ended[same[:1]])[0])
    number = analysis.positions.epoch_of(epoch.first_step)
    more = "" if same.size == 1 else f" The same happens in {same.size - 1} more."
    yield Finding(
        code="epoch-without-step",
        severity="info",
        text=(
            f"Epoch {number} has no step: from {analysis.positions.describe(start)} to the end of epoch "
            f"{number} training used {lr}, because {cadence.every:,} steps are more than the {length:,} of "
            f"an epoch.{more}"
        ),
        advice=f"With decay_steps={length} every epoch has one step, at its start.",
        step=start,
        last_step=epoch.last_step,
        numbers={
            "epoch": number,
            "learning_rate": float(shortest(ended[same[:1]])[0]),
            "epochs": int(same.size),
        },
    )


def _due_offsets(analysis: RunAnalysis, cadence: Cadence, length: int) -> NDArray[np.int64]:
    offsets = analysis.lr_changes.offset - cadence.late
    return np.where(offsets < 0, offsets + length, offsets)
