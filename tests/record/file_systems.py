"""File systems that fail as told: a small disk under real files, and a remote one that fails or hangs."""

from __future__ import annotations

import errno
import threading
from io import FileIO
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from lrmon.record.event_file import EventFile


class SmallDisk:
    """Real files on a disk of so many bytes; what no longer fits is written in part, as a full disk does.

    Attributes:
        room: Bytes that are free.
        refusals: Writes that failed.
        readonly: Whether every write fails.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        self.refusals = 0
        self.readonly = False
        disk = self

        class File(FileIO):
            def write(self, data: Any, /) -> int:
                if disk.readonly:
                    disk.refusals += 1
                    raise OSError(errno.EROFS, "Read-only file system")
                if not disk.room:
                    disk.refusals += 1
                    raise OSError(errno.ENOSPC, "No space left on device")
                written = super().write(data[: disk.room])
                disk.room -= written
                return written

            def truncate(self, size: int | None = None, /) -> int:
                before = self.seek(0, 2)
                disk.room += before - (size or 0)
                return super().truncate(size)

        def remove(file: EventFile) -> None:
            path = Path(file.path)
            disk.room += path.stat().st_size if path.exists() else 0
            really_remove(file)

        really_remove = EventFile.remove
        monkeypatch.setattr(EventFile, "remove", remove)
        monkeypatch.setattr(EventFile, "_opened", lambda file: File(file.path, "x+b"))


class Remote(MemoryFileSystem):
    """remote:// paths, kept in memory.

    Attributes:
        answers: Where it is cleared, every operation waits until it is set.
        error: What every write raises, if anything.
    """

    protocol = "remote"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    answers = threading.Event()
    error: Exception | None = None

    @classmethod
    def fresh(cls) -> None:
        cls.store.clear()
        cls.answers.set()
        cls.error = None

    @classmethod
    def copied_to(cls, folder: Path) -> None:
        """Copies what is there to real files, for TensorBoard's loaders to read."""
        folder.mkdir()
        for path, file in cls.store.items():
            (folder / path.rpartition("/")[2]).write_bytes(file.getvalue())

    def open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        self.answers.wait()
        if self.error is not None and "r" not in mode:
            raise self.error
        return super().open(path, mode, **kwargs)

    def exists(self, path: str, **kwargs: Any) -> Any:
        self.answers.wait()
        return super().exists(path, **kwargs)


fsspec.register_implementation("remote", Remote, clobber=True)
