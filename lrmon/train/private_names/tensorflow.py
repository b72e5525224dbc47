"""Private names of TensorFlow."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from typing import Any, Final

from lrmon.train.private_names.name import TENSORFLOW, TF_KERAS, PrivateName

_SETUPS: Final = (TENSORFLOW, TF_KERAS)

NAMES: Final = (
    PrivateName("context", "_seed", _SETUPS),
    PrivateName("context", "_rng", _SETUPS),
    PrivateName("model", "_self_setattr_tracking", _SETUPS),
    PrivateName("default strategy", "_DefaultDistributionStrategy", _SETUPS),
)

DEFAULT_STRATEGY: Final = "_DefaultDistributionStrategy"
"""The class of the strategy outside of every strategy's scope."""

_RANDOM_STATE: Final = ("_seed", "_rng")
_TRACKING: Final = "_self_"


def is_of_tracking(attribute: str) -> bool:
    """Returns whether TensorFlow stores in this attribute of an object what it tracks of the object."""
    return attribute.startswith(_TRACKING)


def context() -> Any:
    """Returns TensorFlow's context, None if TensorFlow is not loaded."""
    module = sys.modules.get("tensorflow.python.eager.context")
    return None if module is None else module.context()


def random_state(context: Any) -> dict[str, Any]:
    """Returns the seed and the seed generator of a context, if a seed was set."""
    attributes = {} if context is None else vars(context)
    return {name: value for name, value in attributes.items() if name in _RANDOM_STATE}


def set_random_state(context: Any, state: Mapping[str, Any]) -> None:
    """Sets what `random_state` returned."""
    if context is None:
        return
    attributes = vars(context)
    for name in _RANDOM_STATE:
        attributes.pop(name, None)
    attributes.update(state)


def seed(context: Any, number: int) -> None:
    """Seeds a context, without emptying its cache of kernels as the public function does."""
    if context is not None:
        context._seed, context._rng = number, random.Random(number)  # noqa: S311 - as TensorFlow has it
