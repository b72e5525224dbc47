"""The effective learning rate is what the optimizer's own slots and weights say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lrmon
from lrmon.train.model.effective_lr import effective_lr
from lrmon.train.model.formulas import schedule_formula
from lrmon.train.model.optimizer_settings import rule_of
from tests.fits.framework import batches, has, unit_gradient_model
from tests.recorded import recorded


class Weights(keras.callbacks.Callback):
    """After each batch: the value of one variable."""

    def __init__(self, of: Callable[[Any], Any]) -> None:
        super().__init__()
        self.values: list[float] = []
        self._of = of

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.values.append(float(self._of(self.model).numpy()))


class Slots(keras.callbacks.Callback):
    """After each batch: the weight and the optimizer's two slots of it."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[float, ...]] = [(0.0, 0.0, 0.0)]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        optimizer, weight = self.model.optimizer, self.model.trainable_variables[0]
        second = optimizer._u if hasattr(optimizer, "_u") else optimizer._velocities
        slots = optimizer._momentums if hasattr(optimizer, "_momentums") else optimizer._m
        self.rows.append((weight.numpy().item(), slots[0].numpy().item(), second[0].numpy().item()))


def quadratic_model(optimizer: Any) -> keras.Model:
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")]
    )
    model.compile(optimizer, "mse")
    return model


SCHEDULE = keras.optimizers.schedules.ExponentialDecay(0.01, 20, 0.5)


@pytest.mark.parametrize(
    ("optimizer", "scale"),
    [
        (lambda: keras.optimizers.Adam(SCHEDULE, epsilon=1e-12), np.sqrt),
        (lambda: keras.optimizers.AdamW(SCHEDULE, weight_decay=0.0, epsilon=1e-12, beta_2=0.99), np.sqrt),
        (lambda: keras.optimizers.Adamax(SCHEDULE, epsilon=1e-12), np.asarray),
    ],
    ids=["Adam", "AdamW", "Adamax"],
)
def test_the_effective_rate_is_the_factor_between_slots_and_step(
    tmp_path: Path, optimizer: Callable[[], Any], scale: Callable[[Any], Any]
) -> None:
    model, slots = quadratic_model(optimizer()), Slots()
    model.fit(**batches(60), callbacks=[slots, lrmon.LRMonitor(tmp_path)])
    weight, moment, second = np.array(slots.rows[1:]).T
    previous = np.concatenate(([1.0], weight[:-1]))
    factor = (previous - weight) * scale(second) / moment
    np.testing.assert_allclose(factor, recorded(tmp_path).effective_learning_rate, rtol=2e-4)


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adagrad", "Adadelta", "Ftrl", "Lion", "Lamb"])
def test_where_the_optimizer_does_not_scale_it_is_the_learning_rate(tmp_path: Path, name: str) -> None:
    model = quadratic_model(getattr(keras.optimizers, name)(SCHEDULE))
    model.fit(**batches(30), callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    np.testing.assert_array_equal(run.learning_rate, run.effective_learning_rate)


class OwnUpdate(keras.optimizers.Adam):
    """Nobody knows what it does."""

    def update_step(self, *arguments: Any) -> None:
        super().update_step(*arguments)


class OwnDecay(keras.optimizers.Adam):
    """Changes what stands before the update."""

    def _apply_weight_decay(self, variables: Any) -> None:
        super()._apply_weight_decay(variables)


class Mixed:
    """Comes before Adam in a class that is made of both."""

    def update_step(self, *arguments: Any) -> None:
        super().update_step(*arguments)  # type: ignore[misc]


class OwnMixed(Mixed, keras.optimizers.Adam):
    pass


class OwnSettings(keras.optimizers.Adam):
    """Adam with other settings is Adam."""

    kind = "mine"

    def __init__(self, learning_rate: float) -> None:
        super().__init__(learning_rate, beta_1=0.5)

    def get_config(self) -> dict[str, Any]:
        return {"learning_rate": 0.01}


@pytest.mark.parametrize(
    ("optimizer", "reason"),
    [
        (keras.optimizers.Nadam, "none: Nadam scales gradient and momentum differently"),
        (OwnUpdate, "none: the update of OwnUpdate is not known to lrmon"),
        (OwnDecay, "none: the update of OwnDecay is not known to lrmon"),
        (OwnMixed, "none: the update of OwnMixed is not known to lrmon"),
    ],
)
def test_where_no_single_number_exists_it_is_nan_and_says_why(
    tmp_path: Path, optimizer: Callable[..., Any], reason: str
) -> None:
    model = quadratic_model(optimizer(0.01))
    model.fit(**batches(30), callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    assert [True] * 30 == np.isnan(run.effective_learning_rate).tolist()
    assert [np.float32(0.01)] * 30 == run.learning_rate.tolist()
    assert reason == run.fits[0]["effective_learning_rate_provenance"]
    assert [] == run.fits[0]["effective_learning_rate_factors"]


def test_an_optimizer_with_a_method_put_in_is_none_that_is_known() -> None:
    optimizer = keras.optimizers.Adam(0.01)
    assert rule_of(optimizer) == "Adam"
    optimizer.update_step = optimizer.update_step
    assert rule_of(optimizer) is None


def test_a_class_that_only_sets_other_numbers_follows_the_rule_it_derives_from(tmp_path: Path) -> None:
    model, slots = quadratic_model(OwnSettings(0.01)), Slots()
    model.fit(**batches(30), callbacks=[slots, lrmon.LRMonitor(tmp_path)])
    weight, moment, second = np.array(slots.rows[1:]).T
    factor = (np.concatenate(([1.0], weight[:-1])) - weight) * (np.sqrt(second) + 1e-7) / moment
    np.testing.assert_allclose(factor, recorded(tmp_path).effective_learning_rate, rtol=2e-4)


@pytest.mark.parametrize("relative_step", [True, False])
@pytest.mark.parametrize(
    "lr",
    [0.3, keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.3, 0.3])],
    ids=["number", "schedule"],
)
def test_adafactor_never_steps_further_than_its_relative_step(
    tmp_path: Path, relative_step: bool, lr: Any
) -> None:
    # One weight, a constant gradient: the normalised gradient is 1, and the step is rate · |w|.
    model = unit_gradient_model(keras.optimizers.Adafactor(lr, relative_step=relative_step))
    model.layers[-1].weight.assign(1.0)
    weights = Weights(lambda model: model.layers[-1].weight)
    model.fit(**batches(30), callbacks=[weights, lrmon.LRMonitor(tmp_path)])
    previous, weight = np.array([1.0, *weights.values[:-1]]), np.array(weights.values)
    moved = (previous - weight) / np.maximum(np.abs(previous), 1e-3)
    run = recorded(tmp_path)
    np.testing.assert_allclose(moved, run.effective_learning_rate, rtol=2e-4)
    assert run.effective_learning_rate[29] < run.learning_rate[29] == np.float32(0.3)


if has("ScheduleFreeAdamW"):

    def test_a_schedule_free_step_is_warmed_up(tmp_path: Path) -> None:
        optimizer = keras.optimizers.ScheduleFreeAdamW(0.5, warmup_steps=10)
        model = unit_gradient_model(optimizer)
        steps = Weights(lambda model: model.optimizer._momentums[0])
        model.fit(**batches(20), callbacks=[steps, lrmon.LRMonitor(tmp_path)])
        # With a constant gradient of 1 the second copy of the weights moves by the rate itself.
        moved = -np.diff([0.0, *steps.values])
        np.testing.assert_allclose(moved, recorded(tmp_path).effective_learning_rate, rtol=2e-4)


@pytest.mark.parametrize(
    "build",
    [
        lambda: keras.optimizers.Adam(0.25),
        lambda: keras.optimizers.AdamW(0.25, weight_decay=0.0, beta_1=0.5, beta_2=0.9),
        lambda: keras.optimizers.Adamax(0.25),
    ],
    ids=["Adam", "AdamW", "Adamax"],
)
def test_with_a_constant_gradient_a_weight_moves_by_the_learning_rate(
    tmp_path: Path, build: Callable[[], Any]
) -> None:
    # As the note says.
    model, weights = unit_gradient_model(build()), Weights(lambda model: model.layers[-1].weight)
    model.fit(**batches(30), callbacks=[weights, lrmon.LRMonitor(tmp_path)])
    np.testing.assert_allclose(-np.diff([0.0, *weights.values]), np.full(30, 0.25), rtol=1e-4)
    note = recorded(tmp_path).fits[0]["effective_learning_rate_note"]
    assert "With a constant gradient every weight moves by the learning rate at every t." in note


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("name", ["SGD", "RMSprop"])
def test_momentum_makes_steps_as_much_longer_as_the_note_says(
    tmp_path: Path, name: str, nesterov: bool
) -> None:
    settings: dict[str, Any] = {"momentum": 0.5}
    settings |= {"nesterov": nesterov} if name == "SGD" else {}
    model = unit_gradient_model(getattr(keras.optimizers, name)(0.25, **settings))
    weights = Weights(lambda model: model.layers[-1].weight)
    model.fit(**batches(120), callbacks=[weights, lrmon.LRMonitor(tmp_path)])
    np.testing.assert_allclose(0.5, weights.values[-2] - weights.values[-1], rtol=1e-4)
    note = recorded(tmp_path).fits[0]["effective_learning_rate_note"]
    assert "a step grows to 2 times what this number alone makes" in note


def test_accumulated_gradients_count_as_one_update(tmp_path: Path) -> None:
    model = quadratic_model(keras.optimizers.Adam(0.01, gradient_accumulation_steps=4))
    model.fit(**batches(32), callbacks=[lrmon.LRMonitor(tmp_path)])
    t = np.arange(32) // 4 + 1
    beta_1, beta_2 = float(np.float32(0.9)), float(np.float32(0.999))
    expected = np.float32(0.01) * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    np.testing.assert_allclose(expected, recorded(tmp_path).effective_learning_rate, rtol=1e-6)


schedules = keras.optimizers.schedules


@pytest.mark.parametrize(
    ("schedule", "formula"),
    [
        (schedules.ExponentialDecay(0.1, 95, 0.95, staircase=True), "0.1 · 0.95^⌊i / 95⌋"),
        (schedules.ExponentialDecay(0.1, 95, 0.95), "0.1 · 0.95^(i / 95)"),
        (schedules.InverseTimeDecay(0.1, 1, 0.5), "0.1 / (1 + 0.5 · (i / 1))"),
        (
            schedules.PiecewiseConstantDecay([10, 20], [0.1, 0.01, 0.001]),
            "0.1 while i ≤ 10, 0.01 while i ≤ 20, then 0.001",
        ),
        (
            schedules.PolynomialDecay(0.1, 100, 0.01, power=2),
            "(0.1 − 0.01) · (1 − min(i / 100, 1))^2 + 0.01",
        ),
        (
            schedules.PolynomialDecay(0.1, 100, 0.01, cycle=True),
            "(0.1 − 0.01) · (1 − i / n) + 0.01, n = 100 · max(⌈i / 100⌉, 1)",
        ),
        (
            schedules.CosineDecay(0.1, 100, alpha=0.1),
            "0.1 · (0.9 · (1 + cos(π · min(i / 100, 1))) / 2 + 0.1)",
        ),
        (
            schedules.CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=10),
            "from 0 to 0.1 in 10 iterations, then 0.1 · (1 + cos(π · min((i − 10) / 100, 1))) / 2",
        ),
        (
            schedules.CosineDecayRestarts(0.1, 100),
            (
                "0.1 · (1 + cos(π · i / 100)) / 2, restarted at its end, each time 2 times as long "
                "and 1 times as high"
            ),
        ),
    ],
)
def test_a_schedule_is_told_with_its_own_numbers(schedule: Any, formula: str) -> None:
    assert formula == schedule_formula(schedule)


def test_a_schedule_of_somebody_is_told_by_its_name() -> None:
    class Mine(schedules.ExponentialDecay):  # type: ignore[name-defined]
        pass

    assert "Mine of i" == schedule_formula(Mine(0.1, 1, 0.5))


FACTORS: list[tuple[Callable[[], Any], list[tuple[str, str]]]] = [
    (lambda: keras.optimizers.SGD(0.25), [("learning rate", "0.25 as the fit begins")]),
    (lambda: keras.optimizers.SGD(lambda: 0.1), [("learning rate", "what your function returns")]),
    (
        lambda: keras.optimizers.Adam(SCHEDULE),
        [("schedule", "0.01 · 0.5^(i / 20)"), ("bias correction", "√(1 − 0.999ᵗ) / (1 − 0.9ᵗ)")],
    ),
    (
        lambda: keras.optimizers.Adamax(0.25, beta_1=0.8),
        [("learning rate", "0.25 as the fit begins"), ("bias correction", "1 / (1 − 0.8ᵗ)")],
    ),
    (
        lambda: keras.optimizers.Adafactor(0.25),
        [("learning rate", "0.25 as the fit begins"), ("relative step", "at most 1 / √t")],
    ),
    (keras.optimizers.Nadam, []),
]
if has("ScheduleFreeAdamW"):
    FACTORS.append(
        (
            lambda: keras.optimizers.ScheduleFreeAdamW(0.25, warmup_steps=7),
            [("learning rate", "0.25 as the fit begins"), ("warm-up", "min(t / 7, 1)")],
        )
    )


@pytest.mark.parametrize(("optimizer", "factors"), FACTORS)
def test_the_factors_are_told_with_the_runs_own_numbers(
    optimizer: Callable[[], Any], factors: list[tuple[str, str]]
) -> None:
    recorded_factors = effective_lr(optimizer()).factors
    assert factors == [(factor["name"], factor["formula"]) for factor in recorded_factors]


NOTES: list[tuple[Callable[[], Any], str]] = [
    (
        keras.optimizers.Adam,
        "is 0.316 times the learning rate at t = 1, 0.152 times at its lowest",
    ),
    (keras.optimizers.Adam, "(t = 12)"),
    (keras.optimizers.AdamW, "Weight decay takes 0.004 · learning rate of each weight besides"),
    (keras.optimizers.Nadam, "one coefficient for the moment and another for the gradient"),
    (keras.optimizers.Lamb, "trust ratio ‖w‖ / ‖update‖"),
    (lambda: keras.optimizers.Adam(gradient_accumulation_steps=4), "one for every 4 batches"),
]
if has("Muon"):
    NOTES.append((keras.optimizers.Muon, "Matrices move by this · 0.2 · √max(rows, columns)"))


@pytest.mark.parametrize(("optimizer", "words"), NOTES)
def test_the_note_says_what_the_number_does_not(optimizer: Callable[[], Any], words: str) -> None:
    assert words in (effective_lr(optimizer()).note or "")


def test_factors_and_note_are_in_the_runs_record(tmp_path: Path) -> None:
    model = quadratic_model(keras.optimizers.Adam(SCHEDULE))
    model.fit(**batches(3), callbacks=[lrmon.LRMonitor(tmp_path)])
    fit, effective = recorded(tmp_path).fits[0], effective_lr(model.optimizer)
    assert list(effective.factors) == fit["effective_learning_rate_factors"]
    assert effective.note == fit["effective_learning_rate_note"]
