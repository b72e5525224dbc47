"""The runs that the tests of the page look at, and what was recorded in them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import lrmon
from lrmon import schema


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


LONG_NAME = "".join(f"metric_{index:03}_" for index in range(364))[:4000]


def strange(folder: Path) -> None:
    """Runs with names of what every object has, a metric of 4,000 characters, NaN losses, and a hole."""
    step = np.arange(240)
    lr = np.full(step.size, 0.01, np.float32)
    loss = (0.3 + np.exp(-step / 60)).astype(np.float32)
    for name in ("__proto__", "constructor", "toString"):
        _record(folder / name, lr, loss, 40)
    _record(folder / "nan-loss", lr, np.full(step.size, np.nan, np.float32), 40)
    turned = np.where(step < 150, lr, np.nan).astype(np.float32)
    _record(folder / "nan-rate", turned, np.where(step < 151, loss, np.nan).astype(np.float32), 40)
    with lrmon.Recorder(folder / "long-name", run={"steps_per_epoch": 40}) as recorder:
        for number in range(6):
            rows = slice(40 * number, 40 * number + 40)
            recorder.batches(
                learning_rate=lr[rows], loss=loss[rows], wall_time=1.7e9 + step[rows].astype(float)
            )
            recorder.end_epoch({LONG_NAME: 1.0 / (number + 1), f"{LONG_NAME}_loss": 0.8, "val_loss": 0.7})
    about = {"optimizer": {"class_name": "Adam", "config": {}}, "steps_per_epoch": 40}
    with lrmon.Recorder(folder / "uncounted", run=about) as recorder:
        recorder.batches(learning_rate=lr[:100], loss=loss[:100], wall_time=1.7e9 + step[:100].astype(float))
        recorder.end_fit("interrupted: ValueError")
        recorder.begin_fit(about, first_step=101)
        recorder.batches(learning_rate=lr[:139], loss=loss[101:], wall_time=1.7e9 + step[101:].astype(float))


def staircase(log_dir: Path) -> Recording:
    """A schedule that drops every 95 steps, where an epoch has 76: 16 epochs, 1,216 steps."""
    step = np.arange(1216)
    lr = (0.1 * 0.8 ** (step // 95)).astype(np.float32)
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
        "loss_provenance": "each batch's own, taken in the compiled step",
    }
    count = step + 1
    correction = np.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    return _record(log_dir, lr, loss, 76, about=about, effective=lr * correction, seconds=0.11)


def mystery(log_dir: Path, *, planned_epochs: int = 6) -> Recording:
    """A tutorial's staircase: a drop every 95 steps, where an epoch has 76. Edges at 95, 190, 285, 380."""
    step = np.arange(456)
    lr = (0.1 * 0.95 ** (step // 95)).astype(np.float32)
    loss = (0.2 + 2 * np.exp(-step / 90)).astype(np.float32)
    decay = {"initial_learning_rate": 0.1, "decay_steps": 95, "decay_rate": 0.95, "staircase": True}
    about = {
        "optimizer": {"class_name": "SGD", "config": {}},
        "schedule": {"class_name": "ExponentialDecay", "config": decay},
        "epochs": planned_epochs,
        "steps_per_epoch": 76,
        "framework": "keras 3.15.1",
    }
    return _record(log_dir, lr, loss, 76, about=about)


def stalled(log_dir: Path) -> Recording:
    """A constant learning rate under a loss that is best in epoch 8 of 40 and grows from there on."""
    return _record(log_dir, np.full(1800, 0.1, np.float32), _stalling(), 45)


def answered(log_dir: Path) -> Recording:
    """The same loss, and a ReduceLROnPlateau with patience 10 that answers it after epochs 18, 28 and 38."""
    epoch = np.arange(1800) // 45
    lr = (0.1 * 0.1 ** np.clip((epoch - 9) // 10, 0, None)).astype(np.float32)
    plateau = {"monitor": "val_loss", "factor": 0.1, "patience": 10, "applied": True}
    return _record(log_dir, lr, _stalling(), 45, about={"plateau": plateau, "framework": "keras 3.15.1"})


def _stalling() -> npt.NDArray[np.float32]:
    epoch = np.arange(1800) // 45
    return np.where(epoch <= 8, 1.0 - 0.1 * epoch, 0.2 + 0.0005 * (epoch - 8)).astype(np.float32)


def warmed(log_dir: Path) -> Recording:
    """A warm-up of 100 steps to a constant learning rate: good to know, and nothing else."""
    lr = np.minimum((1 + np.arange(1000)) / 100, 1.0).astype(np.float32) * np.float32(0.1)
    return _record(log_dir, lr, (0.3 + 2 * np.exp(-np.arange(1000) / 300)).astype(np.float32), 50)


def every_epoch(log_dir: Path) -> Recording:
    """A learning rate that a callback multiplies by 0.93 at every epoch: 40 epochs."""
    lr = np.repeat(0.1 * 0.93 ** np.arange(40), 30).astype(np.float32)
    return _record(log_dir, lr, (0.3 + 2 * np.exp(-np.arange(1200) / 300)).astype(np.float32), 30)


def time_based(log_dir: Path) -> Recording:
    """A learning rate that is divided by 1 + 0.001 * step: 40 epochs."""
    step = np.arange(1200)
    lr = (0.1 / (1 + 1e-3 * step)).astype(np.float32)
    return _record(log_dir, lr, (0.3 + 2 * np.exp(-step / 300)).astype(np.float32), 30)


def own_finder(log_dir: Path) -> Recording:
    """A finder of the user's own: a fit whose learning rate grows by one factor at every step."""
    part = np.linspace(0, 1, 300)
    loss = 2.3 - 1.5 / (1 + np.exp(-30 * (part - 0.6))) + np.exp(np.maximum(40 * (part - 0.88), 0)) - 1
    lr = (1e-6 * 10 ** (7 * part)).astype(np.float32)
    about = {"framework": "keras 3.15.1", "optimizer": {"class_name": "SGD", "config": {}}}
    return _record(log_dir, lr, loss.astype(np.float32), 100, about=about, seconds=0.2)


def crowded(log_dir: Path) -> Recording:
    """A staircase that drops every 7 steps: 428 edges."""
    step = np.arange(3000)
    lr = (0.1 * 0.99 ** (step // 7)).astype(np.float32)
    return _record(log_dir, lr, (0.3 + 2 * np.exp(-step / 150)).astype(np.float32), 100)


def decreasing(log_dir: Path, steps: int, steps_per_epoch: int) -> Recording:
    """A learning rate that is another one at every step, and the loss its hundredfold."""
    lr = np.linspace(0.1, 0.01, steps).astype(np.float32)
    return _record(log_dir, lr, 100 * lr, steps_per_epoch)


def broken(log_dir: Path) -> Recording:
    """A constant learning rate, and a loss that is NaN for a while and infinite once."""
    lr = np.full(400, 0.001, np.float32)
    loss = np.linspace(2, 1, 400).astype(np.float32)
    loss[100:120] = np.nan
    loss[300] = np.inf
    return _record(log_dir, lr, loss, 40)


PLACES = ("block_1/conv", "block_1/norm", "block_2/conv", "block_2/norm", "block_3/conv", "head/dense")


def sampled(log_dir: Path, *, layers: int = len(PLACES)) -> Recording:
    """Adam for 8 epochs of 50 steps, what its updates do to the weights sampled every 20 steps."""
    step = np.arange(400)
    lr = (1e-3 * 0.5 * (1 + np.cos(np.pi * step / 400))).astype(np.float32)
    count = step + 1
    correction = np.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    names = [*PLACES, *(f"block_{index}/conv" for index in range(4, layers))][:layers]
    about = {
        "optimizer": {"class_name": "Adam", "config": {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}},
        "schedule": {
            "class_name": "CosineDecay",
            "config": {"initial_learning_rate": 1e-3, "decay_steps": 400},
        },
        "epochs": 8,
        "steps_per_epoch": 50,
        "learning_rate_provenance": "the schedule, evaluated in the compiled step",
        "effective_learning_rate_provenance": "learning rate · cₜ, from the optimizer's settings",
        "loss_provenance": "each batch's own, taken in the compiled step",
        "effective_learning_rate_factors": [
            {"name": "schedule", "formula": "CosineDecay(i)"},
            {"name": "bias correction", "formula": "√(1 − 0.999ᵗ) / (1 − 0.9ᵗ)"},
        ],
        "effective_learning_rate_note": ADAM_NOTE,
        "step_sizes_every": 20,
    }
    sizes = np.array([0.2, 0.6, 1.4, 4.0, 30.0])
    samples: list[schema.SampleRecord] = [
        {
            "step": int(at),
            "parameters": 1_250_000,
            "sampled": 10_000,
            "step_size": [float(size) for size in sizes * lr[at] * correction[at]],
            "update_to_weight": {
                name: float(lr[at] * (0.2 + position) * (1 + 0.2 * np.sin(at / 40 + position)))
                for position, name in enumerate(names)
            },
        }
        for at in step[::20]
    ]
    loss = (0.1 + 2 * np.exp(-step / 120)).astype(np.float32)
    return _record(log_dir, lr, loss, 50, about=about, effective=lr * correction, samples=samples)


ADAM_NOTE = (
    "cₜ corrects the bias of Adam's moments. It is not how far a weight moves: with a constant gradient each "
    "update moves it by the learning rate, while cₜ falls to 0.15 at update 12 and returns to 1."
)


def two_optimizers(log_dir: Path) -> Recording:
    """A body and a head with an optimizer each; the loss is known within a bound, no effective rate is."""
    step = np.arange(300)
    body = np.full(300, 1e-4, np.float32)
    head = (1e-2 * 0.5 ** (step // 100)).astype(np.float32)
    about = {
        "optimizer": {"class_name": "AdamW", "config": {}},
        "optimizers": [
            {
                "name": "body",
                "optimizer": {"class_name": "AdamW", "config": {}},
                "schedule": None,
                "variables": 36,
            },
            {
                "name": "head",
                "optimizer": {"class_name": "SGD", "config": {}},
                "schedule": None,
                "variables": 2,
            },
        ],
        "learning_rate_provenance": "each optimizer's own, in the compiled step",
        "effective_learning_rate_provenance": "none: several optimizers have no single effective LR",
        "loss_provenance": "the difference of the loss tracker's sums, within 2.5e-4 of the batch's own",
        "exactness": {"effective_learning_rate": "unavailable", "loss": "bounded"},
        "epochs": 6,
        "steps_per_epoch": 50,
    }
    loss = (0.3 + np.exp(-step / 60)).astype(np.float32)
    effective = np.full(300, np.nan)
    lrs = {"body": body, "head": head}
    return _record(log_dir, body, loss, 50, about=about, effective=effective, lrs=lrs)


SKIPPED = (0, 1, 2, 120, 121)


def scaled(log_dir: Path) -> Recording:
    """Mixed precision: the loss scale overflowed at the steps `SKIPPED`, whose updates were not made."""
    step = np.arange(240)
    lr = (0.01 * (1 - step / 480)).astype(np.float32)
    loss = (0.5 + np.exp(-step / 80)).astype(np.float32)
    about = {
        "optimizer": {"class_name": "LossScaleOptimizer", "config": {}},
        "steps_per_epoch": 40,
        "epochs": 6,
    }
    return _record(log_dir, lr, loss, 40, about=about, skipped=SKIPPED)


def sweep(
    log_dir: Path,
    *,
    best: float = 0.05,
    steps: int = 100,
    seed: int = 0,
    repeats: int = 1,
    end_lr: float = 10.0,
) -> Recording:
    """A range test whose loss is lowest at the learning rate `best`, and which stops at 4 times that loss.

    A further sweep of the same call goes on counting steps.
    """
    settings = {
        "start_lr": 1e-5,
        "end_lr": end_lr,
        "steps": steps,
        "growth": "exponential",
        "stop_factor": 4.0,
        "smoothing": 0.9,
        "repeats": repeats,
    }
    generator = np.random.default_rng(seed)
    planned = np.geomspace(1e-5, end_lr, steps)
    lrs: list[npt.NDArray[np.float32]] = []
    losses: list[npt.NDArray[np.float32]] = []
    start = time.time() - 20
    optimizer = {"class_name": "SGD", "config": {}}
    about = {
        "kind": "range_test",
        "optimizer": optimizer,
        "framework": "keras 3.15.1",
        "steps_per_epoch": None,
    }
    recorder: lrmon.Recorder | None = None
    first = 0
    for repeat in range(repeats):
        position = np.log10(planned / (best * 1.15**repeat))
        fall = 2.3 / (1 + np.exp(3.2 * (position + 1.1)))
        loss = 0.25 + fall + 0.9 * np.maximum(position, 0) ** 2 * 3
        loss = loss * np.exp(generator.normal(scale=0.05, size=steps))
        over = np.flatnonzero(loss > 4 * loss.min())
        over = over[over > loss.argmin()]
        end = int(over[0]) + 1 if over.size else steps
        stopped = "diverged" if over.size else None
        reason = (
            f"The loss rose above 4 times its lowest value at a learning rate of {planned[end - 1]:.3g}."
            if over.size
            else None
        )
        test = {**settings, "repeat": repeat, "stopped": stopped, "stopped_reason": reason}
        run = {**about, "range_test": test}
        if recorder is None:
            recorder = lrmon.Recorder(log_dir, run=run)
        else:
            recorder.begin_fit(run, first_step=first)
        lrs.append(planned[:end].astype(np.float32))
        losses.append(loss[:end].astype(np.float32))
        times = start + 0.02 * np.arange(first + 1, first + end + 1)
        recorder.batches(
            learning_rate=lrs[-1], effective_learning_rate=lrs[-1], loss=losses[-1], wall_time=times
        )
        first += end
        recorder.end_fit("completed")
    assert recorder is not None
    recorder.close()
    return Recording(np.concatenate(lrs), np.concatenate(losses), first)


def flat_sweep(log_dir: Path) -> Recording:
    """A range test in which nothing happens: it says that it cannot tell."""
    lr = np.geomspace(1e-7, 1e-5, 60).astype(np.float32)
    loss = (2.3 + np.random.default_rng(5).normal(scale=0.02, size=60)).astype(np.float32)
    settings = {"start_lr": 1e-7, "end_lr": 1e-5, "steps": 60, "growth": "exponential", "stop_factor": 4.0}
    test = {**settings, "smoothing": 0.9, "repeat": 0, "repeats": 1, "stopped": None, "stopped_reason": None}
    about = {"kind": "range_test", "optimizer": {"class_name": "Adam", "config": {}}, "range_test": test}
    with lrmon.Recorder(log_dir, run=about) as recorder:
        times = time.time() - 60 + 0.02 * np.arange(60)
        recorder.batches(learning_rate=lr, effective_learning_rate=lr, loss=loss, wall_time=times)
    return Recording(lr, loss, 60)


def _record(
    log_dir: Path,
    lr: npt.NDArray[np.float32],
    loss: npt.NDArray[np.float32],
    steps_per_epoch: int,
    *,
    about: dict[str, Any] | None = None,
    effective: npt.NDArray[np.floating[Any]] | None = None,
    seconds: float = 0.01,
    lrs: dict[str, npt.NDArray[np.float32]] | None = None,
    samples: Sequence[schema.SampleRecord] = (),
    skipped: Sequence[int] = (),
) -> Recording:
    effective = lr if effective is None else effective
    start = time.time() - seconds * lr.size
    with lrmon.Recorder(log_dir, run=about) as recorder:
        for first in range(0, lr.size, steps_per_epoch):
            rows = slice(first, first + steps_per_epoch)
            size = lr[rows].size
            recorder.batches(
                learning_rate=lr[rows],
                effective_learning_rate=effective[rows],
                loss=loss[rows],
                wall_time=start + seconds * np.arange(first + 1, first + size + 1),
                learning_rates={name: values[rows] for name, values in (lrs or {}).items()},
            )
            last = first + size
            recorder.skipped([step for step in skipped if first <= step < last])
            for sample in samples:
                if first <= sample["step"] < last:
                    recorder.sample(sample)
            if size == steps_per_epoch:
                known = loss[rows][~np.isnan(loss[rows])]
                mean = float(known.mean()) if known.size else np.nan
                recorder.end_epoch({"loss": mean, "val_loss": 1.2 * mean, "accuracy": 1 / (1 + mean)})
    return Recording(lr, loss, steps_per_epoch)
