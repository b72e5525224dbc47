"""Trains three small networks on scikit-learn's digits (1,797 real images) and records each one.

``python examples/demo.py logs/demo``, then ``tensorboard --logdir logs/demo``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
from keras.optimizers import schedules
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lrmon

BATCH_SIZE, EPOCHS = 32, 30


def digits() -> tuple[Any, Any, Any, Any]:
    """Returns training images, test images, training labels, test labels; pixels from 0 to 1."""
    images, labels = load_digits(return_X_y=True)
    return tuple(train_test_split(images / 16, labels, test_size=0.2, random_state=1, stratify=labels))


def network(optimizer: keras.optimizers.Optimizer) -> keras.Model:
    """Returns a network of one hidden layer, with dropout."""
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


def main(log_dir: Path) -> None:
    """Trains with a staircase, with a warm-up and a cosine, and with ReduceLROnPlateau."""
    images, test_images, labels, test_labels = digits()
    steps_per_epoch = -(-len(images) // BATCH_SIZE)
    staircase = schedules.ExponentialDecay(0.01, decay_steps=100, decay_rate=0.7, staircase=True)
    cosine = schedules.CosineDecay(
        0.0,
        decay_steps=25 * steps_per_epoch,
        alpha=0.01,
        warmup_target=0.1,
        warmup_steps=5 * steps_per_epoch,
    )
    plateau = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=3, min_delta=1e-3)
    trainings: dict[str, tuple[keras.optimizers.Optimizer, keras.callbacks.Callback | None]] = {
        "sgd-cosine": (keras.optimizers.SGD(cosine, momentum=0.9), None),
        "adam-plateau": (keras.optimizers.Adam(0.01), plateau),
        "adam-staircase": (keras.optimizers.Adam(staircase), None),
    }
    for name, (optimizer, rule) in trainings.items():
        monitor = lrmon.LRMonitor(log_dir / name, plateau=rule)
        keras.utils.set_random_seed(1)
        model = network(optimizer)
        history = model.fit(
            images,
            labels,
            batch_size=BATCH_SIZE,
            epochs=EPOCHS,
            validation_data=(test_images, test_labels),
            verbose=0,
            callbacks=[monitor, rule] if rule else [monitor],
        )
        accuracy = history.history["val_accuracy"][-1]
        print(f"{name}: {EPOCHS} epochs of {steps_per_epoch} steps, validation accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "logs/demo"))
