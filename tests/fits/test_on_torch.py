"""What only Keras on PyTorch does: `torch.compile`, a learning rate that is alive, a step that sets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch

import lrmon
from tests.fits.framework import UsedRates, batches, same_bits, seed, unit_gradient_model
from tests.recorded import recorded

schedules = keras.optimizers.schedules


def test_each_batch_has_the_rate_that_its_update_got_from_a_function(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    model, used = unit_gradient_model(keras.optimizers.SGD(lambda: float(random.random()))), UsedRates()
    model.fit(**batches(5), callbacks=[used, lrmon.LRMonitor(tmp_path)])
    assert len(set(used.lrs)) == 5
    same_bits(used.lrs, recorded(tmp_path).learning_rate)


class SetsItsRate(keras.Sequential):
    """A step that sets the learning rate before its update, and again after it."""

    batch = 0

    def train_step(self, data: Any) -> Any:
        self.batch += 1
        self.optimizer.learning_rate = 0.1 / self.batch
        logs = super().train_step(data)
        self.optimizer.learning_rate = 7.0
        return logs


def test_a_step_that_sets_its_rate_is_recorded_with_the_one_that_the_update_got(tmp_path: Path) -> None:
    model, used = unit_gradient_model(keras.optimizers.SGD(1.0), SetsItsRate), UsedRates()
    model.fit(**batches(4), callbacks=[used, lrmon.LRMonitor(tmp_path)])
    same_bits(used.lrs, recorded(tmp_path).learning_rate)


def test_a_schedule_in_place_of_a_number_is_recorded_from_the_batch_that_used_it(tmp_path: Path) -> None:
    class Change(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 4:
                self.model.optimizer.learning_rate = schedules.ExponentialDecay(0.3, 3, 0.5)

    model, used = unit_gradient_model(keras.optimizers.SGD(0.1)), UsedRates()
    model.fit(**batches(10), callbacks=[used, Change(), lrmon.LRMonitor(tmp_path)])
    assert 1 < len(set(used.lrs))
    same_bits(used.lrs, recorded(tmp_path).learning_rate)


def test_rows_hold_on_to_no_gradient(tmp_path: Path) -> None:
    model, monitor = unit_gradient_model(keras.optimizers.SGD(0.1)), lrmon.LRMonitor(tmp_path)
    kept: list[Any] = []

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            fit: Any = monitor._fit
            kept.extend(row for row in fit._ring._rows._rows if row is not None)

    model.fit(**batches(3), callbacks=[Look(), monitor])
    assert len(kept) > 3
    assert not any(row.loss.requires_grad for row in kept)


def compiled_training(callbacks: list[Any]) -> list[Any]:
    seed(3)
    random = np.random.default_rng(3)
    x = random.normal(size=(48, 5)).astype(np.float32)
    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)]
    )
    schedule = schedules.ExponentialDecay(0.1, 3, 0.5, staircase=True)
    model.compile(keras.optimizers.AdamW(schedule), "mse", jit_compile=True)
    data = {"x": x, "y": x[:, :1], "batch_size": 8, "verbose": 0}
    histories = [model.fit(**data, epochs=epochs, callbacks=callbacks).history for epochs in (2, 1)]
    variables = [*model.variables, *model.optimizer.variables]
    return [histories, [keras.ops.convert_to_numpy(variable) for variable in variables]]


@pytest.mark.filterwarnings("ignore")  # PyTorch's own, of its own compiler
def test_compiled_training_is_the_same_with_and_without(tmp_path: Path) -> None:
    without = compiled_training([])
    torch._dynamo.utils.counters.clear()
    with_monitor = compiled_training([lrmon.LRMonitor(tmp_path)])
    assert without[0] == with_monitor[0]
    for expected, actual in zip(without[1], with_monitor[1], strict=True):
        np.testing.assert_array_equal(expected, actual)
    run = recorded(tmp_path)
    same_bits(np.repeat([0.1 / 2**k for k in range(6)], 3), run.learning_rate)
    assert not np.isnan(run.loss).any()
