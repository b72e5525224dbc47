"""Exponential decay three ways: epoch by epoch, step by step, and in stairs.

All three divide the learning rate by ten in 30 epochs. The callback's moves once an epoch, the schedule's at
every step, and the staircase holds for 100 steps, which is not a whole number of epochs.
"""

from __future__ import annotations

import math

import keras
from keras.optimizers.schedules import ExponentialDecay
from real_data import classifier, digits, log_dir

import lrmon

EPOCHS, STEPS_PER_EPOCH = 30, 45

data = digits()
by_epoch = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 * math.exp(-math.log(10) * epoch / EPOCHS))
smooth = ExponentialDecay(0.1, decay_steps=EPOCHS * STEPS_PER_EPOCH, decay_rate=0.1)
levels_held = ExponentialDecay(
    0.1, decay_steps=100, decay_rate=0.1 ** (100 / (EPOCHS * STEPS_PER_EPOCH)), staircase=True
)
for name, lr, callbacks in (
    ("by-epoch", 0.1, [by_epoch]),
    ("schedule", smooth, []),
    ("staircase", levels_held, []),
):
    classifier(data, keras.optimizers.SGD(lr)).fit(
        data.x,
        data.y,
        epochs=EPOCHS,
        batch_size=32,
        validation_data=data.validation,
        verbose=0,
        callbacks=[*callbacks, lrmon.LRMonitor(log_dir(__file__) / name)],
    )
