"""The routes inside TensorBoard's own WSGI application."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tensorboard import errors, program
from tensorboard.backend import application
from tensorboard.plugins import base_plugin
from werkzeug.test import Client, TestResponse

from lrmon_tb import page
from lrmon_tb.loader import Loader
from tests.review.written import Logs, block, epoch, fit, scalar, write

A = "20250101T000000.000000Z-1"
ROUTE = "/data/plugin/lrmon"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    folder = tmp_path_factory.mktemp("logs")
    write(folder / "a run" / "ü", [fit(A, 0), block(A, 0, 100), epoch(A, 0, 0, 99, loss=0.5)])
    logs = Logs(folder)
    context = base_plugin.TBContext(data_provider=logs.provider, sampling_hints={"lrmon": 0})
    return Client(application.TensorBoardWSGI([Loader().load(context)], "", logs.provider))


def get(client: Client, path: str, **arguments: Any) -> TestResponse:
    return client.get(f"{ROUTE}/{path}", query_string=arguments)


def body(answer: TestResponse) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(answer.data)
    return content


@pytest.mark.parametrize(("tag", "is_active"), [("lrmon/learning_rate", True), ("accuracy", False)])
def test_the_tab_is_active_for_scalars_of_lrmon_alone(tmp_path: Path, tag: str, is_active: bool) -> None:
    write(tmp_path / "run", [scalar(tag, 0, 0.1)])
    logs = Logs(tmp_path)

    assert is_active == Loader().load(base_plugin.TBContext(data_provider=logs.provider)).is_active()


def test_the_page_is_served_from_its_folder(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.js").write_text("export function render() {}")
    (tmp_path / "page.css").write_text("body {}")
    monkeypatch.setattr(page, "STATIC", tmp_path)

    for route, mime_type in (("index.js", "text/javascript"), ("static/page.css", "text/css")):
        answer = get(client, route)
        assert (200, f"{mime_type}; charset=utf-8") == (answer.status_code, answer.content_type)


def test_runs_and_series_are_json_that_is_not_kept(client: Client) -> None:
    for answer in (get(client, "runs"), get(client, "series", run="a run/ü")):
        assert (200, "application/json") == (answer.status_code, answer.content_type)
        assert "no-cache, must-revalidate" == answer.headers["Cache-Control"]
        assert "nosniff" == answer.headers["X-Content-Type-Options"]


def test_an_answer_is_compressed_for_who_takes_it(client: Client) -> None:
    answer = client.get(f"{ROUTE}/runs", headers={"Accept-Encoding": "gzip"})

    assert "gzip" == answer.headers["Content-Encoding"]


def test_head_has_no_body(client: Client) -> None:
    answer = client.head(f"{ROUTE}/runs")

    assert (200, b"") == (answer.status_code, answer.data)


BAD_ARGUMENTS: list[tuple[str, Mapping[str, Any], str]] = [
    ("series", {}, "run is missing; name one that the route runs lists"),
    ("series", {"run": ""}, "run is missing; name one that the route runs lists"),
    ("series", {"run": ["a run/ü", "a run/ü"]}, "run must be given once, got it 2 times"),
    ("series", {"run": "a run/ü", "x": "steps"}, "x must be one of step, epoch, time, got 'steps'"),
    ("series", {"run": "a run/ü", "x": ""}, "x must be one of step, epoch, time, got ''"),
    ("series", {"run": "a run/ü", "widht": 5}, "unknown argument 'widht'; it takes run, x, start, end"),
    (
        "series",
        {"run": "a run/ü", "start": 5, "end": 4},
        "start must not be greater than end, got 5.0 and 4.0",
    ),
    ("export", {"run": "a run/ü", "format": "xls"}, "format must be one of csv, json, got 'xls'"),
    ("export", {}, "run is missing"),
    ("runs", {"run": "a"}, "unknown argument 'run'; it takes none"),
    ("runs", {"x" * 4000: "a"}, f"unknown argument '{'x' * 50}…'; it takes none"),
    ("runs", {"\0" * 4000: "a"}, "unknown argument '\\x00"),
    ("series", {"run": "a run/ü", "x" * 4000: 5}, f"unknown argument '{'x' * 50}…'; it takes run, x, start"),
]
BAD_ARGUMENTS += [
    ("series", {"run": "a run/ü", name: value}, f"{name} must be a number between -1e+15 and 1e+15, got")
    for name in ("start", "end")
    for value in ("nan", "NaN", "inf", "-Infinity", "1e16", "9" * 5000, "", "zero", "0x10", "1;2")
]
BAD_ARGUMENTS += [
    ("series", {"run": "a run/ü", "width": value}, "width must be a whole number between 1 and 10,000, got")
    for value in ("0", "-1", "10001", "1.5", "1e3", "", "wide", "9" * 5000, "٣", "+5")
]
BAD_ARGUMENTS += [
    ("series", {"run": "a run/ü", "smoothing": value}, "smoothing must be at least 0 and less than 1, got")
    for value in ("1", "-0.1", "nan", "", "much")
]


@pytest.mark.parametrize(("route", "arguments", "sentence"), BAD_ARGUMENTS)
def test_a_bad_argument_is_a_400_with_a_sentence(
    client: Client, route: str, arguments: Mapping[str, Any], sentence: str
) -> None:
    answer = get(client, route, **arguments)

    assert (400, "application/json") == (answer.status_code, answer.content_type)
    assert ["error"] == list(body(answer))
    assert body(answer)["error"].startswith(f"Invalid argument: {sentence}")
    assert len(body(answer)["error"]) < 300


@pytest.mark.parametrize(
    ("arguments", "steps"),
    [
        ({"start": "-1e15", "end": "1e15"}, 100),
        ({"start": "5", "end": "5"}, 1),
        ({"start": " 7 "}, 93),
        ({"width": "1"}, 100),
        ({"width": "10000", "smoothing": "0.999999"}, 100),
        ({"x": "epoch", "start": "0.5"}, 50),
        ({"x": "time", "start": "0"}, 100),
    ],
)
def test_arguments_at_the_edge_of_what_is_valid_are_answered(
    client: Client, arguments: Mapping[str, str], steps: int
) -> None:
    answer = get(client, "series", run="a run/ü", **arguments)

    assert (200, steps) == (answer.status_code, body(answer)["steps"])


@pytest.mark.parametrize("route", ["series", "export"])
@pytest.mark.parametrize("run", ["nothing", "a run", "../a run/ü", "\x00", "x" * 5000])
def test_an_unknown_run_is_a_404_with_a_sentence(client: Client, route: str, run: str) -> None:
    answer = get(client, route, run=run)

    assert (404, "application/json") == (answer.status_code, answer.content_type)
    assert body(answer)["error"].startswith("Not found: no run")
    assert len(body(answer)["error"]) < 300


@pytest.mark.parametrize("route", ["runs", "series", "export", "index.js", "static/index.css"])
def test_any_other_method_is_a_405(client: Client, route: str) -> None:
    answer = client.post(f"{ROUTE}/{route}")

    assert (405, "GET, HEAD") == (answer.status_code, answer.headers["Allow"])
    assert {"error": "Method not allowed: send GET, got POST"} == body(answer)


@pytest.mark.parametrize("route", ["runs", "series", "report", "range_test", "export"])
def test_bytes_that_are_no_text_are_a_400(client: Client, route: str) -> None:
    answer = client.get(f"{ROUTE}/{route}", environ_overrides={"QUERY_STRING": "run=\x80"})

    assert (400, ["error"]) == (answer.status_code, list(body(answer)))
    assert "Invalid argument: the query string is not UTF-8; percent-encode" in body(answer)["error"]


def test_a_long_method_is_a_405_with_a_short_sentence(client: Client) -> None:
    answer = client.open(f"{ROUTE}/runs", method="X" * 4000)

    assert (405, f"Method not allowed: send GET, got {'X' * 20}") == (
        answer.status_code,
        body(answer)["error"],
    )


@pytest.mark.parametrize(
    ("kind", "mime_type"), [("csv", "text/csv; charset=utf-8"), ("json", "application/json")]
)
def test_an_export_is_a_file_to_download(client: Client, kind: str, mime_type: str) -> None:
    answer = get(client, "export", run="a run/ü", format=kind)

    assert (200, mime_type) == (answer.status_code, answer.content_type)
    assert f'attachment; filename="a-run.{kind}"' == answer.headers["Content-Disposition"]
    assert answer.data


@pytest.mark.parametrize(
    "name",
    ["../loader.py", "..%2floader.py", "%2e%2e/loader.py", "/etc/passwd", ".", "a/../../loader.py"],
)
def test_no_path_leads_out_of_the_page(client: Client, name: str) -> None:
    answer = client.get(f"{ROUTE}/static/{name}")

    assert (404, "application/json") == (answer.status_code, answer.content_type)
    assert ["error"] == list(body(answer))


def test_the_files_of_the_page_have_their_types(tmp_path: Path) -> None:
    types = {
        "index.js": "text/javascript",
        "index.css": "text/css",
        "assets/chart-1a2b.js": "text/javascript",
        "logo.svg": "image/svg+xml",
    }
    for name in types:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)

    for name, mime_type in types.items():
        assert page.File(name.encode(), mime_type) == page.read(name, folder=tmp_path)


@pytest.mark.parametrize(
    "name", ["missing.js", "assets", "secret.env", "/index.js", "./index.js", "../outside.js"]
)
def test_what_is_no_file_of_the_page_is_not_found(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    for path in (folder / "index.js", folder / "secret.env", tmp_path / "outside.js"):
        path.write_text("")

    with pytest.raises(errors.NotFoundError, match="lrmon's page has no file"):
        page.read(name, folder=folder)


def test_a_page_that_was_not_built_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        errors.NotFoundError, match="has not been built; install lrmon with pip, which builds it"
    ):
        page.read("index.js", folder=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {"lrmon": 0}),
        (["--samples_per_plugin", "scalars=50"], {"scalars": 50, "lrmon": 0}),
        (["--samples_per_plugin", "lrmon=7"], {"lrmon": 7}),
    ],
)
def test_tensorboard_keeps_all_records_unless_told_otherwise(
    arguments: list[str], expected: dict[str, int]
) -> None:
    server = program.TensorBoard(plugins=[*core_plugins(), Loader])
    server.configure(["tensorboard", "--logdir", "logs", *arguments])

    assert expected == server.flags.samples_per_plugin


def core_plugins() -> list[Any]:
    from tensorboard.plugins.core import core_plugin

    return [core_plugin.CorePluginLoader]


@pytest.mark.parametrize("flags", [{}, {"samples_per_plugin": None}, {"samples_per_plugin": ""}])
def test_flags_that_lack_the_setting_get_it(flags: dict[str, Any]) -> None:
    namespace = argparse.Namespace(**flags)
    Loader().fix_flags(namespace)

    assert {"lrmon": 0} == namespace.samples_per_plugin


def test_the_list_of_runs_is_made_once_a_version(client: Client) -> None:
    first, second = (get(client, "runs").data for _ in range(2))

    assert first == second
    assert ["a run/ü"] == list(json.loads(first)["runs"])
