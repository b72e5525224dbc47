"""Random numbers: their state kept and put back, for every generator that a training may ask."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import numpy as np

_OF_KERAS: Final = ("global_seed_generator", "global_random_seed")
"""Keras' own names for its global generator and its seed; there are no public ones."""

_OF_TENSORFLOW: Final = ("_seed", "_rng")
"""TensorFlow's, of its context."""


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Has every global generator put back: Python's, numpy's, Keras', TensorFlow's, PyTorch's."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is the global state that is kept
    keras = {name: _keras_state().get_global_attribute(name) for name in _OF_KERAS}
    context = _tensorflow_context()
    torch: Any = sys.modules.get("torch")
    # Where nobody has set a seed TensorFlow has no generator of seeds.
    of_tensorflow = {name: value for name, value in _attributes(context).items() if name in _OF_TENSORFLOW}
    of_torch = None if torch is None else torch.get_rng_state()
    of_cuda = torch.cuda.get_rng_state_all() if _has_cuda(torch) else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        for name, value in keras.items():
            _keras_state().set_global_attribute(name, value)
        for name in _OF_TENSORFLOW:
            _attributes(context).pop(name, None)
        _attributes(context).update(of_tensorflow)
        if torch is not None and of_torch is not None:
            torch.set_rng_state(of_torch)
        if of_cuda is not None:
            torch.cuda.set_rng_state_all(of_cuda)


def seed_all(number: int) -> None:
    """Seeds them all, within `kept_random_state`, with generators of their own.

    Keras' `set_random_seed` would empty TensorFlow's cache of kernels, and with it the state of the random
    operations that the user has already called.
    """
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002
    for name in _OF_KERAS:
        _keras_state().set_global_attribute(name, None)
    context = _tensorflow_context()
    if context is not None:
        context._seed, context._rng = number, random.Random(number)  # noqa: S311, SLF001 - as TensorFlow has it
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(number)


def _keras_state() -> Any:
    return import_module("keras.src.backend.common.global_state")


def _tensorflow_context() -> Any:
    module = sys.modules.get("tensorflow.python.eager.context")
    return None if module is None else module.context()


def _attributes(context: Any) -> dict[str, Any]:
    return {} if context is None else vars(context)


def _has_cuda(torch: Any) -> bool:
    return torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized()
