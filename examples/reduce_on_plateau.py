"""ReduceLROnPlateau on three patiences, and a plateau that nothing answers.

The page shows where each one reduced the learning rate, and where another patience would have.
"""

from __future__ import annotations

import keras
from real_data import classifier, digits, log_dir

import lrmon

data = digits()
rules = {
    "patience-2": keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=2, min_delta=1e-3),
    "patience-6": keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=6, min_delta=1e-3),
    "never-answered": None,
}
for name, plateau in rules.items():
    monitor = lrmon.LRMonitor(log_dir(__file__) / name, plateau=plateau)
    classifier(data, keras.optimizers.SGD(0.1, momentum=0.9)).fit(
        data.x,
        data.y,
        epochs=40,
        batch_size=32,
        validation_data=data.validation,
        verbose=0,
        callbacks=[monitor, plateau] if plateau else [monitor],
    )
