"""How fast a run of a million steps is on the screen: the first picture, and each zoom.

    python tests/benchmarks/page_speed.py [--steps 1000000] [--rounds 7]

A real TensorBoard serves what Recorder wrote, a real Chromium draws it. The clock of the first picture
starts with the plugin's page, once TensorBoard has loaded the run; the clock of a zoom stops when the range
is drawn in full resolution. TensorBoard's own time to load is given for comparison.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

import lrmon
from tests.browser.conftest import ARGUMENTS, Opener, chromium
from tests.browser.page import link, runs
from tests.plugin.process import tensorboard


def record(log_dir: Path, steps: int) -> float:
    """Records a run with a noisy loss and a staircase of 40; returns the seconds that it took."""
    random = np.random.default_rng(1)
    step = np.arange(steps)
    lr = 0.1 * 0.9 ** (step * 40 // steps)
    loss = 0.2 + 2 * np.exp(-4 * step / steps) * np.exp(random.normal(scale=0.2, size=steps))
    begin = time.perf_counter()
    with lrmon.Recorder(log_dir) as recorder:
        for rows in np.array_split(step, 100):
            recorder.batches(
                learning_rate=lr[rows],
                effective_learning_rate=lr[rows],
                loss=loss[rows],
                wall_time=time.time() + rows * 1e-3,
            )
            recorder.end_epoch({"val_loss": float(loss[rows].mean())})
    return time.perf_counter() - begin


def main() -> None:
    """Prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()

    logs = Path(tempfile.mkdtemp())
    seconds = record(logs / "million", arguments.steps)
    each = seconds / arguments.steps * 1e6
    print(f"recorded {arguments.steps:,} steps in {seconds:.2f} s, {each:.2f} µs a step")
    with tensorboard(logs) as server, sync_playwright() as playwright:
        begin = time.perf_counter()
        server.runs_when(lambda found: bool(found) and found["million"]["steps"] == arguments.steps)
        print(f"TensorBoard served it after {time.perf_counter() - begin:.2f} s")
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        opens, zooms = [], []
        for _ in range(arguments.rounds):
            opener = Opener(browser)
            begin = time.perf_counter()
            monitor = opener(server, link(runs=runs("million")))
            opens.append(time.perf_counter() - begin)
            for _ in range(4):
                monitor.hover("loss", 0.62)
                before = monitor.coverage
                monitor.drag("loss", (0.6, 0.5), (0.7, 0.5))
                begin = time.perf_counter()
                monitor.frame.wait_for_function(
                    "before => document.querySelector('[data-testid=coverage]').innerText !== before",
                    arg=before,
                    polling=5,
                )
                zooms.append(time.perf_counter() - begin)
            opener.close()
        browser.close()
    for name, found in (("first picture", opens), ("zoom", zooms)):
        print(f"{name}: median {np.median(found):.3f} s, slowest {max(found):.3f} s, of {len(found)}")


if __name__ == "__main__":
    main()
