"""Time-based decay: the learning rate of update i is 0.1 / (1 + 0.002 · i).

Keras 3 ignores the old argument ``decay=0.002``; InverseTimeDecay with ``decay_steps=1`` is the same curve.
"""

from __future__ import annotations

import keras
from real_data import breast_cancer, classifier, log_dir

import lrmon

data = breast_cancer()
schedule = keras.optimizers.schedules.InverseTimeDecay(0.1, decay_steps=1, decay_rate=0.002)
model = classifier(data, keras.optimizers.SGD(schedule, momentum=0.8))
model.fit(
    data.x,
    data.y,
    epochs=50,
    batch_size=28,
    validation_data=data.validation,
    verbose=0,
    callbacks=[lrmon.LRMonitor(log_dir(__file__) / "inverse-time")],
)
