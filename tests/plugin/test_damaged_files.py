"""Damaged event files under real TensorBoards of both loaders: they answer, and go on loading."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pytest
from tensorboard.compat.proto import event_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

from tests.long_run import amount, say
from tests.plugin.process import Server, tensorboard
from tests.plugin.test_tensorboard import LOADERS
from tests.review.mutated import EVENTS, mutated
from tests.review.written import START, block, fit, write

A = "20250101T000000.000000Z-1"
ROUTES = ("series?width=500", "report?", "export?format=csv", "range_test?")
INTACT = 50
"""One run of so many is as it was written."""


def write_file(path: Path, events: Sequence[bytes]) -> None:
    """Writes events, whatever they are, with the right checksums."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(event_pb2.Event(wall_time=START, file_version="brain.Event:2").SerializeToString())
        for event in events:
            writer.write(event)
        writer.flush()


def damage(path: Path, random_: random.Random) -> str:
    """Damages a file: its records, or its bytes; returns how."""
    kind = random_.choice(("records", "records", "bytes", "cut", "zeros", "repeated"))
    if kind == "records":
        write_file(path, mutated(random_))
        return kind
    write_file(path, random_.choice(EVENTS))
    content = bytearray(path.read_bytes())
    position = random_.randrange(len(content))
    if kind == "bytes":
        for _ in range(random_.choice((1, 1, 20))):
            content[random_.randrange(len(content))] = random_.randrange(256)
    elif kind == "cut":
        del content[position:]
    elif kind == "zeros":
        content[position:] = bytes(len(content) - position)
    else:
        content += content[position:]
    path.write_bytes(bytes(content))
    return kind


def write_damaged(folder: Path, files: int, seed: int) -> dict[str, int]:
    """Writes runs of one damaged file each, and intact ones among them; returns how many of each kind."""
    random_, kinds = random.Random(seed), Counter[str]()
    for index in range(files):
        if index % INTACT == 0:
            write(
                folder / f"intact-{index:05}", [fit(A, 0, ended="completed", last_step=19), block(A, 0, 20)]
            )
        kinds[damage(folder / f"run-{index:05}" / "events.out.tfevents.1.test", random_)] += 1
    return dict(kinds)


def wait_until_loaded(server: Server, folder: Path, seconds: float) -> None:
    """Waits until everything that lies in a log directory now has been loaded.

    A loader that has one of two new runs looks through all others before it comes to the second.
    """
    for marker in ("marker-1", "marker-2"):
        write(folder / marker, [fit(A, 0), block(A, 0, 10)])
        server.wait_until(lambda marker=marker: marker in server.get("runs").json["runs"], seconds=seconds)  # type: ignore[misc]


def check(server: Server, folder: Path, files: int, seconds: float = 60.0) -> dict[str, int]:
    """Asks a TensorBoard for everything of every run, as soon as it has loaded them."""
    wait_until_loaded(server, folder, seconds)
    runs = server.get("runs").json["runs"]
    counts = Counter[str](
        requests=1, runs=len(runs), noticed=sum(bool(run["notices"]) for run in runs.values())
    )
    intact = [run for name, run in runs.items() if name.startswith("intact")]
    assert [(20, "completed", [])] * -(-files // INTACT) == [
        (run["steps"], run["state"], run["notices"]) for run in intact
    ]
    for name, run in runs.items():
        for route in ROUTES:
            path, _, rest = route.partition("?")
            answer = server.get_path(f"/data/plugin/lrmon/{path}?run={quote(name)}&{rest}".rstrip("&"))
            counts["requests"] += 1
            assert answer.status == 200 or 400 <= answer.status < 500, (name, route, answer)
            if answer.status == 200 and path in ("series", "report"):
                assert run["steps"] == answer.json["steps"], (name, route)
            if answer.status != 200:
                assert ["error"] == list(json.loads(answer.body)), (name, route, answer)
    return dict(counts)


@pytest.mark.parametrize("loader", LOADERS)
def test_damaged_files_are_answered_of(tmp_path: Path, loader: str) -> None:
    write_damaged(tmp_path, 30, seed=1)
    with tensorboard(tmp_path, LOADERS[loader]) as server:
        counts = check(server, tmp_path, 30)

    assert counts["runs"] > 20
    assert counts["noticed"] > 5


@pytest.mark.long
@pytest.mark.parametrize("loader", LOADERS)
def test_two_thousand_damaged_files_are_answered_of(
    tmp_path: Path, loader: str, capfd: pytest.CaptureFixture[str]
) -> None:
    files, started = amount("LRMON_LONG_FILES", 2_000), time.monotonic()
    kinds = write_damaged(tmp_path / "logs", files, seed=2)
    with tensorboard(tmp_path / "logs", LOADERS[loader]) as server:
        counts = check(server, tmp_path / "logs", files, seconds=600.0)
    seconds = round(time.monotonic() - started)
    say(
        capfd,
        "damaged files",
        loader=loader,
        files=files,
        kinds=kinds,
        above_499=0,
        seconds=seconds,
        **counts,
    )
