"""What recording costs: the same small model trained with and without a callback, in turn, in one process.

    python tests/benchmarks/callback_cost.py [--steps 2000] [--rounds 25] [--jit]

The model is as small as models get (a batch takes about half a millisecond), so that the share of the
callback is as large as it gets. One fit of each kind a round, in a changing order; medians of the rounds.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import lrmon


def small_model(jit_compile: bool) -> keras.Model:
    """A Dense network with Adam and a schedule."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((32,)), keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)]
    )
    schedule = keras.optimizers.schedules.ExponentialDecay(0.001, 100, 0.9, staircase=True)
    model.compile(
        keras.optimizers.Adam(schedule),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=jit_compile,
    )
    return model


def main() -> None:
    """Prints the median time a batch of each kind, and its ratio to plain training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000, help="batches a fit")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--jit", action="store_true", help="jit_compile=True")
    arguments = parser.parse_args()

    random = np.random.default_rng(1)
    x = random.normal(size=(32 * arguments.steps, 32)).astype("float32")
    y = random.integers(0, 10, size=len(x))
    folder = Path(tempfile.mkdtemp())
    monitor = lrmon.LRMonitor(folder / "lrmon")
    callbacks: dict[str, Callable[[], list[keras.callbacks.Callback]]] = {
        "no callback": list,
        "LRMonitor": lambda: [monitor],
        "TensorBoard(update_freq=1)": lambda: [
            keras.callbacks.TensorBoard(folder / "keras", update_freq=1, write_graph=False)
        ],
    }
    models = {name: small_model(arguments.jit) for name in callbacks}
    seconds: dict[str, list[float]] = {name: [] for name in callbacks}
    ratios: dict[str, list[float]] = {name: [] for name in callbacks}
    for turn in range(arguments.rounds + 1):
        for name in list(callbacks)[:: 1 if turn % 2 else -1]:
            begin = time.perf_counter()
            models[name].fit(x, y, batch_size=32, verbose=0, shuffle=False, callbacks=callbacks[name]())
            seconds[name].append(time.perf_counter() - begin)
        for name in callbacks:
            ratios[name].append(seconds[name][-1] / seconds["no callback"][-1])

    print(f"{arguments.steps} batches a fit, {arguments.rounds} rounds after a warm-up: medians (quartiles)")
    for name in callbacks:
        per_batch = np.median(seconds[name][1:]) / arguments.steps * 1e6
        low, middle, high = np.percentile(ratios[name][1:], [25, 50, 75])
        print(f"{name:28} {per_batch:8.1f} µs a batch   ratio {middle:.3f}   ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
