"""What a sample of step sizes costs, in time and as a share of a step, for models of 10⁴ to 10⁷ weights.

    python tests/benchmarks/step_sizes.py [--steps 60] [--every 3] [--optimizer Adam] [--layers 2]

One fit each. A sample is read before the update and after it, and made into quantiles when its row is read.
The last number compares steps with a sample with those without: waiting for the device is in it, and the
quantiles are not where another thread makes them. KERAS_BACKEND chooses the backend.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from typing import Any, Final

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import lrmon
from lrmon.train.update_samples.sampler import UpdateSampler

_WARM_UP: Final = 5
"""Steps that compile, or nearly."""


class Clock(keras.callbacks.Callback):
    """When each batch ended, and with it what the callbacks before this one did."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.ends.append(time.perf_counter())


class Stopwatch:
    """Milliseconds that each sample takes, measured around the three parts of one."""

    PARTS: Final = {"before": "_read_before", "after": "_take", "quantiles": "_completed"}

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = {part: [] for part in self.PARTS}
        for part, method in self.PARTS.items():
            setattr(UpdateSampler, method, self._timed(self.took[part], getattr(UpdateSampler, method)))

    @staticmethod
    def _timed(took: list[float], method: Any) -> Any:
        def timed(step_sizes: Any, *arguments: Any) -> Any:
            begin = time.perf_counter()
            result = method(step_sizes, *arguments)
            samples = len(result) if isinstance(result, list) else 1
            if samples:
                took.append((time.perf_counter() - begin) / samples * 1e3)
            return result

        return timed


def dense_model(weights: int, layers: int, optimizer: str) -> keras.Model:
    """Square Dense layers with about so many weights in all."""
    keras.utils.set_random_seed(1)
    side = round((weights / layers) ** 0.5)
    model = keras.Sequential([keras.Input((side,)), *(keras.layers.Dense(side) for _ in range(layers))])
    model.compile(getattr(keras.optimizers, optimizer)(1e-4), "mse")
    return model


def main() -> None:
    """Prints a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--optimizer", default="Adam")
    parser.add_argument("--layers", type=int, default=2)
    arguments = parser.parse_args()
    stopwatch = Stopwatch()
    print(
        f"{keras.backend.backend()}, {arguments.optimizer}, {arguments.layers} layers, batches of 32: medians"
    )
    for weights in (10_000, 1_000_000, 10_000_000):
        for took in stopwatch.took.values():
            took.clear()
        model, clock = dense_model(weights, arguments.layers, arguments.optimizer), Clock()
        x = np.random.default_rng(1).normal(size=(32 * arguments.steps, model.input_shape[1]))
        monitor = lrmon.LRMonitor(tempfile.mkdtemp(), step_sizes_every=arguments.every)
        x = x.astype("float32")
        model.fit(x, x, batch_size=32, verbose=0, shuffle=False, callbacks=[monitor, clock])
        parts = {part: float(np.median(took)) for part, took in stopwatch.took.items()}
        between = np.diff(clock.ends)[_WARM_UP:] * 1e3
        sampled = (np.arange(1, arguments.steps) % arguments.every == 0)[_WARM_UP:]
        plain = float(np.median(between[~sampled]))
        more = float(np.median(between[sampled])) - plain
        print(
            f"{model.count_params():>10,} weights: a step {plain:.2f} ms, "
            f"a sample {sum(parts.values()):.2f} ms "
            f"({', '.join(f'{part} {took:.2f}' for part, took in parts.items())}); "
            f"a step with a sample takes {more:.2f} ms more, {more / plain:.0%} of a step"
        )


if __name__ == "__main__":
    main()
