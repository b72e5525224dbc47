"""Where the learning rate changes, and at which positions in the epochs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrmon.analysis.learning_rate.cadence import Cadence, find_cadence
from lrmon.analysis.learning_rate.curve import Kind, LRs, curve_kind, jump_rows, warmup_rows

Steps = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LRChanges:
    """The LR changes of a run, with their positions in the epochs. Arrays have one value per LR change.

    An LR change leads from one level to another (`curve.jump_rows`); the changes of a smooth curve are not LR
    changes. If no epoch is known to contain an LR change, its `epoch` and `offset` are -1, `steps_in_epoch`
    and `nearest_boundary` 0 and `epoch_position` NaN, and it is not `on_boundary`.

    Attributes:
      kind: ``constant``, ``staircase``, ``smooth`` or ``mixed``, see `curve.curve_kind`.
      warmup_end: the first step that used the peak which a warm-up rose to; None without a warm-up.
      changes: the number of steps with another learning rate than the recorded step before, in LR changes and
        curves.
      step: [m], the first step whose update used the new learning rate.
      step_before: [m], the last step known to have used the old one: ``step - 1``, unless steps between are
        missing from the record, and the LR change can be at any of them.
      lr_from: [m] float32, the learning rate before.
      lr_to: [m] float32, the learning rate after.
      epoch: [m], 0-based position in the epoch starts of the epoch that contains `step`.
      offset: [m], steps from the epoch's first step; 0 is that step.
      steps_in_epoch: [m], the length of that epoch.
      epoch_position: [m], ``epoch + offset / steps_in_epoch``.
      nearest_boundary: [m], signed distance in steps from the nearest start of an epoch: negative before it,
        positive after it; half-way counts as after. The end of the last epoch counts as a start.
      on_boundary: [m], whether `step` is the first of an epoch.
      cadence: the even distance of the LR changes after `warmup_end`; None if their distances differ.
    """

    kind: Kind
    warmup_end: int | None
    changes: int
    step: Steps
    step_before: Steps
    lr_from: LRs
    lr_to: LRs
    epoch: Steps
    offset: Steps
    steps_in_epoch: Steps
    epoch_position: NDArray[np.float64]
    nearest_boundary: Steps
    on_boundary: NDArray[np.bool_]
    cadence: Cadence | None


def find_lr_changes(
    learning_rate: ArrayLike,
    epoch_starts: ArrayLike,
    *,
    steps: ArrayLike | None = None,
    end: int | None = None,
    iteration_offset: int = 0,
    decay_steps: int | None = None,
) -> LRChanges:
    """Returns all LR changes, with their positions in the epochs.

    Numbers are compared as float32, bit for bit, which is what training uses and lrmon records. Epochs may
    have different lengths: an offset counts from the start of its own epoch, and the nearest boundary is one
    of the actual epoch starts.

    Args:
      learning_rate: [n], the learning rate that each step's update used. NaN: not known.
      epoch_starts: the first step of each epoch, ascending. Steps before the first lie in no epoch.
      steps: [n], ascending, the step of each learning rate; by default 0 to n - 1.
      end: the step after the last one of the last epoch; by default the step after the last one of the run.
        Pass it if the last epoch still runs.
      iteration_offset: the optimizer's count before the update of step k is k + this; only for `cadence`.
      decay_steps: of the run's schedule, where one is known; only for `cadence`.

    Raises:
      ValueError: if shapes do not fit, or steps or epoch starts do not ascend.

    >>> drops = find_lr_changes([0.1, 0.1, 0.1, 0.05, 0.05], epoch_starts=[0, 2])
    >>> drops.kind, drops.step.tolist(), drops.epoch.tolist(), drops.offset.tolist()
    ('staircase', [3], [1], [1])
    """
    lrs = np.asarray(learning_rate, dtype=np.float32)
    numbers = np.arange(lrs.size) if steps is None else np.asarray(steps, dtype=np.int64)
    starts = np.asarray(epoch_starts, dtype=np.int64)
    _check(lrs, numbers, starts)
    known = ~np.isnan(lrs)
    lrs, numbers = lrs[known], numbers[known]

    after_last = int(numbers[-1]) + 1 if numbers.size else 0
    final = max([after_last, *([] if end is None else [end]), *starts[-1:].tolist()])
    rows = jump_rows(lrs, numbers)
    step = numbers[rows]
    warmup = warmup_rows(lrs)
    epoch = np.searchsorted(starts, step, side="right") - 1
    placed = epoch >= 0
    # The last item is for LR changes before the first epoch, whose index is -1.
    first_steps, lengths = np.append(starts, 0), np.append(np.diff(starts, append=final), 0)
    length = np.where(placed, lengths[epoch], 0)
    offset = np.where(placed, step - first_steps[epoch], -1)
    cadence = find_cadence(
        step[rows > warmup],
        first_step=int(numbers[warmup]) if numbers.size else 0,
        end=after_last,
        epoch_starts=starts,
        epoch_length=_epoch_length(starts, final),
        iteration_offset=iteration_offset,
        decay_steps=decay_steps,
    )
    return LRChanges(
        kind=curve_kind(lrs, rows),
        warmup_end=int(numbers[warmup]) if warmup else None,
        changes=int(np.count_nonzero(lrs[1:] != lrs[:-1])),
        step=step,
        step_before=numbers[rows - 1],
        lr_from=lrs[rows - 1],
        lr_to=lrs[rows],
        epoch=epoch,
        offset=offset,
        steps_in_epoch=length,
        epoch_position=np.where(placed, epoch + offset / np.maximum(length, 1), np.nan),
        nearest_boundary=np.where(placed, np.where(2 * offset <= length, offset, offset - length), 0),
        on_boundary=offset == 0,
        cadence=_padded(cadence, rows.size),
    )


def _padded(cadence: Cadence | None, lr_changes: int) -> Cadence | None:
    """Returns the cadence aligned with all LR changes; those of a warm-up come first."""
    if cadence is None:
        return None
    return replace(cadence, late=np.pad(cadence.late, (lr_changes - cadence.late.size, 0)))


def _epoch_length(starts: Steps, end: int) -> int | None:
    """Returns the length of every epoch, None where they differ; the last may have ended before its time."""
    lengths = np.diff(starts, append=end)
    if lengths.size == 0 or lengths[0] <= 0 or lengths[-1] > lengths[0]:
        return None
    return int(lengths[0]) if bool((lengths[:-1] == lengths[0]).all()) else None


def _check(lrs: LRs, steps: Steps, starts: Steps) -> None:
    if lrs.ndim != 1 or steps.shape != lrs.shape:
        raise ValueError(
            "learning_rate and steps must have one dimension and one length, "
            f"got shapes {lrs.shape} and {steps.shape}"
        )
    if bool((np.diff(steps) <= 0).any()):
        raise ValueError("steps must ascend, each once")
    if starts.ndim != 1 or bool((np.diff(starts) < 0).any()):
        raise ValueError(f"epoch_starts must be a list of ascending steps, got {starts.tolist()}")
