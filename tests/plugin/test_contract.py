"""The HTTP contract: the plugin's answers are the golden ones, and http_api.md describes these.

The page's own tests decode the same files (tb_plugin/frontend/test/golden.test.ts).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from werkzeug.test import Client

import lrmon_tb
from lrmon import schema
from tests.plugin.golden_answers import (
    FOLDER,
    REQUESTS,
    GoldenAnswer,
    ask,
    client_of,
    differences,
    read,
    write,
)
from tests.plugin.golden_runs import write_golden_runs
from tests.review.written import Logs

ROUTES: Final = ("runs", "series", "report", "range_test")

FREE_NAMES: Final = frozenset(
    {
        "runs",
        "epochs.metrics",
        "learning_rates",
        "updates",
        "samples.update_to_weight",
        "about.updates",
    }
)
"""Objects whose members the user or the data names."""

DESCRIBED_ELSEWHERE: Final = frozenset({"about.fits[]", "findings[].numbers"})
"""Objects whose members lrmon/schema.py and docs/findings.md describe."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    folder = tmp_path_factory.mktemp("logs")
    write_golden_runs(folder)
    return client_of(Logs(folder).provider)


@pytest.mark.parametrize("name", REQUESTS)
def test_an_answer_is_the_golden_one(client: Client, name: str, request: pytest.FixtureRequest) -> None:
    now = ask(client, REQUESTS[name])
    if request.config.getoption("--refresh-golden", default=False):
        write(name, now)
    golden = read(name)

    assert (REQUESTS[name], golden.status) == (golden.request, now.status)
    changed = differences(golden.answer, now.answer)
    assert not changed, (
        "the answer changed; if that is intended, change http_api.md and the page, and run "
        "`pytest tests/plugin/test_contract.py --refresh-golden`:\n" + "\n".join(changed)
    )


def test_no_file_is_left_of_a_request_that_is_not_made() -> None:
    assert set(REQUESTS) == {path.stem for path in FOLDER.iterdir()}


def test_a_changed_answer_is_noticed() -> None:
    golden = {"a": [1, 0.5, None], "b": {"c": "x"}}

    assert [] == differences(golden, {"a": [1, 0.5 + 1e-9, None], "b": {"c": "x"}})
    for changed in (
        {"a": [1, 0.5, None], "b": {}},
        {"a": [1, 0.5, None], "b": {"c": "x"}, "d": 1},
        {"a": [1, 0.5], "b": {"c": "x"}},
        {"a": [1, 0.5, 0], "b": {"c": "x"}},
        {"a": [1.0, 0.5, None], "b": {"c": "x"}},
        {"a": [1, 0.501, None], "b": {"c": "x"}},
        {"a": [1, 0.5, None], "b": {"c": "y"}},
    ):
        assert 1 == len(differences(golden, changed))


DOCUMENT: Final = Path(lrmon_tb.__file__).with_name("http_api.md").read_text(encoding="utf-8")


def section(route: str) -> str:
    """Returns the text of http_api.md on a route."""
    parts = re.split(r"^## `(\w+)[^\n]*\n", DOCUMENT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[route].partition("\n## ")[0]


def example(route: str) -> dict[str, Any]:
    """Returns the answer that http_api.md shows."""
    (text,) = re.findall(r"^```json\n(.*?)^```", section(route), flags=re.MULTILINE | re.DOTALL)
    shown: dict[str, Any] = json.loads(text)
    return shown


def table(route: str, heading: str) -> list[str]:
    """Returns the names in the first column of a table, without what distinguishes list items."""
    (rows,) = re.findall(
        rf"^\| {heading} \|[^\n]*\n\| --- [^\n]*\n((?:\|[^\n]*\n)+)", section(route), flags=re.MULTILINE
    )
    first_cells = (row.split(" | ")[0] for row in rows.splitlines())
    return [name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)]


def fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yields path and type of the fields of an answer: `*` is any name, `[]` any item of a list.

    Plain values in lists or under free names are no fields of their own.
    """
    if path and (isinstance(value, (Mapping, list)) or not path.endswith(("[]", "*"))):
        yield path, _json_type(value)
    if path in DESCRIBED_ELSEWHERE:
        return
    if isinstance(value, Mapping):
        for name, member in value.items():
            member_path = "*" if path in FREE_NAMES else name
            yield from fields(member, f"{path}.{member_path}" if path else member_path)
    elif isinstance(value, list):
        for item in value:
            yield from fields(item, f"{path}[]")


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)) or value in (schema.NAN, schema.INFINITY, schema.NEGATIVE_INFINITY):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def answers_of(route: str) -> list[GoldenAnswer]:
    goldens = [read(name) for name in REQUESTS]
    return [golden for golden in goldens if golden.route == route and golden.status == 200]


def golden_fields(route: str) -> dict[str, set[str]]:
    """Returns the types of each field in the golden answers of a route."""
    types: dict[str, set[str]] = {}
    for golden in answers_of(route):
        answer = dict(golden.answer)
        if route == "report":
            answer["range_test"] = None
        for path, kind in fields(answer):
            types.setdefault(path, set()).add(kind)
    return types


@pytest.mark.parametrize("route", ROUTES)
def test_the_example_has_the_fields_of_the_answers_and_no_other(route: str) -> None:
    shown, golden = dict(fields(example(route))), golden_fields(route)

    assert set(golden) == set(shown)
    assert {} == {path: kind for path, kind in fields(example(route)) if kind not in golden[path]}


@pytest.mark.parametrize("route", ROUTES)
def test_the_table_describes_fields_that_answers_have(route: str) -> None:
    paths = set(golden_fields(route))

    for name in table(route, "field"):
        assert any(path == name or path.endswith(f".{name}") for path in paths), f"no answer has {name}"


@pytest.mark.parametrize("route", ROUTES)
def test_every_field_is_described_in_words(route: str) -> None:
    """By its own name or as part of an object that is described."""
    text = re.sub(r"^```json\n.*?^```", "", section(route), flags=re.MULTILINE | re.DOTALL)
    words = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`]+)`", text))))

    for path in golden_fields(route):
        parts = [part.removesuffix("[]") for part in path.replace("[][]", "[]").split(".") if part != "*"]
        assert set(parts) & words, f"nothing is said of {path}"


def test_fields_that_a_sentence_names_exist() -> None:
    paths = {re.sub(r"\[\]", "", path) for route in ROUTES for path in golden_fields(route)}
    roots = {path.partition(".")[0] for path in paths}
    codes = re.findall(
        r"`([^`\n]+)`", re.sub(r"^```json\n.*?^```", "", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    )
    named = {
        re.sub(r"\[\w*\]", "", dotted)
        for code in codes
        for dotted in re.findall(r"(?<![\w/.])[a-z_]+(?:\[\w*\])*(?:\.[a-z_]+(?:\[\w*\])*)+", code)
        if not dotted.endswith(".md")
    }

    checked = {dotted for dotted in named if dotted.partition(".")[0] in roots}
    assert {"about.fits.optimizer", "about.fits.optimizers"} <= checked
    of_fits = {f"about.fits.{name}" for name in schema.RunRecord.__annotations__}
    assert set() == checked - paths - of_fits


def test_a_report_of_a_range_test_has_the_fields_that_the_route_has() -> None:
    (tested,) = (golden.answer for golden in answers_of("report") if golden.answer["kind"] == "range_test")
    sentence = next(line for line in section("report").splitlines() if line.startswith("| `range_test`"))
    inside, without = (
        set(re.findall(r"`(\w+)`", part))
        for part in sentence.partition("For a range test, ")[2].split("without")
    )
    without = {name for name in without if f"sweeps[].{name}" in golden_fields("range_test")}

    expected = {
        path
        for path in golden_fields("range_test")
        if path.partition(".")[0].removesuffix("[]") in inside and not set(re.findall(r"\w+", path)) & without
    }
    assert {"columns", "points", "every_step"} == without
    assert expected == set(dict(fields(tested["range_test"])))


def test_what_is_recorded_of_a_fit_has_the_fields_of_the_schema() -> None:
    recorded = {
        name
        for golden in [*answers_of("series"), *answers_of("range_test")]
        for fit in golden.answer["about"]["fits"]
        for name in fit
    }
    shown = {name for fit in example("series")["about"]["fits"] for name in fit}
    known = {*schema.RunRecord.__annotations__, "recording"}

    assert recorded <= known
    assert shown <= known
    assert set(example("range_test")["settings"]) <= set(schema.RangeTestRecord.__annotations__)


@pytest.mark.parametrize("route", ROUTES[1:])
def test_arguments_are_those_that_the_route_takes(client: Client, route: str) -> None:
    refusal = json.loads(client.get(f"/data/plugin/lrmon/{route}?nothing=1").data)["error"]
    takes = refusal.rpartition("; it takes ")[2].split(", ")
    (heading,) = re.findall(rf"^## `{route}\?([^`]*)`", DOCUMENT, flags=re.MULTILINE)

    assert takes == [argument.removesuffix("=") for argument in heading.split("&")]
    assert set(takes) == set(table(route, "argument"))


def test_an_export_has_the_fields_and_columns_that_are_listed() -> None:
    bullets = section("export").split("\n- ")
    as_csv, as_json = ((part.split("\n\n")[0]) for part in bullets[1:3])
    listed = set(re.findall(r"`(\w+)`", as_json)) - {"series", "loss_smoothed"}
    columns = [name for code in re.findall(r"`([^`]+)`", as_csv) for name in re.split(r",\s+", code)]
    patterns = [re.compile(re.sub(r"<\w+>", ".+", re.escape(name))) for name in columns]

    headers = set()
    for golden in answers_of("export"):
        if isinstance(golden.answer, list):
            headers |= set(golden.answer[0].split(","))
        else:
            assert listed == set(golden.answer)
            assert set(golden.answer["columns"]) == set(example("series")["columns"]) - {"loss_smoothed"}
    assert headers
    assert all(any(pattern.fullmatch(name) for pattern in patterns) for name in headers)


def test_an_error_is_as_it_is_described() -> None:
    errors = [golden for golden in map(read, REQUESTS) if golden.status != 200]
    (shown,) = re.findall(r"The body is `([^`]*)`", DOCUMENT)
    statuses = {int(status) for status in re.findall(r"a `(\d+)`", DOCUMENT.partition("**Runs.**")[0])}

    assert {400, 404, 405} == {golden.status for golden in errors}
    assert {golden.status for golden in errors} <= statuses
    assert all(list(json.loads(shown)) == list(golden.answer) for golden in errors)
