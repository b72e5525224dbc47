"""What the lines after a fit cost: of runs of several lengths, median and maximum in milliseconds.

    python tests/benchmarks/closing_cost.py [--rounds 15]

The runs have noise, a staircase and epochs with metrics, as the detectors of findings meet them. Loading the
review, once a process and before the first batch, is shown apart.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np

from lrmon.record.journal import Journal
from lrmon.record.recorder import Recorder

LOAD = """
import time, lrmon
lrmon.LRMonitor
start = time.perf_counter()
import lrmon.train.fit.closing_lines
print(time.perf_counter() - start)
"""


def recorded(folder: str, steps: int, steps_per_epoch: int) -> tuple[Recorder, Journal]:
    """Returns a recorder of a training of so many steps, and its journal."""
    journal = Journal()
    recorder = Recorder.without_fit(folder, journal)
    decay = {"initial_learning_rate": 0.1, "decay_steps": 950, "decay_rate": 0.95, "staircase": True}
    schedule = {"class_name": "ExponentialDecay", "config": decay}
    recorder.begin_fit({"schedule": schedule, "steps_per_epoch": steps_per_epoch}, first_step=0)
    noise = np.random.default_rng(1)
    for number in range(steps // steps_per_epoch):
        step = np.arange(number * steps_per_epoch, (number + 1) * steps_per_epoch)
        loss = (0.3 + 2 * np.exp(-4 * step / steps)) * np.exp(noise.normal(scale=0.15, size=step.size))
        lr = 0.1 * 0.95 ** (step // 950)
        recorder.batches(learning_rate=lr, loss=loss, wall_time=1.7e9 + step / 100)
        recorder.end_epoch({"loss": float(loss.mean()), "val_loss": float(1.1 * loss.mean())})
    recorder.end_fit("completed")
    recorder.flush()
    return recorder, journal


def timed(call: Callable[[], object], rounds: int) -> list[float]:
    """Returns the seconds of each call."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    loads = [
        float(subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    ]
    print(f"loading the review  median {1e3 * statistics.median(loads):6.1f} ms")
    closing = importlib.import_module("lrmon.train.fit.closing_lines")
    for steps, steps_per_epoch in ((1_000, 100), (100_000, 1_000), (100_000, 100), (1_000_000, 1_000)):
        with tempfile.TemporaryDirectory() as folder:
            recorder, journal = recorded(folder, steps, steps_per_epoch)
            seconds = timed(lambda: closing.closing_lines(recorder, journal), rounds)  # noqa: B023
            recorder.close()
        middle, most = 1e3 * statistics.median(seconds), 1e3 * max(seconds)
        run = f"{steps:9,} steps, {steps // steps_per_epoch:5,} epochs"
        print(f"{run}  median {middle:6.1f} ms  max {most:6.1f} ms")


if __name__ == "__main__":
    main()
