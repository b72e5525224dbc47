"""The event file: where the bytes go, on a local disk or on any file system that gfile opens."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
import re
import socket
import sys
import time
from collections.abc import Iterable
from importlib.util import find_spec
from io import FileIO
from pathlib import Path
from typing import Any, Final, Protocol

from lrmon.record import events

_serial: Final = itertools.count()

_STAMP: Final = re.compile(r"\.tfevents\.(\d{1,18})\.")
"""The seconds in the name of any event file."""

_NUMBER: Final = re.compile(r"\.tfevents\..*\.lrmon\.(\d{1,18})$")
"""The number in the name of one of lrmon's."""

_COPIED_AT_ONCE: Final = 2**20


class _Sink(Protocol):
    def write(self, data: bytes, /) -> Any: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class EventFile:
    """A new event file in a folder, named so that TensorBoard finds it.

    Its name carries a number, one more than the largest in the folder, which says which recording is the
    later one without any clock. The seconds in the name are pushed on where a clock was set back, since
    TensorBoard's Python loader reads files in the order of their names and never returns to one.

    Args:
        log_dir: The run's folder, made where it is missing. A path with a scheme (``gs://``, ``s3://``,
            ``ram://``, ``memory://``) is opened by TensorFlow's gfile where TensorFlow is loaded or alone
            knows the scheme, else by TensorBoard's own, which takes every scheme that fsspec knows.
        number: Of the recording that goes on in this file; a new number where left out.

    Raises:
        OSError: The folder or the file cannot be made; the message names the folder. Nothing is left open.
        ValueError: Nothing that is installed opens the path's scheme.
    """

    def __init__(self, log_dir: str, number: int | None = None) -> None:
        start_time = time.time()
        self._log_dir: Final = log_dir
        self._gfile: Final[Any] = _gfile(log_dir) if "://" in log_dir else None
        self._sink: _Sink | None = None
        self._was_observed = False
        self.size = 0
        """Bytes of whole events."""
        try:
            if self._gfile:
                self._gfile.makedirs(log_dir)
            else:
                Path(log_dir).mkdir(parents=True, exist_ok=True)
            names = self._names()
            self.number: Final = 1 + _largest(_NUMBER, names) if number is None else number
            """Of the recording that is written here."""
            stamp = max(int(start_time), 1 + _largest(_STAMP, names))
            self._name: Final = (
                f"events.out.tfevents.{stamp:010d}.{socket.gethostname()}.{os.getpid()}"
                f".{next(_serial)}.lrmon.{self.number}"
            )
            self.path: Final = f"{log_dir}{'' if log_dir.endswith('/') else '/'}{self._name}"
            self._sink = self._opened()
            self.write(events.file_version_event(start_time))
        except Exception as error:
            # TensorFlow's file systems raise errors of their own, which are no OSError.
            if self._sink is not None:
                self.remove()
            raise OSError(f"lrmon cannot write its event file in {log_dir!r}: {error}") from error
        self._head_size: Final = self.size

    @property
    def is_empty(self) -> bool:
        """Whether no record has been written."""
        return self.size == self._head_size

    def write(self, data: bytes) -> None:
        """Appends whole events. When it returns, another process can read them.

        Raises:
            Exception: What the file system raised. A local file then ends where it ended before; write
                `data` to a new file all the same, because a reader may have seen a part of it meanwhile.
        """
        if self._sink is None:
            raise OSError(f"{self.path!r} is closed")
        view = memoryview(data)
        try:
            while view:
                # An unbuffered file may take less than it was given (a full disk, a signal).
                written = self._sink.write(bytes(view))
                view = view[written:] if isinstance(written, int) else view[:0]
            self._sink.flush()
        except BaseException:
            if self._local is not None:
                with contextlib.suppress(Exception):
                    self._local.truncate(self.size)
                    self._local.seek(self.size)
            raise
        self.size += len(data)

    def is_latest(self) -> bool:
        """Returns whether no other file in the folder has this number or a larger one."""
        others = [name for name in self._names() if name != self._name]
        return _largest(_NUMBER, others) < self.number

    def is_gone(self) -> bool:
        """Returns whether the file was deleted, replaced or cut short; False where that cannot be known."""
        if self._local is None:
            # Some file systems show a file, or its length, only when it is closed.
            is_whole = is_there(self.path) and self._gfile.stat(self.path).length >= self.size
            self._was_observed = self._was_observed or is_whole
            return self._was_observed and not is_whole
        try:
            status = Path(self.path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return not os.path.samestat(status, os.fstat(self._local.fileno())) or status.st_size < self.size

    def moved(self) -> EventFile | None:
        """Returns a new file with everything that this one held, though its path is gone.

        A deleted local file can be read as long as it is open. None where it cannot be read any more.

        Raises:
            OSError: The folder takes no new file; this one stays open.
        """
        local = self._local
        if local is None or os.fstat(local.fileno()).st_size < self.size:
            return None
        new = EventFile(self._log_dir, self.number)
        try:
            local.seek(self._head_size)
            left = self.size - self._head_size
            while left and (data := local.read(min(left, _COPIED_AT_ONCE))):
                new.write(data)
                left -= len(data)
        except Exception as error:
            new.remove()
            raise OSError(f"lrmon cannot write its event file in {self._log_dir!r}: {error}") from error
        finally:
            local.seek(self.size)
        self.close()
        return new

    def close(self) -> None:
        """Closes the file; a second time does nothing."""
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.close()

    def remove(self) -> None:
        """Closes and deletes the file, as far as the file system lets it."""
        with contextlib.suppress(Exception):
            self.close()
        with contextlib.suppress(Exception):
            if self._gfile:
                self._gfile.remove(self.path)
            else:
                Path(self.path).unlink()

    @property
    def _local(self) -> FileIO | None:
        return self._sink if isinstance(self._sink, FileIO) else None

    def _opened(self) -> _Sink:
        if self._gfile:
            sink: _Sink = self._gfile.GFile(self.path, "wb")
            return sink
        return Path(self.path).open("x+b", buffering=0)

    def _names(self) -> list[str]:
        if not self._gfile:
            return [path.name for path in Path(self._log_dir).iterdir()]
        try:
            return [str(name) for name in self._gfile.listdir(self._log_dir)]
        except Exception:  # noqa: BLE001 - where folders are only prefixes, an empty one does not exist
            return []


def is_there(path: str) -> bool:
    """Returns whether a file exists; True where that cannot be known."""
    try:
        return bool(_gfile(path).exists(path)) if "://" in path else Path(path).exists()
    except Exception:  # noqa: BLE001 - each file system raises its own
        return True


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


def _largest(pattern: re.Pattern[str], names: Iterable[str]) -> int:
    """Returns the largest number that the pattern finds in the names, 0 where it finds none."""
    return max((int(match[1]) for name in names if (match := pattern.search(name))), default=0)


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
