"""Every optimizer: trained again with a plain number, the recorded learning rates make the same weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from lrmon import schema
from tests.fits.framework import (
    COMPILED,
    IS_TF_KERAS,
    MODES,
    Floats,
    api,
    has,
    input_layer,
    numpy_of,
    regression,
    same_bits,
    seed,
    set_learning_rate,
)
from tests.fits.reference import Reference
from tests.recorded import recorded

optimizers = api.optimizers

BATCHES = 7


class SignDescent(api.optimizers.Optimizer):
    """An optimizer that somebody wrote."""

    def __init__(self, learning_rate: Any = 0.001, name: str = "sign_descent") -> None:
        if IS_TF_KERAS:
            super().__init__(name=name)
            self._learning_rate = self._build_learning_rate(learning_rate)
        else:
            super().__init__(learning_rate, name=name)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any = None) -> None:
        if IS_TF_KERAS:
            import tensorflow as tf

            variable.assign_sub(self.learning_rate * tf.sign(gradient))
        else:
            self.assign_sub(variable, learning_rate * api.ops.sign(gradient))

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().get_config()
        return config


def scaled(optimizer: Any) -> Any:
    """The optimizer with the loss scaled; every set-up has its own way."""
    if IS_TF_KERAS:
        return api.mixed_precision.LossScaleOptimizer(optimizer, initial_scale=8.0)
    return optimizers.LossScaleOptimizer(optimizer, initial_scale=8.0)


def decay_beside(lr: Any) -> float:
    """tf_keras' legacy time decay beside a schedule; none beside a rate that is fed by hand."""
    return 0.0 if isinstance(lr, float) else 0.05


Build = Callable[[Any], Any]

OPTIMIZERS: dict[str, Build] = {
    "SGD": optimizers.SGD,
    "SGD with momentum": lambda lr: optimizers.SGD(lr, momentum=0.9),
    "SGD with Nesterov momentum": lambda lr: optimizers.SGD(lr, momentum=0.9, nesterov=True),
    "RMSprop": lambda lr: optimizers.RMSprop(lr, centered=True),
    "Adam": optimizers.Adam,
    "Adam with amsgrad": lambda lr: optimizers.Adam(lr, amsgrad=True),
    "AdamW": lambda lr: optimizers.AdamW(lr, weight_decay=0.1),
    "Adadelta": optimizers.Adadelta,
    "Adagrad": optimizers.Adagrad,
    "Adamax": optimizers.Adamax,
    "Adafactor": optimizers.Adafactor,
    "Nadam": optimizers.Nadam,
    "Ftrl": optimizers.Ftrl,
    "Lion": optimizers.Lion,
    "ScheduleFreeAdamW": lambda lr: optimizers.ScheduleFreeAdamW(lr, warmup_steps=4),
    "with weight_decay": lambda lr: optimizers.SGD(lr, weight_decay=0.1),
    "with gradient_accumulation_steps": lambda lr: optimizers.Adam(lr, gradient_accumulation_steps=3),
    "with use_ema": lambda lr: optimizers.SGD(lr, use_ema=True, ema_overwrite_frequency=3),
    "LossScaleOptimizer": lambda lr: scaled(optimizers.Adam(lr)),
    "an optimizer of your own": SignDescent,
}
if IS_TF_KERAS:
    legacy = optimizers.legacy
    for absent in ("ScheduleFreeAdamW", "with gradient_accumulation_steps"):
        del OPTIMIZERS[absent]
    OPTIMIZERS |= {
        "legacy.SGD": lambda lr: legacy.SGD(lr, momentum=0.9),
        "legacy.RMSprop": legacy.RMSprop,
        "legacy.Adam": legacy.Adam,
        "legacy.Adadelta": legacy.Adadelta,
        "legacy.Adagrad": legacy.Adagrad,
        "legacy.Adamax": legacy.Adamax,
        "legacy.Ftrl": legacy.Ftrl,
        # It takes no schedule.
        "legacy.Nadam": lambda lr: legacy.Nadam(lr if isinstance(lr, float) else 0.1),
        "legacy.SGD with decay": lambda lr: legacy.SGD(lr, decay=decay_beside(lr)),
        "legacy.Adam with decay": lambda lr: legacy.Adam(lr, decay=decay_beside(lr)),
    }
else:
    OPTIMIZERS["Lamb"] = optimizers.Lamb
    if has("Muon"):
        OPTIMIZERS["Muon"] = optimizers.Muon
    if not has("ScheduleFreeAdamW"):
        del OPTIMIZERS["ScheduleFreeAdamW"]

RATES = [0.1, 0.03, 0.2, 0.05]


def schedule() -> Any:
    """It only chooses among numbers, so that no compiler folds its arithmetic into the update's."""
    return optimizers.schedules.PiecewiseConstantDecay([1, 2, 4], RATES)


class Feed(api.callbacks.Callback):
    """Sets each batch's learning rate, of one optimizer or of several.

    Args:
        lrs: Of each batch, or by an optimizer's name of each batch.
    """

    def __init__(self, lrs: Any) -> None:
        super().__init__()
        self.lrs = lrs
        self.batches = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        # The learning rate is the innermost optimizer's.
        inner = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        if isinstance(self.lrs, dict):
            for optimizer in inner.optimizers:
                set_learning_rate(optimizer, float(self.lrs[optimizer.name][self.batches]))
        else:
            set_learning_rate(inner, float(self.lrs[self.batches]))
        self.batches += 1


def trained(optimizer: Any, callbacks: list[Any], mode: str, x: Any = None) -> list[Floats]:
    """The weights after a few batches of a small regression."""
    seed(5)
    inputs, y = regression(BATCHES * 4 - 2)
    layers = api.layers
    model = api.Sequential(
        [input_layer(5), layers.Dense(4, activation="tanh", name="first"), layers.Dense(1, name="second")]
    )
    model.compile(optimizer, "mse", **MODES[mode])
    model.fit(inputs if x is None else x, y, batch_size=4, verbose=0, shuffle=False, callbacks=callbacks)
    return [numpy_of(variable) for variable in model.trainable_variables]


def same(expected: list[Floats], actual: list[Floats]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(expected, actual, strict=True))


EAGER_TOO = [
    "SGD", "Adam", "Adafactor", "with gradient_accumulation_steps", "LossScaleOptimizer",
    "an optimizer of your own", "legacy.Adam with decay",
]  # fmt: skip
"""Where a step that is compiled is all that takes long, these are trained without compiling too."""

CASES = [(name, COMPILED) for name in OPTIMIZERS]
if COMPILED != "eager":
    CASES += [(name, "eager") for name in EAGER_TOO if name in OPTIMIZERS]


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_the_recorded_rates_train_the_same_weights(
    tmp_path: Path, reference: Reference, name: str, mode: str
) -> None:
    build = OPTIMIZERS[name]
    weights = trained(build(schedule()), [lrmon.LRMonitor(tmp_path)], mode)
    run = recorded(tmp_path)
    lrs = run.learning_rate
    assert same(trained(build(1.0), [Feed(lrs)], mode), weights)
    assert BATCHES == len(lrs)
    if mode == "eager":
        # Another rate would have shown; this batch's update is that of three accumulated gradients too.
        other = lrs.copy()
        other[2] *= np.float32(1.01)
        assert not same(trained(build(1.0), [Feed(other)], mode), weights)
    reference.optimizer(name, run)


@pytest.mark.parametrize("mode", MODES)
def test_steps_whose_gradients_overflow_are_marked_and_move_the_schedule_as_keras_counts_them(
    tmp_path: Path, mode: str
) -> None:
    x, _ = regression(BATCHES * 4 - 2)
    x[8:12] = np.inf
    x[17] = np.nan
    build = OPTIMIZERS["LossScaleOptimizer"]
    weights = trained(build(schedule()), [lrmon.LRMonitor(tmp_path)], mode, x)
    run = recorded(tmp_path)
    assert [2, 4] == run.skipped
    # tf_keras counts a step that it leaves out.
    falls = [0.1, 0.1, 0.03, 0.2, 0.2, 0.05, 0.05] if IS_TF_KERAS else [0.1, 0.1, 0.03, 0.03, 0.2, 0.2, 0.2]
    same_bits(falls, run.learning_rate)
    assert same(trained(build(1.0), [Feed(run.learning_rate)], mode, x), weights)
    assert [False, False, True, False, True, False, False] == (~np.isfinite(run.loss)).tolist()


if has("MultiOptimizer"):

    def several(*lrs: Any) -> Any:
        first, second = optimizers.Adam(lrs[0], name="mine"), optimizers.SGD(lrs[1], name="other")
        return optimizers.MultiOptimizer(optimizers.OptimizerMap(second, {".*first/.*": first}))

    @pytest.mark.parametrize("mode", MODES)
    def test_each_of_several_optimizers_has_a_series_of_its_own(
        tmp_path: Path, reference: Reference, mode: str
    ) -> None:
        falling = optimizers.schedules.PiecewiseConstantDecay([3], [0.2, 0.1])
        weights = trained(several(schedule(), falling), [lrmon.LRMonitor(tmp_path)], mode)
        run = recorded(tmp_path)
        names = [part["name"] for part in run.fits[-1]["optimizers"]]
        assert ["other", "mine"] == names
        lrs = dict(zip(names, run.lrs.T, strict=True))
        assert same(trained(several(1.0, 1.0), [Feed(lrs)], mode), weights)
        same_bits([0.1, 0.1, 0.03, 0.2, 0.2, 0.05, 0.05], lrs["mine"])
        same_bits(lrs["other"], run.learning_rate)
        for name in names:
            same_bits(lrs[name], run.scalars[f"{schema.SCALAR_LEARNING_RATE_PREFIX}{name}"][1])
        reference.optimizer("MultiOptimizer", run)
