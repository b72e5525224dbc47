from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto import event_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.util import tensor_util

from lrmon.record import events


def framed_events(data: bytes) -> list[bytes]:
    """The events of an event file's bytes; every checksum is held against TensorBoard's."""
    events = []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        assert struct.pack("<I", masked_crc32c(data[:8])) == data[8:12]
        body, footer, data = data[12 : 12 + length], data[12 + length : 16 + length], data[16 + length :]
        assert struct.pack("<I", masked_crc32c(body)) == footer
        events.append(body)
    return events


STEPS = [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_456, 2**35, 2**62]
VALUES = [0.0, -0.0, 0.1, -1e-45, 3.4028235e38, float("inf"), float("-inf"), float("nan"), 5e-324]


def test_scalars_are_byte_identical_to_those_of_tensorflow(tmp_path: Path) -> None:
    steps = [step for step in STEPS for _ in VALUES]
    values = VALUES * len(STEPS)
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        for step, value in zip(steps, values, strict=True):
            # As an array: TensorFlow takes a Python -0.0 for the 0.0 that it has cached.
            tf.summary.scalar("lrmon/epoch/größe", np.array(value).astype(np.float32), step=step)
    writer.close()
    (file,) = tmp_path.iterdir()
    expected = framed_events(file.read_bytes())[1:]
    wall_times = np.array([event_pb2.Event.FromString(event).wall_time for event in expected])

    written = events.scalar_events(
        "lrmon/epoch/größe", np.array(steps), wall_times, np.array(values).astype(np.float32)
    )

    assert expected == framed_events(written)


@given(
    tag=st.text(min_size=1, max_size=200),
    rows=st.lists(
        st.tuples(st.integers(0, 2**63 - 1), st.floats(allow_nan=False), st.floats(width=32)), min_size=1
    ),
)
def test_every_block_of_scalars_is_what_protobuf_would_have_serialized(
    tag: str, rows: list[tuple[int, float, float]]
) -> None:
    steps, wall_times, values = zip(*rows, strict=True)
    written = framed_events(
        events.scalar_events(tag, np.array(steps), np.array(wall_times), np.array(values, np.float32))
    )
    assert len(rows) == len(written)
    for (step, wall_time, value), event in zip(rows, map(event_pb2.Event.FromString, written), strict=True):
        assert (step, wall_time, tag) == (event.step, event.wall_time, event.summary.value[0].tag)
        assert struct.pack("<f", value) == event.summary.value[0].tensor.tensor_content


@pytest.mark.parametrize("shape", [(0, 4), (1, 4), (1024, 4)])
def test_a_tensor_is_read_back_as_it_was(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    (event,) = framed_events(events.tensor_event("lrmon/batches/x/0", 7, 1.5, values))
    (summary,) = event_pb2.Event.FromString(event).summary.value
    assert values.tobytes() == tensor_util.make_ndarray(summary.tensor).tobytes()
    assert shape == tensor_util.make_ndarray(summary.tensor).shape


@given(data=st.binary(min_size=4, max_size=5000))
def test_a_checksum_is_tensorboards(data: bytes) -> None:
    assert struct.pack("<I", masked_crc32c(data)) == events._checksum(data)
