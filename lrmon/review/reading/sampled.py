"""Runs with only the standard scalars, of which TensorBoard keeps a random sample of points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from lrmon.review.reading.data_provider import Listing
from lrmon.review.reading.epoch_axis import lay_out
from lrmon.review.run.run import SERIES, Epoch, Run

_TAGS = (schema.SCALAR_LEARNING_RATE, schema.SCALAR_EFFECTIVE_LEARNING_RATE, schema.SCALAR_LOSS)

_NOTICE = (
    "This run has lrmon's scalars, but not its records. It shows the points that TensorBoard keeps (for long "
    "runs a random sample), and its epochs are counted from 0."
)


def is_recorded(tag: str) -> bool:
    """Returns whether a scalar is one that lrmon writes."""
    return tag in _TAGS or tag.startswith(schema.SCALAR_EPOCH_PREFIX)


def is_sampled(listing: Listing) -> bool:
    """Returns whether a run's tags are scalars, not records."""
    return schema.SCALAR_LEARNING_RATE in listing


def sampled_run(name: str, version: str, scalars: Mapping[str, Sequence[Any]]) -> Run:
    """Returns the run of the points of standard scalars.

    Its steps are those at which any of the three curves has a point; the values of the others are absent.

    Args:
      name: the run's name.
      version: see `Run.version`.
      scalars: by tag, TensorBoard's points with ``step``, ``wall_time`` and ``value``.
    """
    points = {tag: {datum.step: datum for datum in scalars.get(tag, ()) if datum.step >= 0} for tag in _TAGS}
    steps = sorted({step for by_step in points.values() for step in by_step})
    times = [max(by_step[step].wall_time for by_step in points.values() if step in by_step) for step in steps]
    columns: dict[str, NDArray[np.float32]] = {}
    absent: dict[str, NDArray[np.bool_]] = {}
    for series, tag in zip(SERIES, _TAGS, strict=True):
        values = [points[tag][step].value if step in points[tag] else np.nan for step in steps]
        columns[series] = np.array(values, dtype=np.float64).astype(np.float32)
        missing = np.array([step not in points[tag] for step in steps], dtype=bool)
        if bool(missing.any()):
            absent[series] = missing
    step = np.array(steps, dtype=np.int64)
    epochs = _epochs(scalars, steps[0] if steps else 0)
    axis = lay_out(step, epochs, ())
    gaps = np.flatnonzero(np.diff(step) > 1)
    return Run(
        name=name,
        version=version,
        provenance="scalars",
        step=step,
        time=np.maximum.accumulate(np.array(times, dtype=np.float64)),
        epoch=axis.row_positions,
        learning_rate=columns["learning_rate"],
        effective_learning_rate=columns["effective_learning_rate"],
        loss=columns["loss"],
        absent=absent,
        epochs=epochs,
        epoch_positions=axis.epoch_positions,
        epoch_end=axis.end,
        fits=(),
        holes=np.column_stack((step[gaps] + 1, step[gaps + 1] - 1)),
        notices=(_NOTICE,),
    )


def _epochs(scalars: Mapping[str, Sequence[Any]], first_step: int) -> tuple[Epoch, ...]:
    """Returns the epochs; the points of an epoch are at its last step."""
    metrics: dict[int, dict[str, float]] = {}
    times: dict[int, float] = {}
    for tag, points in scalars.items():
        if not tag.startswith(schema.SCALAR_EPOCH_PREFIX):
            continue
        metric = tag.removeprefix(schema.SCALAR_EPOCH_PREFIX)
        for datum in points:
            if datum.step >= first_step:
                metrics.setdefault(datum.step, {})[metric] = datum.value
                times[datum.step] = datum.wall_time
    ends = sorted(metrics)
    starts = [first_step, *(end + 1 for end in ends[:-1])]
    return tuple(
        Epoch(number=number, first_step=first, last_step=last, wall_time=times[last], metrics=metrics[last])
        for number, (first, last) in enumerate(zip(starts, ends, strict=False))
    )
