"""Event files with any records in them, and TensorBoard's own reader on top of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorboard import context
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util

from lrmon import schema
from lrmon.review.reading.data_provider import RecordReader
from lrmon.review.reading.run_cache import RunCache
from lrmon.review.run.run import Run
from lrmon.review.run_list import summarize

START = 1_700_000_000.0


@dataclass(frozen=True)
class Record:
    """One event with one summary value."""

    tag: str
    step: int
    value: Any
    wall_time: float = START
    plugin: str = schema.PLUGIN_NAME


def block(
    recording: str,
    first_step: int,
    values: NDArray[Any] | int,
    *,
    number: int = 0,
    wall_time: float | None = None,
) -> Record:
    """A batch record: of these values, or of so many rows, half a second apart, whose loss is the step."""
    if isinstance(values, int):
        steps = np.arange(first_step, first_step + values)
        lr = np.full(values, 0.1)
        values = np.column_stack((lr, lr / 2, steps, np.full(values, 0.5))).astype(np.float32)
    tag = f"{schema.BATCHES_PREFIX}{recording}/{number}"
    last_step = first_step + len(values) - 1
    return Record(tag, last_step, values, START + last_step / 2 if wall_time is None else wall_time)


def epoch(recording: str, number: int, first_step: int, last_step: int, **metrics: float) -> Record:
    record = {
        "epoch": number,
        "first_step": first_step,
        "last_step": last_step,
        "wall_time": START + last_step,
        "metrics": metrics,
        "types": {},
    }
    return Record(schema.EPOCHS_PREFIX + recording, max(last_step, 0), schema.to_json(record))


def fit(recording: str, first_step: int, **fields: Any) -> Record:
    record = {
        "format_version": 1,
        "fit": 0,
        "kind": "training",
        "start_time": START,
        "first_step": first_step,
    }
    return Record(schema.RUN_PREFIX + recording, first_step, schema.to_json({**record, **fields}))


def lrs(recording: str, first_step: int, values: NDArray[Any], *, number: int = 0) -> Record:
    """The learning rates of several optimizers, beside a batch record with these rows."""
    last_step = first_step + max(len(values) if values.ndim else 1, 1) - 1
    return Record(f"{schema.RATES_PREFIX}{recording}/{number}", last_step, values)


def skipped(recording: str, *steps: int) -> Record:
    """Steps without an update."""
    return Record(schema.SKIPPED_PREFIX + recording, max(steps), schema.to_json({"steps": list(steps)}))


def sample(recording: str, step: int, **fields: Any) -> Record:
    """What one update did to ten of a hundred weights."""
    record = {
        "step": step,
        "parameters": 100,
        "sampled": 10,
        "step_size": [1.0, 2.0, 3.0, 4.0, 5.0],
        "update_to_weight": {"dense": 0.01},
    }
    return Record(schema.SAMPLES_PREFIX + recording, step, schema.to_json({**record, **fields}))


def scalar(tag: str, step: int, value: float, *, wall_time: float = START) -> Record:
    return Record(tag, step, np.float32(value), wall_time, plugin="scalars")


def write(folder: Path, records: Sequence[Record], *, name: str = "1.test") -> None:
    """Writes an event file."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"events.out.tfevents.{name}").open("wb") as file:
        writer = RecordWriter(file)
        writer.write(event_pb2.Event(wall_time=START, file_version="brain.Event:2").SerializeToString())
        for record in records:
            is_scalar = record.plugin == "scalars"
            metadata = summary_pb2.SummaryMetadata(
                data_class=summary_pb2.DATA_CLASS_SCALAR if is_scalar else summary_pb2.DATA_CLASS_TENSOR
            )
            metadata.plugin_data.plugin_name = record.plugin
            value = record.value
            tensor = (
                value if isinstance(value, tensor_pb2.TensorProto) else tensor_util.make_tensor_proto(value)
            )
            summary = summary_pb2.Summary()
            summary.value.add(tag=record.tag, metadata=metadata, tensor=tensor)
            event = event_pb2.Event(wall_time=record.wall_time, step=record.step, summary=summary)
            writer.write(event.SerializeToString())
        writer.flush()


class Logs:
    """A log directory, as TensorBoard's Python loader serves it."""

    def __init__(self, folder: Path, *, samples: int = 0) -> None:
        guidance = {schema.PLUGIN_NAME: samples, "scalars": 1000}
        self._multiplexer = plugin_event_multiplexer.EventMultiplexer(tensor_size_guidance=guidance)
        self._folder = str(folder)
        self.provider = data_provider.MultiplexerDataProvider(self._multiplexer, self._folder)
        self.cache = RunCache(samples=samples, summarize=summarize)
        self.reload()

    def reload(self) -> None:
        self._multiplexer.AddRunsFromDirectory(self._folder)
        self._multiplexer.Reload()

    @property
    def reader(self) -> RecordReader:
        return RecordReader(self.provider, context.RequestContext(), "")

    def run(self, name: str = "run") -> Run:
        return self.cache.run(self.reader, name)

    def runs(self) -> dict[str, Any]:
        """The answer of the route `runs`, as a page decodes it."""
        overview = self.cache.overview(self.reader)
        runs: dict[str, Any] = json.loads(schema.to_json(overview.runs))
        return runs


def run_of(folder: Path, records: Sequence[Record], *, samples: int = 0) -> Run:
    """Writes the records and returns the run that they make up."""
    write(folder / "run", records)
    return Logs(folder, samples=samples).run()
