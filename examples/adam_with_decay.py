"""Adam with and without decay: the effective learning rate is neither of the two that the code names.

Adam's running means start at zero, and Adam corrects for it: in the first hundreds of steps the factor
√(1−β₂ᵗ)/(1−β₁ᵗ) is far below 1. ``warm-up`` adds a warm-up of its own to it.
"""

from __future__ import annotations

import keras
from keras.optimizers import schedules
from real_data import classifier, digits, log_dir

import lrmon

EPOCHS, WARMUP_EPOCHS, STEPS_PER_EPOCH = 30, 3, 45

data = digits()
lrs = {
    "constant": 0.001,
    "decay": schedules.InverseTimeDecay(0.001, decay_steps=1, decay_rate=0.002),
    "warm-up": schedules.CosineDecay(
        0.0,
        (EPOCHS - WARMUP_EPOCHS) * STEPS_PER_EPOCH,  # after the warm-up
        warmup_target=0.003,
        warmup_steps=WARMUP_EPOCHS * STEPS_PER_EPOCH,
    ),
}
for name, lr in lrs.items():
    classifier(data, keras.optimizers.Adam(lr)).fit(
        data.x,
        data.y,
        epochs=EPOCHS,
        batch_size=32,
        validation_data=data.validation,
        verbose=0,
        callbacks=[lrmon.LRMonitor(log_dir(__file__) / name)],
    )
