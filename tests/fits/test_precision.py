"""Training in float64: the record has every bit that training used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from tests.fits.framework import (
    COMPILED,
    MODES,
    SETUP,
    UsedRates,
    api,
    batches,
    input_layer,
    numpy_of,
    own_losses,
    regression,
    seed,
    unit_gradient_model,
)
from tests.recorded import recorded

schedules = api.optimizers.schedules

TOLERANCE = 2.0**-50
"""Of a loss that was computed once more, in float64."""


@pytest.fixture
def wide_jax() -> Iterator[None]:
    """JAX with 64 bits, without which it has no float64; elsewhere nothing."""
    if SETUP != "jax":
        yield
        return
    import jax

    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


@pytest.fixture
def in_float64(wide_jax: None) -> Iterator[None]:
    """Keras with float64 as the type of all weights."""
    policies = api.mixed_precision
    set_policy = getattr(policies, "set_global_policy", None) or policies.set_dtype_policy
    api.backend.set_floatx("float64")
    set_policy("float64")
    yield
    api.backend.set_floatx("float32")
    set_policy("float32")


RATES: dict[str, Any] = {
    "number": lambda: 0.1,
    "schedule": lambda: schedules.ExponentialDecay(0.1, 3, 0.7),
    "staircase": lambda: schedules.ExponentialDecay(0.3, 2, 0.7, staircase=True),
}


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("lr", RATES)
@pytest.mark.parametrize("mode", MODES)
def test_learning_rates_are_recorded_in_float64(tmp_path: Path, mode: str, lr: str) -> None:
    model = unit_gradient_model(api.optimizers.SGD(RATES[lr]()), **MODES[mode])
    used = UsedRates()
    model.fit(**batches(8), callbacks=[used, lrmon.LRMonitor(tmp_path)])
    assert "float64" == str(numpy_of(model.layers[-1].weight).dtype)
    run = recorded(tmp_path)
    assert used.lrs == run.learning_rate.tolist()
    assert [float(np.float32(value)) for value in used.lrs] == run.scalars["lrmon/learning_rate"][1]


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("mode", MODES)
def test_losses_are_recorded_in_float64(tmp_path: Path, mode: str) -> None:
    x, y = (values.astype(np.float64) for values in regression(20))
    seed(2)
    model = api.Sequential([input_layer(5), api.layers.Dense(1)])
    model.compile(api.optimizers.SGD(0.0), "mse", **MODES[mode])
    expected = np.array(own_losses(model, 4, x, y))
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0, callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    np.testing.assert_allclose(run.loss, expected, rtol=TOLERANCE)
    # Keras itself computes some losses in float32 there.
    assert (np.float64 if (expected != expected.astype(np.float32)).any() else np.float32) == run.loss.dtype


if SETUP == "jax":

    @pytest.mark.usefixtures("wide_jax")
    @pytest.mark.parametrize("steps", [1, 3])
    @pytest.mark.parametrize("lr", RATES)
    def test_jax_with_64_bits_records_float32_models_as_ever(tmp_path: Path, lr: str, steps: int) -> None:
        x, y = regression(28)
        seed(2)
        model = api.Sequential([input_layer(5), api.layers.Dense(1)])
        model.compile(api.optimizers.SGD(0.0), "mse", **MODES[COMPILED])
        losses = own_losses(model, 4, x, y)
        model.compile(api.optimizers.SGD(RATES[lr]()), "mse", steps_per_execution=steps, **MODES[COMPILED])
        model.optimizer.build(model.trainable_variables)
        monitor = lrmon.LRMonitor(tmp_path)
        model.fit(x, y, batch_size=4, shuffle=False, verbose=0, epochs=2, callbacks=[monitor])
        run = recorded(tmp_path)
        assert list(range(14)) == run.step.tolist()
        assert np.isclose(losses[0], run.loss[0], rtol=2.0**-22)
        assert np.isfinite(run.learning_rate).all()
        assert [] == run.fits[-1]["warnings"]
