"""Sampled step sizes are what the weights show: the update over what the rule says that it multiplies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import lrmon
from lrmon import schema
from lrmon.train.update_samples.sampler import UpdateSampler
from tests.fits.framework import (
    COMPILED,
    IS_TF_KERAS,
    MODES,
    SETUP,
    api,
    has,
    input_layer,
    mean,
    numpy_of,
    regression,
    seed,
    variables,
)
from tests.recorded import Recorded, recorded

optimizers = api.optimizers

Doubles = npt.NDArray[np.float64]
Layers = list[Doubles]
"""Kernel and bias."""

STEPS = 7
RATES = [0.1, 0.03, 0.2, 0.05]
BETA_1, BETA_2 = float(np.float32(0.9)), float(np.float32(0.999))


def schedule() -> Any:
    return optimizers.schedules.PiecewiseConstantDecay([1, 2, 4], RATES)


def inputs() -> npt.NDArray[np.float32]:
    """[steps, samples, features]"""
    return np.random.default_rng(5).normal(size=(STEPS, 2, 4)).astype(np.float32)


def gradients() -> list[Layers]:
    """By step, the gradients of the model below: they do not depend on its weights."""
    means = inputs().astype(np.float64).mean(axis=1) / 3
    return [[np.repeat(mean[:, None], 3, axis=1), np.full(3, 1 / 3)] for mean in means]


def linear_model(optimizer: Any) -> Any:
    """Four features, three outputs, of which the loss is the mean."""
    seed(4)
    bias = api.initializers.RandomNormal(stddev=1.0, seed=3)
    model = api.Sequential([input_layer(4), api.layers.Dense(3, bias_initializer=bias)])
    model.compile(optimizer, loss=lambda _, output: mean(output), **MODES[COMPILED])
    return model


class AfterEach(api.callbacks.Callback):
    """The weights, before training and after each epoch of one batch."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[Layers] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self._keep(self.model.trainable_variables)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._keep(self.model.trainable_variables)

    def _keep(self, values: list[Any]) -> None:
        self.values.append([numpy_of(value).astype(np.float64) for value in values])


def fit_one_batch_an_epoch(model: Any, *callbacks: Any, steps: int = STEPS) -> None:
    """Trains so that between two batches everything can be read without a trick."""

    def batches() -> Iterator[Any]:
        for x in inputs():
            yield x, np.zeros((2, 3), np.float32)

    model.fit(batches(), steps_per_epoch=1, epochs=steps, verbose=0, shuffle=False, callbacks=list(callbacks))


def of_gradient(t: int, weights: Layers) -> Layers:
    return gradients()[t - 1]


def of_moment(t: int, weights: Layers) -> Layers:
    moment = [np.zeros((4, 3)), np.zeros(3)]
    for step in gradients()[:t]:
        moment = [old + (new - old) * (1 - BETA_1) for old, new in zip(moment, step, strict=True)]
    return moment


@dataclass(frozen=True)
class Case:
    """An optimizer, and what its rule multiplies the step size by.

    Attributes:
        build: learning rate → optimizer.
        numerator: (t, weights before) → by variable.
        decay: Share of learning rate · weight that is taken off besides.
    """

    build: Callable[[Any], Any]
    numerator: Callable[[int, Layers], Layers]
    decay: float = 0.0


CASES: dict[str, Case] = {
    "SGD": Case(optimizers.SGD, of_gradient),
    "Adam": Case(optimizers.Adam, of_moment),
    "Adam with amsgrad": Case(lambda lr: optimizers.Adam(lr, amsgrad=True), of_moment),
    "Adam with a large epsilon": Case(lambda lr: optimizers.Adam(lr, epsilon=0.1), of_moment),
    "AdamW": Case(lambda lr: optimizers.AdamW(lr, weight_decay=0.1), of_moment, decay=0.1),
}
if IS_TF_KERAS:
    legacy = optimizers.legacy
    CASES |= {
        "Adam with adaptive_epsilon": Case(
            lambda lr: optimizers.Adam(lr, epsilon=0.1, adaptive_epsilon=True), of_moment
        ),
        "legacy.SGD": Case(legacy.SGD, of_gradient),
        "legacy.Adam": Case(legacy.Adam, of_moment),
        "legacy.Adam with amsgrad": Case(lambda lr: legacy.Adam(lr, amsgrad=True), of_moment),
        "legacy.Adam with decay": Case(lambda lr: legacy.Adam(lr, decay=0.05), of_moment),
    }


@pytest.mark.parametrize("name", CASES)
def test_a_step_size_is_the_update_over_what_the_rule_multiplies(tmp_path: Path, name: str) -> None:
    case = CASES[name]
    model, after = linear_model(case.build(schedule())), AfterEach()
    fit_one_batch_an_epoch(model, after, lrmon.LRMonitor(tmp_path, step_sizes_every=1))
    run = recorded(tmp_path)
    assert [] == run.fits[-1]["warnings"]
    assert list(range(STEPS))[-5:] == [sample["step"] for sample in run.samples][-5:]
    for sample in run.samples:
        t = sample["step"] + 1
        old, new, lr = after.values[t - 1], after.values[t], float(run.learning_rate[t - 1])
        moved = [before * (1 - case.decay * lr) - behind for before, behind in zip(old, new, strict=True)]
        numerators = case.numerator(t, old)
        sizes = [np.abs(update / part).ravel() for update, part in zip(moved, numerators, strict=True)]
        expected = np.quantile(np.concatenate(sizes), schema.STEP_SIZE_QUANTILES)
        np.testing.assert_allclose(expected, sample["step_size"], rtol=4e-3, err_msg=f"update {t}")


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_the_ratio_of_update_to_weight_is_the_layers(tmp_path: Path, name: str) -> None:
    model, after = linear_model(CASES[name].build(schedule())), AfterEach()
    fit_one_batch_an_epoch(model, after, lrmon.LRMonitor(tmp_path, step_sizes_every=2))
    samples = recorded(tmp_path).samples
    assert {15} == {sample["sampled"] for sample in samples}
    assert len(samples) >= 3
    for sample in samples:
        old, new = (np.concatenate([v.ravel() for v in after.values[sample["step"] + k]]) for k in (0, 1))
        (ratio,) = sample["update_to_weight"].values()
        np.testing.assert_allclose(np.linalg.norm(new - old) / np.linalg.norm(old), ratio, rtol=1e-6)


def trained(tmp_path: Path, optimizer: Any, every: int | None, **fit: Any) -> tuple[Any, Recorded]:
    """A model that has been trained as people do, and its run."""
    seed(7)
    compile_arguments = fit.pop("compile", MODES[COMPILED])
    # tf_keras' own random numbers under jit are others at each fit.
    lr = 0.0 if IS_TF_KERAS and "jit_compile" in compile_arguments else 0.2
    model = api.Sequential(
        [input_layer(5), api.layers.Dense(8, "relu"), api.layers.Dropout(lr), api.layers.Dense(1)]
    )
    model.compile(optimizer, "mse", **compile_arguments)
    x, y = regression(52)
    fit = {"batch_size": 4, "epochs": 2, "verbose": 0, "shuffle": False, **fit}
    monitor = lrmon.LRMonitor(tmp_path, step_sizes_every=every)
    model.history_of_fit = model.fit(x, y, callbacks=[monitor], **fit).history
    return model, recorded(tmp_path)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_training_is_the_same_with_samples(tmp_path: Path, name: str, mode: str) -> None:
    without, _ = trained(tmp_path / "a", CASES[name].build(0.01), None, compile=MODES[mode])
    sampled, run = trained(tmp_path / "b", CASES[name].build(0.01), 3, compile=MODES[mode])
    assert len(run.samples) >= 7
    assert without.history_of_fit == sampled.history_of_fit
    for expected, actual in zip(variables(without), variables(sampled), strict=True):
        np.testing.assert_array_equal(expected, actual)


def test_off_by_default_there_are_none(tmp_path: Path) -> None:
    _, run = trained(tmp_path, optimizers.Adam(0.01), None)
    assert ([], None) == (run.samples, run.fits[-1]["step_sizes_every"])


def test_samples_are_so_many_steps_apart(tmp_path: Path) -> None:
    _, run = trained(tmp_path, optimizers.Adam(0.01), 5)
    assert [5, 10, 15, 20, 25] == [sample["step"] for sample in run.samples][-5:]
    assert 5 == run.fits[-1]["step_sizes_every"]


def test_a_further_fit_goes_on_with_the_interval(tmp_path: Path) -> None:
    model, _ = trained(tmp_path / "a", optimizers.Adam(0.01), None)
    monitor = lrmon.LRMonitor(tmp_path / "b", step_sizes_every=5)
    x, y = regression(28)
    for _ in range(2):
        model.fit(x, y, batch_size=4, verbose=0, callbacks=[monitor])
    assert [30, 35] == [sample["step"] for sample in recorded(tmp_path / "b").samples]


def test_an_optimizer_of_somebody_has_ratios_and_no_step_sizes_and_says_why(tmp_path: Path) -> None:
    class Own(optimizers.SGD):  # type: ignore[name-defined]
        def update_step(self, *arguments: Any) -> None:
            super().update_step(*arguments)

    message = "Samples have no step sizes: lrmon knows those of SGD, Adam and AdamW, not of Own."
    _, run = trained(tmp_path, Own(0.01), 5)
    assert {None} == {sample["step_size"] and 0 for sample in run.samples}
    assert all(0 < min(sample["update_to_weight"].values()) for sample in run.samples)
    assert [message] == run.fits[0]["warnings"]


def test_an_error_of_ours_ends_the_sampling_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: UpdateSampler, *arguments: Any) -> None:
        raise LookupError("no such slot")

    monkeypatch.setattr(UpdateSampler, "_scales", broken)
    _, run = trained(tmp_path, optimizers.Adam(0.01), 5)
    assert ([], 26) == (run.samples, len(run.rows))
    assert ["Step sizes are no longer sampled (LookupError: no such slot)."] == run.fits[-1]["warnings"]


def test_of_an_execution_of_several_steps_the_last_has_its_step_sizes(tmp_path: Path) -> None:
    _, every_step = trained(tmp_path / "a", optimizers.Adam(schedule()), 1)
    _, run = trained(
        tmp_path / "b",
        optimizers.Adam(schedule()),
        1,
        compile={**MODES[COMPILED], "steps_per_execution": 4},
    )
    # 13 batches an epoch: the last execution of each has one.
    assert [3, 7, 11, 12, 16, 20, 24, 25] == [sample["step"] for sample in run.samples]
    expected = {sample["step"]: sample["step_size"] for sample in every_step.samples}
    for sample in run.samples:
        np.testing.assert_allclose(expected[sample["step"]], sample["step_size"], rtol=1e-5)
        assert sample["update_to_weight"] is None
    assert "Samples do not say how far an update moved the weights" in run.fits[0]["warnings"][0]


def test_of_accumulated_gradients_the_step_that_applies_them_is_sampled(tmp_path: Path) -> None:
    _, run = trained(tmp_path, optimizers.Adam(schedule(), gradient_accumulation_steps=3), 4)
    assert [5, 8, 14, 17, 20] == [sample["step"] for sample in run.samples][-5:]
    assert all(0 < min(sample["update_to_weight"].values()) for sample in run.samples)


def test_each_of_several_optimizers_has_its_own_rule(tmp_path: Path) -> None:
    mapping = optimizers.OptimizerMap(optimizers.SGD(0.25, name="slow"))
    mapping[".*bias"] = optimizers.SGD(0.5, name="fast")
    model = linear_model(optimizers.MultiOptimizer(mapping))
    fit_one_batch_an_epoch(model, lrmon.LRMonitor(tmp_path, step_sizes_every=1))
    expected = np.quantile([0.25] * 12 + [0.5] * 3, schema.STEP_SIZE_QUANTILES)
    samples = recorded(tmp_path).samples
    assert len(samples) >= 5
    for sample in samples:
        np.testing.assert_array_equal(expected, sample["step_size"])


if SETUP == "torch":  # It makes one step an execution.
    del test_of_an_execution_of_several_steps_the_last_has_its_step_sizes
if IS_TF_KERAS:  # It accumulates no gradients.
    del test_of_accumulated_gradients_the_step_that_applies_them_is_sampled
if not has("MultiOptimizer"):
    del test_each_of_several_optimizers_has_its_own_rule
