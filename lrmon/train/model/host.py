"""Values on the host, whatever backend they are from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def scalars(logs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the logged values that are single numbers; a callback may put anything else beside them."""
    numbers: dict[str, Any] = {}
    for name, value in logs.items():
        if isinstance(value, (int, float)):
            numbers[name] = value
            continue
        array = on_host(value)
        if array.size == 1 and array.dtype.kind in "bfiu":
            numbers[name] = array.reshape(())[()]
    return numbers


def on_host(value: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """Returns the value as an array, whatever backend it is from."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value)
