"""Settings of an optimizer, read: whose update rule it follows, and the numbers in it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from lrmon.train.model.optimizers import lr_variable
from lrmon.train.private_names.tf_keras import API_MARKS, has_hyperparameter, hyperparameter, is_legacy

_KERAS: Final = ("keras", "tf_keras")
_FRAMEWORKS: Final = frozenset({*_KERAS, "tensorflow", "builtins", "abc", "typing"})

_MAY_DIFFER: Final = frozenset(
    {"__init__", "__doc__", "__module__", "__qualname__", "__dict__", "__weakref__", "__annotations__"}
    | {"__abstractmethods__", "_abc_impl", "__firstlineno__", "__static_attributes__", "__parameters__"}
    | {"get_config", "from_config", *API_MARKS, "__orig_bases__"}
)
"""What a class of the user's may define and still update weights as the class that it derives from."""


def rule_of(optimizer: Any) -> str | None:
    """Returns the name of the Keras class whose update the optimizer makes, None where it makes its own.

    A class that somebody has derived from one of Keras' follows that one's rule as long as it overrides
    nothing but the reading of its settings.
    """
    lineage = type(optimizer).__mro__
    keras = next((base for base in lineage if _package(base) in _KERAS), None)
    if keras is None:
        return None
    changed = {name for name, value in vars(optimizer).items() if callable(value)}
    for base in lineage:
        if _package(base) not in _FRAMEWORKS:
            changed |= set(vars(base)) - _MAY_DIFFER
    return None if any(_is_behaviour(keras, name) for name in changed) else keras.__name__


def setting(optimizer: Any, name: str) -> float:
    """Returns a setting as training has it, a float32: 0.999 is 0.99900001.

    A setting that is None or missing is 0.
    """
    return float(np.float32(plain_setting(optimizer, name)))


def plain_setting(optimizer: Any, name: str) -> float:
    """Returns a setting as its user wrote it; 0 where it is None or missing."""
    if is_legacy(optimizer) and has_hyperparameter(optimizer, name):
        return hyperparameter(optimizer, name)
    return float(getattr(optimizer, name, None) or 0.0)


def lr_number(optimizer: Any) -> float | None:
    """Returns the learning rate as it is now, None where it is no plain number."""
    lr = lr_variable(optimizer)
    replicas = getattr(getattr(lr, "value", None), "values", None) or getattr(lr, "values", None)
    try:
        return float(replicas[0] if isinstance(replicas, (tuple, list)) else lr)
    except (TypeError, ValueError):
        return None


def _package(base: type) -> str:
    return base.__module__.partition(".")[0]


def _is_behaviour(base: type, name: str) -> bool:
    """Tells whether it is a method or a property of the class, rather than data or nothing."""
    attribute = getattr(base, name, None)
    return callable(attribute) or isinstance(attribute, property)
