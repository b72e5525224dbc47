"""Small fits that are looked at as they begin."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lrmon.train.preflight import PlannedFit, own_plateau, planned_fit, preflight
from lrmon.train.preflight.report import CHECKS, without_moot
from lrmon.train.preflight.situation import situation_of


@dataclass
class Look:
    """What was found as a fit began, and how it went."""

    texts: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    own_plateau: Any = None
    fit: PlannedFit = field(default_factory=PlannedFit)
    error: str | None = None
    epochs: int = 0
    used: list[float] = field(default_factory=list)
    """The learning rate of each batch, where it is a number."""
    logged: dict[str, list[Any]] = field(default_factory=dict)
    model: Any = None

    @property
    def text(self) -> str:
        """The one text that there is."""
        (text,) = self.texts
        return text


def watcher(keras: Any, *, plateau: Any = None) -> tuple[Any, Look]:
    """A callback of a Keras that looks at its fit, and where it puts what it sees."""
    look = Look()

    class Watcher(keras.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            look.fit = planned_fit(self.model)
            look.own_plateau = own_plateau(look.fit)
            problems_shown = preflight(self.model, self.params, look.fit, plateau=plateau)
            look.texts = [problem.text for problem in problems_shown]
            package = keras.__name__
            situation = situation_of(self.model, package, self.params, look.fit, plateau)
            # Unlike `preflight` this does not hide a check that fails.
            problems = without_moot([problem for check in CHECKS for problem in check(situation)])
            look.codes = list(dict.fromkeys(problem.code for problem in problems))

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            look.epochs += 1

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            lr = getattr(self.model.optimizer, "_learning_rate", None)
            if lr is not None and hasattr(lr, "numpy"):
                look.used.append(round(float(lr.numpy()), 6))

    Watcher.__module__ = "lrmon.train.callback"  # Not one of the user's, which may write into the logs.
    return Watcher(), look


def dense(keras: Any, optimizer: Any, **compile_arguments: Any) -> Any:
    """A model of one weight that is 0 and stays there: its loss, 1, never improves."""
    model = keras.Sequential(
        [keras.layers.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros", use_bias=False)]
    )
    model.compile(optimizer, **{"loss": "mse", **compile_arguments})
    return model


def fitted(
    keras: Any,
    optimizer: Any = "sgd",
    callbacks: Sequence[Any] = (),
    *,
    steps: int = 2,
    epochs: int = 3,
    metrics: Sequence[Any] = (),
    validation: bool = False,
    plateau: Any = None,
    model: Any = None,
    **fit_arguments: Any,
) -> Look:
    """Trains on zeros with targets of one, so that nothing ever improves, and returns what was seen."""
    watch, look = watcher(keras, plateau=plateau)
    look.model = dense(keras, optimizer, metrics=list(metrics)) if model is None else model
    x, y = np.zeros((steps * 2, 1), np.float32), np.ones((steps * 2, 1), np.float32)
    history: Any = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras' own, which come later than ours.
        try:
            history = look.model.fit(
                x,
                y,
                batch_size=2,
                epochs=epochs,
                verbose=0,
                shuffle=False,
                validation_data=(x, y) if validation else None,
                callbacks=[*callbacks, watch],
                **fit_arguments,
            )
        except Exception as error:  # noqa: BLE001 - whatever ends the training is looked at
            look.error = type(error).__name__
    if history is not None:
        look.logged = history.history
    return look


def this_keras() -> Any:
    """Keras 3, on whatever backend the tests run."""
    import keras

    return keras


def release(keras: Any) -> str:
    """As the texts call it."""
    return (
        f"{'tf_keras' if keras.__name__ == 'tf_keras' else 'Keras'} {sys.modules[keras.__name__].__version__}"
    )
