"""The fit around a callback: its other callbacks, and its arguments."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from types import FrameType
from typing import Any, Final

from lrmon.train.private_names.keras import VALIDATION_INPUTS

_FRAMES: Final = 16
"""How far above `on_train_begin` Keras' list of callbacks is looked for: decorators may lie between."""
_ABOVE_LIST: Final = 4
_BATCH_SIZE: Final = 32
"""Keras' own, of a fit without ``batch_size=``."""


@dataclass(frozen=True, slots=True)
class PlannedFit:
    """What can be seen of a fit from within `on_train_begin`; None is what cannot.

    Attributes:
        callbacks: All of the fit, in order, Keras' own ones among them.
        initial_epoch: The first epoch's number.
        validates: Whether there is validation data.
        validation_freq: As `fit` was given it.
        validation_split: As `fit` was given it; None where it splits nothing off, or where that cannot be
            checked against the data.
        steps_before_split: How many batches an epoch would have without `validation_split`.
    """

    callbacks: tuple[Any, ...] | None = None
    initial_epoch: int | None = None
    validates: bool | None = None
    validation_freq: Any = 1
    validation_split: float | None = None
    steps_before_split: int | None = None


def planned_fit(model: Any) -> PlannedFit:
    """Returns what can be seen of the fit from a callback's `on_train_begin`, or from below it; never raises.

    Keras tells a callback nothing of the others. But it is Keras' list of callbacks that calls it, and `fit`
    that calls the list, so that both stand on the stack.

    Args:
        model: The model that trains.
    """
    try:
        return _planned_fit(model)
    except Exception:  # noqa: BLE001 - what cannot be seen is not worth a training
        return PlannedFit()


def own_plateau(fit: PlannedFit) -> Any:
    """Returns the fit's ReduceLROnPlateau, None where there is none, more than one, or no list to be seen."""
    plateaus = [callback for callback in fit.callbacks or () if kind(callback) == "ReduceLROnPlateau"]
    return plateaus[0] if len(plateaus) == 1 else None


def kind(callback: Any) -> str | None:
    """Returns the name of Keras' class that decides what a callback does at the end of an epoch.

    None where the user's code does: in a callback of one's own, in a class of one's own that overrides
    Keras', and in a LambdaCallback.
    """
    if "on_epoch_end" in vars(callback):
        return None
    for cls in type(callback).__mro__:
        if cls.__module__.partition(".")[0] in ("keras", "tf_keras"):
            return cls.__name__
        if "on_epoch_end" in vars(cls) or "on_epoch_begin" in vars(cls):
            return None
    return None


def _planned_fit(model: Any) -> PlannedFit:
    above = list(_frames(sys._getframe(1), _FRAMES))  # noqa: SLF001 - what the inspect module uses too
    position = next((i for i, frame in enumerate(above) if _is_list(frame.f_locals.get("self"))), None)
    if position is None:
        return PlannedFit()
    callbacks = tuple(above[position].f_locals["self"].callbacks)
    for frame in _frames(above[position].f_back, _ABOVE_LIST):
        if frame.f_code.co_name == "fit" and frame.f_locals.get("self") is model:
            return _with_arguments(callbacks, frame.f_locals)
    return PlannedFit(callbacks)


def _with_arguments(callbacks: tuple[Any, ...], arguments: Mapping[str, Any]) -> PlannedFit:
    first = arguments.get("initial_epoch")
    return PlannedFit(
        callbacks,
        first if isinstance(first, int) and not _may_resume(callbacks) else None,
        arguments["validation_data"] is not None if "validation_data" in arguments else None,
        arguments.get("validation_freq", 1),
        *_split(arguments),
    )


def _split(arguments: Mapping[str, Any]) -> tuple[float, int] | tuple[None, None]:
    """Returns the share that was split off for validation, and the steps of an epoch without that.

    Keras ignores ``validation_split`` where there is ``validation_data`` too, so the numbers of samples have
    to be those that the split gives.
    """
    share, batch_size = arguments.get("validation_split"), arguments.get("batch_size") or _BATCH_SIZE
    training, validation = _samples(arguments.get("x")), _samples(arguments.get(VALIDATION_INPUTS))
    if not isinstance(share, Real) or not share or training is None or validation is None:
        return None, None
    samples = training + validation
    if arguments.get("steps_per_epoch") is not None or training != math.floor(samples * (1 - float(share))):
        return None, None
    return float(share), math.ceil(samples / batch_size)


def _samples(data: Any) -> int | None:
    """Returns how many samples arrays hold, None for what is none, a data set for example."""
    while isinstance(data, (dict, list, tuple)) and data:
        data = next(iter(data.values())) if isinstance(data, dict) else data[0]
    shape = getattr(data, "shape", None)
    return int(shape[0]) if shape else None


def _may_resume(callbacks: tuple[Any, ...]) -> bool:
    """A BackupAndRestore may yet put another epoch in, and another count into the optimizer."""
    return any(cls.__name__ == "BackupAndRestore" for callback in callbacks for cls in type(callback).__mro__)


def _is_list(value: Any) -> bool:
    cls = type(value)
    return cls.__name__ == "CallbackList" and cls.__module__.partition(".")[0] in ("keras", "tf_keras")


def _frames(frame: FrameType | None, most: int) -> Iterator[FrameType]:
    while frame is not None and most > 0:
        yield frame
        frame, most = frame.f_back, most - 1
