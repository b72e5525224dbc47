"""The debiased exponential average with which TensorBoard's Time Series dashboard draws its smooth lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_BLOCK = 128


def smooth(values: ArrayLike, *, weight: float) -> NDArray[np.float64]:
    """Returns the debiased exponential average of `values`, aligned with them.

    With the finite values x[1], x[2], … in their order::

        average[0] = 0
        average[n] = weight · average[n - 1] + (1 - weight) · x[n]
        smoothed[n] = average[n] / (1 - weight ** n)

    A non-finite value is returned as it is and does not enter the average, so that one NaN batch does not end
    the line. A series of one constant value is returned as it is. Both are what TensorBoard's
    dashboard does.

    Args:
      values: one-dimensional, in the order of training.
      weight: 0 (no smoothing) ≤ weight < 1.

    Returns:
      A new array; float64, whatever `values` are.

    Raises:
      ValueError: if `weight` is outside its range or `values` is not one-dimensional.
    """
    if not 0.0 <= weight < 1.0:
        raise ValueError(f"weight must be at least 0 and less than 1, got {weight}")
    smoothed = np.array(values, dtype=np.float64)
    if smoothed.ndim != 1:
        raise ValueError(f"values must have one dimension, got {smoothed.ndim}")
    if smoothed.size == 0 or bool((smoothed == smoothed[0]).all()):
        return smoothed
    finite = np.isfinite(smoothed)
    if bool(finite.all()):
        return _debiased(smoothed, weight)
    smoothed[finite] = _debiased(smoothed[finite], weight)
    return smoothed


def _debiased(values: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    if weight == 0.0:
        return values
    average = _average(values, weight)
    # Beyond this place 1 - power is 1 in double precision, and there is nothing left to correct.
    biased = min(values.size, int(60.0 * np.log(2.0) / -np.log(weight)) + 1)
    average[:biased] /= -np.expm1(np.arange(1, biased + 1) * np.log(weight))
    return average


def _average(values: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """Returns the exponential average that starts at 0.

    Inside a block of values it is a product with a triangular matrix of powers; the average at a block's
    end reaches every place of the next block through one more power.
    """
    blocks = -(-values.size // _BLOCK)
    padded = np.zeros(blocks * _BLOCK)
    padded[: values.size] = values
    lag = np.subtract.outer(np.arange(_BLOCK), np.arange(_BLOCK))
    powers = np.where(lag >= 0, (1.0 - weight) * np.power(weight, np.maximum(lag, 0)), 0.0)
    within = padded.reshape(blocks, _BLOCK) @ powers.T

    carried = np.empty(blocks)
    carry, decay = 0.0, weight**_BLOCK
    for block, end in enumerate(within[:, -1].tolist()):
        carried[block] = carry
        carry = carry * decay + end
    within += np.multiply.outer(carried, np.power(weight, np.arange(1, _BLOCK + 1)))
    return within.reshape(-1)[: values.size]
