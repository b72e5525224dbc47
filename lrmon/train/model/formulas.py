"""Formulas in words: numbers as their user wrote them, and learning-rate schedules.

In all of them i is the iteration, counted from 0, and t the update, counted from 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final


def text(number: float) -> str:
    """Returns a number as one writes it, with at most six digits and a true minus sign.

    >>> text(0.999), text(1e-07), text(1000.0), text(-2)
    ('0.999', '1e-07', '1000', '−2')
    """
    digits = f"{abs(float(number)):.6g}"
    return f"−{digits}" if number < 0 else digits


def schedule_formula(schedule: Any) -> str:
    """Returns the formula of a Keras schedule with its settings; of another the name of its class."""
    name = type(schedule).__name__
    known = type(schedule).__module__.partition(".")[0] in {"keras", "tf_keras"}
    formula = _FORMULAS.get(name) if known else None
    return f"{name} of i" if formula is None else formula(schedule.get_config())


def _fraction(config: dict[str, Any]) -> str:
    ratio = f"i / {text(config['decay_steps'])}"
    return f"⌊{ratio}⌋" if config["staircase"] else f"({ratio})"


def _exponential(config: dict[str, Any]) -> str:
    return f"{_initial(config)} · {text(config['decay_rate'])}^{_fraction(config)}"


def _inverse_time(config: dict[str, Any]) -> str:
    return f"{_initial(config)} / (1 + {text(config['decay_rate'])} · {_fraction(config)})"


def _piecewise(config: dict[str, Any]) -> str:
    pieces = [
        f"{text(value)} while i ≤ {text(boundary)}"
        for value, boundary in zip(config["values"], config["boundaries"], strict=False)
    ]
    return ", ".join([*pieces, f"then {text(config['values'][-1])}"])


def _polynomial(config: dict[str, Any]) -> str:
    start, end, steps = _initial(config), text(config["end_learning_rate"]), text(config["decay_steps"])
    power = "" if config["power"] == 1 else f"^{text(config['power'])}"
    if config["cycle"]:
        return f"({start} − {end}) · (1 − i / n){power} + {end}, n = {steps} · max(⌈i / {steps}⌉, 1)"
    return f"({start} − {end}) · (1 − min(i / {steps}, 1)){power} + {end}"


def _cosine(config: dict[str, Any]) -> str:
    steps, floor = text(config["decay_steps"]), config["alpha"]
    target, warm_up = config.get("warmup_target"), config.get("warmup_steps") or 0
    if target is None:
        return _half_cosine(_initial(config), f"min(i / {steps}, 1)", floor)
    after = _half_cosine(text(target), f"min((i − {text(warm_up)}) / {steps}, 1)", floor)
    return f"from {_initial(config)} to {text(target)} in {text(warm_up)} iterations, then {after}"


def _cosine_restarts(config: dict[str, Any]) -> str:
    wave = _half_cosine(_initial(config), f"i / {text(config['first_decay_steps'])}", config["alpha"])
    return (
        f"{wave}, begun again at its end, each time {text(config['t_mul'])} times as long "
        f"and {text(config['m_mul'])} times as high"
    )


def _half_cosine(height: str, fraction: str, floor: float) -> str:
    wave = f"(1 + cos(π · {fraction})) / 2"
    return f"{height} · ({text(1 - floor)} · {wave} + {text(floor)})" if floor else f"{height} · {wave}"


def _initial(config: dict[str, Any]) -> str:
    return text(config["initial_learning_rate"])


_FORMULAS: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "ExponentialDecay": _exponential,
    "InverseTimeDecay": _inverse_time,
    "PiecewiseConstantDecay": _piecewise,
    "PolynomialDecay": _polynomial,
    "CosineDecay": _cosine,
    "CosineDecayRestarts": _cosine_restarts,
}
