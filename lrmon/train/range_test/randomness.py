"""Random numbers: their state kept and put back, for every generator that a training may ask."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lrmon.train.private_names import keras, tensorflow


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Has every global generator put back: Python's, numpy's, Keras', TensorFlow's, PyTorch's."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - it is the global state that is kept
    keras_state = keras.random_state()
    context = tensorflow.context()
    torch: Any = sys.modules.get("torch")
    tensorflow_state = tensorflow.random_state(context)
    torch_state = None if torch is None else torch.get_rng_state()
    cuda_state = torch.cuda.get_rng_state_all() if _has_cuda(torch) else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        keras.set_random_state(keras_state)
        tensorflow.set_random_state(context, tensorflow_state)
        if torch is not None and torch_state is not None:
            torch.set_rng_state(torch_state)
        if cuda_state is not None:
            torch.cuda.set_rng_state_all(cuda_state)


def seed_all(number: int) -> None:
    """Seeds them all, within `kept_random_state`, with generators of their own.

    Keras' `set_random_seed` would empty TensorFlow's cache of kernels, and with it the state of the random
    operations that the user has already called.
    """
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002
    keras.clear_random_state()
    tensorflow.seed(tensorflow.context(), number)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(number)


def _has_cuda(torch: Any) -> bool:
    return torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized()
