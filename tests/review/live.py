"""A log directory that a real writer writes to, served by either of TensorBoard's loaders."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from tensorboard import context
from tensorboard.data import server_ingester
from tensorboard.plugins import base_plugin
from tensorboard.util import grpc_util
from werkzeug.test import Client

from lrmon.review.reading.data_provider import RecordReader
from lrmon_tb.loader import Loader
from tests.review.written import Logs

LoaderName = Literal["fast", "slow"]
LOADERS: tuple[LoaderName, ...] = ("fast", "slow")

SECONDS_TO_LOAD = 30.0


class Live:
    """What a loader serves of a log directory, and the time at which it takes in what was written.

    Attributes:
      provider: TensorBoard's DataProvider.
    """

    def __init__(self, provider: Any, reload: Callable[[], None]) -> None:
        self.provider = provider
        self._reload = reload

    def reader(self, provider: Any = None) -> RecordReader:
        """Returns what one request sees, through a provider around the loader's where one is given."""
        return RecordReader(provider or self.provider, context.RequestContext(), "")

    def wait_for_step(self, run: str, step: int) -> None:
        """Waits until the loader serves a run's records up to a step."""
        self.wait(lambda: max((s for s, _ in self._stamps(run)), default=-1) >= step)

    def wait(self, condition: Callable[[], bool]) -> None:
        """Waits until a condition holds that depends on what the loader has taken in."""
        deadline = time.monotonic() + SECONDS_TO_LOAD
        self._reload()
        while not condition():
            assert time.monotonic() < deadline, "what was written has not been loaded"
            threading.Event().wait(0.02)
            self._reload()

    def _stamps(self, run: str) -> list[tuple[int, float]]:
        return list(self.reader().list_records([run]).get(run, {}).values())


@contextmanager
def live(folder: Path, loader: LoaderName) -> Iterator[Live]:
    """Serves a log directory, which may be empty yet."""
    folder.mkdir(parents=True, exist_ok=True)
    if loader == "slow":
        logs = Logs(folder)
        yield Live(logs.provider, logs.reload)
        return
    port = folder.parent / f"{folder.name}.port"
    command = [
        server_ingester.get_server_binary().path,
        f"--logdir={folder}",
        "--reload=1",
        "--samples-per-plugin=lrmon=all",
        "--port=0",
        f"--port-file={port}",
        "--die-after-stdin",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + SECONDS_TO_LOAD
        while not (port.exists() and port.read_text(encoding="ascii").endswith("\n")):
            assert time.monotonic() < deadline, "the data server has not started"
            threading.Event().wait(0.02)
        try:
            existing = server_ingester.ExistingServerDataIngester(
                f"localhost:{int(port.read_text(encoding='ascii'))}",
                channel_creds_type=grpc_util.ChannelCredsType.LOCAL,
            )
            yield Live(existing.data_provider, lambda: None)
        finally:
            process.kill()


class Interrupted:
    """A DataProvider between whose answers something happens: what was listed is old when it is read.

    Args:
      provider: the real one.
      happens: by the method's name, what happens after it has listed, or before it reads. It may take
        itself out of `happens`, so that it happens once.
    """

    def __init__(self, provider: Any, happens: Mapping[str, Callable[[], None]]) -> None:
        self._provider = provider
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        answer = getattr(self._provider, name)
        if not name.startswith(("list_", "read_")):
            return answer

        def interrupted(*arguments: Any, **more: Any) -> Any:
            if name.startswith("read_"):
                self._happens.get(name, _nothing)()
                return answer(*arguments, **more)
            listed = answer(*arguments, **more)
            self._happens.get(name, _nothing)()
            return listed

        return interrupted


def _nothing() -> None:
    pass


def client_of(provider: Any) -> Client:
    """Returns a client of TensorBoard's own WSGI application with the plugin in it."""
    from tensorboard.backend import application

    plugin = Loader().load(base_plugin.TBContext(data_provider=provider, sampling_hints={"lrmon": 0}))
    return Client(application.TensorBoardWSGI([plugin], "", provider))
