"""What a sweep measures: each batch's own loss at its learning rate, until it is enough."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lrmon
from tests.range_test.models import MODES, OPTIMIZERS, data, model, numpy_of
from tests.recorded import recorded

TOLERANCE = 2.0**-22


def hand_written(network: keras.Model, lrs: Any, x: Any, y: Any, size: int) -> list[float]:
    """The losses of a loop that sets each learning rate and trains on each batch."""
    losses = []
    for step, lr in enumerate(lrs):
        start = step * size % len(x)
        network.optimizer.learning_rate = lr
        network.reset_metrics()  # so that the mean that Keras returns is that of one batch
        losses.append(
            network.train_on_batch(x[start : start + size], y[start : start + size], return_dict=True)["loss"]
        )
    return [float(loss) for loss in losses]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
def test_the_losses_are_those_of_a_hand_written_loop(optimizer: str, mode: str) -> None:
    x, y = data()
    make = getattr(keras.optimizers, optimizer)
    result = lrmon.LRFinder(model(make(0.5), dropout=0.0, **MODES[mode])).find(
        x, y, steps=30, batch_size=8, start_lr=1e-5, end_lr=0.1, shuffle=False, verbose=0
    )
    expected = hand_written(model(make(0.5), dropout=0.0, **MODES[mode]), result.learning_rates, x, y, 8)
    assert 30 == len(result.losses)
    np.testing.assert_allclose(expected, result.losses, rtol=TOLERANCE)


def test_the_learning_rates_grow_as_planned() -> None:
    x, y = data()
    finder = lrmon.LRFinder(model(OPTIMIZERS["SGD"]()))
    settings: dict[str, Any] = {"steps": 6, "batch_size": 8, "start_lr": 1e-5, "end_lr": 0.1, "verbose": 0}
    settings["stop_factor"] = float("inf")
    result = finder.find(x, y, **settings)
    np.testing.assert_array_equal(
        np.geomspace(1e-5, 0.1, 6).astype(np.float32), result.learning_rates.astype(np.float32)
    )
    result = finder.find(x, y, **settings, growth="linear")
    np.testing.assert_array_equal(
        np.linspace(1e-5, 0.1, 6).astype(np.float32), result.learning_rates.astype(np.float32)
    )


def valley(end: float = 10.0) -> tuple[keras.Model, Any, Any, dict[str, Any]]:
    """A problem whose loss falls by orders of magnitude within one epoch."""
    numbers = np.random.default_rng(2)
    x = numbers.normal(size=(1600, 4)).astype(np.float32)
    y = (x @ np.array([[3.0], [-2.0], [1.0], [4.0]])).astype(np.float32)
    keras.utils.set_random_seed(3)
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    network.compile(keras.optimizers.SGD(0.01), "mse", **next(iter(MODES.values())))
    return network, x, y, {"batch_size": 8, "start_lr": 1e-5, "end_lr": end, "shuffle": False, "verbose": 0}


def test_the_rate_of_the_lowest_loss_is_found_where_the_running_mean_moves_it() -> None:
    network, x, y, settings = valley()
    result = lrmon.LRFinder(network).find(x, y, **settings)
    truth = hand_written(valley()[0], result.learning_rates, x, y, 8)
    logged = np.cumsum(result.losses) / np.arange(1, len(result.losses) + 1)
    lowest, true_curve, mean_curve = (
        result.learning_rates[int(np.argmin(c))] for c in (result.losses, truth, logged)
    )
    assert true_curve == lowest
    assert mean_curve > 3 * lowest


def test_the_mean_that_keras_logs_is_the_one_that_misleads() -> None:
    network, x, y, settings = valley(0.05)
    result = lrmon.LRFinder(network).find(x, y, **settings)
    other, logged = valley()[0], []

    class Loop(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.model.optimizer.learning_rate = result.learning_rates[batch]

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            logged.append(float(logs["loss"]))

    other.fit(x, y, batch_size=8, shuffle=False, verbose=0, callbacks=[Loop()])
    np.testing.assert_allclose(np.cumsum(result.losses) / np.arange(1, 201), logged, rtol=1e-4)


def test_it_stops_where_the_loss_diverges_and_says_so() -> None:
    network, x, y, settings = valley()
    result = lrmon.LRFinder(network).find(x, y, **settings)
    assert "diverged" == result.stopped
    assert len(result.losses) < 200
    assert result.losses[-1] > 4 * result.losses.min()
    assert "The smoothed loss rose to" in (result.stopped_reason or "")


def test_with_an_infinite_factor_it_stops_only_where_the_loss_is_no_number() -> None:
    network, x, y, settings = valley(1e6)
    result = lrmon.LRFinder(network).find(x, y, **settings, stop_factor=float("inf"))
    assert ("not finite", [False]) == (result.stopped, np.isfinite(result.losses[-1:]).tolist())
    assert np.isfinite(result.losses[:-1]).all()


def test_a_sweep_longer_than_an_epoch_goes_on_with_the_next() -> None:
    x, y = data()
    result = lrmon.LRFinder(model(OPTIMIZERS["SGD"]())).find(
        x, y, steps=20, batch_size=8, end_lr=1e-3, verbose=0
    )
    assert (20, None) == (len(result.losses), result.stopped)


def test_without_steps_it_takes_the_epochs() -> None:
    x, y = data()
    finder = lrmon.LRFinder(model(OPTIMIZERS["SGD"]()))
    settings: dict[str, Any] = {"batch_size": 7, "end_lr": 1e-3, "verbose": 0}
    assert 7 == len(finder.find(x, y, **settings).losses)
    assert 14 == len(finder.find(x, y, **settings, epochs=2).losses)


def test_the_same_call_finds_the_same_and_another_seed_other_batches() -> None:
    x, y = data()
    finder = lrmon.LRFinder(model(OPTIMIZERS["SGD"]()))
    settings: dict[str, Any] = {"steps": 8, "batch_size": 8, "end_lr": 1e-4, "verbose": 0}
    first, again, other = (finder.find(x, y, **settings, seed=seed).losses for seed in (0, 0, 5))
    np.testing.assert_array_equal(first, again)
    assert 0 == np.count_nonzero(first == other)


def test_several_sweeps_have_other_seeds_and_give_medians_with_their_spread() -> None:
    network, x, y, settings = valley()
    result = lrmon.LRFinder(network).find(x, y, **{**settings, "shuffle": True}, average_runs=3)
    assert 3 == len(result.sweeps) == len(result.repeats.tests)
    assert 3 == len({sweep.loss[0] for sweep in result.sweeps})
    shortest = min(len(sweep.loss) for sweep in result.sweeps)
    expected = np.median([sweep.loss[:shortest] for sweep in result.sweeps], axis=0)
    np.testing.assert_array_equal(expected, result.losses[:shortest])
    spread = result.repeats.suggestions["steepest"]
    assert spread.sweep_count > 1
    assert spread.median == result.suggestions["steepest"].learning_rate
    assert spread.low is not None
    assert spread.low < (spread.high or 0)


def test_it_goes_on_from_the_weights_and_the_slots_as_they_are() -> None:
    x, y = data()
    network = model(keras.optimizers.Adam(0.01), dropout=0.0)
    network.fit(x, y, batch_size=8, epochs=3, verbose=0)
    twin = model(keras.optimizers.Adam(0.01), dropout=0.0)
    twin.fit(x, y, batch_size=8, epochs=3, verbose=0)
    result = lrmon.LRFinder(network).find(
        x, y, steps=12, batch_size=8, start_lr=1e-3, end_lr=0.1, shuffle=False, verbose=0
    )
    np.testing.assert_allclose(
        hand_written(twin, result.learning_rates, x, y, 8), result.losses, rtol=TOLERANCE
    )


def test_validation_losses_are_those_after_the_update() -> None:
    x, y = data()
    network = model(keras.optimizers.SGD(0.01), dropout=0.0)
    settings: dict[str, Any] = {"steps": 6, "batch_size": 8, "start_lr": 1e-3, "end_lr": 0.1, "verbose": 0}
    result = lrmon.LRFinder(network).find(
        x, y, **settings, shuffle=False, validation_data=(x[:16], y[:16]), validation_freq=3
    )
    assert [True, True, False, True, True, False] == np.isnan(result.validation_losses).tolist()
    twin = model(keras.optimizers.SGD(0.01), dropout=0.0)
    hand_written(twin, result.learning_rates[:3], x, y, 8)
    expected = twin.evaluate(x[:16], y[:16], batch_size=8, verbose=0, return_dict=True)["loss"]
    assert expected == pytest.approx(result.validation_losses[2], rel=1e-6)
    without = lrmon.LRFinder(network).find(x, y, **settings, shuffle=False)
    np.testing.assert_array_equal(without.losses, result.losses)


def test_steps_per_execution_are_one_while_it_sweeps() -> None:
    if "jit" not in MODES:
        return  # PyTorch knows one step an execution only
    x, y = data()
    network = model(keras.optimizers.SGD(0.01), dropout=0.0, steps_per_execution=4, jit_compile=False)
    result = lrmon.LRFinder(network).find(
        x, y, steps=6, batch_size=8, start_lr=1e-3, end_lr=0.1, shuffle=False, verbose=0
    )
    twin = model(keras.optimizers.SGD(0.01), dropout=0.0, jit_compile=False)
    np.testing.assert_allclose(
        hand_written(twin, result.learning_rates, x, y, 8), result.losses, rtol=TOLERANCE
    )
    assert 4 == network.steps_per_execution


def test_weights_of_samples_and_classes_are_in_the_loss() -> None:
    x, y = data()
    weights = np.linspace(0, 2, len(x)).astype(np.float32)
    network = model(keras.optimizers.SGD(0.01), dropout=0.0)
    result = lrmon.LRFinder(network).find(x, y, steps=1, batch_size=48, sample_weight=weights, verbose=0)
    plain = lrmon.LRFinder(network).find(x, y, steps=1, batch_size=48, verbose=0)
    assert result.losses[0] != plain.losses[0]


def test_it_is_recorded_as_a_run_of_its_kind(tmp_path: Path) -> None:
    x, y = data()
    network = model(OPTIMIZERS["LossScaleOptimizer"]())
    settings: dict[str, Any] = {"steps": 9, "batch_size": 8, "start_lr": 1e-3, "end_lr": 0.1, "verbose": 0}
    result = lrmon.LRFinder(network, tmp_path / "one").find(x, y, **settings)
    run = recorded(tmp_path / "one")
    np.testing.assert_array_equal(result.learning_rates.astype(np.float32), run.learning_rate)
    np.testing.assert_array_equal(result.losses.astype(np.float32), run.loss)
    assert list(range(9)) == run.step.tolist()
    begun, ended = run.fits[0], run.fits[-1]
    assert "range_test" == ended["kind"]
    assert ("completed", None, 8) == (ended["ended"], ended["schedule"], ended["last_step"])
    assert "each batch's own loss, read in the training step" == ended["loss_provenance"]
    test = {"start_lr": 1e-3, "end_lr": 0.1, "steps": 9, "growth": "exponential", "stop_factor": 4.0}
    test |= {"stopped": None, "stopped_reason": None, "repeat": 0, "repeats": 1}
    assert test == {name: value for name, value in begun["range_test"].items() if name != "smoothing"}
    assert begun["range_test"] == ended["range_test"]
    assert 0 < ended["range_test"]["smoothing"] < 1

    lrmon.LRFinder(network, tmp_path / "two").find(x, y, **settings, average_runs=2)
    two = recorded(tmp_path / "two")
    # Of each sweep what was known before it and after it; the second goes on counting.
    assert [(0, 0, 2), (0, 0, 2), (9, 1, 2), (9, 1, 2)] == [
        (fit["first_step"], fit["range_test"]["repeat"], fit["range_test"]["repeats"]) for fit in two.fits
    ]
    assert list(range(18)) == two.step.tolist()
    np.testing.assert_array_equal(two.learning_rate[:9], two.learning_rate[9:])
    (run_of_two,) = lrmon.load(tmp_path / "two").values()
    assert [9, 9] == [len(sweep.loss) for sweep in lrmon.range_test(run_of_two).sweeps]


def test_how_it_stopped_is_in_the_record(tmp_path: Path) -> None:
    network, x, y, settings = valley()
    result = lrmon.LRFinder(network, tmp_path).find(x, y, **settings)
    ended = recorded(tmp_path).fits[-1]
    assert "stopped" == ended["ended"]
    assert ("diverged", result.stopped_reason) == (
        ended["range_test"]["stopped"],
        ended["range_test"]["stopped_reason"],
    )


def test_the_progress_bar_is_keras_own(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = data()
    lrmon.LRFinder(model(OPTIMIZERS["SGD"]())).find(x, y, steps=4, batch_size=8, end_lr=1e-3, verbose=2)
    assert "4/4" in capsys.readouterr().out


def test_the_model_s_numbers_are_left_alone_by_a_sweep_that_ends_early() -> None:
    network, x, y, settings = valley()
    before = [numpy_of(variable) for variable in network.variables]
    assert lrmon.LRFinder(network).find(x, y, **settings).stopped
    for one, other in zip(before, network.variables, strict=True):
        np.testing.assert_array_equal(one, numpy_of(other))
