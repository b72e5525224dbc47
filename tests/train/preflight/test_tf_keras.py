"""tf_keras has other rules: its new optimizers swallow what its legacy ones obey."""

from __future__ import annotations

from typing import Any

import pytest
import tf_keras

from tests.train.preflight.fits import fitted
from tests.train.wordings import assert_wording

callbacks, optimizers = tf_keras.callbacks, tf_keras.optimizers
schedules = optimizers.schedules


def plateau(**settings: Any) -> Any:
    return callbacks.ReduceLROnPlateau(**{"monitor": "loss", "patience": 1, "mode": "min", **settings})


def scheduler() -> Any:
    return callbacks.LearningRateScheduler(lambda epoch: 0.7)


def decaying() -> Any:
    return schedules.ExponentialDecay(0.1, 2, 0.9)


def test_a_new_optimizer_lets_its_schedule_overwrite_every_reduction() -> None:
    alone = fitted(tf_keras, optimizers.SGD(decaying()), [_Rates()], epochs=5)
    look = fitted(tf_keras, optimizers.SGD(decaying()), [plateau(), _Rates()], epochs=5)

    assert (["plateau-on-schedule"], None) == (look.codes, look.error)
    assert_wording("plateau-on-schedule, overwritten", look.text)
    assert alone.logged["rate"] == look.logged["rate"]


def test_a_new_optimizer_lets_its_schedule_overwrite_a_scheduler() -> None:
    alone = fitted(tf_keras, optimizers.SGD(decaying()), [_Rates()])
    look = fitted(tf_keras, optimizers.SGD(decaying()), [scheduler(), _Rates()])

    assert (["scheduler-on-schedule"], None) == (look.codes, look.error)
    assert_wording("scheduler-on-schedule, overwritten", look.text)
    assert alone.logged["rate"] == look.logged["rate"]


class _Rates(tf_keras.callbacks.Callback):
    """Logs the learning rate that the epoch's last update used."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.lr = float(self.model.optimizer.learning_rate.numpy())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["rate"] = self.lr


@pytest.mark.parametrize(
    ("callback", "epochs", "code"),
    [(plateau, 2, "plateau-on-schedule"), (scheduler, 0, "scheduler-on-schedule")],
)
def test_a_legacy_optimizer_ends_in_the_error_of_the_warning(callback: Any, epochs: int, code: str) -> None:
    look = fitted(tf_keras, optimizers.legacy.SGD(decaying()), [callback()], epochs=5)

    assert [code] == look.codes
    assert_wording(f"{code}, legacy optimizer", look.text)
    assert epochs == look.epochs
    assert look.error in ("TypeError", "AttributeError")


@pytest.mark.parametrize(
    ("callback", "monitor", "metric"),
    [
        (callbacks.ReduceLROnPlateau, "val_auc", lambda: tf_keras.metrics.AUC(name="auc")),
        (callbacks.ReduceLROnPlateau, "precision", lambda: tf_keras.metrics.Precision(name="precision")),
        (callbacks.EarlyStopping, "val_precision", lambda: tf_keras.metrics.Precision(name="precision")),
    ],
)
def test_mode_auto_goes_by_the_name(callback: Any, monitor: str, metric: Any) -> None:
    mine = callback(monitor)
    look = fitted(tf_keras, "sgd", [mine], metrics=[metric()], validation=True)

    assert ["monitor-wrong-direction"] == look.codes
    # By what the callback compares with: the lower of two values is the better one.
    assert bool(mine.monitor_op(0.1, 0.9))


@pytest.mark.parametrize(
    ("callback", "monitor"),
    [
        (callbacks.ReduceLROnPlateau, "val_accuracy"),
        (callbacks.ReduceLROnPlateau, "val_loss"),
        (callbacks.EarlyStopping, "val_accuracy"),
    ],
)
def test_nothing_is_said_of_the_usual(callback: Any, monitor: str) -> None:
    mine = callback(monitor, patience=5)

    assert [] == fitted(tf_keras, "sgd", [mine], metrics=["accuracy"], validation=True).codes


def test_a_missing_metric_is_warned_of() -> None:
    look = fitted(tf_keras, "sgd", [plateau(monitor="val_acc")], metrics=["accuracy"], validation=True)

    assert (["monitor-missing"], None, False) == (look.codes, look.error, "val_acc" in look.logged)
    assert ["monitor-missing"] == fitted(tf_keras, "sgd", [callbacks.ReduceLROnPlateau()]).codes


def test_schedules_are_held_against_the_plan() -> None:
    short = optimizers.SGD(schedules.CosineDecay(0.1, 20))
    right = optimizers.legacy.SGD(schedules.CosineDecay(0.1, 40))

    assert ["schedule-ends-early"] == fitted(tf_keras, short, steps=10, epochs=4).codes
    assert [] == fitted(tf_keras, right, steps=10, epochs=4).codes


def test_the_fits_callbacks_are_seen() -> None:
    one = plateau()
    look = fitted(tf_keras, callbacks=[one], validation_split=0.5)

    assert one is look.own_plateau
    assert (True, 0.5, 2) == (look.fit.validates, look.fit.validation_split, look.fit.steps_before_split)
    assert 0 == look.fit.initial_epoch
    both = fitted(tf_keras, validation_split=0.2, validation=True, steps=10)
    assert (None, None) == (both.fit.validation_split, both.fit.steps_before_split)
