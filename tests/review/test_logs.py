"""Log directories read without TensorBoard, by both of its loaders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import lrmon
from lrmon.review.reading.log_directory import NoDataServerError, open_logs
from lrmon.review.reading.run_cache import RunCache
from lrmon.review.report.report import report
from tests.review.written import START, block, epoch, fit, scalar, write

A = "20250101T000000.000000Z-1"


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    with lrmon.Recorder(folder / "a" / "staircase", run={"steps_per_epoch": 76, "epochs": 6}) as recorder:
        for number in range(6):
            steps = np.arange(76 * number, 76 * number + 76)
            recorder.batches(
                learning_rate=0.1 * 0.95 ** (steps // 95), loss=1.0 / (1 + steps), wall_time=START + steps
            )
            recorder.end_epoch({"val_loss": 1.0 / (1 + number)})
    write(folder / "gap", [fit(A, 0), block(A, 0, 10), block(A, 20, 10), epoch(A, 0, 0, 9, loss=1.0)])
    write(folder / "empty", [fit(A, 0)])
    write(
        folder / "scalars", [scalar("lrmon/learning_rate", step, 0.1 / (1 + step // 5)) for step in range(20)]
    )
    write(folder / "other", [scalar("accuracy", step, 0.1) for step in range(5)])
    return folder


def test_past_runs_come_as_columns_with_reports(log_dir: Path) -> None:
    runs = lrmon.load(log_dir)
    run = runs["a/staircase"]

    assert {"a/staircase", "gap", "empty", "scalars"} == set(runs)
    assert list(range(456)) == run.step.tolist()
    assert (np.float32(0.1) * np.float32(0.95)) == pytest.approx(run.learning_rate[100])
    assert [95, 190, 285, 380] == lrmon.report(run).analysis.lr_changes.step.tolist()
    assert 3 == lrmon.report(run, lrmon.PlateauRule("val_loss", patience=3)).plateaus.rule.patience


def test_both_loaders_give_the_same_reports(log_dir: Path) -> None:
    reports = []
    for fast in (True, False):
        with open_logs(log_dir, fast=fast) as reader:
            cache = RunCache()
            overview = cache.overview(reader)
            reports.append(
                {name: json.loads(report(cache.run(reader, name)).to_json()) for name in overview.runs}
            )
    for of_run in [*reports[0].values(), *reports[1].values()]:
        assert of_run.pop("version")

    assert reports[0] == reports[1]
    assert 4 == len(reports[0])


def test_a_url_is_no_local_folder() -> None:
    with (
        pytest.raises(NoDataServerError, match="local folders and gs:// only"),
        open_logs("s3://x/y", fast=True),
    ):
        pass


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError, match="there is no log directory"):
        lrmon.load(tmp_path / "nothing")
    with pytest.raises(NotADirectoryError, match="is a file; pass the folder"):
        lrmon.load(tmp_path / "file")


def test_a_folder_without_runs_has_none(tmp_path: Path) -> None:
    assert {} == lrmon.load(tmp_path)


def test_without_a_data_server_the_python_loader_reads(
    log_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What TensorBoard itself does where the server's package is not installed.
    monkeypatch.setenv("TENSORBOARD_DATA_SERVER_BINARY", str(log_dir / "no such file"))
    with pytest.raises(NoDataServerError), open_logs(log_dir, fast=True):
        pass

    assert 456 == lrmon.load(log_dir)["a/staircase"].step.size


def test_a_data_server_that_does_not_start_is_replaced_by_the_python_loader(
    log_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "server"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("TENSORBOARD_DATA_SERVER_BINARY", str(broken))

    assert 456 == lrmon.load(log_dir)["a/staircase"].step.size
