"""A range test leaves no trace: the model and its training are those that would have been."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lrmon
from lrmon.train.range_test.divergence import Divergence
from tests.range_test.models import (
    MODES,
    OPTIMIZERS,
    assert_as_before,
    assert_same,
    data,
    model,
    numpy_of,
    state,
    trained,
)
from tests.recorded import recorded

STEPS = 7
SETTINGS: dict[str, Any] = {"steps": STEPS, "batch_size": 8, "start_lr": 1e-3, "end_lr": 0.1, "verbose": 0}
SETTINGS["stop_factor"] = float("inf")


@pytest.mark.parametrize(
    ("optimizer", "trains_before"), [*((name, True) for name in OPTIMIZERS), ("Adam with a staircase", False)]
)
def test_training_afterwards_is_bit_for_bit_training_without_it(optimizer: str, trains_before: bool) -> None:
    x, y = data()
    left: list[list[Any]] = []
    for tests in (False, True):
        network = model(OPTIMIZERS[optimizer]())
        if trains_before:
            trained(network, x, y)
        if tests:
            lrmon.LRFinder(network).find(x, y, **SETTINGS)
        left.append(trained(network, x, y))
    assert_same(*left)


@pytest.mark.parametrize("mode", MODES)
def test_so_it_is_however_the_step_is_compiled(mode: str) -> None:
    x, y = data()
    left: list[list[Any]] = []
    for tests in (False, True):
        network = model(OPTIMIZERS["Adam with a staircase"](), **MODES[mode])
        trained(network, x, y)
        if tests:
            lrmon.LRFinder(network).find(x, y, **SETTINGS)
        left.append(trained(network, x, y))
    assert_same(*left)


def test_several_sweeps_with_validation_leave_no_trace_either() -> None:
    x, y = data()
    left: list[list[Any]] = []
    for tests in (False, True):
        network = model(OPTIMIZERS["Adam with a staircase"]())
        if tests:
            result = lrmon.LRFinder(network).find(
                x, y, **SETTINGS, average_runs=3, validation_data=(x, y), validation_freq=2
            )
            assert 3 == len(result.sweeps)
        left.append(trained(network, x, y, validation_data=(x, y)))
    assert_same(*left)


def test_a_model_that_is_built_by_it_trains_as_one_that_fit_builds() -> None:
    x, y = data()
    left: list[list[Any]] = []
    for tests in (False, True):
        network = model(OPTIMIZERS["Adam with a staircase"](), built=False)
        if tests:
            lrmon.LRFinder(network).find(x, y, **SETTINGS)
            assert not network.optimizer.built
        left.append(trained(network, x, y))
    assert_same(*left)


def test_the_model_has_the_same_parts_with_the_same_values() -> None:
    x, y = data()
    network = model(OPTIMIZERS["Adam with a staircase"]())
    trained(network, x, y)
    before = state(network)
    lrmon.LRFinder(network).find(x, y, **SETTINGS)
    assert_as_before(before, network)


def test_a_model_that_never_trained_keeps_its_optimizer_unbuilt() -> None:
    x, y = data()
    network = model(OPTIMIZERS["SGD"]())
    optimizer = network.optimizer
    lrmon.LRFinder(network).find(x, y, **SETTINGS)
    assert optimizer is network.optimizer
    assert (False, 2) == (optimizer.built, len(optimizer.variables))
    assert network.train_function is None


def test_a_model_saves_and_loads_as_before(tmp_path: Path) -> None:
    x, y = data()
    network = model(OPTIMIZERS["SGD"]())
    trained(network, x, y)
    lrmon.LRFinder(network).find(x, y, **SETTINGS)
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for one, other in zip(network.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(numpy_of(one), numpy_of(other))
    np.testing.assert_array_equal(network.predict(x, verbose=0), loaded.predict(x, verbose=0))


class Batches(keras.utils.PyDataset):
    """Batches, of which one may raise."""

    def __init__(self, fails_at: int | None) -> None:
        super().__init__()
        self.x, self.y = data(8 * STEPS)
        self.fails_at = fails_at

    def __len__(self) -> int:
        return STEPS

    def __getitem__(self, index: int) -> Any:
        if index == self.fails_at:
            raise OSError("the disk is gone")
        rows = slice(8 * index, 8 * index + 8)
        return self.x[rows], self.y[rows]


class Fuse:
    """A loss that raises at one of its calls, once it is lit."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error, self.left = error, -1

    def __call__(self, y: Any, output: Any) -> Any:
        self.left -= 1
        if self.left == -1:
            raise self.error("in the training step")
        return keras.ops.mean((y - output) ** 2)


@pytest.mark.long
def test_an_error_in_the_data_at_any_batch_leaves_no_trace() -> None:
    left = trained(model(OPTIMIZERS["Adam with a staircase"]()), *data())
    network = model(OPTIMIZERS["Adam with a staircase"]())
    for batch in range(STEPS):
        # Each backend wraps what a data set raises in an error of its own.
        with pytest.raises(Exception, match="the disk is gone"):
            lrmon.LRFinder(network).find(Batches(batch), shuffle=False, **{**SETTINGS, "batch_size": None})
    assert_same(left, trained(network, *data()))


@pytest.mark.parametrize("error", [ArithmeticError, pytest.param(KeyboardInterrupt, marks=pytest.mark.long)])
def test_an_error_in_the_training_step_at_any_batch_leaves_no_trace(error: type[BaseException]) -> None:
    left: list[list[Any]] = []
    for fails in (False, True):
        fuse = Fuse(error)
        network = model(OPTIMIZERS["Adam with a staircase"](), run_eagerly=True)
        network.compile(network.optimizer, fuse, run_eagerly=True)
        trained(network, *data())
        before = state(network)
        for batch in range(STEPS if fails else 0):
            fuse.left = batch
            finder = lrmon.LRFinder(network)
            with pytest.raises(error):
                finder.find(*data(), **SETTINGS)
            assert finder.result is not None
            assert (batch, "interrupted") == (len(finder.result.losses), finder.result.stopped)
            assert_as_before(before, network)
        fuse.left = -1
        left.append(trained(network, *data()))
    assert_same(*left)


@pytest.fixture
def _ctrl_c() -> Iterator[None]:
    """Ctrl-C interrupts, also where the tests run in the background of a shell, which has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_after_any_batch_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = model(OPTIMIZERS["LossScaleOptimizer"]())
    trained(network, *data())
    before, judged = state(network), Divergence.after
    for batch in range(STEPS):
        left = [batch]

        def pressed(self: Divergence, loss: float, left: list[int] = left) -> Any:
            left[0] -= 1
            if left[0] < 0:
                signal.raise_signal(signal.SIGINT)
            return judged(self, loss)

        monkeypatch.setattr(Divergence, "after", pressed)
        with pytest.raises(KeyboardInterrupt):
            lrmon.LRFinder(network, tmp_path / str(batch)).find(*data(), **SETTINGS)
        assert_as_before(before, network)
        run = recorded(tmp_path / str(batch))
        assert "interrupted: KeyboardInterrupt" == run.fits[-1]["ended"]
        assert "interrupted" == run.fits[-1]["range_test"]["stopped"]
        assert batch + 1 == len(run.loss)


def test_an_error_while_it_records_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = model(OPTIMIZERS["SGD"]())
    trained(network, *data())
    before, record = state(network), lrmon.Recorder.batches
    for batch in range(STEPS):
        left = [batch]

        def full(self: lrmon.Recorder, left: list[int] = left, **row: Any) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise MemoryError("no room for a row")
            record(self, **row)

        monkeypatch.setattr(lrmon.Recorder, "batches", full)
        with pytest.raises(MemoryError):
            lrmon.LRFinder(network, tmp_path).find(*data(), **SETTINGS)
        assert_as_before(before, network)


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_sweep(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    network = model(OPTIMIZERS["SGD"]())
    trained(network, *data())
    before = state(network)
    with pytest.raises(OSError, match="cannot write its event file"):
        lrmon.LRFinder(network, tmp_path / "file").find(*data(), **SETTINGS)
    assert_as_before(before, network)


def test_what_a_user_has_put_on_the_model_stays() -> None:
    network = model(OPTIMIZERS["SGD"]())
    network.train_step = partial(network.train_step)
    network.notes = {"by": "the user"}
    before = dict(vars(network))
    lrmon.LRFinder(network).find(*data(), **SETTINGS)
    assert before == dict(vars(network))
