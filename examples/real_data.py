"""Data sets that come with scikit-learn, and a small network for them: what the examples share."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler


@dataclass(frozen=True)
class Data:
    """A data set, of which a fifth is held back.

    Attributes:
        x: [samples, features], standardized.
        y: [samples], class numbers.
        validation: The same of what is held back.
    """

    x: Any
    y: Any
    validation: tuple[Any, Any]


def digits() -> Data:
    """Returns 1,797 images of 8 by 8 pixels, ten classes."""
    return _split(datasets.load_digits(return_X_y=True))


def iris() -> Data:
    """Returns 150 flowers, four measures of each, three classes."""
    return _split(datasets.load_iris(return_X_y=True))


def breast_cancer() -> Data:
    """Returns 569 tumours, thirty measures of each, two classes."""
    return _split(datasets.load_breast_cancer(return_X_y=True))


def classifier(data: Data, optimizer: Any, *, units: int = 32) -> keras.Model:
    """Returns a compiled network with one hidden layer. The seed is set, so that runs can be compared."""
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(units, activation="relu"), keras.layers.Dense(int(data.y.max()) + 1)]
    model = keras.Sequential([keras.Input(data.x.shape[1:]), *layers])
    model.compile(
        optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    return model


def log_dir(script: str) -> Path:
    """Returns the folder that was given on the command line, else ``logs/<script's name>``."""
    return Path(sys.argv[1]) if len(sys.argv) > 1 else Path("logs") / Path(script).stem


def _split(loaded: tuple[Any, Any]) -> Data:
    x, held_back, y, of_held_back = train_test_split(
        *loaded, test_size=0.2, random_state=1, stratify=loaded[1]
    )
    scaler = StandardScaler().fit(x)
    return Data(scaler.transform(x), y, (scaler.transform(held_back), of_held_back))
