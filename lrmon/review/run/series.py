"""The curves of a run in a range of an axis, thinned for a chart: the route ``series``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from lrmon.analysis.loss.smoothing import smooth
from lrmon.analysis.thinning import thin
from lrmon.review.run.numbers import json_column
from lrmon.review.run.optimizers import updates_words
from lrmon.review.run.run import SERIES, Run
from lrmon.review.run.step_samples import samples_json, skipped_json

Axis = Literal["step", "epoch", "time"]


@dataclass(frozen=True, slots=True)
class View:
    """The view of a chart.

    Attributes:
      x: the axis of `start` and `end`.
      start: left end of the range, inclusive; None for the start of the run.
      end: right end, inclusive; None for the end of the run.
      width: columns of pixels.
      smoothing: weight of the average, see `lrmon.analysis.loss.smoothing.smooth`.
    """

    x: Axis = "step"
    start: float | None = None
    end: float | None = None
    width: int = 1000
    smoothing: float = 0.6


def smoothed_loss(run: Run, weight: float) -> NDArray[np.float32]:
    """Returns the smoothed loss at each of the run's rows, see `lrmon.analysis.loss.smoothing.smooth`."""
    return run.memo.get(("smoothed loss", weight), lambda: smooth(run.loss, weight=weight).astype(np.float32))


def series_json(run: Run, view: View) -> str:
    """Returns the answer of the route ``series``, see http_api.md."""
    smoothed = smoothed_loss(run, view.smoothing)
    extent = extents(run)
    whole = extent[view.x]
    axis = {"step": run.step, "epoch": run.epoch, "time": run.time}[view.x]
    if whole is None:
        axis = axis[:0]
    start, end = _range(view, whole)
    first = int(np.searchsorted(axis, start))
    stop = int(np.searchsorted(axis, end, side="right"))
    inside = slice(first, stop)
    chosen = first + thin(
        axis[inside],
        curves=[run.effective_learning_rate[inside], run.loss[inside], smoothed[inside]],
        levels_held=[run.learning_rate[inside], *(lrs[inside] for lrs in run.learning_rates.values())],
        start=start,
        end=end,
        width=view.width,
    )
    beside = [row for row in (first - 1, stop) if 0 <= row < axis.size]
    rows = np.union1d(chosen, np.array(beside, dtype=np.intp))
    head = {
        "run": run.name,
        "x": view.x,
        "version": run.version,
        "start": start,
        "end": end,
        "steps": stop - first,
        "points": int(rows.size),
        "every_step": chosen.size == stop - first,
        "complete": _is_complete(run, view, first, stop),
        "extent": extent,
        "notices": [*run.notices, *_about_axis(run, view)],
    }
    columns = columns_json(run, rows, {"loss_smoothed": smoothed[rows]})
    within = (int(run.step[first]), int(run.step[stop - 1])) if stop > first else (0, -1)
    members = [
        schema.to_json(head)[1:-1],
        f'"columns":{columns}',
        f'"learning_rates":{learning_rates_json(run, rows)}',
        f'"updates":{updates_json(run, rows)}',
        f'"skipped":{skipped_json(run, *within)}',
        f'"samples":{samples_json(run, *within)}',
        run.memo.get("epochs and about", lambda: f'"epochs":{epochs_json(run)},"about":{about_json(run)}'),
    ]
    return f"{{{','.join(members)}}}"


def extents(run: Run) -> dict[str, list[float] | None]:
    """Returns the range of the whole run on each axis; None if it has no position there."""
    if not run.step.size:
        return {"step": None, "epoch": None, "time": None}
    has_epochs = math.isfinite(run.epoch[0])
    return {
        "step": [int(run.step[0]), int(run.step[-1])],
        "epoch": [float(run.epoch[0]), run.epoch_end] if has_epochs else None,
        "time": [float(run.time[0]), float(run.time[-1])],
    }


def columns_json(run: Run, rows: NDArray[np.intp], more: Mapping[str, NDArray[np.float32]]) -> str:
    """Returns a JSON object with an array for each column, of the chosen rows.

    Args:
      run: the run.
      rows: indices.
      more: further columns of these rows, absent where the loss is absent.
    """
    columns = {"step": json_column(run.step[rows])}
    iteration, unknown = iterations(run, rows)
    columns["iteration"] = json_column(iteration, absent=unknown)
    columns["epoch"] = json_column(run.epoch[rows], absent=np.isnan(run.epoch[rows]))
    columns["time"] = json_column(run.time[rows])
    values = {name: getattr(run, name)[rows] for name in SERIES} | dict(more)
    for name, column in values.items():
        absent = run.absent.get(name if name in SERIES else "loss")
        columns[name] = json_column(column, absent=None if absent is None else absent[rows])
    return f"{{{','.join(f'{json.dumps(name)}:{text}' for name, text in columns.items())}}}"


def learning_rates_json(run: Run, rows: NDArray[np.intp]) -> str:
    """Returns the learning rates of several optimizers in the chosen rows; an empty object for one."""
    columns = []
    for name, lrs in run.learning_rates.items():
        absent = run.absent.get(f"learning_rate/{name}")
        column = json_column(lrs[rows], absent=None if absent is None else absent[rows])
        columns.append(f"{json.dumps(name)}:{column}")
    return f"{{{','.join(columns)}}}"


def iterations(run: Run, rows: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Returns the optimizer's counter before the update of each row, and where it is unknown."""
    steps = run.step[rows]
    fits = run.fit_of(steps)
    firsts = np.array([fit.first_step for fit in run.fits] + [0], dtype=np.int64)
    starts = np.array([fit.first_iteration for fit in run.fits] + [0], dtype=np.int64)
    passed = steps - firsts[fits]
    if run.main_updates is not None:
        made = np.concatenate([[0], np.cumsum(run.main_updates, dtype=np.int64)])
        begins = np.searchsorted(run.step, firsts)
        # Missing steps count as one update each.
        missing = passed - (rows - begins[fits])
        passed = made[rows] - made[begins[fits]] + missing
    return starts[fits] + passed, fits < 0


def updates_json(run: Run, rows: NDArray[np.intp]) -> str:
    """Returns the updates of each optimizer in the chosen rows; an empty object for one in each step."""
    columns = (f"{json.dumps(name)}:{json_column(made[rows])}" for name, made in run.updates.items())
    return f"{{{','.join(columns)}}}"


def epochs_json(run: Run) -> str:
    """Returns the epochs as columns."""
    metrics = {name: [epoch.metrics.get(name) for epoch in run.epochs] for name in run.metric_names}
    return schema.to_json(
        {
            "epoch": [epoch.number for epoch in run.epochs],
            "position": run.epoch_positions.tolist(),
            "first_step": [epoch.first_step for epoch in run.epochs],
            "last_step": [epoch.last_step for epoch in run.epochs],
            "time": [epoch.wall_time for epoch in run.epochs],
            "metrics": metrics,
        }
    )


def about_json(run: Run) -> str:
    """Returns the records of all fits."""
    fits = [{**fit.record, "recording": fit.recording} for fit in run.fits]
    updates = {name: updates_words(made) for name, made in run.updates.items()}
    return schema.to_json(
        {"provenance": run.provenance, "state": run.state, "updates": updates, "fits": fits}
    )


def _range(view: View, whole: list[float] | None) -> tuple[float, float]:
    """Returns the ends of the range; one that is not given is that of the run, not beyond the other."""
    first, last = whole or (0.0, 0.0)
    if view.start is None:
        end = last if view.end is None else view.end
        return min(first, end), end
    return view.start, max(last, view.start) if view.end is None else view.end


def _is_complete(run: Run, view: View, first: int, stop: int) -> bool:
    """Returns whether no missing step is in the range of rows, or right beside it."""
    if view.x == "step":
        before = run.holes[:, 1] < (-math.inf if view.start is None else view.start)
        after = run.holes[:, 0] > (math.inf if view.end is None else view.end)
    else:
        positions = np.searchsorted(run.step, run.holes[:, 0])
        before, after = positions < first, positions > stop
    return bool((before | after).all())


def _about_axis(run: Run, view: View) -> list[str]:
    if view.x == "epoch" and run.step.size and math.isnan(run.epoch[0]):
        return ["The epochs of this run are unknown, so it has no position on the epoch axis."]
    return []
