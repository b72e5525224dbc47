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
from lrmon.review.report.analysis import Facts
from lrmon.review.report.findings.checks import Check
from lrmon.review.report.findings.finding import Finding
from lrmon.review.report.findings.staircase import late_sentence
from lrmon.review.report.lr_shape import kind_of, shape_json, shape_sentence, shape_words
from lrmon.review.report.plateau_settings import applied_rule, keras_call, monitors, rule_json
from lrmon.review.report.plateaus import Plateaus, Sensitivity, changing_rows
from lrmon.review.report.range_test import RangeTestReport
from lrmon.review.run.numbers import json_column, shortest

_EDGES: Final = 5_000
_TRIGGERS: Final = 1_000
_ROWS: Final = 2_000


def what_stays_json(
    facts: Facts, findings: Sequence[Finding], checks: Sequence[Check], test: RangeTestReport | None
) -> str:
    """Returns the members of the report that no rule changes, without the braces around them."""
    run = facts.run
    head = {
        "run": run.name,
        "version": run.version,
        "kind": run.kind,
        "source": run.source,
        "state": run.state,
        "complete": run.complete,
        "steps": int(run.step.size),
        "first_step": int(run.step[0]) if run.step.size else None,
        "last_step": int(run.step[-1]) if run.step.size else None,
    }
    rest = {
        "lr": _learning_rate(facts),
        "findings": [_finding(facts, finding) for finding in findings],
        "checks": [
            {"name": check.name, "state": check.state, "reason": check.reason, "codes": list(check.codes)}
            for check in checks
        ],
        "notices": run.notices,
    }
    texts = [schema.to_json(head)[1:-1], f'"epochs":{_epochs(facts)}', schema.to_json(rest)[1:-1]]
    tested = "null" if test is None else f"{{{test.members_json(columns=False)}}}"
    return ",".join([*texts, f'"planned":{_planned(facts)}', f'"range_test":{tested}'])


def plateaus_json(of: Plateaus, facts: Facts) -> str:
    """Returns the member of the report that the rule makes, without braces around it."""
    rows = np.arange(of.step.size) if of.unit == "epoch" else changing_rows(of, _ROWS)
    best = of.best[rows]
    none = best < 0
    head = {
        "rule": rule_json(of.rule),
        "direction": of.direction,
        "defaults": rule_json(facts.defaults.rule),
        "defaults_from": facts.defaults.source,
        "applied": any(applied_rule(fit.record) is not None for fit in facts.run.fits),
        "monitors": monitors(facts.run),
        "unit": of.unit,
        "problem": of.problem,
        "triggers": _triggers(of, facts),
        "triggers_total": len(of.triggers),
        "departs_at": {"epoch": _epoch_at(of, facts, of.departs.index), "step": of.departs.step}
        if of.departs
        else None,
        "sensitivity": _sensitivity(of, facts, of.sensitivity) if of.sensitivity else None,
        "code": keras_call(of.rule),
    }
    places = _epochs_at(of, facts, rows)
    columns = {
        "epoch": json_column(places, absent=places < 0),
        "step": json_column(of.step[rows]),
        "value": json_column(of.value[rows], absent=of.missing[rows]),
        "lr": json_column(of.learning_rate[rows]),
        "wait": json_column(of.wait[rows]),
        "best": json_column(np.where(none, 0.0, of.value[best]) if rows.size else of.value, absent=none),
        "best_epoch": json_column(
            best_places := _epochs_at(of, facts, best), absent=none | (best_places < 0)
        ),
        "best_step": json_column(of.step[best] if rows.size else best, absent=none),
        "in_cooldown": json.dumps(of.in_cooldown[rows].tolist()),
        "improved": json.dumps(of.improved[rows].tolist()),
    }
    text = ",".join(f'"{name}":{column}' for name, column in columns.items())
    return f'"plateaus":{{{schema.to_json(head)[1:-1]},{text}}}'


def _epochs(facts: Facts) -> str:
    run, columns = facts.run, facts.epochs
    positions = run.epoch_positions.astype(np.int64)
    texts = {
        "epoch": json_column(np.array([epoch.number for epoch in run.epochs], dtype=np.int64)),
        "position": json_column(positions),
        "first_step": json_column(np.array([epoch.first_step for epoch in run.epochs], dtype=np.int64)),
        "last_step": json_column(np.array([epoch.last_step for epoch in run.epochs], dtype=np.int64)),
        "learning_rate": _nan_is_null(columns.learning_rate),
        "next_learning_rate": _nan_is_null(columns.next_learning_rate),
        "mean_loss": json_column(columns.mean_loss)
        if facts.loss_is_known
        else json_column(columns.mean_loss, absent=np.isnan(columns.mean_loss)),
        "metrics": schema.to_json(
            {name: [epoch.metrics.get(name) for epoch in run.epochs] for name in run.monitors}
        ),
    }
    return f"{{{','.join(f'{json.dumps(name)}:{text}' for name, text in texts.items())}}}"


def _nan_is_null(values: NDArray[np.floating]) -> str:
    return json_column(values, absent=np.isnan(values))


def _learning_rate(facts: Facts) -> dict[str, Any]:
    rates, steps = facts.run.learning_rate, facts.steps
    known = rates[~np.isnan(rates)]
    ends = (
        shortest(known[[0, -1, int(known.argmin()), int(known.argmax())]]).tolist()
        if known.size
        else [None] * 4
    )
    cadence = steps.cadence
    late = cadence.late if cadence is not None else np.zeros(steps.step.size, dtype=bool)
    aligned = None
    if cadence is not None and cadence.aligned_decay_steps is not None:
        aligned = {
            "decay_steps": cadence.aligned_decay_steps,
            "step": cadence.aligned_steps[:_EDGES].tolist(),
            "late": cadence.aligned_late[:_EDGES].tolist(),
        }
    return {
        "kind": kind_of(facts),
        "shape": shape_json(facts),
        "summary": shape_words(facts),
        "explanation": shape_sentence(facts),
        **dict(zip(("first", "last", "min", "max"), ends, strict=True)),
        "changes": steps.changes,
        "warmup_end": steps.warmup_end,
        "edges": _edges(facts, late),
        "edges_total": int(steps.step.size),
        "every": cadence.every if cadence else None,
        "decay_steps": cadence.decay_steps if cadence else None,
        "drift": cadence.drift if cadence else None,
        "late": late_sentence(facts),
        "aligned": aligned,
    }


def _edges(facts: Facts, late: NDArray[np.bool_]) -> list[dict[str, Any]]:
    steps, places, run = facts.steps, facts.places, facts.run
    size = min(steps.step.size, _EDGES)
    positions = run.epoch[np.searchsorted(run.step, steps.step[:size])]
    starts = places.positions[np.maximum(steps.epoch[:size], 0)] if places.starts.size else np.zeros(size)
    columns = {
        "step": steps.step,
        "step_before": steps.step_before,
        "from": shortest(steps.lr_from[:size]),
        "to": shortest(steps.lr_to[:size]),
        "epoch": np.floor(starts).astype(np.int64),
        "offset": steps.offset,
        "steps_in_epoch": steps.steps_in_epoch,
        "epoch_position": positions,
        "nearest_boundary": steps.nearest_boundary,
        "on_boundary": steps.on_boundary & facts.in_epoch,
        "late": late,
    }
    listed = {name: column[:size].tolist() for name, column in columns.items()}
    in_epoch = facts.in_epoch[:size].tolist()
    edges = []
    for index, known in enumerate(in_epoch):
        edge = {name: column[index] for name, column in listed.items()}
        if not known:
            edge |= dict.fromkeys(("epoch", "offset", "steps_in_epoch", "epoch_position", "nearest_boundary"))
        edge["answer"] = _answer(facts.answers[index]) if index < len(facts.answers) else None
        edges.append(edge)
    return edges


def _answer(answer: Response | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    return {
        "steps": answer.steps,
        "before": answer.before,
        "after": answer.after,
        "level": answer.level,
        "level_error": answer.level_error,
        "slope": answer.slope,
        "slope_error": answer.slope_error,
    }


def _planned(facts: Facts) -> str:
    plan, run = facts.plan, facts.run
    if plan is None:
        return "null"
    length = facts.places.steps_per_epoch or run.fits[-1].steps_per_epoch
    epochs = (
        run.epoch[-1] + (plan.step - run.step[-1]) / length if length else np.full(plan.step.size, math.nan)
    )
    head = {
        "schedule": plan.class_name,
        "last_step": plan.last_step,
        "edges": plan.edges[:_EDGES].tolist(),
        "every_step": plan.every_step,
    }
    columns = {
        "step": json_column(plan.step),
        "epoch": _nan_is_null(epochs),
        "learning_rate": json_column(plan.learning_rate),
    }
    return f"{{{schema.to_json(head)[1:-1]},{','.join(f'{json.dumps(k)}:{v}' for k, v in columns.items())}}}"


def _finding(facts: Facts, finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "step": finding.step,
        "last_step": finding.last_step,
        "epoch": None if finding.step is None else facts.places.epoch_of(finding.step),
        "numbers": finding.numbers,
        "text": finding.text,
        "advice": finding.advice,
        "consequences": [
            {"code": each.code, "step": each.step, "last_step": each.last_step}
            for each in finding.consequences
        ],
        "anchor": finding.anchor,
    }


def _triggers(of: Plateaus, facts: Facts) -> list[dict[str, Any]]:
    listed = []
    for trigger in of.triggers[:_TRIGGERS]:
        rates = shortest(
            np.array([trigger.lr_from, trigger.lr_to, trigger.did_from, trigger.did_to], dtype=np.float32)
        ).tolist()
        did = not math.isnan(trigger.did_from)
        listed.append(
            {
                "epoch": _epoch_at(of, facts, trigger.index),
                "step": trigger.step,
                "lr_from": rates[0],
                "lr_to": rates[1],
                "kind": trigger.kind,
                "first": trigger.first,
                "best_epoch": _epoch_at(of, facts, trigger.best) if trigger.best >= 0 else None,
                "best_step": int(of.step[trigger.best]) if trigger.best >= 0 else None,
                "did_from": rates[2] if did else None,
                "did_to": rates[3] if did else None,
            }
        )
    return listed


def _sensitivity(of: Plateaus, facts: Facts, table: Sensitivity) -> dict[str, Any]:
    def place(index: int | None) -> int | None:
        if index is None:
            return None
        return _epoch_at(of, facts, index) if of.unit == "epoch" else int(of.step[index])

    return {
        "patience": table.patience,
        "min_delta": table.min_delta,
        "first_trigger": [[place(index) for index in row] for row in table.first],
    }


def _epochs_at(of: Plateaus, facts: Facts, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the place on the epoch axis of each row, -1 where it is not known."""
    if of.unit == "epoch":
        positions = facts.run.epoch_positions.astype(np.int64)
        return positions[rows] if positions.size else rows
    steps = of.step[rows] if of.step.size else rows
    starts = facts.places.starts
    if not starts.size:
        return np.full(rows.size, -1, dtype=np.int64)
    index = np.searchsorted(starts, steps, side="right") - 1
    known = facts.places.known(steps)
    return np.where(known, np.floor(facts.places.positions[index]).astype(np.int64), -1)


def _epoch_at(of: Plateaus, facts: Facts, row: int) -> int | None:
    place = int(_epochs_at(of, facts, np.array([row]))[0])
    return place if place >= 0 else None
