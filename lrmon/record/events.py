"""Events as bytes: what TensorBoard's readers find in an event file.

A block of a thousand scalars is encoded at once: one event is serialized by protobuf, and the others are
copies of it in which the bytes of wall time, step and value are replaced. Their checksums follow from the
first one's, because CRC-32C is linear in the bits of the message. Serializing them one by one would cost
more than a batch of a small model takes.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import crc32c, masked_crc32c

from lrmon import schema

_VALUE_MARK: Final = b"\xff\xff\xff\xff"
_CRC_POLYNOMIAL: Final = 0x82F63B78
_CRC_MASK_DELTA: Final = 0xA282EAD8


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
    blocks = []
    lengths = np.array([_varint_length(step) for step in steps.tolist()])
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
    template = _scalar_event(tag, int(steps[0]))
    body = np.frombuffer(template, np.uint8)
    value_start = template.rindex(_VALUE_MARK)
    # Event.wall_time is field 1 (a tag byte and 8 bytes), Event.step field 2 (a tag byte and a varint).
    varying = [(1, _bytes(wall_times.astype("<f8"))), (value_start, _bytes(values.astype("<f4")))]
    if step_length:
        varying.append((10, _varints(steps, step_length)))

    length_field = struct.pack("<Q", len(template))
    head = length_field + _checksum(length_field)
    framed = np.empty((len(steps), len(head) + len(template) + 4), np.uint8)
    framed[:, : len(head)] = np.frombuffer(head, np.uint8)
    bodies = framed[:, len(head) : -4]
    bodies[:] = body
    tables = _crc_tables(len(template))
    checksums = np.full(len(steps), crc32c(template), np.uint32)
    for start, columns in varying:
        for position, column in enumerate(columns.T, start):
            bodies[:, position] = column
            checksums ^= tables[len(template) - 1 - position][column ^ body[position]]
    masked = ((checksums >> np.uint32(15)) | (checksums << np.uint32(17))) + np.uint32(_CRC_MASK_DELTA)
    framed[:, -4:] = _bytes(masked.astype("<u4"))
    return framed.tobytes()


def _scalar_event(tag: str, step: int) -> bytes:
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, tensor_content=_VALUE_MARK)
    tensor.tensor_shape.SetInParent()
    metadata = summary_pb2.SummaryMetadata()
    metadata.plugin_data.plugin_name = "scalars"
    summary = summary_pb2.Summary()
    summary.value.add(tag=tag, tensor=tensor, metadata=metadata)
    data: bytes = event_pb2.Event(wall_time=1.0, step=step, summary=summary).SerializeToString()
    return data


def _framed(event: event_pb2.Event) -> bytes:
    """One record of an event file: length, its checksum, the event, its checksum."""
    data = event.SerializeToString()
    length = struct.pack("<Q", len(data))
    return b"".join((length, _checksum(length), data, _checksum(data)))


def _checksum(data: bytes) -> bytes:
    """The checksum of one piece of a file, as event files hold it."""
    return struct.pack("<I", masked_crc32c(data))


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


def _varint_length(step: int) -> int:
    """Bytes that a step takes in protobuf's variable-length form; 0 for step 0, which is left out."""
    return (step.bit_length() + 6) // 7


def _varints(steps: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.uint8]:
    """[n, length]: protobuf's variable-length form of steps that all take `length` bytes."""
    groups = (steps[:, None] >> (7 * np.arange(length))) & 0x7F
    groups[:, :-1] |= 0x80
    return groups.astype(np.uint8)
