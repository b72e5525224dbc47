"""A real TensorBoard process, as a user starts it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS_TO_START = 60.0
WITHOUT_TENSORFLOW = Path(__file__).parent / "without_tensorflow"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    """A running TensorBoard.

    Attributes:
        url: Its address, with the path prefix, without a slash at the end.
        process_id: Of the server.
    """

    url: str
    process_id: int

    def get(self, route: str, **arguments: object) -> Answer:
        """Returns the answer of one of lrmon's routes."""
        return self.get_path(f"/data/plugin/lrmon/{route}", **arguments)

    def get_path(self, path: str, **arguments: object) -> Answer:
        query = f"?{urllib.parse.urlencode(arguments)}" if arguments else ""
        try:
            with urllib.request.urlopen(f"{self.url}{path}{query}", timeout=600) as response:
                return Answer(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def runs_when(self, loaded: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Returns the answer of `runs` as soon as its runs are as awaited."""
        answer: dict[str, Any] = {}

        def has_loaded() -> bool:
            answer.update(self.get("runs").json)
            return loaded(answer["runs"])

        self.wait_until(has_loaded)
        return answer

    def wait_until(self, condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"what was awaited has not come after {seconds} seconds"
            threading.Event().wait(0.05)


@contextmanager
def tensorboard(
    log_dir: Path, *flags: str, tensorflow: bool = False, path: tuple[Path, ...] = ()
) -> Iterator[Server]:
    """Runs TensorBoard on a log directory.

    Args:
        log_dir: The log directory.
        flags: Further flags.
        tensorflow: Whether the process may import TensorFlow; it starts several times as fast without.
        path: More folders of Python modules.
    """
    modules = [*map(str, path), *([] if tensorflow else [str(WITHOUT_TENSORFLOW)])]
    inherited = os.environ.get("PYTHONPATH")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*modules, *([inherited] if inherited else [])]),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(log_dir), "--port", "0"]
    with subprocess.Popen(
        [*command, "--reload_interval", "1", *flags],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        lines: list[str] = []
        url: list[str] = []
        has_started = threading.Event()
        assert process.stderr is not None

        def read(stderr: Iterator[str]) -> None:
            for line in stderr:
                lines.append(line)
                address = re.search(r"TensorBoard \S+ at (http://\S+)", line)
                if address:
                    url.append(address[1].rstrip("/"))
                    has_started.set()
            has_started.set()

        reader = threading.Thread(target=read, args=(process.stderr,), daemon=True)
        reader.start()
        try:
            has_started.wait(SECONDS_TO_START)
            assert url, f"TensorBoard has not started: {''.join(lines)}"
            yield Server(url[0], process.pid)
        finally:
            process.terminate()
            process.wait(30)
            reader.join(30)
