"""Learning-rate finders and decays as people write them, in real fits with LRMonitor."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tf_keras

import lrmon
from lrmon.review.run.run import Run


def fit(log_dir: Path, callback: Any, *, epochs: int, optimizer: Any = None, rows: int = 960) -> Run:
    """Returns the run of a small regression with 30 batches an epoch."""
    keras.utils.set_random_seed(1)
    random = np.random.default_rng(1)
    x = random.normal(size=(rows, 4)).astype(np.float32)
    y = x @ np.ones((4, 1), np.float32) + random.normal(0, 0.1, (rows, 1)).astype(np.float32)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
    model.compile(optimizer or keras.optimizers.SGD(1e-3), "mse", jit_compile=False)
    callbacks = [*([] if callback is None else [callback]), lrmon.LRMonitor(log_dir / "run")]
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0, callbacks=callbacks)
    return lrmon.load(log_dir)["run"]


class Finder(keras.callbacks.Callback):
    """Multiplies the learning rate after every batch, and stops where Keras' running mean explodes."""

    def __init__(self, low: float, high: float, batches: int) -> None:
        super().__init__()
        self.low, self.factor, self.best = low, (high / low) ** (1 / batches), np.inf

    def on_train_begin(self, logs: Any = None) -> None:
        self.model.optimizer.learning_rate.assign(self.low)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.best = min(self.best, logs["loss"])
        if not logs["loss"] < 4 * self.best:
            self.model.stop_training = True
        lr = self.model.optimizer.learning_rate
        lr.assign(float(lr.numpy()) * self.factor)


class LineFinder(keras.callbacks.Callback):
    """Raises the learning rate in a straight line before every batch."""

    def __init__(self, low: float, high: float, batches: int) -> None:
        super().__init__()
        self.lrs = iter(np.linspace(low, high, batches))

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate.assign(next(self.lrs))


class WarmUp(keras.callbacks.Callback):
    """Raises the learning rate in proportion to the step up to its peak."""

    def __init__(self, peak: float, batches: int) -> None:
        super().__init__()
        self.peak, self.batches, self.step = peak, batches, 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.step += 1
        self.model.optimizer.learning_rate.assign(self.peak * min(self.step / self.batches, 1.0))


def test_a_finder_that_multiplies_is_recognized_and_suggests(tmp_path: Path) -> None:
    run = fit(tmp_path, Finder(1e-5, 10.0, 120), epochs=4)
    test = lrmon.range_test(run)

    assert "range_test" == run.kind
    assert "grows every step from 1e-05 to" in str(test.recognized)
    assert "Keras' logs['loss'] in on_train_batch_end is the mean" in str(test.recognized)
    assert None is not test.recommended.median
    assert [] == list(lrmon.report(run).findings)


def test_a_finder_in_a_straight_line_is_recognized(tmp_path: Path) -> None:
    assert "range_test" == fit(tmp_path, LineFinder(1e-5, 1e-2, 120), epochs=4).kind


def test_a_finder_that_changes_every_epoch_is_recognized(tmp_path: Path) -> None:
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 1e-8 * 10 ** (epoch / 4))
    assert "range_test" == fit(tmp_path, schedule, epochs=20, rows=96).kind


def test_a_warm_up_is_a_training_whether_or_not_it_is_cut_off(tmp_path: Path) -> None:
    for batches in (60, 120, 1000):
        assert "training" == fit(tmp_path / f"{batches}", WarmUp(0.01, batches), epochs=4).kind


@pytest.mark.parametrize("staircase", [False, True])
def test_inverse_time_decay_is_said_in_words(tmp_path: Path, staircase: bool) -> None:
    schedule = keras.optimizers.schedules.InverseTimeDecay(0.01, 10, 0.05, staircase=staircase)
    run = fit(tmp_path, None, epochs=3, optimizer=keras.optimizers.SGD(schedule))
    explanation = lrmon.report(run).to_dict()["lr"]["explanation"]

    parts = ("0.01 / (1 + 0.005 × step)", "0.008696", "0.00692")
    assert [not staircase] * 3 == [part in str(explanation) for part in parts]


def test_the_decay_of_a_legacy_optimizer_is_said_in_words(tmp_path: Path) -> None:
    """It is so small that the curve alone does not tell it from others; the optimizer's settings do."""
    x = np.random.default_rng(0).normal(size=(320, 3)).astype(np.float32)
    model = tf_keras.Sequential([tf_keras.layers.Dense(1)])
    model.compile(tf_keras.optimizers.legacy.SGD(0.01, decay=0.01 / 1000), "mse")
    monitor = lrmon.LRMonitor(tmp_path / "run")
    model.fit(x, x.sum(1, keepdims=True), batch_size=32, epochs=5, verbose=0, callbacks=[monitor])

    explanation = lrmon.report(lrmon.load(tmp_path)["run"]).to_dict()["lr"]["explanation"]
    for part in ("0.01 / (1 + 1e-05 × step)", "0.009999", "0.009995"):
        assert part in explanation


def test_one_factor_every_epoch_is_said_so(tmp_path: Path) -> None:
    schedule = keras.callbacks.LearningRateScheduler(lambda _, lr: float(lr * 0.9))
    text = lrmon.report(fit(tmp_path, schedule, epochs=8, rows=96)).to_text(width=400)

    assert "Learning rate  ×0.9 every epoch, from 0.0009 to 0.000430467\n" in text
