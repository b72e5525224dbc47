from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

import lrmon
from lrmon import schema
from lrmon.record.event_file import EventFile, unused_folder
from tests.recorded import Recorded, recorded
from tests.train.wordings import assert_wording, refused


def wait_for(is_reached: Callable[[], bool], seconds: float = 20.0) -> None:
    """Returns as soon as something is so."""
    deadline = time.monotonic() + seconds
    while not is_reached():
        assert time.monotonic() < deadline, "it did not come"
        threading.Event().wait(0.02)


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], check=False, capture_output=True, text=True, timeout=120
    )


def test_what_is_recorded_is_read_back(tmp_path: Path) -> None:
    lrs = np.linspace(0.1, 0.01, 3000)
    losses = np.random.default_rng(1).normal(size=3000)
    losses[[5, 6, 7]] = np.nan, np.inf, -np.inf
    with lrmon.Recorder(tmp_path / "run") as recorder:
        for step, (lr, loss) in enumerate(zip(lrs, losses, strict=True)):
            recorder.batch(learning_rate=lr, loss=loss, effective_learning_rate=lr / 2)
            if step % 1000 == 999:
                recorder.end_epoch({"val_loss": np.float32(loss), "accuracy": 0.5, "count": 3})

    run = recorded(tmp_path / "run")

    assert list(range(3000)) == run.step.tolist()
    np.testing.assert_array_equal(lrs.astype(np.float32), run.learning_rate)
    np.testing.assert_array_equal((lrs / 2).astype(np.float32), run.effective_learning_rate)
    np.testing.assert_array_equal(losses.astype(np.float32), run.loss)
    for tag, column in [
        (schema.SCALAR_LEARNING_RATE, run.learning_rate),
        (schema.SCALAR_EFFECTIVE_LEARNING_RATE, run.effective_learning_rate),
        (schema.SCALAR_LOSS, run.loss),
    ]:
        steps, values, _ = run.scalars[tag]
        assert list(range(3000)) == steps
        np.testing.assert_array_equal(column, np.array(values, np.float32))
    assert [(0, 0, 999), (1, 1000, 1999), (2, 2000, 2999)] == [
        (epoch["epoch"], epoch["first_step"], epoch["last_step"]) for epoch in run.epochs
    ]
    assert {"val_loss": "float64", "accuracy": "float", "count": "int"} | {
        "val_loss": "float32"
    } == run.epochs[0]["types"]
    assert float(np.float32(losses[999])) == run.epochs[0]["metrics"]["val_loss"]
    assert [999, 1999, 2999] == run.scalars["lrmon/epoch/val_loss"][0]


def test_a_run_is_one_event_file_that_tensorboard_recognizes(tmp_path: Path) -> None:
    with lrmon.Recorder(tmp_path) as recorder:
        for _ in range(2500):
            recorder.batch(learning_rate=0.1, loss=1.0)
    (file,) = tmp_path.iterdir()
    assert file.name.startswith("events.out.tfevents.")


def test_blocks_hold_at_most_1024_rows_and_a_tag_so_many_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 256 == schema.RECORDS_PER_TAG
    monkeypatch.setattr(schema, "RECORDS_PER_TAG", 16)
    with lrmon.Recorder(tmp_path) as recorder:
        for start in range(0, 20_000, 10_000):
            steps = np.arange(start, start + 10_000, dtype=np.float64)
            recorder.batches(learning_rate=steps, loss=steps, wall_time=time.time() + steps)
    run = recorded(tmp_path)
    assert schema.ROWS_PER_RECORD == max(run.lengths)
    assert np.array_equal(np.arange(20_000), run.loss.astype(int))
    reader = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0})
    reader.Reload()
    tags = [tag for tag in reader.Tags()["tensors"] if tag.startswith(schema.BATCHES_PREFIX)]
    assert [16, len(run.lengths) - 16] == [len(reader.Tensors(tag)) for tag in sorted(tags)]


def test_never_more_than_1024_batches_are_unwritten(tmp_path: Path) -> None:
    recorder = lrmon.Recorder(tmp_path)
    for step in range(1, 5001):
        recorder.batch(learning_rate=0.1, loss=1.0)
        if step % 500 == 0:
            assert step - len(recorded(tmp_path).step) <= 1024
    recorder.close()


def test_a_step_is_written_though_nothing_follows(tmp_path: Path) -> None:
    recorder = lrmon.Recorder(tmp_path)
    recorder.batch(learning_rate=0.1, loss=1.0)
    wait_for(lambda: len(recorded(tmp_path).step) == 1)
    recorder.close()


def test_seconds_add_up_to_wall_time_from_the_recordings_start(tmp_path: Path) -> None:
    begin = time.time()
    with lrmon.Recorder(tmp_path) as recorder:
        recorder.batches(
            learning_rate=np.ones(2000), loss=np.ones(2000), wall_time=begin + 10 + np.arange(2000) * 0.25
        )
    run = recorded(tmp_path)
    times = run.fits[0]["recording_start_time"] + np.cumsum(run.rows[:, 3], dtype=np.float64)
    np.testing.assert_allclose(begin + 10 + np.arange(2000) * 0.25, times, atol=1e-3, rtol=0)
    np.testing.assert_allclose(
        begin + 10 + np.arange(2000) * 0.25, run.scalars[schema.SCALAR_LOSS][2], rtol=0
    )


def test_without_an_effective_rate_the_record_holds_nan_and_no_scalar(tmp_path: Path) -> None:
    with lrmon.Recorder(tmp_path) as recorder:
        recorder.batch(learning_rate=0.1, loss=1.0)
        recorder.batch(learning_rate=0.1, loss=1.0)
    run = recorded(tmp_path)
    assert np.isnan(run.effective_learning_rate).all()
    assert schema.SCALAR_EFFECTIVE_LEARNING_RATE not in run.scalars


def test_what_is_above_float32_becomes_infinite(tmp_path: Path) -> None:
    with lrmon.Recorder(tmp_path) as recorder:
        recorder.batch(learning_rate=0.1, loss=1e300)
        recorder.batch(learning_rate=0.1, loss=-1e300)
        recorder.end_epoch({"val_loss": 1e300})
    run = recorded(tmp_path)
    assert [np.inf, -np.inf] == run.loss.tolist()
    assert 1e300 == run.epochs[0]["metrics"]["val_loss"]
    assert [np.inf] == run.scalars["lrmon/epoch/val_loss"][1]


def test_a_value_that_is_no_number_is_refused_and_nothing_else_is_lost(tmp_path: Path) -> None:
    with lrmon.Recorder(tmp_path) as recorder:
        recorder.batch(learning_rate=0.1, loss=1.0)
        with refused(TypeError, "Recorder, loss of no number"):
            recorder.batch(learning_rate=0.1, loss="high")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"^learning_rate "):
            recorder.batch(learning_rate=np.array([1.0, 2.0]), loss=1.0)
        with pytest.raises(TypeError, match=r"^accuracy "):
            recorder.end_epoch({"accuracy": None})  # type: ignore[dict-item]
        with refused(ValueError, "Recorder, arrays of several shapes"):
            recorder.batches(learning_rate=[1, 2], loss=[1, 2, 3], wall_time=[1, 2])
        recorder.batch(learning_rate=0.2, loss=2.0)
        recorder.end_epoch({"accuracy": 1.0})
    run = recorded(tmp_path)
    assert [1.0, 2.0] == run.loss.tolist()
    assert [{"accuracy": 1.0}] == [epoch["metrics"] for epoch in run.epochs]


@pytest.mark.parametrize(
    ("log_dir", "kind"),
    [
        (7, TypeError),
        (None, TypeError),
        ("", ValueError),
        ("nosuch://bucket/run", ValueError),
    ],
)
def test_a_folder_that_cannot_be_is_refused(log_dir: str, kind: type[Exception]) -> None:
    with refused(kind, f"log_dir={log_dir!r}"):
        lrmon.Recorder(log_dir)


def test_a_folder_that_cannot_be_made_is_refused_by_its_name() -> None:
    with pytest.raises(OSError, match="/proc/lrmon/run"):
        lrmon.Recorder("/proc/lrmon/run")


def test_a_closed_recorder_says_so_and_closing_twice_does_nothing(tmp_path: Path) -> None:
    recorder = lrmon.Recorder(tmp_path)
    recorder.close()
    recorder.close()
    with refused(RuntimeError, "Recorder, closed", folder=tmp_path):
        recorder.batch(learning_rate=0.1, loss=1.0)
    with pytest.raises(RuntimeError):
        recorder.end_epoch()


def ended(run: Recorded) -> list[str | None]:
    return [fit["ended"] for fit in run.fits]


def test_how_a_training_ended_is_recorded(tmp_path: Path) -> None:
    with lrmon.Recorder(tmp_path / "good"):
        pass
    with pytest.raises(ZeroDivisionError), lrmon.Recorder(tmp_path / "bad") as recorder:
        recorder.batch(learning_rate=0.1, loss=1 / 1)
        recorder.batch(learning_rate=0.1, loss=1 / 0)
    running = lrmon.Recorder(tmp_path / "running")
    assert [None, "completed"] == ended(recorded(tmp_path / "good"))
    assert [None, "interrupted: ZeroDivisionError"] == ended(recorded(tmp_path / "bad"))
    assert [1.0] == recorded(tmp_path / "bad").loss.tolist()
    assert [None] == ended(recorded(tmp_path / "running"))
    running.close()


def test_a_recorder_that_nobody_closed_writes_when_it_is_dropped(tmp_path: Path) -> None:
    recorder = lrmon.Recorder(tmp_path)
    recorder.batch(learning_rate=0.1, loss=1.0)
    del recorder
    gc.collect(1)
    run = recorded(tmp_path)
    assert [1.0] == run.loss.tolist()
    assert [None, "interrupted"] == ended(run)


EXIT = """
import sys, lrmon
recorder = lrmon.Recorder(sys.argv[1])
for step in range(100):
    recorder.batch(learning_rate=0.1, loss=step)
"""


@pytest.mark.parametrize(
    "end", ["", "raise ValueError('broken')", "raise KeyboardInterrupt", "sys.exit(3)"], ids=str.split
)
def test_nothing_is_lost_at_the_interpreters_exit(tmp_path: Path, end: str) -> None:
    run_python(EXIT + end, str(tmp_path))
    run = recorded(tmp_path)
    assert list(range(100)) == run.loss.tolist()
    assert [None, "interrupted"] == ended(run)


def test_a_forked_child_leaves_the_file_to_its_parent(tmp_path: Path) -> None:
    fork = "import os\nif not os.fork():\n    sys.exit(0)\nos.wait()\n"
    result = run_python(EXIT + fork, str(tmp_path))
    assert 0 == result.returncode
    assert list(range(100)) == recorded(tmp_path).loss.tolist()


def test_a_forked_child_asks_no_source_for_more(tmp_path: Path) -> None:
    """What a source reads may be the parent's device, which a fork must not touch."""
    code = f"""{EXIT}
import os
recorder.attach(lambda: print("asked", os.getpid() == parent))
parent = os.getpid()
if not os.fork():
    sys.exit(0)
os.wait()
os._exit(0)
"""
    assert "False" not in run_python(code, str(tmp_path)).stdout


def test_recording_imports_no_framework(tmp_path: Path) -> None:
    code = (
        EXIT
        + "recorder.close()\nprint([m for m in ('tensorflow', 'keras', 'torch', 'jax') if m in sys.modules])"
    )
    assert "[]" == run_python(code, str(tmp_path)).stdout.strip()


def test_a_step_that_goes_back_begins_another_recording(tmp_path: Path) -> None:
    recorder = lrmon.Recorder(tmp_path)
    for _ in range(10):
        recorder.batch(learning_rate=0.1, loss=1.0)
    recorder.begin_fit({}, first_step=5)
    recorder.batch(learning_rate=0.2, loss=2.0)
    recorder.begin_fit({}, first_step=20)
    recorder.batch(learning_rate=0.3, loss=3.0)
    recorder.close()
    run = recorded(tmp_path)
    assert 2 == len(run.recordings)
    assert [*range(10), 5, 20] == run.step.tolist()
    assert [(0, 0), (0, 0), (0, 5), (0, 5), (1, 20), (1, 20)] == [
        (fit["fit"], fit["first_step"]) for fit in run.fits
    ]


def test_epochs_without_a_batch_are_kept_apart(tmp_path: Path) -> None:
    with lrmon.Recorder(tmp_path) as recorder:
        recorder.end_epoch({"val_loss": 3})
        recorder.batch(learning_rate=0.1, loss=1.0)
        for value in (2, 1):
            recorder.end_epoch({"val_loss": value})
    reader = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0})
    reader.Reload()
    (tag,) = [tag for tag in reader.Tags()["tensors"] if tag.startswith(schema.EPOCHS_PREFIX)]
    assert [0, 1, 2] == [event.step for event in reader.Tensors(tag)]
    assert [(0, -1), (0, 0), (1, 0)] == [
        (epoch["first_step"], epoch["last_step"]) for epoch in recorded(tmp_path).epochs
    ]


def test_threads_may_record_while_it_is_written(tmp_path: Path) -> None:
    recorder = lrmon.Recorder(tmp_path)

    def work(value: float) -> None:
        for _ in range(2000):
            recorder.batch(learning_rate=value, loss=value)

    threads = [threading.Thread(target=work, args=(value,)) for value in (1.0, 2.0, 3.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    run = recorded(tmp_path)
    assert list(range(6000)) == run.step.tolist()
    assert [2000, 2000, 2000] == np.unique(run.loss, return_counts=True)[1].tolist()


@pytest.mark.parametrize("scheme", ["ram", "memory"])
def test_any_file_system_of_gfile_will_do(scheme: str, tmp_path: Path) -> None:
    """ram:// is TensorFlow's own, memory:// comes by fsspec and TensorBoard's gfile."""
    import tensorflow as tf
    from tensorboard.compat.tensorflow_stub.io import gfile as tensorboard_gfile

    log_dir = f"{scheme}://lrmon/{tmp_path.name}/run"
    with lrmon.Recorder(log_dir) as recorder:
        for step in range(3000):
            recorder.batch(learning_rate=0.1, loss=step)
            if step == 1500:
                recorder.flush()
    gfile = tf.io.gfile if scheme == "ram" else tensorboard_gfile
    (name,) = gfile.listdir(log_dir)
    with gfile.GFile(f"{log_dir}/{name}", "rb") as file:
        (tmp_path / "events.out.tfevents.copy").write_bytes(file.read())
    assert list(range(3000)) == recorded(tmp_path).loss.tolist()


def test_a_block_that_the_file_system_refuses_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = lrmon.Recorder(tmp_path)
    recorder.batch(learning_rate=0.1, loss=0)
    recorder.flush()
    write = EventFile.write

    def half(self: EventFile, data: bytes) -> None:
        write(self, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(EventFile, "write", half)
    recorder.batch(learning_rate=0.1, loss=1)
    with pytest.warns(RuntimeWarning, match="No space left on device"):
        recorder.flush()
    with warnings.catch_warnings(record=True) as again:
        warnings.simplefilter("always")
        recorder.batch(learning_rate=0.1, loss=2)
        recorder.flush()
    assert [] == again
    monkeypatch.setattr(EventFile, "write", write)
    recorder.batch(learning_rate=0.1, loss=3)
    recorder.close()

    run = recorded(tmp_path)
    assert [0.0, 1.0, 2.0, 3.0] == [run.loss[run.step == step][-1] for step in range(4)]
    assert 2 == len(list(tmp_path.iterdir()))


def test_what_could_never_be_written_is_counted_in_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = lrmon.Recorder(tmp_path)

    def refuse(self: EventFile, data: bytes) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(EventFile, "write", refuse)
    recorder.batch(learning_rate=0.1, loss=1)
    with pytest.warns(RuntimeWarning) as warned:
        recorder.close()
    assert_wording("Recorder, steps lost", warned[-1].message, folder=tmp_path)


def test_the_rates_of_several_optimizers_stand_beside_the_rows_and_as_scalars(tmp_path: Path) -> None:
    optimizers = [{"name": "adam"}, {"name": "sgd"}]
    adam, sgd = np.linspace(0.1, 0.2, 1500, dtype=np.float32), np.full(1500, 0.5, np.float32)
    with lrmon.Recorder(tmp_path, run={"optimizers": optimizers}) as recorder:
        recorder.batches(
            learning_rate=adam,
            loss=np.ones(1500),
            wall_time=np.arange(1500.0) + time.time(),
            learning_rates={"adam": adam, "sgd": sgd},
        )
    run = recorded(tmp_path)
    np.testing.assert_array_equal(np.column_stack((adam, sgd)), run.lrs)
    assert sgd.tolist() == run.scalars[schema.SCALAR_LEARNING_RATE_PREFIX + "sgd"][1]
    assert [1024, 476] == run.lengths


def test_rates_of_another_length_are_refused(tmp_path: Path) -> None:
    with (
        lrmon.Recorder(tmp_path) as recorder,
        pytest.raises(ValueError, match=r"one shape \[n\], got \(2,\), \(2,\), \(2,\), \(3,\)"),
    ):
        recorder.batches(
            learning_rate=[1, 2], loss=[1, 2], wall_time=[1, 2], learning_rates={"adam": [1, 2, 3]}
        )


def test_skipped_steps_and_samples_are_records_of_their_own(tmp_path: Path) -> None:
    sample: schema.SampleRecord = {
        "step": 2,
        "parameters": 10,
        "sampled": 5,
        "step_size": [0.1, 0.2, 0.3, 0.4, float("inf")],
        "update_to_weight": {"dense": float("nan")},
    }
    with lrmon.Recorder(tmp_path) as recorder:
        for _ in range(4):
            recorder.batch(learning_rate=0.1, loss=1.0)
        recorder.skipped([1, 3])
        recorder.skipped([])
        recorder.sample(sample)
    run = recorded(tmp_path)
    assert [1, 3] == run.skipped
    assert [
        {**sample, "step_size": [0.1, 0.2, 0.3, 0.4, "Infinity"], "update_to_weight": {"dense": "NaN"}}
    ] == (run.samples)


def test_an_unused_folder_is_the_next_that_nobody_has(tmp_path: Path) -> None:
    (tmp_path / "fit-1").mkdir()
    assert [f"{tmp_path}/fit-2", f"{tmp_path}/fit-3"] == [unused_folder(str(tmp_path), "fit-") for _ in "ab"]


def test_an_unused_folder_is_found_on_a_remote_file_system_too() -> None:
    assert ["memory://copies/fit-1", "memory://copies/fit-2"] == [
        unused_folder("memory://copies", "fit-") for _ in "ab"
    ]
