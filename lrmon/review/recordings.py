"""Tags become recordings: what each tag holds, whose it is, and what of it could not be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lrmon import schema
from lrmon.review.assembly import Recording
from lrmon.review.records import Datum, decode_block, decode_epoch, decode_fit
from lrmon.review.source import TagData


def decode(tag: str, datum: Datum) -> Any:
    """Returns the record that a tag's point holds, None where it cannot be read."""
    if _batches_place(tag) is not None:
        return decode_block(datum)
    if tag.startswith(schema.EPOCHS_PREFIX):
        return decode_epoch(datum)
    if tag.startswith(schema.RUN_PREFIX):
        return decode_fit(datum, tag.removeprefix(schema.RUN_PREFIX))
    return None


def recordings_of(tags: Mapping[str, TagData]) -> list[Recording]:
    """Returns the recordings of a run, in the order of their start; their names sort by time."""
    batches: dict[str, list[tuple[int, str]]] = {}
    for tag in tags:
        place = _batches_place(tag)
        if place is not None:
            batches.setdefault(place[0], []).append((place[1], tag))
    others = [
        tag.removeprefix(prefix)
        for prefix in (schema.EPOCHS_PREFIX, schema.RUN_PREFIX)
        for tag in tags
        if tag.startswith(prefix)
    ]
    return [
        Recording(
            name,
            blocks=[block for _, tag in sorted(batches.get(name, [])) for block in _read(tags.get(tag))],
            epochs=_read(tags.get(schema.EPOCHS_PREFIX + name)),
            fits=_read(tags.get(schema.RUN_PREFIX + name)),
        )
        for name in sorted({*batches, *others})
    ]


def unread(tags: Mapping[str, TagData], failed: Sequence[str]) -> list[str]:
    """Returns sentences on what could not be read."""
    sentences = [f"TensorBoard could not read {tag!r}; what it holds is missing here." for tag in failed]
    for tag, data in tags.items():
        count = sum(record is None for record in data.records)
        if count:
            records = "1 record" if count == 1 else f"{count:,} records"
            sentences.append(f"Left out: {records} of {tag!r} that could not be understood.")
    return sentences


def _batches_place(tag: str) -> tuple[str, int] | None:
    """Returns a batch tag's recording and its number among the recording's tags."""
    name, _, number = tag.removeprefix(schema.BATCHES_PREFIX).rpartition("/")
    if not tag.startswith(schema.BATCHES_PREFIX) or not name or not (number.isascii() and number.isdigit()):
        return None
    return name, int(number)


def _read(data: TagData | None) -> list[Any]:
    return [record for record in data.records if record is not None] if data is not None else []
