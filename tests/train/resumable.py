"""Real trainings in processes of their own that are killed and resumed, and what their weights show."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.recorded import recorded

EPOCHS: Final = 5
SECONDS: Final = 120.0
"""After which a process that does nothing is a failure."""

Truth = dict[int, tuple[float, float]]
"""By step the learning rate and the loss."""

_ROW: Final = np.dtype([("step", "<i8"), ("learning_rate", "<f4"), ("loss", "<f4")])


@dataclass(frozen=True)
class Attempt:
    """One process that trains.

    Attributes:
        folder: Of the run, the checkpoints and the truth.
        number: From 1; learning rate and weight tell the attempts apart.
        way: How it goes on with what is there: ``BackupAndRestore``, ``load_model``,
            ``checkpoint of epoch 1`` or ``new optimizer``.
        length: Batches of an epoch.
        initial_epoch: Keras' argument of the fit; None where the checkpoint says it.
        pause_after: After how many batches of its own it waits for `go_on`; never where it is None.
    """

    folder: Path
    number: int
    way: str
    length: int = 4
    initial_epoch: int | None = None
    pause_after: int | None = None

    @property
    def run(self) -> Path:
        return self.folder / "logs" / "run"

    def truth(self) -> Truth:
        """Returns what the weights said until now."""
        rows = np.fromfile(self._truth_file, _ROW) if self._truth_file.exists() else np.empty(0, _ROW)
        return {int(row["step"]): (float(row["learning_rate"]), float(row["loss"])) for row in rows}

    @property
    def _truth_file(self) -> Path:
        return self.folder / f"truth-{self.number}"

    def train(self, paused: Event, go_on: Event) -> None:
        """Trains, as the target of a process."""
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import keras

        import lrmon
        from tests.fits.framework import OneWeight, batches, number_of, output_itself, unit_gradient_model

        attempt = self

        class Reported(keras.callbacks.Callback):
            """Writes down each step from the weights, and waits where it is told to."""

            def on_train_begin(self, logs: Any = None) -> None:
                self.weight = self.model.layers[-1].weight
                # From another weight no two attempts have the same loss.
                self.weight.assign_add(float(attempt.number))
                self.before, self.made = number_of(self.weight), 0

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                after, step = number_of(self.weight), int(number_of(self.model.optimizer.iterations)) - 1
                row = np.array([(step, self.before - after, self.before)], _ROW)
                with attempt._truth_file.open("ab", buffering=0) as file:
                    file.write(row.tobytes())
                self.before, self.made = after, self.made + 1
                if self.made == attempt.pause_after:
                    paused.set()
                    go_on.wait()

        # Multiples of 1/1024, so that every weight is exact in float32.
        lrs = [self.number * 2.0**-power for power in (6, 8, 10)]
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay([5, 9], lrs)
        model = unit_gradient_model(keras.optimizers.SGD(schedule))
        newest, first = self.folder / "newest.keras", self.folder / "epoch-1.weights.h5"
        initial_epoch, callbacks = self.initial_epoch or 0, []
        if self.way == "BackupAndRestore":
            callbacks.append(keras.callbacks.BackupAndRestore(str(self.folder / "backup")))
        elif self.way == "load_model" and newest.exists():
            custom = {"OneWeight": OneWeight, "output_itself": output_itself}
            model = keras.models.load_model(newest, custom_objects=custom)
        elif self.way == "checkpoint of epoch 1":
            model.optimizer.build(model.trainable_variables)
            model.load_weights(first)

        def save(epoch: int, logs: Any = None) -> None:
            if epoch == 0:
                model.save_weights(first, overwrite=True)
            model.save(self.folder / "saving.keras")
            (self.folder / "saving-epochs").write_text(str(epoch + 1))
            (self.folder / "saving.keras").replace(newest)
            (self.folder / "saving-epochs").replace(self.folder / "saved-epochs")

        # Behind the monitor, so that the batch after which it pauses is recorded.
        callbacks += [lrmon.LRMonitor(self.run), Reported()]
        if self.way == "load_model":
            callbacks.append(keras.callbacks.LambdaCallback(on_epoch_end=save))
        model.fit(**batches(self.length), epochs=EPOCHS, initial_epoch=initial_epoch, callbacks=callbacks)


_context: Final = multiprocessing.get_context("forkserver")
# Each process is a copy of one that has imported Keras and done nothing with it.
_context.set_forkserver_preload(["keras"])


class Training:
    """The process of an attempt."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt: Final = attempt
        self._paused, self._go_on = _context.Event(), _context.Event()
        self._process: Final[BaseProcess] = _context.Process(
            target=attempt.train, args=(self._paused, self._go_on)
        )
        self._process.start()

    def wait_for_pause(self) -> None:
        """Waits for the batch after which it pauses."""
        deadline = time.monotonic() + SECONDS
        while not self._paused.wait(0.05):
            assert self._process.is_alive(), "the training ended before it paused"
            assert time.monotonic() < deadline, "the training does not come to its pause"

    def go_on(self) -> None:
        """Ends the pause."""
        self._go_on.set()

    def complete(self) -> None:
        """Waits for the end of the training."""
        self._go_on.set()
        self._process.join(SECONDS)
        assert 0 == self._process.exitcode

    def kill(self) -> None:
        """Ends the process by SIGKILL."""
        self._process.kill()
        self._process.join(SECONDS)
        assert -signal.SIGKILL == self._process.exitcode

    @property
    def is_alive(self) -> bool:
        return self._process.is_alive()

    @property
    def has_completed(self) -> bool:
        return self._process.exitcode == 0


@contextlib.contextmanager
def training(attempt: Attempt) -> Iterator[Training]:
    """Runs an attempt, and leaves no process behind."""
    running = Training(attempt)
    try:
        yield running
    finally:
        running._process.kill()
        running._process.join()


def rows_in_files(attempt: Attempt) -> int:
    """Returns how many rows of all recordings the files of the run hold together."""
    return len(recorded(attempt.run).step) if attempt.run.exists() else 0


def wait_for_steps(attempt: Attempt, count: int) -> None:
    """Waits until the files hold so many rows."""
    deadline = time.monotonic() + SECONDS
    while rows_in_files(attempt) < count:
        assert time.monotonic() < deadline, f"{count} rows are not in the files"
        time.sleep(0.02)
