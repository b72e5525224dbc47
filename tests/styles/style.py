"""What the style of a training is to the tests: how to train, and what it truly trained with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.fits.framework import Floats, numpy_of

HALF_ULP = 2.0**-24
"""Relative: the rounding of one float32 operation."""


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes:
        model: That was trained.
        learning_rates: Of each step, as the style made them.
        roundings: How many float32 operations made each of them; 0 where they are exact.
        histories: Of each fit, by metric.
        optimizers: Those that trained besides `model.optimizer`.
    """

    model: Any
    learning_rates: Any
    roundings: int = 0
    histories: list[Mapping[str, list[float]]] = field(default_factory=list)
    optimizers: list[Any] = field(default_factory=list)

    def variables(self) -> list[Floats]:
        """Returns every variable of the model and of its optimizers, on the host."""
        # Of tf_keras, the metrics are among the variables of the model.
        variables = [*self.model.variables, *getattr(self.model, "metrics_variables", ())]
        for optimizer in [getattr(self.model, "optimizer", None), *self.optimizers]:
            if optimizer is not None:
                optimizer_state = optimizer.variables
                variables += optimizer_state() if callable(optimizer_state) else optimizer_state
        return [numpy_of(variable) for variable in variables]


Train = Callable[[list[Any]], Trained]
"""Trains in a style, from the seed that was set, with these callbacks."""


def images(count: int, *, number: int = 1, size: int = 8) -> Floats:
    """Returns so many images of one channel, between 0 and 1."""
    return np.random.default_rng(number).uniform(size=(count, size, size, 1)).astype(np.float32)


def vectors(count: int, width: int, number: int = 1) -> Floats:
    """Returns so many vectors of normally distributed numbers."""
    return np.random.default_rng(number).normal(size=(count, width)).astype(np.float32)


def labels(count: int, classes: int, number: int = 1) -> Any:
    """Returns so many class numbers."""
    return np.random.default_rng(number).integers(0, classes, size=count).astype(np.int32)


def tokens(count: int, length: int, vocabulary: int, number: int = 1) -> Any:
    """Returns so many sequences of token numbers; 0 stands for padding."""
    return np.random.default_rng(number).integers(0, vocabulary, size=(count, length)).astype(np.int32)
