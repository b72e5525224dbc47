"""The event file: where the bytes go, on a local disk or on any file system that gfile opens."""

from __future__ import annotations

import importlib
import itertools
import os
import socket
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

from lrmon.record import events

_serial: Final = itertools.count()


class _Sink(Protocol):
    def write(self, data: bytes, /) -> Any: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class EventFile:
    """A new event file in a folder, named so that TensorBoard finds it.

    Args:
        log_dir: The run's folder, made where it is missing. A path with a scheme (``gs://``, ``s3://``,
            ``ram://``, ``memory://``) is opened by TensorFlow's gfile where TensorFlow is loaded or alone
            knows the scheme, else by TensorBoard's own, which takes every scheme that fsspec knows.

    Raises:
        OSError: The folder or the file cannot be made; the message names the folder.
        ValueError: Nothing that is installed opens the path's scheme.
    """

    def __init__(self, log_dir: str) -> None:
        start_time = time.time()
        name = (
            f"events.out.tfevents.{int(start_time):010d}.{socket.gethostname()}.{os.getpid()}"
            f".{next(_serial)}.lrmon"
        )
        gfile = _gfile(log_dir) if "://" in log_dir else None
        separator = "" if log_dir.endswith("/") else "/"
        self.path: Final = f"{log_dir}{separator}{name}"
        try:
            if gfile:
                gfile.makedirs(log_dir)
                self._sink: _Sink = gfile.GFile(self.path, "wb")
            else:
                Path(log_dir).mkdir(parents=True, exist_ok=True)
                self._sink = Path(self.path).open("xb", buffering=0)  # noqa: SIM115 - open while the run lasts
        except Exception as error:
            # TensorFlow's file systems raise errors of their own, which are no OSError.
            raise OSError(f"lrmon cannot write its event file in {log_dir!r}: {error}") from error
        self.write(events.file_version_event(start_time))

    def write(self, data: bytes) -> None:
        """Appends whole events. When it returns, another process can read them.

        Raises:
            Exception: What the file system raised. The file may end in a part of `data` then: leave it alone
                and write `data` to a new one.
        """
        view = memoryview(data)
        while view:
            # An unbuffered file may take less than it was given (a full disk, a signal).
            written = self._sink.write(bytes(view))
            view = view[written:] if isinstance(written, int) else view[:0]
        self._sink.flush()

    def close(self) -> None:
        """Closes the file; a second time does nothing."""
        self._sink.close()


def unused_folder(parent: str, prefix: str) -> str:
    """Makes the folder ``parent/<prefix><n>``, the lowest n from 1 that is not there; returns its path.

    On a local disk no two processes get the same one.

    Raises:
        OSError: It cannot be made.
        ValueError: Nothing that is installed opens the path's scheme.
    """
    gfile = _gfile(parent) if "://" in parent else None
    for number in itertools.count(1):
        path = f"{parent.rstrip('/')}/{prefix}{number}"
        try:
            if gfile is None:
                Path(path).mkdir(parents=True)
            elif gfile.exists(path):
                continue
            else:
                gfile.makedirs(path)
        except FileExistsError:
            continue
        return path
    raise AssertionError  # pragma: no cover - the count has no end


def _gfile(path: str) -> Any:
    """Returns the gfile module that opens the scheme of `path`."""
    from tensorboard.compat.tensorflow_stub.io import gfile as tensorboard_gfile

    if "tensorflow" in sys.modules:
        tensorflow_gfile = sys.modules["tensorflow"].io.gfile
        try:
            tensorflow_gfile.exists(path)
            return tensorflow_gfile
        except Exception as error:
            # TensorFlow answers an unknown scheme with UnimplementedError, which only it can name.
            if type(error).__name__ != "UnimplementedError":
                raise
    try:
        tensorboard_gfile.get_filesystem(path)
    except ValueError:
        if "tensorflow" not in sys.modules and find_spec("tensorflow"):
            importlib.import_module("tensorflow")  # loaded late: it alone may know the scheme

            return _gfile(path)
        scheme = path.partition("://")[0]
        raise ValueError(
            f"log_dir {path!r}: no installed package opens {scheme}:// paths; "
            f"install fsspec with the package for {scheme}, or give a local folder"
        ) from None
    return tensorboard_gfile
