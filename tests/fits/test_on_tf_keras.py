"""What only tf_keras has: legacy optimizers with time decay, its own loss scaling, its own ways to save."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from lrmon.train.model.effective_lr import effective_lr
from tests.fits.framework import (
    COMPILED,
    MODES,
    OneWeight,
    UsedRates,
    api,
    batches,
    input_layer,
    mean,
    regression,
    same_bits,
    seed,
    unit_gradient_model,
    variables,
)
from tests.fits.reference import Reference
from tests.recorded import recorded

optimizers, legacy, schedules = api.optimizers, api.optimizers.legacy, api.optimizers.schedules

RATES: dict[str, Callable[[], Any]] = {
    "number": lambda: 0.123,
    "exponential": lambda: schedules.ExponentialDecay(0.1, 41, 0.5),
    "staircase": lambda: schedules.ExponentialDecay(0.1, 41, 0.5, staircase=True),
    "inverse time": lambda: schedules.InverseTimeDecay(0.1, 47, 0.7),
    "cosine": lambda: schedules.CosineDecay(0.1, 60),
    "restarts": lambda: schedules.CosineDecayRestarts(0.1, 41),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("decay", [0.0, 0.013])
@pytest.mark.parametrize("lr", RATES)
def test_a_legacy_optimizers_rate_with_its_decay_is_the_one_that_each_update_used(
    tmp_path: Path, lr: str, decay: float, mode: str
) -> None:
    model = unit_gradient_model(legacy.SGD(RATES[lr](), decay=decay), **MODES[mode])
    used = UsedRates()
    model.fit(**batches(88), callbacks=[used, lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    same_bits(used.lrs, run.learning_rate)
    assert 88 == len(run.step)


def test_a_legacy_optimizer_divides_by_one_plus_decay_times_iterations(tmp_path: Path) -> None:
    model = unit_gradient_model(legacy.SGD(0.1, decay=0.5))
    model.fit(**batches(4), callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    np.testing.assert_allclose([0.1, 0.1 / 1.5, 0.1 / 2, 0.1 / 2.5], run.learning_rate, rtol=1e-6)
    assert ["learning rate", "time decay"] == [
        factor["name"] for factor in run.fits[-1]["effective_learning_rate_factors"]
    ]


@pytest.mark.parametrize("mode", MODES)
def test_a_legacy_optimizers_rate_that_callbacks_set_is_recorded(tmp_path: Path, mode: str) -> None:
    model = unit_gradient_model(legacy.SGD(0.1, decay=0.01), **MODES[mode])
    used = UsedRates()
    reduce = api.callbacks.ReduceLROnPlateau("loss", factor=0.3, patience=1, min_delta=1e9)
    scheduler = api.callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.9**epoch)
    model.fit(**batches(7), epochs=4, callbacks=[lrmon.LRMonitor(tmp_path), used, reduce, scheduler])
    same_bits(used.lrs, recorded(tmp_path).learning_rate)
    assert len(set(used.lrs)) == 28


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["legacy", "new"])
def test_a_function_is_called_by_nobody_but_the_optimizer(tmp_path: Path, kind: str, mode: str) -> None:
    calls: dict[bool, int] = {}
    for watched in (False, True):
        count = [0]

        def lr(count: list[int] = count) -> float:
            count[0] += 1
            return 0.5 ** count[0]

        optimizer = legacy.SGD(lr, decay=0.1) if kind == "legacy" else optimizers.SGD(lr)
        used = UsedRates()
        monitor = [lrmon.LRMonitor(tmp_path)] if watched else []
        unit_gradient_model(optimizer, **MODES[mode]).fit(**batches(6), callbacks=[used, *monitor])
        calls[watched] = count[0]
    assert calls[False] == calls[True]
    same_bits(used.lrs, recorded(tmp_path).learning_rate)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["legacy", "new"])
def test_steps_that_loss_scaling_leaves_out_are_marked_though_tf_keras_counts_them(
    tmp_path: Path, kind: str, mode: str
) -> None:
    seed(2)
    x, y = regression(40)
    x[8], x[39] = np.inf, np.nan
    inner = legacy.SGD(0.01, decay=0.5) if kind == "legacy" else optimizers.SGD(0.01)
    model = api.Sequential([input_layer(5), api.layers.Dense(1)])
    model.compile(api.mixed_precision.LossScaleOptimizer(inner), "mse", **MODES[mode])
    monitor = lrmon.LRMonitor(tmp_path)
    for _ in range(2):
        model.fit(x, y, batch_size=8, verbose=0, shuffle=False, callbacks=[monitor])
    run = recorded(tmp_path)
    assert [1, 4, 6, 9] == run.skipped
    assert list(range(10)) == run.step.tolist()
    assert 1 == len(run.recordings)
    iterations = np.arange(10) if kind == "legacy" else np.zeros(10)
    np.testing.assert_allclose(0.01 / (1 + 0.5 * iterations), run.learning_rate, rtol=1e-6)


def test_a_loss_scale_that_does_not_change_leaves_no_step_out(tmp_path: Path) -> None:
    optimizer = api.mixed_precision.LossScaleOptimizer(optimizers.SGD(0.1), dynamic=False, initial_scale=8.0)
    unit_gradient_model(optimizer).fit(**batches(4), callbacks=[lrmon.LRMonitor(tmp_path)])
    assert [] == recorded(tmp_path).skipped


EFFECTIVE: dict[str, tuple[Any, str | None]] = {
    "SGD": (optimizers.SGD(0.1, momentum=0.9), "lr"),
    "RMSprop": (optimizers.RMSprop(0.1), "lr"),
    "Adam": (optimizers.Adam(0.1), "adam"),
    "Adam, amsgrad": (optimizers.Adam(0.1, amsgrad=True), "adam"),
    "AdamW": (optimizers.AdamW(0.1), "adam"),
    "Adadelta": (optimizers.Adadelta(0.1), "lr"),
    "Adagrad": (optimizers.Adagrad(0.1), "lr"),
    "Adamax": (optimizers.Adamax(0.1), "adamax"),
    "Adafactor": (optimizers.Adafactor(0.5), "adafactor"),
    "Nadam": (optimizers.Nadam(0.1), None),
    "Ftrl": (optimizers.Ftrl(0.1), "lr"),
    "Lion": (optimizers.Lion(0.1), "lr"),
    "legacy SGD": (legacy.SGD(0.1, decay=0.1), "lr"),
    "legacy RMSprop": (legacy.RMSprop(0.1), "lr"),
    "legacy Adam": (legacy.Adam(0.1, decay=0.1), "adam"),
    "legacy Adam, amsgrad": (legacy.Adam(0.1, amsgrad=True), "adam"),
    "legacy Adadelta": (legacy.Adadelta(0.1), "lr"),
    "legacy Adagrad": (legacy.Adagrad(0.1), "lr"),
    "legacy Adamax": (legacy.Adamax(0.1), "adamax"),
    "legacy Nadam": (legacy.Nadam(0.1), None),
    "legacy Ftrl": (legacy.Ftrl(0.1), "lr"),
}

SCALES: dict[str, Callable[[Any, Any], Any]] = {
    "lr": lambda lr, t: lr,
    "adam": lambda lr, t: lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t),
    "adamax": lambda lr, t: lr / (1 - 0.9**t),
    "adafactor": lambda lr, t: np.minimum(lr, 1 / np.sqrt(t)),
}


@pytest.mark.parametrize("name", EFFECTIVE)
def test_every_class_has_its_own_rule(name: str) -> None:
    optimizer, scale = EFFECTIVE[name]
    lr, iteration = np.full(50, 0.4), np.arange(50.0)
    expected = np.full(50, np.nan) if scale is None else SCALES[scale](lr, iteration + 1)
    # The optimizer's β₂ is a float32.
    np.testing.assert_allclose(expected, effective_lr(optimizer)(lr, iteration), rtol=1e-4)


@pytest.mark.parametrize("build", [optimizers.Adam, legacy.Adam], ids=["new", "legacy"])
def test_adams_first_update_of_a_weight_is_its_effective_rate_scaled_by_its_moments(
    tmp_path: Path, build: Callable[..., Any]
) -> None:
    model = unit_gradient_model(build(0.1, epsilon=1e-30))
    model.fit(**batches(1), callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    # After one gradient of 1 the moments are 0.1 and 0.001.
    step = run.effective_learning_rate[0] * 0.1 / np.sqrt(0.001)
    np.testing.assert_allclose(step, -model.get_weights()[0], rtol=1e-5)


def test_what_legacy_nadam_calls_decay_is_not_taken_for_a_time_decay(tmp_path: Path) -> None:
    unit_gradient_model(legacy.Nadam(0.1)).fit(**batches(5), callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    assert [np.float32(0.1)] * 5 == run.learning_rate.tolist()
    assert np.isnan(run.effective_learning_rate).all()


def trained(optimizer: Any, callbacks: list[Any], mode: str) -> list[Any]:
    """Everything that a training leaves behind."""
    import tensorflow as tf

    seed(7)
    x, y = regression(90)
    layers = api.layers
    model = api.Sequential(
        [
            input_layer(5),
            layers.Dense(16, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            # XLA's random numbers know no seed, so that tf_keras trains otherwise each time.
            layers.Dropout(0.0 if mode == "jit" else 0.3),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer, "mse", metrics=["mae"], **MODES[mode])
    history = model.fit(
        x, y, batch_size=16, epochs=2, validation_split=0.2, verbose=0, callbacks=callbacks
    ).history
    again = model.fit(x, y, batch_size=16, verbose=0).history
    random = [np.random.random(3), tf.random.normal((3,)).numpy()]  # noqa: NPY002 - its hidden state is meant
    return [history, again, *variables(model), *random]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", ["new", "legacy", "scaled"])
def test_history_weights_and_random_state_are_the_same_with_and_without(
    tmp_path: Path, kind: str, mode: str
) -> None:
    def build() -> Any:
        lr = schedules.CosineDecay(0.01, 20)
        if kind == "new":
            return optimizers.AdamW(lr)
        inner = legacy.Adam(lr, decay=0.05)
        return inner if kind == "legacy" else api.mixed_precision.LossScaleOptimizer(inner)

    without = trained(build(), [], mode)
    with_monitor = trained(build(), [lrmon.LRMonitor(tmp_path)], mode)
    assert without[:2] == with_monitor[:2]
    for expected, actual in zip(without[2:], with_monitor[2:], strict=True):
        np.testing.assert_array_equal(expected, actual)


def test_only_the_first_fit_traces_the_training_step(tmp_path: Path) -> None:
    traces: list[int] = []

    class Counting(api.Sequential):
        def train_step(self, data: Any) -> Any:
            traces.append(1)
            return super().train_step(data)

    model = unit_gradient_model(legacy.SGD(0.1, decay=0.1), Counting)
    monitor = lrmon.LRMonitor(tmp_path / "one")
    model.fit(**batches(3), callbacks=[monitor])
    first = len(traces)
    for callbacks in ([monitor], [lrmon.LRMonitor(tmp_path / "other")], []):
        model.fit(**batches(3), callbacks=callbacks)
    assert first == len(traces)
    assert model.train_tf_function is model.train_function


@pytest.mark.parametrize("mode", MODES)
def test_a_step_that_was_traced_without_the_monitor_is_traced_anew(tmp_path: Path, mode: str) -> None:
    model = api.Sequential([OneWeight()])
    model.compile(optimizers.SGD(0.1), lambda _, output: mean(output), **MODES[mode])
    monitor = lrmon.LRMonitor(tmp_path)
    pairs = [np.ones((6, 1), np.float32), np.zeros((6, 1), np.float32)]
    others = [np.ones((6, 2), np.float32), np.zeros((6, 2), np.float32)]
    for (x, y), callbacks in ((pairs, [monitor]), (others, []), (pairs, [monitor]), (others, [monitor])):
        model.fit(x, y, batch_size=2, verbose=0, callbacks=callbacks)
    assert [*range(3), *range(6, 12)] == recorded(tmp_path).step.tolist()


def test_the_model_is_left_as_it_was(tmp_path: Path) -> None:
    model = unit_gradient_model(legacy.Adam(0.1))
    model.fit(**batches(3))
    attributes, names = set(vars(model)), [variable.name for variable in model.variables]
    optimizer_names = [variable.name for variable in model.optimizer.variables()]
    tracker = set(vars(model.compiled_loss._total_loss_mean))
    model.fit(**batches(3), callbacks=[lrmon.LRMonitor(tmp_path)])
    assert attributes == set(vars(model))
    assert names == [variable.name for variable in model.variables]
    assert optimizer_names == [variable.name for variable in model.optimizer.variables()]
    assert tracker == set(vars(model.compiled_loss._total_loss_mean))


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file:UserWarning")
@pytest.mark.parametrize("form", ["keras", "h5", "tf"])
def test_a_model_saved_while_it_trains_goes_on_where_it_was(tmp_path: Path, form: str) -> None:
    seed(2)
    x, y = regression(24)
    model = api.Sequential([input_layer(5), api.layers.Dense(1)])
    model.compile(legacy.SGD(0.01, decay=0.5), "mse")
    path = str(tmp_path / f"model.{form}") if form != "tf" else str(tmp_path / "model")
    monitor = lrmon.LRMonitor(tmp_path / "logs")
    saving = api.callbacks.ModelCheckpoint(path, save_format=form) if form == "tf" else None
    saving = saving or api.callbacks.ModelCheckpoint(path)
    data = {"batch_size": 8, "verbose": 0, "shuffle": False}
    model.fit(x, y, **data, callbacks=[monitor, saving])
    restored = api.models.load_model(path)
    for one, other in zip(model.get_weights(), restored.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    restored.fit(x, y, **data, callbacks=[lrmon.LRMonitor(tmp_path / "logs")])
    run = recorded(tmp_path / "logs")
    iterations = restored.optimizer.iterations.numpy() - 3 + np.arange(3)
    assert [0, 1, 2, *iterations] == run.step.tolist()
    np.testing.assert_allclose(0.01 / (1 + 0.5 * run.step), run.learning_rate, rtol=1e-6)


def test_batches_that_train_on_batch_makes_stay_empty(tmp_path: Path) -> None:
    model, monitor = unit_gradient_model(optimizers.SGD(0.1)), lrmon.LRMonitor(tmp_path)
    model.fit(**batches(3), callbacks=[monitor])
    for _ in range(4):
        model.train_on_batch(np.ones((2, 1)), np.zeros((2, 1)))
    model.fit(**batches(3), callbacks=[monitor])
    assert [0, 1, 2, 7, 8, 9] == recorded(tmp_path).step.tolist()


@pytest.mark.parametrize("mode", MODES)
def test_every_step_of_an_execution_is_recorded(tmp_path: Path, reference: Reference, mode: str) -> None:
    model = unit_gradient_model(
        legacy.SGD(0.1, decay=0.013), steps_per_execution=7, **(MODES[mode] or {"jit_compile": False})
    )
    model.fit(**batches(24), epochs=2, callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    weight, weights = np.float32(0), []
    for lr in run.learning_rate:
        weights.append(weight)
        weight -= lr
    assert list(range(48)) == run.step.tolist()
    assert float(weight) == float(model.get_weights()[0])
    np.testing.assert_allclose(np.array(weights), run.loss, rtol=2**-22)
    assert [(0, 23), (24, 47)] == [(epoch["first_step"], epoch["last_step"]) for epoch in run.epochs]


def test_steps_per_execution_that_tf_keras_changes_by_itself_is_refused(tmp_path: Path) -> None:
    model = unit_gradient_model(optimizers.SGD(0.1), steps_per_execution="auto", **(MODES[COMPILED]))
    with pytest.raises(RuntimeError, match="steps_per_execution='auto'"):
        model.fit(**batches(3), callbacks=[lrmon.LRMonitor(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


def test_tf_keras_under_tensorflows_own_name_is_recorded(tmp_path: Path) -> None:
    code = f"""
import numpy as np, tensorflow as tf, lrmon
model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
model.compile(tf.keras.optimizers.legacy.SGD(0.25, decay=1.0), "mse")
monitor = lrmon.LRMonitor({str(tmp_path)!r})
model.fit(np.ones((6, 2)), np.ones(6), batch_size=2, verbose=0, callbacks=[monitor])
"""
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert 0 == done.returncode, done.stderr[-3000:]
    run = recorded(tmp_path)
    np.testing.assert_allclose([0.25, 0.125, 0.25 / 3], run.learning_rate, rtol=1e-6)
    assert run.fits[-1]["framework"].startswith("tf_keras ")
