"""AdamW: weight decay is multiplied by the learning rate, so a schedule turns both down."""

from __future__ import annotations

import keras
from real_data import classifier, digits, log_dir

import lrmon

EPOCHS, STEPS_PER_EPOCH = 30, 45

data = digits()
cosine = keras.optimizers.schedules.CosineDecay(0.003, EPOCHS * STEPS_PER_EPOCH, alpha=0.01)
for name, lr in (("constant", 0.003), ("cosine", cosine)):
    classifier(data, keras.optimizers.AdamW(lr, weight_decay=0.01)).fit(
        data.x,
        data.y,
        epochs=EPOCHS,
        batch_size=32,
        validation_data=data.validation,
        verbose=0,
        callbacks=[lrmon.LRMonitor(log_dir(__file__) / name)],
    )
