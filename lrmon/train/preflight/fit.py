"""The fit around a callback: its other callbacks, its arguments, and the files that called it."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

_FRAMES: Final = 16
"""How far above `on_train_begin` Keras' list of callbacks is looked for: decorators may lie between."""
_ABOVE_LIST: Final = 4
_CALLERS: Final = 200

_PACKAGES: Final = ("keras", "tf_keras", "lrmon", "tensorflow", "jax", "torch")


@dataclass(frozen=True, slots=True)
class Caller:
    """A piece of the user's own code that is on the way to `fit`.

    Attributes:
        filename: Of its source, as Python knows it.
        names: The global names that it sees.
    """

    filename: str
    names: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fit:
    """What can be seen of a fit from within `on_train_begin`; None is what cannot.

    Attributes:
        callbacks: All of the fit, in order, Keras' own ones among them.
        initial_epoch: The first epoch's number.
        validates: Whether there is validation data.
        validation_freq: As `fit` was given it.
        validation_split: As `fit` was given it.
        callers: The innermost first, each file once.
    """

    callbacks: tuple[Any, ...] | None = None
    initial_epoch: int | None = None
    validates: bool | None = None
    validation_freq: Any = 1
    validation_split: float | None = None
    callers: tuple[Caller, ...] = ()


def fit_seen(model: Any) -> Fit:
    """Returns what can be seen of the fit from a callback's `on_train_begin`, or from below it; never raises.

    Keras tells a callback nothing of the others. But it is Keras' list of callbacks that calls it, and `fit`
    that calls the list, so that both stand on the stack.

    Args:
        model: The model that trains.
    """
    try:
        return _fit_seen(model)
    except Exception:  # noqa: BLE001 - what cannot be seen is not worth a training
        return Fit()


def own_plateau(fit: Fit) -> Any:
    """Returns the fit's ReduceLROnPlateau, None where there is none, more than one, or no list to be seen."""
    found = [each for each in fit.callbacks or () if kind(each) == "ReduceLROnPlateau"]
    return found[0] if len(found) == 1 else None


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


def _fit_seen(model: Any) -> Fit:
    above = list(_frames(sys._getframe(1), _FRAMES))  # noqa: SLF001 - what the inspect module uses too
    place = next((i for i, frame in enumerate(above) if _is_list(frame.f_locals.get("self"))), None)
    callers = tuple(_callers(above[-1] if place is None else above[place]))
    if place is None:
        return Fit(callers=callers)
    callbacks = tuple(above[place].f_locals["self"].callbacks)
    for frame in _frames(above[place].f_back, _ABOVE_LIST):
        if frame.f_code.co_name == "fit" and frame.f_locals.get("self") is model:
            return _with_arguments(callbacks, frame.f_locals, callers)
    return Fit(callbacks, callers=callers)


def _with_arguments(
    callbacks: tuple[Any, ...], arguments: Mapping[str, Any], callers: tuple[Caller, ...]
) -> Fit:
    first = arguments.get("initial_epoch")
    split = arguments.get("validation_split")
    return Fit(
        callbacks,
        first if isinstance(first, int) and not _may_resume(callbacks) else None,
        arguments["validation_data"] is not None if "validation_data" in arguments else None,
        arguments.get("validation_freq", 1),
        float(split) if isinstance(split, float) and split > 0 else None,
        callers,
    )


def _may_resume(callbacks: tuple[Any, ...]) -> bool:
    """A BackupAndRestore may yet put another epoch in, and another count into the optimizer."""
    return any(cls.__name__ == "BackupAndRestore" for each in callbacks for cls in type(each).__mro__)


def _is_list(value: Any) -> bool:
    cls = type(value)
    return cls.__name__ == "CallbackList" and cls.__module__.partition(".")[0] in ("keras", "tf_keras")


def _frames(frame: FrameType | None, most: int) -> Iterator[FrameType]:
    while frame is not None and most > 0:
        yield frame
        frame, most = frame.f_back, most - 1


def _callers(frame: FrameType) -> Iterator[Caller]:
    seen: set[str] = set()
    for each in _frames(frame, _CALLERS):
        filename = each.f_code.co_filename
        if filename not in seen and _is_the_users(filename, str(each.f_globals.get("__name__"))):
            seen.add(filename)
            yield Caller(filename, each.f_globals)


def _is_the_users(filename: str, module: str) -> bool:
    """Whether a file is neither part of an installed package nor of Python."""
    if module.partition(".")[0] in _PACKAGES:
        return False
    path = os.path.abspath(filename)  # noqa: PTH100 - a name such as <stdin> is no path, and is not to be resolved
    if {"site-packages", "dist-packages"} & set(Path(path).parts):
        return False
    return not path.startswith(sysconfig.get_paths()["stdlib"] + os.sep)
