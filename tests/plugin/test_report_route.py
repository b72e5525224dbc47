"""The route `report`: its arguments, its errors, and that it is what the command says."""

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
from tests.plugin.process import Server, tensorboard
from tests.review.written import START, Logs, block, epoch, fit, scalar, write

A = "20250101T000000.000000Z-1"
STUCK = [1.0, 0.9, 0.9, 0.9, 0.9, 0.9]


def record(folder: Path) -> None:
    """Writes a staircase with a plateau, a training that broke, and odd ones."""
    config = {"initial_learning_rate": 0.1, "decay_steps": 95, "decay_rate": 0.95, "staircase": True}
    schedule = {"class_name": "ExponentialDecay", "config": config}
    run = {"schedule": schedule, "steps_per_epoch": 76, "epochs": 8, "compiled": "graph"}
    with lrmon.Recorder(folder / "a run" / "ü", run=run) as recorder:
        for number, value in enumerate(STUCK):
            steps = np.arange(76 * number, 76 * number + 76)
            recorder.batches(
                learning_rate=0.1 * 0.95 ** (steps // 95),
                loss=1.0 / (1 + steps),
                wall_time=START + steps,
            )
            recorder.end_epoch({"loss": value / 2, "val_loss": value})
    broken = np.column_stack((np.full(50, 0.1), np.full(50, 0.1), np.full(50, math.nan), np.full(50, 0.5)))
    write(
        folder / "broken",
        [fit(A, 0), block(A, 0, 100), block(A, 100, broken.astype(np.float32)), epoch(A, 0, 0, 99)],
    )
    write(folder / "gap", [fit(A, 0), block(A, 0, 10), block(A, 20, 10), epoch(A, 0, 0, 9, loss=1.0)])
    write(folder / "empty", [fit(A, 0)])
    write(folder / "no epochs", [block(A, 0, 30)])
    lrs = [scalar(schema.SCALAR_LEARNING_RATE, step, 0.1 / (1 + step // 9)) for step in range(50)]
    write(folder / "scalars", [*lrs, *(scalar("lrmon/epoch/loss", step, 1.5) for step in (24, 49))])


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    folder = tmp_path_factory.mktemp("logs")
    record(folder)
    logs = Logs(folder)
    context = base_plugin.TBContext(data_provider=logs.provider, sampling_hints={"lrmon": 0})
    return Client(application.TensorBoardWSGI([Loader().load(context)], "", logs.provider))


def get(client: Client, **arguments: Any) -> TestResponse:
    return client.get("/data/plugin/lrmon/report", query_string=arguments)


def test_a_report_is_json_as_it_is_described(client: Client) -> None:
    answer = get(client, run="a run/ü")
    content = json.loads(answer.data)

    assert (200, "application/json") == (answer.status_code, answer.content_type)
    assert [
        "run", "version", "kind", "provenance", "state", "complete", "steps", "first_step", "last_step",
        "epochs", "lr", "findings", "checks", "notices", "planned", "range_test", "plateaus",
    ] == list(content)  # fmt: skip
    assert [95, 190, 285, 380] == [lr_change["step"] for lr_change in content["lr"]["lr_changes"]]
    assert 607 == content["planned"]["last_step"]


def test_settings_replace_those_of_the_run(client: Client) -> None:
    settings = {
        "monitor": "loss",
        "patience": "2",
        "factor": "0.5",
        "min_delta": "1e-3",
        "version": "tf_keras",
    }
    plateaus = json.loads(get(client, run="a run/ü", **settings).data)["plateaus"]

    assert ("loss", 2, 0.5, 1e-3, "tf_keras") == tuple(plateaus["rule"][name] for name in settings)
    assert ("val_loss", 10) == (plateaus["defaults"]["monitor"], plateaus["defaults"]["patience"])
    assert [(3, 0.1, 0.05), (5, 0.05, 0.025)] == [
        (reduction["epoch"], reduction["lr_from"], reduction["lr_to"]) for reduction in plateaus["reductions"]
    ]


def test_every_run_has_a_report_with_as_many_findings_as_the_list_says(client: Client) -> None:
    runs = json.loads(client.get("/data/plugin/lrmon/runs").data)["runs"]

    assert {"a run/ü", "broken", "gap", "empty", "no epochs", "scalars"} == set(runs)
    assert 1 <= runs["broken"]["findings"]
    for name, summary in runs.items():
        answer = get(client, run=name)
        content = json.loads(answer.data)
        assert (200, summary["findings"]) == (answer.status_code, len(content["findings"]))
        for field in (
            "kind",
            "provenance",
            "state",
            "complete",
            "steps",
            "first_step",
            "last_step",
            "notices",
        ):
            assert summary[field] == content[field]


BAD: list[tuple[Mapping[str, Any], str]] = [
    ({}, "run is missing"),
    ({"run": "a run/ü", "patiense": 3}, "unknown argument 'patiense'; it takes run, monitor, factor"),
    ({"run": "a run/ü", "monitor": "acuracy"}, "this run has no monitor 'acuracy'; it has loss, val_loss"),
    ({"run": "empty", "monitor": "loss"}, "this run has no monitor 'loss'; it has none"),
    ({"run": "a run/ü", "monitor": "x" * 5000}, "this run has no monitor 'xxxx"),
    ({"run": "a run/ü", "patience": ["1", "2"]}, "patience must be given once"),
    ({"run": "a run/ü", "mode": "up"}, "mode must be one of auto, min, max, got 'up'"),
    ({"run": "a run/ü", "mode": "x" * 5000}, "mode must be one of"),
    ({"run": "a run/ü", "version": ""}, "version must be one of keras-3.15"),
]
BAD += [
    ({"run": "a run/ü", name: value}, f"{name} must be")
    for name in ("patience", "cooldown")
    for value in ("-1", "1.5", "", "many", "1e3", "nan", "9" * 5000, "٣")
]
BAD += [
    ({"run": "a run/ü", name: value}, f"{name} must be")
    for name in ("factor", "min_delta", "min_lr")
    for value in ("nan", "inf", "", "much", "0x10", "9" * 5000)
]
BAD += [({"run": "a run/ü", "factor": value}, "factor must be less than 1") for value in ("1", "1e300")]


@pytest.mark.parametrize(("arguments", "sentence"), BAD)
def test_a_bad_argument_is_a_400_with_a_sentence(
    client: Client, arguments: Mapping[str, Any], sentence: str
) -> None:
    answer = get(client, **arguments)
    content = json.loads(answer.data)

    assert (400, "application/json", ["error"]) == (answer.status_code, answer.content_type, list(content))
    assert content["error"].startswith(f"Invalid argument: {sentence}")
    assert len(content["error"]) < 220


@pytest.mark.parametrize(
    "arguments",
    [
        {"patience": "0"},
        {"patience": "999999999999999"},
        {"factor": "-1e308", "patience": "1"},
        {"factor": "0", "patience": "1", "min_lr": "-1e308"},
        {"min_delta": "-1e308", "version": "tf_keras"},
        {"min_delta": "1e308"},
        {"cooldown": "999999999999999", "patience": "1"},
        {"monitor": "batch/loss", "patience": "1", "factor": "0.999"},
        {"monitor": "batch/learning_rate", "mode": "max", "patience": "1"},
        {"monitor": "batch/effective_learning_rate"},
    ],
)
def test_settings_at_the_edge_of_what_is_valid_are_answered(
    client: Client, arguments: Mapping[str, str]
) -> None:
    answer = get(client, run="a run/ü", **arguments)

    assert 200 == answer.status_code
    assert json.loads(answer.data)["plateaus"]["rule"]["monitor"] == arguments.get("monitor", "val_loss")


def test_an_unknown_run_is_a_404_and_another_method_a_405(client: Client) -> None:
    assert 404 == get(client, run="nothing").status_code
    assert 405 == client.post("/data/plugin/lrmon/report").status_code


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    record(folder)
    return folder


@pytest.fixture(scope="module")
def servers(log_dir: Path) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        servers = [
            stack.enter_context(tensorboard(log_dir, f"--load_fast={fast}")) for fast in ("true", "false")
        ]
        for server in servers:
            server.runs_when(lambda runs: len(runs) == 6 and runs["a run/ü"]["state"] == "completed")
        yield servers


@pytest.mark.parametrize("settings", [{}, {"patience": 2, "min_delta": 0.01}, {"monitor": "batch/loss"}])
def test_both_loaders_and_the_command_give_one_report(
    log_dir: Path, servers: list[Server], capsys: pytest.CaptureFixture[str], settings: Mapping[str, Any]
) -> None:
    options = [
        text for name, value in settings.items() for text in (f"--{name.replace('_', '-')}", str(value))
    ]
    status = cli.main(["report", str(log_dir), "--json", *options])
    by_command = json.loads(capsys.readouterr().out)

    assert 1 == status
    assert 6 == len(by_command)
    for name, report in by_command.items():
        if settings.get("monitor") and name == "empty":
            continue
        by_route = [server.get("report", run=name, **settings).json for server in servers]
        for answer in [report, *by_route]:
            assert answer.pop("version")
        assert report == by_route[0] == by_route[1]
