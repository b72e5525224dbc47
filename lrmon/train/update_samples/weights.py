"""Which weights are sampled, and what they say of all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from lrmon import schema

SAMPLED: Final = 10_000
"""Weights in a sample, about. A model that has no more of them is in it as a whole."""

FEW: Final = 64
"""Weights of each variable, at least, or all that it has."""

_Doubles = npt.NDArray[np.float64]


def strides(shapes: Sequence[Sequence[int]]) -> list[int]:
    """Returns [variables]: every how many entries of each flattened variable one is in the sample.

    A variable's share is its share of the weights. A stride has no divisor in common with a side of its
    variable, so that every row and every column comes by.

    >>> strides([(100, 64), (64,)]), strides([(1000, 1024), (1024,), (3,)])
    ([1, 1], [101, 15, 1])
    """
    sizes = [math.prod(shape) for shape in shapes]
    total = sum(sizes)
    if total <= SAMPLED:
        return [1] * len(sizes)
    return [
        _coprime(max(1, size // max(FEW, round(SAMPLED * size / total))), shape) if size else 1
        for size, shape in zip(sizes, shapes, strict=True)
    ]


def quantiles(values: _Doubles, weights: _Doubles) -> list[float]:
    """Returns the `schema.STEP_SIZE_QUANTILES` of values of which each stands for so many weights.

    Between values linearly, so that with equal weights they are numpy's. NaN if a value is NaN.
    """
    if np.isnan(values).any():
        return [math.nan] * len(schema.STEP_SIZE_QUANTILES)
    order = np.argsort(values, kind="stable")
    values, weights = values[order], weights[order]
    middle = np.cumsum(weights) - weights / 2
    at = np.array(schema.STEP_SIZE_QUANTILES) * (middle[-1] - middle[0]) + middle[0]
    return [float(value) for value in np.interp(at, middle, values)]


def _coprime(stride: int, shape: Sequence[int]) -> int:
    """The stride, or the next smaller one without a divisor in common with a side."""
    while any(math.gcd(stride, side) > 1 for side in shape):
        stride -= 1
    return stride
