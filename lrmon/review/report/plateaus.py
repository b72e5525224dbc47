"""Where ReduceLROnPlateau would have reduced the learning rate of a run, held against what happened."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.plateau.direction import Direction
from lrmon.analysis.plateau.replay import PlateauReplay
from lrmon.analysis.plateau.rule import TYPES, PlateauRule
from lrmon.analysis.plateau.scan import first_reductions, scan_plateau
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.own_reductions import is_same_lr
from lrmon.review.report.plateau_settings import BATCH_METRICS, BATCH_PREFIX
from lrmon.review.run.run import Run

Kind = Literal["would", "did", "both"]
Steps = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LRReduction:
    """One reduction, by the rule or in the record.

    Attributes:
      index: in the columns of `Plateaus`.
      step: the epoch's last step, or the step: the next one is the first with the lower learning rate.
      lr_from: the rule's; the recorded one where `kind` is ``did``.
      kind: ``would``: by this rule alone. ``both``: by this rule, and by the run's own ReduceLROnPlateau.
        ``did``: by the run's own ReduceLROnPlateau alone. What its own did is what `own_reductions` proves.
      best: index of the best value so far, -1 where there is none.
      did_from: the recorded learning rate before, NaN where the record does not change there.
      did_to: the recorded one after, whatever changed it.
    """

    index: int
    step: int
    lr_from: float
    lr_to: float
    kind: Kind
    first: bool
    best: int
    did_from: float
    did_to: float


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The first trigger, by patience and min_delta.

    Attributes:
      first: [patience][min_delta], index in the columns, None where it never comes.
    """

    patience: tuple[int, ...]
    min_delta: tuple[float, ...]
    first: tuple[tuple[int | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Plateaus:
    """The rule over a run. Arrays are aligned with the epochs, or with the rows of a series of batches.

    Attributes:
      rule: the settings.
      direction: ``min`` or ``max``, None where there is a problem.
      unit: ``epoch`` or ``step``.
      problem: why the rule cannot be judged, else None; then arrays are empty.
      step: the last step of each epoch, or the step of each row.
      value: the monitored metric.
      missing: where it has no value.
      reductions: in order.
      diverges: the first trigger at which the rule and the record part, None where they never do.
    """

    rule: PlateauRule
    direction: Direction | None
    unit: Literal["epoch", "step"]
    problem: str | None
    step: Steps
    value: NDArray[np.float64]
    missing: NDArray[np.bool_]
    learning_rate: NDArray[np.float32]
    wait: Steps
    best: Steps
    in_cooldown: NDArray[np.bool_]
    improved: NDArray[np.bool_]
    reductions: tuple[LRReduction, ...]
    diverges: LRReduction | None
    sensitivity: Sensitivity | None


@dataclass(frozen=True, slots=True)
class _Series:
    """What the rule watches: values, and the learning rates at and after each."""

    step: Steps
    value: NDArray[np.float64]
    missing: NDArray[np.bool_]
    at: NDArray[np.float32]
    after: NDArray[np.float32]
    fit_starts: tuple[int, ...]
    logged_as: str


def plateaus(of: RunAnalysis, rule: PlateauRule) -> Plateaus:
    """Returns what `rule` does over the run."""
    unit: Literal["epoch", "step"] = "step" if rule.monitor in BATCH_METRICS else "epoch"
    series = _batches(of.run, rule) if unit == "step" else _epochs(of, rule)
    asked, rule = rule, _named(rule)
    problem = _problem(of.run, asked, series)
    if problem is not None:
        return _nothing(asked, unit, problem)
    known = np.flatnonzero(~np.isnan(series.at))
    replay, rows = _replay(series, float(series.at[known[0]]), rule)
    reductions = tuple(_reductions(of, series, replay, rows, unit))
    positions = np.maximum(np.searchsorted(rows, np.arange(series.step.size), side="right") - 1, -1)
    before_any = positions < 0
    best = replay.best_epoch[positions]
    in_cooldown, improved = replay.in_cooldown[positions], replay.improved[positions]
    best = np.where(best >= 0, rows[best], -1)
    # An epoch without a value changes nothing: it stands where the one before it has come to.
    lrs = np.where(series.missing, replay.next_learning_rate[positions], replay.learning_rate[positions])
    wait = replay.wait[positions]
    best[before_any], wait[before_any], lrs[before_any] = -1, 0, replay.learning_rate[0]
    return Plateaus(
        rule=asked,
        direction=rule.direction,
        unit=unit,
        problem=None,
        step=series.step,
        value=series.value,
        missing=series.missing,
        learning_rate=lrs.astype(np.float32),
        wait=wait,
        best=best,
        in_cooldown=np.where(series.missing, replay.cooldown[positions] > 0, in_cooldown) & ~before_any,
        improved=improved & ~series.missing,
        reductions=reductions,
        diverges=next((reduction for reduction in reductions if _parts(reduction, of.run)), None),
        sensitivity=_sensitivity(series, float(series.at[known[0]]), rule),
    )


def _epochs(of: RunAnalysis, rule: PlateauRule) -> _Series:
    epochs = of.run.epochs
    values = [epoch.metrics.get(rule.monitor) for epoch in epochs]
    types = [epoch.types.get(rule.monitor) for epoch in epochs if rule.monitor in epoch.metrics]
    starts = [fit.first_step for fit in of.run.fits[1:]]
    firsts = [epoch.first_step for epoch in epochs]
    return _Series(
        step=np.array([epoch.last_step for epoch in epochs], dtype=np.int64),
        value=np.array([math.nan if value is None else value for value in values], dtype=np.float64),
        missing=np.array([value is None for value in values], dtype=bool),
        at=of.epochs.learning_rate,
        after=np.where(of.epochs.is_recorded, of.epochs.next_learning_rate, np.float32(np.nan)),
        fit_starts=tuple(int(index) for index in np.searchsorted(firsts, starts)),
        logged_as=types[0] if types and types[0] in TYPES else "float",
    )


def _batches(run: Run, rule: PlateauRule) -> _Series:
    name = rule.monitor.removeprefix(BATCH_PREFIX)
    absent = run.absent.get(name)
    rows = np.flatnonzero(~absent) if absent is not None else np.arange(run.step.size)
    values = getattr(run, name)[rows].astype(np.float64)
    lrs = run.learning_rate[rows]
    following = np.append(lrs[1:], np.float32(np.nan))
    following[:-1][np.diff(run.step[rows]) != 1] = np.nan
    starts = [fit.first_step for fit in run.fits[1:]]
    return _Series(
        step=run.step[rows],
        value=values,
        missing=np.zeros(rows.size, dtype=bool),
        at=lrs,
        after=following,
        fit_starts=tuple(int(index) for index in np.searchsorted(run.step[rows], starts)),
        logged_as="float",
    )


def _named(rule: PlateauRule) -> PlateauRule:
    """Returns the rule under a name whose direction Keras knows, if it watches the loss of the batches."""
    return replace(rule, monitor="loss") if rule.monitor == f"{BATCH_PREFIX}loss" else rule


def _problem(run: Run, rule: PlateauRule, series: _Series) -> str | None:
    try:
        _named(rule).direction  # noqa: B018 - it says why it has none
    except ValueError as error:
        return f"{error}."
    if not run.epochs and not rule.monitor.startswith(BATCH_PREFIX):
        return "No epoch has ended in this run, so there is no metric to watch."
    if not run.metric_names and not rule.monitor.startswith(BATCH_PREFIX):
        return "This run has no metric to watch."
    if bool(series.missing.all()):
        return f"This run has recorded no {rule.monitor}."
    if bool(np.isnan(series.at).all()):
        return "No learning rate is recorded at the ends of this run's epochs."
    return None


def _replay(series: _Series, lr: float, rule: PlateauRule) -> tuple[PlateauReplay, NDArray[np.intp]]:
    """Returns the replay over the values that there are, and their indices."""
    rows, starts = _present(series)
    replay = scan_plateau(series.value[rows], lr, rule, fit_starts=starts, logged_as=series.logged_as)
    return replay, rows


def _present(series: _Series) -> tuple[NDArray[np.intp], list[int]]:
    """Returns the indices of the values that there are, and at which of them fits begin.

    A missing value changes nothing, not even wait or cooldown, so leaving it out is the same.
    """
    rows = np.flatnonzero(~series.missing)
    return rows, np.searchsorted(rows, np.array(series.fit_starts, dtype=np.int64)).tolist()


def _reductions(
    of: RunAnalysis, series: _Series, replay: PlateauReplay, rows: NDArray[np.intp], unit: str
) -> list[LRReduction]:
    own = of.own_reductions if unit == "epoch" else {}
    by_rule = {int(rows[reduction.epoch]): reduction for reduction in replay.reductions}
    reductions = []
    first = min(by_rule, default=-1)
    for index in sorted({*by_rule, *own}):
        did_from, did_to = float(series.at[index]), float(series.after[index])
        if did_from == did_to or math.isnan(did_to):
            did_from = did_to = math.nan
        reduction = by_rule.get(index)
        position = int(np.searchsorted(rows, index, side="right")) - 1
        best = int(replay.best_epoch[position]) if position >= 0 else -1
        reductions.append(
            LRReduction(
                index=index,
                step=int(series.step[index]),
                lr_from=reduction.lr_from if reduction else did_from,
                lr_to=reduction.lr_to if reduction else did_to,
                kind="did" if reduction is None else "both" if index in own else "would",
                first=index == first,
                best=int(rows[best]) if best >= 0 else -1,
                did_from=did_from,
                did_to=did_to,
            )
        )
    return reductions


def _parts(reduction: LRReduction, run: Run) -> bool:
    """Whether the rule and the record go different ways at a trigger, and there is a record after it."""
    if reduction.kind != "did" and is_same_lr(reduction.lr_to, reduction.did_to):
        return False
    return bool(run.step.size) and reduction.step < int(run.step[-1])


def _sensitivity(series: _Series, lr: float, rule: PlateauRule) -> Sensitivity:
    patiences, deltas = _patiences(rule.patience), _deltas(rule.min_delta)
    rows, starts = _present(series)
    can_fall = lr > np.float32(rule.min_lr)
    columns = []
    for delta in deltas:
        firsts = first_reductions(
            series.value[rows],
            replace(rule, min_delta=delta),
            patiences,
            fit_starts=starts,
            logged_as=series.logged_as,
        )
        columns.append([int(rows[row]) if row is not None and can_fall else None for row in firsts])
    table = tuple(tuple(column[index] for column in columns) for index in range(len(patiences)))
    return Sensitivity(patiences, deltas, table)


def _patiences(own: int) -> tuple[int, ...]:
    """Returns the rule's own patience among three shorter and three longer ones."""
    usual = [1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 75, 100]
    while usual[-1] <= own * 8:
        usual += [usual[-1] * 2, usual[-1] * 5, usual[-1] * 10]
    values = sorted({*usual, own})
    position = values.index(own)
    first = max(min(position - 3, len(values) - 7), 0)
    return tuple(values[first : first + 7])


def _deltas(own: float) -> tuple[float, ...]:
    """Returns the rule's own min_delta among smaller and larger ones by powers of ten, and 0."""
    size = abs(own) or 1e-4
    scaled = [float(f"{size * 10.0**power:.12g}") for power in (-2, -1, 0, 1, 2)]
    return tuple(sorted({0.0, own, *(value for value in scaled if math.isfinite(value))}))


def _nothing(rule: PlateauRule, unit: Literal["epoch", "step"], problem: str) -> Plateaus:
    ints, floats, bools = np.zeros(0, np.int64), np.zeros(0, np.float64), np.zeros(0, np.bool_)
    return Plateaus(
        rule=rule, direction=None, unit=unit, problem=problem, step=ints, value=floats, missing=bools,
        learning_rate=floats.astype(np.float32), wait=ints, best=ints, in_cooldown=bools, improved=bools,
        reductions=(), diverges=None, sensitivity=None,
    )  # fmt: skip


def changing_rows(of: Plateaus, most: int) -> NDArray[np.intp]:
    """Returns the rows at which something changes and those before them, at most about `most` of them.

    Of more, an even selection: in each part of the series the first row, and the one with the longest wait.
    """
    size = of.step.size
    anew = (
        np.flatnonzero(
            (np.diff(of.wait) != 1) | of.improved[1:] | (of.learning_rate[1:] != of.learning_rate[:-1])
        )
        + 1
    )
    rows = np.unique(np.concatenate(([0], anew - 1, anew, [size - 1])).astype(np.intp)) if size else anew
    if rows.size <= most:
        return rows
    firsts = np.linspace(0, size, most // 3, endpoint=False).astype(np.intp)
    longest = np.maximum.reduceat(of.wait, firsts)
    held = np.repeat(longest, np.diff(firsts, append=size))
    peaks = np.flatnonzero(of.wait == held)
    of_part = np.searchsorted(firsts, peaks, side="right")
    peaks = peaks[np.diff(of_part, prepend=-1) != 0]
    reductions = [reduction.index for reduction in of.reductions[: most // 6]]
    return np.unique(np.concatenate((firsts, peaks, np.array(reductions, dtype=np.intp), [size - 1])))
