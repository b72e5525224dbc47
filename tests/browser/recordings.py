"""The runs that the tests of the page look at, and what was recorded in them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import lrmon


@dataclass(frozen=True)
class Recording:
    """Attributes:
    learning_rate: [steps] float32.
    loss: [steps] float32.
    steps_per_epoch: The same in every epoch.
    """

    learning_rate: npt.NDArray[np.float32]
    loss: npt.NDArray[np.float32]
    steps_per_epoch: int


def staircase(log_dir: Path) -> Recording:
    """A schedule that drops every 95 steps, where an epoch has 76: 16 epochs, 1,216 steps."""
    step = np.arange(1216)
    rate = (0.1 * 0.8 ** (step // 95)).astype(np.float32)
    noise = np.random.default_rng(1).normal(scale=0.15, size=step.size)
    loss = ((0.3 + 2 * np.exp(-step / 270)) * np.exp(noise)).astype(np.float32)
    decay = {"initial_learning_rate": 0.1, "decay_steps": 95, "decay_rate": 0.8, "staircase": True}
    about = {
        "optimizer": {"class_name": "Adam", "config": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}},
        "schedule": {"class_name": "ExponentialDecay", "config": decay},
        "batch_size": 2048,
        "epochs": 16,
        "steps_per_epoch": 76,
        "framework": "keras 3.15.1",
        "backend": "tensorflow 2.21.0",
        "loss_source": "each batch's own, taken in the compiled step",
    }
    count = step + 1
    correction = np.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    return _record(log_dir, rate, loss, 76, about=about, effective=rate * correction, seconds=0.11)


def mystery(log_dir: Path, *, planned_epochs: int = 6) -> Recording:
    """A tutorial's staircase: a drop every 95 steps, where an epoch has 76. Edges at 95, 190, 285, 380."""
    step = np.arange(456)
    rate = (0.1 * 0.95 ** (step // 95)).astype(np.float32)
    loss = (0.2 + 2 * np.exp(-step / 90)).astype(np.float32)
    decay = {"initial_learning_rate": 0.1, "decay_steps": 95, "decay_rate": 0.95, "staircase": True}
    about = {
        "optimizer": {"class_name": "SGD", "config": {}},
        "schedule": {"class_name": "ExponentialDecay", "config": decay},
        "epochs": planned_epochs,
        "steps_per_epoch": 76,
        "framework": "keras 3.15.1",
    }
    return _record(log_dir, rate, loss, 76, about=about)


def stalled(log_dir: Path) -> Recording:
    """A constant learning rate under a loss that is best in epoch 8 of 40 and grows from there on."""
    return _record(log_dir, np.full(1800, 0.1, np.float32), _stalling(), 45)


def answered(log_dir: Path) -> Recording:
    """The same loss, and a ReduceLROnPlateau with patience 10 that answers it after epochs 18, 28 and 38."""
    epoch = np.arange(1800) // 45
    rate = (0.1 * 0.1 ** np.clip((epoch - 9) // 10, 0, None)).astype(np.float32)
    plateau = {"monitor": "val_loss", "factor": 0.1, "patience": 10, "applied": True}
    return _record(log_dir, rate, _stalling(), 45, about={"plateau": plateau, "framework": "keras 3.15.1"})


def _stalling() -> npt.NDArray[np.float32]:
    epoch = np.arange(1800) // 45
    return np.where(epoch <= 8, 1.0 - 0.1 * epoch, 0.2 + 0.0005 * (epoch - 8)).astype(np.float32)


def crowded(log_dir: Path) -> Recording:
    """A staircase that drops every 7 steps: 428 edges."""
    step = np.arange(3000)
    rate = (0.1 * 0.99 ** (step // 7)).astype(np.float32)
    return _record(log_dir, rate, (0.3 + 2 * np.exp(-step / 500)).astype(np.float32), 100)


def decreasing(log_dir: Path, steps: int, steps_per_epoch: int) -> Recording:
    """A learning rate that is another one at every step, and the loss its hundredfold."""
    rate = np.linspace(0.1, 0.01, steps).astype(np.float32)
    return _record(log_dir, rate, 100 * rate, steps_per_epoch)


def broken(log_dir: Path) -> Recording:
    """A constant learning rate, and a loss that is NaN for a while and infinite once."""
    rate = np.full(400, 0.001, np.float32)
    loss = np.linspace(2, 1, 400).astype(np.float32)
    loss[100:120] = np.nan
    loss[300] = np.inf
    return _record(log_dir, rate, loss, 40)


def _record(
    log_dir: Path,
    rate: npt.NDArray[np.float32],
    loss: npt.NDArray[np.float32],
    steps_per_epoch: int,
    *,
    about: dict[str, Any] | None = None,
    effective: npt.NDArray[np.floating[Any]] | None = None,
    seconds: float = 0.01,
) -> Recording:
    effective = rate if effective is None else effective
    start = time.time() - seconds * rate.size
    with lrmon.Recorder(log_dir, run=about) as recorder:
        for first in range(0, rate.size, steps_per_epoch):
            rows = slice(first, first + steps_per_epoch)
            size = rate[rows].size
            recorder.batches(
                learning_rate=rate[rows],
                effective_learning_rate=effective[rows],
                loss=loss[rows],
                wall_time=start + seconds * np.arange(first + 1, first + size + 1),
            )
            if size == steps_per_epoch:
                mean = float(np.nanmean(loss[rows]))
                recorder.end_epoch({"loss": mean, "val_loss": 1.2 * mean, "accuracy": 1 / (1 + mean)})
    return Recording(rate, loss, steps_per_epoch)
