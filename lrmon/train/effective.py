"""Effective learning rate: the rate times the scale that the optimizer's rule puts on it.

Only what is a function of the step count alone is in it, so that it is one number for all weights: the
correction of Adam's moments, a relative step size. What differs from weight to weight (the running
mean of squared gradients, a trust ratio) is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EffectiveRate:
    """How the effective learning rate follows from the learning rate.

    Attributes:
        source: The formula in words, or why there is no such number.
        of: (learning_rate [n], t [n]) → [n], float64; t counts updates from 1.
        steps_per_update: Batches whose gradients make one update.
    """

    source: str
    of: Callable[[_Doubles, _Doubles], _Doubles]
    steps_per_update: int = 1

    def __call__(self, learning_rate: _Doubles, iteration: _Doubles) -> _Doubles:
        """Returns [n]: the effective rate of the updates at these raw iterations (0-based)."""
        return self.of(learning_rate, iteration // self.steps_per_update + 1)


def effective_rate(optimizer: Any) -> EffectiveRate:
    """Returns the rule of a Keras optimizer.

    | optimizer | effective learning rate |
    |---|---|
    | Adam, AdamW | lr · √(1−β₂ᵗ) / (1−β₁ᵗ) (Kingma & Ba, Adam, section 2) |
    | Adamax | lr / (1−β₁ᵗ) (the same, section 7.1) |
    | Adafactor with relative_step | min(lr, 1/√t) |
    | ScheduleFreeAdamW | lr · min(t / warmup_steps, 1) |
    | SGD, RMSprop, Adagrad, Adadelta, Ftrl, Lion, Lamb, Muon | lr |
    | Nadam, an optimizer that Keras has not got | NaN |

    Args:
        optimizer: A Keras optimizer, not wrapped into a LossScaleOptimizer.
    """
    name = type(optimizer).__name__
    known = type(optimizer).__module__.split(".")[0] == "keras"
    rule = _RULES.get(name) if known else None
    steps_per_update = getattr(optimizer, "gradient_accumulation_steps", None) or 1
    if rule is not None:
        source, of = rule(optimizer)
    elif known and name in _UNSCALED:
        source, of = "the learning rate itself", lambda learning_rate, t: learning_rate
    elif known and name == "Nadam":
        source, of = "none: Nadam scales gradient and momentum differently", _nothing
    else:
        source, of = f"none: the update of {name} is not known to lrmon", _nothing
    return EffectiveRate(source, of, steps_per_update)


_Rule = tuple[str, Callable[[_Doubles, _Doubles], _Doubles]]
_UNSCALED: Final = frozenset({"SGD", "RMSprop", "Adagrad", "Adadelta", "Ftrl", "Lion", "Lamb", "Muon"})


def _adam(optimizer: Any) -> _Rule:
    beta_1, beta_2 = float(optimizer.beta_1), float(optimizer.beta_2)
    return (
        "learning rate × √(1 − β₂ᵗ) / (1 − β₁ᵗ), the correction of Adam's moments",
        lambda learning_rate, t: learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t),
    )


def _adamax(optimizer: Any) -> _Rule:
    beta_1 = float(optimizer.beta_1)
    return (
        "learning rate / (1 − β₁ᵗ), the correction of Adamax's moment",
        lambda learning_rate, t: learning_rate / (1 - beta_1**t),
    )


def _adafactor(optimizer: Any) -> _Rule:
    if not optimizer.relative_step:
        return "the learning rate itself", lambda learning_rate, t: learning_rate
    return "min(learning rate, 1/√t), Adafactor's relative step", lambda learning_rate, t: np.minimum(
        learning_rate, 1 / np.sqrt(t)
    )


def _schedule_free(optimizer: Any) -> _Rule:
    steps = optimizer.warmup_steps
    if not steps:
        return "the learning rate itself", lambda learning_rate, t: learning_rate
    return (
        f"learning rate × min(t / {steps}, 1), the warm-up",
        lambda learning_rate, t: learning_rate * np.minimum(t / steps, 1),
    )


_RULES: Final[dict[str, Callable[[Any], _Rule]]] = {
    "Adam": _adam,
    "AdamW": _adam,
    "Adamax": _adamax,
    "Adafactor": _adafactor,
    "ScheduleFreeAdamW": _schedule_free,
}


def _nothing(learning_rate: _Doubles, t: _Doubles) -> _Doubles:  # noqa: ARG001
    return np.full_like(learning_rate, np.nan)
