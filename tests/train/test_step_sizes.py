"""Samples of step sizes: which weights are in them, how near they come, and what they do not tell."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lrmon
from lrmon import schema
from lrmon.train.update_samples.weights import quantiles, strides
from tests.recorded import recorded
from tests.train.wordings import refused


@pytest.mark.parametrize(
    ("given", "error"),
    [(0, ValueError), (-5, ValueError), (2.5, TypeError), (True, TypeError), ("10", TypeError)],
)
def test_an_interval_that_is_none_is_refused(tmp_path: Path, given: Any, error: type[Exception]) -> None:
    with refused(error, f"step_sizes_every, {error.__name__}", given=repr(given)):
        lrmon.LRMonitor(tmp_path, step_sizes_every=given)


def test_a_copy_samples_too(tmp_path: Path) -> None:
    monitor = lrmon.LRMonitor(tmp_path, step_sizes_every=np.int64(2))
    big_model().fit(*data(), batch_size=8, verbose=0, callbacks=[monitor])
    for copied in (copy.deepcopy(monitor), pickle.loads(pickle.dumps(monitor))):
        assert copied._fit is None
        assert copied._step_sizes_every == 2


def test_a_small_model_is_sampled_as_a_whole() -> None:
    assert [1, 1, 1] == strides([(99, 100), (100,), ()])


@pytest.mark.parametrize("sides", [(1000, 1024), (512, 512, 3, 3), (4096, 4096), (65536, 7)])
def test_a_sample_meets_every_row_and_column_of_a_matrix_alike(sides: tuple[int, ...]) -> None:
    (stride,) = strides([sides])
    taken = np.arange(0, np.prod(sides), stride)
    assert 9_000 <= len(taken) <= 12_000
    met = np.bincount(taken % sides[-1], minlength=sides[-1])
    assert met.max() - met.min() <= max(1, len(taken) // sides[-1])


def test_a_small_variable_beside_a_large_one_has_a_few() -> None:
    large, small, tiny = strides([(4096, 4096), (1600,), (5,)])
    assert (1600 // small >= 64, tiny, 9_000 <= 4096**2 // large <= 11_000) == (True, 1, True)


def test_quantiles_of_equal_weights_are_numpys() -> None:
    values = np.random.default_rng(1).normal(size=1001)
    np.testing.assert_allclose(
        np.quantile(values, schema.STEP_SIZE_QUANTILES), quantiles(values, np.full(1001, 3.0)), rtol=1e-12
    )


def test_a_value_counts_as_often_as_the_weights_that_it_stands_for() -> None:
    random = np.random.default_rng(1)
    large, small = random.normal(5, 1, 90_000), random.normal(-5, 1, 10_000)
    sampled = np.concatenate([large[::9], small])
    counts = np.concatenate([np.full(10_000, 9.0), np.ones(10_000)])
    expected = np.quantile(np.concatenate([large, small]), schema.STEP_SIZE_QUANTILES)
    np.testing.assert_allclose(expected, quantiles(sampled, counts), atol=0.05)


def test_quantiles_of_what_is_not_a_number_are_none() -> None:
    assert np.isnan(quantiles(np.array([1.0, np.nan]), np.ones(2))).all()


def data() -> tuple[Any, Any]:
    random = np.random.default_rng(3)
    x = random.normal(size=(64, 200)).astype(np.float32)
    return x, np.tanh(x[:, :1]) + 0.1 * random.normal(size=(64, 1)).astype(np.float32)


def big_model(optimizer: Any = None, **compile_arguments: Any) -> Any:
    """131,857 weights."""
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.Input((200,)),
            keras.layers.Dense(400, activation="tanh", name="first"),
            keras.layers.Dense(128, activation="tanh", name="second"),
            keras.layers.Dense(1, name="last"),
        ]
    )
    model.compile(optimizer or keras.optimizers.Adam(0.01), "mse", **compile_arguments)
    return model


class Full(keras.callbacks.Callback):
    """After each batch: all weights, and the step size of each."""

    def __init__(self) -> None:
        super().__init__()
        self.weights: list[dict[str, Any]] = []
        self.sizes: list[Any] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if not self.weights:
            self._keep()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._keep()
        t = int(self.model.optimizer.iterations.numpy())
        scale = 0.01 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        slots = self.model.optimizer._velocities
        sizes = [scale / (np.sqrt(slot.numpy().astype(np.float64)) + 1e-7) for slot in slots]
        self.sizes.append(np.concatenate([size.ravel() for size in sizes]))

    def _keep(self) -> None:
        self.weights.append(
            {
                layer.name: np.concatenate([v.numpy().ravel() for v in layer.trainable_variables])
                for layer in self.model.layers
            }
        )


def test_a_sample_comes_near_to_all_weights(tmp_path: Path) -> None:
    full = Full()
    big_model().fit(
        *data(), batch_size=8, verbose=0, callbacks=[full, lrmon.LRMonitor(tmp_path, step_sizes_every=1)]
    )
    samples = recorded(tmp_path).samples
    assert len(samples) >= 7
    for sample in samples:
        assert 131_857 == sample["parameters"]
        assert 9_000 <= sample["sampled"] <= 11_000
        step = sample["step"]
        exact = np.quantile(full.sizes[step], schema.STEP_SIZE_QUANTILES)
        np.testing.assert_allclose(exact, sample["step_size"], rtol=0.05)
        before, after = full.weights[step], full.weights[step + 1]
        ratios = {name.split("/")[-1]: ratio for name, ratio in sample["update_to_weight"].items()}
        assert set(before) == set(ratios)
        for name, ratio in ratios.items():
            expected = np.linalg.norm(after[name] - before[name]) / np.linalg.norm(before[name])
            # The last layer has 65 of its 129 weights in the sample.
            np.testing.assert_allclose(expected, ratio, rtol=0.2 if name == "last" else 0.05)


def test_weights_that_never_had_a_gradient_are_not_counted(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Embedding(50, 3), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(
        np.ones((8, 1)), np.ones((8, 1, 1)), batch_size=1, verbose=0,
        callbacks=[lrmon.LRMonitor(tmp_path, step_sizes_every=1)],
    )  # fmt: skip
    for sample in recorded(tmp_path).samples:
        # lr / ε would be 1e5.
        assert max(sample["step_size"]) < 1_000


def test_where_the_weights_are_0_the_ratio_is_not_a_number(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x = np.ones((8, 3), np.float32)
    model.fit(x, x[:, :1], batch_size=1, verbose=0, callbacks=[lrmon.LRMonitor(tmp_path, step_sizes_every=1)])
    assert {"NaN"} == {ratio for sample in recorded(tmp_path).samples
                       for ratio in sample["update_to_weight"].values()}  # fmt: skip


def test_a_step_that_loss_scaling_leaves_out_is_not_sampled(tmp_path: Path) -> None:
    x, y = data()
    x[16:24] = np.inf
    model = big_model(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01), initial_scale=8.0))
    model.fit(
        x, y, batch_size=8, verbose=0, shuffle=False,
        callbacks=[lrmon.LRMonitor(tmp_path, step_sizes_every=1)],
    )  # fmt: skip
    run = recorded(tmp_path)
    assert [2] == run.skipped
    assert [3, 4, 5, 6, 7] == [sample["step"] for sample in run.samples][-5:]
    assert 2 not in [sample["step"] for sample in run.samples]


def test_the_ratios_go_by_the_layers_paths(tmp_path: Path) -> None:
    big_model().fit(
        *data(), batch_size=8, verbose=0, callbacks=[lrmon.LRMonitor(tmp_path, step_sizes_every=4)]
    )
    (layers,) = {tuple(sample["update_to_weight"]) for sample in recorded(tmp_path).samples}
    assert ["first", "second", "last"] == [layer.split("/")[-1] for layer in layers]
