"""A step that writes no ring is seen from outside: within the bound that the record states, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from lrmon import schema
from tests.fits.framework import (
    SETUP,
    VERSION,
    OneWeight,
    UsedRates,
    api,
    batches,
    input_layer,
    own_losses,
    regression,
    seed,
    set_learning_rate,
)
from tests.fits.own_steps import WEIGHT, OwnFunction, OwnFunctionThatReturns, SilentFunction
from tests.fits.reference import Reference
from tests.recorded import Recorded, recorded

SIZE, COUNT = 8, 403
BOUNDED = schema.EXACT if SETUP == "torch" else schema.BOUNDED
"""PyTorch's ring stands around any train function."""


def model_of(kind: Any, optimizer: Any) -> Any:
    seed(2)
    model = kind([input_layer(5), api.layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


def fit(model: Any, log_dir: Path, *callbacks: Any, epochs: int = 2) -> Recorded:
    model.fit(
        *regression(COUNT),
        batch_size=SIZE,
        epochs=epochs,
        verbose=0,
        shuffle=False,
        callbacks=[*callbacks, lrmon.LRMonitor(log_dir)],
    )
    return recorded(log_dir)


def truth(model: Any) -> np.ndarray[Any, Any]:
    plain = api.Sequential(model.layers)
    plain.compile(api.optimizers.SGD(0.0), "mse")
    return np.array(own_losses(plain, SIZE, *regression(COUNT)))


def test_the_trackers_difference_is_within_the_bound_that_the_record_states(
    tmp_path: Path, reference: Reference
) -> None:
    model = model_of(OwnFunction, api.optimizers.SGD(0.0))
    run, expected = fit(model, tmp_path), truth(model)
    assert list(range(102)) == run.step.tolist()
    assert [(0, 50), (51, 101)] == [(epoch["first_step"], epoch["last_step"]) for epoch in run.epochs]
    total = np.cumsum(WEIGHT * expected).astype(np.float32)
    bound = (np.spacing(total) + np.spacing((WEIGHT * expected).astype(np.float32))) / 2 / WEIGHT
    own = 2.0**-22 * expected
    for epoch in (run.loss[:51], run.loss[51:]):
        assert (np.abs(epoch - expected) <= bound + own).all()
    assert {"learning_rate": "exact", "effective_learning_rate": "exact", "loss": BOUNDED} == run.fits[-1][
        "exactness"
    ]
    if SETUP != "torch":
        assert "within (½ ulp(total) + ½ ulp(n · loss)) / n" in run.fits[-1]["loss_provenance"]
        assert "the training step was seen from outside alone" in run.fits[-1]["warnings"][0]
    reference.way("own `make_train_function`, Keras' loss tracker", run)


def test_a_loss_that_is_returned_and_not_averaged_is_the_batchs_own(
    tmp_path: Path, reference: Reference
) -> None:
    model = model_of(OwnFunctionThatReturns, api.optimizers.SGD(0.0))
    run = fit(model, tmp_path)
    np.testing.assert_allclose(np.tile(truth(model), 2).astype(np.float32), run.loss, rtol=2**-22)
    reference.way("own `make_train_function` that returns each batch's loss", run)


def test_where_no_loss_is_shown_none_is_recorded(tmp_path: Path, reference: Reference) -> None:
    run = fit(model_of(SilentFunction, api.optimizers.SGD(0.25)), tmp_path)
    assert np.isnan(run.loss).all()
    assert (run.learning_rate == 0.25).all()
    reference.way("own `make_train_function` that shows no loss", run)


class EveryBatch(api.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.lrs: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.lrs.append(0.001 / (1 + batch))
        set_learning_rate(self.model.optimizer, self.lrs[-1])


def test_a_number_as_the_rate_is_exact_from_the_first_batch_on(tmp_path: Path) -> None:
    setter = EveryBatch()
    run = fit(model_of(OwnFunction, api.optimizers.Adam(0.1)), tmp_path, setter)
    np.testing.assert_array_equal(np.array(setter.lrs, np.float32), run.learning_rate)
    assert "exact" == run.fits[-1]["exactness"]["learning_rate"]


def test_a_schedule_is_evaluated_beside_the_step_which_the_record_says(
    tmp_path: Path, reference: Reference
) -> None:
    schedule = api.optimizers.schedules.ExponentialDecay(0.01, 10, 0.5)
    run = fit(model_of(OwnFunction, api.optimizers.SGD(schedule)), tmp_path)
    np.testing.assert_allclose(0.01 * 0.5 ** (np.arange(102) / 10), run.learning_rate, rtol=1e-6)
    assert BOUNDED == run.fits[-1]["exactness"]["learning_rate"]
    reference.way("own `make_train_function`, a schedule", run)


def test_two_monitors_and_a_further_fit_see_the_same(tmp_path: Path) -> None:
    model = model_of(OwnFunction, api.optimizers.SGD(0.0))
    fit(model, tmp_path / "one", lrmon.LRMonitor(tmp_path / "other"), epochs=1)
    one, other = recorded(tmp_path / "one"), recorded(tmp_path / "other")
    np.testing.assert_array_equal(one.rows[:, :3], other.rows[:, :3])
    again = fit(model, tmp_path / "one", epochs=1)
    assert list(range(102)) == again.step.tolist()


class Break(api.callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 2:
            raise KeyboardInterrupt


def test_after_a_broken_fit_the_next_is_recorded(tmp_path: Path) -> None:
    model, monitor = model_of(OwnFunction, api.optimizers.SGD(0.0)), lrmon.LRMonitor(tmp_path)
    x, y = regression(COUNT)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, batch_size=SIZE, verbose=0, shuffle=False, callbacks=[monitor, Break()])
    if SETUP == "jax" and VERSION < (3, 10):
        # After a fit that raises, this Keras has no weights any more, with and without callbacks.
        with pytest.raises(TypeError, match="'NoneType' object is not callable"):
            model.fit(x, y, batch_size=SIZE, verbose=0)
        assert monitor._recorder is not None
        monitor._recorder.close()  # as at the end of the process
        assert [0, 1, 2] == recorded(tmp_path).step.tolist()
        return
    model.fit(x, y, batch_size=SIZE, verbose=0, shuffle=False, callbacks=[monitor])
    run = recorded(tmp_path)
    assert list(range(3 + 51)) == run.step.tolist()
    assert not np.isnan(run.loss).any()


def test_after_a_fit_the_model_has_its_own_functions_again(tmp_path: Path) -> None:
    class Look(api.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            functions.append(self.model.train_function)

    functions: list[Callable[..., Any]] = []
    model = api.Sequential([input_layer(1), api.layers.Dense(1)])
    model.compile("sgd", "mse")
    for _ in range(2):
        model.fit(**batches(4), callbacks=[lrmon.LRMonitor(tmp_path), Look()])
        assert hasattr(functions[-1], "lrmon_executions")
        assert not hasattr(model.train_function, "lrmon_executions")
        assert "train_step" not in vars(model)


def test_the_rate_that_the_update_used_is_recorded_wherever_it_was_set(tmp_path: Path) -> None:
    class Plain(OwnFunction):
        def shown(self, loss: Any) -> Any:
            return {"loss": loss}

    model = Plain([input_layer(1), OneWeight()])
    model.compile(api.optimizers.SGD(0.5), "mse")
    used, data = UsedRates(), batches(6)
    data["y"] = data["y"] + 0.5  # the slope of (w - 0.5)² at w = 0 is -1
    model.fit(**data, callbacks=[used, EveryBatch(), lrmon.LRMonitor(tmp_path)])
    np.testing.assert_array_equal(-np.array(used.lrs, np.float32), recorded(tmp_path).learning_rate)
