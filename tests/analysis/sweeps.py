"""Made range tests, of which it is known where they fall and where they break."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def swept(
    steps: int = 200,
    *,
    low: float = 1e-7,
    high: float = 10.0,
    falls_at: float = 1e-3,
    breaks_at: float = 0.3,
    noise: float = 0.0,
    seed: int = 0,
) -> tuple[Floats, Floats]:
    """Returns learning rates and losses: from 2 down to 0.5 around one rate, up steeply beyond another.

    The fall is a logistic curve of log10(learning rate) with its middle, where it is steepest, at `falls_at`.
    """
    lr = np.geomspace(low, high, steps)
    fall = 1.5 / (1.0 + np.exp(-5.0 * np.log10(lr / falls_at)))
    rise = np.exp(8.0 * np.log10(lr / breaks_at)) * (lr > breaks_at / 10.0)
    loss = 2.0 - fall + np.minimum(rise, 1e6)
    return lr, loss + noise * np.random.default_rng(seed).normal(size=steps)
