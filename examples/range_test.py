"""Finds a learning rate by a range test, and trains with it, with a tenth of it and with ten times as much.

``python examples/range_test.py logs/range_test``, then ``tensorboard --logdir logs/range_test``. The sweeps
are runs of their own kind; beside each training the page says where in a sweep it trained.
"""

from __future__ import annotations

from keras.optimizers import Adam
from real_data import classifier, digits, log_dir

import lrmon

DATA, LOG_DIR = digits(), log_dir(__file__)

found = lrmon.LRFinder(classifier(DATA, Adam()), LOG_DIR / "sweep").find(
    DATA.x, DATA.y, steps=200, average_runs=3, verbose=0
)
print(found)

lr = found.recommended.learning_rate or 0.001
for name, learning_rate in (("a-tenth", lr / 10), ("recommended", lr), ("ten-times", lr * 10)):
    model = classifier(DATA, Adam(learning_rate))
    monitor = lrmon.LRMonitor(LOG_DIR / name)
    history = model.fit(
        DATA.x, DATA.y, epochs=5, validation_data=DATA.validation, verbose=0, callbacks=[monitor]
    ).history
    print(f"{name}: {learning_rate:.3g}, loss {history['loss'][-1]:.3f} after 5 epochs")
