"""What only TensorFlow has: tf.data, a loop with a GradientTape, mixed precision, its own random numbers."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import lrmon
from lrmon.train.range_test.randomness import kept_random_state, seed_all
from tests.range_test.models import assert_same, data, model, trained
from tests.train.wordings import refused

X, Y = data()
SETTINGS: dict[str, Any] = {"start_lr": 1e-5, "end_lr": 1e-2, "verbose": 0}
TOLERANCE = 2.0**-22


def network() -> keras.Model:
    return model(keras.optimizers.SGD(0.1), dropout=0.0, jit_compile=False)


@pytest.mark.parametrize("steps", [4, 6, 15])
def test_a_dataset_is_read_from_its_start_as_often_as_it_takes(steps: int) -> None:
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    expected = lrmon.LRFinder(network()).find(X, Y, batch_size=8, shuffle=False, steps=steps, **SETTINGS)
    result = lrmon.LRFinder(network()).find(dataset, steps=steps, **SETTINGS)
    np.testing.assert_array_equal(expected.losses, result.losses)


def test_a_dataset_without_an_end_or_of_unknown_length_needs_steps() -> None:
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    assert 6 == len(lrmon.LRFinder(network()).find(dataset, **SETTINGS).losses)
    for other in (dataset.repeat(), dataset.filter(lambda x, y: True)):
        assert 9 == len(lrmon.LRFinder(network()).find(other, steps=9, **SETTINGS).losses)
        with refused(ValueError, "LRFinder, steps unknown"):
            lrmon.LRFinder(network()).find(other, **SETTINGS)


def test_a_loop_with_a_gradient_tape_has_the_same_losses() -> None:
    """Nothing of Keras' training is in it but the layers and the optimizer's formula."""
    numbers = np.random.default_rng(2)
    x = numbers.normal(size=(320, 4)).astype(np.float32)
    y = (x @ np.array([[3.0], [-2.0], [1.0], [4.0]])).astype(np.float32)
    keras.utils.set_random_seed(3)
    layer = keras.layers.Dense(1)
    linear = keras.Sequential([keras.Input((4,)), layer])
    linear.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    kernel, bias = (tf.Variable(weight) for weight in linear.get_weights())
    result = lrmon.LRFinder(linear).find(
        x, y, batch_size=8, shuffle=False, start_lr=1e-5, end_lr=0.3, verbose=0
    )
    losses = []
    for step, lr in enumerate(result.learning_rates.astype(np.float32)):
        rows = slice(8 * step, 8 * step + 8)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((x[rows] @ kernel + bias - y[rows]) ** 2)
        for variable, gradient in zip((kernel, bias), tape.gradient(loss, (kernel, bias)), strict=True):
            variable.assign_sub(lr * gradient)
        losses.append(float(loss))
    assert 40 == len(losses)
    # The other order of additions within a batch differs by a few roundings more than a loop of Keras'.
    np.testing.assert_allclose(losses, result.losses, rtol=1e-4)
    np.testing.assert_allclose(losses[:5], result.losses[:5], rtol=4 * TOLERANCE)


def test_a_mixed_precision_model_is_tested_and_put_back() -> None:
    left: list[list[Any]] = []
    try:
        for tests in (False, True):
            keras.utils.clear_session(free_memory=False)
            keras.utils.set_random_seed(3)
            keras.mixed_precision.set_dtype_policy("mixed_float16")
            mixed = keras.Sequential([keras.Input((5,)), keras.layers.Dense(8), keras.layers.Dense(1)])
            mixed.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=False)
            assert hasattr(mixed.optimizer, "inner_optimizer")
            trained(mixed, X, Y)
            if tests:
                result = lrmon.LRFinder(mixed).find(X, Y, batch_size=8, steps=7, **SETTINGS)
                assert 7 == len(result.losses)
            left.append(trained(mixed, X, Y))
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    assert_same(*left)


def test_a_model_of_tf_keras_is_refused() -> None:
    tf_keras = pytest.importorskip("tf_keras")
    other = tf_keras.Sequential([tf_keras.layers.Dense(1)])
    with refused(TypeError, "LRFinder, model of tf_keras"):
        lrmon.LRFinder(other)


def test_random_numbers_go_on_as_if_nothing_had_been_drawn_between() -> None:
    def drawn() -> list[Any]:
        return [
            random.random(),
            np.random.random(),  # noqa: NPY002 - the global state is what is asked for
            tf.random.normal(()).numpy(),
            tf.random.normal((), seed=4).numpy(),
            np.asarray(keras.random.normal(())).item(),
        ]

    draws = []
    for between in (False, True):
        keras.utils.clear_session(free_memory=False)
        keras.utils.set_random_seed(8)
        before = drawn()
        if between:
            with kept_random_state():
                seed_all(3)
                assert before != drawn()[:3] + drawn()[3:]
        draws.append([before, drawn()])
    # A kernel with a seed of its own counts its calls by itself, and no one can put that back.
    for numbers in draws[0][1], draws[1][1]:
        del numbers[3]
    assert draws[0] == draws[1]


@pytest.mark.long
def test_where_nobody_has_set_a_seed_there_is_none_afterwards() -> None:
    program = (
        "import keras, numpy as np, lrmon\n"
        "from tensorflow.python.eager import context\n"
        "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
        "model.compile('adam', 'mse')\n"
        "x = np.ones((40, 2))\n"
        "before = {name: vars(context.context()).get(name) for name in ('_seed', '_rng')}\n"
        "found = lrmon.LRFinder(model).find(x, x[:, :1], steps=20, verbose=0)\n"
        "after = {name: vars(context.context()).get(name) for name in ('_seed', '_rng')}\n"
        "print(len(found.losses) > 0, before == after == {'_seed': None, '_rng': None})\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert "True True\n" == ran.stdout, ran.stderr
