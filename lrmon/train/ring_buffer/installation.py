"""Which ring buffer a model gets, and how long it keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, cast

from lrmon.train.model.models import backend_of, steps_per_execution
from lrmon.train.model.step_optimizers import StepOptimizers
from lrmon.train.ring_buffer.base import RingBuffer, depth_for

_MARK: Final = "lrmon_ring"

_RINGS: Final = {
    "tensorflow": ("lrmon.train.ring_buffer.in_tensorflow", "TensorFlowRingBuffer"),
    "jax": ("lrmon.train.ring_buffer.in_jax", "JaxRingBuffer"),
    "torch": ("lrmon.train.ring_buffer.in_torch", "TorchRingBuffer"),
}
"""By name, so that none is imported for another's sake."""

BACKENDS: Final = tuple(_RINGS)
"""Backends whose steps can be recorded."""


def installed(model: Any, callbacks: Sequence[Any] = ()) -> RingBuffer:
    """Returns the ring buffer that the model's training step writes; puts one in where there is none.

    A step that was traced before is traced once more. The ring buffer stays in the compiled step, so that a
    later fit does not trace it again.

    Args:
        model: Of Keras 3 on one of `BACKENDS`, or of tf_keras.
        callbacks: Of the fit: they may hold optimizers.
    """
    depth = depth_for(steps_per_execution(model))
    ring = getattr(model.train_function, _MARK, None)
    if isinstance(ring, RingBuffer) and ring.depth >= depth:
        ring.optimizers.find(callbacks)
        if ring.resumed():
            return ring
    module, name = _RINGS[backend_of(model)]
    optimizers = StepOptimizers(model, callbacks)
    ring = cast(RingBuffer, getattr(import_module(module), name)(model, depth, optimizers))
    ring.install()
    setattr(model.train_function, _MARK, ring)
    return ring
