from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

from tests.train.preflight.fits import Look, dense, fitted
from tests.train.wordings import assert_wording

schedules = keras.optimizers.schedules


def trained(schedule: Any, *, steps: int = 10, epochs: int = 4, **fit_arguments: Any) -> Look:
    return fitted(keras, keras.optimizers.SGD(schedule), steps=steps, epochs=epochs, **fit_arguments)


def lrs(schedule: Any, count: int) -> list[float]:
    """What the schedule itself says of each update."""
    return [float(keras.ops.convert_to_numpy(schedule(step))) for step in range(count)]


def test_the_steps_of_a_staircase_lie_where_it_is_said() -> None:
    schedule = schedules.ExponentialDecay(0.1, 95, 0.95, staircase=True)
    look = trained(schedule, steps=76, epochs=6)
    lr_changes = np.flatnonzero(np.diff(lrs(schedule, 456))) + 1

    assert ["staircase-off-epoch"] == look.codes
    assert [19, 38, 57, 0] == (lr_changes % 76).tolist()
    assert " 19, 38, 57, 0 " in look.text


def test_the_split_that_made_the_epoch_shorter_is_named() -> None:
    watched = schedules.ExponentialDecay(0.1, 95, 0.95, staircase=True)
    look = trained(watched, steps=95, epochs=2, validation_split=0.2)

    assert_wording("staircase-off-epoch, with a split and one LR change", look.text)


def test_a_split_is_not_named_where_the_data_never_had_so_many_batches() -> None:
    # 94 · 0.8 is 75.2, and 96 · 0.8 is 76.8: an epoch of 76 batches, but not because of the split.
    for every in (94, 96):
        schedule = schedules.ExponentialDecay(0.1, every, 0.95, staircase=True)
        look = trained(schedule, steps=95, epochs=3, validation_split=0.2)

        assert ["staircase-off-epoch"] == look.codes
        assert "validation_split" not in look.text


def test_a_staircase_without_a_step_says_so() -> None:
    schedule = schedules.InverseTimeDecay(0.1, 40, 0.5, staircase=True)
    look = trained(schedule)

    assert ["staircase-without-step"] == look.codes
    assert {lrs(schedule, 1)[0]} == set(lrs(schedule, 40))


@pytest.mark.parametrize(
    "schedule",
    [schedules.CosineDecay(0.1, 20, alpha=0.1), schedules.PolynomialDecay(0.1, 20, 0.01)],
)
def test_a_schedule_that_ends_early_stays_where_it_is_said(schedule: Any) -> None:
    look = trained(schedule)

    assert ["schedule-ends-early"] == look.codes
    assert_wording("schedule-ends-early, at epoch 2", look.text.replace("PolynomialDecay", "CosineDecay"))
    np.testing.assert_allclose(lrs(schedule, 40)[20:], 0.01, rtol=1e-6)
    assert 0.011 < lrs(schedule, 40)[15]


def test_a_schedule_that_was_over_before_the_fit_stays_all_the_while() -> None:
    model = dense(keras, keras.optimizers.SGD(schedules.CosineDecay(0.1, 40)))

    assert [] == fitted(keras, model=model, steps=10, epochs=4).codes
    again = fitted(keras, model=model, steps=10, epochs=4)
    assert ["schedule-ends-early"] == again.codes
    assert_wording("schedule-ends-early, before the fit", again.text)


def test_a_schedule_that_is_cut_off_ends_at_the_rate_that_is_said() -> None:
    schedule = schedules.CosineDecay(0.0, 60, warmup_target=0.1, warmup_steps=20)
    look = trained(schedule)

    assert ["schedule-cut-off"] == look.codes
    assert f" {lrs(schedule, 40)[39]:.4g}, " in look.text
    assert "decay_steps=20 " in look.text
    assert [] == trained(schedules.CosineDecay(0.0, 20, warmup_target=0.1, warmup_steps=20)).codes


def test_a_boundary_beyond_the_fit_is_never_passed() -> None:
    schedule = schedules.PiecewiseConstantDecay([20, 39], [0.1, 0.01, 0.001])

    assert ["boundary-beyond-fit"] == trained(schedule).codes
    assert np.float32(0.01) == np.float32(lrs(schedule, 40)[-1])
    reached = schedules.PiecewiseConstantDecay([20, 38], [0.1, 0.01, 0.001])
    assert [] == trained(reached).codes
    assert np.float32(0.001) == np.float32(lrs(reached, 40)[-1])


def test_a_warm_up_that_is_longer_than_the_fit_only_rises() -> None:
    schedule = schedules.CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=50)
    look = trained(schedule)

    assert ["warm-up-beyond-fit"] == look.codes
    assert f" {lrs(schedule, 40)[-1]:.4g} " in look.text
    assert max(lrs(schedule, 40)) == lrs(schedule, 40)[-1]


@pytest.mark.parametrize(
    "schedule",
    [
        schedules.CosineDecay(0.1, 4),
        schedules.PolynomialDecay(0.1, 3, 1e-4),
        schedules.CosineDecayRestarts(0.1, 2),
        schedules.PiecewiseConstantDecay([2, 3], [0.1, 0.01, 0.001]),
        schedules.ExponentialDecay(0.1, 2, 0.1, staircase=True),
    ],
)
def test_decay_steps_that_look_like_epochs_are_through_in_the_first(schedule: Any) -> None:
    look = trained(schedule)

    assert ["schedule-in-epochs"] == look.codes
    if not isinstance(schedule, schedules.CosineDecayRestarts):
        assert 0.01 >= lrs(schedule, 11)[10]
    else:
        assert lrs(schedule, 3)[1] < lrs(schedule, 3)[2]


def test_a_polynomial_in_cycles_restarts_and_is_not_over() -> None:
    schedule = schedules.PolynomialDecay(0.1, 3, 1e-4, cycle=True)
    look = trained(schedule)

    assert ["schedule-in-epochs"] == look.codes
    assert lrs(schedule, 5)[3] < lrs(schedule, 5)[4]
    assert "restart" in look.text
    assert "over" not in look.text


HEALTHY: dict[str, Any] = {
    "a number": lambda: 0.01,
    "cosine over the run": lambda: schedules.CosineDecay(0.1, 40),
    "cosine, a few batches short": lambda: schedules.CosineDecay(0.1, 36),
    "cosine, a few batches long": lambda: schedules.CosineDecay(0.1, 44),
    "warm-up and cosine": lambda: schedules.CosineDecay(0.0, 30, warmup_target=0.1, warmup_steps=10),
    "linear": lambda: schedules.PolynomialDecay(0.1, 40, 0.0),
    "cycles": lambda: schedules.PolynomialDecay(0.1, 7, 0.01, cycle=True),
    "restarts": lambda: schedules.CosineDecayRestarts(0.1, 10),
    "a step an epoch": lambda: schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True),
    "a step in two epochs": lambda: schedules.ExponentialDecay(0.1, 20, 0.5, staircase=True),
    "two steps an epoch": lambda: schedules.ExponentialDecay(0.1, 5, 0.5, staircase=True),
    "three steps an epoch": lambda: schedules.ExponentialDecay(0.1, 3, 0.95, staircase=True),
    "smooth": lambda: schedules.ExponentialDecay(0.1, 13, 0.9),
    "decay each batch": lambda: schedules.ExponentialDecay(0.1, 1, 0.999),
    "the old decay": lambda: schedules.InverseTimeDecay(0.1, 1, 1e-3),
    "boundaries at epochs": lambda: schedules.PiecewiseConstantDecay([10, 20], [0.1, 0.01, 0.001]),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_said_of_a_schedule_that_goes_with_the_plan(name: str) -> None:
    assert [] == trained(HEALTHY[name]()).texts


def test_nothing_is_said_of_a_loop_of_fits() -> None:
    model = dense(keras, keras.optimizers.SGD(schedules.CosineDecay(0.1, 40)))
    looks = [
        fitted(keras, model=model, steps=10, initial_epoch=epoch, epochs=epoch + 1) for epoch in range(4)
    ]

    assert [[], [], [], []] == [look.texts for look in looks]


def test_nothing_is_said_where_the_steps_of_an_epoch_are_unknown() -> None:
    from tests.train.preflight.fits import watcher

    watch, look = watcher(keras)
    model = dense(keras, keras.optimizers.SGD(schedules.CosineDecay(0.1, 4)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras says that the data has an end.
        model.fit(_batches(), epochs=1, shuffle=False, callbacks=[watch], verbose=0)

    assert ([], []) == (look.codes, look.texts)


def _batches() -> Iterator[Any]:
    for _ in range(10):
        yield np.zeros((2, 1), np.float32), np.ones((2, 1), np.float32)


def test_nothing_is_said_of_the_end_where_a_backup_may_be_restored(tmp_path: Any) -> None:
    backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
    look = trained(schedules.CosineDecay(0.1, 20), callbacks=[backup])

    assert ([], None) == (look.codes, look.fit.initial_epoch)
