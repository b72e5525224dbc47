"""The report as JSON, see http_api.md."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from lrmon.analysis.loss.response import Response
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.checks import Check
from lrmon.review.report.findings.finding import Finding
from lrmon.review.report.findings.staircase import late_sentence
from lrmon.review.report.lr_shape import shape_json, shape_kind, shape_sentence, shape_words
from lrmon.review.report.plateau.plateaus import Plateaus
from lrmon.review.report.plateau.sensitivity import Sensitivity
from lrmon.review.report.plateau.thinning import changing_rows
from lrmon.review.report.plateau_settings import applied_rule, keras_call, metric_names, rule_json
from lrmon.review.report.range_test import RangeTestReport
from lrmon.review.run.numbers import json_column, shortest

_LR_CHANGES: Final = 5_000
_REDUCTIONS: Final = 1_000
_ROWS: Final = 2_000


def run_analysis_json(
    analysis: RunAnalysis, findings: Sequence[Finding], checks: Sequence[Check], test: RangeTestReport | None
) -> str:
    """Returns the members of the report that do not depend on the rule, without braces around them."""
    run = analysis.run
    head = {
        "run": run.name,
        "version": run.version,
        "kind": run.kind,
        "provenance": run.provenance,
        "state": run.state,
        "complete": run.complete,
        "steps": int(run.step.size),
        "first_step": int(run.step[0]) if run.step.size else None,
        "last_step": int(run.step[-1]) if run.step.size else None,
    }
    rest = {
        "lr": _learning_rate(analysis),
        "findings": [_finding(analysis, finding) for finding in findings],
        "checks": [
            {"name": check.name, "state": check.state, "reason": check.reason, "codes": list(check.codes)}
            for check in checks
        ],
        "notices": run.notices,
    }
    texts = [schema.to_json(head)[1:-1], f'"epochs":{_epochs(analysis)}', schema.to_json(rest)[1:-1]]
    tested = "null" if test is None else f"{{{test.members_json(columns=False)}}}"
    return ",".join([*texts, f'"planned":{_planned(analysis)}', f'"range_test":{tested}'])


def plateaus_json(plateaus: Plateaus, analysis: RunAnalysis) -> str:
    """Returns the member of the report that depends on the rule, without braces around it."""
    rows = np.arange(plateaus.step.size) if plateaus.unit == "epoch" else changing_rows(plateaus, _ROWS)
    best = plateaus.best[rows]
    none = best < 0
    head = {
        "rule": rule_json(plateaus.rule),
        "direction": plateaus.direction,
        "defaults": rule_json(analysis.defaults.rule),
        "defaults_from": analysis.defaults.provenance,
        "applied": any(applied_rule(fit.record) is not None for fit in analysis.run.fits),
        "metric_names": metric_names(analysis.run),
        "unit": plateaus.unit,
        "problem": plateaus.problem,
        "reductions": _reductions(plateaus, analysis),
        "reductions_total": len(plateaus.reductions),
        "diverges_at": {
            "epoch": _epoch_at(plateaus, analysis, plateaus.diverges.index),
            "step": plateaus.diverges.step,
        }
        if plateaus.diverges
        else None,
        "sensitivity": _sensitivity(plateaus, analysis, plateaus.sensitivity)
        if plateaus.sensitivity
        else None,
        "code": keras_call(plateaus.rule),
    }
    positions = _epochs_at(plateaus, analysis, rows)
    columns = {
        "epoch": json_column(positions, absent=positions < 0),
        "step": json_column(plateaus.step[rows]),
        "value": json_column(plateaus.value[rows], absent=plateaus.missing[rows]),
        "lr": json_column(plateaus.learning_rate[rows]),
        "wait": json_column(plateaus.wait[rows]),
        "best": json_column(
            np.where(none, 0.0, plateaus.value[best]) if rows.size else plateaus.value, absent=none
        ),
        "best_epoch": json_column(
            best_positions := _epochs_at(plateaus, analysis, best), absent=none | (best_positions < 0)
        ),
        "best_step": json_column(plateaus.step[best] if rows.size else best, absent=none),
        "in_cooldown": json.dumps(plateaus.in_cooldown[rows].tolist()),
        "improved": json.dumps(plateaus.improved[rows].tolist()),
    }
    text = ",".join(f'"{name}":{column}' for name, column in columns.items())
    return f'"plateaus":{{{schema.to_json(head)[1:-1]},{text}}}'


def _epochs(analysis: RunAnalysis) -> str:
    run, columns = analysis.run, analysis.epochs
    positions = run.epoch_positions.astype(np.int64)
    texts = {
        "epoch": json_column(np.array([epoch.number for epoch in run.epochs], dtype=np.int64)),
        "position": json_column(positions),
        "first_step": json_column(np.array([epoch.first_step for epoch in run.epochs], dtype=np.int64)),
        "last_step": json_column(np.array([epoch.last_step for epoch in run.epochs], dtype=np.int64)),
        "learning_rate": _nan_is_null(columns.learning_rate),
        "next_learning_rate": _nan_is_null(columns.next_learning_rate),
        "mean_loss": json_column(columns.mean_loss)
        if analysis.loss_is_known
        else json_column(columns.mean_loss, absent=np.isnan(columns.mean_loss)),
        "metrics": schema.to_json(
            {name: [epoch.metrics.get(name) for epoch in run.epochs] for name in run.metric_names}
        ),
    }
    return f"{{{','.join(f'{json.dumps(name)}:{text}' for name, text in texts.items())}}}"


def _nan_is_null(values: NDArray[np.floating]) -> str:
    return json_column(values, absent=np.isnan(values))


def _learning_rate(analysis: RunAnalysis) -> dict[str, Any]:
    lrs, lr_changes = analysis.run.learning_rate, analysis.lr_changes
    known = lrs[~np.isnan(lrs)]
    ends = (
        shortest(known[[0, -1, int(known.argmin()), int(known.argmax())]]).tolist()
        if known.size
        else [None] * 4
    )
    cadence = lr_changes.cadence
    late = cadence.late if cadence is not None else np.zeros(lr_changes.step.size, dtype=bool)
    aligned = None
    if cadence is not None and cadence.aligned_decay_steps is not None:
        aligned = {
            "decay_steps": cadence.aligned_decay_steps,
            "step": cadence.aligned_steps[:_LR_CHANGES].tolist(),
            "late": cadence.aligned_late[:_LR_CHANGES].tolist(),
        }
    return {
        "kind": shape_kind(analysis),
        "shape": shape_json(analysis),
        "summary": shape_words(analysis),
        "explanation": shape_sentence(analysis),
        **dict(zip(("first", "last", "min", "max"), ends, strict=True)),
        "changes": lr_changes.changes,
        "warmup_end": lr_changes.warmup_end,
        "lr_changes": _lr_changes(analysis, late),
        "lr_changes_total": int(lr_changes.step.size),
        "every": cadence.every if cadence else None,
        "decay_steps": cadence.decay_steps if cadence else None,
        "drift": cadence.drift if cadence else None,
        "late": late_sentence(analysis),
        "aligned": aligned,
    }


def _lr_changes(analysis: RunAnalysis, late: NDArray[np.bool_]) -> list[dict[str, Any]]:
    lr_changes, positions, run = analysis.lr_changes, analysis.positions, analysis.run
    size = min(lr_changes.step.size, _LR_CHANGES)
    axis_positions = run.epoch[np.searchsorted(run.step, lr_changes.step[:size])]
    starts = (
        positions.epoch_positions[np.maximum(lr_changes.epoch[:size], 0)]
        if positions.starts.size
        else np.zeros(size)
    )
    columns = {
        "step": lr_changes.step,
        "step_before": lr_changes.step_before,
        "from": shortest(lr_changes.lr_from[:size]),
        "to": shortest(lr_changes.lr_to[:size]),
        "epoch": np.floor(starts).astype(np.int64),
        "offset": lr_changes.offset,
        "steps_in_epoch": lr_changes.steps_in_epoch,
        "epoch_position": axis_positions,
        "nearest_boundary": lr_changes.nearest_boundary,
        "on_boundary": lr_changes.on_boundary & analysis.in_epoch,
        "late": late,
    }
    listed = {name: column[:size].tolist() for name, column in columns.items()}
    in_epoch = analysis.in_epoch[:size].tolist()
    entries = []
    for index, known in enumerate(in_epoch):
        entry = {name: column[index] for name, column in listed.items()}
        if not known:
            entry |= dict.fromkeys(
                ("epoch", "offset", "steps_in_epoch", "epoch_position", "nearest_boundary")
            )
        entry["loss_response"] = (
            _response(analysis.responses[index]) if index < len(analysis.responses) else None
        )
        entries.append(entry)
    return entries


def _response(response: Response | None) -> dict[str, Any] | None:
    if response is None:
        return None
    return {
        "steps": response.steps,
        "before": response.before,
        "after": response.after,
        "level": response.level,
        "level_error": response.level_error,
        "slope": response.slope,
        "slope_error": response.slope_error,
    }


def _planned(analysis: RunAnalysis) -> str:
    outlook, run = analysis.outlook, analysis.run
    if outlook is None:
        return "null"
    length = analysis.positions.steps_per_epoch or run.fits[-1].steps_per_epoch
    epochs = (
        run.epoch[-1] + (outlook.step - run.step[-1]) / length
        if length
        else np.full(outlook.step.size, math.nan)
    )
    head = {
        "schedule": outlook.class_name,
        "last_step": outlook.last_step,
        "lr_changes": outlook.lr_changes[:_LR_CHANGES].tolist(),
        "every_step": outlook.every_step,
    }
    columns = {
        "step": json_column(outlook.step),
        "epoch": _nan_is_null(epochs),
        "learning_rate": json_column(outlook.learning_rate),
    }
    return f"{{{schema.to_json(head)[1:-1]},{','.join(f'{json.dumps(k)}:{v}' for k, v in columns.items())}}}"


def _finding(analysis: RunAnalysis, finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "step": finding.step,
        "last_step": finding.last_step,
        "epoch": None if finding.step is None else analysis.positions.epoch_of(finding.step),
        "numbers": finding.numbers,
        "text": finding.text,
        "advice": finding.advice,
        "consequences": [
            {"code": consequence.code, "step": consequence.step, "last_step": consequence.last_step}
            for consequence in finding.consequences
        ],
        "anchor": finding.anchor,
    }


def _reductions(plateaus: Plateaus, analysis: RunAnalysis) -> list[dict[str, Any]]:
    listed = []
    for reduction in plateaus.reductions[:_REDUCTIONS]:
        lrs = shortest(
            np.array(
                [reduction.lr_from, reduction.lr_to, reduction.did_from, reduction.did_to], dtype=np.float32
            )
        ).tolist()
        did = not math.isnan(reduction.did_from)
        listed.append(
            {
                "epoch": _epoch_at(plateaus, analysis, reduction.index),
                "step": reduction.step,
                "lr_from": lrs[0],
                "lr_to": lrs[1],
                "kind": reduction.kind,
                "first": reduction.is_first,
                "best_epoch": _epoch_at(plateaus, analysis, reduction.best) if reduction.best >= 0 else None,
                "best_step": int(plateaus.step[reduction.best]) if reduction.best >= 0 else None,
                "did_from": lrs[2] if did else None,
                "did_to": lrs[3] if did else None,
            }
        )
    return listed


def _sensitivity(plateaus: Plateaus, analysis: RunAnalysis, table: Sensitivity) -> dict[str, Any]:
    def position(index: int | None) -> int | None:
        if index is None:
            return None
        return _epoch_at(plateaus, analysis, index) if plateaus.unit == "epoch" else int(plateaus.step[index])

    return {
        "patience": table.patience,
        "min_delta": table.min_delta,
        "first_reduction": [[position(index) for index in row] for row in table.first],
    }


def _epochs_at(plateaus: Plateaus, analysis: RunAnalysis, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the position of each row on the epoch axis, -1 if it is unknown."""
    if plateaus.unit == "epoch":
        positions = analysis.run.epoch_positions.astype(np.int64)
        return positions[rows] if positions.size else rows
    steps = plateaus.step[rows] if plateaus.step.size else rows
    starts = analysis.positions.starts
    if not starts.size:
        return np.full(rows.size, -1, dtype=np.int64)
    index = np.searchsorted(starts, steps, side="right") - 1
    known = analysis.positions.known(steps)
    return np.where(known, np.floor(analysis.positions.epoch_positions[index]).astype(np.int64), -1)


def _epoch_at(plateaus: Plateaus, analysis: RunAnalysis, row: int) -> int | None:
    position = int(_epochs_at(plateaus, analysis, np.array([row]))[0])
    return position if position >= 0 else None
