"""What only Keras on JAX does: a state that goes through the step, traces, donated arrays, meshes."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import lrmon
from tests.fits.framework import (
    TOLERANCE,
    UsedRates,
    batches,
    input_layer,
    own_losses,
    regression,
    resting_model,
    same_bits,
    unit_gradient_model,
)
from tests.recorded import recorded

schedules = keras.optimizers.schedules


class At(keras.callbacks.Callback):
    """Does something to the optimizer before one batch."""

    def __init__(self, batch: int, change: Any) -> None:
        super().__init__()
        self.batch, self.change = batch, change

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch == self.batch:
            self.change(self.model.optimizer)


def test_a_schedule_in_place_of_a_number_is_recorded_from_the_batch_that_used_it(tmp_path: Path) -> None:
    def change(optimizer: Any) -> None:
        optimizer.learning_rate = schedules.ExponentialDecay(0.3, 3, 0.5)

    model, used = unit_gradient_model(keras.optimizers.SGD(0.1)), UsedRates()
    model.fit(**batches(10), callbacks=[used, At(4, change), lrmon.LRMonitor(tmp_path)])
    assert 1 < len(set(used.lrs))
    same_bits(used.lrs, recorded(tmp_path).learning_rate)


def test_another_schedule_is_recorded_where_the_step_was_traced_with_it(tmp_path: Path) -> None:
    def change(optimizer: Any) -> None:
        optimizer.learning_rate = schedules.PiecewiseConstantDecay([100], [0.5, 0.4])

    model = unit_gradient_model(keras.optimizers.SGD(schedules.ExponentialDecay(0.1, 3, 0.5)))
    used, data = UsedRates(), batches(7)
    data |= {"x": data["x"][:-1], "y": data["y"][:-1]}
    model.fit(**data, callbacks=[used, At(2, change), lrmon.LRMonitor(tmp_path)])
    # The last batch alone has another shape, and so a trace of its own.
    assert [lr == 0.5 for lr in used.lrs] == [False] * 6 + [True]
    same_bits(used.lrs, recorded(tmp_path).learning_rate)


def test_a_setting_of_the_schedule_changed_after_the_trace_changes_nothing_that_is_recorded(
    tmp_path: Path,
) -> None:
    schedule = schedules.ExponentialDecay(0.1, 3, 0.5)

    def change(_: Any) -> None:
        schedule.decay_rate = 0.9

    model, used = unit_gradient_model(keras.optimizers.SGD(schedule)), UsedRates()
    model.fit(**batches(7), callbacks=[used, At(2, change), lrmon.LRMonitor(tmp_path)])
    same_bits(used.lrs, recorded(tmp_path).learning_rate)


def test_a_function_is_recorded_as_the_compiled_update_got_it(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    optimizer = keras.optimizers.SGD(lambda: keras.ops.exp(-float(random.random())))
    model, used = unit_gradient_model(optimizer), UsedRates()
    model.fit(**batches(5), callbacks=[used, lrmon.LRMonitor(tmp_path)])
    assert len(set(used.lrs)) == 1
    same_bits(used.lrs, recorded(tmp_path).learning_rate)


def test_every_step_of_an_execution_is_recorded(tmp_path: Path) -> None:
    schedule = schedules.ExponentialDecay(0.1, 41, 0.5)
    model = unit_gradient_model(keras.optimizers.SGD(schedule), steps_per_execution=3)
    model.fit(**batches(7), epochs=2, callbacks=[lrmon.LRMonitor(tmp_path)])
    one_by_one, used = unit_gradient_model(keras.optimizers.SGD(schedule)), UsedRates()
    one_by_one.fit(**batches(14), callbacks=[used])
    run = recorded(tmp_path)
    same_bits(used.lrs, run.learning_rate)
    assert run.step.tolist() == list(range(14))


def test_steps_before_data_that_breaks_within_an_execution_are_kept(tmp_path: Path) -> None:
    x, y = regression(12)

    def broken() -> Iterator[Any]:
        for start in range(0, 10, 2):
            yield x[start : start + 2], y[start : start + 2]
        raise OSError("the disk is gone")

    model, monitor = resting_model(steps_per_execution=3), lrmon.LRMonitor(tmp_path)
    expected = own_losses(resting_model(), 2, x[:10], y[:10])
    # A Keras that fetches a batch ahead meets the error before it trains the fifth.
    without, made = resting_model(steps_per_execution=3), 0
    make_function = without._make_function

    def make_function_counted(step: Any, *rest: Any) -> Any:
        def counted(*arguments: Any) -> Any:
            nonlocal made
            made += 1
            return step(*arguments)

        return make_function(counted, *rest)

    vars(without)["_make_function"] = make_function_counted
    with pytest.raises(OSError, match="the disk is gone"):
        without.fit(broken(), steps_per_epoch=6, shuffle=False, verbose=0)
    assert made in (4, 5)
    with pytest.raises(OSError, match="the disk is gone"):
        model.fit(broken(), steps_per_epoch=6, shuffle=False, verbose=0, callbacks=[monitor])
    fresh = resting_model()
    fresh.fit(x, y, batch_size=2, verbose=0, shuffle=False, callbacks=[monitor])
    np.testing.assert_allclose(recorded(tmp_path).loss, expected[:made], rtol=TOLERANCE)


class StepWithHiddenLoss(keras.Sequential):
    """A step whose loss tracker is updated in a function that JAX differentiates."""

    def train_step(self, state: Any, data: Any) -> Any:
        trainable, non_trainable, optimizer_state, metrics = state
        x, y = data[:2]

        def loss_of(weights: Any) -> Any:
            outputs, _ = self.stateless_call(weights, non_trainable, x)
            loss = jnp.mean((outputs - y) ** 2)
            self._loss_tracker.stateless_update_state(metrics[:2], loss)
            return loss

        gradients = jax.grad(loss_of)(trainable)
        trainable, optimizer_state = self.optimizer.stateless_apply(optimizer_state, gradients, trainable)
        return {}, (trainable, non_trainable, optimizer_state, metrics)


@pytest.mark.parametrize("mode", [{"jit_compile": True}, {"run_eagerly": True}])
def test_a_loss_within_a_differentiated_function_is_said_not_to_be_there(
    tmp_path: Path, mode: dict[str, Any]
) -> None:
    model = StepWithHiddenLoss([input_layer(5), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse", **mode)
    x, y = regression(8)
    model.fit(x, y, batch_size=2, verbose=0, callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    same_bits([0.1] * 4, run.learning_rate)
    assert np.isnan(run.loss).all()
    assert run.fits[-1]["loss_provenance"].startswith("none")


class OwnFunction(keras.Sequential):
    """Has its step compiled as Keras does with flax.nnx: the class's own, so that no ring is in it."""

    def make_train_function(self, force: bool = False) -> None:
        step = jax.jit(lambda state, data: type(self).train_step(self, state, data))
        self.train_function = lambda state, iterator: step(state, next(iterator))


def test_a_train_function_of_the_users_own_is_seen_from_outside_alone(tmp_path: Path) -> None:
    model = OwnFunction([input_layer(5), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x, y = regression(8)
    model.fit(x, y, batch_size=2, verbose=0, callbacks=[lrmon.LRMonitor(tmp_path)])
    assert "train_step" not in vars(model)
    run = recorded(tmp_path)
    same_bits([0.1] * 4, run.learning_rate)
    assert run.fits[-1]["exactness"]["loss"] == "bounded"
    assert any("Keras' own make_train_function" in warning for warning in run.fits[-1]["warnings"])


def test_a_train_function_of_the_users_own_that_makes_several_steps_ends_the_recording(
    tmp_path: Path,
) -> None:
    model = OwnFunction([input_layer(5), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse", steps_per_execution=2)
    x, y = regression(8)
    with pytest.warns(RuntimeWarning, match="Keras' own make_train_function"):
        model.fit(x, y, batch_size=2, verbose=0, callbacks=[lrmon.LRMonitor(tmp_path)])
    assert "train_step" not in vars(model)


def test_the_step_is_compiled_as_often_as_without(tmp_path: Path) -> None:
    def compiled(*callbacks: Any) -> int:
        """Trains three times, and returns how often the training step was compiled."""
        model, steps = resting_model(), list[Any]()
        x, y = regression(8)
        make_function = model._make_function

        def make_function_seen(step: Any, *rest: Any) -> Any:
            steps.append(step)
            return make_function(step, *rest)

        vars(model)["_make_function"] = make_function_seen
        for _ in range(3):
            model.fit(x, y, batch_size=4, verbose=0, callbacks=list(callbacks))
        if callbacks:
            model.fit(x, y, batch_size=4, verbose=0)
            (step,) = (
                cell.cell_contents for cell in steps[-1].__closure__ if hasattr(cell.cell_contents, "lower")
            )
        else:
            (step,) = steps
        count: int = step._cache_size()
        return count

    assert compiled() == compiled(lrmon.LRMonitor(tmp_path))
    assert len(recorded(tmp_path).loss) == 6


def test_data_parallel_training_is_recorded(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys
        import keras, numpy as np, lrmon
        from tests.fits.framework import UsedRates, batches, own_losses, regression
        from tests.fits.framework import same_bits, unit_gradient_model
        from tests.recorded import recorded
        devices = keras.distribution.list_devices()
        assert len(devices) == 2
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
        schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 41, 0.5)
        model = unit_gradient_model(keras.optimizers.SGD(schedule))
        used = UsedRates()
        for _ in range(2):
            model.fit(**batches(6), epochs=2, callbacks=[used, lrmon.LRMonitor(sys.argv[1] + "/rates")])
        same_bits(used.lrs, recorded(sys.argv[1] + "/rates").learning_rate)
        x, y = regression(16)
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.0), "mse", steps_per_execution=3)
        model.fit(x, y, batch_size=4, verbose=0, shuffle=False, callbacks=[lrmon.LRMonitor(sys.argv[1])])
        # Keras 3.8 distributes no data without sample weights to test_on_batch.
        expected = own_losses(model, 4, x, y, np.ones(16, np.float32))
        np.testing.assert_allclose(recorded(sys.argv[1]).loss, expected, rtol=2.0**-22)
        """
    )
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", script, str(tmp_path)],
        env=environment,
        check=True,
        timeout=240,
    )
