"""The event files that TensorBoard cannot read completely, and their runs."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import DecodeError

_LONGEST_NAME: Final = 200
_MOST: Final = 1_000
"""At most this many files are remembered."""

_files: set[Path] = set()
_lock = threading.Lock()


def note(path: str) -> None:
    """Remembers that an event file is damaged."""
    with _lock:
        if len(_files) < _MOST:
            _files.add(Path(path))


def forget(log_dir: str) -> None:
    """Forgets the damaged files of a log directory, before it is read again."""
    folder = Path(log_dir).expanduser()
    with _lock:
        _files.difference_update([path for path in _files if folder in path.parents])


def damaged(log_dir: str | None, run: str) -> tuple[str, ...]:
    """Returns a sentence for each damaged event file of a run.

    Args:
      log_dir: that of TensorBoard; None if it is unknown, and then there are no sentences.
      run: TensorBoard's name of the run, which is its folder in the log directory.
    """
    if not log_dir or not _files:
        return ()
    folder = Path(log_dir).expanduser() / run
    with _lock:
        names = sorted(path.name for path in _files if path.parent == folder)
    return tuple(
        f"The event file {name[:_LONGEST_NAME]!r} is damaged: TensorBoard could not read all of it, and the "
        "rest is missing here."
        for name in names
    )


def isolate() -> None:
    """Makes TensorBoard's Python loader continue if an event cannot be parsed.

    Without this, the error ends the thread that loads, and no run is ever updated again. With it, the file is
    read up to that event, as by TensorBoard's data server, and all other files completely. Damaged files are
    noted. If TensorBoard's internals are different, nothing is done.
    """
    from tensorboard.backend.event_processing import event_file_loader

    loader = getattr(event_file_loader, "LegacyEventFileLoader", None)
    load = getattr(loader, "Load", None)
    if loader is not None and load is not None and not hasattr(load, "__wrapped__"):
        loader.Load = _reading_up_to_damage(load)


def _reading_up_to_damage(load: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
    @functools.wraps(load)
    def read(self: Any) -> Iterator[Any]:
        records = getattr(self, "_iterator", None)
        if isinstance(records, _Records):
            if records.cannot_be_parsed:
                return
        elif records is not None:
            records = self._iterator = _Records(records, str(getattr(self, "_file_path", "")))
        try:
            yield from load(self)
        except DecodeError:
            if records is None:
                raise
            records.cannot_be_parsed = True
            note(records.path)

    return read


class _Records:
    """TensorBoard's records of one file; notes the file if a checksum is wrong.

    A record that is cut off is not noted, because it may be one that is being written.
    """

    def __init__(self, records: Any, path: str) -> None:
        self.path = path
        self.cannot_be_parsed = False
        self._records = records

    def __iter__(self) -> _Records:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._records)
        except StopIteration:
            raise
        except Exception as error:
            text = str(error)
            if "crc32 check" in text or "corrupted record" in text:
                note(self.path)
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)
