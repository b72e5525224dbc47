"""Time-based decay as it used to be written: ``decay=0.002`` on an optimizer of tf_keras' legacy kind.

The optimizer's ``lr`` goes on showing 0.1, while update i uses 0.1 / (1 + 0.002 · i): the curve of
``time_based_decay.py``.
"""

from __future__ import annotations

import tf_keras
from real_data import breast_cancer, log_dir

import lrmon

data = breast_cancer()
tf_keras.utils.set_random_seed(1)
layers = [tf_keras.layers.Dense(32, activation="relu"), tf_keras.layers.Dense(2)]
model = tf_keras.Sequential([tf_keras.Input(data.x.shape[1:]), *layers])
optimizer = tf_keras.optimizers.legacy.SGD(0.1, momentum=0.8, decay=0.002)
model.compile(optimizer, tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(
    data.x,
    data.y,
    batch_size=28,
    epochs=50,
    validation_data=data.validation,
    verbose=0,
    callbacks=[lrmon.LRMonitor(log_dir(__file__) / "legacy-decay")],
)
print(f"optimizer.lr after the training: {optimizer.lr.numpy():.3g}")
