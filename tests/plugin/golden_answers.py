"""The golden answers of every route about the runs of `golden_runs`, one committed file per request.

The TypeScript tests of the page decode the same files, and http_api.md is compared with them. Sentences are
left out of the files, so that wording can change without them.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tensorboard.plugins import base_plugin
from werkzeug.test import Client

FOLDER: Final = Path(__file__).parent / "golden"

SENTENCE: Final = "…"
"""Stands in the files for any sentence, and for the opaque `version` of an answer."""

REQUESTS: Final[dict[str, str]] = {
    "runs": "runs",
    "series_thinned": "series?run=staircase&width=2",
    "series_range": "series?run=staircase&x=epoch&start=1.3&end=1.45&smoothing=0.9",
    "series_strange": "series?run=strange/ü",
    "series_optimizers": "series?run=two optimizers",
    "series_scalars": "series?run=scalars",
    "series_empty": "series?run=empty&x=time",
    "report_staircase": "report?run=staircase",
    "report_batches": "report?run=time-based&monitor=batch/loss&mode=max&patience=12&factor=0.5&cooldown=9",
    "report_reduced": "report?run=reduced",
    "report_other_rule": "report?run=reduced&patience=4",
    "report_time_based": "report?run=time-based",
    "report_strange": "report?run=strange/ü",
    "report_scalars": "report?run=scalars&patience=1&mode=max&min_lr=0.001&version=tf_keras",
    "report_empty": "report?run=empty",
    "report_range_test": "report?run=range test",
    "range_test": "range_test?run=range test&training=reduced",
    "range_test_flat": "range_test?run=flat range test",
    "export_strange": "export?run=strange/ü&format=json",
    "export_optimizers": "export?run=two optimizers&format=json",
    "export_csv": "export?run=two optimizers",
    "error_run_missing": "series",
    "error_unknown_argument": "report?run=staircase&patiense=3",
    "error_repeated": "series?run=staircase&run=empty",
    "error_number": "series?run=staircase&width=wide",
    "error_monitor": "report?run=staircase&monitor=accuracy",
    "error_no_range_test": "range_test?run=staircase",
    "error_unknown_run": "report?run=nothing",
    "error_method": "POST runs",
}
"""By the name of its file."""

_SENTENCES: Final = frozenset(
    {
        "advice",
        "error",
        "explanation",
        "late",
        "notices",
        "problem",
        "reason",
        "recognized",
        "summary",
        "text",
    }
)


@dataclass(frozen=True)
class GoldenAnswer:
    """An answer as its file has it.

    Attributes:
        request: The request, without the address of the routes.
        status: HTTP's.
        answer: The decoded JSON, or the lines of a CSV file.
    """

    request: str
    status: int
    answer: Any

    @property
    def route(self) -> str:
        return re.split(r"[ ?]", self.request.removeprefix("POST "))[0]


def read(name: str) -> GoldenAnswer:
    """Returns a committed answer."""
    return GoldenAnswer(**json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


def write(name: str, golden: GoldenAnswer) -> None:
    """Writes the file of an answer, with a list of plain values on one line."""
    text = json.dumps(vars(golden), indent=1, ensure_ascii=False)
    text = re.sub(
        r"\[\n *([^\[\]{}]*?)\n *\]", lambda match: "[" + re.sub(r"\n *", " ", match[1]) + "]", text
    )
    (FOLDER / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


def ask(client: Client, request: str) -> GoldenAnswer:
    """Returns what the plugin answers now."""
    path = request.removeprefix("POST ")
    answer = client.open(f"/data/plugin/lrmon/{path}", method="GET" if path == request else "POST")
    if "json" not in answer.content_type:
        return GoldenAnswer(request, answer.status_code, answer.text.splitlines())
    content = json.loads(answer.data, parse_constant=_refuse)
    if "version" in content:
        content["version"] = SENTENCE
    return GoldenAnswer(request, answer.status_code, _without_sentences(content))


def client_of(provider: Any) -> Client:
    """Returns a client of TensorBoard's own application with the plugin in it."""
    from tensorboard.backend import application

    from lrmon_tb.loader import Loader

    context = base_plugin.TBContext(data_provider=provider, sampling_hints={"lrmon": 0})
    return Client(application.TensorBoardWSGI([Loader().load(context)], "", provider))


def differences(golden: Any, now: Any, path: str = "") -> list[str]:
    """Returns where two decoded answers differ, except for floats that differ by rounding alone."""
    if type(golden) is not type(now):
        return [f"{path}: {golden!r} became {now!r}"]
    if isinstance(golden, dict):
        if list(golden) != list(now):
            return [f"{path}: the members {list(golden)} became {list(now)}"]
        return [line for name in golden for line in differences(golden[name], now[name], f"{path}.{name}")]
    if isinstance(golden, list):
        if len(golden) != len(now):
            return [f"{path}: {len(golden)} items became {len(now)}"]
        pairs = zip(golden, now, strict=True)
        return [
            line for index, pair in enumerate(pairs) for line in differences(*pair, path=f"{path}[{index}]")
        ]
    if isinstance(golden, float):
        is_same = math.isclose(golden, now, rel_tol=1e-6, abs_tol=1e-12)
    else:
        is_same = golden == now
    return [] if is_same else [f"{path}: {golden!r} became {now!r}"]


def _without_sentences(value: Any, name: str = "", parent: str = "") -> Any:
    if isinstance(value, dict):
        return {member: _without_sentences(item, member, name) for member, item in value.items()}
    if isinstance(value, list):
        return [_without_sentences(item, name, parent) for item in value]
    is_sentence = name in _SENTENCES or (parent, name) == ("checks", "name")
    is_words_of_updates = parent == "updates"
    return SENTENCE if isinstance(value, str) and (is_sentence or is_words_of_updates) else value


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")
