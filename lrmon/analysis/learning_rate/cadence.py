"""Whether the LR changes of a staircase come at even distances, and how these fit the epochs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Steps = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cadence:
    """A staircase with the same number of steps between any two LR changes.

    Attributes:
      every: the distance of the LR changes, in steps.
      decay_steps: `every`, if there is an LR change at each of its multiples in the record, as with a
        schedule that has these ``decay_steps``. None if the LR changes only have even distances.
      late: [lr_changes], which of them came one step after their multiple, see `late_multiples`.
      drift: by how many steps an LR change comes later in its epoch than the one before (negative: earlier;
        at most half an epoch; half-way counts as later). 0: all have the same offset. None if epochs have
        different lengths.
      aligned_decay_steps: the nearest whole number of epochs, in steps: with it, every LR change would be at
        the start of an epoch. None without `decay_steps`, if epochs have different lengths or do not start at
        multiples of their length in the optimizer's count, and if `aligned_decay_steps` returns None.
      aligned_steps: the steps of the record at which the learning rate would change then.
      aligned_late: which of these LR changes compiled training would make one step late.
    """

    every: int
    decay_steps: int | None
    late: NDArray[np.bool_]
    drift: int | None
    aligned_decay_steps: int | None
    aligned_steps: Steps
    aligned_late: NDArray[np.bool_]


def late_multiples(decay_steps: int, multiples: Steps) -> NDArray[np.bool_]:
    """Returns which multiples of `decay_steps` a staircase reaches one step late in compiled training.

    A schedule's ``floor(step / decay_steps)`` is compiled to ``floor(step * float32(1 / decay_steps))``,
    which at some multiples is still one less. Training that is not compiled divides, and is on time.

    Args:
      decay_steps: of the schedule.
      multiples: 1 for `decay_steps` itself, 2 for twice that, and so on.

    >>> late_multiples(41, np.array([1, 2, 3])), late_multiples(95, np.array([1, 2, 3]))
    (array([ True,  True, False]), array([False, False, False]))
    """
    steps = (multiples * decay_steps).astype(np.float32)
    return np.asarray(np.floor(steps * (np.float32(1.0) / np.float32(decay_steps))) < multiples)


def aligned_decay_steps(decay_steps: int, epoch_length: int) -> int | None:
    """Returns the whole number of epochs, in steps, that is nearest to `decay_steps`.

    It is None if `decay_steps` is less than half an epoch: then several LR drops per epoch are intended.

    >>> aligned_decay_steps(95, 76), aligned_decay_steps(114, 76), aligned_decay_steps(37, 76)
    (76, 152, None)
    """
    if 2 * decay_steps < epoch_length:
        return None
    return max(1, (2 * decay_steps + epoch_length) // (2 * epoch_length)) * epoch_length


def find_cadence(
    lr_changes: Steps,
    *,
    first_step: int,
    end: int,
    epoch_starts: Steps,
    epoch_length: int | None,
    iteration_offset: int = 0,
    decay_steps: int | None = None,
) -> Cadence | None:
    """Returns the cadence of the LR changes; None if their distances differ or if there are too few.

    Without `decay_steps`, at least two LR changes are needed at all multiples of their distance, or three
    anywhere. LR changes count as late only if others of the same rule are on time.

    Args:
      lr_changes: their steps, ascending.
      first_step: the first step of the record, or of what follows a warm-up.
      end: the step after the record's last.
      epoch_starts: first step of each epoch, ascending.
      epoch_length: of every epoch; None where they differ.
      iteration_offset: the optimizer's count before the update of step k is k + this.
      decay_steps: of the schedule, where it is known.
    """
    if lr_changes.size == 0:
        return None
    counts = lr_changes + iteration_offset
    counted = range(first_step + iteration_offset, end + iteration_offset)
    distances = np.diff(counts)
    if decay_steps is not None:
        candidates = [decay_steps]
    else:
        middle = int(np.median(distances)) if distances.size else 0
        candidates = [middle, middle + 1, middle - 1]
    for every in candidates:
        late = _late_lr_changes(counts, counted, every) if every > 1 else None
        if late is not None and (decay_steps is not None or not late.all()):
            aligned = None
            if epoch_length is not None and not bool(
                ((epoch_starts + iteration_offset) % epoch_length).any()
            ):
                aligned = aligned_decay_steps(every, epoch_length)
            multiples = _multiples(aligned, counted)
            return Cadence(
                every=every,
                decay_steps=every,
                late=late,
                drift=_drift(every, epoch_length),
                aligned_decay_steps=aligned,
                aligned_steps=multiples * (aligned or 0) - iteration_offset,
                aligned_late=late_multiples(aligned or 1, multiples),
            )
    if distances.size >= 2 and bool((distances == distances[0]).all()):
        return Cadence(
            every=int(distances[0]),
            decay_steps=None,
            late=np.zeros(lr_changes.size, dtype=bool),
            drift=_drift(int(distances[0]), epoch_length),
            aligned_decay_steps=None,
            aligned_steps=_multiples(None, counted),
            aligned_late=np.zeros(0, dtype=bool),
        )
    return None


def _late_lr_changes(counts: Steps, counted: range, every: int) -> NDArray[np.bool_] | None:
    """Returns which LR changes are late; None unless they are all the counted multiples of `every`."""
    first = int(counts[0]) // every
    multiples = np.arange(first - 1, first + counts.size + 1)
    for late in (np.zeros(multiples.size, dtype=bool), late_multiples(every, multiples)):
        due = multiples * every + late
        if np.array_equal(counts, due[1:-1]) and due[0] <= counted.start and due[-1] >= counted.stop:
            return late[1:-1]
    return None


def _multiples(every: int | None, counted: range) -> Steps:
    """Returns the multiples at which a schedule would step, after the first of the counted."""
    if every is None or len(counted) == 0:
        return np.zeros(0, dtype=np.int64)
    return np.arange(counted.start // every + 1, (counted.stop - 1) // every + 1)


def _drift(every: int, epoch_length: int | None) -> int | None:
    if epoch_length is None:
        return None
    further = every % epoch_length
    return further if 2 * further <= epoch_length else further - epoch_length
