"""The recorded loss is the batch's own: what the same model gives when it is evaluated on that batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from tests.fits.framework import (
    COMPILED,
    IS_TF_KERAS,
    MODES,
    TOLERANCE,
    api,
    input_layer,
    mean,
    own_losses,
    regression,
    resting_model,
    seed,
)
from tests.fits.own_steps import (
    OwnStep,
    OwnStepThatReckonsWithItsTracker,
    OwnStepWithKerasTracker,
    OwnStepWithMetrics,
    OwnStepWithNamedSum,
    OwnStepWithNamedTracker,
    OwnStepWithTracker,
    SilentStep,
)
from tests.fits.reference import Reference
from tests.recorded import Recorded, recorded

layers = api.layers
COUNT, SIZE = 43, 8
"""Samples and samples a batch: the last one is partial."""


def at_rest(model: Any, loss: Any = "mse", mode: str = COMPILED) -> Any:
    model.compile(api.optimizers.SGD(0.0), loss, **MODES[mode])
    return model


def fit(model: Any, log_dir: Path, *data: Any, **arguments: Any) -> Recorded:
    callbacks = [*arguments.pop("callbacks", []), lrmon.LRMonitor(log_dir)]
    model.fit(*data, verbose=0, shuffle=False, callbacks=callbacks, **arguments)
    return recorded(log_dir)


def agree(expected: Any, run: Recorded, tolerance: float = TOLERANCE) -> None:
    np.testing.assert_allclose(np.array(expected, np.float32), run.loss, rtol=tolerance)


@pytest.mark.parametrize("mode", MODES)
def test_the_last_partial_batch_has_its_own_loss_too(tmp_path: Path, reference: Reference, mode: str) -> None:
    x, y = regression(COUNT)
    model = resting_model(**MODES[mode])
    run = fit(model, tmp_path, x, y, batch_size=SIZE, epochs=2)
    agree(own_losses(model, SIZE, x, y) * 2, run)
    reference.way(f"compiled as {mode}", run)


def test_class_weights_are_in_the_loss(tmp_path: Path, reference: Reference) -> None:
    x, _ = regression(COUNT)
    y = np.random.default_rng(3).integers(0, 3, COUNT)
    weights = {0: 0.5, 1: 2.0, 2: 1.25}
    seed(2)
    model = api.Sequential([input_layer(5), layers.Dense(3, activation="softmax")])
    at_rest(model, "sparse_categorical_crossentropy")
    run = fit(model, tmp_path, x, y, batch_size=SIZE, class_weight=weights)
    sample_weights = np.array([weights[label] for label in y.tolist()], np.float32)
    agree(own_losses(model, SIZE, x, y, sample_weights), run)
    reference.way("class weights", run)


def test_sample_weights_are_in_the_loss(tmp_path: Path, reference: Reference) -> None:
    x, y = regression(COUNT)
    weights = np.random.default_rng(3).uniform(0, 2, COUNT).astype(np.float32)
    model = resting_model()
    run = fit(model, tmp_path, x, y, batch_size=SIZE, sample_weight=weights)
    agree(own_losses(model, SIZE, x, y, weights), run)
    reference.way("sample weights", run)


def test_every_output_is_in_the_loss(tmp_path: Path, reference: Reference) -> None:
    x, y = regression(COUNT)
    seed(2)
    inputs = api.Input((5,))
    outputs = [layers.Dense(1, name="one")(inputs), layers.Dense(1, name="two")(inputs)]
    model = api.Model(inputs, outputs)
    model.compile(api.optimizers.SGD(0.0), ["mse", "mae"], loss_weights=[1.0, 0.25], **MODES[COMPILED])
    run = fit(model, tmp_path, x, [y, -y], batch_size=SIZE)
    agree(own_losses(model, SIZE, x, [y, -y]), run)
    reference.way("several outputs", run)


def test_regularization_is_in_the_loss(tmp_path: Path, reference: Reference) -> None:
    x, y = regression(COUNT)
    seed(2)
    model = at_rest(api.Sequential([input_layer(5), layers.Dense(1, kernel_regularizer="l2")]))
    run = fit(model, tmp_path, x, y, batch_size=SIZE)
    agree(own_losses(model, SIZE, x, y), run)
    reference.way("regularization", run)


class Costly(api.layers.Layer):
    """Adds what passes through it to the loss."""

    def call(self, inputs: Any) -> Any:
        self.add_loss(0.125 * mean(inputs**2))
        return inputs


def test_what_add_loss_adds_is_in_the_loss(tmp_path: Path, reference: Reference) -> None:
    x, y = regression(COUNT)
    seed(2)
    model = at_rest(api.Sequential([input_layer(5), Costly(), layers.Dense(1)]))
    run = fit(model, tmp_path, x, y, batch_size=SIZE)
    agree(own_losses(model, SIZE, x, y), run)
    assert (run.loss > 0.125 * np.mean(x**2) / 4).all()
    reference.way("`add_loss`", run)


OWN_STEPS = {
    "own `train_step`, Keras' loss tracker": OwnStepWithKerasTracker,
    "own `train_step`, loss tracker of its own": OwnStepWithTracker,
    "own `train_step` that returns each batch's loss": OwnStep,
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", OWN_STEPS)
def test_a_train_step_of_ones_own_is_recorded(
    tmp_path: Path, reference: Reference, way: str, mode: str
) -> None:
    x, y = regression(COUNT)
    seed(2)
    model = at_rest(OWN_STEPS[way]([input_layer(5), layers.Dense(1)]), mode=mode)
    run = fit(model, tmp_path, x, y, batch_size=SIZE, epochs=2)
    plain = at_rest(api.Sequential(model.layers))
    agree(own_losses(plain, SIZE, x, y) * 2, run)
    reference.way(way, run)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("step", "source"),
    [
        (
            OwnStepWithNamedTracker,
            "each batch's own loss, read in the training step from what its metric 'total_loss' gets",
        ),
        (OwnStepWithMetrics, "what the model's own train_step returns as each batch's loss"),
    ],
)
def test_what_a_metric_of_any_name_gets_is_told_from_the_mean_that_it_returns(
    tmp_path: Path, step: Any, source: str, mode: str
) -> None:
    x, y = regression(COUNT)
    seed(2)
    model = at_rest(step([input_layer(5), layers.Dense(1)]), mode=mode)
    run = fit(model, tmp_path, x, y, batch_size=SIZE, epochs=2)
    agree(own_losses(at_rest(api.Sequential(model.layers)), SIZE, x, y) * 2, run)
    assert source == run.fits[-1]["loss_provenance"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (
            OwnStepThatReckonsWithItsTracker,
            "what may be the mean of its metric 'total_loss'; name that metric",
        ),
        (
            OwnStepWithNamedSum,
            "its metric 'total_loss' makes of all batches of the epoch, and Sum is no plain",
        ),
    ],
)
def test_a_loss_that_may_be_of_all_batches_is_not_taken_for_that_of_one(
    tmp_path: Path, step: Any, reason: str, mode: str
) -> None:
    x, y = regression(COUNT)
    model = at_rest(step([input_layer(5), layers.Dense(1)]), mode=mode)
    run = fit(model, tmp_path, x, y, batch_size=SIZE)
    assert np.isnan(run.loss).all()
    assert run.fits[-1]["loss_provenance"].startswith(
        "none: the model's own train_step returns under 'loss' "
    )
    assert reason in run.fits[-1]["loss_provenance"]
    assert [0.0] * 6 == run.learning_rate.tolist()


def test_a_train_step_that_shows_no_loss_is_recorded_without_one(
    tmp_path: Path, reference: Reference
) -> None:
    x, y = regression(COUNT)
    model = SilentStep([input_layer(5), layers.Dense(1)])
    model.compile(api.optimizers.SGD(0.25), "mse", **MODES[COMPILED])
    run = fit(model, tmp_path, x, y, batch_size=SIZE)
    assert np.isnan(run.loss).all()
    assert "neither tracks nor returns each batch's loss" in run.fits[-1]["loss_provenance"]
    assert [0.25] * 6 == run.learning_rate.tolist()
    reference.way("own `train_step` that shows no loss", run)


@pytest.mark.parametrize("mode", MODES)
def test_a_batch_that_is_nan_or_infinite_spoils_no_other(tmp_path: Path, mode: str) -> None:
    x, y = regression(40)
    y[9], y[25] = np.nan, np.inf
    model = resting_model(**MODES[mode])
    weights = model.get_weights()

    class PutBack(api.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.set_weights(weights)

    run = fit(model, tmp_path, x, y, batch_size=SIZE, callbacks=[PutBack()])
    assert [False, True, False, False, False] == np.isnan(run.loss).tolist()
    assert [False, False, False, True, False] == np.isinf(run.loss).tolist()
    agree(own_losses(model, SIZE, x, y), run)


def test_under_mixed_precision_the_loss_is_the_batchs_own(tmp_path: Path, reference: Reference) -> None:
    x, y = regression(COUNT)
    seed(2)
    policies = api.mixed_precision if IS_TF_KERAS else api.config
    set_policy = policies.set_global_policy if IS_TF_KERAS else policies.set_dtype_policy
    set_policy("mixed_float16")
    try:
        model = at_rest(api.Sequential([input_layer(5), layers.Dense(4), layers.Dense(1, dtype="float32")]))
        run = fit(model, tmp_path, x, y, batch_size=SIZE)
        agree(own_losses(model, SIZE, x, y), run, 1e-3)
        assert "LossScaleOptimizer" in type(model.optimizer).__name__
    finally:
        set_policy("float32")
    reference.way("mixed precision (`mixed_float16`)", run)
