"""Exports a run to a file: the route ``export``."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from lrmon.review.run.numbers import json_column
from lrmon.review.run.run import SERIES, Run
from lrmon.review.run.series import (
    about_json,
    columns_json,
    epochs_json,
    iterations,
    learning_rates_json,
    updates_json,
)

_ROWS_PER_PART = 16_384


@dataclass(frozen=True, slots=True)
class Export:
    """A file in parts, which are made while they are sent."""

    file_name: str
    mime_type: str
    parts: Iterator[bytes]


def export(run: Run, kind: Literal["csv", "json"]) -> Export:
    """Returns a run with all of its steps as a CSV or JSON file, see http_api.md."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", run.name).strip("-.") or "run"
    if kind == "csv":
        return Export(f"{name}.csv", "text/csv", _csv(run))
    return Export(f"{name}.json", "application/json", _json(run))


def _json(run: Run) -> Iterator[bytes]:
    head = {"run": run.name, "version": run.version, "steps": run.step.size, "complete": run.complete}
    yield schema.to_json({**head, "notices": run.notices})[:-1].encode()
    yield f',"epochs":{epochs_json(run)},"about":{about_json(run)},"columns":'.encode()
    rows = np.arange(run.step.size)
    yield columns_json(run, rows, {}).encode()
    yield f',"learning_rates":{learning_rates_json(run, rows)}'.encode()
    yield f',"updates":{updates_json(run, rows)}'.encode()
    yield f',"skipped":{json_column(run.skipped)}}}'.encode()


def _csv(run: Run) -> Iterator[bytes]:
    """Yields the lines; the metrics of an epoch are in the line of its last step."""
    metrics = run.metric_names
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    named = [f"learning_rate/{name}" for name in run.learning_rates]
    updates = [f"updates/{name}" for name in run.updates]
    skipped = ["skipped"] if run.skipped.size else []
    metric_columns = [f"epoch/{name}" for name in metrics]
    writer.writerow(
        ["step", "iteration", "epoch", "time", *SERIES, *named, *updates, *skipped, *metric_columns]
    )
    yield out.getvalue().encode(errors="replace")
    by_last_step = {
        epoch.last_step: "".join(f",{_field(epoch.metrics.get(name))}" for name in metrics)
        for epoch in run.epochs
        if epoch.last_step >= epoch.first_step
    }
    nothing = "," * len(metrics)
    for first in range(0, run.step.size, _ROWS_PER_PART):
        rows = np.arange(first, min(first + _ROWS_PER_PART, run.step.size))
        line_ends = (by_last_step.get(step, nothing) for step in run.step[rows].tolist())
        lines = zip(*_columns(run, rows), strict=True)
        yield "".join(f"{','.join(line)}{end}\n" for line, end in zip(lines, line_ends, strict=True)).encode()


def _columns(run: Run, rows: NDArray[np.intp]) -> list[list[str]]:
    iteration, unknown = iterations(run, rows)
    epoch = run.epoch[rows]
    columns = [
        json_column(run.step[rows]),
        json_column(iteration, absent=unknown),
        json_column(epoch, absent=np.isnan(epoch)),
        json_column(run.time[rows]),
    ]
    curves = {name: getattr(run, name) for name in SERIES}
    curves |= {f"learning_rate/{name}": lrs for name, lrs in run.learning_rates.items()}
    for name, curve in curves.items():
        absent = run.absent.get(name)
        columns.append(json_column(curve[rows], absent=None if absent is None else absent[rows]))
    columns += [json_column(made[rows]) for made in run.updates.values()]
    if run.skipped.size:
        columns.append(json_column(np.isin(run.step[rows], run.skipped).astype(np.int64)))
    return [column[1:-1].replace('"', "").replace("null", "").split(",") for column in columns]


def _field(value: float | None) -> str:
    return "" if value is None else json.loads(schema.to_json([value]), parse_float=str, parse_int=str)[0]
