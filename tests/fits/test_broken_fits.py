"""Fits that end in an exception: the last step that was made is recorded, and nothing that was not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from tests.fits.framework import (
    MODES,
    SETUP,
    UsedRates,
    api,
    batches,
    input_layer,
    number_of,
    regression,
    same_bits,
    unit_gradient_model,
)
from tests.recorded import Recorded, recorded

LAST = 6
"""The batch after which the fit ends."""


class EndedError(Exception):
    """Ends a fit."""


class End(api.callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch >= LAST - 1:
            raise EndedError


def recorded_in_time(folder: Path, steps: int) -> Recorded:
    """Waits until so many steps are on disk, as they are within a second or so while a process goes on."""
    deadline = time.monotonic() + 60
    while len((run := recorded(folder)).step) < steps and time.monotonic() < deadline:
        pass
    return run


PLACES = {"first": 0, "between": 1, "last": 2}

STEPS = [1] if SETUP == "torch" else [1, 3]


@pytest.mark.parametrize("position", PLACES)
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("mode", MODES)
def test_the_last_step_is_recorded_wherever_the_monitor_stands(
    tmp_path: Path, mode: str, steps: int, position: str
) -> None:
    model = unit_gradient_model(api.optimizers.SGD(0.5), steps_per_execution=steps, **MODES[mode])
    callbacks: list[Any] = [api.callbacks.Callback(), End()]
    callbacks.insert(PLACES[position], lrmon.LRMonitor(tmp_path))
    with pytest.raises(EndedError):
        model.fit(**batches(20), callbacks=callbacks)
    run = recorded_in_time(tmp_path, LAST)
    assert list(range(LAST)) == run.step.tolist()
    assert -0.5 * LAST == number_of(model.layers[-1].weight)
    same_bits([0.5] * LAST, run.learning_rate)


@pytest.mark.parametrize("mode", MODES)
def test_the_batch_whose_loss_is_nan_is_recorded(tmp_path: Path, mode: str) -> None:
    class EndOnNaN(api.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if np.isnan(number_of((logs or {})["loss"])):
                raise EndedError

    x, y = regression(40)
    x[12] = np.nan
    model = api.Sequential([input_layer(5), api.layers.Dense(1)])
    model.compile(api.optimizers.SGD(0.0), "mse", **MODES[mode])
    with pytest.raises(EndedError):
        model.fit(
            x, y, batch_size=4, shuffle=False, verbose=0, callbacks=[EndOnNaN(), lrmon.LRMonitor(tmp_path)]
        )
    run = recorded_in_time(tmp_path, 4)
    assert [False, False, False, True] == np.isnan(run.loss).tolist()


def test_a_fit_without_the_monitor_is_not_recorded_after_a_broken_one(tmp_path: Path) -> None:
    model, monitor = unit_gradient_model(api.optimizers.SGD(0.5)), lrmon.LRMonitor(tmp_path)
    with pytest.raises(EndedError):
        model.fit(**batches(20), callbacks=[End(), monitor])
    model.fit(**batches(5))
    assert not hasattr(model.train_function, "lrmon_executions")
    run = recorded(tmp_path)
    assert list(range(LAST)) == run.step.tolist()
    assert [None, "interrupted"] == [fit["ended"] for fit in run.fits]
    assert LAST - 1 == run.fits[-1]["last_step"]

    model.fit(**batches(5), callbacks=[monitor])
    # Between both are the steps that the optimizer has made without the monitor.
    after = list(range(LAST + 5, LAST + 10))
    assert [*range(LAST), *after] == recorded(tmp_path).step.tolist()


def failing(good: int) -> Iterator[Any]:
    """So many batches, then an error in the data."""
    x, y = batches(1)["x"], batches(1)["y"]
    for _ in range(good):
        yield x, y
    raise OSError("the data is gone")


def test_steps_that_the_optimizer_counted_without_an_update_are_holes(tmp_path: Path) -> None:
    model, monitor = unit_gradient_model(api.optimizers.SGD(0.5)), lrmon.LRMonitor(tmp_path)
    with pytest.raises(Exception, match="the data is gone"):
        model.fit(failing(4), steps_per_epoch=9, shuffle=False, verbose=0, callbacks=[monitor])
    # A compiled step of TensorFlow counts before it notices that it has no data.
    counted = int(number_of(model.optimizer.iterations))
    made = -int(number_of(model.layers[-1].weight) / 0.5)
    used = UsedRates()
    model.layers[-1].weight.assign(0.0)
    model.fit(**batches(3), callbacks=[used, monitor])
    run = recorded(tmp_path)
    assert [*range(made), *range(counted, counted + 3)] == run.step.tolist()
    assert [0, counted] == [run.fits[0]["first_iteration"], run.fits[-1]["first_iteration"]]
    same_bits([0.5] * (made + 3), run.learning_rate)
    holes = [[made, counted - 1]] if counted > made else []
    assert holes == lrmon.load(tmp_path)["."].holes.tolist()


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("mode", MODES)
def test_a_train_function_that_is_made_anew_while_it_trains_is_recorded(
    tmp_path: Path, mode: str, position: int
) -> None:
    class Anew(api.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 2:
                made = self.model.make_train_function(force=True)
                if made is not None:  # as tf_keras has it
                    self.model.train_function = made

    model, used = unit_gradient_model(api.optimizers.SGD(0.5), **MODES[mode]), UsedRates()
    callbacks: list[Any] = [used, Anew()]
    callbacks.insert(position, lrmon.LRMonitor(tmp_path))
    model.fit(**batches(8), callbacks=callbacks)
    assert [0.5] * 8 == used.lrs
    run = recorded(tmp_path)
    # A step that was made before the monitor could know is a hole; TensorFlow's writes its row all the same.
    missing = {3} - set(run.step.tolist()) if SETUP in {"jax", "torch"} and position < 2 else set()
    assert sorted({*range(8)} - missing) == run.step.tolist()
    same_bits([0.5] * len(run.step), run.learning_rate)
