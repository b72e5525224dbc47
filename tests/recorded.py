"""What is on disk, as TensorBoard's own reader sees it: the other end of every recording test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from lrmon import schema


@dataclass(frozen=True)
class Recorded:
    """One folder. Arrays are in the order of the file.

    Attributes:
        step: [n], of the rows of all recordings.
        rows: [n, 4], `schema.BATCH_COLUMNS`.
        lengths: Rows of each batch record.
        epochs: The epoch records.
        fits: The run records: two a fit that has ended, one that runs or was killed.
        scalars: By tag, (steps [n], values [n], wall times [n]).
        recordings: Names, sorted.
        lrs: [n, m], of the optimizers, where there are several.
        updates: [n, m], of each; all 1 in the rows of which nothing else is recorded.
        skipped: Steps without an update.
        samples: The sample records.
    """

    step: npt.NDArray[np.int64]
    rows: npt.NDArray[np.float32]
    lengths: list[int]
    epochs: list[dict[str, Any]]
    fits: list[dict[str, Any]]
    scalars: dict[str, tuple[list[int], list[float], list[float]]]
    recordings: list[str]
    lrs: npt.NDArray[np.float32]
    updates: npt.NDArray[np.float32]
    skipped: list[int]
    samples: list[dict[str, Any]]

    @property
    def learning_rate(self) -> npt.NDArray[np.float32]:
        return self.rows[:, 0]

    @property
    def effective_learning_rate(self) -> npt.NDArray[np.float32]:
        return self.rows[:, 1]

    @property
    def loss(self) -> npt.NDArray[np.float32]:
        return self.rows[:, 2]


def recorded(log_dir: Path | str) -> Recorded:
    """Returns everything that the folder's event files hold."""
    reader = EventAccumulator(str(log_dir), size_guidance={"tensors": 0})
    reader.Reload()
    steps, rows, lengths = [np.zeros(0, np.int64)], [np.zeros((0, 4), np.float32)], []
    lrs: list[npt.NDArray[np.float32]] = []
    updates: dict[int, npt.NDArray[np.float32]] = {}
    prefixes = (schema.EPOCHS_PREFIX, schema.RUN_PREFIX, schema.SKIPPED_PREFIX, schema.SAMPLES_PREFIX)
    notes: dict[str, list[dict[str, Any]]] = {prefix: [] for prefix in prefixes}
    scalars: dict[str, tuple[list[int], list[float], list[float]]] = {}
    recordings: set[str] = set()
    for tag in sorted(reader.Tags()["tensors"]):
        events = [(event, tensor_util.make_ndarray(event.tensor_proto)) for event in reader.Tensors(tag)]
        if reader.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
            scalars[tag] = (
                [event.step for event, _ in events],
                [float(value) for _, value in events],
                [event.wall_time for event, _ in events],
            )
            continue
        recordings.add(tag.split("/")[2])
        for event, value in events:
            if tag.startswith(schema.RATES_PREFIX):
                lrs.append(value)
            elif tag.startswith(schema.UPDATES_PREFIX):
                updates[event.step] = value
            elif tag.startswith(schema.BATCHES_PREFIX):
                steps.append(np.arange(event.step - len(value) + 1, event.step + 1))
                rows.append(value)
                lengths.append(len(value))
            else:
                notes["/".join(tag.split("/")[:2]) + "/"].append(json.loads(value.item()))
    width = max((value.shape[1] for value in updates.values()), default=1)
    counts = [
        updates.get(int(block[-1]), np.ones((len(block), width), np.float32)) for block in steps if len(block)
    ]
    return Recorded(
        np.concatenate(steps),
        np.concatenate(rows),
        lengths,
        notes[schema.EPOCHS_PREFIX],
        notes[schema.RUN_PREFIX],
        scalars,
        sorted(recordings),
        np.concatenate(lrs) if lrs else np.zeros((0, 0), np.float32),
        np.concatenate(counts) if counts else np.zeros((0, width), np.float32),
        [step for record in notes[schema.SKIPPED_PREFIX] for step in record["steps"]],
        notes[schema.SAMPLES_PREFIX],
    )
