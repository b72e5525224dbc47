"""Whatever a folder holds, its report is made, and both faces of it can be read."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lrmon.analysis.plateau.rule import PlateauRule
from lrmon.review.report.plateau_settings import metric_names
from lrmon.review.report.report import report
from tests.review.trained import STAIRCASE, trained

RATES = st.sampled_from([0.0, 0.1, 0.05, 0.01, 1e-30, 1e30, -0.1, math.nan, math.inf, -math.inf])
VALUES = st.sampled_from([None, 1.0, 0.5, 0.25, -1.0, 0.0, 1e300, -1e300, math.nan, math.inf, -math.inf])
ANYTHING = st.sampled_from([None, 5, -1, 0, "text", [], {}, math.nan, True, [None], {"class_name": 5}])
SCHEDULES = st.sampled_from(
    [
        {"class_name": "ExponentialDecay", "config": STAIRCASE},
        {"class_name": "ExponentialDecay", "config": {**STAIRCASE, "decay_steps": 3}},
        {"class_name": "CosineDecay", "config": {"initial_learning_rate": 0.1, "decay_steps": "NaN"}},
        {"class_name": "PolynomialDecay", "config": None},
    ]
)
PLATEAUS = st.sampled_from(
    [
        {"monitor": "val_auc", "patience": 1, "applied": True, "min_lr": 0.01},
        {"monitor": "loss", "patience": 2, "applied": True, "version": "tf_keras", "min_delta": -1.0},
    ]
)
FIELDS = {
    "schedule": ANYTHING | SCHEDULES,
    "plateau": ANYTHING | PLATEAUS,
    "epochs": ANYTHING | st.integers(0, 10**6),
    "warnings": ANYTHING,
    "loss_provenance": ANYTHING,
    "compiled": ANYTHING,
    "framework": ANYTHING | st.sampled_from(["keras 3.15.1", "keras 3.9.0", "tf_keras 2.21.0", "keras x"]),
    "ended": st.sampled_from([None, "completed"]),
}


@st.composite
def runs(draw: st.DrawFn) -> Any:
    length = draw(st.integers(1, 25))
    pieces = draw(st.lists(st.tuples(RATES, st.integers(1, 60)), max_size=6))
    lrs = np.concatenate([np.zeros(0), *(np.full(count, lr) for lr, count in pieces)])
    losses = draw(st.lists(st.tuples(RATES, st.integers(1, 200)), min_size=1, max_size=4))
    loss = np.resize(np.concatenate([np.full(count, value) for value, count in losses]), lrs.size)
    count = lrs.size // length
    metrics: dict[str, list[float | None]] = {
        name: list(itertools.islice(itertools.cycle(draw(st.lists(VALUES, min_size=1, max_size=12))), count))
        for name in draw(
            st.lists(st.sampled_from(["loss", "val_loss", "val_auc", 'odd \ud800 "name"']), unique=True)
        )
    }
    fields: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=FIELDS))
    first_step = draw(st.sampled_from([0, 7, 10**9]))
    return trained(lrs, length, loss=loss, metrics=metrics, first_step=first_step, **fields)


@settings(max_examples=400)
@given(run=runs(), data=st.data())
def test_a_report_is_made_of_anything(run: Any, data: st.DataObject) -> None:
    made = report(run)
    content = json.loads(made.to_json())
    rule = PlateauRule(
        data.draw(st.sampled_from([*metric_names(run), "nothing"])),
        patience=data.draw(st.integers(0, 4)),
        mode=data.draw(st.sampled_from(["auto", "min", "max"])),
        min_delta=data.draw(st.sampled_from([0.0, 1e-4, 1e200])),
    )
    other = report(run, rule)

    assert len(content["findings"]) == len(made.findings)
    assert content["lr"] == json.loads(other.to_json())["lr"]
    assert run.name in made.to_text()
    assert run.name in other.to_text(color=True, width=1)


def test_a_run_of_sampled_scalars_has_a_report() -> None:
    run = replace(trained([0.1] * 10 + [0.05] * 10, 10), provenance="scalars", fits=())

    assert "staircase" == report(run).to_dict()["lr"]["kind"]
