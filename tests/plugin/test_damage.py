"""Damaged event files in real TensorBoard processes: one run's damage is that run's alone, and it is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.summary.writer.record_writer import RecordWriter

import lrmon
from tests.plugin.process import tensorboard
from tests.plugin.test_tensorboard import LOADERS
from tests.review.written import block, fit, write

A = "20250101T000000.000000Z-1"
DAMAGED = (
    "The event file 'events.out.tfevents.1.test' is damaged: TensorBoard could not read all of it, and the "
    "rest is missing here."
)


def event_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def add_what_is_no_event(folder: Path) -> None:
    """A record with the right checksums that protobuf cannot parse, and more steps behind it."""
    with event_file(folder).open("ab") as file:
        writer = RecordWriter(file)
        writer.write(b"\xff" * 40)
        writer.flush()
    write(folder / "rest", [block(A, 10, 10)])
    rest = event_file(folder / "rest")
    with (folder / rest.name).open("ab") as file:
        file.write(rest.read_bytes())
    rest.unlink()
    rest.parent.rmdir()


@pytest.fixture
def log_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    for name in ("a", "broken", "z"):
        write(folder / name, [fit(A, 0), block(A, 0, 10)])
    add_what_is_no_event(folder / "broken")
    return folder


@pytest.mark.parametrize("loader", LOADERS)
def test_an_event_that_cannot_be_parsed_costs_its_own_run_alone(log_dir: Path, loader: str) -> None:
    with tensorboard(log_dir, LOADERS[loader]) as server:
        runs = server.runs_when(lambda runs: len(runs) == 3)["runs"]

        assert {"a": 10, "broken": 10, "z": 10} == {name: run["steps"] for name, run in runs.items()}
        if loader == "slow":  # What the data server meets, only its own log tells.
            assert [DAMAGED] == runs["broken"]["notices"]
            assert DAMAGED in server.get("series", run="broken").json["notices"]
        assert [] == runs["a"]["notices"] == runs["z"]["notices"]

        # And the loading goes on, for runs that were there and for new ones.
        write(log_dir / "z", [block(A, 10, 10)], name="2.test")
        write(log_dir / "later", [fit(A, 0), block(A, 0, 10)])
        later = server.runs_when(lambda runs: len(runs) == 4 and runs["z"]["steps"] == 20)["runs"]
        assert (10, 10) == (later["broken"]["steps"], later["later"]["steps"])


@pytest.mark.parametrize("fast", [True, False])
def test_a_damaged_file_is_said_of_its_run(
    log_dir: Path, fast: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not fast:
        monkeypatch.setenv("TENSORBOARD_DATA_SERVER_BINARY", str(tmp_path / "no such file"))
    runs = lrmon.load(log_dir)

    assert {"a": 10, "broken": 10, "z": 10} == {name: run.step.size for name, run in runs.items()}
    assert {"a": (), "broken": (DAMAGED,), "z": ()} == {name: run.notices for name, run in runs.items()}


def test_a_repaired_file_is_not_called_damaged_again(log_dir: Path) -> None:
    before = lrmon.load(log_dir)["broken"]
    event_file(log_dir / "broken").unlink()
    write(log_dir / "broken", [fit(A, 0), block(A, 0, 20)])
    after = lrmon.load(log_dir)["broken"]

    assert ((DAMAGED,), ()) == (before.notices, after.notices)
    assert (10, 20) == (before.step.size, after.step.size)
    assert before.version != after.version


def test_a_wrong_checksum_is_said_where_the_loader_minds(
    log_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The data server does not look at checksums; the Python loader reads up to the wrong one."""
    path = event_file(log_dir / "a")
    write(tmp_path / "more", [block(A, 10, 10)])
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(bytes(content) + event_file(tmp_path / "more").read_bytes())
    fast = lrmon.load(log_dir)["a"]
    monkeypatch.setenv("TENSORBOARD_DATA_SERVER_BINARY", str(tmp_path / "no such file"))
    slow = lrmon.load(log_dir)["a"]

    assert (20, ()) == (fast.step.size, fast.notices)
    assert (0, (DAMAGED,)) == (slow.step.size, slow.notices)


def test_a_record_that_is_still_being_written_is_no_damage(
    log_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = event_file(log_dir / "a")
    path.write_bytes(path.read_bytes()[:-50])
    monkeypatch.setenv("TENSORBOARD_DATA_SERVER_BINARY", str(tmp_path / "no such file"))

    assert () == lrmon.load(log_dir)["a"].notices
