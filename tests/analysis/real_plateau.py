"""Real ReduceLROnPlateau callbacks, driven epoch by epoch, and random runs to drive them through."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from lrmon.analysis.plateau.direction import MODES, KerasVersion
from lrmon.analysis.plateau.replay import replay_plateau
from lrmon.analysis.plateau.rule import PlateauRule

AS_LOGGED: Final = {
    "float": float,
    "int": int,
    "float32": np.float32,
    "float64": np.float64,
    "int64": np.int64,
}
ODD: Final = (math.nan, math.inf, -math.inf, None, 3e38, -3e38, 1e-39, -1e-44, 0.0)
SMALLEST_SUBNORMAL: Final = 2.0**-149


@dataclass(frozen=True, slots=True)
class Case:
    """A run to be replayed; `learning_rate` as in `replay_plateau`."""

    rule: PlateauRule
    values: list[float | None]
    learning_rate: float | list[float]
    fit_starts: list[int] = field(default_factory=list)
    logged_as: str = "float"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a callback held after each epoch; `best` in text, so that NaN equals NaN, empty where none is."""

    learning_rate: list[float]
    next_learning_rate: list[float]
    wait: list[int]
    cooldown: list[int]
    best: list[str]


def version_of(keras: Any) -> KerasVersion:
    """Which rule the installed package `keras` (or tf_keras) follows."""
    major, minor = (int(number) for number in keras.__version__.split(".")[:2])
    if major < 3:
        return "tf_keras"
    return "keras-3.15" if minor >= 15 else "keras-3.11" if minor >= 11 else "keras-3.0"


def tiny_model(keras: Any) -> Any:
    """A compiled model that has the metrics `loss`, `mae` and `accuracy`, and has trained one batch."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(), loss="mse", metrics=["mae", "accuracy"])
    model.fit(np.zeros((1, 1)), np.zeros((1, 1)), verbose=0)
    return model


def real_outcome(keras: Any, model: Any, case: Case) -> Outcome:
    """What `keras`' own callback does with the case."""
    rule, optimizer, logged = case.rule, model.optimizer, AS_LOGGED[case.logged_as]
    callback = keras.callbacks.ReduceLROnPlateau(
        monitor=rule.monitor,
        factor=rule.factor,
        patience=rule.patience,
        mode=rule.mode,
        min_delta=rule.min_delta,
        cooldown=rule.cooldown,
        min_lr=rule.min_lr,
    )
    callback.set_model(model)
    recorded = case.learning_rate if isinstance(case.learning_rate, list) else None
    if not isinstance(case.learning_rate, list):
        optimizer.learning_rate = case.learning_rate
    lr = float(np.asarray(optimizer.learning_rate))
    no_best = None
    outcome = Outcome([], [], [], [], [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for epoch, value in enumerate(case.values):
            if epoch == 0 or epoch in case.fit_starts:
                callback.on_train_begin()
                no_best = callback.best if epoch == 0 or rule.version != "keras-3.11" else no_best
            if recorded is not None:
                optimizer.learning_rate = recorded[epoch]
                lr = float(np.asarray(optimizer.learning_rate))
            outcome.learning_rate.append(lr)
            callback.on_epoch_end(epoch, {} if value is None else {rule.monitor: logged(value)})
            lr = float(np.asarray(optimizer.learning_rate))
            outcome.next_learning_rate.append(lr)
            outcome.wait.append(callback.wait)
            outcome.cooldown.append(callback.cooldown_counter)
            outcome.best.append("" if callback.best is no_best else repr(float(callback.best)))
    return outcome


def replayed_outcome(case: Case) -> Outcome:
    """What `replay_plateau` says of the case."""
    replay = replay_plateau(
        case.values, case.learning_rate, case.rule, fit_starts=case.fit_starts, logged_as=_added_as(case)
    )
    return Outcome(
        replay.learning_rate.tolist(),
        replay.next_learning_rate.tolist(),
        replay.wait.tolist(),
        replay.cooldown.tolist(),
        [
            repr(best) if epoch >= 0 else ""
            for best, epoch in zip(replay.best.tolist(), replay.best_epoch.tolist(), strict=True)
        ],
    )


def _added_as(case: Case) -> str:
    """Returns the type in which `min_delta` is added: NumPy 1 adds a float to a float32 in float64."""
    adds_in_numpy = case.rule.version in ("keras-3.0", "tf_keras")
    if case.logged_as == "float32" and adds_in_numpy and np.lib.NumpyVersion(np.__version__) < "2.0.0":
        return "float64"
    return case.logged_as


def random_cases(version: KerasVersion, *, seed: int, count: int, epochs: int = 20) -> Iterator[Case]:
    """Runs of up to `epochs` epochs with every setting, ties, near ties and every kind of number."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        rule = PlateauRule(
            str(random.choice(["loss", "val_loss", "mae", "val_mae", "accuracy", "val_accuracy"])),
            factor=float(random.choice([0.1, 0.1, 0.5, 0.9, 0.999_999_99, 0.0, -0.5, random.random()])),
            patience=int(random.integers(0, 5)),
            mode=MODES[random.integers(len(MODES))],
            min_delta=float(random.choice([0.0, 1e-4, 1e-4, 0.01, 0.1, 0.5, -1e-4, -0.1, 1e-40, 1e30])),
            cooldown=int(random.choice([0, 0, 1, 2, 3])),
            min_lr=float(random.choice([0.0, 0.0, 1e-3, 0.05, 0.1, 1.0, -1.0])),
            version=version,
        )
        length = int(random.integers(0, epochs + 1))
        logged_as = str(random.choice(["float", "float", "float", *AS_LOGGED]))
        values = _random_values(random, length, rule.min_delta)
        if "int" in logged_as:
            values = [
                float(int(value)) if value is not None and abs(value) < 1e6 else None for value in values
            ]
        if logged_as == "float32":
            values = [None if value is None else float(np.float32(value)) for value in values]
        lrs: float | list[float] = float(random.choice([0.1, 1.0, 1e-3, random.random()]))
        if random.random() < 0.2:
            lrs = [float(random.choice([0.1, 0.05, 1e-3, 0.0])) for _ in range(length)]
        fits = sorted(int(start) for start in random.integers(0, epochs, random.choice([0, 0, 1, 2])))
        yield Case(rule, values, lrs, fits, logged_as)


def _random_values(random: np.random.Generator, length: int, min_delta: float) -> list[float | None]:
    kind = random.integers(0, 4)
    if kind == 0:
        numbers = random.integers(-3, 4, length) * float(random.choice([1.0, 0.1, 1e-4, SMALLEST_SUBNORMAL]))
    elif kind == 1:
        numbers = np.cumsum(random.normal(size=length))
    elif kind == 2:
        numbers = np.float32(1.0 / np.arange(1, length + 1) + random.normal(0.0, 0.01, length)).astype(float)
    else:
        # About one min_delta apart, and off that by a few roundings.
        steps = random.integers(-1, 2, length) * min_delta
        numbers = np.cumsum(steps) + random.integers(-2, 3, length) * random.choice([2.0**-24, 2.0**-53])
    rare = random.random() * 0.3
    return [
        ODD[random.integers(len(ODD))] if random.random() < rare else number for number in numbers.tolist()
    ]
