"""How a sweep is set, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EXPONENTIAL: Final = "exponential"
LINEAR: Final = "linear"


@dataclass(frozen=True, slots=True)
class Settings:
    """How the learning rate grows, and when to stop.

    Attributes:
        start_lr: Of the first step.
        end_lr: Of the last step.
        growth: `EXPONENTIAL` or `LINEAR`.
        stop_factor: See `lrmon.train.range_test.divergence.Divergence`.
        smoothing: Weight of the average that `stop_factor` is judged by; None for one by the steps a decade.
        average_runs: Sweeps with other seeds.
        seed: Of the first sweep; each further one has the next.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is outside its range.
    """

    start_lr: float
    end_lr: float
    growth: str
    stop_factor: float
    smoothing: float | None
    average_runs: int
    seed: int

    def __post_init__(self) -> None:
        if not 0.0 < self.start_lr < self.end_lr <= float(np.finfo(np.float32).max):
            raise ValueError(
                "start_lr must be above 0 and below end_lr, and both must be finite, "
                f"got start_lr={self.start_lr} and end_lr={self.end_lr}"
            )
        if self.growth not in (EXPONENTIAL, LINEAR):
            raise ValueError(f"growth must be {EXPONENTIAL!r} or {LINEAR!r}, got {self.growth!r}")
        if not self.stop_factor > 1.0:
            raise ValueError(
                f"stop_factor must be above 1 (float('inf') never stops), got {self.stop_factor}"
            )
        if self.smoothing is not None and not 0.0 <= self.smoothing < 1.0:
            raise ValueError(f"smoothing must be at least 0 and less than 1, got {self.smoothing}")
        checked_count("average_runs", self.average_runs)
        if not 0 <= self.seed < 2**32 - self.average_runs:
            raise ValueError(f"seed must be at least 0 and below 2**32 - average_runs, got {self.seed}")

    def learning_rates(self, steps: int) -> Floats:
        """Returns the learning rate of each step.

        ::

            exponential   start_lr · (end_lr / start_lr)^(k / (steps - 1))
            linear        start_lr + (end_lr - start_lr) · k / (steps - 1)

        for k from 0; a sweep of one step has start_lr.
        """
        part = np.arange(steps) / max(steps - 1, 1)
        if self.growth == LINEAR:
            lrs = self.start_lr + (self.end_lr - self.start_lr) * part
        else:
            lrs = np.exp(math.log(self.start_lr) + math.log(self.end_lr / self.start_lr) * part)
        if steps > 1:
            lrs[-1] = self.end_lr
        lrs[0] = self.start_lr
        return lrs


def checked_count(name: str, value: object) -> int:
    """Returns a number of things, 1 at least.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is less than 1.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return int(value)
