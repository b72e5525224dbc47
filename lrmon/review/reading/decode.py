"""Decodes and checks records from TensorBoard. A record that cannot be decoded is None, never an error."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from lrmon.review.run.run import Epoch, Fit, Reals, Sample

_LARGEST_STEP = 2**53
"""Readers of JSON represent every integer up to here."""

_DEEPEST = 40
"""The largest depth of lists and objects in a record; lrmon writes at most five levels."""

_REALS = (np.float32, np.float64)
"""float64 if the training used numbers that are not float32."""


class Datum(Protocol):
    """A point of TensorBoard's tensor time series."""

    @property
    def step(self) -> int: ...
    @property
    def wall_time(self) -> float: ...
    @property
    def numpy(self) -> NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of consecutive steps.

    Attributes:
      first_step: the step of the first row.
      wall_time: when the last row's step ended, seconds since 1970.
      values: [n, 4], the columns of `lrmon.schema.BATCH_COLUMNS`.
      lrs: [n, m], the learning rate of each of several optimizers; None if there is only one.
      updates: [n, m], how many updates each optimizer made; None if all made one in each step.
    """

    first_step: int
    wall_time: float
    values: Reals
    lrs: Reals | None = None
    updates: Reals | None = None

    @property
    def last_step(self) -> int:
        return self.first_step + len(self.values) - 1


@dataclass(frozen=True, slots=True)
class OptimizerColumns:
    """The values of each optimizer in the steps of a block.

    Attributes:
      last_step: of the block.
      values: [n, m].
    """

    last_step: int
    values: Reals


def not_rewritten(data: Iterable[Datum]) -> list[Datum]:
    """Returns the points that a later point of the same tag with the same or a lower step does not replace.

    TensorBoard's data server does the same. Its Python loader returns all points, so this rule makes a run
    look the same through both.
    """
    kept: list[Datum] = []
    for datum in data:
        while kept and kept[-1].step >= datum.step:
            kept.pop()
        kept.append(datum)
    return kept


def decode_block(datum: Datum) -> Block | None:
    """Returns a batch record's rows, or None if it is not a table [n, 4] of numbers for n steps."""
    values = datum.numpy
    if values.dtype not in _REALS or values.ndim != 2 or values.shape[1] != len(schema.BATCH_COLUMNS):
        return None
    first_step = datum.step - len(values) + 1
    if not 0 <= first_step <= datum.step <= _LARGEST_STEP or not math.isfinite(datum.wall_time):
        return None
    return Block(first_step, float(datum.wall_time), values)


def decode_optimizer_columns(datum: Datum) -> OptimizerColumns | None:
    """Returns a column for each optimizer, or None if it is not a table [n, m] of numbers."""
    values = datum.numpy
    if values.dtype not in _REALS or values.ndim != 2 or values.shape[1] == 0:
        return None
    return OptimizerColumns(datum.step, values) if 0 <= datum.step <= _LARGEST_STEP else None


def decode_skipped(datum: Datum) -> tuple[int, ...] | None:
    """Returns the skipped steps of a record, or None if it is not such a record."""
    steps = _decode_object(datum).get("steps")
    if not isinstance(steps, list) or any(_step(step) is None for step in steps):
        return None
    return tuple(steps)


def decode_sample(datum: Datum) -> Sample | None:
    """Returns a sample record, or None if it is not one."""
    record = _decode_object(datum)
    sizes, ratios = record.get("step_size"), record.get("update_to_weight")
    step = _step(record.get("step"))
    if step is None:
        return None
    quantiles = [_number(size) for size in sizes] if isinstance(sizes, list) else []
    known = [size for size in quantiles if size is not None]
    by_layer = {name: _number(value) for name, value in ratios.items()} if isinstance(ratios, dict) else {}
    if (sizes is not None and len(known) != len(schema.STEP_SIZE_QUANTILES)) or None in by_layer.values():
        return None
    return Sample(
        step=step,
        sampled=_step(record.get("sampled")),
        parameters=_step(record.get("parameters")),
        step_size=tuple(known) if sizes is not None else None,
        update_to_weight={name: value for name, value in by_layer.items() if value is not None},
    )


def decode_epoch(datum: Datum) -> Epoch | None:
    """Returns an epoch record, or None if it is not one."""
    record = _decode_object(datum)
    number, first, last = (_step(record.get(name)) for name in ("epoch", "first_step", "last_step"))
    if record.get("last_step") == -1:
        last = -1  # an epoch without a batch before the first step
    wall_time, metrics, types = record.get("wall_time"), record.get("metrics"), record.get("types")
    if number is None or first is None or last is None or last < first - 1 or not isinstance(metrics, dict):
        return None
    values = {name: _number(value) for name, value in metrics.items()}
    if None in values.values():
        return None
    return Epoch(
        number=number,
        first_step=first,
        last_step=last,
        wall_time=_time(wall_time) or float(datum.wall_time),
        metrics={name: value for name, value in values.items() if value is not None},
        types={name: str(kind) for name, kind in types.items()} if isinstance(types, dict) else {},
    )


def decode_fit(datum: Datum, recording: str) -> Fit | None:
    """Returns a run record, or None if it is not one. Fields that are not needed are not checked."""
    record = _decode_object(datum)
    first_step = _step(record.get("first_step"))
    if first_step is None:
        return None
    number, kind, ended = _step(record.get("fit")), record.get("kind"), record.get("ended")
    first_iteration = _step(record.get("first_iteration"))
    return Fit(
        recording=recording,
        number=number or 0,
        first_step=first_step,
        first_iteration=first_step if first_iteration is None else first_iteration,
        last_step=_step(record.get("last_step")),
        initial_epoch=_step(record.get("initial_epoch")) or 0,
        steps_per_epoch=_step(record.get("steps_per_epoch")) or None,
        kind=kind if isinstance(kind, str) else "training",
        start_time=_time(record.get("start_time")),
        ended=ended if isinstance(ended, str) else None,
        record=record,
    )


def format_version(fit: Fit) -> int:
    """Returns the version of the format that a fit was recorded in."""
    return _step(fit.record.get("format_version")) or schema.FORMAT_VERSION


def _decode_object(datum: Datum) -> Mapping[str, Any]:
    """Returns the JSON object of a text record, an empty one if there is none."""
    values = datum.numpy
    if values.size != 1:
        return {}
    text = values.item()
    if not isinstance(text, (str, bytes)):
        return {}
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) and not _deeper(record, _DEEPEST) else {}


def _deeper(value: Any, levels: int) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if levels == 0 or not items:
        return bool(items)
    # Most values are numbers and names, which need no call.
    return any(_deeper(item, levels - 1) for item in items if isinstance(item, (dict, list)))


def _step(value: Any) -> int | None:
    is_step = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_STEP
    return value if is_step else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and value not in (schema.NAN, schema.INFINITY, schema.NEGATIVE_INFINITY):
        return None
    try:
        return schema.number(value)
    except OverflowError:
        return None


def _time(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and math.isfinite(number) else None
