"""A tutorial's mystery: "the last two epochs did not change the learning rate, I don't know why".

193,608 samples in batches of 2,048 are 95 steps an epoch, so ``decay_steps=95`` seems to be one drop an
epoch. But a fifth of the samples is held back, and an epoch has 76. Keras' own TensorBoard callback draws a
new number for each epoch but the last, which has that of the one before. lrmon shows where each drop falls.
"""

from __future__ import annotations

import keras
import numpy as np
from real_data import classifier, digits, log_dir

import lrmon

SAMPLES, BATCH_SIZE = 193_608, 2048

data = digits()
rows = np.arange(SAMPLES) % len(data.x)
schedule = keras.optimizers.schedules.ExponentialDecay(
    0.1, decay_steps=SAMPLES // BATCH_SIZE + 1, decay_rate=0.95, staircase=True
)
classifier(data, keras.optimizers.SGD(schedule), units=8).fit(
    data.x[rows],
    data.y[rows],
    batch_size=BATCH_SIZE,
    epochs=6,
    validation_split=0.2,
    verbose=0,
    callbacks=[
        lrmon.LRMonitor(log_dir(__file__) / "lrmon"),
        keras.callbacks.TensorBoard(log_dir(__file__) / "keras"),
    ],
)
