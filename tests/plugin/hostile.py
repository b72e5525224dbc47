"""Requests that no page sends, made cheaply and by the million, and what every answer to them has to be."""

from __future__ import annotations

import io
import json
import random
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import numpy as np
from tensorboard.backend import application
from tensorboard.plugins import base_plugin

from lrmon import schema
from lrmon_tb.loader import Loader
from tests.review.written import Logs, block, epoch, fit, scalar, write

A = "20250101T000000.000000Z-1"
RUNS = ("a run/ü", "__proto__", "test", "nan", "sampled", "empty", "odd")
NAMES = ("run", "x", "start", "end", "width", "smoothing", "format", "training", "monitor", "factor",
         "patience", "mode", "min_delta", "cooldown", "min_lr", "version", "constructor", "")  # fmt: skip
ROUTES = ("runs", "series", "series", "series", "report", "report", "range_test", "export", "index.js")
METHODS = ("GET",) * 60 + ("HEAD", "POST", "PUT", "DELETE", "OPTIONS", "X" * 300, "")
VALUES = (
    *RUNS, "", "0", "1", "-1", "5", "0.5", "1e3", "1e15", "-1e15", "1e16", "1e308", "1e999", "nan", "NaN",
    "inf", "-inf", "true", "null", "step", "epoch", "time", "csv", "json", "loss", "val_loss", "batch/loss",
    "batch/learning_rate", "auto", "min", "max", "keras-3.15", "keras-3.0", "tf_keras", "٣", "½", "\0",
    "\ud800", "\n", "\r\nX: y", "../" * 9, "%", "%00", "<script>", "' OR 1=1", "{}", "[]", "🚀" * 20,
    "9" * 400, "x" * 5000, " 7 ", "+7", "0x10", "1_000", "7;8",
)  # fmt: skip
PATHS = (
    "static/a",
    "static/../x",
    "static/%2e%2e/x",
    "static/" + "a" * 3000,
    "static/index.css",
    "static/\0",
)


def write_runs(folder: Path) -> None:
    """Writes runs of every kind that the routes know."""
    write(folder / RUNS[0], [fit(A, 0, steps_per_epoch=50), block(A, 0, 100), epoch(A, 0, 0, 49, loss=0.5)])
    write(folder / RUNS[1], [fit(A, 0), block(A, 0, 30)])
    sweep = np.full((40, 4), 0.1, dtype=np.float32)
    sweep[:, 0] = np.geomspace(1e-6, 1, 40)
    write(folder / RUNS[2], [fit(A, 0, kind="range_test", range_test={"steps": 40}), block(A, 0, sweep)])
    write(folder / RUNS[3], [fit(A, 0), block(A, 0, np.full((30, 4), np.nan, dtype=np.float32))])
    write(folder / RUNS[4], [scalar(schema.SCALAR_LEARNING_RATE, step, 0.1) for step in range(20)])
    write(folder / RUNS[5], [fit(A, 0)])
    write(folder / RUNS[6], [block(A, 5, 5), block(A, 20, np.zeros((2, 3), dtype=np.float32), number=1)])


def request(random_: random.Random) -> tuple[str, str, bytes]:
    """Returns the method, the path and the query string of a request, right in parts."""
    route = random_.choice(ROUTES) if random_.random() < 0.95 else random_.choice(PATHS)
    arguments = []
    if random_.random() < 0.7:
        arguments.append(("run", random_.choice(RUNS)))
    more = random_.choice((0, 0, 1, 1, 2, 5))
    arguments += [(random_.choice(NAMES), random_.choice(VALUES)) for _ in range(more)]
    query = "&".join(f"{quote(n, errors='replace')}={quote(v, errors='replace')}" for n, v in arguments)
    if random_.random() < 0.02:
        query = random_.choice(
            ("&&=&", "%%%", "run", "=" * 50, "run=%ff%fe", "a" * 9000, "run=a;x=5", "\x80")
        )
    return random_.choice(METHODS), route, query.encode("latin-1", "replace")


class Application:
    """TensorBoard's own WSGI application with the plugin, on runs of every kind, one of which grows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        write_runs(folder)
        self._logs = Logs(folder)
        self._files = 1
        context = base_plugin.TBContext(
            data_provider=self._logs.provider, sampling_hints={"lrmon": 0}, logdir=str(folder)
        )
        self._app = application.TensorBoardWSGI([Loader().load(context)], "", self._logs.provider)

    def grow(self) -> None:
        """Adds ten steps to a run."""
        first = 100 + 10 * (self._files - 1)
        self._files += 1
        write(self._folder / RUNS[0], [block(A, first, 10)], name=f"{self._files}.test")
        self._logs.reload()

    def answer(self, method: str, route: str, query: bytes) -> tuple[int, str, bytes]:
        """Returns the status, the content type and the body of an answer."""
        started: list[Any] = []
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": f"/data/plugin/lrmon/{route}",
            "QUERY_STRING": query.decode("latin-1"),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "6006",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }

        def start_response(status: str, headers: Iterable[tuple[str, str]], *_: Any) -> None:
            started.extend((int(status[:3]), dict(headers).get("Content-Type", "")))

        parts = self._app(environ, start_response)
        body = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
        return started[0], started[1], body


def check_requests(seed: int, requests: int) -> dict[str, Any]:
    """Sends so many requests and holds every answer: 200, or 4xx with one sentence as JSON.

    Returns:
      How many answers had which status, and how many a second there were.
    """
    statuses: Counter[int] = Counter()
    random_ = random.Random(seed)
    with TemporaryDirectory() as name:
        app = Application(Path(name))
        started = time.monotonic()
        for index in range(requests):
            if index % 5_000 == 4_999:
                app.grow()
            asked = request(random_)
            try:
                status, kind, body = app.answer(*asked)
                check_answer(asked, status, kind, body, closely=index % 50 == 0)
            except Exception as error:
                raise AssertionError(f"request {index} of {seed}, {asked!r}: {error!r}") from error
            statuses[status] += 1
        seconds = time.monotonic() - started
    return {"statuses": dict(sorted(statuses.items())), "seconds": seconds}


def check_answer(asked: Any, status: int, kind: str, body: bytes, *, closely: bool) -> None:
    """Raises an AssertionError where an answer is none that http_api.md describes."""
    assert status == 200 or 400 <= status < 500, status
    if status == 200:
        if closely and body and kind == "application/json":
            json.loads(body, parse_constant=_no_constant)
        return
    assert kind == "application/json", kind
    if asked[0] != "HEAD":
        answer = json.loads(body)
        assert ["error"] == list(answer), answer
        sentence = answer["error"]
        assert sentence, answer
        assert len(sentence) < 1_200, sentence
        assert "\n" not in sentence, sentence
        assert "Traceback" not in sentence, sentence


def _no_constant(name: str) -> Any:
    raise AssertionError(f"{name} is no JSON")
