"""A whole run as a file."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lrmon import schema
from lrmon.review.run.export import export
from tests.review.written import START, block, epoch, fit, run_of, scalar

A = "20250101T000000.000000Z-1"


def test_a_csv_has_a_row_for_each_step_and_the_metrics_at_the_end_of_their_epoch(tmp_path: Path) -> None:
    values = np.array([[0.1, 0.05, 1.5, 1.0], [0.1, math.nan, math.inf, 1.0]], dtype=np.float32)
    records = [fit(A, 5, first_iteration=105), block(A, 5, values), epoch(A, 0, 5, 6, val_loss=0.1)]
    exported = export(run_of(tmp_path, records), "csv")

    assert ("run.csv", "text/csv") == (exported.file_name, exported.mime_type)
    assert (
        "step,iteration,epoch,time,learning_rate,effective_learning_rate,loss,epoch/val_loss\n"
        f"5,105,0.0,{START + 2.0},0.1,0.05,1.5,\n"
        f"6,106,0.5,{START + 3.0},0.1,NaN,Infinity,0.1\n"
    ) == b"".join(exported.parts).decode()


def test_an_epoch_without_a_batch_leaves_the_row_of_the_epoch_before_alone(tmp_path: Path) -> None:
    run = run_of(tmp_path, [block(A, 0, 2), epoch(A, 0, 0, 1, loss=0.5), block(A, 2, 1), epoch(A, 2, 2, 2)])
    empty = replace(
        run, epochs=(run.epochs[0], replace(run.epochs[0], number=1, first_step=2, metrics={"loss": 9.0}))
    )

    assert b"".join(export(empty, "csv").parts).decode().splitlines()[2].endswith(",0.5")


def test_a_metric_may_have_any_name(tmp_path: Path) -> None:
    name = 'a,"b"\n\ud800ü'
    run = run_of(tmp_path, [block(A, 0, 2), epoch(A, 0, 0, 1, **{name: 0.5})])
    text = b"".join(export(run, "csv").parts).decode()

    assert 'epoch/a,"b"\n?ü' == next(csv.reader(io.StringIO(text, newline="")))[-1]
    assert [name] == list(json.loads(b"".join(export(run, "json").parts))["epochs"]["metrics"])


def test_a_csv_holds_every_step_of_a_long_run(tmp_path: Path) -> None:
    run = run_of(tmp_path, [block(A, 1000 * n, 1000) for n in range(40)])
    rows = list(csv.DictReader(io.StringIO(b"".join(export(run, "csv").parts).decode())))

    assert list(range(40_000)) == [int(row["step"]) for row in rows]
    assert list(range(40_000)) == [float(row["loss"]) for row in rows]


def test_a_json_file_holds_the_columns_the_epochs_and_what_is_known_of_the_run(tmp_path: Path) -> None:
    records = [fit(A, 0, model="net"), block(A, 0, 4), epoch(A, 0, 0, 3, loss=math.nan)]
    exported = export(run_of(tmp_path, records), "json")
    content = json.loads(b"".join(exported.parts))

    assert ("run.json", "application/json") == (exported.file_name, exported.mime_type)
    assert [0, 1, 2, 3] == content["columns"]["step"]
    assert ["NaN"] == content["epochs"]["metrics"]["loss"]
    assert ("net", "run", 4, True) == (
        content["about"]["fits"][0]["model"],
        *(content[name] for name in ("run", "steps", "complete")),
    )


def test_what_a_sampled_run_has_not_got_is_empty(tmp_path: Path) -> None:
    run = run_of(tmp_path, [scalar(schema.SCALAR_LEARNING_RATE, 0, 0.1), scalar(schema.SCALAR_LOSS, 2, 1.0)])
    lines = b"".join(export(run, "csv").parts).decode().splitlines()

    assert [f"0,,,{START},0.1,,", f"2,,,{START},,,1.0"] == lines[1:]


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_run_without_a_batch_can_be_exported(tmp_path: Path, kind: str) -> None:
    assert b"".join(export(run_of(tmp_path, [fit(A, 0)]), "csv" if kind == "csv" else "json").parts)
