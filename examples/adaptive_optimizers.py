"""The adaptive optimizers side by side, each with the learning rate that Keras gives it by default.

The same number means another step in each of them, and Adadelta's and Adagrad's default of 0.001 is far too
small for this network: their losses hardly move.
"""

from __future__ import annotations

import keras
from real_data import breast_cancer, classifier, log_dir

import lrmon

data = breast_cancer()
for name in ("Adagrad", "Adadelta", "RMSprop", "Adam", "Adamax", "Nadam"):
    classifier(data, getattr(keras.optimizers, name)()).fit(
        data.x,
        data.y,
        epochs=30,
        batch_size=32,
        validation_data=data.validation,
        verbose=0,
        callbacks=[lrmon.LRMonitor(log_dir(__file__) / name.lower())],
    )
