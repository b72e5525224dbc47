"""The log directory behind the golden answers: its event files are the same bytes each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from tests.analysis.sweeps import swept
from tests.review.range_tests import SETTINGS
from tests.review.written import START, Record, block, epoch, fit, lrs, sample, scalar, skipped, write

FIRST = "1-20250101T000000.000000Z-1"
SECOND = "2-20250101T010000.000000Z-2"

LENGTH = 30
"""Steps per epoch of the runs `staircase` and `reduced`."""


def write_golden_runs(folder: Path) -> None:
    """Writes one run of every kind that the routes distinguish."""
    _staircase(folder / "staircase")
    _reduced(folder / "reduced")
    _time_based(folder / "time-based")
    _strange(folder / "strange" / "ü")
    _several_optimizers(folder / "two optimizers")
    _went_back(folder / "trained twice")
    write(folder / "empty", [fit(FIRST, 0)])
    lr_scalars = [scalar(schema.SCALAR_LEARNING_RATE, step, 0.1 / (1 + step // 4)) for step in range(10)]
    write(folder / "scalars", [*lr_scalars, scalar("lrmon/epoch/loss", 9, 1.5)])
    _range_tests(folder)


def _rows(lr: NDArray[Any], loss: NDArray[Any], *, effective: NDArray[Any] | None = None) -> NDArray[Any]:
    columns = (lr, lr if effective is None else effective, loss, np.full(lr.size, 0.5))
    return np.column_stack(columns).astype(np.float32)


def _staircase(folder: Path) -> None:
    """A training that still runs: its schedule drops off the epochs, two of the drops one step late."""
    config = {"initial_learning_rate": 0.1, "decay_steps": 41, "decay_rate": 0.5, "staircase": True}
    steps = np.arange(5 * LENGTH)
    passed = np.floor(steps.astype(np.float32) * (np.float32(1) / np.float32(41)))
    loss = 1.0 + np.exp(-steps / 40.0) + 0.05 * np.sin(steps)
    record = fit(
        FIRST,
        0,
        optimizer={"class_name": "SGD", "config": {"name": "SGD", "momentum": 0.0}},
        schedule={"class_name": "ExponentialDecay", "config": config},
        steps_per_epoch=LENGTH,
        epochs=8,
        batch_size=32,
        compiled="graph",
        framework="keras 3.15.1",
        learning_rate_provenance="the compiled step",
        loss_provenance="the compiled step",
        exactness={"effective_learning_rate": "bounded"},
        effective_learning_rate_factors=[{"name": "learning rate", "formula": "α"}],
        effective_learning_rate_note=None,
        plateau={"monitor": "val_loss", "patience": 2, "min_delta": 0.01, "factor": 0.5},
        warnings=["A warning."],
        preflight_warnings=[{"code": "staircase-off-epoch", "text": "A warning."}],
    )
    val_loss = [1.0, 0.8, 0.8, 0.8, 0.9]
    epochs = [
        epoch(FIRST, number, number * LENGTH, number * LENGTH + LENGTH - 1, loss=value / 2, val_loss=value)
        for number, value in enumerate(val_loss)
    ]
    write(folder, [record, block(FIRST, 0, _rows(0.1 * 0.5**passed, loss)), *epochs])


def _reduced(folder: Path) -> None:
    """A completed training with a ReduceLROnPlateau of its own, and a drop that it did not make."""
    lr_of_epochs = np.repeat([0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.005, 0.005], LENGTH)
    plateau = {"monitor": "val_loss", "patience": 2, "factor": 0.5, "min_delta": 0.01, "applied": True}
    record = fit(
        FIRST,
        0,
        optimizer={"class_name": "Adam", "config": {}},
        steps_per_epoch=LENGTH,
        epochs=8,
        framework="keras 3.15.1",
        plateau=plateau,
        ended="completed",
        end_time=START + 200,
        last_step=8 * LENGTH - 1,
    )
    val_loss = [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]
    losses = 1.0 / (1 + np.arange(8 * LENGTH) / 50.0)
    epochs = [
        epoch(FIRST, number, number * LENGTH, number * LENGTH + LENGTH - 1, loss=value, val_loss=value)
        for number, value in enumerate(val_loss)
    ]
    write(folder, [record, block(FIRST, 0, _rows(lr_of_epochs, losses)), *epochs])


def _time_based(folder: Path) -> None:
    """A learning rate that one rule changes in every step, and an epoch metric of no known direction."""
    steps = np.arange(40)
    record = fit(
        FIRST,
        0,
        optimizer={"class_name": "SGD", "config": {"decay": 0.1}},
        framework="keras 3.15.1",
        ended="stopped",
        end_time=START + 30,
        last_step=39,
    )
    epochs = [epoch(FIRST, number, number * 20, number * 20 + 19, score=0.5) for number in range(2)]
    losses = 2.0 - steps / 100.0
    write(folder, [record, block(FIRST, 0, _rows(0.1 / (1 + 0.1 * steps), losses)), *epochs])


def _strange(folder: Path) -> None:
    """Missing steps, numbers that are not finite, skipped steps and step-size samples."""
    lr = np.array([0.1, 0.1, np.inf, 0.1, 0.1, 0.1, 0.1, 0.1])
    loss = np.array([1.0, np.nan, np.inf, -np.inf, 0.5, 0.25, 0.25, 0.25])
    records = [
        fit(
            FIRST,
            0,
            steps_per_epoch=12,
            step_sizes_every=4,
            optimizer={"class_name": "Adam", "config": {}},
            ended="interrupted: KeyboardInterrupt",
            end_time=START + 9,
            last_step=23,
        ),
        block(FIRST, 0, _rows(lr, loss, effective=np.full(8, np.nan))),
        block(FIRST, 12, _rows(lr[3:], loss[3:], effective=np.full(5, np.nan)), number=0),
        epoch(FIRST, 0, 0, 11, loss=1.0, val_loss=float("nan")),
        epoch(FIRST, 1, 12, 16, loss=float("inf")),
        skipped(FIRST, 1, 2, 14),
        sample(FIRST, 0),
        sample(FIRST, 4, update_to_weight={"dense": float("nan"), "head": 0.5}),
        sample(FIRST, 12, update_to_weight=None),
    ]
    write(folder, records)


def _several_optimizers(folder: Path) -> None:
    """Two optimizers, of which one makes several updates in a step and one makes none in some."""
    steps = np.arange(12)
    optimizers = [
        {"name": "body", "optimizer": {"class_name": "Adam", "config": {}}, "schedule": None, "variables": 4},
        {"name": "head", "optimizer": {"class_name": "SGD", "config": {}}, "schedule": None, "variables": 2},
    ]
    body, head = np.full(12, 0.001), np.where(steps < 6, 0.1, 0.05)
    updates = np.column_stack((np.full(12, 3), steps % 2)).astype(np.float32)
    records = [
        fit(FIRST, 0, optimizer={"class_name": "Adam"}, optimizers=optimizers, main_optimizer="body"),
        block(FIRST, 0, _rows(body, 1.0 / (1 + steps))),
        lrs(FIRST, 0, np.column_stack((body, head)).astype(np.float32)),
        Record(f"{schema.UPDATES_PREFIX}{FIRST}/0", 11, updates),
        epoch(FIRST, 0, 0, 11, loss=0.3),
    ]
    write(folder, records)


def _went_back(folder: Path) -> None:
    """A training, and another one from step 0 on in the same folder."""
    write(folder, [fit(FIRST, 0), block(FIRST, 0, 6), epoch(FIRST, 0, 0, 5, loss=1.0)], name="1.test")
    write(folder, [fit(SECOND, 0, start_time=START + 3600), block(SECOND, 0, 4)], name="2.test")


def _range_tests(folder: Path) -> None:
    """Two sweeps of one test, and a test without a drop in loss."""
    records = []
    sweeps = [swept(60), swept(60, falls_at=2e-3)]
    sweeps[1][1][3] = np.nan
    for repeat, (lr, loss) in enumerate(sweeps):
        test = {
            **SETTINGS,
            "steps": 60,
            "repeats": 2,
            "repeat": repeat,
            "stopped": "diverged",
            "stopped_reason": "The smoothed loss rose above 4 times its lowest value.",
        }
        record = fit(
            FIRST,
            60 * repeat,
            fit=repeat,
            kind="range_test",
            optimizer={"class_name": "Adam", "config": {}},
            range_test=test,
            ended="completed",
            end_time=START + 60 * repeat + 30,
            last_step=60 * repeat + 59,
        )
        records += [
            record,
            block(FIRST, 60 * repeat, _rows(lr, loss), number=repeat),
        ]
    write(folder / "range test", records)
    flat = block(FIRST, 0, _rows(np.geomspace(1e-7, 10.0, 20), np.full(20, 2.0)))
    write(folder / "flat range test", [fit(FIRST, 0, kind="range_test"), flat])
