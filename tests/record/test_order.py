"""Which of a folder's recordings is the later one: not a matter of clocks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import lrmon
from lrmon import schema
from lrmon.record.event_file import EventFile
from lrmon.review.reading.log_directory import open_logs
from lrmon.review.reading.run_cache import RunCache
from lrmon.review.run.run import Run
from tests.recorded import recorded

PROCESS = """
import sys, time, lrmon
now, back = time.time, float(sys.argv[2])
time.time = lambda: now() - back
with lrmon.Recorder(sys.argv[1]) as recorder:
    for _ in range(int(sys.argv[3])):
        recorder.batch(learning_rate=float(sys.argv[4]), loss=1.0)
"""


def train(log_dir: Path, *, clock_back: float, steps: int, lr: float) -> None:
    """Records a training in a process of its own, whose clock was set back by so many seconds."""
    arguments = [str(log_dir), str(clock_back), str(steps), str(lr)]
    subprocess.run([sys.executable, "-c", PROCESS, *arguments], check=True, timeout=120)


def run_of(folder: Path, *, fast: bool, name: str = "run") -> Run:
    with open_logs(folder, fast=fast) as reader:
        return RunCache().run(reader, name)


@pytest.mark.parametrize("fast", [True, False], ids=["fast loader", "slow loader"])
def test_the_later_recording_is_shown_though_the_clock_was_set_back(tmp_path: Path, *, fast: bool) -> None:
    train(tmp_path / "run", clock_back=0, steps=50, lr=0.5)
    train(tmp_path / "run", clock_back=30, steps=20, lr=0.25)
    run = run_of(tmp_path, fast=fast)

    assert [0.25] * 20 == run.learning_rate.tolist()
    began = [fit["start_time"] for fit in recorded(tmp_path / "run").fits[::2]]
    assert max(began) - 25 > run.fits[0].record["start_time"] == min(began)
    assert ("This folder also contains 1 earlier training: 'run//earlier 1'.",) == run.notices
    earlier = run_of(tmp_path, fast=fast, name="run//earlier 1")
    assert ([0.5] * 50, max(began)) == (earlier.learning_rate.tolist(), earlier.fits[0].start_time)


@pytest.mark.parametrize("fast", [True, False], ids=["fast loader", "slow loader"])
def test_a_rewound_recording_is_later_than_one_begun_meanwhile(tmp_path: Path, *, fast: bool) -> None:
    with lrmon.Recorder(tmp_path / "run") as recorder:
        for _ in range(10):
            recorder.batch(learning_rate=1.0, loss=1.0)
        recorder.flush()
        train(tmp_path / "run", clock_back=-30, steps=10, lr=0.5)
        recorder.begin_fit({}, first_step=4)
        for _ in range(10):
            recorder.batch(learning_rate=0.25, loss=1.0)
    run = run_of(tmp_path, fast=fast)

    assert [0.5] * 4 + [0.25] * 10 == run.learning_rate.tolist()
    assert ["1", "2", "3"] == [name.partition("-")[0] for name in recorded(tmp_path / "run").recordings]


def test_a_recorder_that_waits_for_its_fit_is_numbered_when_the_fit_begins(tmp_path: Path) -> None:
    early = lrmon.Recorder.without_fit(str(tmp_path))
    with lrmon.Recorder(tmp_path) as late:
        late.batch(learning_rate=0.5, loss=1.0)
    early.begin_fit({}, first_step=0)
    early.batch(learning_rate=0.25, loss=1.0)
    early.close()

    assert [0.5, 0.25] == recorded(tmp_path).learning_rate.tolist()
    assert 2 == len(list(tmp_path.iterdir()))


def test_two_writers_in_one_folder_are_two_recordings(tmp_path: Path) -> None:
    with lrmon.Recorder(tmp_path / "run") as first, lrmon.Recorder(tmp_path / "run") as second:
        for step in range(3000):
            first.batch(learning_rate=1.0, loss=step)
            second.batch(learning_rate=0.5, loss=-step)
    run = run_of(tmp_path, fast=True)

    assert [0.5] * 3000 == run.learning_rate.tolist()
    assert [-step for step in range(3000)] == run.loss.tolist()
    assert 2 == len(recorded(tmp_path / "run").recordings)


def test_recordings_are_ordered_by_number_then_time_and_old_names_are_first() -> None:
    names = [
        "20250102T000000.000000Z-2",
        "20250103T000000.000000Z-1",
        "1-20270101T000000.000000Z-9",
        "2-20250101T000000.000000Z-5",
        "2-20250101T000000.000001Z-4",
        "10-20240101T000000.000000Z-3",
    ]
    assert names == sorted(set(names), key=schema.recording_order)


def test_a_new_event_file_is_last_by_name_whatever_the_clock_says(tmp_path: Path) -> None:
    (tmp_path / "events.out.tfevents.2000000000.host.1.0.v2").write_bytes(b"")
    files = [EventFile(str(tmp_path)) for _ in range(12)]
    for file in files:
        file.close()
    names = [Path(file.path).name for file in files]
    assert names == sorted(names)
    assert names[0] > "events.out.tfevents.2000000000.host.1.0.v2"
    assert list(range(1, 13)) == [file.number for file in files]


def test_numbers_are_found_on_a_remote_file_system_too() -> None:
    assert [1, 2] == [EventFile("memory://numbers/run").number for _ in "ab"]
