"""Training is bit for bit what it is without the callback."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from tests.fits.framework import IS_TF_KERAS, MODES, SETUP, api, input_layer, seed, variables
from tests.fits.reference import Reference
from tests.recorded import recorded


def trained(callbacks: list[Any], mode: str) -> list[Any]:
    """Everything that a training leaves behind."""
    seed(7)
    generator = np.random.default_rng(7)
    x = generator.normal(size=(100, 6)).astype(np.float32)
    y = generator.integers(0, 4, size=100)
    layers = api.layers
    model = api.Sequential(
        [
            input_layer(6),
            layers.Dense(16, activation="relu"),
            layers.BatchNormalization(),
            # No seed determines what tf_keras' dropout draws where XLA compiles it.
            layers.Dropout(0.0 if IS_TF_KERAS and mode == "jit" else 0.3),
            layers.Dense(4),
        ]
    )
    model.compile(
        api.optimizers.AdamW(api.optimizers.schedules.CosineDecay(0.01, 12)),
        api.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        **MODES[mode],
    )
    arguments = {"batch_size": 16, "validation_split": 0.2, "verbose": 0}
    history = model.fit(x, y, epochs=2, callbacks=callbacks, **arguments).history
    again = model.fit(x, y, epochs=1, **arguments).history
    after = [random.random(), *np.random.random(2)]  # noqa: NPY002 - its hidden state is what is asked for
    return [history, again, after, [*variables(model), drawn()]]


def drawn() -> Any:
    """Random numbers of the backend."""
    if IS_TF_KERAS:
        import tensorflow as tf

        return tf.random.normal((3,)).numpy()
    if SETUP == "torch":
        import torch

        return torch.get_rng_state().numpy()
    return np.asarray(api.random.normal((3,)))


@pytest.mark.parametrize("mode", MODES)
def test_history_weights_and_random_state_are_the_same_with_and_without(
    tmp_path: Path, reference: Reference, mode: str
) -> None:
    without = trained([], mode)
    with_monitor = trained([lrmon.LRMonitor(tmp_path)], mode)
    assert without[:3] == with_monitor[:3]
    for expected, actual in zip(without[3], with_monitor[3], strict=True):
        np.testing.assert_array_equal(expected, actual)
    reference.way("random layers, validation, `AdamW` with `CosineDecay`", recorded(tmp_path))
