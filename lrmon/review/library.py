"""The runs of a log directory: each is read once, and kept as long as nothing is added to it."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tensorboard import errors

from lrmon import schema
from lrmon.review.assembly import assemble
from lrmon.review.recordings import decode, recordings_of, unread
from lrmon.review.run import Run
from lrmon.review.sampled import is_recorded, is_sampled, sampled_run
from lrmon.review.source import Listing, Source, TagData
from lrmon.review.summary import summarize

ROWS_HELD = 10_000_000
"""Rows of whole runs kept in memory; with some 52 bytes a row, half a gigabyte."""

_RUNS_AT_ONCE = 128
"""So many are read before another request has its turn."""

_Key = tuple[str, str]
"""Experiment and run."""

_Entry = tuple[str, Mapping[str, Any]]
"""Version and summary of a run."""


@dataclass(frozen=True, slots=True)
class Overview:
    """All runs of an experiment.

    Attributes:
      version: changes when anything else here would.
      notices: sentences for the user about the log directory or TensorBoard's flags.
      runs: by name, what `lrmon.review.summary.summarize` says of each.
    """

    version: str
    notices: tuple[str, ...]
    runs: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Held:
    run: Run
    tags: Mapping[str, TagData]
    summary: Mapping[str, Any]


class Library:
    """Gives runs and their summaries, and keeps them; to be used from many threads at once.

    Whole runs are kept up to a number of rows, and the one unused for the longest time goes first;
    summaries are kept of all.

    Args:
      samples: how many records of a tag TensorBoard was told to keep, 0 for all.
      rows: how many rows of whole runs to keep.
    """

    def __init__(self, *, samples: int = 0, rows: int = ROWS_HELD) -> None:
        self._samples = samples
        self._rows = rows
        self._held: OrderedDict[_Key, _Held] = OrderedDict()
        self._held_rows = 0
        self._summaries: dict[_Key, _Entry] = {}
        self._lock = threading.Lock()
        self._reading = threading.Lock()

    def run(self, source: Source, name: str) -> Run:
        """Returns a run as TensorBoard has it now.

        Raises:
          tensorboard.errors.NotFoundError: if there is no such run, or nothing of lrmon in it.
        """
        listings = source.list_records([name]) or _with_learning_rate(source.list_scalars([name]))
        if name not in listings:
            raise errors.NotFoundError(f"no run {name[:100]!r} with a learning rate recorded by lrmon")
        key, version = (source.experiment, name), _version(source.experiment, name, listings[name])
        run = self._current(key, version)
        if run is None:
            with self._reading:
                run = self._current(key, version) or self._read(source, listings)[0].run
        return run

    def overview(self, source: Source) -> Overview:
        """Returns the summaries of all runs that hold a learning rate recorded by lrmon."""
        listings = source.list_records()
        others = [name for name in source.list_runs() if name not in listings]
        if others:
            sampled = source.list_scalars(others, [schema.SCALAR_LEARNING_RATE])
            listings |= _with_learning_rate(source.list_scalars(list(sampled))) if sampled else {}
        versions = {name: _version(source.experiment, name, listing) for name, listing in listings.items()}
        entries = self._known(source.experiment, versions)
        missing = iter(sorted(name for name in listings if name not in entries))
        while names := list(islice(missing, _RUNS_AT_ONCE)):
            with self._reading:
                meanwhile = self._known(source.experiment, {name: versions[name] for name in names})
                wanted = {name: listings[name] for name in names if name not in meanwhile}
                entries |= meanwhile | {
                    held.run.name: (held.run.version, held.summary) for held in self._read(source, wanted)
                }
        self._forget(source.experiment, listings)
        notices = _about_samples(self._samples)
        runs = {name: entries[name][1] for name in sorted(entries)}
        return Overview(_digest([(name, entries[name][0]) for name in runs], notices), notices, runs)

    def _read(self, source: Source, listings: Mapping[str, Listing]) -> list[_Held]:
        """Reads what is new of these runs."""
        with self._lock:
            held = {name: self._held.get((source.experiment, name)) for name in listings}
        before = {name: of_run.tags for name, of_run in held.items() if of_run is not None}
        records = {name: listing for name, listing in listings.items() if not is_sampled(listing)}
        runs = []
        for name, tags, failed in source.read_records(records, before, decode):
            version = _version(source.experiment, name, records[name])
            run = assemble(
                name,
                f"{version}-unread" if failed else version,
                recordings_of(tags),
                notices=unread(tags, failed),
                samples=self._samples,
            )
            runs.append(self._keep(source.experiment, run, tags))
        for name in listings.keys() - records.keys():
            version = _version(source.experiment, name, listings[name])
            run = sampled_run(name, version, source.read_scalars(name, list(listings[name])))
            runs.append(self._keep(source.experiment, run, {}))
        return runs

    def _keep(self, experiment: str, run: Run, tags: Mapping[str, TagData]) -> _Held:
        held, key = _Held(run, tags, summarize(run)), (experiment, run.name)
        with self._lock:
            before = self._held.pop(key, None)
            self._held[key] = held
            self._held_rows += run.step.size - (before.run.step.size if before else 0)
            while self._held_rows > self._rows and len(self._held) > 1:
                _, evicted = self._held.popitem(last=False)
                self._held_rows -= evicted.run.step.size
            self._summaries[key] = (run.version, held.summary)
        return held

    def _current(self, key: _Key, version: str) -> Run | None:
        """Returns a run, if it is at hand in this version."""
        with self._lock:
            held = self._held.get(key)
            if held is None or held.run.version != version:
                return None
            self._held.move_to_end(key)
            return held.run

    def _known(self, experiment: str, versions: Mapping[str, str]) -> dict[str, _Entry]:
        """Returns the summaries that are at hand in these versions."""
        with self._lock:
            kept = {name: self._summaries.get((experiment, name)) for name in versions}
        return {name: entry for name, entry in kept.items() if entry and entry[0] == versions[name]}

    def _forget(self, experiment: str, listings: Mapping[str, Listing]) -> None:
        """Lets go of runs that are no longer in the log directory."""
        with self._lock:
            for key in [key for key in self._summaries if key[0] == experiment and key[1] not in listings]:
                del self._summaries[key]
                held = self._held.pop(key, None)
                self._held_rows -= held.run.step.size if held else 0


def _with_learning_rate(scalars: Mapping[str, Listing]) -> dict[str, Listing]:
    """Returns the scalars of lrmon, of those runs that hold its learning rate."""
    return {
        run: {tag: stamp for tag, stamp in listing.items() if is_recorded(tag)}
        for run, listing in scalars.items()
        if schema.SCALAR_LEARNING_RATE in listing
    }


def _version(experiment: str, name: str, listing: Listing) -> str:
    return _digest(experiment, name, listing)


def _digest(*values: object) -> str:
    return hashlib.blake2b(repr(values).encode(), digest_size=8).hexdigest()


def _about_samples(samples: int) -> tuple[str, ...]:
    if not samples:
        return ()
    sentence = (
        f"--samples_per_plugin limits lrmon to {samples:,} records of each tag, so that steps may be "
        "missing. Start TensorBoard without lrmon in that flag, or with lrmon=0."
    )
    return (sentence,)
