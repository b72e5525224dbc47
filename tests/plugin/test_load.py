"""Many clients at once, while the runs that they ask for grow: none fails, and none mixes two moments."""

from __future__ import annotations

import itertools
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from tests.long_run import amount, say
from tests.plugin.process import Server, tensorboard
from tests.plugin.test_tensorboard import LOADERS
from tests.review.written import START

RUNS = ("a", "b/ü", "c")
PER_EPOCH = 50
ROUTES = ("runs", "series", "series", "series", "report", "export", "range_test")


@contextmanager
def growing(folder: Path, every: float) -> Iterator[Callable[[], int]]:
    """Trains several runs in the background, an epoch each so many seconds; gives their steps so far."""
    stop = threading.Event()
    steps = [0]

    def train() -> None:
        recorders = [lrmon.Recorder(folder / name, run={"steps_per_epoch": PER_EPOCH}) for name in RUNS]
        while not stop.wait(every):
            step = np.arange(steps[0], steps[0] + PER_EPOCH)
            for recorder in recorders:
                recorder.batches(
                    learning_rate=0.1 / (1 + step // 70), loss=step.astype(float), wall_time=START + step
                )
                recorder.end_epoch({"loss": float(step[-1])})
                recorder.flush()
            steps[0] += PER_EPOCH
        for recorder in recorders:
            recorder.close()

    with ThreadPoolExecutor(1) as pool:
        trained = pool.submit(train)
        try:
            yield lambda: steps[0]
        finally:
            stop.set()
            trained.result()


def ask(server: Server, random_: random.Random) -> None:
    """Asks for something of a run, and holds the answer together."""
    name, route = random_.choice(RUNS), random_.choice(ROUTES)
    arguments: dict[str, object] = {} if route == "runs" else {"run": name}
    if route == "series":
        arguments["width"] = random_.choice((1, 300, 10_000))
        arguments["smoothing"] = random_.choice((0, 0.5, 0.9))
    if route == "export":
        arguments["format"] = "json"
    answer = server.get(route, **arguments)
    # None of these runs is a range test.
    assert (400 if route == "range_test" else 200) == answer.status, (route, answer.body[:300])
    content = answer.json
    if route in ("series", "export"):
        columns = content["columns"]
        assert 1 == len({len(column) for column in columns.values()})
        assert columns["step"] == columns["loss"]
        ends = content["epochs"]["last_step"]
        assert [float(end) for end in ends] == content["epochs"]["metrics"]["loss"]
        # Steps are written before the epoch that they end, and may be read by some epochs later.
        assert [PER_EPOCH * epoch - 1 for epoch in range(1, len(ends) + 1)] == ends
        assert len(ends) <= content["steps"] // PER_EPOCH + 1
    if route == "report":
        assert content["steps"] == (content["last_step"] or 0) + 1
        assert [] == content["notices"]


def put_load_on(
    server: Server, clients: int, is_enough: Callable[[list[float]], bool]
) -> tuple[list[float], float]:
    """Asks by so many clients at once; returns each answer's seconds, sorted, and the most MB of memory."""
    seconds: list[float] = []
    done = threading.Event()

    def client(seed: int) -> None:
        random_ = random.Random(seed)
        while not done.is_set():
            started = time.perf_counter()
            try:
                ask(server, random_)
            except BaseException:
                done.set()
                raise
            seconds.append(time.perf_counter() - started)
            if is_enough(seconds):
                done.set()

    with ThreadPoolExecutor(clients) as pool:
        for future in [pool.submit(client, seed) for seed in range(clients)]:
            future.result()
    return sorted(seconds), megabytes(server.process_id)


def megabytes(process_id: int) -> float:
    """Returns how much memory a process and its children have had at most."""
    total = 0
    for process in (process_id, *children(process_id)):
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
        total += int(peak[1]) if peak else 0
    return round(total / 1024, 1)


def children(process_id: int) -> list[int]:
    tasks = Path(f"/proc/{process_id}/task").glob("*/children")
    return [int(child) for child in itertools.chain(*(path.read_text().split() for path in tasks))]


@pytest.mark.parametrize("loader", LOADERS)
def test_clients_that_ask_at_once_while_runs_grow_are_all_answered(tmp_path: Path, loader: str) -> None:
    with growing(tmp_path, every=0.1) as steps, tensorboard(tmp_path, LOADERS[loader]) as server:
        server.runs_when(lambda runs: len(runs) == len(RUNS))
        first = steps()
        seconds, _ = put_load_on(
            server, 10, lambda answers: len(answers) > 80 and steps() > first + 5 * PER_EPOCH
        )

    assert len(seconds) > 80


@pytest.mark.long
@pytest.mark.parametrize("loader", LOADERS)
def test_fifty_clients_ask_for_five_minutes(
    tmp_path: Path, loader: str, capfd: pytest.CaptureFixture[str]
) -> None:
    length = amount("LRMON_LONG_SECONDS", 300)
    with growing(tmp_path, every=0.5) as steps, tensorboard(tmp_path, LOADERS[loader]) as server:
        server.runs_when(lambda runs: len(runs) == len(RUNS))
        before, end = megabytes(server.process_id), time.monotonic() + length
        seconds, after = put_load_on(server, 50, lambda _: time.monotonic() > end)
        summary: dict[str, Any] = json.loads(server.get("series", run=RUNS[0], width=1).body)
    p50, p99 = (seconds[int(part * (len(seconds) - 1))] for part in (0.5, 0.99))
    say(
        capfd,
        "clients at once",
        loader=loader,
        clients=50,
        seconds=length,
        answers=len(seconds),
        failed=0,
        p50_ms=round(1000 * p50),
        p99_ms=round(1000 * p99),
        megabytes_before=before,
        megabytes_at_most=after,
        steps=summary["steps"],
    )

    assert steps() > 0
