"""What ReduceLROnPlateau does over a long series: from event to event instead of value by value."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.plateau.replay import PlateauReduction, PlateauReplay
from lrmon.analysis.plateau.rule import TYPES, PlateauRule, begin_fit, compared, first_bar, reduced
from lrmon.analysis.plateau.rule import PlateauState as _State

Floats = NDArray[np.float64]


def scan_plateau(
    values: NDArray[np.floating],
    learning_rate: float,
    rule: PlateauRule,
    *,
    fit_starts: Sequence[int] = (),
    logged_as: str = "float",
) -> PlateauReplay:
    """Returns what `lrmon.analysis.plateau.replay.replay_plateau` returns, for millions of values.

    Whether a value is an improvement depends on the values alone, so improvements come first, looked for
    among the values that are lower than all before them (if min_delta is not negative, no other is one).
    From each improvement on the next trigger is ``patience`` values away, or the next improvement comes
    before it. It takes time in proportion to events, and numpy's to values: some 50 ms for a million
    batches of a noisy loss, half a second where every value is an improvement.

    Args:
      values: the monitored series, every value present.
      learning_rate: what training starts from.
      rule: see `replay_plateau`.
      fit_starts: see `replay_plateau`.
      logged_as: see `replay_plateau`.

    Raises:
      ValueError: if `rule` has no direction or `logged_as` is unknown.
    """
    if logged_as not in TYPES:
        raise ValueError(f"logged_as must be one of {', '.join(TYPES)}, got {logged_as!r}")
    numbers = np.asarray(values, dtype=np.float64)
    count = numbers.size
    starts = sorted({0, *(start for start in fit_starts if 0 < start < count)})
    challenge, bar = compared(numbers, rule, logged_as)
    improved = np.zeros(count, dtype=bool)
    reductions: list[tuple[int, float, float]] = []
    # Where a count of waiting begins anew, and where a cooldown ends.
    bases: list[tuple[int, int]] = []
    cooldowns: list[tuple[int, int]] = []
    lr = float(np.float32(learning_rate))
    state = _State(lr, first_bar(rule))
    for start, stop in pairwise([*starts, count]):
        if start:
            state = begin_fit(state, rule)
        rows, last_bar = _improvements(challenge, bar, start, stop, state.bar)
        improved[rows] = True
        state = state._replace(bar=last_bar)
        bases.append((start, start - 1))
        cooldowns.append((start, start))
        lr = _find_reductions(rows, start, stop, lr, rule, reductions, bases, cooldowns)
    return _as_replay(numbers, learning_rate, rule, starts, improved, reductions, bases, cooldowns)


def first_reductions(
    values: NDArray[np.floating],
    rule: PlateauRule,
    patiences: Sequence[int],
    *,
    fit_starts: Sequence[int] = (),
    logged_as: str = "float",
) -> list[int | None]:
    """Returns for each patience the row of the first trigger, None where there is none.

    Before the first trigger nothing depends on the patience, so one look at the values answers for all. The
    learning rate is taken to be above min_lr.

    Args:
      values: the monitored series, every value present.
      rule: the other settings.
      patiences: instead of the rule's.
      fit_starts: see `replay_plateau`.
      logged_as: see `replay_plateau`.

    >>> first_reductions(np.array([1.0, 0.9, 0.9, 0.9]), PlateauRule("loss"), [1, 2, 3])
    [2, 3, None]
    """
    numbers = np.asarray(values, dtype=np.float64)
    starts = sorted({0, *(start for start in fit_starts if 0 < start < numbers.size)})
    challenge, bar = compared(numbers, rule, logged_as)
    bases: list[int] = []
    lengths: list[int] = []
    state = _State(0.0, first_bar(rule))
    for start, stop in pairwise([*starts, numbers.size]):
        if start:
            state = begin_fit(state, rule)
        rows, last_bar = _improvements(challenge, bar, start, stop, state.bar)
        state = state._replace(bar=last_bar)
        of_fit = [start - 1, *rows]
        bases += of_fit
        lengths += [after - row - 1 for row, after in pairwise([*of_fit, stop])]
    longest = np.maximum.accumulate(np.array(lengths, dtype=np.int64))
    enough = np.searchsorted(longest, [max(patience, 1) for patience in patiences])
    return [
        bases[index] + max(patience, 1) if index < longest.size else None
        for index, patience in zip(enough.tolist(), patiences, strict=True)
    ]


def _improvements(
    challenge: Floats, bar: Floats, start: int, stop: int, best: float | None
) -> tuple[list[int], float | None]:
    """Returns the rows from `start` to `stop` that improve, and the bar after them."""
    rows: list[int] = []
    if start == stop:
        return rows, best
    of_fit = challenge[start:stop]
    candidates = np.arange(start, stop)
    if bool(((bar[start:stop] <= of_fit) | np.isnan(of_fit)).all()):
        lowest = np.minimum.accumulate(np.where(np.isnan(of_fit), np.inf, of_fit))
        candidates = start + np.flatnonzero(of_fit < np.concatenate(([math.inf], lowest[:-1])))
    if best is None:
        rows, best = [start], float(bar[start])
        candidates = candidates[candidates > start]
    challenges, bars = challenge[candidates].tolist(), bar[candidates].tolist()
    for row, challenger, next_bar in zip(candidates.tolist(), challenges, bars, strict=True):
        if challenger < best:
            rows.append(row)
            best = next_bar
    return rows, best


def _find_reductions(
    improvements: Sequence[int],
    start: int,
    stop: int,
    lr: float,
    rule: PlateauRule,
    reductions: list[tuple[int, float, float]],
    bases: list[tuple[int, int]],
    cooldowns: list[tuple[int, int]],
) -> float:
    """Adds the triggers of one fit; returns the learning rate after them."""
    patience, floor = max(rule.patience, 1), np.float32(rule.min_lr)
    uncounted = start - 1
    for row, following in pairwise([start - 1, *improvements, stop]):
        base = max(row, uncounted)
        if row >= start:
            bases.append((row, base))
        while base + patience < following and lr > floor:
            reduction, lower = base + patience, reduced(lr, rule)
            reductions.append((reduction, lr, lower))
            lr = lower
            base = uncounted = reduction + max(rule.cooldown - 1, 0)
            bases.append((reduction, base))
            cooldowns.append((reduction, reduction + rule.cooldown))
    return lr


def _as_replay(
    values: Floats,
    learning_rate: float,
    rule: PlateauRule,
    starts: Sequence[int],
    improved: NDArray[np.bool_],
    reductions: Sequence[tuple[int, float, float]],
    bases: Sequence[tuple[int, int]],
    cooldowns: Sequence[tuple[int, int]],
) -> PlateauReplay:
    rows = np.arange(values.size)
    wait = np.maximum(rows - _held(bases, values.size), 0)
    cooldown = np.maximum(_held(cooldowns, values.size) - rows, 0)
    cooldown_before = np.concatenate((np.zeros(1, dtype=np.int64), cooldown))[:-1][: values.size]
    cooldown_before[starts if values.size else []] = 0
    best_row = np.maximum.accumulate(np.where(improved, rows, -1)) if values.size else rows
    if rule.version != "keras-3.11" and values.size:
        first_of_fit = np.array(starts)[np.searchsorted(starts, rows, side="right") - 1]
        best_row[best_row < first_of_fit] = -1
    lrs = np.array([learning_rate, *(after for _, _, after in reductions)], dtype=np.float32)
    at = np.array([row for row, _, _ in reductions], dtype=np.int64)
    bests = best_row[at].tolist() if at.size else []
    return PlateauReplay(
        rule=rule,
        learning_rate=lrs[np.searchsorted(at, rows, side="left")],
        next_learning_rate=lrs[np.searchsorted(at, rows, side="right")],
        wait=wait,
        cooldown=cooldown,
        in_cooldown=cooldown_before > 1,
        best=np.where(best_row >= 0, values[best_row], np.nan) if values.size else values,
        best_epoch=best_row,
        improved=improved,
        missing=np.zeros(values.size, dtype=bool),
        reductions=tuple(
            PlateauReduction(row, before, after, best)
            for (row, before, after), best in zip(reductions, bests, strict=True)
        ),
    )


def _held(events: Sequence[tuple[int, int]], count: int) -> NDArray[np.int64]:
    """Returns [count]: at each row the value of the last event up to it, the later of two in one row."""
    if not count:
        return np.zeros(0, dtype=np.int64)
    rows = [row for row, _ in events]
    last = [index for index in range(len(rows)) if index == bisect_right(rows, rows[index]) - 1]
    firsts = np.array([rows[index] for index in last])
    held = np.array([events[index][1] for index in last], dtype=np.int64)
    return np.repeat(held, np.diff(firsts, append=count))
