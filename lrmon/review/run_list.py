"""The entries of the list of runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lrmon.review.report.findings.finding import SEVERITIES
from lrmon.review.report.report import analyzed_run
from lrmon.review.run.numbers import shortest
from lrmon.review.run.run import Run

SPARKLINE_POINTS = 48


def summarize(run: Run) -> dict[str, Any]:
    """Returns the entry of a run in the answer of the route ``runs``, see http_api.md."""
    fit = run.fits[-1] if run.fits else None
    steps = run.step.size
    findings = analyzed_run(run).findings
    times = [*run.time[-1:].tolist(), *(epoch.wall_time for epoch in run.epochs[-1:])]
    return {
        "kind": run.kind,
        "provenance": run.provenance,
        "steps": steps,
        "first_step": int(run.step[0]) if steps else None,
        "last_step": int(run.step[-1]) if steps else None,
        "epochs": len(run.epochs),
        "complete": run.complete,
        "state": run.state,
        "start_time": _start_time(run),
        "last_time": max(times, default=None),
        "optimizer": _class_name(fit.record.get("optimizer")) if fit else None,
        "schedule": _class_name(fit.record.get("schedule")) if fit else None,
        "metric_names": list(run.metric_names),
        "sparkline": _sparkline(run),
        "findings": len(findings),
        "severity": min((finding.severity for finding in findings), key=SEVERITIES.index, default=None),
        "notices": list(run.notices),
    }


def _start_time(run: Run) -> float | None:
    times = [fit.start_time for fit in run.fits if fit.start_time is not None]
    return min([*times[:1], *run.time[:1].tolist()], default=None)


def _class_name(config: Any) -> str | None:
    name = config.get("class_name") if isinstance(config, Mapping) else None
    return name if isinstance(name, str) else None


def _sparkline(run: Run) -> list[Any]:
    if not run.step.size:
        return []
    positions = np.linspace(run.step[0], run.step[-1], min(SPARKLINE_POINTS, run.step.size))
    rows = np.searchsorted(run.step, positions, side="right") - 1
    absent = run.absent.get("learning_rate")
    lrs: list[Any] = shortest(run.learning_rate[rows]).tolist()
    if absent is None:
        return lrs
    return [None if missing else lr for lr, missing in zip(lrs, absent[rows], strict=True)]
