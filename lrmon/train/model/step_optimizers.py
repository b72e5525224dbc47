"""The optimizers whose updates a training step makes, found by what is applied."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from lrmon.train.model.optimizers import Part, is_optimizer, parts, update_methods
from lrmon.train.private_names.keras import is_multi_optimizer, layers_with_nested
from lrmon.train.private_names.tensorflow import is_of_tracking

if TYPE_CHECKING:
    from typing_extensions import Self

NOT_OBSERVED: Final = "none: no optimizer was seen to make an update in the training step"

_LARGEST_CONTAINER: Final = 64
"""Items of a list or dict that are searched; longer ones hold data, not optimizers."""


class StepOptimizers:
    """The optimizers that can make updates in a model's training step, each with a column of its own.

    `Model.compile` may be given an optimizer that trains nothing, such as the default one of a GAN with two
    optimizers of its own. So the optimizers that count are those that are applied. Known before the step are
    the one of `compile` and those that the model, the models in it, or the fit's callbacks hold as
    attributes; any other joins them when it applies gradients while the step is traced or run.

    Args:
        model: Whose training step.
        callbacks: Of the fit.
    """

    def __init__(self, model: Any, callbacks: Sequence[Any] = ()) -> None:
        self._model: Final = model
        self._compiled: Any = None
        self._applied: list[int] = []
        self.parts: list[Part] = []
        """In the order of their columns; it only grows."""
        self.find(callbacks)

    @property
    def names(self) -> list[str]:
        """The name of each, unique."""
        return [part.name for part in self.parts]

    @property
    def applied(self) -> list[Part]:
        """Those that were seen to apply gradients, in the order in which they first did."""
        by_id = {id(part.optimizer): part for part in self.parts}
        return [by_id[key] for key in self._applied]

    def find(self, callbacks: Sequence[Any] = ()) -> None:
        """Adds the optimizers that can be found before the step."""
        self._compiled = self._model.optimizer
        names = {
            id(part.optimizer): name for name, part in _held_by(self._model, ("optimizer", "_optimizer"))
        }
        compiled = parts(self._model.optimizer)
        for part in compiled:
            self._add(names.get(id(part.optimizer), part.name) if len(compiled) == 1 else part.name, part)
        for name, part in _held_by(self._model):
            self._add(name, part)
        for name, part in _held_by_models_in(self._model):
            self._add(name, part)
        for owner in (self._model.optimizer, *callbacks):
            for name, part in _held_by(owner):
                self._add(name, part)

    def refresh(self) -> None:
        """Adds the model's optimizer if it is another one than before."""
        if self._model.optimizer is not self._compiled:
            self.find()

    def see(self, optimizer: Any) -> bool:
        """Notes that an optimizer applies gradients; returns whether it makes an update itself."""
        if hasattr(optimizer, "inner_optimizer") or is_multi_optimizer(optimizer):
            return False  # those inside it do
        if id(optimizer) not in self._applied:
            name = str(getattr(optimizer, "name", type(optimizer).__name__))
            self._add(name, Part(name, optimizer, optimizer))
            self._applied.append(id(optimizer))
        return True

    def main(self, updated: npt.NDArray[np.bool_]) -> int | None:
        """Returns the column whose learning rate is the run's; None where no optimizer makes updates.

        It is that of the optimizer that `compile` was given, if it makes updates; of a MultiOptimizer the
        default one. Else it is the one that is applied first in the step.

        Args:
            updated: [m], of which columns updates were recorded.
        """
        compiled = {id(part.optimizer) for part in parts(self._model.optimizer)}
        by_id = {id(part.optimizer): column for column, part in enumerate(self.parts)}
        known = range(len(self.parts))
        compiled_columns = [column for column in known if id(self.parts[column].optimizer) in compiled]
        in_order = [*compiled_columns, *(by_id[key] for key in self._applied), *known]
        is_used = {by_id[key] for key in self._applied} | set(np.flatnonzero(updated).tolist())
        return next((column for column in in_order if column in is_used), None)

    def _add(self, name: str, part: Part) -> None:
        if any(known.optimizer is part.optimizer for known in self.parts):
            return
        taken, unique, number = set(self.names), name, 2
        while unique in taken:
            unique, number = f"{name}_{number}", number + 1
        self.parts.append(Part(unique, part.optimizer, part.outer))


class Applying(Protocol):
    """Hears of the updates that are made in a training step."""

    def before_update(self, optimizer: Any) -> None:
        """Hears that an optimizer is about to apply gradients."""

    def after_update(self, optimizer: Any) -> None:
        """Hears that it has applied them."""


class WatchedUpdates:
    """Tells a listener of every update that an optimizer makes while it is entered, wherever it was made.

    It replaces a method of Keras' own base classes for that long. In a compiled step that is while the step
    is traced.

    Args:
        listener: Must not raise.
        any_thread: Whether updates that other threads make are heard of too, as the replicas of a model do.
    """

    _lock: Final = threading.Lock()
    _entered: Final[list[WatchedUpdates]] = []
    _replaced: Final[list[tuple[type, str, Any]]] = []

    def __init__(self, listener: Applying, *, any_thread: bool = False) -> None:
        self.listener: Final = listener
        self.any_thread: Final = any_thread
        self.thread: int | None = None

    def __enter__(self) -> Self:
        self.thread = threading.get_ident()
        with self._lock:
            if not self._entered:
                self._replaced.extend(_replace(cls, method) for cls, method in update_methods())
            self._entered.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._entered.remove(self)
            if not self._entered:
                for cls, method, own in self._replaced:
                    setattr(cls, method, own)
                self._replaced.clear()

    @classmethod
    def listeners(cls) -> list[Applying]:
        """Returns who is to hear of an update that this thread makes."""
        thread = threading.get_ident()
        return [
            watched.listener for watched in cls._entered if watched.any_thread or watched.thread == thread
        ]


_in_place: Final[dict[tuple[type, str], tuple[Any, Any]]] = {}
"""By class and method, Keras' own and the one in its place, which is always the same: `torch.compile` takes a
new function for another program."""


def _replace(cls: type, method: str) -> tuple[type, str, Any]:
    """Puts a method in the place of a class' own; returns what is needed to put it back."""
    own = vars(cls)[method]
    if (cls, method) not in _in_place or _in_place[cls, method][0] is not own:
        _in_place[cls, method] = own, _watched(own)
    setattr(cls, method, _in_place[cls, method][1])
    return cls, method, own


def _watched(own: Callable[..., Any]) -> Callable[..., Any]:
    def apply(self: Any, *args: Any, **kwargs: Any) -> Any:
        listeners = WatchedUpdates.listeners()
        for listener in listeners:
            listener.before_update(self)
        result = own(self, *args, **kwargs)
        for listener in listeners:
            listener.after_update(self)
        return result

    return apply


def _held_by(owner: Any, besides: Sequence[str] = ()) -> Iterator[tuple[str, Part]]:
    """Yields the optimizers among an object's attributes, each with the attribute's name."""
    for attribute, value in list(getattr(owner, "__dict__", {}).items()):
        if attribute in besides or is_of_tracking(attribute):
            continue
        name = attribute.lstrip("_") or attribute
        for label, held in _optimizers_in(name, value):
            inner = parts(held)
            for part in inner:
                yield (label if len(inner) == 1 else f"{label}.{part.name}"), part


def _optimizers_in(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if is_optimizer(value):
        yield name, value
    elif isinstance(value, Mapping) and len(value) <= _LARGEST_CONTAINER:
        yield from ((f"{name}[{key}]", item) for key, item in list(value.items()) if is_optimizer(item))
    elif isinstance(value, (list, tuple)) and len(value) <= _LARGEST_CONTAINER:
        yield from (
            (f"{name}[{position}]", item) for position, item in enumerate(value) if is_optimizer(item)
        )


def _held_by_models_in(model: Any) -> Iterator[tuple[str, Part]]:
    """Yields the optimizers of the models that a model consists of, such as a GAN's generator."""
    attributes = {id(value): name for name, value in vars(model).items()}
    with contextlib.suppress(AttributeError):  # of a model that has not been set up
        for layer in layers_with_nested(model, include_self=False):
            if hasattr(layer, "compile"):
                name = attributes.get(id(layer), layer.name).lstrip("_")
                yield from ((f"{name}.{held}", part) for held, part in _held_by(layer))
