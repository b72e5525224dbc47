"""The rows of a long series that a table of its plateaus needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrmon.review.report.plateau.plateaus import Plateaus


def changing_rows(plateaus: Plateaus, most: int) -> NDArray[np.intp]:
    """Returns the rows at which something changes and those before them, at most about `most` of them.

    If there are more, the result is an even selection: in each part of the series the first row and the one
    with the longest wait.
    """
    size = plateaus.step.size
    has_new_lr = plateaus.learning_rate[1:] != plateaus.learning_rate[:-1]
    changed = np.flatnonzero((np.diff(plateaus.wait) != 1) | plateaus.improved[1:] | has_new_lr) + 1
    if not size:
        return changed
    rows = np.unique(np.concatenate(([0], changed - 1, changed, [size - 1])).astype(np.intp))
    if rows.size <= most:
        return rows
    firsts = np.linspace(0, size, most // 3, endpoint=False).astype(np.intp)
    longest = np.repeat(np.maximum.reduceat(plateaus.wait, firsts), np.diff(firsts, append=size))
    peaks = np.flatnonzero(plateaus.wait == longest)
    part = np.searchsorted(firsts, peaks, side="right")
    peaks = peaks[np.diff(part, prepend=-1) != 0]
    reductions = [reduction.index for reduction in plateaus.reductions[: most // 6]]
    return np.unique(np.concatenate((firsts, peaks, np.array(reductions, dtype=np.intp), [size - 1])))
