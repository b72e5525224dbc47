"""ReduceLROnPlateau on three patiences, and a plateau that nothing answers.

The page shows where each one reduced the learning rate, and where another patience would have.
"""

from __future__ import annotations

import keras
from real_data import classifier, digits, log_dir

import lrmon

data = digits()
for name, patience in (("patience-2", 2), ("patience-6", 6), ("never-answered", None)):
    callbacks: list[keras.callbacks.Callback] = [lrmon.LRMonitor(log_dir(__file__) / name)]
    if patience is not None:
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=patience, min_delta=1e-3)
        )
    classifier(data, keras.optimizers.SGD(0.1, momentum=0.9)).fit(
        data.x,
        data.y,
        epochs=40,
        batch_size=32,
        validation_data=data.validation,
        verbose=0,
        callbacks=callbacks,
    )
