"""Recorded range tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import lrmon
from tests.analysis.sweeps import Floats, swept
from tests.review.written import START

SETTINGS: dict[str, Any] = {
    "start_lr": 1e-7,
    "end_lr": 10.0,
    "steps": 200,
    "growth": "exponential",
    "stop_factor": 4.0,
    "smoothing": 0.9,
    "repeats": 1,
}


def record_range_test(folder: Path, *sweeps: tuple[Floats, Floats], **fields: Any) -> None:
    """Records sweeps of one call, each a fit that goes on counting steps.

    Args:
        folder: Of the run.
        sweeps: Learning rates and losses.
        fields: Of the range test's record.
    """
    with lrmon.Recorder.without_fit(str(folder)) as recorder:
        for repeat, (lr, loss) in enumerate(sweeps):
            test = {**SETTINGS, "repeats": len(sweeps), **fields, "repeat": repeat}
            run = {"kind": "range_test", "optimizer": {"class_name": "Adam"}, "range_test": test}
            first = recorder.next_step
            recorder.begin_fit(run, first_step=first, start_time=START)
            recorder.batches(learning_rate=lr, loss=loss, wall_time=START + (first + np.arange(lr.size)) / 10)
            recorder.end_fit("completed")


def three_sweeps() -> list[tuple[Floats, Floats]]:
    return [swept(200, noise=0.02, seed=seed) for seed in range(3)]
