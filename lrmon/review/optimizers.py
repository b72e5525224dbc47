"""The learning rate of each optimizer, where several train one model."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lrmon.review.run import Fit
from lrmon.review.timeline import Piece

_NOT_NAMED = (
    "The learning rates of several optimizers were recorded without their names; "
    "only the one that the run calls its learning rate is shown."
)


@dataclass(frozen=True, slots=True)
class LearningRates:
    """What each of several optimizers used.

    Attributes:
      rates: by name, [n], in the order in which the fits name them. NaN where `absent`.
      absent: by ``learning_rate/<name>``, the rows of which nothing is recorded; only where there are any.
      notices: sentences for the user.
    """

    rates: Mapping[str, NDArray[np.float32]]
    absent: Mapping[str, NDArray[np.bool_]]
    notices: Sequence[str]


def learning_rates(pieces: Sequence[Piece], fits: Sequence[Fit]) -> LearningRates:
    """Returns the learning rate that each optimizer used in each row; nothing where there is one optimizer.

    Args:
      pieces: the rows that count, ascending in steps.
      fits: ascending in first steps; each names its optimizers in the order of the recorded columns.
    """
    size = sum(len(piece.values) for piece in pieces)
    rates: dict[str, NDArray[np.float32]] = {}
    known: dict[str, NDArray[np.bool_]] = {}
    not_named = False
    start = 0
    for piece in pieces:
        values = piece.rates
        for first, stop, fit in _by_fit(piece, fits) if values is not None else ():
            names = optimizer_names(fit)
            if values is None or len(names) != values.shape[1]:
                not_named = True
                continue
            rows = slice(start + first, start + stop)
            for column, name in enumerate(names):
                if name not in rates:
                    rates[name] = np.full(size, np.nan, dtype=np.float32)
                    known[name] = np.zeros(size, dtype=bool)
                rates[name][rows] = values[first:stop, column]
                known[name][rows] = True
        start += len(piece.values)
    absent = {f"learning_rate/{name}": ~rows for name, rows in known.items() if not bool(rows.all())}
    return LearningRates(rates, absent, [_NOT_NAMED] if not_named else [])


def optimizer_names(fit: Fit | None) -> list[str]:
    """Returns the names of a fit's optimizers, none where they are not recorded as they should be."""
    listed = fit.record.get("optimizers") if fit is not None else None
    names = (
        [each.get("name") for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
    )
    named = [name for name in names if isinstance(name, str)]
    return named if len(set(named)) == len(names) else []


def _by_fit(piece: Piece, fits: Sequence[Fit]) -> list[tuple[int, int, Fit | None]]:
    """Returns the parts of a piece that belong to one fit each, as rows of the piece."""
    first, last = piece.first_step, piece.last_step
    starts = [fit.first_step for fit in fits]
    inside = [start for start in starts if first < start <= last]
    borders = [first, *inside, last + 1]
    parts = []
    for begin, end in pairwise(borders):
        index = bisect_right(starts, begin) - 1
        parts.append((begin - first, end - first, fits[index] if index >= 0 else None))
    return parts
