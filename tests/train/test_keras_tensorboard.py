"""Keras' own TensorBoard callback does what docs/recorded_values.md says."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

import lrmon
from tests.recorded import recorded
from tests.train.test_loss import data


def keras_scalars(log_dir: Path) -> dict[str, list[tuple[int, float]]]:
    """By tag, (step, value) of what Keras' callback wrote of the training."""
    reader = EventAccumulator(str(log_dir / "train"), size_guidance={"tensors": 0})
    reader.Reload()
    return {
        tag: [
            (event.step, float(tensor_util.make_ndarray(event.tensor_proto))) for event in reader.Tensors(tag)
        ]
        for tag in reader.Tags()["tensors"]
        if tag.startswith(("batch_", "epoch_"))
    }


def test_keras_logs_the_next_epochs_rate_and_a_running_mean_of_the_loss(tmp_path: Path) -> None:
    x, y = data(60)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5, staircase=True)
    model.compile(keras.optimizers.SGD(schedule), "mse")
    for _ in range(2):
        model.fit(
            x,
            y,
            batch_size=6,
            epochs=2,
            verbose=0,
            callbacks=[
                keras.callbacks.TensorBoard(tmp_path / "keras", update_freq=1, write_graph=False),
                lrmon.LRMonitor(tmp_path / "run"),
            ],
        )
    run, keras_series = recorded(tmp_path / "run"), keras_scalars(tmp_path / "keras")

    # An epoch has 10 steps and trained at two rates; Keras shows one, which the epoch did not train at.
    used = [run.learning_rate[start : start + 10] for start in range(0, 40, 10)]
    logged = [value for _, value in keras_series["epoch_learning_rate"]]
    assert [2, 2, 2, 2] == [len(set(lrs.tolist())) for lrs in used]
    np.testing.assert_allclose([0.025, 0.00625, 0.0015625, 0.000390625], logged, rtol=1e-6)
    assert [False] * 4 == [
        value in lrs for value, lrs in zip(np.array(logged, np.float32), used, strict=True)
    ]
    assert [0, 1, 0, 1] == [step for step, _ in keras_series["epoch_learning_rate"]]

    # Each batch's number is the mean of the epoch so far.
    means = [losses[: i + 1].mean() for losses in np.split(run.loss.astype(float), 4) for i in range(10)]
    np.testing.assert_allclose(means, [value for _, value in keras_series["batch_loss"]], rtol=1e-5)
    assert not [tag for tag in keras_series if tag.startswith("batch_") and "learning_rate" in tag]
    assert [*range(1, 21), *range(1, 21)] == [step for step, _ in keras_series["batch_loss"]]
