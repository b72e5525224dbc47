"""Findings about the positions of a staircase's LR changes among the epochs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.learning_rate.cadence import Cadence
from lrmon.analysis.learning_rate.staircase import LRChanges
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, epochs, figure, listed
from lrmon.review.run.numbers import shortest
from lrmon.text.wording import quantity


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
            advice="This is harmless. With decay_steps such as 64, 76, 95 or 100, no LR change is late.",
            step=int(steps[0]),
            last_step=int(steps[-1]),
            numbers={
                "decay_steps": cadence.every,
                "late": int(steps.size),
                "lr_changes": int(cadence.late.size),
            },
        )


def late_sentence(analysis: RunAnalysis) -> str | None:
    """Returns why LR changes are one step late, None if none is."""
    cadence = analysis.lr_changes.cadence
    if cadence is None or not bool(cadence.late.any()):
        return None
    steps = analysis.lr_changes.step[cadence.late]
    return (
        f"{_count(steps.size, cadence.late.size)} one step after a multiple of {cadence.every:,}, the first "
        f"at step {int(steps[0]):,}. Compiled training multiplies by float32(1/{cadence.every}) instead of "
        "dividing, and at these multiples the product is just below a whole number."
    )


def _count(count: int, total: int) -> str:
    if count == total:
        return "The LR change is" if total == 1 else f"All {quantity(total, 'LR change')} are"
    return f"{count:,} of {quantity(total, 'LR change')} {'is' if count == 1 else 'are'}"


def _off_epoch(analysis: RunAnalysis, cadence: Cadence, length: int) -> Iterator[Finding]:
    """Yields a finding for evenly spaced LR changes that are not all at the start of an epoch.

    All epochs have one length, and decay_steps is known, is at least half an epoch and does not divide an
    epoch: with more LR changes per epoch, the start of epochs was not meant. An LR change that is only late
    in compiled training does not count. It is a warning if decay_steps is below two epochs, because one LR
    change per epoch was probably meant; otherwise it is info.
    """
    lr_changes = analysis.lr_changes
    due = _due_offsets(analysis, cadence, length)
    placed = analysis.in_epoch & (lr_changes.step > (lr_changes.warmup_end or 0))
    off = placed & (due != 0)
    if not bool(off.any()) or length % cadence.every == 0:
        return
    offsets = [f"{offset}" for offset in lr_changes.offset[placed].tolist()]
    where = listed(offsets) if len(offsets) <= 6 else f"{', '.join(offsets[:6])}, …"
    aligned = cadence.aligned_decay_steps or length
    drift = abs(cadence.drift or 0)
    text = (
        f"The learning rate {_verb(lr_changes)} every {quantity(cadence.every, 'step')}, but an epoch has "
        f"{quantity(length, 'step')}: {'the' if len(offsets) == 1 else 'these'} "
        f"{'LR change is' if len(offsets) == 1 else 'LR changes are'} {where} steps after an epoch starts"
    )
    if drift and len(offsets) > 1:
        text += f", each {drift} {'later' if (cadence.drift or 0) > 0 else 'earlier'} than the one before"
    text += "."
    record = analysis.run.fits[-1].record if analysis.run.fits else {}
    split = record.get("validation_split")
    if isinstance(split, float) and record.get("steps_before_split") == cadence.every:
        text += f" (validation_split={split:g} uses {length:,} of {cadence.every:,} batches for training.)"
    yield Finding(
        code="staircase-off-epoch",
        severity="warning" if cadence.every < 2 * length else "info",
        text=text,
        advice=(
            f"Use decay_steps={aligned} ({epochs(aligned / length)}) for LR changes at the start of epochs."
        ),
        step=int(lr_changes.step[off][0]),
        last_step=int(lr_changes.step[placed][-1]),
        numbers={
            "decay_steps": cadence.every,
            "steps_per_epoch": length,
            "offsets": lr_changes.offset[placed].tolist()[:20],
            "drift": cadence.drift,
            "aligned_decay_steps": aligned,
        },
    )


def _without_step(analysis: RunAnalysis, cadence: Cadence, length: int) -> Iterator[Finding]:
    """Yields a finding for two epochs in a row that end at one learning rate.

    One LR change per epoch was meant: decay_steps is longer than an epoch, but an epoch is the nearest whole
    number of epochs.
    """
    if cadence.aligned_decay_steps != length or cadence.every <= length:
        return
    ended = analysis.epochs.learning_rate
    same = np.flatnonzero(ended[1:] == ended[:-1]) + 1
    # Before the first LR change, the schedule is not behind.
    same = same[
        [analysis.run.epochs[index].first_step > int(analysis.lr_changes.step[0]) for index in same.tolist()]
    ]
    if not same.size:
        return
    epoch = analysis.run.epochs[int(same[0])]
    before = analysis.lr_changes.step[analysis.lr_changes.step <= epoch.first_step]
    start, lr = int(before[-1]), figure(shortest(ended[same[:1]])[0])
    number = analysis.positions.epoch_of(epoch.first_step)
    more = "" if same.size == 1 else f" The same happens in {quantity(same.size - 1, 'more epoch')}."
    yield Finding(
        code="epoch-without-step",
        severity="info",
        text=(
            f"The learning rate does not change in epoch {number}: it is {lr} from "
            f"{analysis.positions.describe(start)} to the end of epoch {number}, because "
            f"decay_steps={cadence.every} is more than the {quantity(length, 'step')} of an epoch.{more}"
        ),
        advice=f"Use decay_steps={length} for one LR change at the start of every epoch.",
        step=start,
        last_step=epoch.last_step,
        numbers={
            "epoch": number,
            "learning_rate": float(shortest(ended[same[:1]])[0]),
            "epochs": int(same.size),
        },
    )


def _verb(lr_changes: LRChanges) -> str:
    return "drops" if bool((lr_changes.lr_to < lr_changes.lr_from).all()) else "changes"


def _due_offsets(analysis: RunAnalysis, cadence: Cadence, length: int) -> NDArray[np.int64]:
    """Returns the offsets that the LR changes have in their epochs if none is late."""
    offsets = analysis.lr_changes.offset - cadence.late
    return np.where(offsets < 0, offsets + length, offsets)
