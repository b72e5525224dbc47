"""Columns of numbers as JSON: exact, and as short as possible."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrmon import schema

_EXACT_POWERS = 10.0 ** np.arange(23)
"""The powers of ten that a double holds exactly."""

_FLOAT32_DIGITS = range(6, 10)
"""float32 keeps up to 6 decimal digits, and 9 digits distinguish any two float32 numbers."""


def json_column(values: NDArray[Any], *, absent: NDArray[np.bool_] | None = None) -> str:
    """Returns a JSON array of the values.

    A float32 is written as the shortest decimal that is the same float32 (``0.1``, although its double is
    0.10000000149011612), a float64 as by Python's ``repr``, and a non-finite value as the string in
    `lrmon.schema`.

    Args:
      values: one-dimensional; integers, float32 or float64.
      absent: where True, ``null`` is written instead of the value.
    """
    numbers: list[object] = (shortest(values) if values.dtype == np.float32 else values).tolist()
    if values.dtype.kind == "f" and not bool(np.isfinite(values).all()):
        for name, rows in (
            (schema.NAN, np.isnan(values)),
            (schema.INFINITY, np.isposinf(values)),
            (schema.NEGATIVE_INFINITY, np.isneginf(values)),
        ):
            for row in np.flatnonzero(rows).tolist():
                numbers[row] = name
    if absent is not None:
        for row in np.flatnonzero(absent).tolist():
            numbers[row] = None
    return json.dumps(numbers, allow_nan=False, separators=(",", ":"))


def shortest(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns for each float32 the double that prints as the shortest decimal of that float32.

    A decimal of d digits is an integer times a power of ten. If both are exact in double precision, one
    division gives the double nearest to the decimal, and its ``repr`` is the decimal. Values beyond the
    exact powers (about 1e-14 and 1e22) are rare, and NumPy prints them one by one.

    >>> shortest(np.array([0.1, 1e-7], dtype=np.float32)).tolist()
    [0.1, 1e-07]
    """
    doubles = values.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponents = np.floor(np.log10(np.abs(doubles)))
    near = (exponents >= -14) & (exponents <= 22)
    far = np.flatnonzero(np.isfinite(exponents) & ~near)
    doubles[far] = [float(str(value)) for value in values[far]]
    todo = np.flatnonzero(near)
    for digits in _FLOAT32_DIGITS:
        exact, shift = values[todo], digits - 1 - exponents[todo].astype(np.int64)
        up, down = _EXACT_POWERS[np.maximum(shift, 0)], _EXACT_POWERS[np.maximum(-shift, 0)]
        decimals = np.rint(exact.astype(np.float64) * up / down) * down / up
        done = decimals.astype(np.float32) == exact
        doubles[todo[done]] = decimals[done]
        todo = todo[~done]
        if todo.size == 0:
            break
    return doubles
