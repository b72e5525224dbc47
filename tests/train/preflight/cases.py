"""One fit for each problem, as it is described in docs/preflight.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tests.train.preflight.fits import Look, fitted

Case = Callable[[Any], Look]


def _plateau(keras: Any, **settings: Any) -> Any:
    return keras.callbacks.ReduceLROnPlateau(**{"monitor": "loss", "patience": 1, "mode": "min", **settings})


def _scheduler(keras: Any) -> Any:
    return keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)


def _schedule(keras: Any, name: str, *arguments: Any, **settings: Any) -> Any:
    return keras.optimizers.SGD(getattr(keras.optimizers.schedules, name)(*arguments, **settings))


def _staircase(keras: Any, decay_steps: int) -> Any:
    return _schedule(keras, "ExponentialDecay", 0.1, decay_steps, 0.95, staircase=True)


def two_monitors(keras: Any, first: str, second: str) -> Look:
    class LRMonitor(keras.callbacks.Callback):
        def __init__(self, log_dir: str) -> None:
            super().__init__()
            self.log_dir = log_dir

    LRMonitor.__module__ = "lrmon.train.callback"
    return fitted(keras, callbacks=[LRMonitor(first), LRMonitor(second)])


CASES: Final[dict[str, Case]] = {
    "plateau-on-schedule": lambda k: fitted(k, _staircase(k, 2), [_plateau(k)]),
    "scheduler-on-schedule": lambda k: fitted(k, _staircase(k, 2), [_scheduler(k)]),
    "rate-set-twice": lambda k: fitted(k, callbacks=[_plateau(k), _scheduler(k)]),
    "stopping-before-plateau": lambda k: fitted(
        k, callbacks=[_plateau(k, patience=5), k.callbacks.EarlyStopping("loss", patience=3)], epochs=9
    ),
    "recorded-twice": lambda k: two_monitors(k, "logs/run1", "logs//run1/"),
    "monitor-without-direction": lambda k: fitted(
        k, callbacks=[k.callbacks.ReduceLROnPlateau("val_acc")], metrics=["accuracy"], validation=True
    ),
    "monitor-missing": lambda k: fitted(k, callbacks=[k.callbacks.ReduceLROnPlateau()]),
    "monitor-wrong-direction": lambda k: fitted(
        k,
        callbacks=[_plateau(k, monitor="val_accuracy")],
        metrics=["accuracy"],
        validation=True,
    ),
    "staircase-off-epoch": lambda k: fitted(k, _staircase(k, 95), steps=76, epochs=6),
    "staircase-without-step": lambda k: fitted(k, _staircase(k, 100_000), steps=10, epochs=3),
    "schedule-ends-early": lambda k: fitted(k, _schedule(k, "CosineDecay", 0.1, 20), steps=10, epochs=4),
    "schedule-cut-off": lambda k: fitted(k, _schedule(k, "CosineDecay", 0.1, 80), steps=10, epochs=4),
    "boundary-beyond-fit": lambda k: fitted(
        k, _schedule(k, "PiecewiseConstantDecay", [20, 50], [0.1, 0.01, 0.001]), steps=10, epochs=4
    ),
    "warm-up-beyond-fit": lambda k: fitted(
        k,
        _schedule(k, "CosineDecay", 0.0, 100, warmup_target=0.1, warmup_steps=50),
        steps=10,
        epochs=4,
    ),
    "schedule-in-epochs": lambda k: fitted(k, _schedule(k, "CosineDecay", 0.1, 4), steps=10, epochs=4),
}
"""By the code of the problem."""
