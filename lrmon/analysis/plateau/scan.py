"""What ReduceLROnPlateau does over a long series, computed from event to event instead of value by value."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.plateau.replay import PlateauReduction, PlateauReplay
from lrmon.analysis.plateau.rule import (
    TYPES,
    PlateauRule,
    PlateauState,
    begin_fit,
    compared,
    first_bar,
    reduced,
)

Floats = NDArray[np.float64]


class _Event(NamedTuple):
    """A value at which the state changes: the first of a fit, an improvement or a reduction.

    Attributes:
      position: of the value, from 0.
      base: the last value that `wait` does not count.
      cooldown_end: the value at which the cooldown reaches 0.
      learning_rate: after the decision.
      is_reduction: whether the learning rate is reduced here.
    """

    position: int
    base: int
    cooldown_end: int
    learning_rate: float
    is_reduction: bool = False


def scan_plateau(
    values: NDArray[np.floating],
    learning_rate: float,
    rule: PlateauRule,
    *,
    fit_starts: Sequence[int] = (),
    logged_as: str = "float",
) -> PlateauReplay:
    """Returns what `lrmon.analysis.plateau.replay.replay_plateau` returns, also for millions of values.

    Whether a value is an improvement depends on the values alone. So improvements are computed first, among
    the values that are lower than all before them (unless min_delta is negative, no other value is one).
    The next reduction is ``patience`` values after an improvement, unless another improvement comes before.

    Args:
      values: the monitored series, without missing values.
      learning_rate: the learning rate before the first value.
      rule: see `replay_plateau`.
      fit_starts: see `replay_plateau`.
      logged_as: see `replay_plateau`.

    Raises:
      ValueError: if `rule` has no direction or `logged_as` is unknown.
    """
    if logged_as not in TYPES:
        raise ValueError(f"logged_as must be one of {', '.join(TYPES)}, got {logged_as!r}")
    numbers = np.asarray(values, dtype=np.float64)
    starts = _starts(fit_starts, numbers.size)
    challenge, bar = compared(numbers, rule, logged_as)
    improved = np.zeros(numbers.size, dtype=bool)
    events: list[_Event] = []
    state = PlateauState(float(np.float32(learning_rate)), first_bar(rule))
    for start, stop in pairwise([*starts, numbers.size]):
        if start:
            state = begin_fit(state, rule)
        improvements, last_bar = _improvements(challenge, bar, start, stop, state.bar)
        improved[improvements] = True
        events += _fit_events(improvements, start, stop, state.learning_rate, rule)
        state = state._replace(bar=last_bar, learning_rate=events[-1].learning_rate)
    return _as_replay(numbers, rule, starts, improved, events)


def first_reductions(
    values: NDArray[np.floating],
    rule: PlateauRule,
    patiences: Sequence[int],
    *,
    fit_starts: Sequence[int] = (),
    logged_as: str = "float",
) -> list[int | None]:
    """Returns the index of the first reduction for each patience, None if there is none.

    Nothing before the first reduction depends on the patience, so one pass over the values is enough for all.
    The learning rate must be above min_lr.

    Args:
      values: the monitored series, without missing values.
      rule: the other settings.
      patiences: instead of the rule's.
      fit_starts: see `replay_plateau`.
      logged_as: see `replay_plateau`.

    >>> first_reductions(np.array([1.0, 0.9, 0.9, 0.9]), PlateauRule("loss"), [1, 2, 3])
    [2, 3, None]
    """
    numbers = np.asarray(values, dtype=np.float64)
    starts = _starts(fit_starts, numbers.size)
    challenge, bar = compared(numbers, rule, logged_as)
    bases: list[int] = []
    lengths: list[int] = []
    state = PlateauState(0.0, first_bar(rule))
    for start, stop in pairwise([*starts, numbers.size]):
        if start:
            state = begin_fit(state, rule)
        improvements, last_bar = _improvements(challenge, bar, start, stop, state.bar)
        state = state._replace(bar=last_bar)
        bases_of_fit = [start - 1, *improvements]
        bases += bases_of_fit
        lengths += [after - base - 1 for base, after in pairwise([*bases_of_fit, stop])]
    longest = np.maximum.accumulate(np.array(lengths, dtype=np.int64))
    enough = np.searchsorted(longest, [max(patience, 1) for patience in patiences])
    return [
        bases[index] + max(patience, 1) if index < longest.size else None
        for index, patience in zip(enough.tolist(), patiences, strict=True)
    ]


def _starts(fit_starts: Sequence[int], count: int) -> list[int]:
    """Returns the indices with which a fit starts, 0 among them."""
    return sorted({0, *(start for start in fit_starts if 0 < start < count)})


def _improvements(
    challenge: Floats, bar: Floats, start: int, stop: int, best: float | None
) -> tuple[list[int], float | None]:
    """Returns the indices from `start` to `stop` that improve, and the bar after them."""
    improvements: list[int] = []
    if start == stop:
        return improvements, best
    challenges = challenge[start:stop]
    candidates = np.arange(start, stop)
    if bool(((bar[start:stop] <= challenges) | np.isnan(challenges)).all()):
        lowest = np.minimum.accumulate(np.where(np.isnan(challenges), np.inf, challenges))
        candidates = start + np.flatnonzero(challenges < np.concatenate(([math.inf], lowest[:-1])))
    if best is None:
        improvements, best = [start], float(bar[start])
        candidates = candidates[candidates > start]
    pairs = zip(challenge[candidates].tolist(), bar[candidates].tolist(), strict=True)
    for index, (challenger, next_bar) in zip(candidates.tolist(), pairs, strict=True):
        if challenger < best:
            improvements.append(index)
            best = next_bar
    return improvements, best


def _fit_events(
    improvements: Sequence[int], start: int, stop: int, learning_rate: float, rule: PlateauRule
) -> Iterator[_Event]:
    """Yields the events of one fit, ascending; of two at one value, the later one counts."""
    patience, floor = max(rule.patience, 1), np.float32(rule.min_lr)
    event = _Event(start, start - 1, start, learning_rate)
    yield event
    for improvement, following in pairwise([start - 1, *improvements, stop]):
        if improvement >= start:
            base = max(improvement, event.base)
            event = event._replace(position=improvement, base=base, is_reduction=False)
            yield event
        while event.base + patience < following and event.learning_rate > floor:
            index = event.base + patience
            event = _Event(
                index,
                base=index + max(rule.cooldown - 1, 0),
                cooldown_end=index + rule.cooldown,
                learning_rate=reduced(event.learning_rate, rule),
                is_reduction=True,
            )
            yield event


def _as_replay(
    values: Floats,
    rule: PlateauRule,
    starts: Sequence[int],
    improved: NDArray[np.bool_],
    events: Sequence[_Event],
) -> PlateauReplay:
    indices = np.arange(values.size)
    last_event = np.searchsorted([event.position for event in events], indices, side="right") - 1
    base, cooldown_end = (
        np.array(column, dtype=np.int64)[last_event]
        for column in ([event.base for event in events], [event.cooldown_end for event in events])
    )
    cooldown = np.maximum(cooldown_end - indices, 0)
    cooldown_before = _shifted(cooldown, 0)
    next_lr = np.array([event.learning_rate for event in events], dtype=np.float32)[last_event]
    best_index = np.maximum.accumulate(np.where(improved, indices, -1))
    if values.size:
        cooldown_before[starts] = 0
        if rule.version != "keras-3.11":
            first_of_fit = np.array(starts)[np.searchsorted(starts, indices, side="right") - 1]
            best_index[best_index < first_of_fit] = -1
    return PlateauReplay(
        rule=rule,
        learning_rate=_shifted(next_lr, events[0].learning_rate),
        next_learning_rate=next_lr,
        wait=np.maximum(indices - base, 0),
        cooldown=cooldown,
        in_cooldown=cooldown_before > 1,
        best=np.where(best_index >= 0, values[best_index], np.nan) if values.size else values,
        best_epoch=best_index,
        improved=improved,
        missing=np.zeros(values.size, dtype=bool),
        reductions=tuple(
            PlateauReduction(
                event.position, before.learning_rate, event.learning_rate, int(best_index[event.position])
            )
            for before, event in pairwise(events)
            if event.is_reduction
        ),
    )


def _shifted(column: NDArray[Any], first: float) -> NDArray[Any]:
    """Returns the value before each one; before the first it is `first`."""
    return np.concatenate((np.array([first], dtype=column.dtype), column))[: column.size]
