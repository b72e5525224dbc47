"""Optimizers, read: whose update it is, what counts its steps, where its learning rate comes from.

For Keras 3 on every backend, and for tf_keras with its new and its legacy optimizers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lrmon.train.private_names import keras as keras_names
from lrmon.train.private_names import tf_keras as tf_keras_names
from lrmon.train.private_names.keras import held_learning_rate, is_multi_optimizer, optimizer_map
from lrmon.train.private_names.tf_keras import initial_decay, is_legacy, legacy_learning_rate


@dataclass(frozen=True, slots=True)
class Part:
    """One optimizer of a model.

    Attributes:
        name: Unique in the model.
        optimizer: Makes updates itself.
        outer: The optimizer that the training step calls: `optimizer`, or the LossScaleOptimizer or
            MultiOptimizer around it.
    """

    name: str
    optimizer: Any
    outer: Any


def innermost(optimizer: Any) -> Any:
    """Returns the optimizer that makes the update, out of a LossScaleOptimizer."""
    while hasattr(optimizer, "inner_optimizer"):
        optimizer = optimizer.inner_optimizer
    return optimizer


def scales_loss(optimizer: Any) -> bool:
    """Tells whether the optimizer leaves out updates whose gradients are not finite."""
    return innermost(optimizer) is not optimizer


def parts(optimizer: Any) -> list[Part]:
    """Returns the optimizers that make the updates: of a MultiOptimizer each, the default one first.

    A MultiOptimizer that a function chooses from has none before it is built.
    """
    inner = innermost(optimizer)
    if not is_multi_optimizer(inner):
        name = str(getattr(inner, "name", type(inner).__name__))
        return [Part(name, inner, optimizer)] if inner is not None else []
    default = getattr(optimizer_map(inner), "default_optimizer", None)
    optimizers = sorted(inner.optimizers, key=lambda part: part is not default)
    named: dict[str, Part] = {}
    for part in optimizers:
        name, number = part.name, 2
        while name in named:
            name, number = f"{part.name}_{number}", number + 1
        named[name] = Part(name, part, optimizer)
    return list(named.values())


def is_optimizer(value: Any) -> bool:
    """Tells whether the object is an optimizer of Keras 3 or of tf_keras."""
    return isinstance(value, _classes())


def update_methods() -> list[tuple[type, str]]:
    """Returns the methods that every update goes through, each with the class that defines it."""
    methods = []
    for cls in _classes():
        method = "apply" if cls.__module__.partition(".")[0] == "keras" else "apply_gradients"
        methods.append((next(base for base in reversed(cls.__mro__) if method in vars(base)), method))
    return methods


def _classes() -> tuple[type, ...]:
    """The base classes of the optimizers of each Keras that is loaded."""
    keras, tf_keras = (sys.modules.get(name) for name in ("keras", "tf_keras"))
    classes = [] if keras is None else [keras.optimizers.Optimizer]
    if tf_keras is not None:
        classes += [tf_keras.optimizers.Optimizer, tf_keras.optimizers.legacy.Optimizer]
    return tuple(classes)


def schedule_of(optimizer: Any) -> Any:
    """Returns the LearningRateSchedule of an optimizer, None where it has none."""
    lr = _lr(optimizer)
    return lr if _is_schedule(lr) else None


def lr_variable(optimizer: Any) -> Any:
    """Returns the variable, or the number, that holds the learning rate; None where it is none."""
    lr = _lr(optimizer)
    return None if callable(lr) and not hasattr(lr, "assign") else lr


def lr_function(optimizer: Any) -> Callable[[], Any] | None:
    """Returns the user's function that gives the learning rate, None where it is none."""
    lr = _lr(optimizer)
    is_function = callable(lr) and not hasattr(lr, "assign") and not _is_schedule(lr)
    return lr if is_function else None


def decay(optimizer: Any) -> float:
    """Returns tf_keras' legacy `decay`, by which the rate is divided: 1 + decay · iterations. Else 0.

    What Nadam has under that name is for its momentum.
    """
    if any(base.__name__ == "Nadam" for base in type(optimizer).__mro__):
        return 0.0
    return initial_decay(optimizer)


def is_of_keras(optimizer: Any) -> bool:
    """Tells whether the class is one of Keras' or tf_keras' own."""
    return type(optimizer).__module__.split(".")[0] in {"keras", "tf_keras"}


def position_of(optimizer: Any, variable: Any) -> int | None:
    """Returns the variable's position among those that the optimizer trains, None where it is none of them.

    A legacy optimizer has no such positions, and trains any variable: 0.
    """
    if is_legacy(optimizer):
        return 0
    try:
        if tf_keras_names.has_positions(optimizer):
            return tf_keras_names.variable_position(optimizer, variable)
        return keras_names.variable_position(optimizer, variable)
    except KeyError:
        return None


def slot_of(optimizer: Any, name: str, variable: Any) -> Any:
    """Returns the optimizer's variable of that name beside a variable that it trains.

    Raises:
        LookupError: It has none.
    """
    if is_legacy(optimizer):
        return optimizer.get_slot(variable, name)
    position = position_of(optimizer, variable)
    slot = None if position is None else getattr(optimizer, name)[position]
    if slot is None:
        raise LookupError(f"{type(optimizer).__name__} has no {name!r} beside {variable.name!r}")
    return slot


def _lr(optimizer: Any) -> Any:
    if is_legacy(optimizer):
        return legacy_learning_rate(optimizer)
    return held_learning_rate(optimizer)


def _is_schedule(lr: Any) -> bool:
    # By name, so that neither Keras is imported for the other's sake.
    return any(base.__name__ == "LearningRateSchedule" for base in type(lr).__mro__)
