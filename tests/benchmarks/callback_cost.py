"""What recording costs: the same small model trained with and without a callback, in turn, in one process.

    python tests/benchmarks/callback_cost.py [--steps 2000] [--rounds 25] [--jit | --eager]

on the backend that KERAS_BACKEND names. The model is as small as models get (a batch takes 0.1 to 0.5
milliseconds), so that the share of the callback is as large as it gets. One fit of each kind a round, in a
changing order; medians of the rounds.

Where there is no callback with a hook for batches, Keras on JAX and PyTorch hands the batch's logs to another
thread; any hook has it wait for them. What a hook that does nothing costs is shown too.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import lrmon


class Nothing(keras.callbacks.Callback):
    """Has a hook for batches, which does nothing."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None: ...


def small_model(**compile_arguments: Any) -> keras.Model:
    """A Dense network with Adam and a schedule."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((32,)), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)]
    )
    schedule = keras.optimizers.schedules.ExponentialDecay(0.001, 100, 0.9, staircase=True)
    model.compile(
        keras.optimizers.Adam(schedule),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **compile_arguments,
    )
    return model


def main() -> None:
    """Prints the median time a batch of each kind, and its ratio to plain training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000, help="batches a fit")
    parser.add_argument("--rounds", type=int, default=25)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--jit", action="store_true", help="jit_compile=True, which is what JAX has anyway")
    mode.add_argument("--eager", action="store_true", help="run_eagerly=True")
    arguments = parser.parse_args()
    backend = keras.backend.backend()
    compile_arguments = (
        {"run_eagerly": True} if arguments.eager else {"jit_compile": arguments.jit or (backend == "jax")}
    )

    random = np.random.default_rng(1)
    x = random.normal(size=(32 * arguments.steps, 32)).astype("float32")
    y = random.integers(0, 10, size=len(x))
    folder = Path(tempfile.mkdtemp())
    monitor = lrmon.LRMonitor(folder / "lrmon")
    callbacks: dict[str, Callable[[], list[keras.callbacks.Callback]]] = {
        "no callback": list,
        "a callback that does nothing": lambda: [Nothing()],
        "LRMonitor": lambda: [monitor],
    }
    if backend == "tensorflow":  # which that callback needs
        callbacks["TensorBoard(update_freq=1)"] = lambda: [
            keras.callbacks.TensorBoard(folder / "keras", update_freq=1, write_graph=False)
        ]
    models = {name: small_model(**compile_arguments) for name in callbacks}
    seconds: dict[str, list[float]] = {name: [] for name in callbacks}
    ratios: dict[str, list[float]] = {name: [] for name in callbacks}
    for turn in range(arguments.rounds + 1):
        for name in list(callbacks)[:: 1 if turn % 2 else -1]:
            begin = time.perf_counter()
            models[name].fit(x, y, batch_size=32, verbose=0, shuffle=False, callbacks=callbacks[name]())
            seconds[name].append(time.perf_counter() - begin)
        for name in callbacks:
            ratios[name].append(seconds[name][-1] / seconds["no callback"][-1])

    print(f"keras {keras.__version__} on {backend}, {compile_arguments}")
    print(f"{arguments.steps} batches a fit, {arguments.rounds} rounds after a warm-up: medians (quartiles)")
    for name in callbacks:
        per_batch = np.median(seconds[name][1:]) / arguments.steps * 1e6
        low, middle, high = np.percentile(ratios[name][1:], [25, 50, 75])
        print(f"{name:29} {per_batch:8.1f} µs a batch   ratio {middle:.3f}   ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
