"""Whatever a damaged file makes of a run, the review answers of it, and its answers hold together."""

from __future__ import annotations

import multiprocessing
import random
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.long_run import amount, say
from tests.review.mutated import EVENTS, check_input, check_inputs, mutated


def test_the_inputs_are_damaged_in_many_ways() -> None:
    events = [mutated(random.Random(seed)) for seed in range(200)]

    assert len({tuple(of_run) for of_run in events}) > 190
    assert all(of_run not in EVENTS for of_run in events[:100:10])


def test_a_damaged_run_is_read_through_both_loaders_shapes() -> None:
    found = check_inputs(1, 200)

    assert found["inputs"] >= 200
    assert found["with_rows"] > found["no_run"] > 0


@pytest.mark.long
def test_a_hundred_thousand_damaged_runs_are_read(capfd: pytest.CaptureFixture[str]) -> None:
    inputs, started = amount("LRMON_LONG_INPUTS", 100_000), time.monotonic()
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawning) as pool:
        parts = list(pool.map(check_inputs, (11, 12), [-(-inputs // 2)] * 2))
    total = {name: sum(found[name] for found in parts) for name in parts[0]}
    say(capfd, "damaged inputs", **total, raised=0, seconds=round(time.monotonic() - started))

    assert total["inputs"] >= inputs
    assert check_input(random.Random(5)) >= -1
