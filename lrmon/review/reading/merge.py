"""Merges the recordings of one folder to its trainings, and each training to a run."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import reduce
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from lrmon.review.reading.decode import Block, format_version
from lrmon.review.reading.epoch_axis import lay_out
from lrmon.review.reading.optimizer_columns import optimizer_columns_by_name
from lrmon.review.reading.pieces import Hole, Piece, cut, holes_in, is_repeated, steps_of, times_of
from lrmon.review.run.own_sweeps import about_own_sweep, with_own_sweeps
from lrmon.review.run.run import Epoch, Fit, Run, Sample
from lrmon.text.wording import quantity


@dataclass(frozen=True, slots=True)
class DecodedRecording:
    """The decoded data of one uninterrupted recording, each list in the order of writing."""

    name: str
    blocks: Sequence[Block] = ()
    epochs: Sequence[Epoch] = ()
    fits: Sequence[Fit] = ()
    skipped: Sequence[int] = ()
    samples: Sequence[Sample] = ()

    @property
    def first_step(self) -> int | None:
        """The step at which it started; None if it is unknown."""
        return min(
            [block.first_step for block in self.blocks[:1]] + [fit.first_step for fit in self.fits[:1]],
            default=None,
        )

    @property
    def start_time(self) -> str:
        """The time at which it started, in words."""
        times = [fit.start_time for fit in self.fits if fit.start_time is not None]
        try:
            return f"{datetime.fromtimestamp(times[0], timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
        except (IndexError, ValueError, OverflowError, OSError):
            return "an unknown time"


_EARLIER: Final = "//earlier "
"""Between a folder's name and the number of an earlier training. No folder has two slashes in a row."""

_NAMED: Final = 3


def folder_of(name: str) -> str:
    """Returns the folder whose recordings hold the run of this name.

    >>> folder_of("digits/adam//earlier 2"), folder_of("digits/adam")
    ('digits/adam', 'digits/adam')
    """
    return name.partition(_EARLIER)[0]


def trainings_of(folder: str, recordings: Sequence[DecodedRecording]) -> dict[str, list[DecodedRecording]]:
    """Returns the recordings of each training of a folder by the training's name, the latest one first.

    A recording that replaces every step before it is another training. One that replaces some or none of them
    continues the training before. The latest training has the folder's name. The name of an earlier one
    contains the number of its first recording, which never changes.

    Args:
      folder: its name.
      recordings: in the order of their start.
    """
    trainings: list[list[DecodedRecording]] = [[]]
    start: int | None = None
    for recording in recordings:
        if recording.blocks:
            first_step = recording.first_step or 0
            if start is not None and first_step <= start:
                trainings.append([])
                start = None
            firsts = [block.first_step for block in recording.blocks]
            start = min(firsts if start is None else [start, *firsts])
        trainings[-1].append(recording)
    named = {folder: trainings[-1]}
    for training in trainings[:-1]:
        number = next(schema.recording_order(recording.name)[0] for recording in training if recording.blocks)
        name = f"{folder}{_EARLIER}{number}"
        while name in named:  # Two recordings that started at one moment may have one number.
            name += "'"
        named[name] = training
    return named


def about_trainings(name: str, trainings: Mapping[str, Sequence[DecodedRecording]]) -> list[str]:
    """Returns notices about the other trainings of the folder."""
    latest, *earlier = trainings
    if name != latest:
        recording = next(one for one in trainings[name] if one.blocks)
        return [f"An earlier training in the folder of {latest!r}, started at {recording.start_time}."]
    if not earlier:
        return []
    which = quantity(len(earlier), "earlier training")
    names = [*map(repr, earlier[-_NAMED:][::-1]), *(["…"] if len(earlier) > _NAMED else [])]
    return [f"This folder also contains {which}: {', '.join(names)}."]


@dataclass(frozen=True, slots=True)
class _Merged:
    """The recordings of one training that are merged so far.

    Attributes:
      pieces: the rows that count, ascending in steps.
      epochs: ascending in steps, without overlaps.
      fits: ascending in first steps.
      skipped: skipped steps.
      samples: in the order of writing.
      notices: sentences for the user.
    """

    pieces: Sequence[Piece] = ()
    epochs: Sequence[Epoch] = ()
    fits: Sequence[Fit] = ()
    skipped: Sequence[int] = ()
    samples: Sequence[Sample] = ()
    notices: Sequence[str] = ()

    @property
    def last_step(self) -> int:
        """The last step of the training, as far as its fits and epochs tell."""
        ends = [fit.last_step or 0 for fit in self.fits[-1:]] + [
            epoch.last_step for epoch in self.epochs[-1:]
        ]
        return max(ends, default=0)

    def with_recording(self, recording: DecodedRecording) -> _Merged:
        """Returns these recordings and a later one, which replaces all steps from its first step on."""
        pieces, epochs, fits = list(self.pieces), list(self.epochs), list(self.fits)
        skipped, samples, notices = list(self.skipped), list(self.samples), list(self.notices)
        first_step = recording.first_step
        if first_step is not None:
            replaced = cut(pieces, first_step)
            notices += [_about_repeated_steps(replaced[-1].last_step, first_step)] if replaced else []
            epochs = [epoch for epoch in epochs if epoch.last_step < first_step]
            skipped = [step for step in skipped if step < first_step]
            samples = [sample for sample in samples if sample.step < first_step]
        for block in recording.blocks:
            notices += _add_block(pieces, block)
        for epoch in recording.epochs:
            while epochs and epochs[-1].last_step >= epoch.first_step:
                epochs.pop()
            epochs.append(epoch)
        for fit in recording.fits:
            while fits and fits[-1].first_step >= fit.first_step:
                fits.pop()
            fits.append(fit)
        return _Merged(
            pieces, epochs, fits, [*skipped, *recording.skipped], [*samples, *recording.samples], notices
        )


def assemble(
    name: str,
    version: str,
    recordings: Sequence[DecodedRecording],
    *,
    notices: Sequence[str] = (),
    samples: int = 0,
) -> Run:
    """Returns the run of the recordings of one training.

    A recording replaces what an earlier one recorded of its first step and of all later steps, because the
    training went back. A recording that has no rows yet replaces nothing.

    Args:
      name: the run's name.
      version: see `Run.version`.
      recordings: in the order of their start.
      notices: known sentences about the run.
      samples: how many records of a tag TensorBoard keeps, 0 for all.
    """
    with_rows = [recording for recording in recordings if recording.blocks]
    waiting = [
        recording
        for recording in recordings
        if not recording.blocks and recording.fits and recording.fits[-1].ended is None
    ]
    merged = reduce(
        _Merged.with_recording,
        with_rows or recordings,
        _Merged(notices=[*notices, *(_about_waiting(one) for one in waiting if with_rows)]),
    )
    holes = holes_in(merged.pieces, merged.fits, merged.last_step)
    later_notices = [
        *_about_holes(holes, merged.fits, samples),
        *_about_epochs(merged.epochs, merged.fits, samples),
        *_about_lost(merged.fits),
        *_about_version(merged.fits),
    ]
    return _run(name, version, replace(merged, notices=[*merged.notices, *later_notices]), holes)


def _add_block(pieces: list[Piece], block: Block) -> list[str]:
    """Adds a block to the pieces, and returns a notice if it replaces other rows."""
    replaced = cut(pieces, block.first_step)
    pieces.append(Piece(block, 0, len(block.values)))
    if is_repeated(replaced, block):
        return []
    return [_about_repeated_steps(replaced[-1].last_step, block.first_step)]


def _about_waiting(recording: DecodedRecording) -> str:
    return f"A training that started at {recording.start_time} has no batch yet."


def _about_repeated_steps(last_step: int, step: int) -> str:
    return (
        f"Training went back from step {last_step:,} to step {step:,}. "
        f"From step {step:,} on, the run shows what was recorded later."
    )


def _about_holes(holes: Sequence[Hole], fits: Sequence[Fit], samples: int) -> list[str]:
    sentences = []
    lost, not_recorded, not_ended = (
        [hole for hole in holes if hole.reason == reason] for reason in ("lost", "not recorded", "not ended")
    )
    if lost:
        missing = sum(hole.steps for hole in lost)
        first = (
            f"step {lost[0].first_step:,}" if missing == 1 else f"the first is step {lost[0].first_step:,}"
        )
        sentences.append(f"{_missing(missing, 'step')}, {first}: {_reason(samples)}")
    counter = "The optimizer" if any(fit.record.get("optimizer") for fit in fits) else "The training"
    for unrecorded, reason in (
        (not_recorded, "a batch failed before its update, or was trained without lrmon."),
        (not_ended, "the end of the training before is not recorded, so its last steps may be lost."),
    ):
        if unrecorded:
            steps, them = _stretch(unrecorded)
            sentences.append(
                f"{counter} counted {steps}, but no training step was recorded for {them}: {reason}"
            )
    return sentences


def _missing(count: int, noun: str) -> str:
    return f"{quantity(count, noun)} {'is' if count == 1 else 'are'} missing"


def _stretch(holes: Sequence[Hole]) -> tuple[str, str]:
    """Returns the steps of these holes in words, and the pronoun for them."""
    steps, first = sum(hole.steps for hole in holes), holes[0].first_step
    if steps == 1:
        return f"step {first:,}", "it"
    if len(holes) == 1:
        return f"{quantity(steps, 'step')}, {first:,} to {holes[0].last_step:,}", "them"
    return f"{quantity(steps, 'step')}, the first is step {first:,}", "them"


def _about_epochs(epochs: Sequence[Epoch], fits: Sequence[Fit], samples: int) -> list[str]:
    """Returns a notice if epochs are missing between two others: both steps and numbers."""
    starts = [fit.first_step for fit in fits]
    missing = sum(
        max(0, after.number - before.number - 1)
        for before, after in pairwise(epochs)
        if after.first_step > before.last_step + 1
        and bisect_right(starts, before.last_step) == bisect_right(starts, after.first_step)
    )
    if not missing:
        return []
    records = (
        "The record of 1 epoch is" if missing == 1 else f"The records of {quantity(missing, 'epoch')} are"
    )
    return [f"{records} missing: {_reason(samples)}"]


def _about_lost(fits: Sequence[Fit]) -> list[str]:
    """Returns what could not be written, as the recordings themselves report it."""
    notices = []
    for fit in fits:
        lost = fit.record.get("lost")
        if not isinstance(lost, Mapping):
            continue
        counts = [(lost.get(key), noun) for key, noun in (("steps", "step"), ("epochs", "epoch"))]
        words = [quantity(count, noun) for count, noun in counts if isinstance(count, int) and count]
        what = " and ".join(words) or "some records"
        notices.append(f"Lost during the recording: {what}, because {str(lost.get('reason'))[:300]}.")
    return notices


def _reason(samples: int) -> str:
    if not samples:
        return "they could not be written, or TensorBoard could not read them."
    return (
        f"TensorBoard keeps only {samples:,} records of each tag. "
        "Start it without lrmon in --samples_per_plugin, or with lrmon=0."
    )


def _about_version(fits: Sequence[Fit]) -> list[str]:
    newest = max((format_version(fit) for fit in fits), default=schema.FORMAT_VERSION)
    if newest <= schema.FORMAT_VERSION:
        return []
    sentence = (
        f"A newer lrmon recorded part of this run in format {newest}; this one knows format "
        f"{schema.FORMAT_VERSION} and shows what it understands. Upgrade lrmon where TensorBoard runs."
    )
    return [sentence]


def _run(name: str, version: str, merged: _Merged, holes: Sequence[Hole]) -> Run:
    empty = np.empty((0, len(schema.BATCH_COLUMNS)), dtype=np.float32)
    values = np.concatenate([empty, *(piece.values for piece in merged.pieces)])
    learning_rate, effective_learning_rate, loss, seconds = (np.ascontiguousarray(c) for c in values.T)
    step, recorded = steps_of(merged.pieces), times_of(merged.pieces)
    time = np.maximum.accumulate(recorded)
    fits = with_own_sweeps(merged.fits, step, learning_rate, loss)
    axis = lay_out(step, merged.epochs, fits)
    by_optimizer = optimizer_columns_by_name(merged.pieces, fits)
    # The report on a range test describes the last fit.
    own_sweeps = (about_own_sweep(fits, index, step, learning_rate) for index in range(len(fits) - 1))
    notices = [
        *merged.notices,
        *_about_times(time, recorded, seconds),
        *(sentence for sentence in own_sweeps if sentence is not None),
        *by_optimizer.notices,
    ]
    skipped = _recorded_steps(merged.skipped, step)
    samples = {sample.step: sample for sample in merged.samples}
    missing = np.array([(hole.first_step, hole.last_step) for hole in holes], dtype=np.int64).reshape(-1, 2)
    columns = (step, time, learning_rate, effective_learning_rate, loss)
    arrays = [*columns, axis.row_positions, axis.epoch_positions, missing, skipped]
    arrays += [*by_optimizer.lrs.values(), *by_optimizer.updates.values()]
    arrays += [] if by_optimizer.main_updates is None else [by_optimizer.main_updates]
    for array in arrays:
        array.setflags(write=False)
    return Run(
        name=name,
        version=version,
        provenance="lrmon",
        step=step,
        time=time,
        epoch=axis.row_positions,
        learning_rate=learning_rate,
        effective_learning_rate=effective_learning_rate,
        loss=loss,
        absent=by_optimizer.absent,
        epochs=tuple(merged.epochs),
        epoch_positions=axis.epoch_positions,
        epoch_end=axis.end,
        fits=tuple(fits),
        holes=missing,
        notices=tuple(dict.fromkeys(notices)),
        learning_rates=by_optimizer.lrs,
        updates=by_optimizer.updates,
        main_updates=by_optimizer.main_updates,
        skipped=skipped,
        samples=tuple(samples[taken] for taken in _recorded_steps(samples, step).tolist()),
    )


def _about_times(
    time: NDArray[np.float64], recorded: NDArray[np.float64], seconds: NDArray[np.floating[Any]]
) -> Iterator[str]:
    if bool((time - recorded > 1e-3).any()):
        yield (
            "The clock was set back during the recording; "
            "until it reaches the earlier time again, all steps have that time."
        )
    if not bool(np.isfinite(seconds).all()):
        yield "Some steps have no recorded time; they have the time of a step beside them."


def _recorded_steps(candidates: Iterable[int], step: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the wanted steps that are among the run's, ascending, each once."""
    steps = np.unique(np.array(list(candidates), dtype=np.int64))
    positions = np.searchsorted(step, steps)
    is_recorded = positions < step.size
    is_recorded[is_recorded] = step[positions[is_recorded]] == steps[is_recorded]
    return steps[is_recorded]
