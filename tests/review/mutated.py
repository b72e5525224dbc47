"""Events of real runs, damaged at random, as either of TensorBoard's loaders would hand them over."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from tensorboard import context, errors
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.data import provider
from tensorboard.util import tensor_util

from lrmon import schema
from lrmon.review.reading.data_provider import RecordReader
from lrmon.review.reading.decode import not_rewritten
from lrmon.review.reading.run_cache import RunCache
from lrmon.review.report.report import report
from lrmon.review.run.export import export
from lrmon.review.run.run import Run
from lrmon.review.run.series import View, series_json
from lrmon.review.run_list import summarize
from tests.review.written import START, Record, block, epoch, fit, lrs, sample, skipped

A, B = "20250101T000000.000000Z-1", "20250102T000000.000000Z-2"
OPTIMIZERS = [{"name": name, "optimizer": {"class_name": "SGD", "config": {}}} for name in ("body", "head")]
DECAY = {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5, "staircase": True}


def _lrs(steps: int) -> Any:
    step = np.arange(steps)
    lr = 0.1 * 0.5 ** (step // 7)
    return np.column_stack((lr, lr / 2, 1 / (1 + step), np.full(steps, 0.5))).astype(np.float32)


def _by_epoch(number: int) -> Any:
    return np.full((5, 4), 0.1 / (1 + number), dtype=np.float32)


RUNS: Sequence[Sequence[Record]] = [
    [
        fit(A, 0, steps_per_epoch=10, epochs=4, schedule={"class_name": "ExponentialDecay", "config": DECAY}),
        block(A, 0, _lrs(20)),
        epoch(A, 0, 0, 9, loss=1.0, val_loss=0.9),
        epoch(A, 1, 10, 19, loss=0.5, val_loss=0.8),
        block(A, 20, _lrs(10), number=1),
        epoch(A, 2, 20, 29, loss=0.4),
        fit(A, 0, steps_per_epoch=10, epochs=4, ended="completed", last_step=29),
    ],
    [
        fit(A, 0, optimizers=OPTIMIZERS, optimizer=OPTIMIZERS[0]["optimizer"]),
        block(A, 0, 8),
        lrs(A, 0, np.full((8, 2), 0.1, dtype=np.float32)),
        skipped(A, 3, 5),
        sample(A, 4),
        fit(A, 0, ended="interrupted: ValueError", last_step=7),
        fit(A, 9, fit=1, optimizers=OPTIMIZERS),
        block(A, 9, 6),
        fit(B, 5, initial_epoch=1),
        block(B, 5, 12),
        epoch(B, 1, 5, 16, loss=0.25),
    ],
    [
        fit(A, 0, steps_per_epoch=5, ended="completed", last_step=29, exactness={"loss": schema.EXACT}),
        *(block(A, 5 * n, _by_epoch(n)) for n in range(6)),
        *(epoch(A, n, 5 * n, 5 * n + 4, loss=1.0 / (n + 1), val_loss=1.0) for n in range(6)),
    ],
    [
        fit(A, 0, kind="range_test", range_test={"start_lr": 1e-5, "end_lr": 1.0, "steps": 30, "repeat": 0}),
        block(A, 0, _lrs(30)[::-1].copy()),
        fit(A, 0, kind="range_test", ended="completed", last_step=29, range_test={"stopped": "diverged"}),
    ],
]
TEXTS = [b'{"first_step":0}', b"[]", b"{", b'{"epoch":1e999}', b"\xff\xfe", b'"NaN"', b"0" * 300, b"[" * 2000]


def serialized(records: Sequence[Record]) -> list[bytes]:
    """Returns the events of a run as they stand in its file."""
    events = []
    for record in records:
        metadata = summary_pb2.SummaryMetadata(data_class=summary_pb2.DATA_CLASS_TENSOR)
        metadata.plugin_data.plugin_name = schema.PLUGIN_NAME
        summary = summary_pb2.Summary()
        summary.value.add(
            tag=record.tag, metadata=metadata, tensor=tensor_util.make_tensor_proto(record.value)
        )
        event = event_pb2.Event(wall_time=record.wall_time, step=record.step, summary=summary)
        events.append(event.SerializeToString())
    return events


EVENTS = [serialized(records) for records in RUNS]


def mutated(random_: random.Random) -> list[bytes]:
    """Returns a run's events with one to four damages: of their bytes, their fields, or their order."""
    events = list(random_.choice(EVENTS))
    for _ in range(random_.randint(1, 4)):
        if events:
            random_.choice(_MUTATIONS)(random_, events)
    return events


def _flip(random_: random.Random, events: list[bytes]) -> None:
    position = random_.randrange(len(events))
    content = bytearray(events[position])
    for _ in range(random_.choice((1, 1, 1, 8))):
        if content:
            content[random_.randrange(len(content))] = random_.randrange(256)
    events[position] = bytes(content)


def _cut(random_: random.Random, events: list[bytes]) -> None:
    position = random_.randrange(len(events))
    events[position] = events[position][: random_.randrange(len(events[position]) + 1)]


def _cut_file(random_: random.Random, events: list[bytes]) -> None:
    del events[random_.randrange(len(events)) + 1 :]


def _drop(random_: random.Random, events: list[bytes]) -> None:
    del events[random_.randrange(len(events))]


def _repeat(random_: random.Random, events: list[bytes]) -> None:
    events.insert(random_.randrange(len(events) + 1), random_.choice(events))


def _swap(random_: random.Random, events: list[bytes]) -> None:
    a, b = random_.randrange(len(events)), random_.randrange(len(events))
    events[a], events[b] = events[b], events[a]


def _change(change: Callable[[random.Random, Any], None]) -> Callable[[random.Random, list[bytes]], None]:
    def mutate(random_: random.Random, events: list[bytes]) -> None:
        position = random_.randrange(len(events))
        try:
            event = event_pb2.Event.FromString(events[position])
        except DecodeError:
            return
        if event.summary.value:
            change(random_, event)
            events[position] = event.SerializeToString()

    return mutate


def _change_step(random_: random.Random, event: Any) -> None:
    event.step = random_.choice(
        (-1, 0, 1, 5, min(event.step, 2**63 - 2) + 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63))
    )


def _change_time(random_: random.Random, event: Any) -> None:
    event.wall_time = random_.choice((0.0, -1.0, float("nan"), float("inf"), 1e300, event.wall_time - 1e6))


def _change_values(random_: random.Random, event: Any) -> None:
    tensor = event.summary.value[0].tensor
    if tensor.string_val:
        tensor.string_val[0] = random_.choice(TEXTS)
        return
    try:
        values = np.array(tensor_util.make_ndarray(tensor))
    except (TypeError, ValueError):
        return
    if not values.size or values.dtype.kind != "f":
        return
    odd = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e-40, 3e38)
    for _ in range(random_.choice((1, 3, values.size))):
        values.flat[random_.randrange(values.size)] = random_.choice(odd)
    tensor.CopyFrom(tensor_util.make_tensor_proto(values))


def _change_shape(random_: random.Random, event: Any) -> None:
    value = random_.choice(
        (
            np.zeros((2, 4), dtype=np.float64),
            np.zeros((2, 3), dtype=np.float32),
            np.zeros((0, 4), dtype=np.float32),
            np.float32(1.0),
            "text",
            [b"a", b"b"],
            np.zeros((3, 4), dtype=np.float32),
        )
    )
    event.summary.value[0].tensor.CopyFrom(tensor_util.make_tensor_proto(value))


def _change_tag(random_: random.Random, event: Any) -> None:
    value = event.summary.value[0]
    value.tag = random_.choice(
        (
            f"{schema.BATCHES_PREFIX}{A}/1", f"{schema.EPOCHS_PREFIX}{A}", f"{schema.RUN_PREFIX}{B}",
            f"{schema.RATES_PREFIX}{A}/0", f"{schema.SAMPLES_PREFIX}{A}", f"{schema.SKIPPED_PREFIX}{B}",
            "lrmon/", "lrmon/batches/x/" + "9" * 30, schema.RUN_PREFIX, value.tag + "x",
        )
    )  # fmt: skip


_MUTATIONS = [
    _flip, _flip, _flip, _cut, _cut_file, _drop, _repeat, _swap, _change(_change_step), _change(_change_time),
    _change(_change_values), _change(_change_shape), _change(_change_tag),
]  # fmt: skip


class Mutated:
    """A DataProvider of one run's events.

    Args:
      events: serialized. What follows one that cannot be parsed is not there, in either loader.
      fast: as the data server hands them over: without those that a later one of the same tag replaces.
    """

    def __init__(self, events: Sequence[bytes], *, fast: bool) -> None:
        self._points: dict[str, list[Any]] = {}
        for event in _parsed(events):
            for value in event.summary.value:
                if value.HasField("tensor"):
                    datum = SimpleNamespace(step=event.step, wall_time=event.wall_time, tensor=value.tensor)
                    self._points.setdefault(value.tag, []).append(datum)
        if fast:
            self._points = {tag: not_rewritten(points) for tag, points in self._points.items()}

    def list_tensors(self, _: Any, **__: Any) -> Mapping[str, Any]:
        tags = {
            tag: SimpleNamespace(
                max_step=max(datum.step for datum in points), max_wall_time=points[-1].wall_time
            )
            for tag, points in self._points.items()
        }
        return {"run": tags} if tags else {}

    def read_tensors(self, _: Any, *, run_tag_filter: Any, **__: Any) -> Mapping[str, Any]:
        return {
            "run": {
                tag: [
                    provider.TensorDatum(datum.step, datum.wall_time, tensor_util.make_ndarray(datum.tensor))
                    for datum in points
                ]
                for tag, points in self._points.items()
                if tag in run_tag_filter.tags
            }
        }

    def list_scalars(self, _: Any, **__: Any) -> Mapping[str, Any]:
        return {}

    def list_runs(self, _: Any, **__: Any) -> Sequence[Any]:
        return [SimpleNamespace(run_name="run")]


def _parsed(events: Sequence[bytes]) -> Iterator[Any]:
    for content in events:
        try:
            event = event_pb2.Event.FromString(content)
            _ = [value.tag for value in event.summary.value]
        except DecodeError:
            return
        yield event


def check_input(random_: random.Random) -> int:
    """Reads a damaged run through both shapes and holds its answers together; returns its rows, -1 for none.

    Raises:
      Exception: anything but the typed errors of the review.
    """
    events = mutated(random_)
    fast, slow = _run(Mutated(events, fast=True)), _run(Mutated(events, fast=False))
    if fast is None or slow is None:
        assert fast is slow
        return -1
    # A point that cannot be read hides its whole tag; the fast loader has let go of those that were replaced.
    alike = _unreadable(fast) == _unreadable(slow)
    for field in dataclasses.fields(Run):
        if alike and field.name not in ("version", "memo"):
            assert _comparable(getattr(fast, field.name)) == _comparable(getattr(slow, field.name)), (
                field.name
            )
    view = View(
        x=random_.choice(("step", "epoch", "time")),
        start=random_.choice((None, 0.0, 3.5, -1e15, START)),
        end=None,
        width=random_.choice((1, 7, 1000)),
        smoothing=random_.choice((0.0, 0.6, 0.999)),
    )
    _check(slow, view)
    return slow.step.size


def _unreadable(run: Run) -> set[str]:
    """Returns the notices of a run that name what TensorBoard could not read."""
    return {notice for notice in run.notices if notice.startswith("TensorBoard could not read ")}


def _run(data_provider: Mutated) -> Run | None:
    cache, reader = RunCache(summarize=summarize), RecordReader(data_provider, context.RequestContext(), "")
    overview = cache.overview(reader)
    json.loads(schema.to_json(overview.runs))
    try:
        run = cache.run(reader, "run")
    except errors.NotFoundError:
        assert "run" not in overview.runs
        return None
    assert overview.runs["run"]["steps"] == run.step.size
    return run


def _comparable(value: Any) -> Any:
    """Returns a value of a run, so that NaN is NaN."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tobytes()
    return (
        {name: _comparable(each) for name, each in value.items()} if isinstance(value, dict) else repr(value)
    )


def _check(run: Run, view: View) -> None:
    size = run.step.size
    arrays: list[Any] = [run.time, run.epoch, run.learning_rate, run.effective_learning_rate, run.loss]
    assert {size} == {array.size for array in (*arrays, *run.learning_rates.values())}
    assert bool((np.diff(run.step) > 0).all())
    assert not bool((np.diff(run.time) < 0).any())
    assert all(mask.size == size for mask in run.absent.values())
    assert not np.isin(run.step, run.holes).any()
    shown = json.loads(series_json(run, view))
    assert shown["points"] == len(shown["columns"]["step"]) <= size
    assert 1 == len({len(column) for column in shown["columns"].values()})
    made = report(run)
    assert size == json.loads(made.to_json())["steps"]
    assert run.name in made.to_text()
    exported = json.loads(b"".join(export(run, "json").parts))
    lines = list(csv.reader(io.StringIO(b"".join(export(run, "csv").parts).decode())))
    assert size == exported["steps"] == len(exported["columns"]["loss"]) == len(lines) - 1
    assert {len(lines[0])} == {len(line) for line in lines}


def check_inputs(part: int, inputs: int, each: int = 20) -> dict[str, int]:
    """Checks so many damaged runs, which hypothesis chooses; returns how many had rows, none, or were no run.

    Args:
      part: which ones.
      inputs: how many.
      each: how many of one example of hypothesis, whose own work is more than ours.
    """
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st

    found = {"inputs": 0, "with_rows": 0, "without_rows": 0, "no_run": 0}

    @seed(part)
    @settings(
        max_examples=-(-inputs // each),
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(start=st.integers(0, 2**62))
    def check(start: int) -> None:
        for index in range(each):
            try:
                rows = check_input(random.Random(start + index))
            except Exception as error:
                raise AssertionError(f"input {start + index}: {type(error).__name__}: {error}") from error
            found["inputs"] += 1
            found["with_rows" if rows > 0 else "without_rows" if rows == 0 else "no_run"] += 1

    with np.errstate(all="ignore"):
        check()
    return found
