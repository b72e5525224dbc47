"""A model as it was: everything that a training changes, kept and put back."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from lrmon.train.private_names.keras import copy_unbuilt_compiled_parts

_SEED_STATE: Final = "seed_generator_state"
"""How Keras names the variable of a SeedGenerator."""


class Values:
    """Values of variables when they were taken.

    Args:
        variables: Of Keras.
    """

    def __init__(self, variables: Iterable[Any]) -> None:
        self._values: Final = [
            (variable, _value(variable))
            for variable in {id(variable): variable for variable in variables}.values()
        ]

    def put_back(self, *, reseeded_by: int = 0) -> None:
        """Puts them back.

        Args:
            reseeded_by: Added to the seeds of seed generators, for other random numbers.
        """
        for variable, value in self._values:
            if reseeded_by and variable.name == _SEED_STATE:
                variable.assign(value + np.array([reseeded_by, 0], value.dtype))
            else:
                variable.assign(value)


class ModelState:
    """What a model was when it was taken.

    The model's own optimizer is not in it: a sweep has another one in its place, and never touches it.

    Args:
        model: Of Keras 3, built.
    """

    def __init__(self, model: Any) -> None:
        self._model: Final = model
        self._optimizer: Final = model.optimizer
        self._attributes: Final = dict(vars(model))
        self._values: Final = Values(_variables(model))
        self._tensors: Final = [(tensor, tensor.detach().clone()) for tensor in _buffers(model)]
        self._modes: Final = [(module, module.training) for module in _modules(model)]

    def replace_unbuilt(self) -> None:
        """Replaces unbuilt metrics and losses with copies, so that the originals stay unbuilt.

        Before it builds them, `fit` reads a batch, and with it random numbers. If they stayed built, the fit
        that follows would not.
        """
        copy_unbuilt_compiled_parts(self._model)

    def put_back_values(self, *, reseeded_by: int = 0) -> None:
        """Puts weights, other layer state and metrics back.

        Args:
            reseeded_by: See `Values.put_back`.
        """
        self._model.reset_metrics()  # those that have been made since are in no list
        self._values.put_back(reseeded_by=reseeded_by)
        for tensor, value in self._tensors:
            tensor.data.copy_(value)

    def put_back(self) -> None:
        """Puts everything back, and the optimizer in its place."""
        model = self._model
        try:
            self.put_back_values()
        finally:
            # TensorFlow keeps a list of what a model depends on, which only an assignment corrects.
            model.optimizer = self._optimizer
            now = vars(model)
            for name in set(now) - set(self._attributes):
                del now[name]
            now.update(self._attributes)
            for module, training in self._modes:
                module.training = training


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Has a Ctrl-C that comes within wait for the end, so that what is put back is put back wholly."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or handler is None:
        yield
        return
    held: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if held:
            signal.raise_signal(signal.SIGINT)  # to whoever handles it, or ignores it


def _variables(model: Any) -> list[Any]:
    """Every variable that a training step may change, but for those of the model's optimizer."""
    others = [
        value
        for value in vars(model).values()
        if isinstance(value, sys.modules["keras"].optimizers.Optimizer) and value is not model.optimizer
    ]
    variables = [*model.variables, *model.metrics_variables]
    return variables + [variable for optimizer in others for variable in optimizer.variables]


def _value(variable: Any) -> np.ndarray[Any, Any]:
    """A copy on the host: a backend may hand out a view of memory that it writes to again."""
    return np.array(sys.modules["keras"].ops.convert_to_numpy(variable))


def _modules(model: Any) -> list[Any]:
    """On PyTorch, where every Keras layer is one, the modules of the model."""
    return list(model.modules()) if _is_torch(model) else []


def _buffers(model: Any) -> list[Any]:
    """On PyTorch, state that a module of PyTorch's own keeps out of Keras' sight."""
    return list(model.buffers()) if _is_torch(model) else []


def _is_torch(model: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)
