"""The run record says among how many classes a plain cross-entropy chooses, and nothing of other losses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lrmon
from tests.recorded import recorded

L = keras.losses


@pytest.mark.parametrize(
    ("loss", "units", "settings", "classes"),
    [
        ("sparse_categorical_crossentropy", 7, {"activation": "softmax"}, 7),
        (L.SparseCategoricalCrossentropy(from_logits=True), 7, {}, 7),
        (L.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), 5, {}, 5),
        ("binary_crossentropy", 1, {"activation": "sigmoid"}, 2),
        ("mse", 3, {}, None),
        (L.SparseCategoricalCrossentropy(from_logits=True), 7, {"kernel_regularizer": "l2"}, None),
        (lambda true, predicted: keras.ops.mean(predicted), 3, {}, None),
    ],
)
def test_the_record_has_the_classes_of_a_cross_entropy(
    loss: Any, units: int, settings: dict[str, Any], classes: int | None, tmp_path: Path
) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, **settings)])
    model.compile("sgd", loss)
    name = loss if isinstance(loss, str) else getattr(loss, "name", "")
    y = np.zeros((8, units) if "sparse" not in name else 8, np.float32)
    model.fit(np.ones((8, 4), np.float32), y, verbose=0, callbacks=[lrmon.LRMonitor(tmp_path)])

    assert classes == recorded(tmp_path).fits[-1]["classes"]


def test_a_model_without_one_output_shape_is_recorded_all_the_same(tmp_path: Path) -> None:
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    model = Own()
    model.compile("sgd", L.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(
        np.ones((8, 4), np.float32), np.zeros(8, np.float32), verbose=0, callbacks=[lrmon.LRMonitor(tmp_path)]
    )

    assert recorded(tmp_path).fits[-1]["classes"] is None
