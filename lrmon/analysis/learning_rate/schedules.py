"""What Keras' built-in learning rate schedules say of any step, from their configuration alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

LRs = NDArray[Any]
"""float32."""
_Divide = Callable[[LRs, float], LRs]


def planned_lrs(
    class_name: str, config: Mapping[str, Any], iterations: ArrayLike, *, compiled: bool = True
) -> NDArray[np.float32] | None:
    """Returns the learning rate that a schedule of Keras has at each of `iterations`; None if it is unknown.

    The arithmetic is Keras' in float32, so that a staircase steps where training steps. Powers and cosines
    may differ from those of training in the last bits.

    Args:
      class_name: of the schedule, for example ``ExponentialDecay``.
      config: what the schedule's ``get_config`` says.
      iterations: the optimizer's count before the update, 0-based.
      compiled: compiled training multiplies by ``float32(1 / decay_steps)`` where other training divides by
        decay_steps; see `lrmon.analysis.learning_rate.cadence.late_multiples`.

    >>> config = {"initial_learning_rate": 0.1, "decay_steps": 95, "decay_rate": 0.95, "staircase": True}
    >>> planned_lrs("ExponentialDecay", config, [94, 95]).tolist()
    [0.10000000149011612, 0.0949999988079071]
    """
    formula = _FORMULAS.get(class_name)
    if formula is None:
        return None
    steps = np.asarray(iterations, dtype=np.int64)
    try:
        with np.errstate(all="ignore"):
            lrs = formula(config, steps, _times_reciprocal if compiled else _divided)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return lrs.astype(np.float32)


def staircase_decay_steps(class_name: str, config: Mapping[str, Any]) -> int | None:
    """Returns the ``decay_steps`` of a schedule that is a staircase by its configuration, else None.

    >>> staircase_decay_steps("ExponentialDecay", {"decay_steps": 95, "staircase": True})
    95
    """
    decay_steps = config.get("decay_steps")
    is_staircase = class_name in ("ExponentialDecay", "InverseTimeDecay") and config.get("staircase") is True
    if not is_staircase or isinstance(decay_steps, bool) or not isinstance(decay_steps, (int, float)):
        return None
    return int(decay_steps) if math.isfinite(decay_steps) and decay_steps == int(decay_steps) > 0 else None


def _divided(steps: LRs, by: float) -> LRs:
    return steps / np.float32(by)


def _times_reciprocal(steps: LRs, by: float) -> LRs:
    return steps * (np.float32(1.0) / np.float32(by))


def _exponential(config: Mapping[str, Any], steps: NDArray[np.int64], divide: _Divide) -> LRs:
    passed = divide(steps.astype(np.float32), _positive(config, "decay_steps"))
    if config.get("staircase"):
        passed = np.floor(passed)
    return _float32(config, "initial_learning_rate") * _float32(config, "decay_rate") ** passed


def _inverse_time(config: Mapping[str, Any], steps: NDArray[np.int64], divide: _Divide) -> LRs:
    passed = divide(steps.astype(np.float32), _positive(config, "decay_steps"))
    if config.get("staircase"):
        passed = np.floor(passed)
    return _float32(config, "initial_learning_rate") / (
        np.float32(1.0) + _float32(config, "decay_rate") * passed
    )


def _polynomial(config: Mapping[str, Any], steps: NDArray[np.int64], divide: _Divide) -> LRs:
    decay_steps = _positive(config, "decay_steps")
    count = steps.astype(np.float32)
    if config.get("cycle"):
        cycles = np.where(count == 0, np.float32(1.0), np.ceil(divide(count, decay_steps)))
        passed = count / (np.float32(decay_steps) * cycles)
    else:
        passed = divide(np.minimum(count, np.float32(decay_steps)), decay_steps)
    first, last = _float32(config, "initial_learning_rate"), _float32(config, "end_learning_rate")
    return (first - last) * (np.float32(1.0) - passed) ** _float32(config, "power") + last


def _cosine(config: Mapping[str, Any], steps: NDArray[np.int64], divide: _Divide) -> LRs:
    decay_steps = _positive(config, "decay_steps")
    first, alpha = _float32(config, "initial_learning_rate"), float(config.get("alpha") or 0.0)
    count = steps.astype(np.float32)
    if config.get("warmup_target") is None:
        return first * _half_cosine(divide(np.minimum(count, np.float32(decay_steps)), decay_steps), alpha)
    target, warmup_steps = _float32(config, "warmup_target"), float(config.get("warmup_steps") or 0)
    count = np.minimum(count, np.float32(decay_steps) + np.float32(warmup_steps))
    after = target * _half_cosine(divide(count - np.float32(warmup_steps), decay_steps), alpha)
    if warmup_steps <= 0:
        return after
    before = (target - first) * divide(count, warmup_steps) + first
    return np.where(count < np.float32(warmup_steps), before, after)


def _cosine_restarts(config: Mapping[str, Any], steps: NDArray[np.int64], divide: _Divide) -> LRs:
    one = np.float32(1.0)
    first, alpha = _float32(config, "initial_learning_rate"), float(config.get("alpha") or 0.0)
    longer, lower = _float32(config, "t_mul"), _float32(config, "m_mul")
    passed = divide(steps.astype(np.float32), _positive(config, "first_decay_steps"))
    if longer == one:
        restart = np.floor(passed)
        passed = passed - restart
    else:
        restart = np.floor(np.log(one - passed * (one - longer)) / np.log(longer))
        passed = (passed - (one - longer**restart) / (one - longer)) / longer**restart
    cosine = np.float32(0.5) * lower**restart * (one + np.cos(np.float32(math.pi) * passed))
    return first * (np.float32(1.0 - alpha) * cosine + np.float32(alpha))


def _piecewise(
    config: Mapping[str, Any],
    steps: NDArray[np.int64],
    divide: _Divide,  # noqa: ARG001
) -> LRs:
    # Keras casts the boundaries to the type of the step, and a boundary's own step is still before it.
    boundaries = np.array([int(boundary) for boundary in config["boundaries"]], dtype=np.int64)
    values = np.array([float(value) for value in config["values"]], dtype=np.float32)
    if values.size != boundaries.size + 1 or bool((np.diff(boundaries) <= 0).any()):
        raise ValueError("boundaries must ascend, and there must be one value more than boundaries")
    return values[np.searchsorted(boundaries, steps, side="left")]


def _half_cosine(passed: LRs, alpha: float) -> LRs:
    cosine = np.float32(0.5) * (np.float32(1.0) + np.cos(np.float32(math.pi) * passed))
    return np.float32(1.0 - alpha) * cosine + np.float32(alpha)


def _float32(config: Mapping[str, Any], name: str) -> np.float32:
    return np.float32(float(config[name]))


def _positive(config: Mapping[str, Any], name: str) -> float:
    number = float(config[name])
    if not 0.0 < number < math.inf:
        raise ValueError(f"{name} must be positive, got {number}")
    return number


_FORMULAS: Final[dict[str, Callable[[Mapping[str, Any], NDArray[np.int64], _Divide], LRs]]] = {
    "ExponentialDecay": _exponential,
    "InverseTimeDecay": _inverse_time,
    "PolynomialDecay": _polynomial,
    "CosineDecay": _cosine,
    "CosineDecayRestarts": _cosine_restarts,
    "PiecewiseConstantDecay": _piecewise,
}
