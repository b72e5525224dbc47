"""Ctrl-C at every line of the code that takes a fit's rows to the recorder."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import lrmon
from lrmon.train.fit import feed
from tests.fits.framework import batches, unit_gradient_model
from tests.interrupter import Interrupter
from tests.recorded import recorded

DECAY_STEPS = 1024


def interrupted_at(model: keras.Model, log_dir: Path, position: int, *, opcodes: bool) -> bool:
    """Checks one place of one fit and the fit after it; returns whether the fit got there."""
    model.optimizer.iterations.assign(0)
    monitor = lrmon.LRMonitor(log_dir, step_sizes_every=2)
    interrupter = Interrupter(feed.__file__, position, opcodes=opcodes)

    def fit() -> None:
        model.fit(**batches(3), epochs=2, callbacks=[monitor])

    try:
        with interrupter:
            fit()
    except KeyboardInterrupt:
        pass
    trained = int(model.optimizer.iterations)
    fit()
    run = recorded(log_dir)
    assert list(range(trained + 6)) == run.step.tolist()
    np.testing.assert_allclose(1 - run.step / DECAY_STEPS, run.learning_rate, rtol=1e-6)
    np.testing.assert_allclose(-run.learning_rate[:-1], np.diff(run.loss), rtol=0.01)
    assert "completed" == run.fits[-1]["ended"]
    assert trained + 5 == run.fits[-1]["last_step"]
    return interrupter.reached >= position


@pytest.fixture
def model() -> keras.Model:
    schedule = keras.optimizers.schedules.PolynomialDecay(1.0, DECAY_STEPS, 0.0)
    built: keras.Model = unit_gradient_model(keras.optimizers.SGD(schedule))
    return built


@pytest.mark.parametrize(
    ("opcodes", "every"),
    [
        pytest.param(False, 6, id="lines"),
        pytest.param(False, 1, id="all-lines", marks=pytest.mark.long),
        pytest.param(True, 3, id="bytecodes", marks=pytest.mark.long),
    ],
)
def test_an_interrupt_loses_and_doubles_no_batch(
    model: keras.Model, tmp_path: Path, opcodes: bool, every: int
) -> None:
    position = 1
    while interrupted_at(model, tmp_path / str(position), position, opcodes=opcodes):
        position += every
    assert position > (600 if opcodes else 150)
