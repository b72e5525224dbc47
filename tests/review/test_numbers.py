"""Numbers in JSON are exact, and as short as they can be."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrmon.review.run.numbers import json_column, shortest

EDGES = [
    0.1,
    1e-7,
    9.999999e-5,
    9.9999994e-11,
    16777216,
    16777217,
    8388608.5,
    1e22,
    1e10,
    3.4028235e38,
    1e-45,
    -0.0,
]


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(1).integers(0, 2**32, size=200_000, dtype=np.uint32).view(np.float32),
        np.exp(np.random.default_rng(2).uniform(-40, 40, size=100_000)).astype(np.float32),
        (np.random.default_rng(3).integers(1, 10_000, size=50_000) / 10.0**5).astype(np.float32),
        np.array(EDGES, dtype=np.float32),
    ],
    ids=["any bits", "all magnitudes", "short decimals", "lr_changes"],
)
def test_a_float32_is_the_shortest_decimal_that_is_read_back_as_itself(values: np.ndarray) -> None:
    finite = values[np.isfinite(values)]
    doubles = shortest(finite)

    assert finite.tobytes() == doubles.astype(np.float32).tobytes()
    assert [len(repr(float(str(value)))) for value in finite[:5_000]] == [
        len(repr(d)) for d in doubles[:5_000].tolist()
    ]


@given(values=st.lists(st.floats(width=32), max_size=20))
def test_a_column_is_read_back_bit_by_bit(values: list[float]) -> None:
    column = np.array(values, dtype=np.float32)
    decoded = np.array([float(value) for value in json.loads(json_column(column))], dtype=np.float32)

    np.testing.assert_array_equal(column, decoded)
    np.testing.assert_array_equal(
        np.signbit(column[~np.isnan(column)]), np.signbit(decoded[~np.isnan(decoded)])
    )


def test_a_column_is_strict_json_with_names_for_what_json_lacks() -> None:
    values = np.array([0.1, np.nan, np.inf, -np.inf, 5.0], dtype=np.float32)

    assert '[0.1,"NaN","Infinity","-Infinity",null]' == json_column(values, absent=values == 5.0)


def test_integers_and_doubles_are_as_python_writes_them() -> None:
    assert "[0,9007199254740992]" == json_column(np.array([0, 2**53]))
    assert "[0.1,1763632512.25]" == json_column(np.array([0.1, 1763632512.25]))
