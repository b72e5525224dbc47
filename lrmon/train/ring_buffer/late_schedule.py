"""A schedule on JAX, evaluated after the steps that used it, to the same bits."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import jax
import jax.numpy as jnp
import keras
import numpy as np
import numpy.typing as npt

from lrmon.train.private_names.keras import counter, current_learning_rate

if TYPE_CHECKING:
    from typing_extensions import Self

_AT_ONCE: Final = 128


class LateSchedule:
    """The learning rates of an optimizer with a schedule, as the schedule stands when this is made.

    Compiled training does not compute a schedule as one would read it (``step / 41`` becomes
    ``step * float32(1 / 41)``), so that only the same compiler gives the same bits. To have the rate come out
    of the training step itself could change how its compiler puts the update together, and so the training.
    So it is traced beside the step and compiled by itself, one step at a time as there.

    Args:
        lowered: int32 [_AT_ONCE] → [_AT_ONCE], float32 or, where training has that, float64.
    """

    def __init__(self, lowered: Any) -> None:
        self._lowered = lowered
        self._lock = threading.Lock()

    @classmethod
    def for_optimizer(cls, optimizer: Any) -> Self:
        """Returns the schedule of a Keras optimizer; may be called while a training step is traced."""

        def lr(iteration: Any) -> Any:
            with keras.StatelessScope(state_mapping=[(counter(optimizer), iteration)]):
                used = jnp.asarray(current_learning_rate(optimizer))
                return used if used.dtype == jnp.float64 else used.astype(jnp.float32)

        lrs = jax.jit(lambda iterations: jax.lax.map(lr, iterations))
        return cls(lrs.lower(jax.ShapeDtypeStruct((_AT_ONCE,), jnp.int32)))

    def __call__(self, iterations: npt.NDArray[np.int32]) -> npt.NDArray[np.floating]:
        """Returns the rate of each iteration; waits for the device."""
        with self._lock:
            compiled = self._compiled
        unique, index = np.unique(iterations, return_inverse=True)
        padded = np.resize(unique, -(-len(unique) // _AT_ONCE) * _AT_ONCE).astype(np.int32)
        parts = [np.asarray(compiled(part)) for part in padded.reshape(-1, _AT_ONCE)]
        lrs: npt.NDArray[np.floating] = np.concatenate(parts)[index]
        return lrs

    @cached_property
    def _compiled(self) -> Any:
        return self._lowered.compile()
