from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import keras
import pytest

from lrmon.train.preflight.callbacks import _looks_at_lr
from tests.train.preflight.cases import two_monitors
from tests.train.preflight.fits import fitted
from tests.train.wordings import assert_wording

callbacks, schedules = keras.callbacks, keras.optimizers.schedules


def plateau(**settings: Any) -> Any:
    return callbacks.ReduceLROnPlateau(**{"monitor": "loss", "patience": 1, "mode": "min", **settings})


def on_schedule(inner: type = keras.optimizers.SGD) -> Any:
    return inner(schedules.ExponentialDecay(0.1, 2, 0.9))


def test_a_plateau_on_a_schedule_ends_in_the_type_error_of_the_preflight_warning() -> None:
    look = fitted(keras, on_schedule(), [plateau(patience=2)], epochs=9)

    assert ["plateau-on-schedule"] == look.codes
    assert "a TypeError" in look.text
    # The first epoch is the best, two without improvement follow.
    assert ("TypeError", 3) == (look.error, look.epochs)


def test_a_scheduler_on_a_schedule_ends_in_the_type_error_of_the_preflight_warning() -> None:
    look = fitted(keras, on_schedule(), [callbacks.LearningRateScheduler(lambda epoch: 0.1)])

    assert ["scheduler-on-schedule"] == look.codes
    assert "a TypeError" in look.text
    assert ("TypeError", 0) == (look.error, look.epochs)


def test_a_plateau_on_a_function_ends_in_the_attribute_error_of_the_preflight_warning() -> None:
    look = fitted(keras, keras.optimizers.SGD(lambda: 0.1), [plateau()], epochs=9)

    assert ["plateau-on-schedule"] == look.codes
    assert_wording("plateau-on-schedule, a function", look.text)
    assert ("AttributeError", 2) == (look.error, look.epochs)


def test_a_scheduler_on_a_function_ends_in_the_attribute_error_of_the_preflight_warning() -> None:
    scheduler = callbacks.LearningRateScheduler(lambda epoch: 0.25)
    look = fitted(keras, keras.optimizers.SGD(lambda: 0.1), [scheduler], epochs=9)

    assert ["scheduler-on-schedule"] == look.codes
    assert_wording("scheduler-on-schedule, a function", look.text)
    assert ("AttributeError", 0) == (look.error, look.epochs)


def test_the_schedule_inside_a_loss_scale_optimizer_counts() -> None:
    look = fitted(keras, keras.optimizers.LossScaleOptimizer(on_schedule()), [plateau()], epochs=9)

    assert (["plateau-on-schedule"], "TypeError") == (look.codes, look.error)


def test_a_scheduler_that_ignores_the_rate_undoes_every_reduction() -> None:
    look = fitted(keras, "sgd", [plateau(), callbacks.LearningRateScheduler(lambda epoch: 0.1)], epochs=5)

    assert ["rate-set-twice"] == look.codes
    assert [0.1] * 10 == look.used
    assert None is look.error


def test_a_scheduler_that_starts_from_the_rate_leaves_reductions_alone() -> None:
    scheduler = callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.5)
    look = fitted(keras, keras.optimizers.SGD(1.0), [plateau(), scheduler], epochs=3)

    assert [] == look.codes
    assert [0.5, 0.25, 0.0125] == look.used[::2]


def test_of_two_schedulers_the_last_one_counts() -> None:
    schedulers = [callbacks.LearningRateScheduler(lambda epoch, lr=lr: lr) for lr in (0.5, 0.25)]
    blind = [
        callbacks.LearningRateScheduler(by_epoch) for by_epoch in (lambda epoch: 0.5, lambda epoch: 0.25)
    ]

    assert [] == fitted(keras, "sgd", schedulers).codes
    look = fitted(keras, "sgd", blind)
    assert ["rate-set-twice"] == look.codes
    assert_wording("rate-set-twice, by two schedulers", look.text)
    assert {0.25} == set(look.used)


class Halved:
    def __call__(self, epoch: int, lr: float) -> float:
        return lr / 2


@pytest.mark.parametrize(
    ("function", "looks"),
    [
        (lambda epoch: 0.1, False),
        (lambda epoch, *, factor=1: 0.1, False),
        (lambda epoch, lr: lr, True),
        (lambda *args: 0.1, True),
        (pow, True),
        (Halved(), True),
        (type, True),
    ],
)
def test_a_function_with_one_parameter_does_not_look_at_the_learning_rate(function: Any, looks: bool) -> None:
    assert looks == _looks_at_lr(function)


@pytest.mark.parametrize(("stops", "reduces"), [(3, 5), (3, 3), (0, 1), (0, 10)])
def test_early_stopping_comes_before_any_batch_at_a_reduced_rate(stops: int, reduces: int) -> None:
    stopping = callbacks.EarlyStopping("loss", patience=stops)
    look = fitted(keras, "sgd", [plateau(patience=reduces), stopping], epochs=15)

    assert ["stopping-before-plateau"] == look.codes
    assert_wording(f"stopping-before-plateau, {stops} before {reduces}", look.text)
    assert ({0.01}, max(stops, 1) + 1) == (set(look.used), look.epochs)


def test_early_stopping_that_is_more_patient_lets_a_reduced_rate_train() -> None:
    stopping = callbacks.EarlyStopping("loss", patience=4)
    look = fitted(keras, "sgd", [plateau(patience=2), stopping], epochs=15)

    assert [] == look.codes
    assert 1 < len(set(look.used))


def test_early_stopping_on_another_metric_is_another_matter() -> None:
    stopping = callbacks.EarlyStopping("val_loss", patience=2)

    assert [] == fitted(keras, "sgd", [plateau(patience=2), stopping], validation=True).codes


def stopping(**settings: Any) -> Any:
    return callbacks.EarlyStopping(**{"monitor": "loss", "patience": 1, "mode": "min", **settings})


def scheduler() -> Any:
    return callbacks.LearningRateScheduler(lambda epoch: 0.1)


@pytest.mark.parametrize(
    ("scheduled", "others", "code", "error", "epochs"),
    [
        # What it watches is never there: nothing that it does can end the training.
        (True, lambda: [plateau(monitor="val_loss")], "monitor-missing", None, 9),
        (False, lambda: [plateau(monitor="val_loss"), scheduler()], "monitor-missing", None, 9),
        # The training ends before anything is reduced or stopped.
        (True, lambda: [plateau(), scheduler()], "scheduler-on-schedule", "TypeError", 0),
        (True, lambda: [plateau(monitor="val_loss"), scheduler()], "scheduler-on-schedule", "TypeError", 0),
        (True, lambda: [stopping(monitor="val_loss"), scheduler()], "scheduler-on-schedule", "TypeError", 0),
        # The first reduction is none.
        (True, lambda: [plateau(), stopping()], "plateau-on-schedule", "TypeError", 2),
    ],
)
def test_of_two_causes_in_one_callback_the_one_that_decides_is_said(
    scheduled: bool, others: Any, code: str, error: str | None, epochs: int
) -> None:
    optimizer = on_schedule() if scheduled else keras.optimizers.SGD(0.1)
    look = fitted(keras, optimizer, others(), epochs=9)

    assert [code] == look.codes
    assert 1 == len(look.texts)
    assert (error, epochs) == (look.error, look.epochs)


def test_a_metric_that_both_watch_and_no_epoch_has_is_said_of_each_alone() -> None:
    both = [plateau(monitor="val_loss", patience=5), stopping(monitor="val_loss")]
    look = fitted(keras, "sgd", both, epochs=9)

    assert (["monitor-missing"], 2, None, 9) == (look.codes, len(look.texts), look.error, look.epochs)


def test_what_goes_the_wrong_way_is_not_said_to_wait_for_a_standstill() -> None:
    wrong = [plateau(monitor="accuracy", patience=5), stopping(monitor="accuracy", mode="max")]
    look = fitted(keras, "sgd", wrong, metrics=["accuracy"])

    assert ["monitor-wrong-direction"] == look.codes
    assert look.text.startswith("ReduceLROnPlateau")


def test_a_plateau_and_a_scheduler_on_a_schedule_are_one_cause() -> None:
    look = fitted(keras, on_schedule(), [plateau(), scheduler()])

    assert ["scheduler-on-schedule"] == look.codes
    assert_wording("scheduler-on-schedule, with a plateau", look.text)


def test_early_stopping_that_starts_late_is_left_alone() -> None:
    late = callbacks.EarlyStopping("loss", patience=2, start_from_epoch=9)
    look = fitted(keras, "sgd", [plateau(patience=3), late], epochs=9)

    assert [] == look.codes
    assert 1 < len(set(look.used))


def test_no_source_is_read(tmp_path: Path) -> None:
    script = tmp_path / "snippets.py"
    script.write_text(
        "import keras\n\n\n"
        "def unused():\n"
        "    plateau = keras.callbacks.ReduceLROnPlateau('loss', epsilon=1)\n"
        "    return keras.optimizers.SGD(0.1, decay=0.01), plateau\n"
        "\n\n"
        "look = fitted(keras, keras.optimizers.SGD(0.1), [keras.callbacks.ReduceLROnPlateau('loss')])\n"
    )
    names = runpy.run_path(str(script), init_globals={"fitted": fitted})

    assert [] == names["look"].texts


def test_two_monitors_need_two_folders() -> None:
    assert [] == two_monitors(keras, "logs/a", "logs/b").codes
    assert ["recorded-twice"] == two_monitors(keras, "logs/a", "logs/./a").codes
