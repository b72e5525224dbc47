"""Time-based decay as it used to be written: ``decay=0.002`` on an optimizer of tf_keras' legacy kind.

The optimizer's ``lr`` goes on showing 0.1, while update i uses 0.1 / (1 + 0.002 · i): the curve of
``time_based_decay.py``. tf_keras is not Keras 3, so that this loop tells a Recorder itself what it does.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tf_keras
from real_data import breast_cancer, log_dir

import lrmon

EPOCHS, BATCH_SIZE = 50, 28

data = breast_cancer()
tf_keras.utils.set_random_seed(1)
layers = [tf_keras.layers.Dense(32, activation="relu"), tf_keras.layers.Dense(2)]
model = tf_keras.Sequential([tf_keras.Input(data.x.shape[1:]), *layers])
optimizer = tf_keras.optimizers.legacy.SGD(0.1, momentum=0.8, decay=0.002)
model.compile(optimizer, tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True))
random = np.random.default_rng(1)

with lrmon.Recorder(log_dir(__file__) / "legacy-decay") as recorder:
    for _ in range(EPOCHS):
        order = random.permutation(len(data.x))
        for start in range(0, len(order), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            # The rate that the next update uses: the legacy optimizer applies decay= inside.
            learning_rate = optimizer._decayed_lr(tf.float32)  # noqa: SLF001
            loss = model.train_on_batch(data.x[rows], data.y[rows], reset_metrics=True)
            recorder.batch(learning_rate=learning_rate, effective_learning_rate=learning_rate, loss=loss)
        recorder.end_epoch({"val_loss": model.evaluate(*data.validation, verbose=0)})
