"""What is recorded where the folder is full, read-only, deleted, hanging, and back again."""

from __future__ import annotations

import gc
import logging
import shutil
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import lrmon
from lrmon.record import flush_thread, intake, writer
from lrmon.record import recorder as recorder_module
from lrmon.review.run.run import Run
from tests.record.file_systems import Remote, SmallDisk
from tests.recorded import recorded
from tests.review.written import Logs

LARGE = 10**9


@contextmanager
def warned_of(pattern: str) -> Iterator[pytest.WarningsRecorder]:
    """Expects a RuntimeWarning somewhere in a story of several lines."""
    with pytest.warns(RuntimeWarning, match=pattern) as warned:
        yield warned


@pytest.fixture
def remote() -> Iterator[type[Remote]]:
    Remote.fresh()
    yield Remote
    Remote.fresh()


@pytest.fixture(autouse=True)
def _tries_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_LONGEST_RETRY_SECONDS", 0.05)


def wait_for(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come"
        threading.Event().wait(0.02)


def train(recorder: lrmon.Recorder, first: int, last: int) -> None:
    for step in range(first, last):
        recorder.batch(learning_rate=0.1, loss=step)


def complete_run(folder: Path, steps: int) -> Run:
    """Returns the run, of which nothing is missing."""
    run = Logs(folder.parent).run(folder.name)
    assert list(range(steps)) == run.step.tolist()
    assert list(range(steps)) == run.loss.tolist()
    assert (True, ()) == (run.complete, run.notices)
    return run


# Deleted.


def test_a_deleted_folder_is_noticed_and_nothing_is_lost(tmp_path: Path) -> None:
    recorder = lrmon.Recorder(tmp_path / "run")
    train(recorder, 0, 2000)
    recorder.end_epoch({"val_loss": 1.0})
    recorder.flush()
    shutil.rmtree(tmp_path / "run")
    begin = time.monotonic()
    with warned_of(r"was deleted .*everything") as warned:
        wait_for(lambda: any((tmp_path / "run").glob("*")))
        assert time.monotonic() - begin < 10
        train(recorder, 2000, 2500)
        recorder.close()
    assert 1 == len(warned)
    assert [{"val_loss": 1.0}] == [epoch.metrics for epoch in complete_run(tmp_path / "run", 2500).epochs]


def test_a_deleted_folder_that_cannot_be_made_again_is_waited_for(tmp_path: Path) -> None:
    recorder = lrmon.Recorder(tmp_path / "logs" / "run")
    train(recorder, 0, 100)
    recorder.flush()
    shutil.rmtree(tmp_path / "logs")
    (tmp_path / "logs").write_text("in the way")
    train(recorder, 100, 200)
    with warned_of("failed .*NotADirectoryError|cannot write its event file"):
        wait_for(lambda: bool(recorder._warnings))
        recorder.batch(learning_rate=0.1, loss=200)
    (tmp_path / "logs").unlink()
    with warned_of("was deleted"):
        recorder.close()
    complete_run(tmp_path / "logs" / "run", 201)


def test_what_was_cut_off_is_said_to_be_lost(tmp_path: Path) -> None:
    recorder = lrmon.Recorder(tmp_path / "run")
    train(recorder, 0, 100)
    recorder.end_epoch({"val_loss": 1.0})
    recorder.flush()
    (file,) = (tmp_path / "run").iterdir()
    file.write_bytes(b"")
    with warned_of("was deleted|100 steps and 1 epoch "):
        train(recorder, 100, 150)
        recorder.close()
    run = Logs(tmp_path).run("run")
    assert list(range(100, 150)) == run.step.tolist()
    assert not run.complete
    assert any(" 100 steps and 1 epoch," in notice for notice in run.notices)


def test_a_remote_file_that_was_deleted_is_said_to_be_lost(remote: type[Remote], tmp_path: Path) -> None:
    recorder = lrmon.Recorder("remote://logs/run")
    train(recorder, 0, 100)
    recorder.flush()
    wait_for(
        lambda: recorder._thread._writer._file is not None and recorder._thread._writer._file._was_observed
    )
    remote.store.clear()
    with warned_of("was deleted"):
        wait_for(lambda: bool(recorder._warnings))
        train(recorder, 100, 150)
    with warned_of(r"steps of 'remote://logs/run'"):
        recorder.close()
    remote.copied_to(tmp_path / "run")
    run = Logs(tmp_path).run("run")
    assert list(range(100, 150)) == run.step.tolist()
    assert not run.complete
    assert any(" 100 steps," in notice for notice in run.notices)


# Full, and free again little by little.


def test_of_a_disk_that_frees_little_by_little_every_byte_is_used_and_none_torn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flush_thread, "_FLUSH_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(writer, "_LONGEST_RETRY_SECONDS", 30.0)
    disk = SmallDisk(monkeypatch, 200_000)
    recorder = lrmon.Recorder(tmp_path / "run")
    within = recorder._thread._writer
    with warned_of("No space left on device") as warned:
        train(recorder, 0, 5000)
        recorder.end_epoch({"val_loss": 1.0})
        sizes = []
        for _ in range(12):
            # The try is over once not even one step fits; the next comes a second later at the earliest.
            wait_for(lambda: within._retry_seconds > 0 and disk.room < 2000)
            for file in (tmp_path / "run").iterdir():
                assert whole_events(file)
            sizes.append(sum(file.stat().st_size for file in (tmp_path / "run").iterdir()))
            # A row and its scalars take some 250 bytes: what fits is written, and nothing else.
            assert disk.room < 2000
            disk.room += 40_000
            within._retry_seconds = within._retry_time = 0.0
        disk.room = LARGE
        wait_for(lambda: not within._kept)
        recorder.close()
    assert 1 == len(warned)
    assert all(later - before > 38_000 for before, later in pairwise(sizes))
    assert 1 == len(complete_run(tmp_path / "run", 5000).epochs)


def whole_events(file: Path) -> bool:
    """Returns whether the file ends where an event ends."""
    data = file.read_bytes()
    while data:
        size = 16 + int.from_bytes(data[:8], "little")
        if len(data) < size:
            return False
        data = data[size:]
    return True


def test_a_read_only_folder_gets_everything_once_it_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SmallDisk(monkeypatch, LARGE)
    recorder = lrmon.Recorder(tmp_path / "run")
    train(recorder, 0, 1000)
    disk.readonly = True
    with warned_of("Read-only file system"):
        train(recorder, 1000, 5000)
        recorder.end_epoch({"val_loss": 1.0})
        recorder.flush()
    disk.readonly = False
    recorder.close()
    complete_run(tmp_path / "run", 5000)


def test_what_is_beyond_the_bound_is_lost_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "KEPT_ROWS", 3000)
    disk = SmallDisk(monkeypatch, LARGE)
    recorder = lrmon.Recorder(tmp_path / "run")
    train(recorder, 0, 1000)
    recorder.flush()
    disk.readonly = True
    with warned_of("Read-only file system"):
        recorder.batch(learning_rate=0.1, loss=1000)
        recorder.end_epoch({"val_loss": 1.0})
        for step in range(1001, 10_000):
            recorder.batch(learning_rate=0.1, loss=step)
            if step % 500 == 0:
                recorder.flush()
        recorder.flush()
    disk.readonly = False
    with warned_of(r"steps and 1 epoch of "):
        recorder.close()
    run = Logs(tmp_path).run("run")
    steps = run.step.tolist()
    assert list(range(1000)) == steps[:1000]
    assert 9999 == steps[-1]
    assert len(steps) <= 4000
    assert not run.complete
    lost = f" {10_000 - len(steps):,} steps and 1 epoch,"
    assert any(lost in notice for notice in run.notices)


def test_steps_lost_at_the_very_end_make_a_run_incomplete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SmallDisk(monkeypatch, LARGE)
    recorder = lrmon.Recorder(tmp_path / "run")
    train(recorder, 0, 10)
    recorder.flush()
    monkeypatch.setattr(writer, "KEPT_ROWS", 0)
    disk.readonly = True
    train(recorder, 10, 20)
    with warned_of("10 steps of |Read-only file system") as warned:
        wait_for(lambda: recorder._thread._writer._lost.steps == 10)
        disk.readonly = False
        recorder.close()
    assert "10 steps of " in str(warned[-1].message)
    run = Logs(tmp_path).run("run")
    assert list(range(10)) == run.step.tolist()
    assert ("completed", 19, False) == (run.state, run.fits[-1].last_step, run.complete)


def test_no_call_works_on_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SmallDisk(monkeypatch, LARGE)
    recorder = lrmon.Recorder(tmp_path / "run")
    disk.readonly = True
    ones, ran_in = np.ones(100_000), set()
    with warned_of("Read-only"):
        for _ in range(13):
            recorder.batches(learning_rate=ones, loss=ones, wall_time=time.time() + ones)
            recorder.flush()
            sys.setprofile(lambda frame, event, arg: ran_in.add(frame.f_code.co_filename))
            try:
                for _ in range(200):
                    recorder.batch(learning_rate=0.1, loss=1.0)
            finally:
                sys.setprofile(None)
        recorder.close()
    ours = {Path(path).stem for path in ran_in if path.startswith(str(Path(writer.__file__).parent))}
    assert {"arguments", "flush_thread", "intake", "recorder"} >= ours > set()


LIMITED = """
import resource, signal, sys, lrmon
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
recorder = lrmon.Recorder(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
for step in range(5000):
    recorder.batch(learning_rate=0.1, loss=step)
recorder.close()
"""


def test_files_as_long_as_the_system_lets_them_be(tmp_path: Path) -> None:
    """A real error in the middle of a real write, for whoever runs the tests."""
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "run")],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "File too large" in result.stderr
    assert all(whole_events(file) for file in (tmp_path / "run").iterdir())
    complete_run(tmp_path / "run", 5000)


def test_a_full_disk(tmp_path: Path) -> None:
    """A disk of one megabyte where one can be mounted, which takes a user with the right; else /dev/full."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "lrmon", str(mounted)], capture_output=True, check=False
    )
    if mount.returncode:
        with pytest.raises(OSError, match="No space left"), Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"1")
        return
    try:
        recorder = lrmon.Recorder(mounted / "run")
        ballast = mounted / "ballast"
        with warned_of("No space left on device"):
            ballast.write_bytes(bytes(900_000))
            train(recorder, 0, 3000)
            recorder.flush()
        assert all(whole_events(file) for file in (mounted / "run").iterdir())
        ballast.unlink()
        recorder.close()
        complete_run(mounted / "run", 3000)
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


# Hanging.


def test_training_never_waits_for_a_file_system_that_hangs(
    remote: type[Remote], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "WAIT_SECONDS", 0.2)
    recorder = lrmon.Recorder("remote://logs/run")
    train(recorder, 0, 100)
    recorder.flush()
    remote.answers.clear()
    begin = time.monotonic()
    ones = np.ones(1000)
    for first in range(100, 20_100, 2000):
        train(recorder, first, first + 1000)
        recorder.batches(
            learning_rate=ones,
            loss=np.arange(first + 1000, first + 2000),
            wall_time=np.full(1000, time.time()),
        )
        recorder.end_epoch({"val_loss": 1.0})
        recorder.flush()
    # 20,000 steps take 0.2 seconds, a wait for one operation would have no end.
    assert time.monotonic() - begin < 10
    remote.answers.set()
    monkeypatch.setattr(recorder_module, "WAIT_SECONDS", 60.0)
    recorder.close()
    remote.copied_to(tmp_path / "run")
    assert 10 == len(complete_run(tmp_path / "run", 20_100).epochs)


def test_what_a_hanging_file_system_does_not_take_in_time_is_dropped_and_said(
    remote: type[Remote], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MOST_ENTRIES", 2000)
    recorder = lrmon.Recorder("remote://logs/run")
    train(recorder, 0, 100)
    recorder.flush()
    remote.answers.clear()
    with warned_of("not been writable"):
        train(recorder, 100, 10_000)
        recorder.end_epoch({"val_loss": 1.0})
    remote.answers.set()
    wait_for(lambda: recorder._intake.taken == recorder._intake.weight)
    train(recorder, 10_000, 10_100)
    with warned_of(r"steps and 1 epoch of "):
        recorder.close()
    remote.copied_to(tmp_path / "run")
    run = Logs(tmp_path).run("run")
    assert list(range(10_000, 10_100)) == run.step.tolist()[-100:]
    np.testing.assert_array_equal(run.step, run.loss)
    assert len(run.step) < 10_100
    lost = f" {10_100 - len(run.step):,} steps and 1 epoch,"
    assert any(lost in notice for notice in run.notices)
    assert not run.complete


def test_closing_waits_a_limited_time(remote: type[Remote], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "WAIT_SECONDS", 0.2)
    recorder = lrmon.Recorder("remote://logs/run")
    remote.answers.clear()
    recorder.batch(learning_rate=0.1, loss=1.0)
    begin = time.monotonic()
    with warned_of(r"did not take the last steps within 0 seconds"):
        recorder.close()
    assert time.monotonic() - begin < 10
    remote.answers.set()
    wait_for(lambda: not recorder._thread._thread.is_alive())


# What reaches a training.


def test_no_warning_of_ours_ends_a_loop_where_warnings_are_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = SmallDisk(monkeypatch, LARGE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with caplog.at_level(logging.WARNING), lrmon.Recorder(tmp_path / "run") as recorder:
            disk.readonly = True
            train(recorder, 0, 5000)
            recorder.end_epoch({"val_loss": 1.0})
            recorder.flush()
    assert "Read-only file system" in caplog.text
    assert "5,000 steps" in caplog.text


def test_no_warning_of_ours_ends_a_fit_where_warnings_are_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    disk = SmallDisk(monkeypatch, LARGE)
    monitor = lrmon.LRMonitor(tmp_path / "run")
    x = np.ones((64, 1), np.float32)
    model.fit(x, x, batch_size=8, verbose=0, callbacks=[monitor])
    disk.readonly = True
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        history = model.fit(x, x, batch_size=8, epochs=3, verbose=0, callbacks=[monitor])
    assert 3 == len(history.epoch)
    assert "Read-only file system" in caplog.text
    disk.readonly = False
    assert monitor._recorder is not None
    monitor._recorder.close()
    assert list(range(32)) == recorded(tmp_path / "run").step.tolist()


def test_a_warning_that_no_call_fetches_comes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = SmallDisk(monkeypatch, LARGE)
    monkeypatch.setattr(flush_thread, "_UNCLAIMED_SECONDS", 0.1)
    recorder = lrmon.Recorder(tmp_path / "run")
    recorder.batch(learning_rate=0.1, loss=1.0)
    disk.readonly = True
    recorder.batch(learning_rate=0.1, loss=1.0)
    wait_for(lambda: "Read-only file system" in caplog.text)
    disk.readonly = False
    recorder.close()


# What is refused at once.


def test_a_first_write_that_fails_leaves_no_file_open_and_none_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SmallDisk(monkeypatch, 10)
    with pytest.raises(OSError, match=r"cannot write its event file in .*No space left on device"):
        lrmon.Recorder(tmp_path)
    gc.collect(1)  # a file left open would warn
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("step", [-1, 2**53 + 1, 2**63 - 1, 2**80])
def test_a_step_that_nothing_can_hold_is_refused_by_its_name(tmp_path: Path, step: int) -> None:
    sentence = rf"^first_step must be from 0 to 9007199254740992 \(2\*\*53\), got {step}$"
    with pytest.raises(ValueError, match=sentence):
        lrmon.Recorder(tmp_path / "run", first_step=step)
    with lrmon.Recorder(tmp_path / "run") as recorder:
        with pytest.raises(ValueError, match=sentence):
            recorder.begin_fit({}, first_step=step)
        with pytest.raises(ValueError, match=r"^steps must be"):
            recorder.skipped([step])
    with pytest.raises(TypeError, match=r"^first_step must be a whole number, got 0\.5$"):
        lrmon.Recorder(tmp_path / "run", first_step=0.5)  # type: ignore[arg-type]


def test_the_largest_step_is_recorded(tmp_path: Path) -> None:
    with lrmon.Recorder(tmp_path, first_step=2**53 - 2) as recorder:
        train(recorder, 0, 2)
    assert [2**53 - 2, 2**53 - 1] == recorded(tmp_path).step.tolist()
