"""Columns by optimizer, for several optimizers or for steps with no or several updates."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lrmon.review.reading.pieces import Piece
from lrmon.review.run.optimizers import optimizer_names
from lrmon.review.run.run import Fit, Reals

_NOT_NAMED = (
    "The learning rates of several optimizers were recorded without their names; "
    "only the learning rate of the run is shown."
)


@dataclass(frozen=True, slots=True)
class OptimizerColumnsByName:
    """The learning rates and updates of single optimizers in each step.

    Attributes:
      lrs: by name, [n], the learning rate of each that made any update, in the order in which the fits name
        them; empty where there is one optimizer. NaN where `absent`.
      updates: by name, [n], how many updates each made in each step; empty where all made one in each. Where
        there is one optimizer its name is that of its class.
      main_updates: [n], those of the optimizer whose learning rate is the run's; None where it made one each.
      absent: by ``learning_rate/<name>``, the rows of which nothing is recorded; only where there are any.
      notices: sentences for the user.
    """

    lrs: Mapping[str, Reals]
    updates: Mapping[str, NDArray[np.int32]]
    main_updates: NDArray[np.int32] | None
    absent: Mapping[str, NDArray[np.bool_]]
    notices: Sequence[str]


def optimizer_columns_by_name(pieces: Sequence[Piece], fits: Sequence[Fit]) -> OptimizerColumnsByName:
    """Returns the learning rates and updates of each optimizer in each row.

    Args:
      pieces: the rows that count, ascending in steps.
      fits: ascending in first steps; each names its optimizers in the order of the recorded columns. A
        fit that noticed an optimizer later has no column for it in its first rows.
    """
    size = sum(len(piece.values) for piece in pieces)
    lrs: dict[str, Reals] = {}
    known: dict[str, NDArray[np.bool_]] = {}
    updates: dict[str, NDArray[np.int32]] = {}
    main: NDArray[np.int32] | None = None
    not_named = False
    start = 0
    for piece in pieces:
        has_columns = piece.lrs is not None or piece.updates is not None
        for first, stop, fit in _by_fit(piece, fits) if has_columns else ():
            names, rows = optimizer_names(fit), slice(start + first, start + stop)
            if piece.lrs is not None:
                if piece.lrs.shape[1] > len(names):
                    not_named = True
                    continue
                for name, column in zip(names, piece.lrs[first:stop].T, strict=False):
                    if name not in lrs:
                        lrs[name] = np.full(size, np.nan, dtype=column.dtype)
                        known[name] = np.zeros(size, dtype=bool)
                    lrs[name] = lrs[name].astype(np.result_type(lrs[name], column), copy=False)
                    lrs[name][rows] = column
                    known[name][rows] = True
            if piece.updates is not None:
                named = names or [_class_name(fit)]
                for name, column in zip(named, _counts(piece.updates[first:stop]).T, strict=False):
                    updates.setdefault(name, np.ones(size, dtype=np.int32))[rows] = column
                    if name == _main_name(fit, named):
                        main = np.ones(size, dtype=np.int32) if main is None else main
                        main[rows] = column
        start += len(piece.values)
    for name, rows_known in known.items():
        if not bool(rows_known.all()):
            updates.setdefault(name, np.ones(size, dtype=np.int32))[~rows_known] = 0
    used = {name: column for name, column in lrs.items() if name not in updates or updates[name].any()}
    absent = {f"learning_rate/{name}": ~known[name] for name in used if not bool(known[name].all())}
    return OptimizerColumnsByName(used, updates, main, absent, [_NOT_NAMED] if not_named else [])


def _counts(values: Reals) -> NDArray[np.int32]:
    """Returns counts as integers; a value that is no count becomes 0."""
    with np.errstate(invalid="ignore"):
        whole = np.where(np.isfinite(values) & (values >= 0) & (values < 2**31 - 1), values, 0)
    return whole.astype(np.int32)


def _main_name(fit: Fit | None, names: Sequence[str]) -> str | None:
    if len(names) == 1 or fit is None:
        return names[0] if names else None
    name = fit.record.get("main_optimizer")
    return name if isinstance(name, str) else None


def _class_name(fit: Fit | None) -> str:
    described = fit.record.get("optimizer") if fit is not None else None
    name = described.get("class_name") if isinstance(described, Mapping) else None
    return name if isinstance(name, str) else "optimizer"


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
