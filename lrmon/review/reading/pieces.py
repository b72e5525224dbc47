"""The written rows that count, the missing steps between them, and the times of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrmon.review.reading.decode import Block
from lrmon.review.run.run import Fit, Reals


@dataclass(frozen=True, slots=True)
class Piece:
    """The rows of a block that count: from `start` up to `stop`, exclusive."""

    block: Block
    start: int
    stop: int

    @property
    def first_step(self) -> int:
        return self.block.first_step + self.start

    @property
    def last_step(self) -> int:
        return self.block.first_step + self.stop - 1

    @property
    def values(self) -> Reals:
        return self.block.values[self.start : self.stop]

    @property
    def lrs(self) -> Reals | None:
        return None if self.block.lrs is None else self.block.lrs[self.start : self.stop]

    @property
    def updates(self) -> Reals | None:
        return None if self.block.updates is None else self.block.updates[self.start : self.stop]


@dataclass(frozen=True, slots=True)
class Hole:
    """Consecutive steps without a row, although the run continues after them.

    Attributes:
      first_step: inclusive. last_step: inclusive. reason: ``lost``: they were recorded, but are missing here.
      ``not recorded``: a fit ended before them and
        the next one counts from after them. ``not ended``: the same, but the end of the fit before is not
        recorded, so that it may have had these steps.
    """

    first_step: int
    last_step: int
    reason: Literal["lost", "not recorded", "not ended"]

    @property
    def steps(self) -> int:
        """The number of steps."""
        return self.last_step - self.first_step + 1


def cut(pieces: list[Piece], step: int) -> list[Piece]:
    """Removes the rows from `step` on from `pieces`, which ascend in steps, and returns them."""
    taken = []
    while pieces and pieces[-1].last_step >= step:
        piece = pieces.pop()
        if piece.first_step < step:
            middle = piece.start + step - piece.first_step
            pieces.append(replace(piece, stop=middle))
            piece = replace(piece, start=middle)
        taken.append(piece)
    return taken[::-1]


def is_repeated(replaced: Sequence[Piece], block: Block) -> bool:
    """Returns whether a block only repeats the replaced pieces, as after a failed write."""
    for piece in replaced:
        start = piece.first_step - block.first_step
        again = block.values[start : start + len(piece.values)]
        if piece.values.tobytes() != again.tobytes():
            return False
    return True


def steps_of(pieces: Sequence[Piece]) -> NDArray[np.int64]:
    """Returns the step of each row."""
    if not pieces:
        return np.empty(0, dtype=np.int64)
    return np.concatenate([np.arange(piece.first_step, piece.last_step + 1) for piece in pieces])


def times_of(pieces: Sequence[Piece]) -> NDArray[np.float64]:
    """Returns when each row was recorded, seconds since 1970.

    The wall time of a block is that of its last row. The times of the other rows are computed backwards from
    there, so earlier rows that TensorBoard has dropped do not matter. Seconds that are not finite count as 0.
    """
    if not pieces:
        return np.empty(0, dtype=np.float64)
    seconds = np.concatenate([piece.block.values[:, 3] for piece in pieces]).astype(np.float64)
    lengths = np.array([len(piece.block.values) for piece in pieces])
    ends = np.cumsum(lengths)
    passed = np.cumsum(np.where(np.isfinite(seconds), seconds, 0.0))
    walls = np.array([piece.block.wall_time for piece in pieces])
    times: NDArray[np.float64] = passed + np.repeat(walls - passed[ends - 1], lengths)
    if all(len(piece.values) == len(piece.block.values) for piece in pieces):
        return times
    by_block = zip(pieces, np.split(times, ends[:-1]), strict=True)
    return np.concatenate([block_times[piece.start : piece.stop] for piece, block_times in by_block])


def holes_in(pieces: Sequence[Piece], fits: Sequence[Fit], last_step: int) -> list[Hole]:
    """Returns the steps without a row, if the run has or had rows after them.

    Args:
      pieces: ascending in steps.
      fits: ascending in first steps.
      last_step: the last step of the run, as far as its fits and epochs tell.
    """
    if not pieces:
        return []
    gaps = [(a.last_step + 1, b.first_step - 1) for a, b in pairwise(pieces)]
    if fits:
        gaps.insert(0, (fits[0].first_step, pieces[0].first_step - 1))
    gaps.append((pieces[-1].last_step + 1, last_step))
    return [hole for first, last in gaps if first <= last for hole in _holes_in_gap(first, last, fits)]


def _holes_in_gap(first: int, last: int, fits: Sequence[Fit]) -> list[Hole]:
    """Returns a gap, from the first to the last step, in parts with one reason each."""
    before = [fit for fit in fits if fit.first_step <= first]
    starts = [fit for fit in fits if first < fit.first_step <= last + 1]
    holes = []
    for owner, fit in zip([before[-1] if before else None, *starts], starts, strict=False):
        end = fit.first_step - 1
        if owner is None or (owner.last_step is None and owner.ended is None):
            holes.append(Hole(first, end, "not ended"))
        else:
            ended = first - 1 if owner.last_step is None else max(first - 1, min(end, owner.last_step))
            holes += [Hole(first, ended, "lost"), Hole(ended + 1, end, "not recorded")]
        first = fit.first_step
    holes.append(Hole(first, last, "lost"))
    return [hole for hole in holes if hole.steps > 0]
