"""Values of variables, brought to the host, strided, whatever backend has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from lrmon.train.model.models import TF_KERAS, backend_of, keras_of
from lrmon.train.private_names.keras import unsynced_state

Array = npt.NDArray[Any]
Read = Callable[[Sequence[tuple[Any, int]]], list[Array]]
"""(variable, stride) of each → copies of their flattened entries, every stride-th from the first."""


def reader(model: Any) -> Read:
    """Returns what reads the model's and its optimizer's variables as they are between two steps.

    On JAX the values that training has are read beside the variables, which do not have them: nothing is
    synchronised. Of variables that several replicas hold the first one's copy is read.
    """
    if keras_of(model) == TF_KERAS:
        return lambda wanted: [_read_tensorflow_variable(variable, stride) for variable, stride in wanted]
    backend = backend_of(model)
    if backend == "jax":
        return _JaxReader(model)
    read = _read_torch_variable if backend == "torch" else _read_keras_variable
    return lambda wanted: [read(variable, stride) for variable, stride in wanted]


def _read_keras_variable(variable: Any, stride: int) -> Array:
    return _read_tensorflow_variable(getattr(variable, "value", variable), stride)


def _read_tensorflow_variable(variable: Any, stride: int) -> Array:
    tensorflow = import_module("tensorflow")
    replicas = getattr(variable, "values", None)
    local = replicas[0] if isinstance(replicas, (tuple, list)) else variable
    return np.array(tensorflow.reshape(local, [-1])[::stride].numpy())


def _read_torch_variable(variable: Any, stride: int) -> Array:
    entries = variable.value.detach().reshape(-1)[::stride]
    # numpy has no bfloat16, and float32 holds each of its numbers.
    return np.array((entries.float() if entries.is_floating_point() else entries).cpu().numpy())


class _JaxReader:
    """Reads by one compiled function, since a slice of each variable alone would be compiled alone."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._compiled: dict[tuple[int, ...], Any] = {}

    def __call__(self, wanted: Sequence[tuple[Any, int]]) -> list[Array]:
        in_training = self._in_training()
        arrays = [in_training.get(id(variable), variable) for variable, _ in wanted]
        arrays = [getattr(array, "value", array) for array in arrays]
        strides = tuple(stride for _, stride in wanted)
        if strides not in self._compiled:
            jax = import_module("jax")
            self._compiled[strides] = jax.jit(
                lambda entries: [
                    entry.reshape(-1)[::stride] for entry, stride in zip(entries, strides, strict=True)
                ]
            )
        return [np.array(array) for array in self._compiled[strides](arrays)]

    def _in_training(self) -> dict[int, Any]:
        """By identity of the variable, its value in the state that fit hands from step to step."""
        model = self._model
        state = unsynced_state(model)
        if state is None:
            return {}
        return {
            id(variable): array
            for variables, arrays in (
                (model.trainable_variables, state["trainable_variables"]),
                (model.optimizer.variables, state["optimizer_variables"]),
            )
            for variable, array in zip(variables, arrays, strict=True)
        }
