"""Effective learning rate: the rate times the scale that the optimizer's rule puts on it.

Only what is a function of the step count alone is in it, so that it is one number for all weights: the
correction of Adam's moments, a relative step size. What differs from weight to weight (the running
mean of squared gradients, a trust ratio) is not; `lrmon.train.update_samples` samples that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrmon import schema
from lrmon.analysis.learning_rate.schedules import number_text as text
from lrmon.train.model.formulas import schedule_formula
from lrmon.train.model.optimizer_settings import lr_number, plain_setting, rule_of, setting
from lrmon.train.model.optimizers import decay, lr_function, schedule_of

_Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EffectiveLR:
    """How the effective learning rate follows from the learning rate.

    Attributes:
        provenance: The formula in words, or why there is no such number.
        compute: (learning_rate [n], t [n]) → [n], float64; t counts updates from 1.
        steps_per_update: Batches whose gradients make one update.
        factors: What makes the number, in the order in which it is applied; none where there is no number.
        note: What one has to know to read it rightly.
    """

    provenance: str
    compute: Callable[[_Doubles, _Doubles], _Doubles]
    steps_per_update: int = 1
    factors: tuple[schema.Factor, ...] = ()
    note: str | None = None

    def __call__(self, learning_rate: _Doubles, iteration: _Doubles) -> _Doubles:
        """Returns [n]: the effective rate of the updates at these raw iterations (0-based)."""
        return self.compute(learning_rate, iteration // self.steps_per_update + 1)


def effective_lr(optimizer: Any) -> EffectiveLR:
    """Returns the rule of a Keras optimizer.

    | optimizer | effective learning rate |
    |---|---|
    | Adam, AdamW | lr · √(1−β₂ᵗ) / (1−β₁ᵗ) (Kingma & Ba, Adam, section 2) |
    | Adamax | lr / (1−β₁ᵗ) (the same, section 7.1) |
    | Adafactor | min(lr, 1/√t), with and without relative_step |
    | ScheduleFreeAdamW | lr · min(t / warmup_steps, 1) |
    | SGD, RMSprop, Adagrad, Adadelta, Ftrl, Lion, Lamb, Muon | lr |
    | Nadam, an optimizer that Keras has not got | NaN |

    The same for tf_keras' optimizers, where lr is already divided by 1 + decay · i if a legacy one has a
    ``decay``. Settings are read here, once, as the fit begins.

    Args:
        optimizer: A Keras optimizer, not wrapped into a LossScaleOptimizer.
    """
    steps_per_update = getattr(optimizer, "gradient_accumulation_steps", None) or 1
    name = rule_of(optimizer)
    rule = _RULES.get(name) if name is not None else None
    if rule is None:
        return EffectiveLR(
            f"none: the update of {type(optimizer).__name__} is not known to lrmon",
            _nothing,
            steps_per_update,
        )
    scale = rule(optimizer)
    if scale.compute is None:
        return EffectiveLR(scale.provenance, _nothing, steps_per_update, note=scale.note)
    factors = _lr_factors(optimizer)
    if scale.factor is not None:
        factors.append(scale.factor)
    notes = [scale.note, *_general_notes(optimizer, steps_per_update)]
    return EffectiveLR(
        scale.provenance,
        scale.compute,
        steps_per_update,
        tuple(factors),
        " ".join(filter(None, notes)) or None,
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """What a rule does to the learning rate: no `compute` where that is not one number."""

    provenance: str
    compute: Callable[[_Doubles, _Doubles], _Doubles] | None
    factor: schema.Factor | None = None
    note: str | None = None


_SAME: Final = "the learning rate itself"


def _unscaled(note: str | None = None) -> _Scale:
    return _Scale(_SAME, lambda learning_rate, t: learning_rate, note=note)


def _adam(optimizer: Any) -> _Scale:
    beta_1, beta_2 = setting(optimizer, "beta_1"), setting(optimizer, "beta_2")
    one, two = text(plain_setting(optimizer, "beta_1")), text(plain_setting(optimizer, "beta_2"))

    def corrected(learning_rate: _Doubles, t: _Doubles) -> _Doubles:
        return learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)

    t = np.arange(1.0, _LONG_ENOUGH)
    scale = corrected(np.ones_like(t), t)
    lowest = int(np.argmin(scale))
    way = f"is {scale[0]:.3g} times the learning rate at t = 1"
    if 0 < lowest < len(t) - 1 and scale[lowest] < 1:
        way += f", {scale[lowest]:.3g} times at its lowest (t = {lowest + 1})"
    return _Scale(
        "learning rate × √(1 − β₂ᵗ) / (1 − β₁ᵗ), the correction of Adam's moments",
        corrected,
        schema.Factor(name="bias correction", formula=f"√(1 − {two}ᵗ) / (1 − {one}ᵗ)"),
        f"It {way}, and goes to the learning rate: it makes up for moments that begin at 0, and √v is as "
        "much too small. With a constant gradient every weight moves by the learning rate at every t.",
    )


def _adamax(optimizer: Any) -> _Scale:
    beta_1 = setting(optimizer, "beta_1")
    one = text(plain_setting(optimizer, "beta_1"))
    return _Scale(
        "learning rate / (1 − β₁ᵗ), the correction of Adamax's moment",
        lambda learning_rate, t: learning_rate / (1 - beta_1**t),
        schema.Factor(name="bias correction", formula=f"1 / (1 − {one}ᵗ)"),
        f"It is {1 / (1 - beta_1):.3g} times the learning rate at t = 1 and goes to the learning rate: it "
        "makes up for a moment that begins at 0. With a constant gradient every weight moves by the learning "
        "rate at every t.",
    )


def _adafactor(optimizer: Any) -> _Scale:
    return _Scale(
        "min(learning rate, 1/√t), Adafactor's relative step",
        lambda learning_rate, t: np.minimum(learning_rate, 1 / np.sqrt(t)),
        schema.Factor(name="relative step", formula="at most 1 / √t"),
        "Each variable's step is this times the root mean square of its weights (at least "
        f"{text(plain_setting(optimizer, 'epsilon_2'))}), along a gradient that is normalised.",
    )


def _schedule_free(optimizer: Any) -> _Scale:
    note = (
        "The steps are made by a second copy of the weights; the weights are a mean of that and of its "
        "average, and move less."
    )
    steps = int(optimizer.warmup_steps or 0)
    if not steps:
        return _unscaled(note)
    return _Scale(
        f"learning rate × min(t / {steps}, 1), the warm-up",
        lambda learning_rate, t: learning_rate * np.minimum(t / steps, 1),
        schema.Factor(name="warm-up", formula=f"min(t / {steps}, 1)"),
        note,
    )


def _nadam(optimizer: Any) -> _Scale:  # noqa: ARG001
    return _Scale(
        "none: Nadam scales gradient and momentum differently",
        None,
        note="Nadam's correction has one coefficient for the moment and another for the gradient, so that no "
        "single number scales its learning rate.",
    )


def _sgd(optimizer: Any) -> _Scale:
    return _unscaled(_momentum_note(optimizer))


def _rmsprop(optimizer: Any) -> _Scale:
    parts = ["Each weight's step is this over the root of the running mean of its squared gradients."]
    return _unscaled(" ".join([*parts, *filter(None, [_momentum_note(optimizer)])]))


def _momentum_note(optimizer: Any) -> str | None:
    """The steady gain of momentum; None without."""
    momentum = plain_setting(optimizer, "momentum")
    if not 0 < momentum < 1:
        return None
    return (
        f"Momentum {text(momentum)} goes on with past steps: with a constant gradient a step grows to "
        f"{1 / (1 - momentum):.4g} times what this number alone makes, 1 / (1 − {text(momentum)})."
    )


def _adagrad(optimizer: Any) -> _Scale:  # noqa: ARG001
    return _unscaled("Each weight's step is this over the root of the sum of its squared gradients.")


def _adadelta(optimizer: Any) -> _Scale:  # noqa: ARG001
    return _unscaled(
        "Each weight's step is this times the ratio of two running means, that of its past steps to that of "
        "its gradients."
    )


def _ftrl(optimizer: Any) -> _Scale:  # noqa: ARG001
    return _unscaled("Each weight's step is this over a power of the sum of its squared gradients.")


def _lion(optimizer: Any) -> _Scale:  # noqa: ARG001
    return _unscaled("Every weight moves by exactly this, up or down.")


def _lamb(optimizer: Any) -> _Scale:  # noqa: ARG001
    return _unscaled(
        "Each variable's step is scaled by its trust ratio ‖w‖ / ‖update‖, which depends on the data."
    )


def _muon(optimizer: Any) -> _Scale:
    lr = optimizer.rms_rate
    size = "" if lr is None else f" · {text(lr)} · √max(rows, columns)"
    return _unscaled(
        f"Matrices move by this{size} along a matrix that is close to orthogonal. Other weights move as "
        f"Adam's do, by {text(optimizer.adam_lr_ratio)} times this and Adam's bias correction, which is not "
        "in this number."
    )


_RULES: Final[dict[str, Callable[[Any], _Scale]]] = {
    "SGD": _sgd,
    "RMSprop": _rmsprop,
    "Adam": _adam,
    "NonFusedAdam": _adam,
    "AdamW": _adam,
    "Adadelta": _adadelta,
    "Adagrad": _adagrad,
    "Adamax": _adamax,
    "Adafactor": _adafactor,
    "Nadam": _nadam,
    "Ftrl": _ftrl,
    "Lion": _lion,
    "Lamb": _lamb,
    "Muon": _muon,
    "ScheduleFreeAdamW": _schedule_free,
}

_LONG_ENOUGH: Final = 20_000


def _lr_factors(optimizer: Any) -> list[schema.Factor]:
    """What makes the learning rate that the ring records."""
    schedule, number = schedule_of(optimizer), lr_number(optimizer)
    if schedule is not None:
        factors = [schema.Factor(name="schedule", formula=schedule_formula(schedule))]
    elif lr_function(optimizer) is not None:
        factors = [schema.Factor(name="learning rate", formula="what your function returns")]
    else:
        value = "a number" if number is None else text(number)
        factors = [schema.Factor(name="learning rate", formula=f"{value} as the fit begins")]
    if decay(optimizer):
        factors.append(schema.Factor(name="time decay", formula=f"1 / (1 + {text(decay(optimizer))} · i)"))
    return factors


def _general_notes(optimizer: Any, steps_per_update: int) -> list[str]:
    notes = []
    weight_decay = getattr(optimizer, "weight_decay", None)
    if weight_decay:
        notes.append(
            f"Weight decay takes {text(float(weight_decay))} · learning rate of each weight besides, without "
            "the factors that follow it."
        )
    if steps_per_update > 1:
        notes.append(f"t counts updates: one for every {steps_per_update} batches.")
    return notes


def _nothing(learning_rate: _Doubles, t: _Doubles) -> _Doubles:  # noqa: ARG001
    return np.full_like(learning_rate, np.nan)
