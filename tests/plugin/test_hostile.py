"""A million requests that no page sends: each is answered by 200, or by 4xx with one sentence as JSON."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.long_run import amount, say
from tests.plugin.hostile import check_requests


def test_hostile_requests_are_answered_with_a_sentence() -> None:
    statuses = check_requests(3, 1_000)["statuses"]

    assert {200, 400, 404, 405} == set(statuses)
    assert min(statuses.values()) > 5


@pytest.mark.long
def test_a_million_hostile_requests_are_answered_with_a_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    requests, started = amount("LRMON_LONG_REQUESTS", 1_000_000), time.monotonic()
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawning) as pool:
        parts = list(pool.map(check_requests, (21, 22), [-(-requests // 2)] * 2))
    seconds = time.monotonic() - started
    statuses = sum((Counter(part["statuses"]) for part in parts), Counter[int]())
    say(
        capfd,
        "requests in process",
        requests=statuses.total(),
        statuses=dict(sorted(statuses.items())),
        above_499=0,
        seconds=round(seconds),
        per_second=round(statuses.total() / seconds),
    )

    assert statuses.total() >= requests
    assert {200, 400, 404, 405} == set(statuses)
