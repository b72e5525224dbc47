"""The plugin in real TensorBoard processes, with both of TensorBoard's loaders."""

from __future__ import annotations

import itertools
import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from lrmon import schema
from tests.plugin.process import Server, tensorboard
from tests.review.written import START, block, epoch, fit, scalar, write

A, B = "20250101T000000.000000Z-1", "20250102T000000.000000Z-2"
LOADERS = {"fast": "--load_fast=true", "slow": "--load_fast=false"}


def record_training(folder: Path) -> None:
    random = np.random.default_rng(4)
    losses = 2 + random.normal(size=1230)
    losses[[100, 101, 700]] = math.nan, math.inf, -math.inf
    optimizer = {"class_name": "Adam", "config": {"epsilon": 1e-7, "weight_decay": math.nan}}
    with lrmon.Recorder(folder, run={"optimizer": optimizer, "steps_per_epoch": 41}) as recorder:
        for number in range(30):
            steps = np.arange(41 * number, 41 * number + 41)
            lr = 0.1 * 0.95 ** (steps // 95)
            recorder.batches(
                learning_rate=lr,
                effective_learning_rate=lr / 3,
                loss=losses[steps],
                wall_time=START + steps / 10,
            )
            recorder.end_epoch({"loss": 1 / (number + 1), **({"val_loss": 0.1} if number % 2 else {})})


def record_rewound(folder: Path) -> None:
    """A training that goes back: each later recording starts at a step that has been before."""
    for first_step, rows in ((0, 3000), (1500, 200), (1600, 2000)):
        with lrmon.Recorder(
            folder, first_step=first_step, run={"initial_epoch": first_step // 100}
        ) as recorder:
            steps = np.arange(first_step, first_step + rows)
            recorder.batches(
                learning_rate=np.full(rows, 0.1), loss=steps + rows / 1e4, wall_time=START + steps / 10
            )
            recorder.end_epoch({"loss": float(rows)})


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    record_training(folder / "training" / "adam")
    record_rewound(folder / "rewound")
    # Recordings within one tag that go back: the fast loader drops what the slow one keeps.
    backwards = [fit(A, 0), block(A, 0, 100), block(A, 100, 100), block(A, 60, 20), block(A, 80, 10)]
    write(folder / "backwards", [*backwards, epoch(A, 0, 0, 99), epoch(A, 1, 100, 199), epoch(A, 1, 60, 79)])
    write(
        folder / "twice",
        [fit(A, 0), block(A, 0, 50), block(A, 0, 50), block(A, 0, 80), fit(A, 0, ended="stopped")],
    )
    write(folder / "two trainings", [fit(A, 0), block(A, 0, 100), fit(B, 0), block(B, 0, 10)])
    write(folder / "gap", [fit(A, 0), block(A, 0, 10), block(A, 20, 10)])
    write(folder / "newer", [fit(A, 0, format_version=9), block(A, 0, 10)])
    write(folder / "malformed", [block(A, 0, 10), block(A, 10, np.zeros((3, 3), dtype=np.float32), number=1)])
    write(folder / "empty", [fit(A, 0)])
    write(folder / "many tags", [fit(A, 0), *(block(A, 10 * n, 10, number=n) for n in range(12))])
    lrs = [scalar(schema.SCALAR_LEARNING_RATE, step, 0.1) for step in range(50)]
    write(folder / "scalars", [*lrs, *(scalar("lrmon/epoch/loss", step, 1.5) for step in (24, 49))])
    write(folder / "other", [scalar("accuracy", step, 0.1) for step in range(50)])
    return folder


def is_loaded(runs: dict[str, Any]) -> bool:
    """Whether all runs are there, and those that take the loaders longest are there as a whole."""
    steps = {name: run["steps"] for name, run in runs.items()}
    expected = {"training/adam": 1230, "rewound": 3600, "many tags": 120}
    return len(runs) == 12 and all(steps[name] == count for name, count in expected.items())


@pytest.fixture(scope="module")
def servers(log_dir: Path) -> Iterator[dict[str, Server]]:
    """A server with each loader; the fast one under a path prefix."""
    with ExitStack() as stack:
        servers = {
            "fast": stack.enter_context(
                tensorboard(log_dir, LOADERS["fast"], "--path_prefix", "/team/board")
            ),
            "slow": stack.enter_context(tensorboard(log_dir, LOADERS["slow"])),
        }
        for server in servers.values():
            server.runs_when(is_loaded)
        yield servers


def test_both_loaders_list_the_same_runs(servers: dict[str, Server]) -> None:
    fast, slow = (servers[loader].get("runs").json for loader in LOADERS)

    assert fast["runs"] == slow["runs"]
    assert [] == fast["notices"] == slow["notices"]
    assert {"lrmon", "scalars"} == {summary["provenance"] for summary in fast["runs"].values()}
    assert {"backwards", "gap"} == {name for name, summary in fast["runs"].items() if not summary["complete"]}


def test_both_loaders_give_the_same_series_and_files(servers: dict[str, Server]) -> None:
    views: list[dict[str, Any]] = [
        {},
        {"width": 20},
        {"x": "epoch", "start": 1.5, "end": 4.25, "smoothing": 0.9},
        {"x": "time", "start": START + 5, "end": START + 50},
        {"start": 90, "end": 110},
    ]
    questions = [("series", view) for view in views] + [
        ("export", {"format": kind}) for kind in ("csv", "json")
    ]
    runs = servers["fast"].get("runs").json["runs"]
    for run, (route, arguments) in itertools.product(runs, questions):
        fast, slow = (servers[loader].get(route, run=run, **arguments) for loader in LOADERS)

        assert 200 == fast.status == slow.status
        assert without_version(fast.body) == without_version(slow.body)


def without_version(body: bytes) -> Any:
    if not body.startswith(b"{"):
        return body
    content = json.loads(body)
    assert content.pop("version")
    return content


def test_what_was_recorded_is_what_is_served(servers: dict[str, Server]) -> None:
    for server in servers.values():
        answer = server.get("series", run="training/adam", width=400).json
        columns = answer["columns"]

        assert (1230, 1230, True, True) == tuple(
            answer[name] for name in ("steps", "points", "every_step", "complete")
        )
        expected = (0.1 * 0.95 ** (np.arange(1230) // 95)).astype(np.float32)
        assert expected.tobytes() == np.array(columns["learning_rate"], dtype=np.float32).tobytes()
        assert ["NaN", "Infinity", "-Infinity"] == [columns["loss"][step] for step in (100, 101, 700)]
        assert [None, 0.1] * 15 == answer["epochs"]["metrics"]["val_loss"]
        assert "NaN" == answer["about"]["fits"][0]["optimizer"]["config"]["weight_decay"]


def test_a_training_that_went_back_shows_the_later_values(servers: dict[str, Server]) -> None:
    for server in servers.values():
        answer = server.get("series", run="rewound", width=2000).json

        assert list(range(3600)) == answer["columns"]["step"]
        expected = [0.3] * 1500 + [0.02] * 100 + [0.2] * 2000
        assert expected == pytest.approx(np.array(answer["columns"]["loss"]) - np.arange(3600), abs=1e-3)
        assert 2 == len(answer["notices"])


def test_the_tab_is_there_and_its_frame_loads_the_page(servers: dict[str, Server]) -> None:
    for server in servers.values():
        listing = server.get_path("/data/plugins_listing").json["lrmon"]

        assert (True, "LR Monitor") == (listing["enabled"], listing["tab_name"])
        assert listing["loading_mechanism"]["module_path"].endswith("/data/plugin/lrmon/index.js")
        assert b"plugin/lrmon/" in server.get_path("/data/plugin_entry.html", name="lrmon").body


@pytest.mark.parametrize("loader", LOADERS)
def test_a_number_of_samples_that_the_user_sets_is_obeyed_and_said(log_dir: Path, loader: str) -> None:
    with tensorboard(log_dir, LOADERS[loader], "--samples_per_plugin", "lrmon=5,scalars=20") as server:
        answer = server.runs_when(lambda runs: len(runs) == 12 and runs["many tags"]["steps"] == 120)
        series = server.get("series", run="training/adam").json

    assert ["--samples_per_plugin limits lrmon to 5 records" in notice for notice in answer["notices"]] == [
        True
    ]
    # The fast loader and the slow one keep different ones.
    assert 5 >= len(series["epochs"]["epoch"])
    many_tags = answer["runs"]["many tags"]
    assert (120, True) == (many_tags["steps"], many_tags["complete"])


@pytest.mark.parametrize("loader", LOADERS)
def test_records_that_were_sampled_away_make_a_run_incomplete(tmp_path: Path, loader: str) -> None:
    write(tmp_path / "run", [fit(A, 0), *(block(A, 10 * n, 10) for n in range(40))])
    with tensorboard(tmp_path, LOADERS[loader], "--samples_per_plugin", "lrmon=5") as server:
        run = server.runs_when(lambda runs: "run" in runs and runs["run"]["last_step"] == 399)["runs"]["run"]
        series = server.get("series", run="run").json

    assert (50, False) == (run["steps"], run["complete"])
    assert (50, False) == (series["steps"], series["complete"])
    assert ["Start it without lrmon in --samples_per_plugin" in notice for notice in run["notices"]] == [True]


@pytest.mark.parametrize("loader", LOADERS)
def test_a_live_run_grows(tmp_path: Path, loader: str) -> None:
    with lrmon.Recorder(tmp_path / "live") as recorder, tensorboard(tmp_path, LOADERS[loader]) as server:
        for steps in (10, 20):
            for _ in range(10):
                recorder.batch(learning_rate=0.1, loss=1.0)
            recorder.end_epoch({"loss": 1.0})
            recorder.flush()
            server.runs_when(lambda runs, steps=steps: "live" in runs and runs["live"]["steps"] == steps)  # type: ignore[misc]
            live = server.get("series", run="live").json

            assert (steps, "running") == (live["steps"], live["about"]["state"])
        recorder.close()
        server.runs_when(lambda runs: runs["live"]["state"] == "completed")


def test_two_thousand_runs_are_listed(tmp_path: Path) -> None:
    records = [fit(A, 0, ended="completed", last_step=2_047), block(A, 0, 1_024), block(A, 1_024, 1_024)]
    epochs = [epoch(A, number, 1_024 * number, 1_024 * number + 1_023, loss=1.0) for number in range(2)]
    write(tmp_path / "0", [*records, *epochs])
    for number in range(1, 2_000):
        shutil.copytree(tmp_path / "0", tmp_path / str(number), copy_function=os.link)
    with tensorboard(tmp_path, LOADERS["fast"]) as server:
        server.wait_until(lambda: len(server.get_path("/data/runs").json) == 2_000)
        answer = server.get("runs").json

    assert {2_048} == {summary["steps"] for summary in answer["runs"].values()}
    assert 2_000 == len(answer["runs"])


def test_a_log_directory_without_runs_has_none(tmp_path: Path) -> None:
    with tensorboard(tmp_path) as server:
        assert {} == server.get("runs").json["runs"]
        assert 404 == server.get("series", run="nothing").status
        assert not server.get_path("/data/plugins_listing").json["lrmon"]["enabled"]
