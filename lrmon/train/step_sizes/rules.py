"""Each optimizer's step size of a weight, from its settings, its slots and the count of updates.

=================  ===================================================  ======================================
optimizer          step size                                            multiplies
=================  ===================================================  ======================================
SGD, Lion          lr                                                   gradient; sign of a moment
Adam, AdamW        lr · √(1−β₂ᵗ) / (1−β₁ᵗ) / (√v + ε), amsgrad: v̂        moment
Adamax             lr / (1−β₁ᵗ) / (u + ε)                               moment
Nadam              lr / (√(v / (1−β₂ᵗ)) + ε)                            moment and gradient, each corrected
RMSprop            lr / √(v + ε), centered: v − ḡ² + ε                  gradient
Adagrad            lr / √(a + ε)                                        gradient
Adadelta           lr · √(d + ε) / √(a + ε), d as before the update     gradient
Ftrl               lr / (a^−p + β + 2 · lr · l₂)                        gradient
Lamb               lr · ‖w‖ / ‖update‖ / (√(v / (1−β₂ᵗ)) + ε)            corrected moment
Adafactor          min(lr, 1/√t) · max(ε₂, root mean square of w)       normalised gradient
ScheduleFreeAdamW  lr · min(t / n, 1) / (√(v / (1−β₂ᵗ)) + ε)             gradient, in the step of z
Muon               lr · r · √max(rows, columns); else as Adam           orthogonalised moment; moment
=================  ===================================================  ======================================

tf_keras' legacy optimizers differ in where ε stands: Adagrad's is beside the root, and RMSprop's too unless
it has momentum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrmon.train.model.optimizer_settings import rule_of, setting
from lrmon.train.model.optimizers import is_legacy

_Doubles = npt.NDArray[np.float64]
Finish = Callable[[float], _Doubles]
"""Learning rate → step sizes [k]."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read of one variable; entries of the sample, [k] each, but for those that are whole.

    Attributes:
        shape: Of the variable.
        count: k.
        after: By slot, after the update; None where the variable has no such slot.
        before: By slot, before the update.
        whole_weights: All of the variable, before the update.
        whole_after: By slot, all of it, after the update.
        weight_decay: Share of learning rate · weight that is taken off before the update.
    """

    shape: tuple[int, ...]
    count: int
    after: dict[str, _Doubles | None]
    before: dict[str, _Doubles] = field(default_factory=dict)
    whole_weights: _Doubles | None = None
    whole_after: dict[str, _Doubles] = field(default_factory=dict)
    weight_decay: float = 0.0

    def slot(self, name: str) -> _Doubles:
        """Returns the slot's entries after the update."""
        values = self.after[name]
        if values is None:
            raise LookupError(f"a variable has no slot {name!r}")
        return values


@dataclass(frozen=True, slots=True)
class StepRule:
    """One optimizer's rule.

    Attributes:
        formula: Of the step size, in words.
        of: (t, readings) → what gives the step sizes once the learning rate is known. NaN where no gradient
            has ever come: there is no step.
        after: Slots that it needs after the update.
        before: Slots that it needs before the update.
        whole: Whether it needs all weights of a variable, before the update.
        whole_after: Slots of which it needs all entries, after the update.
    """

    formula: str
    of: Callable[[float, Readings], Finish]
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    whole: bool = False
    whole_after: tuple[str, ...] = ()

    @property
    def looks_back(self) -> bool:
        """Whether it needs anything from before the update."""
        return self.whole or bool(self.before)


def step_rule(optimizer: Any) -> StepRule | None:
    """Returns the optimizer's rule, None where it is not known."""
    name = rule_of(optimizer)
    rule = None if name is None else (_LEGACY if is_legacy(optimizer) else _RULES).get(name)
    return None if rule is None else rule(optimizer)


def _times(scale: _Doubles, had_gradient: npt.NDArray[np.bool_] | None = None) -> Finish:
    if had_gradient is not None:
        scale = np.where(had_gradient, scale, np.nan)
    return lambda rate: rate * scale


def _plain(optimizer: Any) -> StepRule:  # noqa: ARG001
    return StepRule("learning rate", lambda t, readings: _times(np.ones(readings.count)))


def _adam_with(slot: str, corrected: Callable[[float], float], beside: Callable[[float], float]) -> Any:
    def of(t: float, readings: Readings) -> Finish:
        v = readings.slot(slot)
        with np.errstate(divide="ignore"):
            return _times(corrected(t) / (np.sqrt(v) + beside(t)), v != 0)

    return of


def _adam(optimizer: Any, plain: str = "_velocities", largest: str = "_velocity_hats") -> StepRule:
    beta_1, beta_2 = setting(optimizer, "beta_1"), setting(optimizer, "beta_2")
    epsilon = setting(optimizer, "epsilon")
    adaptive = bool(getattr(optimizer, "adaptive_epsilon", False))
    slot = largest if optimizer.amsgrad else plain
    return StepRule(
        f"learning rate · cₜ / (√{'v̂' if optimizer.amsgrad else 'v'} + ε), cₜ the bias correction",
        _adam_with(
            slot,
            lambda t: float(np.sqrt(1 - beta_2**t) / (1 - beta_1**t)),
            lambda t: epsilon * float(np.sqrt(1 - beta_2**t)) if adaptive else epsilon,
        ),
        after=(slot,),
    )


def _adamax(optimizer: Any, slot: str = "_u") -> StepRule:
    beta_1, epsilon = setting(optimizer, "beta_1"), setting(optimizer, "epsilon")

    def of(t: float, readings: Readings) -> Finish:
        u = readings.slot(slot)
        with np.errstate(divide="ignore"):
            return _times(1 / ((1 - beta_1**t) * (u + epsilon)), u != 0)

    return StepRule("learning rate · cₜ / (u + ε), cₜ the bias correction", of, after=(slot,))


def _corrected(optimizer: Any, slot: str) -> Callable[[float, Readings], Finish]:
    """1 / (√(v / (1−β₂ᵗ)) + ε)."""
    beta_2, epsilon = setting(optimizer, "beta_2"), setting(optimizer, "epsilon")

    def of(t: float, readings: Readings) -> Finish:
        v = readings.slot(slot)
        with np.errstate(divide="ignore"):
            return _times(1 / (np.sqrt(v / (1 - beta_2**t)) + epsilon), v != 0)

    return of


def _nadam(optimizer: Any, slot: str = "_velocities") -> StepRule:
    return StepRule("learning rate / (√(v / (1 − β₂ᵗ)) + ε)", _corrected(optimizer, slot), after=(slot,))


def _schedule_free(optimizer: Any) -> StepRule:
    steps, of = int(optimizer.warmup_steps or 0), _corrected(optimizer, "_velocities")

    def warmed(t: float, readings: Readings) -> Finish:
        finish = of(t, readings)
        return lambda rate: finish(rate * (min(t / steps, 1.0) if steps else 1.0))

    return StepRule(
        "warmed-up learning rate / (√(v / (1 − β₂ᵗ)) + ε), the step of the weights' second copy",
        warmed,
        after=("_velocities",),
    )


def _rmsprop(optimizer: Any, v: str = "_velocities", mean: str = "_average_gradients") -> StepRule:
    epsilon, centered = setting(optimizer, "epsilon"), bool(optimizer.centered)
    # The legacy optimizer without momentum adds ε to the root.
    beside = is_legacy(optimizer) and not optimizer._momentum  # noqa: SLF001 - no public name for it

    def of(t: float, readings: Readings) -> Finish:  # noqa: ARG001
        squares = readings.slot(v)
        spread = squares - readings.slot(mean) ** 2 if centered else squares
        with np.errstate(divide="ignore", invalid="ignore"):
            root = np.sqrt(spread) + epsilon if beside else np.sqrt(spread + epsilon)
            return _times(1 / root, squares != 0)

    inside = "v − ḡ²" if centered else "v"
    formula = f"(√({inside}) + ε)" if beside else f"√({inside} + ε)"
    return StepRule(f"learning rate / {formula}", of, after=(v, mean) if centered else (v,))


def _adagrad(optimizer: Any, slot: str = "_accumulators") -> StepRule:
    epsilon, beside = setting(optimizer, "epsilon"), is_legacy(optimizer)

    def of(t: float, readings: Readings) -> Finish:  # noqa: ARG001
        a = readings.slot(slot)
        with np.errstate(divide="ignore"):
            return _times(1 / (np.sqrt(a) + epsilon if beside else np.sqrt(a + epsilon)), a != 0)

    return StepRule(f"learning rate / {'(√a + ε)' if beside else '√(a + ε)'}", of, after=(slot,))


def _adadelta(
    optimizer: Any, gradients: str = "_accumulated_grads", steps: str = "_accumulated_delta_vars"
) -> StepRule:
    epsilon = setting(optimizer, "epsilon")

    def of(t: float, readings: Readings) -> Finish:  # noqa: ARG001
        a, d = readings.slot(gradients), readings.before[steps]
        with np.errstate(divide="ignore"):
            return _times(np.sqrt(d + epsilon) / np.sqrt(a + epsilon), a != 0)

    return StepRule("learning rate · √(d + ε) / √(a + ε)", of, after=(gradients,), before=(steps,))


def _ftrl(optimizer: Any, slot: str = "_accumulators") -> StepRule:
    power, beta = setting(optimizer, "learning_rate_power"), setting(optimizer, "beta")
    l2 = setting(optimizer, "l2_regularization_strength")

    def of(t: float, readings: Readings) -> Finish:  # noqa: ARG001
        a = readings.slot(slot)

        def finish(rate: float) -> _Doubles:
            with np.errstate(divide="ignore"):
                return np.where(a != 0, rate / (a**-power + beta + 2 * rate * l2), np.nan)

        return finish

    return StepRule("learning rate / (a^−p + β + 2 · learning rate · l₂)", of, after=(slot,))


def _lamb(optimizer: Any) -> StepRule:
    beta_1, beta_2 = setting(optimizer, "beta_1"), setting(optimizer, "beta_2")
    epsilon = setting(optimizer, "epsilon")
    of_weight = _corrected(optimizer, "_velocities")

    def of(t: float, readings: Readings) -> Finish:
        m, v = readings.whole_after["_momentums"], readings.whole_after["_velocities"]
        update = m / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
        of_update, of_weights = _norm(update), _norm(readings.whole_weights)
        finish = of_weight(t, readings)

        def trusted(rate: float) -> _Doubles:
            norm = of_weights * abs(1 - readings.weight_decay * rate)
            return finish(rate * (norm / of_update if norm and of_update else 1.0))

        return trusted

    return StepRule(
        "learning rate · ‖w‖ / ‖update‖ / (√(v / (1 − β₂ᵗ)) + ε)",
        of,
        after=("_velocities",),
        whole=True,
        whole_after=("_momentums", "_velocities"),
    )


def _adafactor(optimizer: Any) -> StepRule:
    least = setting(optimizer, "epsilon_2")

    def of(t: float, readings: Readings) -> Finish:
        size = _norm(readings.whole_weights) / np.sqrt(np.prod(readings.shape, dtype=float))

        def finish(rate: float) -> _Doubles:
            scale = max(least, float(size) * abs(1 - readings.weight_decay * rate))
            return np.full(readings.count, scale * min(rate, 1 / np.sqrt(t)))

        return finish

    return StepRule(
        "min(learning rate, 1 / √t) · max(ε₂, root mean square of the variable's weights)", of, whole=True
    )


def _muon(optimizer: Any) -> StepRule:
    beta_1, beta_2 = setting(optimizer, "adam_beta_1"), setting(optimizer, "adam_beta_2")
    epsilon, ratio = setting(optimizer, "epsilon"), setting(optimizer, "adam_lr_ratio")
    rate = optimizer.rms_rate
    as_adam = _adam_with(
        "adam_velocities",
        lambda t: ratio * float(np.sqrt(1 - beta_2**t) / (1 - beta_1**t)),
        lambda t: epsilon,
    )

    def of(t: float, readings: Readings) -> Finish:
        if readings.after["adam_velocities"] is not None:
            finish: Finish = as_adam(t, readings)
            return finish
        scale = 1.0 if rate is None else float(np.sqrt(max(readings.shape[:2]))) * float(rate)
        return _times(np.full(readings.count, scale))

    size = "" if rate is None else f" · {float(rate):g} · √max(rows, columns)"
    return StepRule(
        f"learning rate{size} for a matrix, else learning rate · cₜ / (√v + ε)",
        of,
        after=("adam_velocities",),
    )


def _norm(values: _Doubles | None) -> float:
    return 0.0 if values is None else float(np.sqrt(np.sum(np.square(values))))


_RULES: Final[dict[str, Callable[[Any], StepRule]]] = {
    "SGD": _plain,
    "Lion": _plain,
    "Adam": _adam,
    "AdamW": _adam,
    "Adamax": _adamax,
    "Nadam": _nadam,
    "RMSprop": _rmsprop,
    "Adagrad": _adagrad,
    "Adadelta": _adadelta,
    "Ftrl": _ftrl,
    "Lamb": _lamb,
    "Adafactor": _adafactor,
    "ScheduleFreeAdamW": _schedule_free,
    "Muon": _muon,
}

_LEGACY: Final[dict[str, Callable[[Any], StepRule]]] = {
    "SGD": _plain,
    "Adam": lambda optimizer: _adam(optimizer, "v", "vhat"),
    "NonFusedAdam": lambda optimizer: _adam(optimizer, "v", "vhat"),
    "Adamax": lambda optimizer: _adamax(optimizer, "v"),
    "Nadam": lambda optimizer: _nadam(optimizer, "v"),
    "RMSprop": lambda optimizer: _rmsprop(optimizer, "rms", "mg"),
    "Adagrad": lambda optimizer: _adagrad(optimizer, "accumulator"),
    "Adadelta": lambda optimizer: _adadelta(optimizer, "accum_grad", "accum_var"),
    "Ftrl": lambda optimizer: _ftrl(optimizer, "accumulator"),
}
