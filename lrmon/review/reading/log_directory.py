"""Reads a log directory as TensorBoard does: through its data server, otherwise its Python loader."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tensorboard import context
from tensorboard.data import server_ingester
from tensorboard.util import grpc_util

from lrmon import schema
from lrmon.review.reading import damaged_files as damage
from lrmon.review.reading.data_provider import RecordReader

_LOADED: Final = "Finished load cycle"
_UNREADABLE: Final = re.compile(r"Read error in (.+?): [A-Z]\w*\(")
"""The line of the data server's log about a file that it stops reading."""
_SECONDS_TO_START: Final = 20.0


class NoDataServerError(Exception):
    """TensorBoard's data server is not installed, does not start, or cannot read this log directory."""


@contextmanager
def open_logs(logdir: str | os.PathLike[str], *, fast: bool | None = None) -> Iterator[RecordReader]:
    """Provides a reader of a log directory, which is loaded once.

    Args:
      logdir: the log directory, as for ``tensorboard --logdir``.
      fast: True for TensorBoard's data server, False for its Python loader, None for what is available.

    Raises:
      FileNotFoundError: if there is no such folder.
      NotADirectoryError: if it is a file.
      NoDataServerError: if `fast` is True and there is no data server.
    """
    path = os.path.expanduser(os.fspath(logdir))  # noqa: PTH111 - Path would drop a slash of a URL
    if "://" not in path:
        if not Path(path).exists():
            raise FileNotFoundError(f"there is no log directory {os.fspath(logdir)!r}")
        if not Path(path).is_dir():
            raise NotADirectoryError(f"{os.fspath(logdir)!r} is a file; pass the folder that contains it")
    damage.forget(path)
    if fast is not False:
        try:
            server = _Server(path)
        except NoDataServerError:
            if fast:
                raise
        else:
            with server:
                yield _reader(server.data_provider(), path)
            return
    damage.isolate()
    yield _reader(_loaded_by_python(path), path)


def _reader(data_provider: Any, path: str) -> RecordReader:
    return RecordReader(data_provider, context.RequestContext(), "", path)


class _Server:
    """TensorBoard's data server in a process of its own, which loads the log directory once.

    TensorBoard's ingester for it does not report when everything has been read; the server's log does.
    """

    def __init__(self, path: str) -> None:
        if "://" in path and not path.startswith("gs://"):
            raise NoDataServerError("the data server reads local folders and gs:// only")
        try:
            binary = server_ingester.get_server_binary()
        except server_ingester.NoDataServerError as error:
            raise NoDataServerError(str(error)) from error
        self._folder = tempfile.TemporaryDirectory(prefix="lrmon-")
        self._port = Path(self._folder.name) / "port"
        command = [
            binary.path,
            f"--logdir={path}",
            "--reload=once",
            f"--samples-per-plugin={schema.PLUGIN_NAME}=all",
            "--port=0",
            f"--port-file={self._port}",
            "--die-after-stdin",
            "--verbose",
        ]
        try:
            # The server lives as long as this process has its stdin.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        except OSError as error:
            self._folder.cleanup()
            raise NoDataServerError(str(error)) from error
        self._loaded, self._has_started, self._ended = threading.Event(), threading.Event(), threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self._wait()
        except BaseException:
            self._close()
            raise

    def data_provider(self) -> Any:
        """Returns TensorBoard's DataProvider of the loaded data."""
        address = f"localhost:{int(self._port.read_text(encoding='ascii'))}"
        existing = server_ingester.ExistingServerDataIngester(
            address, channel_creds_type=grpc_util.ChannelCredsType.LOCAL
        )
        return existing.data_provider

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._close()

    def _wait(self) -> None:
        """Waits until the log directory has been read; there is a time limit only for the start."""
        deadline = time.monotonic() + _SECONDS_TO_START
        while not self._loaded.wait(0.02):
            if self._ended.is_set() and not self._loaded.is_set():
                raise NoDataServerError("the data server has ended")
            if not self._has_started.is_set() and time.monotonic() > deadline:
                raise NoDataServerError("the data server did not start to load")

    def _read(self) -> None:
        stream = self._process.stderr
        for line in stream or ():
            text = line.decode(errors="replace")
            if (unreadable := _UNREADABLE.search(text)) is not None:
                damage.note(unreadable[1])
            if "load cycle" in text:
                self._has_started.set()
            if _LOADED in text:
                self._loaded.set()
        self._ended.set()

    def _close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stderr):
            if stream is not None:
                stream.close()
        self._folder.cleanup()


def _loaded_by_python(path: str) -> Any:
    from tensorboard.backend.event_processing import data_ingester

    flags = argparse.Namespace(
        logdir=path,
        logdir_spec="",
        samples_per_plugin={schema.PLUGIN_NAME: 0},
        purge_orphaned_data=True,
        max_reload_threads=1,
        reload_multifile=False,
        reload_multifile_inactive_secs=0,
        detect_file_replacement=None,
        reload_interval=0,
        reload_task="blocking",
    )
    ingester = data_ingester.LocalDataIngester(flags)
    ingester.start()
    return ingester.data_provider
