"""Reads lrmon's data from TensorBoard's DataProvider, and at a reload only the new part of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from tensorboard import errors
from tensorboard.data import provider

from lrmon import schema
from lrmon.review.reading.decode import Datum, not_rewritten

T = TypeVar("T")

ALL = 2**31 - 1
"""More points than there are; for a DataProvider, 0 means none."""

_ROWS_PER_ANSWER = 2**21
"""This many rows are 32 MB; one answer of the data server must be far below its limit of 256 MB."""

_ROWS_PER_TAG = schema.ROWS_PER_RECORD * schema.RECORDS_PER_TAG

_TAGS_PER_QUESTION = _ROWS_PER_ANSWER // _ROWS_PER_TAG

Stamp = tuple[int, float]
"""The last step and the last wall time of a tag, which change when something is added to it."""

Listing = Mapping[str, Stamp]
"""The tags of a run."""


class UnavailableError(errors.PublicError):
    """TensorBoard's data provider failed to answer."""

    http_code = 503


@dataclass(frozen=True, slots=True)
class TagData:
    """All points of a tag, decoded.

    Attributes:
      stamp: of the tag when it was listed, before it was read; there can be more points since.
      points: step and wall time of each point.
      records: the decoded record of each point, None if it could not be decoded.
      digest: of the points, independent of the stamp.
    """

    stamp: Stamp
    points: tuple[Stamp, ...]
    records: tuple[Any, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class RecordReader:
    """Reads one experiment of a DataProvider for one request.

    Attributes:
      data_provider: TensorBoard's.
      context: TensorBoard's context of the request.
      experiment: TensorBoard's id of the experiment, empty for a local log directory.
      log_dir: TensorBoard's log directory, None if it is unknown.
    """

    data_provider: Any
    context: Any
    experiment: str
    log_dir: str | None = None

    def list_records(self, runs: Collection[str] | None = None) -> dict[str, Listing]:
        """Returns the tags with lrmon's records by run; of all runs if none are named."""
        series = self._ask(
            self.data_provider.list_tensors,
            plugin_name=schema.PLUGIN_NAME,
            run_tag_filter=provider.RunTagFilter(runs=runs),
        )
        return _listings(series)

    def list_scalars(
        self, runs: Collection[str] | None, tags: Collection[str] | None = None
    ) -> dict[str, Listing]:
        """Returns the standard scalars by run; None for all runs or all names."""
        series = self._ask(
            self.data_provider.list_scalars,
            plugin_name="scalars",
            run_tag_filter=provider.RunTagFilter(runs=runs, tags=tags),
        )
        return _listings(series)

    def list_runs(self) -> list[str]:
        """Returns the names of all runs, with records or without."""
        return [run.run_name for run in self._ask(self.data_provider.list_runs)]

    def read_records(
        self,
        listings: Mapping[str, Listing],
        held: Mapping[str, Mapping[str, TagData]],
        decode: Callable[[str, Datum], Any],
    ) -> Iterator[tuple[str, dict[str, TagData], list[str]]]:
        """Yields each run with its tags' records and the tags that could not be read.

        Args:
          listings: the tags to read, by run.
          held: the data read before. Unchanged tags are not read again, and only new points are decoded.
          decode: makes a record of a tag's point.
        """
        for runs in _portions(listings, held):
            changed = {run: _changed(listings[run], held.get(run, {})) for run in runs}
            answers, failed = self._read_tensors(changed, rows=False)
            # Rows are read last, because they are written before their epoch: so no epoch lacks its rows.
            rows, failed_rows = self._read_tensors(changed, rows=True)
            for run in runs:
                before = held.get(run, {})
                data = {tag: before[tag] for tag in listings[run] if tag in before}
                for tag in changed[run]:
                    points = (rows if _holds_rows(tag) else answers).get(run, {}).get(tag)
                    if points is not None:
                        data[tag] = _decoded(tag, listings[run][tag], points, before.get(tag), decode)
                yield run, data, sorted([*failed.get(run, []), *failed_rows.get(run, [])])

    def read_scalars(self, run: str, tags: Collection[str]) -> dict[str, list[Any]]:
        """Returns by tag the points (step, wall_time, value) that TensorBoard has kept of a run's scalars."""
        answer = self._ask(
            self.data_provider.read_scalars,
            plugin_name="scalars",
            downsample=ALL,
            run_tag_filter=provider.RunTagFilter(runs=[run], tags=list(tags)),
        )
        return dict(answer.get(run, {}))

    def _read_tensors(
        self, tags: Mapping[str, Sequence[str]], *, rows: bool
    ) -> tuple[dict[str, dict[str, Sequence[Datum]]], dict[str, list[str]]]:
        """Returns the points by run and tag, and by run the tags that the provider failed at.

        Args:
          tags: by run.
          rows: whether to read the tags with rows, or the others.
        """
        tags = {run: [tag for tag in names if _holds_rows(tag) is rows] for run, names in tags.items()}
        tags = {run: names for run, names in tags.items() if names}
        if not tags:
            return {}, {}
        answers: dict[str, dict[str, Sequence[Datum]]] = {}
        failed: dict[str, list[str]] = {}
        for runs, names in _questions(tags):
            if self._try_to_read(answers, runs, names):
                continue
            # One broken tensor fails the whole answer: read the tags one by one, and keep the others.
            for run in runs:
                for tag in tags[run]:
                    if tag in names and not self._try_to_read(answers, [run], [tag]):
                        failed.setdefault(run, []).append(tag)
        return answers, failed

    def _try_to_read(
        self, answers: dict[str, dict[str, Sequence[Datum]]], runs: Sequence[str], tags: Collection[str]
    ) -> bool:
        """Adds the points of these runs and tags to the answers; returns whether it succeeded."""
        try:
            answer: Mapping[str, Mapping[str, Sequence[Datum]]] = self._ask(
                self.data_provider.read_tensors,
                plugin_name=schema.PLUGIN_NAME,
                downsample=ALL,
                run_tag_filter=provider.RunTagFilter(runs=runs, tags=tags),
            )
        except UnavailableError:
            return False
        for run, points in answer.items():
            answers.setdefault(run, {}).update(points)
        return True

    def _ask(self, question: Callable[..., T], **arguments: Any) -> T:
        try:
            try:
                return question(self.context, experiment_id=self.experiment, **arguments)
            except errors.PublicError:
                raise
            except Exception:  # noqa: BLE001  (the slow loader may be in the middle of adding a tag)
                return question(self.context, experiment_id=self.experiment, **arguments)
        except errors.PublicError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise UnavailableError(f"Unavailable: TensorBoard could not read its data ({reason})") from error


def digest(*values: object) -> str:
    """Returns a short text that is equal for equal values, and different for different ones."""
    return hashlib.blake2b(repr(values).encode(), digest_size=8).hexdigest()


def _listings(series: Mapping[str, Mapping[str, Any]]) -> dict[str, Listing]:
    return {
        run: {tag: (about.max_step, about.max_wall_time) for tag, about in sorted(tags.items())}
        for run, tags in series.items()
    }


def _holds_rows(tag: str) -> bool:
    return tag.startswith((schema.BATCHES_PREFIX, schema.RATES_PREFIX, schema.UPDATES_PREFIX))


def _changed(listing: Listing, held: Mapping[str, TagData]) -> list[str]:
    """Returns the tags of a run that have changed, and with them the newest tag of its rows."""
    changed = [tag for tag, stamp in listing.items() if tag not in held or held[tag].stamp != stamp]
    batches = [tag for tag in listing if tag.startswith(schema.BATCHES_PREFIX)]
    newest = max(batches, key=lambda tag: listing[tag], default=None)
    if changed and newest is not None and newest not in changed:
        # A loader at work lists one tag after the other: this one may have been listed too early.
        changed.append(newest)
    return changed


def _is_new(held: Mapping[str, Mapping[str, TagData]], run: str, tag: str, stamp: Stamp) -> bool:
    data = held.get(run, {}).get(tag)
    return data is None or data.stamp != stamp


def _portions(
    listings: Mapping[str, Listing], held: Mapping[str, Mapping[str, TagData]]
) -> Iterator[Sequence[str]]:
    """Yields the wanted runs in groups, so that the answer for a group is not too large."""
    portion: list[str] = []
    rows = 0
    for run, listing in listings.items():
        new = sum(
            min(stamp[0] + 1, _ROWS_PER_TAG)
            for tag, stamp in listing.items()
            if _holds_rows(tag) and _is_new(held, run, tag, stamp)
        )
        if portion and rows + new > _ROWS_PER_ANSWER:
            yield portion
            portion, rows = [], 0
        portion.append(run)
        rows += new
    if portion:
        yield portion


def _questions(tags: Mapping[str, Sequence[str]]) -> Iterator[tuple[Sequence[str], Collection[str]]]:
    """Yields runs and tags for one question: many small runs at once, or a part of one large run."""
    if len(tags) != 1:
        yield list(tags), {tag for names in tags.values() for tag in names}
        return
    for run, names in tags.items():
        for first in range(0, len(names), _TAGS_PER_QUESTION):
            yield [run], names[first : first + _TAGS_PER_QUESTION]


def _decoded(
    tag: str,
    stamp: Stamp,
    points: Sequence[Datum],
    before: TagData | None,
    decode: Callable[[str, Datum], Any],
) -> TagData:
    data = not_rewritten(points)
    stamps = tuple((datum.step, datum.wall_time) for datum in data)
    known = 0
    if before is not None:
        for old, new in zip(before.points, stamps, strict=False):
            if old != new:
                break
            known += 1
    records = before.records[:known] if before is not None else ()
    decoded = (*records, *(decode(tag, datum) for datum in data[known:]))
    return TagData(stamp, stamps, decoded, _digest_of_points(stamps))


def _digest_of_points(points: Sequence[Stamp]) -> str:
    steps = np.array([step for step, _ in points], dtype=np.int64)
    times = np.array([wall_time for _, wall_time in points], dtype=np.float64)
    return digest(steps.tobytes(), times.tobytes())
