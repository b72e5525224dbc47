"""Checks the arguments of the recorder; each error says what it got and what to do."""

from __future__ import annotations

import operator
import os
from pathlib import Path
from typing import Final, SupportsFloat, SupportsIndex

_LARGEST_STEP: Final = 2**53


def checked_log_dir(log_dir: str | os.PathLike[str]) -> str:
    """Returns the folder as text, with ``~`` resolved.

    Raises:
        TypeError: It is not a path.
        ValueError: It is empty.
    """
    try:
        path = os.fspath(log_dir)
    except TypeError:
        raise TypeError(f"log_dir must be a path, for example 'logs/run1', got {log_dir!r}") from None
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not path.strip():
        raise ValueError("log_dir is empty; give the run its own folder, for example 'logs/run1'")
    return path if "://" in path else str(Path(path).expanduser())


def number(name: object, value: SupportsFloat) -> float:
    """Returns the value as a float.

    Raises:
        TypeError: It is not a single number; the message names it `name`.
    """
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} must be a single number, got {value!r}") from None


def checked_step(name: str, step: SupportsIndex) -> int:
    """Returns a step as an int.

    Raises:
        TypeError: It is not a whole number; the message names it `name`.
        ValueError: It is negative, or so large that not every number has a double of its own.
    """
    try:
        number = operator.index(step)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {step!r}") from None
    if not 0 <= number <= _LARGEST_STEP:
        raise ValueError(f"{name} must be from 0 to {_LARGEST_STEP} (2**53), got {number}")
    return number


def type_name(value: object) -> str:
    """Returns ``float``, ``int``, ``float32``, …: the type of a number of Python, numpy or a framework."""
    dtype = getattr(value, "dtype", None)
    return str(getattr(dtype, "name", dtype)).removeprefix("torch.") if dtype else type(value).__name__
