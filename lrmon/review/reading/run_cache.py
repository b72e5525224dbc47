"""The run cache: each run of a log directory is read once, and kept until something is added to it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from tensorboard import errors

from lrmon import schema
from lrmon.review.reading.damaged_files import damaged
from lrmon.review.reading.data_provider import Listing, RecordReader, TagData, digest
from lrmon.review.reading.merge import about_trainings, assemble, folder_of, trainings_of
from lrmon.review.reading.recordings import decode, recordings_of, unread
from lrmon.review.reading.sampled import is_recorded, is_sampled, sampled_run
from lrmon.review.run.run import Run

ROWS_HELD = 10_000_000
"""At most this many rows of runs are kept in memory; with about 52 bytes per row, 0.5 GB."""

_RUNS_AT_ONCE = 128
"""This many runs are read before another request can read."""

_READINGS = 3
"""A run that grows while it is read is read at most this many times; the last result counts."""

_Key = tuple[str, str]
"""Experiment and folder: TensorBoard's name of a run, which can contain several trainings."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """The stage of a run from which something was computed.

    Attributes:
      listing: the run's tags when they were listed, before they were read; None if some could not be read.
      damaged: sentences about the run's damaged files at that time.
      turn: of the reading, see `RunCache._turn`.
    """

    listing: Listing | None
    damaged: tuple[str, ...]
    turn: int

    def is_current(self, listing: Listing, damaged: tuple[str, ...], turn: int) -> bool:
        """Returns whether this is the current stage of a run, or a later one.

        Args:
          listing: of the run.
          damaged: sentences on its damaged files.
          turn: when that listing was requested. Data that was read later is at least as new.
        """
        return (self.listing == listing and self.damaged == damaged) or self.turn > turn


@dataclass(frozen=True, slots=True)
class _Entry:
    """The entries of the list of runs for the trainings of one folder.

    Attributes:
      stage: of the folder.
      runs: by name, version and summary.
    """

    stage: _Stage
    runs: Mapping[str, tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Overview:
    """All runs of an experiment.

    Attributes:
      version: changes when anything else here would.
      notices: sentences for the user about the log directory or TensorBoard's flags.
      runs: by name, the entry that `summarize` made of each.
    """

    version: str
    notices: tuple[str, ...]
    runs: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Held:
    """The trainings of one folder at one moment, and their records.

    Attributes:
      stage: of the folder.
      runs: by name, see `trainings_of`.
      tags: the data that was read.
    """

    stage: _Stage
    runs: Mapping[str, Run]
    tags: Mapping[str, TagData]

    @property
    def rows(self) -> int:
        return sum(run.step.size for run in self.runs.values())


class RunCache:
    """Reads and keeps runs and their summaries; many threads can use it at once.

    A run is immutable: its rows, its version and all results computed from them belong to one moment. The
    training can continue while a run is read, so it is listed before and after, and read again if the lists
    differ.

    Runs are kept up to a number of rows; the least recently used run is removed first. The summaries of all
    runs are kept.

    Args:
      samples: how many records of a tag TensorBoard keeps, 0 for all.
      rows: how many rows of runs to keep.
      summarize: makes the entry of a run in `overview`; without it the entries are empty.
    """

    def __init__(
        self,
        *,
        samples: int = 0,
        rows: int = ROWS_HELD,
        summarize: Callable[[Run], Mapping[str, Any]] | None = None,
    ) -> None:
        self._samples = samples
        self._summarize = summarize or (lambda _: {})
        self._rows = rows
        self._held: OrderedDict[_Key, _Held] = OrderedDict()
        self._held_rows = 0
        self._summaries: dict[_Key, _Entry] = {}
        self._turn = 0
        """Grows with each reading, which gives the order of listings and readings."""
        self._lock = threading.Lock()
        self._reading = threading.Lock()

    def run(self, reader: RecordReader, name: str) -> Run:
        """Returns the current state of a run in TensorBoard.

        Raises:
          tensorboard.errors.NotFoundError: if there is no such run, or it has no data of lrmon.
        """
        turn, folder = self._turn, folder_of(name)
        listing = _list(reader, [folder]).get(folder)
        held = None if listing is None else self._current(reader, folder, listing, turn)
        if held is None and listing is not None:
            with self._reading:
                held = (
                    self._current(reader, folder, listing, turn)
                    or self._read(reader, {folder: listing})[folder]
                )
        if held is None or name not in held.runs:
            raise errors.NotFoundError(f"no run {name[:100]!r} with a learning rate recorded by lrmon")
        return held.runs[name]

    def overview(self, reader: RecordReader) -> Overview:
        """Returns the summaries of all runs with a learning rate recorded by lrmon."""
        turn = self._turn
        listings = reader.list_records()
        others = [name for name in reader.list_runs() if name not in listings]
        if others:
            sampled = reader.list_scalars(others, [schema.SCALAR_LEARNING_RATE])
            listings |= _with_learning_rate(reader.list_scalars(list(sampled))) if sampled else {}
        entries = self._known(reader, listings, turn)
        missing = iter(sorted(name for name in listings if name not in entries))
        while names := list(islice(missing, _RUNS_AT_ONCE)):
            with self._reading:
                # Reading the runs before took time, so the list is old.
                now = _list(reader, names)
                current = {name: now[name] for name in names if name in now}
                entries |= self._known(reader, current, turn)
                to_read = {name: listing for name, listing in current.items() if name not in entries}
                self._read(reader, to_read)
                entries |= self._known(reader, to_read, turn)
        self._forget(reader.experiment, listings)
        notices = _about_samples(self._samples)
        runs = dict(sorted(run for entry in entries.values() for run in entry.runs.items()))
        version = digest([(name, version) for name, (version, _) in runs.items()], notices)
        return Overview(version, notices, {name: summary for name, (_, summary) in runs.items()})

    def _read(self, reader: RecordReader, listings: Mapping[str, Listing]) -> dict[str, _Held]:
        """Reads the new data of these runs, until nothing is added during the reading."""
        read: dict[str, _Held] = {}
        to_read = dict(listings)
        for _ in range(_READINGS):
            read |= dict(self._read_once(reader, to_read, read))
            now = _list(reader, list(to_read)) if to_read else {}
            to_read = {name: now[name] for name in to_read if name in now and now[name] != to_read[name]}
            if not to_read:
                break
        for folder, held in read.items():
            self._keep((reader.experiment, folder), held)
        return read

    def _read_once(
        self, reader: RecordReader, listings: Mapping[str, Listing], read: Mapping[str, _Held]
    ) -> Iterator[tuple[str, _Held]]:
        """Yields the current state of these folders; data that was read before is not read again."""
        with self._lock:
            self._turn += 1
            turn = self._turn
            held = {name: read.get(name, self._held.get((reader.experiment, name))) for name in listings}
        before = {name: stage.tags for name, stage in held.items() if stage is not None}
        records = {name: listing for name, listing in listings.items() if not is_sampled(listing)}
        for name, tags, failed in reader.read_records(records, before, decode):
            lost = damaged(reader.log_dir, name)
            stage = _Stage(None if failed else records[name], lost, turn)
            known = held[name]
            runs = self._trainings(reader, name, tags, failed, {} if known is None else known.runs)
            yield name, _Held(stage, runs, tags)
        for name in listings.keys() - records.keys():
            scalars = reader.read_scalars(name, list(listings[name]))
            values = sorted(
                (tag, [(datum.step, datum.wall_time, datum.value) for datum in data])
                for tag, data in scalars.items()
            )
            lost = damaged(reader.log_dir, name)
            run = sampled_run(name, digest(reader.experiment, name, values, lost), scalars)
            run = replace(run, notices=(*lost, *run.notices))
            yield name, _Held(_Stage(listings[name], lost, turn), {name: run}, {})

    def _trainings(
        self,
        reader: RecordReader,
        folder: str,
        tags: Mapping[str, TagData],
        failed: Sequence[str],
        known: Mapping[str, Run],
    ) -> dict[str, Run]:
        """Returns the runs of a folder; an unchanged earlier training keeps its object."""
        runs: dict[str, Run] = {}
        lost = damaged(reader.log_dir, folder)
        points = sorted((tag, data.digest) for tag, data in tags.items())
        trainings = trainings_of(folder, recordings_of(tags))
        for name, recordings in trainings.items():
            about = about_trainings(name, trainings)
            own = points
            if name != folder:
                own = [
                    point
                    for point in points
                    if any(f"/{recording.name}" in point[0] for recording in recordings)
                ]
            version = digest(reader.experiment, name, own, failed, lost, about)
            run = known.get(name)
            if run is None or run.version != version or name == folder:
                notices = [*lost, *about, *unread(tags, failed)]
                run = assemble(name, version, recordings, notices=notices, samples=self._samples)
            runs[name] = run
        return runs

    def _keep(self, key: _Key, held: _Held) -> None:
        entry = _Entry(
            held.stage, {name: (run.version, self._summarize(run)) for name, run in held.runs.items()}
        )
        with self._lock:
            self._release(key, stays=held.runs.values())
            self._held[key] = held
            self._held_rows += held.rows
            while self._held_rows > self._rows and len(self._held) > 1:
                self._release(next(iter(self._held)))
            self._summaries[key] = entry

    def _release(self, key: _Key, stays: Collection[Run] = ()) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._held_rows -= held.rows
            for run in held.runs.values():
                if not any(run is other for other in stays):
                    run.memo.close()

    def _current(self, reader: RecordReader, name: str, listing: Listing, turn: int) -> _Held | None:
        """Returns the runs of a folder if they are kept and current; see `_Stage.is_current`."""
        key, lost = (reader.experiment, name), damaged(reader.log_dir, name)
        with self._lock:
            held = self._held.get(key)
            if held is None or not held.stage.is_current(listing, lost, turn):
                return None
            self._held.move_to_end(key)
            return held

    def _known(self, reader: RecordReader, listings: Mapping[str, Listing], turn: int) -> dict[str, _Entry]:
        """Returns the kept summaries of these runs that are current."""
        with self._lock:
            kept = {name: self._summaries.get((reader.experiment, name)) for name in listings}
        return {
            name: entry
            for name, entry in kept.items()
            if entry is not None
            and entry.stage.is_current(listings[name], damaged(reader.log_dir, name), turn)
        }

    def _forget(self, experiment: str, listings: Mapping[str, Listing]) -> None:
        """Removes runs that are no longer in the log directory."""
        with self._lock:
            for key in [key for key in self._summaries if key[0] == experiment and key[1] not in listings]:
                del self._summaries[key]
                self._release(key)


def _list(reader: RecordReader, names: Sequence[str]) -> dict[str, Listing]:
    """Returns the tags of the runs with a learning rate recorded by lrmon."""
    listings = reader.list_records(names)
    others = [name for name in names if name not in listings]
    return listings | _with_learning_rate(reader.list_scalars(others)) if others else listings


def _with_learning_rate(scalars: Mapping[str, Listing]) -> dict[str, Listing]:
    """Returns lrmon's scalars of the runs with its learning rate."""
    return {
        run: {tag: stamp for tag, stamp in listing.items() if is_recorded(tag)}
        for run, listing in scalars.items()
        if schema.SCALAR_LEARNING_RATE in listing
    }


def _about_samples(samples: int) -> tuple[str, ...]:
    if not samples:
        return ()
    sentence = (
        f"--samples_per_plugin limits lrmon to {samples:,} records of each tag, so steps can be "
        "missing. Start TensorBoard without lrmon in that flag, or with lrmon=0."
    )
    return (sentence,)
