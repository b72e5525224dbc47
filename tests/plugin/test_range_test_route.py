"""The route `range_test`: its arguments, its errors, and its answer in real TensorBoard processes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend import application
from tensorboard.plugins import base_plugin
from werkzeug.test import Client, TestResponse

import lrmon
from lrmon import cli, schema
from lrmon_tb.loader import Loader
from tests.analysis.sweeps import swept
from tests.plugin.process import Server, tensorboard
from tests.review.range_tests import record_range_test, three_sweeps
from tests.review.written import START, Logs, block, fit, scalar, write

A = "20250101T000000.000000Z-1"
TESTS = ("a test/ü", "flat", "three", "short", "broken", "empty test", "odd")


def record(folder: Path) -> None:
    """Writes range tests of all sorts, and two trainings."""
    record_range_test(folder / "a test" / "ü", swept(200, falls_at=1e-3), stopped="diverged")
    record_range_test(folder / "flat", (np.geomspace(1e-7, 10, 50), np.full(50, 2.0)))
    record_range_test(folder / "three", *three_sweeps())
    record_range_test(folder / "short", *(swept(steps) for steps in (1, 5, 16)))
    record_range_test(folder / "broken", (np.geomspace(1e-7, 10, 50), np.full(50, math.nan)))
    write(folder / "empty test", [fit(A, 0, kind="range_test")])
    write(folder / "odd", [fit(A, 0, kind="range_test", range_test=[5], optimizer=7), block(A, 0, 30)])
    with lrmon.Recorder(folder / "training") as recorder:
        recorder.batches(
            learning_rate=np.full(100, 0.008), loss=np.ones(100), wall_time=START + np.arange(100)
        )
    write(
        folder / "scalars", [scalar(schema.SCALAR_LEARNING_RATE, step, 0.1 + step / 100) for step in range(9)]
    )


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    record(folder)
    return folder


@pytest.fixture(scope="module")
def client(log_dir: Path) -> Client:
    logs = Logs(log_dir)
    context = base_plugin.TBContext(data_provider=logs.provider, sampling_hints={"lrmon": 0})
    return Client(application.TensorBoardWSGI([Loader().load(context)], "", logs.provider))


def get(client: Client, route: str = "range_test", **arguments: Any) -> TestResponse:
    return client.get(f"/data/plugin/lrmon/{route}", query_string=arguments)


def strict(content: bytes) -> Any:
    return json.loads(content, parse_constant=lambda name: pytest.fail(f"not JSON: {name}"))


@pytest.mark.parametrize("run", TESTS)
def test_every_range_test_has_an_answer_with_and_without_a_training(client: Client, run: str) -> None:
    for more in ({}, {"training": "training"}, {"training": "scalars"}):
        answer = get(client, run=run, **more)
        content = strict(answer.data)

        assert (200, "application/json") == (answer.status_code, answer.content_type)
        assert run == content["run"]
        assert ("training" in more) == (content["training"] is not None)


def test_the_list_of_runs_says_which_are_range_tests(client: Client) -> None:
    runs = strict(get(client, "runs").data)["runs"]

    assert set(TESTS) == {name for name, run in runs.items() if run["kind"] == "range_test"}


def test_a_training_is_said_to_lie_above_the_steepest_point(client: Client) -> None:
    training = strict(get(client, run="a test/ü", training="training").data)["training"]

    assert training["times_steepest"] == pytest.approx(8.0, rel=0.1)
    assert "You trained at 0.008" in training["text"]
    assert "times above the steepest point of the range test" in training["text"]


BAD: list[tuple[Mapping[str, Any], int, str]] = [
    ({}, 400, "run is missing"),
    ({"run": "training"}, 400, "run 'training' is a training, not a range test"),
    ({"run": "scalars"}, 400, "run 'scalars' is a training, not a range test"),
    ({"run": "nothing"}, 404, "no run 'nothing'"),
    ({"run": "flat", "training": "nothing"}, 404, "no run 'nothing'"),
    ({"run": "flat", "training": "three"}, 400, "training must name a training, got the range test 'three'"),
    ({"run": "flat", "training": ""}, 400, "training is empty"),
    ({"run": ["flat", "three"]}, 400, "run must be given once"),
    ({"run": "flat", "training": ["training", "scalars"]}, 400, "training must be given once"),
    ({"run": "flat", "width": 5}, 400, "unknown argument 'width'; it takes run, training"),
]


@pytest.mark.parametrize(("arguments", "status", "sentence"), BAD)
def test_a_wrong_question_is_answered_with_a_sentence(
    client: Client, arguments: Mapping[str, Any], status: int, sentence: str
) -> None:
    answer = get(client, **arguments)

    assert status == answer.status_code
    assert sentence in strict(answer.data)["error"]


def test_only_get_and_head_are_answered(client: Client) -> None:
    assert 405 == client.post("/data/plugin/lrmon/range_test?run=flat").status_code
    assert b"" == client.head("/data/plugin/lrmon/range_test?run=flat").data


def test_the_command_reports_range_tests(log_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == cli.main(["report", str(log_dir), "--run", "test|flat|three|short|broken|odd"])
    text = capsys.readouterr().out

    assert len(TESTS) == text.count("\nRange test")
    assert "Stopped: diverged." in text
    assert "2 of 3" not in text
    assert "3 of 3" in text

    assert 0 == cli.main(["report", str(log_dir), "--run", "three", "--json"])
    answer = strict(capsys.readouterr().out.encode())["three"]["range_test"]
    assert 3 == len(answer["sweeps"])


def test_a_notebook_gets_the_same_suggestions(log_dir: Path, client: Client) -> None:
    in_notebook = lrmon.range_test(lrmon.load(log_dir)["three"])

    assert (
        strict(get(client, run="three").data)["recommended"]["learning_rate"]
        == in_notebook.recommended.median
    )


@pytest.fixture(scope="module")
def servers(log_dir: Path) -> Iterator[list[Server]]:
    """A server with each loader."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(tensorboard(log_dir, flag))
            for flag in ("--load_fast=true", "--load_fast=false")
        ]
        for server in servers:
            server.runs_when(lambda runs: len(runs) == len(TESTS) + 2 and runs["three"]["steps"] == 600)
        yield servers


def test_both_loaders_of_a_real_tensorboard_give_the_same_answers(servers: list[Server]) -> None:
    for run in TESTS:
        fast, slow = (server.get("range_test", run=run, training="training") for server in servers)
        contents = [answer.json for answer in (fast, slow)]
        for content in contents:
            content.pop("version")

        assert (200, 200) == (fast.status, slow.status)
        assert contents[0] == contents[1]
    assert 400 == servers[0].get("range_test", run="training").status
