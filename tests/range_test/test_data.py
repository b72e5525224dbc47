"""What a sweep reads: anything that can be read again, and a sentence for what cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

import lrmon
from tests.range_test.models import OPTIMIZERS, assert_as_before, data, model, state, trained
from tests.train.wordings import refused

X, Y = data()
SETTINGS: dict[str, Any] = {"start_lr": 1e-5, "end_lr": 1e-2, "verbose": 0}


def batches() -> Iterator[Any]:
    """Six batches of eight."""
    for start in range(0, 48, 8):
        yield X[start : start + 8], Y[start : start + 8]


class AgainAndAgain:
    """Its `iter()` begins anew."""

    def __iter__(self) -> Iterator[Any]:
        return batches()

    def __len__(self) -> int:
        return 6


class Sequence(keras.utils.PyDataset):
    """The same as Keras' own kind."""

    def __init__(self) -> None:
        super().__init__()

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Any:
        return X[8 * index : 8 * index + 8], Y[8 * index : 8 * index + 8]


def losses(x: Any, y: Any = None, **settings: Any) -> Any:
    network = model(keras.optimizers.SGD(0.1), dropout=0.0)
    return lrmon.LRFinder(network).find(x, y, **SETTINGS, **settings).losses


def expected(steps: int) -> Any:
    return losses(X, Y, batch_size=8, shuffle=False, steps=steps)


@pytest.mark.parametrize("steps", [4, 6, 15])
@pytest.mark.parametrize("x", [batches, AgainAndAgain(), Sequence()], ids=["function", "object", "PyDataset"])
def test_batches_are_read_from_the_start_as_often_as_it_takes(x: Any, steps: int) -> None:
    np.testing.assert_array_equal(expected(steps), losses(x, steps=steps, shuffle=False))


@pytest.mark.parametrize("x", [AgainAndAgain(), Sequence()], ids=["object", "PyDataset"])
def test_data_that_knows_its_length_needs_no_steps(x: Any) -> None:
    assert 6 == len(losses(x))
    assert 12 == len(losses(x, epochs=2))


def test_tensors_are_read_as_arrays_are() -> None:
    x, y = keras.ops.convert_to_tensor(X), keras.ops.convert_to_tensor(Y)
    np.testing.assert_array_equal(expected(6), losses(x, y, batch_size=8, shuffle=False))


def test_data_without_a_length_needs_steps() -> None:
    with refused(ValueError, "LRFinder, steps unknown"):
        losses(batches)


@pytest.mark.parametrize("x", [batches(), iter([(X, Y)])], ids=["generator", "iterator"])
def test_what_can_be_read_only_once_is_refused_and_left_unread(x: Any) -> None:
    with refused(TypeError, "LRFinder, data that can be read once", type=type(x).__name__):
        losses(x, steps=3)
    assert 2 == len(next(x))


def test_a_function_of_something_else_is_refused() -> None:
    with refused(TypeError, "LRFinder, function without batches"):
        losses(lambda: 3, steps=3)


@pytest.mark.parametrize("x", [None, 3])
def test_what_is_no_data_is_refused(x: Any) -> None:
    with refused(TypeError, f"LRFinder, x={x}"):
        losses(x, steps=3)


def empty_the_second_time() -> Any:
    """A function whose batches are used up by the first reading."""
    left = [list(batches())]
    return lambda: iter(left.pop() if left else [])


@pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")
def test_data_that_ends_before_the_sweep_does_is_said() -> None:
    network = model(OPTIMIZERS["SGD"]())
    trained(network, X, Y)
    before = state(network)
    result = lrmon.LRFinder(network).find(empty_the_second_time(), steps=9, **SETTINGS)
    assert (6, "data ended") == (len(result.losses), result.stopped)
    assert "The data ended after 6 of 9 steps." == result.stopped_reason
    assert_as_before(before, network)
