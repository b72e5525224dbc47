"""What ReduceLROnPlateau does over a whole run: the rule, folded over the epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrmon.analysis.plateau.rule import (
    TYPES,
    Judged,
    PlateauRule,
    PlateauState,
    begin_fit,
    first_bar,
    judged,
    step,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PlateauReduction:
    """One reduction.

    Attributes:
      epoch: 0-based position in the values; the epoch after it is the first to train at `lr_to`.
      lr_from: the learning rate at the end of that epoch.
      lr_to: the learning rate after it.
      best_epoch: the epoch of the best value so far, -1 where there is none.
    """

    epoch: int
    lr_from: float
    lr_to: float
    best_epoch: int


@dataclass(frozen=True, slots=True)
class PlateauReplay:
    """What ReduceLROnPlateau does epoch by epoch. Arrays are aligned with the values.

    Attributes:
      rule: the settings.
      learning_rate: [n] float32, at each epoch's end, before the decision: ``history["learning_rate"][e]``.
      next_learning_rate: [n] float32, after the decision: ``history["learning_rate"][e + 1]``.
      wait: [n], after the decision. At a reduction it is 0 again.
      cooldown: [n], epochs of cooldown that are left after the decision.
      in_cooldown: [n], whether the epoch was in cooldown, so that it could not count up `wait`.
      best: [n], the best value after the decision; NaN where there is none yet (or the best *is* NaN).
      best_epoch: [n], its epoch, -1 where there is none yet.
      improved: [n], whether the epoch's value became the best.
      missing: [n], whether the epoch has no value.
      reductions: the reductions, in order.
    """

    rule: PlateauRule
    learning_rate: NDArray[np.float32]
    next_learning_rate: NDArray[np.float32]
    wait: NDArray[np.int64]
    cooldown: NDArray[np.int64]
    in_cooldown: NDArray[np.bool_]
    best: Floats
    best_epoch: NDArray[np.int64]
    improved: NDArray[np.bool_]
    missing: NDArray[np.bool_]
    reductions: tuple[PlateauReduction, ...]


def replay_plateau(
    values: Sequence[float | None] | NDArray[np.floating],
    learning_rate: ArrayLike,
    rule: PlateauRule,
    *,
    fit_starts: Sequence[int] = (),
    logged_as: str = "float",
) -> PlateauReplay:
    """Returns what ReduceLROnPlateau with the settings of `rule` does at the end of each epoch.

    `rule.step` says when it reduces. Whether a value x improves on the best one b (d is
    min_delta; for ``max`` with the signs turned):

    - keras-3.15 and keras-3.11: the first value always does, even a NaN, on which nothing improves then;
      after it where ``float32(x + |d|) < float32(b)``;
    - keras-3.0 and tf_keras: where ``x < b - d`` in float64, from b = ∞ on: a first NaN does no harm.

    The reduced learning rate is ``float32(max(lr · factor, min_lr))``; tf_keras multiplies in float32.

    Epochs are positions in `values`, 0-based, whatever number Keras gave them. The rule works as well on any
    other series, such as batches with the patience in steps.

    Args:
      values: the monitored metric; None if an epoch does not have it. NaN is a value.
      learning_rate: a number: what training starts from, reduced by the rule from there on; or [n], the one
        that was recorded at each epoch's end: then each decision starts from the recorded one, for a
        comparison with what happened.
      rule: the settings.
      fit_starts: epochs with which another fit starts. Those of 0 and below change nothing.
      logged_as: the type of the values in the logs. ``float`` (what `fit` logs) and ``int``; ``float64``,
        ``int32`` and ``int64``, which Keras from 3.11 compares in float64 (on JAX in float32); ``float32``,
        to which min_delta is added in float32, as NumPy 2 does.

    Raises:
      ValueError: if `rule` has no direction, `logged_as` is unknown, or shapes do not fit.

    Exact for the default ``floatx`` and one optimizer; Keras stops with an error at a finite ``float`` beyond
    float32's range, which here is infinite.

    >>> replay = replay_plateau([1.0, 0.9, 0.9, 0.9], 0.1, PlateauRule("loss", factor=0.5, patience=2))
    >>> replay.wait.tolist(), [reduction.epoch for reduction in replay.reductions]
    ([0, 0, 1, 0], [3])
    """
    if logged_as not in TYPES:
        raise ValueError(f"logged_as must be one of {', '.join(TYPES)}, got {logged_as!r}")
    absent = [value is None for value in values]
    numbers = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    given = np.array(learning_rate, dtype=np.float32)
    if given.ndim > 0 and given.shape != numbers.shape:
        raise ValueError(
            f"learning_rate must be a number or have one value for each of the {numbers.size} epochs, "
            f"got shape {given.shape}"
        )
    values_as_compared = judged(numbers, rule, logged_as)
    before, after = _fold(
        [None if missing else value for missing, value in zip(absent, values_as_compared, strict=True)],
        given,
        rule,
        frozenset(fit_starts),
    )
    return _replay(rule, numbers, np.array(absent, dtype=bool), before, after, fit_starts)


def _fold(
    values: Sequence[Judged | None],
    learning_rate: NDArray[np.float32],
    rule: PlateauRule,
    fit_starts: frozenset[int],
) -> tuple[list[PlateauState], list[PlateauState]]:
    """Returns the state before and after each epoch's decision."""
    recorded = learning_rate.tolist() if learning_rate.ndim > 0 else None
    state = PlateauState(math.nan if recorded is not None else float(learning_rate), first_bar(rule))
    before, after = [], []
    for epoch, value in enumerate(values):
        if epoch in fit_starts:
            state = begin_fit(state, rule)
        if recorded is not None:
            state = state._replace(learning_rate=recorded[epoch])
        before.append(state)
        state = step(state, value, rule)
        after.append(state)
    return before, after


def _replay(
    rule: PlateauRule,
    values: Floats,
    missing: NDArray[np.bool_],
    before: Sequence[PlateauState],
    after: Sequence[PlateauState],
    fit_starts: Sequence[int],
) -> PlateauReplay:
    epochs = np.arange(values.size)
    improved = np.array([state.improved for state in after], dtype=bool)
    best_epoch = np.maximum.accumulate(np.where(improved, epochs, -1))
    if rule.version != "keras-3.11":
        fits = np.unique([0, *fit_starts])
        best_epoch[best_epoch < fits[np.searchsorted(fits, epochs, side="right") - 1]] = -1
    cooldown_before = np.array([state.cooldown for state in before], dtype=np.int64)
    reductions = tuple(
        PlateauReduction(epoch, state.learning_rate, after[epoch].learning_rate, int(best_epoch[epoch]))
        for epoch, state in enumerate(before)
        if after[epoch].reduced
    )
    return PlateauReplay(
        rule=rule,
        learning_rate=np.array([state.learning_rate for state in before], dtype=np.float32),
        next_learning_rate=np.array([state.learning_rate for state in after], dtype=np.float32),
        wait=np.array([state.wait for state in after], dtype=np.int64),
        cooldown=np.array([state.cooldown for state in after], dtype=np.int64),
        in_cooldown=cooldown_before > np.where(missing, 0, 1),
        best=np.where(best_epoch >= 0, values[best_epoch], np.nan) if values.size else values,
        best_epoch=best_epoch,
        improved=improved,
        missing=missing,
        reductions=reductions,
    )
