"""Reports before any training, against Keras' own schedules and callbacks."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import math
from typing import Any

import keras
import numpy as np
import pytest

import lrmon
from lrmon.analysis.plateau.replay import replay_plateau
from tests.analysis.real_plateau import version_of

S = keras.optimizers.schedules


def test_the_mystery_is_seen_before_training() -> None:
    made = lrmon.preview(S.ExponentialDecay(0.1, 95, 0.95, staircase=True), steps_per_epoch=76, epochs=6)

    assert [19, 38, 57, 0] == [lr_change["offset"] for lr_change in made.to_dict()["lr"]["lr_changes"]]
    (found,) = made.findings
    assert "staircase-off-epoch" == found.code
    assert {"keras-log-repeats", "epoch-without-step"} == {each.code for each in found.consequences}
    assert "preview  456 steps · 6 epochs of 76 steps" in made.to_text()
    assert 1 == len(made.run.notices)
    assert "Plateaus" not in made.to_text()


@pytest.mark.parametrize(
    "schedule",
    [
        S.CosineDecay(0.0, 200, warmup_target=0.1, warmup_steps=60),
        S.PolynomialDecay(0.1, 200),
        S.PiecewiseConstantDecay([76, 152], [0.1, 0.05, 0.01]),
    ],
    ids=["cosine", "polynomial", "constants"],
)
def test_a_schedule_of_keras_is_followed(schedule: Any) -> None:
    made = lrmon.preview(schedule, steps_per_epoch=50, epochs=5)
    expected = [float(schedule(step)) for step in range(250)]

    assert expected == pytest.approx(made.run.learning_rate.tolist(), rel=1e-5, abs=1e-8)


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule of the user's own, with an exponential's name for its settings."""

    def __call__(self, step: Any) -> Any:
        return 0.1 * 0.5 ** keras.ops.floor(keras.ops.cast(step, "float32") / 10.0)

    def get_config(self) -> dict[str, Any]:
        return {"decay_steps": 10}


def test_a_schedule_of_ones_own_is_called() -> None:
    made = lrmon.preview(Halving(), steps_per_epoch=10, epochs=3)

    assert [10, 20] == made.analysis.lr_changes.step.tolist()
    assert [0.1, 0.05, 0.025] == pytest.approx(made.run.learning_rate[[0, 10, 20]].tolist())


@pytest.mark.parametrize("callback", [False, True], ids=["function", "callback"])
def test_a_function_of_the_epoch_is_followed(callback: bool) -> None:
    def drop(epoch: int) -> float:
        return 0.1 * math.pow(0.5, math.floor(1 + epoch) / 10)

    schedule = keras.callbacks.LearningRateScheduler(drop) if callback else drop
    made = lrmon.preview(schedule, steps_per_epoch=20, epochs=15)

    assert ["staircase-every-epoch"] == [finding.code for finding in made.findings]
    assert [drop(epoch) for epoch in range(15)] == pytest.approx(
        made.run.learning_rate[::20].tolist(), rel=1e-6
    )


def test_a_function_of_epoch_and_rate_gets_the_rate_as_keras_hands_it_on() -> None:
    def slower(epoch: int, learning_rate: float) -> float:
        return learning_rate if epoch < 2 else learning_rate * 0.9

    made = lrmon.preview(slower, steps_per_epoch=1, epochs=5, learning_rate=0.1)
    expected = [np.float32(0.1)] * 2
    for _ in range(3):
        expected.append(np.float32(float(expected[-1]) * 0.9))

    assert expected == made.run.learning_rate.tolist()


@pytest.mark.parametrize("kind", ["rule", "callback"])
def test_reduce_lr_on_plateau_is_replayed(kind: str) -> None:
    metric = [1.0, 0.9, 0.9, None, 0.9, 0.8, 0.8, 0.8, 0.8]
    rule = lrmon.PlateauRule("val_loss", factor=0.5, patience=2, version=version_of(keras))
    callback = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=2)
    made = lrmon.preview(
        rule if kind == "rule" else callback, steps_per_epoch=4, epochs=9, learning_rate=0.1, metric=metric
    )
    expected = replay_plateau(metric, 0.1, rule)

    assert rule == made.plateaus.rule
    assert expected.learning_rate.tolist() == made.run.learning_rate[::4].tolist()
    assert [reduction.epoch for reduction in expected.reductions] == [
        reduction.index for reduction in made.plateaus.reductions
    ]
    # Nothing has trained: what the rule would do is what it says.
    assert {"would"} == {reduction.kind for reduction in made.plateaus.reductions}
    assert None is made.plateaus.diverges


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"steps_per_epoch": 0}, ValueError, "steps_per_epoch must be a whole number of at least 1, got 0"),
        ({"epochs": 2.5}, ValueError, "epochs must be a whole number of at least 1, got 2.5"),
        ({"steps_per_epoch": 10**7, "epochs": 2}, ValueError, "a preview can have at most 10,000,000 steps"),
        ({"schedule": 0.1}, TypeError, "schedule must be a Keras LearningRateSchedule, a function"),
        ({"schedule": lambda epoch, lr: lr}, ValueError, "pass learning_rate="),
        ({"schedule": lambda epoch: "fast"}, TypeError, "must return a float, got 'fast' for epoch 0"),
        ({"schedule": lrmon.PlateauRule()}, ValueError, "needs learning_rate= and metric="),
        (
            {"schedule": lrmon.PlateauRule(), "learning_rate": 0.1, "metric": [1.0]},
            ValueError,
            "a value for each of the 2 epochs, got 1",
        ),
    ],
)
def test_what_cannot_be_previewed_says_why(
    arguments: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence.replace("(", r"\(")):
        lrmon.preview(**{"schedule": lambda epoch: 0.1, "steps_per_epoch": 5, "epochs": 2, **arguments})
