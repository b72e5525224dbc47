"""The step size of single weights: what an optimizer multiplies its gradient or moment by.

| optimizer | step size | it multiplies |
|---|---|---|
| SGD | lr | the gradient, or the sum that momentum keeps |
| Adam, AdamW | lr · √(1−β₂ᵗ) / (1−β₁ᵗ) / (√v + ε), amsgrad: v̂ | the moment |

Of other optimizers only the ratio of update to weight is sampled, which needs no formula.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lrmon.train.model.optimizer_settings import rule_of, setting
from lrmon.train.private_names.keras import LARGEST_VELOCITIES, VELOCITIES
from lrmon.train.private_names.tf_keras import is_legacy

_Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StepSizeRule:
    """How the step size of a weight follows from the learning rate.

    Attributes:
        formula: In words.
        slot: Name of the optimizer's variable that the rule needs, as the update left it; None for none.
        scale: (t, the slot's entries [k]) → [k], what the learning rate is multiplied by. t counts updates
            from 1. NaN where no gradient has ever come: such a weight has no step.
    """

    formula: str
    slot: str | None
    scale: Callable[[int, _Doubles], _Doubles]


def step_size_rule(optimizer: Any) -> StepSizeRule | None:
    """Returns the rule of SGD, Adam and AdamW, of Keras 3 and of both kinds of tf_keras; else None."""
    name = rule_of(optimizer)
    if name == "SGD":
        return StepSizeRule("learning rate", None, lambda t, entries: np.ones_like(entries))
    return _adam(optimizer) if name in ("Adam", "AdamW", "NonFusedAdam") else None


def _adam(optimizer: Any) -> StepSizeRule:
    beta_1, beta_2 = setting(optimizer, "beta_1"), setting(optimizer, "beta_2")
    epsilon = setting(optimizer, "epsilon")
    is_adaptive = bool(getattr(optimizer, "adaptive_epsilon", False))
    plain, largest = ("v", "vhat") if is_legacy(optimizer) else (VELOCITIES, LARGEST_VELOCITIES)

    def scale(t: int, v: _Doubles) -> _Doubles:
        root = float(np.sqrt(1 - beta_2**t))
        with np.errstate(divide="ignore"):
            scales = root / (1 - beta_1**t) / (np.sqrt(v) + epsilon * (root if is_adaptive else 1.0))
        return np.where(v != 0, scales, np.nan)

    return StepSizeRule(
        f"learning rate · cₜ / (√{'v̂' if optimizer.amsgrad else 'v'} + ε), cₜ the bias correction",
        largest if optimizer.amsgrad else plain,
        scale,
    )
