"""The recordings of one folder become its trainings, and each training a run."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from lrmon.review.reading.decode import Block, format_version
from lrmon.review.reading.epoch_axis import lay_out
from lrmon.review.reading.optimizer_columns import optimizer_columns_by_name
from lrmon.review.reading.pieces import Hole, Piece, cut, holes_in, is_repeated, steps_of, times_of
from lrmon.review.run.own_sweeps import about_own_sweep, with_own_sweeps
from lrmon.review.run.run import Epoch, Fit, Run, Sample


@dataclass(frozen=True, slots=True)
class Recording:
    """What one uninterrupted recording wrote, each list in the order of writing."""

    name: str
    blocks: Sequence[Block] = ()
    epochs: Sequence[Epoch] = ()
    fits: Sequence[Fit] = ()
    skipped: Sequence[int] = ()
    samples: Sequence[Sample] = ()

    @property
    def first_step(self) -> int | None:
        """The step at which it began; None where nothing is known of it."""
        return min(
            [block.first_step for block in self.blocks[:1]] + [fit.first_step for fit in self.fits[:1]],
            default=None,
        )

    @property
    def began(self) -> str:
        """When it began, in words."""
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


def trainings_of(folder: str, recordings: Sequence[Recording]) -> dict[str, list[Recording]]:
    """Returns the recordings of each training of a folder by the training's name, the latest one first.

    A recording that replaces every step before it is another training; one that replaces some of them, or
    none, goes on with the one before. The latest training has the folder's name. An earlier one is called
    after the number of its first recording, which stays the same whatever is recorded later.

    Args:
      folder: its name.
      recordings: in the order of their start.
    """
    trainings: list[list[Recording]] = [[]]
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
        number = next(schema.recording_order(each.name)[0] for each in training if each.blocks)
        name = f"{folder}{_EARLIER}{number}"
        while name in named:  # Two recordings that began at one moment may have one number.
            name += "'"
        named[name] = training
    return named


def about_trainings(name: str, trainings: Mapping[str, Sequence[Recording]]) -> list[str]:
    """Returns what the run of one training says of the folder's others."""
    latest, *earlier = trainings
    if name != latest:
        recording = next(each for each in trainings[name] if each.blocks)
        return [f"An earlier training in the folder of {latest!r}, which began at {recording.began}."]
    if not earlier:
        return []
    which = "an earlier training" if len(earlier) == 1 else f"{len(earlier):,} earlier trainings"
    names = [*map(repr, earlier[-_NAMED:][::-1]), *(["…"] if len(earlier) > _NAMED else [])]
    return [f"This folder holds {which} too: {', '.join(names)}."]


def assemble(
    name: str, version: str, recordings: Sequence[Recording], *, notices: Sequence[str] = (), samples: int = 0
) -> Run:
    """Returns the run that the recordings of one training make up.

    What a recording says of a step replaces what an earlier one said of that step and of all steps after
    it: training went back. A recording that has no rows yet replaces nothing.

    Args:
      name: the run's name.
      version: see `Run.version`.
      recordings: in the order of their start.
      notices: sentences about the run that are known already.
      samples: how many records of a tag TensorBoard was told to keep, 0 for all.
    """
    said = list(notices)
    begun = [recording for recording in recordings if recording.blocks]
    if begun:
        said += [
            f"A training that began at {recording.began} has no batch yet."
            for recording in recordings
            if not recording.blocks and recording.fits and recording.fits[-1].ended is None
        ]
    pieces: list[Piece] = []
    epochs: list[Epoch] = []
    fits: list[Fit] = []
    skipped: list[int] = []
    taken: list[Sample] = []
    for recording in begun or recordings:
        first_step = recording.first_step
        if first_step is not None:
            replaced = cut(pieces, first_step)
            said += [_went_back(replaced[-1].last_step, first_step)] if replaced else []
            epochs = [epoch for epoch in epochs if epoch.last_step < first_step]
            skipped = [step for step in skipped if step < first_step]
            taken = [sample for sample in taken if sample.step < first_step]
        for block in recording.blocks:
            said += _add_block(pieces, block)
        for epoch in recording.epochs:
            while epochs and epochs[-1].last_step >= epoch.first_step:
                epochs.pop()
            epochs.append(epoch)
        for fit in recording.fits:
            while fits and fits[-1].first_step >= fit.first_step:
                fits.pop()
            fits.append(fit)
        skipped += recording.skipped
        taken += recording.samples
    ends = [fit.last_step or 0 for fit in fits[-1:]] + [epoch.last_step for epoch in epochs[-1:]]
    holes = holes_in(pieces, fits, max(ends, default=0))
    said += _about_holes(holes, fits, samples) + _about_epochs(epochs, fits, samples)
    said += _about_lost(fits) + _about_version(fits)
    return _run(name, version, pieces, epochs, fits, holes, said, skipped, taken)


def _add_block(pieces: list[Piece], block: Block) -> list[str]:
    replaced = cut(pieces, block.first_step)
    pieces.append(Piece(block, 0, len(block.values)))
    return [] if is_repeated(replaced, block) else [_went_back(replaced[-1].last_step, block.first_step)]


def _went_back(last_step: int, step: int) -> str:
    return (
        f"Training went back from step {last_step:,} to step {step:,}; "
        "shown from there on is what was recorded after that."
    )


def _about_holes(holes: Sequence[Hole], fits: Sequence[Fit], samples: int) -> list[str]:
    sentences = []
    lost, not_recorded, not_ended = (
        [hole for hole in holes if hole.reason == reason] for reason in ("lost", "not recorded", "not ended")
    )
    if lost:
        missing = sum(hole.steps for hole in lost)
        count = (
            "1 step is missing, step" if missing == 1 else f"{missing:,} steps are missing, the first is step"
        )
        sentences.append(f"{count} {lost[0].first_step:,}: {_reason(samples)}")
    who = "The optimizer" if any(fit.record.get("optimizer") for fit in fits) else "The training"
    for unrecorded, reason in (
        (not_recorded, "a batch failed before its update, or was trained without lrmon."),
        (not_ended, "the training before has no recorded end, so its last steps may be lost."),
    ):
        if unrecorded:
            steps, them = _stretch(unrecorded)
            sentences.append(f"{who} counted {steps}, but no training step was recorded for {them}: {reason}")
    return sentences


def _stretch(holes: Sequence[Hole]) -> tuple[str, str]:
    """Returns the steps of these holes in words, and the pronoun for them."""
    steps, first = sum(hole.steps for hole in holes), holes[0].first_step
    if steps == 1:
        return f"step {first:,}", "it"
    if len(holes) == 1:
        return f"{steps:,} steps, {first:,} to {holes[0].last_step:,}", "them"
    return f"{steps:,} steps, the first is step {first:,}", "them"


def _about_epochs(epochs: Sequence[Epoch], fits: Sequence[Fit], samples: int) -> list[str]:
    """Returns what there is to say where steps lie between two epochs, and numbers too."""
    starts = [fit.first_step for fit in fits]
    missing = sum(
        max(0, after.number - before.number - 1)
        for before, after in pairwise(epochs)
        if after.first_step > before.last_step + 1
        and bisect_right(starts, before.last_step) == bisect_right(starts, after.first_step)
    )
    if not missing:
        return []
    count = "The record of 1 epoch is" if missing == 1 else f"The records of {missing:,} epochs are"
    return [f"{count} missing: {_reason(samples)}"]


def _about_lost(fits: Sequence[Fit]) -> list[str]:
    """Returns what the recordings themselves say could not be written."""
    said = []
    for fit in fits:
        lost = fit.record.get("lost")
        if not isinstance(lost, Mapping):
            continue
        counts = [(lost.get(key), one) for key, one in (("steps", "step"), ("epochs", "epoch"))]
        words = [
            f"{count:,} {one}{'' if count == 1 else 's'}"
            for count, one in counts
            if isinstance(count, int) and count
        ]
        what = " and ".join(words) or "Some records"
        said.append(f"Lost while it was recorded: {what}, because {str(lost.get('reason'))[:300]}.")
    return said


def _reason(samples: int) -> str:
    if not samples:
        return "they could not be written, or TensorBoard could not read them."
    return (
        f"TensorBoard was told to keep only {samples:,} records of each tag. "
        "Start it without lrmon in --samples_per_plugin, or with lrmon=0."
    )


def _about_version(fits: Sequence[Fit]) -> list[str]:
    newest = max((format_version(fit) for fit in fits), default=schema.FORMAT_VERSION)
    if newest <= schema.FORMAT_VERSION:
        return []
    sentence = (
        f"Part of this run was recorded in format {newest} by a newer lrmon; this one knows format "
        f"{schema.FORMAT_VERSION} and shows what it understands. Upgrade lrmon where TensorBoard runs."
    )
    return [sentence]


def _run(
    name: str,
    version: str,
    pieces: Sequence[Piece],
    epochs: Sequence[Epoch],
    fits: Sequence[Fit],
    holes: Sequence[Hole],
    said: list[str],
    skipped: Sequence[int],
    samples: Sequence[Sample],
) -> Run:
    empty = np.empty((0, len(schema.BATCH_COLUMNS)), dtype=np.float32)
    values = np.concatenate([empty, *(piece.values for piece in pieces)])
    learning_rate, effective_learning_rate, loss, seconds = (np.ascontiguousarray(c) for c in values.T)
    step, recorded = steps_of(pieces), times_of(pieces)
    time = np.maximum.accumulate(recorded)
    if bool((time - recorded > 1e-3).any()):
        said.append("The clock went back during the recording; until it has caught up, times stand still.")
    if not bool(np.isfinite(seconds).all()):
        said.append("Some rows do not say when they were recorded; they have the time of a row beside them.")
    fits = with_own_sweeps(fits, step, learning_rate, loss)
    # Of the last fit the report on the range test says so.
    earlier = (about_own_sweep(fits, index, step, learning_rate) for index in range(len(fits) - 1))
    said += [sentence for sentence in earlier if sentence is not None]
    axis = lay_out(step, epochs, fits)
    of_each = optimizer_columns_by_name(pieces, fits)
    said += of_each.notices
    without_update = _present(skipped, step)
    by_step = {sample.step: sample for sample in samples}
    missing = np.array([(hole.first_step, hole.last_step) for hole in holes], dtype=np.int64).reshape(-1, 2)
    columns = (step, time, learning_rate, effective_learning_rate, loss)
    arrays = (*columns, axis.row_positions, axis.epoch_positions, missing, without_update)
    of_main = () if of_each.main_updates is None else (of_each.main_updates,)
    for array in (*arrays, *of_each.lrs.values(), *of_each.updates.values(), *of_main):
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
        absent=of_each.absent,
        epochs=tuple(epochs),
        epoch_positions=axis.epoch_positions,
        epoch_end=axis.end,
        fits=tuple(fits),
        holes=missing,
        notices=tuple(dict.fromkeys(said)),
        learning_rates=of_each.lrs,
        updates=of_each.updates,
        main_updates=of_each.main_updates,
        skipped=without_update,
        samples=tuple(by_step[taken] for taken in _present(by_step, step).tolist()),
    )


def _present(wanted: Iterable[int], step: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns those steps that are among the run's, ascending, each once."""
    steps = np.unique(np.array(list(wanted), dtype=np.int64))
    positions = np.searchsorted(step, steps)
    there = positions < step.size
    there[there] = step[positions[there]] == steps[there]
    return steps[there]
