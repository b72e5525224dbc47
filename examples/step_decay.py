"""Step decay by LearningRateScheduler, as tutorials write it: three formulas that look alike and are not.

Halving every 10 epochs is meant. Epochs count from 0.

- ``misplaced-parenthesis`` is no staircase: it changes after every epoch.
- ``one-early`` drops at epochs 9, 19 and 29.
- ``as-meant`` drops at epochs 10, 20 and 30.
"""

from __future__ import annotations

import math

import keras
from real_data import classifier, iris, log_dir

import lrmon

INITIAL, DROP, EPOCHS_DROP = 0.1, 0.5, 10


def misplaced_parenthesis(epoch: int) -> float:
    """Divides what was to be rounded."""
    return INITIAL * math.pow(DROP, math.floor(1 + epoch) / EPOCHS_DROP)


def one_early(epoch: int) -> float:
    """Counts the epochs from 1."""
    return INITIAL * math.pow(DROP, math.floor((1 + epoch) / EPOCHS_DROP))


def as_meant(epoch: int) -> float:
    """Counts the epochs from 0, as Keras does."""
    return INITIAL * math.pow(DROP, math.floor(epoch / EPOCHS_DROP))


data = iris()
for schedule in (misplaced_parenthesis, one_early, as_meant):
    name = schedule.__name__.replace("_", "-")
    classifier(data, keras.optimizers.SGD(INITIAL, momentum=0.8)).fit(
        data.x,
        data.y,
        epochs=40,
        batch_size=10,
        validation_data=data.validation,
        verbose=0,
        callbacks=[
            keras.callbacks.LearningRateScheduler(schedule),
            lrmon.LRMonitor(log_dir(__file__) / name),
        ],
    )
