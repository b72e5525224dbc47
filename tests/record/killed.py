"""Trainings that are killed: a process that forks one for each line that it reads.

Forking spares each training the imports. A training writes into shared memory when each of its calls came
back, so that after its death it is known what a reader may expect on disk.

    python killed.py keras|recorder
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import lrmon

STEPS = 3_000_000


class Progress:
    """When each batch, and each epoch, was recorded; seconds of the monotonic clock, 0 where it was not."""

    def __init__(self, path: Path) -> None:
        self.batches = np.memmap(path, np.float64, "r+" if path.exists() else "w+", shape=(STEPS,))
        epochs = path.with_suffix(".epochs")
        self.epochs = np.memmap(epochs, np.float64, "r+" if epochs.exists() else "w+", shape=(STEPS,))


def tight(log_dir: str, progress: Progress, die: Any) -> None:
    """As fast as Python goes."""
    with lrmon.Recorder(log_dir) as recorder:
        for step in range(STEPS):
            recorder.batch(learning_rate=0.1, loss=step, effective_learning_rate=0.2)
            progress.batches[step] = time.monotonic()
            die(step)


def short_epochs(log_dir: str, progress: Progress, die: Any) -> None:
    """As fast, in epochs of 10 batches."""
    with lrmon.Recorder(log_dir) as recorder:
        for step in range(STEPS):
            recorder.batch(learning_rate=0.1, loss=step)
            progress.batches[step] = time.monotonic()
            if step % 10 == 9:
                recorder.end_epoch({"loss": 0.5, "val_loss": 1.0, "accuracy": 0.25})
                progress.epochs[step // 10] = time.monotonic()
            die(step)


def paced(log_dir: str, progress: Progress, die: Any) -> None:
    """As a model does: a batch a millisecond."""
    with lrmon.Recorder(log_dir) as recorder:
        for step in range(STEPS):
            time.sleep(0.001)
            recorder.batch(learning_rate=0.1, loss=step)
            progress.batches[step] = time.monotonic()
            if step % 100 == 99:
                recorder.end_epoch({"loss": 0.5, "val_loss": 1.0})
                progress.epochs[step // 100] = time.monotonic()
            die(step)


def fit(log_dir: str, progress: Progress, die: Any) -> None:
    """A real fit."""
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    step = [0]

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            progress.batches[step[0]] = time.monotonic()
            die(step[0])
            step[0] += 1

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            progress.epochs[epoch] = time.monotonic()

    x = np.ones((32 * 50, 4), np.float32)
    model.fit(
        x, x[:, :1], batch_size=32, epochs=10_000, verbose=0, callbacks=[lrmon.LRMonitor(log_dir), Count()]
    )


LOOPS = {loop.__name__: loop for loop in (tight, short_epochs, paced, fit)}


def train(loop: str, log_dir: str, end: str, seconds: float) -> None:
    """Trains until it dies by itself; signals come from outside."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    deadline = time.monotonic() + seconds

    def die(step: int) -> None:
        if end in ("exit", "exception") and time.monotonic() > deadline:
            if end == "exit":
                os._exit(7)
            raise ZeroDivisionError(f"at step {step}")

    LOOPS[loop](log_dir, Progress(Path(log_dir).with_suffix(".progress")), die)


def main() -> None:
    """Forks a training for each line; answers with its process id, and once it is dead with how it died."""
    if sys.argv[1] == "keras":
        import keras

        keras.config.disable_traceback_filtering()
    for line in sys.stdin:
        order = json.loads(line)
        process = os.fork()
        if not process:
            sys.stdin.close()
            # So that atexit runs, as at the end of any program.
            train(**order)
            return
        print(process, flush=True)
        print(os.waitpid(process, 0)[1], flush=True)


if __name__ == "__main__":
    main()
