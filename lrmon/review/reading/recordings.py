"""Turns tags into recordings, and reports what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from lrmon import schema
from lrmon.review.reading.data_provider import TagData
from lrmon.review.reading.decode import (
    Block,
    Datum,
    OptimizerColumns,
    decode_block,
    decode_epoch,
    decode_fit,
    decode_optimizer_columns,
    decode_sample,
    decode_skipped,
)
from lrmon.review.reading.merge import DecodedRecording
from lrmon.review.run.run import Reals
from lrmon.text.wording import quantity

_NOTES: Final[Mapping[str, Callable[[Datum], Any]]] = {
    schema.EPOCHS_PREFIX: decode_epoch,
    schema.SKIPPED_PREFIX: decode_skipped,
    schema.SAMPLES_PREFIX: decode_sample,
}
"""The decoders of records with one tag per recording."""


def decode(tag: str, datum: Datum) -> Any:
    """Returns the record that a tag's point holds, None if it cannot be decoded."""
    if _position(tag, schema.BATCHES_PREFIX) is not None:
        return decode_block(datum)
    if any(_position(tag, prefix) is not None for prefix in (schema.RATES_PREFIX, schema.UPDATES_PREFIX)):
        return decode_optimizer_columns(datum)
    if tag.startswith(schema.RUN_PREFIX):
        return decode_fit(datum, tag.removeprefix(schema.RUN_PREFIX))
    for prefix, decode_note in _NOTES.items():
        if tag.startswith(prefix):
            return decode_note(datum)
    return None


def recordings_of(tags: Mapping[str, TagData]) -> list[DecodedRecording]:
    """Returns the recordings of a run, in the order of their start."""
    batches: dict[str, list[tuple[int, str]]] = {}
    for tag in tags:
        position = _position(tag, schema.BATCHES_PREFIX)
        if position is not None:
            batches.setdefault(position[0], []).append((position[1], tag))
    others = [
        tag.removeprefix(prefix)
        for prefix in (schema.EPOCHS_PREFIX, schema.RUN_PREFIX)
        for tag in tags
        if tag.startswith(prefix)
    ]
    return [
        DecodedRecording(
            name,
            blocks=[block for _, tag in sorted(batches.get(name, [])) for block in _blocks(tags, tag)],
            epochs=_read(tags.get(schema.EPOCHS_PREFIX + name)),
            fits=_read(tags.get(schema.RUN_PREFIX + name)),
            skipped=[step for steps in _read(tags.get(schema.SKIPPED_PREFIX + name)) for step in steps],
            samples=_read(tags.get(schema.SAMPLES_PREFIX + name)),
        )
        for name in sorted({*batches, *others}, key=schema.recording_order)
    ]


def unread(tags: Mapping[str, TagData], failed: Sequence[str]) -> list[str]:
    """Returns sentences about what could not be read."""
    sentences = [f"TensorBoard could not read {tag!r}; its data is missing here." for tag in failed]
    for tag, data in tags.items():
        count = sum(record is None for record in data.records)
        if count:
            records = quantity(count, "record")
            sentences.append(
                f"{records} of {tag!r} could not be decoded and {'is' if count == 1 else 'are'} missing."
            )
    return sentences


def _blocks(tags: Mapping[str, TagData], tag: str) -> list[Block]:
    """Returns the rows of a batch tag, with the columns of single optimizers."""
    blocks: list[Block] = _read(tags.get(tag))
    lrs, updates = (
        {entry.last_step: entry for entry in _optimizer_columns(tags, prefix, tag)}
        for prefix in (schema.RATES_PREFIX, schema.UPDATES_PREFIX)
    )
    if not lrs and not updates:
        return blocks
    return [
        replace(block, lrs=_columns_of_block(lrs, block), updates=_columns_of_block(updates, block))
        for block in blocks
    ]


def _optimizer_columns(tags: Mapping[str, TagData], prefix: str, tag: str) -> list[OptimizerColumns]:
    return _read(tags.get(prefix + tag.removeprefix(schema.BATCHES_PREFIX)))


def _columns_of_block(columns: Mapping[int, OptimizerColumns], block: Block) -> Reals | None:
    beside = columns.get(block.last_step)
    return beside.values if beside is not None and len(beside.values) == len(block.values) else None


def _position(tag: str, prefix: str) -> tuple[str, int] | None:
    """Returns the recording of a tag with this prefix, and its number among the recording's tags."""
    name, _, number = tag.removeprefix(prefix).rpartition("/")
    if not tag.startswith(prefix) or not name or not (number.isascii() and number.isdigit()):
        return None
    return name, int(number)


def _read(data: TagData | None) -> list[Any]:
    return [record for record in data.records if record is not None] if data is not None else []
