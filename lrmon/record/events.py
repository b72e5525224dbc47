"""Events as bytes: what TensorBoard's readers find in an event file.

A block of a thousand scalars is encoded at once: one event is serialized by protobuf, and the others are
copies of it in which the bytes of wall time, step and value are replaced. Their checksums follow from the
first one's, because CRC-32C is linear in the bits of the message. Serializing them one by one would cost
more than a batch of a small model takes. The checksum of a long record is computed from the same tables.
"""

from __future__ import annotations

import struct
from functools import cache, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2

from lrmon import schema

_VALUE_MARK: Final = b"\xff\xff\xff\xff"
_CRC_POLYNOMIAL: Final = 0x82F63B78
_CRC_MASK_DELTA: Final = 0xA282EAD8
_CRC_STRIDE: Final = 128
"""Bytes of a message whose share in its checksum is looked up at once."""

_VARINT_LIMITS: Final = np.array([1 << 7 * groups for groups in range(9)], np.int64)
"""The smallest step that takes 1, 2, … bytes in protobuf's variable-length form; step 0 is left out."""


def file_version_event(wall_time: float) -> bytes:
    """Returns the framed event with which every event file begins."""
    event = event_pb2.Event(wall_time=wall_time, file_version="brain.Event:2")
    event.source_metadata.writer = "lrmon"
    return _framed(event)


def scalar_events(
    tag: str,
    steps: npt.NDArray[np.int64],
    wall_times: npt.NDArray[np.float64],
    values: npt.NDArray[np.float32],
) -> bytes:
    """Returns framed events with the bytes that `tf.summary.scalar` would have written.

    Args:
        tag: Name of the scalar.
        steps: [n], not negative.
        wall_times: [n], seconds since 1970.
        values: [n], non-finite ones included.
    """
    if len(steps) == 1:  # an epoch's metric: laying out a block would take longer
        value = values.astype("<f4").tobytes()
        return _framed(_scalar_event(tag, int(steps[0]), float(wall_times[0]), value))
    blocks = []
    lengths = np.searchsorted(_VARINT_LIMITS, steps, side="right")
    starts = np.flatnonzero(np.diff(lengths, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(steps)], strict=True):
        rows = slice(start, stop)
        blocks.append(
            _scalar_events_alike(tag, steps[rows], wall_times[rows], values[rows], int(lengths[start]))
        )
    return b"".join(blocks)


def tensor_event(tag: str, step: int, wall_time: float, values: npt.NDArray[np.floating]) -> bytes:
    """Returns the framed event of one record of numbers, float32 or float64, any shape."""
    kind, layout = (types_pb2.DT_DOUBLE, "<f8") if values.dtype == np.float64 else (types_pb2.DT_FLOAT, "<f4")
    tensor = tensor_pb2.TensorProto(dtype=kind, tensor_content=values.astype(layout).tobytes())
    for size in values.shape:
        tensor.tensor_shape.dim.add(size=size)
    return _record_event(tag, step, wall_time, tensor)


def text_event(tag: str, step: int, wall_time: float, text: str) -> bytes:
    """Returns the framed event of one record of text, a scalar string tensor."""
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[text.encode()])
    tensor.tensor_shape.SetInParent()
    return _record_event(tag, step, wall_time, tensor)


def _record_event(tag: str, step: int, wall_time: float, tensor: tensor_pb2.TensorProto) -> bytes:
    metadata = summary_pb2.SummaryMetadata(data_class=summary_pb2.DATA_CLASS_TENSOR)
    metadata.plugin_data.plugin_name = schema.PLUGIN_NAME
    summary = summary_pb2.Summary()
    summary.value.add(tag=tag, tensor=tensor, metadata=metadata)
    return _framed(event_pb2.Event(wall_time=wall_time, step=step, summary=summary))


def _scalar_events_alike(
    tag: str,
    steps: npt.NDArray[np.int64],
    wall_times: npt.NDArray[np.float64],
    values: npt.NDArray[np.float32],
    step_length: int,
) -> bytes:
    """Events whose steps take the same number of bytes, so that all are laid out alike."""
    template = _scalar_template(tag, step_length)
    body = np.frombuffer(template, np.uint8)
    value_start = template.rindex(_VALUE_MARK)
    # Event.wall_time is field 1 (a tag byte and 8 bytes), Event.step field 2 (a tag byte and a varint).
    varying = [(1, _bytes(wall_times.astype("<f8"))), (value_start, _bytes(values.astype("<f4")))]
    if step_length:
        varying.append((10, _varints(steps, step_length)))

    head = _head(len(template))
    framed = np.empty((len(steps), len(head) + len(template) + 4), np.uint8)
    framed[:, : len(head)] = np.frombuffer(head, np.uint8)
    bodies = framed[:, len(head) : -4]
    bodies[:] = body
    tables = _crc_tables(len(template))
    checksums = np.full(len(steps), _crc32c(template), np.uint32)
    for start, columns in varying:
        for position, column in enumerate(columns.T, start):
            bodies[:, position] = column
            checksums ^= tables[len(template) - 1 - position][column ^ body[position]]
    framed[:, -4:] = _bytes(_masked(checksums).astype("<u4"))
    return framed.tobytes()


@lru_cache(maxsize=256)
def _scalar_template(tag: str, step_length: int) -> bytes:
    """Returns a serialized scalar whose step takes so many bytes."""
    step = 1 << 7 * (step_length - 1) if step_length else 0
    data: bytes = _scalar_event(tag, step, 1.0, _VALUE_MARK).SerializeToString()
    return data


def _scalar_event(tag: str, step: int, wall_time: float, value: bytes) -> event_pb2.Event:
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=value)
    tensor.tensor_shape.SetInParent()
    metadata = summary_pb2.SummaryMetadata()
    metadata.plugin_data.plugin_name = "scalars"
    summary = summary_pb2.Summary()
    summary.value.add(tag=tag, tensor=tensor, metadata=metadata)
    return event_pb2.Event(wall_time=wall_time, step=step, summary=summary)


def _framed(event: event_pb2.Event) -> bytes:
    """One record of an event file: length, its checksum, the event, its checksum."""
    data = event.SerializeToString()
    return b"".join((_head(len(data)), data, _checksum(data)))


@lru_cache(maxsize=1024)
def _head(length: int) -> bytes:
    """Returns what stands before a record of so many bytes."""
    field = struct.pack("<Q", length)
    return field + _checksum(field)


def _checksum(data: bytes) -> bytes:
    """The checksum of one piece of a file, as event files hold it."""
    return struct.pack("<I", int(_masked(np.array([_crc32c(data)], np.uint32))[0]))


def _masked(checksums: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Returns checksums in the form that event files hold, so that a checksum of checksums is no constant."""
    return ((checksums >> np.uint32(15)) | (checksums << np.uint32(17))) + np.uint32(_CRC_MASK_DELTA)


def _crc32c(data: bytes) -> int:
    """Returns the CRC-32C of at least 4 bytes.

    Each stride of the message is looked up on its own, as if only zeros came before it and none after it;
    what the strides add to the checksum is then looked up by how many strides come after them.
    """
    strides = -(-len(data) // _CRC_STRIDE)
    message = np.zeros(strides * _CRC_STRIDE, np.uint8)  # zeros in front do not count
    message[-len(data) :] = np.frombuffer(data, np.uint8)
    message[-len(data) :][:4] ^= 0xFF  # where the checksum begins
    tables = _crc_tables(_CRC_STRIDE)[::-1]
    contributions = tables[np.arange(_CRC_STRIDE), message.reshape(strides, _CRC_STRIDE)]
    registers = np.bitwise_xor.reduce(contributions, axis=1)
    strides_each = 1
    while len(registers) > 1:
        # Pairs become one: the first of each moves on by as many strides as the second is long.
        if len(registers) % 2:
            registers = np.concatenate((np.zeros(1, np.uint32), registers))
        first, second = _bytes(registers[::2].astype("<u4")), registers[1::2]
        advance = _advance_tables(strides_each)
        registers = np.bitwise_xor.reduce(advance[np.arange(4), first], axis=1) ^ second
        strides_each *= 2
    return int(registers[0]) ^ 0xFFFFFFFF


@cache
def _advance_tables(strides: int) -> npt.NDArray[np.uint32]:
    """[4, 256]: what each byte of a checksum becomes when so many strides (a power of 2) of zeros follow."""
    if strides == 1:
        return _crc_tables(_CRC_STRIDE)[::-1][:4]
    half = _advance_tables(strides // 2)
    middle = _bytes(half.reshape(-1).astype("<u4"))
    tables: npt.NDArray[np.uint32] = np.bitwise_xor.reduce(half[np.arange(4), middle], axis=1)
    return tables.reshape(4, 256)


@cache
def _crc_tables(length: int) -> npt.NDArray[np.uint32]:
    """[length, 256]: what a byte, with so many bytes of a message after it, adds (xor) to its CRC-32C."""
    tables = np.empty((length, 256), np.uint32)
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        shifted = crc >> np.uint32(1)
        crc = np.where(crc & np.uint32(1), shifted ^ np.uint32(_CRC_POLYNOMIAL), shifted)
    tables[0] = crc
    for after in range(1, length):
        crc = tables[after - 1]
        tables[after] = tables[0][crc & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    return tables


def _bytes(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """[n, itemsize]: the bytes of each value."""
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)


def _varints(steps: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.uint8]:
    """[n, length]: protobuf's variable-length form of steps that all take `length` bytes."""
    groups = (steps[:, None] >> (7 * np.arange(length))) & 0x7F
    groups[:, :-1] |= 0x80
    return groups.astype(np.uint8)
