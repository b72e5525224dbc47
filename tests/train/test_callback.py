"""What people do with the callback: right, wrong, twice, interrupted."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lrmon
from lrmon import schema
from lrmon.record import flush_thread
from lrmon.train.fit.feed import StepFeed
from tests.fits.framework import batches, unit_gradient_model
from tests.recorded import recorded
from tests.train.wordings import assert_wording, refused


def sgd_model(lr: Any = 0.1, **compile_arguments: Any) -> keras.Model:
    return unit_gradient_model(keras.optimizers.SGD(lr), **compile_arguments)


class Break(keras.callbacks.Callback):
    """Raises after so many batches."""

    def __init__(self, error: BaseException, after: int) -> None:
        super().__init__()
        self.error, self.after = error, after

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.after -= 1
        if self.after == 0:
            raise self.error


def spans(log_dir: Path) -> list[tuple[int, int, int]]:
    return [(epoch["epoch"], epoch["first_step"], epoch["last_step"]) for epoch in recorded(log_dir).epochs]


def test_every_epoch_knows_its_steps_and_metrics(tmp_path: Path) -> None:
    history = (
        sgd_model()
        .fit(**batches(10), epochs=3, validation_split=0.3, callbacks=[lrmon.LRMonitor(tmp_path)])
        .history
    )
    run = recorded(tmp_path)
    assert [(0, 0, 6), (1, 7, 13), (2, 14, 20)] == spans(tmp_path)
    for name in ("loss", "val_loss"):
        assert history[name] == [epoch["metrics"][name] for epoch in run.epochs]
        assert "float" == run.epochs[0]["types"][name]
        assert ([6, 13, 20], [float(np.float32(value)) for value in history[name]]) == run.scalars[
            f"{schema.SCALAR_EPOCH_PREFIX}{name}"
        ][:2]


@pytest.mark.parametrize("validation_split", [0.2, 0.0])
def test_the_split_that_made_an_epoch_shorter_is_recorded(tmp_path: Path, validation_split: float) -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9, staircase=True)
    steps = 10 if validation_split else 8
    sgd_model(schedule).fit(
        **batches(steps),
        epochs=4,
        validation_split=validation_split,
        callbacks=[lrmon.LRMonitor(tmp_path / "run")],
    )
    record = recorded(tmp_path / "run").fits[-1]
    findings = {finding.code: finding.text for finding in lrmon.report(lrmon.load(tmp_path)["run"]).findings}

    expected = (0.2, 10) if validation_split else (None, None)
    assert (8, *expected) == (
        record["steps_per_epoch"],
        record["validation_split"],
        record["steps_before_split"],
    )
    split = "validation_split=0.2 uses 8 of 10 batches"
    assert bool(validation_split) == (split in findings["staircase-off-epoch"])


def test_a_metric_that_some_epochs_have_not_got_is_absent_there(tmp_path: Path) -> None:
    x = np.ones((4, 1))
    sgd_model().fit(
        **batches(4),
        epochs=4,
        validation_data=(x, x),
        validation_freq=2,
        callbacks=[lrmon.LRMonitor(tmp_path)],
    )
    assert [False, True, False, True] == [
        "val_loss" in epoch["metrics"] for epoch in recorded(tmp_path).epochs
    ]


def test_the_record_says_what_trained(tmp_path: Path) -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 95, 0.95, staircase=True)
    model = sgd_model(schedule, jit_compile=True)
    model.fit(**batches(10, size=4), epochs=2, callbacks=[lrmon.LRMonitor(tmp_path)])
    fit = recorded(tmp_path).fits[-1]
    expected = {
        "format_version": schema.FORMAT_VERSION,
        "kind": "training",
        "framework": f"keras {keras.__version__}",
        "batch_size": 4,
        "epochs": 2,
        "initial_epoch": 0,
        "steps_per_epoch": 10,
        "steps_per_execution": 1,
        "compiled": "jit",
        "first_step": 0,
        "last_step": 19,
        "ended": "completed",
    }
    assert expected == {name: fit[name] for name in expected}
    assert ("SGD", "ExponentialDecay") == (fit["optimizer"]["class_name"], fit["schedule"]["class_name"])
    assert 95 == fit["schedule"]["config"]["decay_steps"]


def test_further_fits_go_on_in_the_same_run(tmp_path: Path) -> None:
    model, monitor = sgd_model(), lrmon.LRMonitor(tmp_path)
    model.fit(**batches(5), epochs=2, callbacks=[monitor])
    model.fit(**batches(5), epochs=4, initial_epoch=2, callbacks=[monitor])
    run = recorded(tmp_path)
    assert list(range(20)) == run.step.tolist()
    assert [(0, 0, 4), (1, 5, 9), (2, 10, 14), (3, 15, 19)] == spans(tmp_path)
    assert [0, 0, 1, 1] == [fit["fit"] for fit in run.fits]
    assert 1 == len(run.recordings)


def test_a_new_process_goes_on_where_the_optimizer_does(tmp_path: Path) -> None:
    model = sgd_model()
    model.fit(**batches(5), callbacks=[lrmon.LRMonitor(tmp_path)])
    model.fit(**batches(5), callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    assert list(range(10)) == run.step.tolist()
    assert 2 == len(run.recordings)


def test_steps_that_nobody_watched_stay_empty(tmp_path: Path) -> None:
    model, monitor = sgd_model(), lrmon.LRMonitor(tmp_path)
    model.fit(**batches(5), callbacks=[monitor])
    model.fit(**batches(3))
    model.fit(**batches(5), callbacks=[monitor])
    assert [*range(5), *range(8, 13)] == recorded(tmp_path).step.tolist()


def test_a_monitor_that_is_given_another_model_records_it_to_a_folder_of_its_own(tmp_path: Path) -> None:
    monitor = lrmon.LRMonitor(tmp_path)
    sgd_model(0.1).fit(**batches(5), callbacks=[monitor])
    sgd_model(0.2).fit(**batches(3), callbacks=[monitor])
    sgd_model(0.3).fit(**batches(2), callbacks=[monitor])
    runs = [recorded(folder) for folder in (tmp_path, tmp_path / "fit-1", tmp_path / "fit-2")]
    assert [[*range(5)], [*range(3)], [*range(2)]] == [run.step.tolist() for run in runs]
    assert [np.float32(lr) for lr in (0.1, 0.2, 0.3)] == [run.learning_rate[0] for run in runs]


def test_another_monitor_of_another_model_in_the_same_folder_is_another_training(tmp_path: Path) -> None:
    sgd_model(0.1).fit(**batches(5), callbacks=[lrmon.LRMonitor(tmp_path)])
    sgd_model(0.2).fit(**batches(3), callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    assert [*range(5), *range(3)] == run.step.tolist()
    assert [np.float32(0.1)] * 5 + [np.float32(0.2)] * 3 == run.learning_rate.tolist()
    assert 2 == len(run.recordings)


def test_a_recompiled_model_is_recorded_anew(tmp_path: Path) -> None:
    model, monitor = sgd_model(0.1), lrmon.LRMonitor(tmp_path)
    model.fit(**batches(5), callbacks=[monitor])
    model.compile(keras.optimizers.SGD(0.2), model.loss)
    model.fit(**batches(3), callbacks=[monitor])
    assert [np.float32(0.2)] * 3 == recorded(tmp_path).learning_rate[5:].tolist()


def test_two_monitors_record_the_same(tmp_path: Path) -> None:
    sgd_model().fit(
        **batches(5), epochs=2, callbacks=[lrmon.LRMonitor(tmp_path / "a"), lrmon.LRMonitor(tmp_path / "b")]
    )
    one, other = recorded(tmp_path / "a"), recorded(tmp_path / "b")
    np.testing.assert_array_equal(one.rows[:, :3], other.rows[:, :3])


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()], ids=["error", "ctrl-c"])
def test_an_interrupted_fit_loses_nothing_and_the_next_one_is_fine(
    tmp_path: Path, error: BaseException
) -> None:
    model, monitor = sgd_model(), lrmon.LRMonitor(tmp_path)
    with pytest.raises(type(error)):
        model.fit(**batches(10), epochs=2, callbacks=[monitor, Break(error, after=13)])
    model.fit(**batches(10), callbacks=[monitor])
    run = recorded(tmp_path)
    assert list(range(23)) == run.step.tolist()
    assert [(0, 0, 9), (0, 13, 22)] == spans(tmp_path)
    assert [None, "interrupted", None, "completed"] == [fit["ended"] for fit in run.fits]


def test_an_interrupted_process_loses_nothing(tmp_path: Path) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(Path.cwd())!r})
import lrmon
from tests.train.test_callback import *
monitor = lrmon.LRMonitor({str(tmp_path)!r})
sgd_model().fit(**batches(2000), callbacks=[monitor, Break(KeyboardInterrupt(), 1500)])
"""
    assert (
        0
        != subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, timeout=120
        ).returncode
    )
    run = recorded(tmp_path)
    assert list(range(1500)) == run.step.tolist()
    assert [None, "interrupted"] == [fit["ended"] for fit in run.fits]


def test_a_stopped_fit_says_so(tmp_path: Path) -> None:
    sgd_model(0.0).fit(
        **batches(5),
        epochs=9,
        callbacks=[keras.callbacks.EarlyStopping("loss", patience=1), lrmon.LRMonitor(tmp_path)],
    )
    run = recorded(tmp_path)
    assert "stopped" == run.fits[-1]["ended"]
    assert 10 == len(run.step)


def test_rows_that_nobody_read_in_time_leave_their_steps_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was read during the epoch, as when a file system hangs: the ring has only the latest rows."""
    note = StepFeed.execution_ended
    monkeypatch.setattr(StepFeed, "execution_ended", lambda feed, end: note(feed, end) and False)
    monkeypatch.setattr(flush_thread, "_FLUSH_EVERY_SECONDS", 1e6)
    model = sgd_model(keras.optimizers.schedules.PolynomialDecay(1.0, 8192, 0.0))
    model.fit(**batches(5000), callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    assert list(range(5000 - 2048, 5000)) == run.step.tolist()
    np.testing.assert_allclose(1 - run.step / 8192, run.learning_rate, rtol=1e-6)
    assert [(0, 0, 4999)] == spans(tmp_path)


def test_a_data_set_of_unknown_length_is_recorded(tmp_path: Path) -> None:
    def generator() -> Any:
        for _ in range(11):
            yield np.ones((2, 1)), np.ones((2, 1))

    with pytest.warns(UserWarning, match="ran out of data"):
        sgd_model().fit(generator(), verbose=0, shuffle=False, callbacks=[lrmon.LRMonitor(tmp_path)])
    assert [(0, 0, 10)] == spans(tmp_path)
    assert recorded(tmp_path).fits[0]["steps_per_epoch"] is None


@pytest.mark.parametrize(
    ("log_dir", "kind"),
    [(7, TypeError), ("", ValueError)],
)
def test_a_wrong_folder_is_refused_when_the_callback_is_made(log_dir: Any, kind: type[Exception]) -> None:
    with refused(kind, f"log_dir={log_dir!r}"):
        lrmon.LRMonitor(log_dir)


def test_a_folder_that_cannot_be_written_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    model = sgd_model()
    with pytest.raises(OSError, match="lrmon cannot write its event file in"):
        model.fit(**batches(5), callbacks=[lrmon.LRMonitor(tmp_path / "file" / "run")])
    assert 0 == model.optimizer.iterations.numpy()


def test_nothing_is_made_on_disk_before_fit(tmp_path: Path) -> None:
    lrmon.LRMonitor(tmp_path / "run")
    assert [] == list(tmp_path.iterdir())


def test_something_that_is_no_keras_model_is_refused_with_a_sentence(tmp_path: Path) -> None:
    monitor = lrmon.LRMonitor(tmp_path)
    monitor.set_model(object())
    with pytest.raises(
        TypeError, match=r"records models of Keras 3 and of tf_keras, got a builtins.object; lrmon"
    ):
        monitor.on_train_begin()


def test_before_training_it_can_be_copied_and_pickled(tmp_path: Path) -> None:
    monitor = lrmon.LRMonitor(tmp_path)
    for other in (copy.deepcopy(monitor), pickle.loads(pickle.dumps(monitor))):
        assert monitor.log_dir == other.log_dir


def test_a_problem_of_ours_is_one_warning_and_training_goes_on(tmp_path: Path) -> None:
    class OwnLoop(keras.Sequential):
        """Its train function never calls train_step: there is nothing to read."""

        def make_train_function(self, force: bool = False) -> Any:
            def train_function(iterator: Any) -> Any:
                next(iterator)
                return {"loss": 1.0}

            self.train_function = train_function
            return train_function

    model = OwnLoop([keras.Input((1,)), keras.layers.Dense(1)])
    # One call may make two steps: from outside they cannot be told apart.
    model.compile("sgd", "mse", steps_per_execution=2)
    with pytest.warns(RuntimeWarning) as warned:
        history = model.fit(**batches(10), epochs=4, callbacks=[lrmon.LRMonitor(tmp_path)])
    assert 4 == len(history.epoch)
    (warning,) = warned
    assert_wording("LRMonitor, recording stopped", warning.message, folder=tmp_path)


def test_a_full_disk_is_one_warning_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lrmon.record.event_file import EventFile

    model, monitor = sgd_model(), lrmon.LRMonitor(tmp_path)
    model.fit(**batches(3), callbacks=[monitor])

    def refuse(self: EventFile, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(EventFile, "write", refuse)
        with pytest.warns(RuntimeWarning) as warned:
            model.fit(**batches(3), epochs=2, callbacks=[monitor])
    (warning,) = warned
    assert_wording("Recorder, folder refused a write", warning.message, folder=tmp_path)
    assert monitor._recorder is not None
    monitor._recorder.close()
    assert list(range(9)) == recorded(tmp_path).step.tolist()


def test_values_in_the_logs_that_are_no_numbers_do_no_harm(tmp_path: Path) -> None:
    class Odd(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["matrix"] = np.eye(2)
            logs["word"] = "fine"
            logs["tensor"] = keras.ops.convert_to_tensor(0.5)

    sgd_model().fit(**batches(3), callbacks=[Odd(), lrmon.LRMonitor(tmp_path)])
    (epoch,) = recorded(tmp_path).epochs
    assert ["loss", "tensor"] == sorted(epoch["metrics"])
    assert "float32" == epoch["types"]["tensor"]


def test_keras_own_tensorboard_callback_beside_it_changes_nothing(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(
        **batches(5),
        epochs=2,
        callbacks=[
            keras.callbacks.TensorBoard(tmp_path / "keras", update_freq=3),
            lrmon.LRMonitor(tmp_path / "run"),
        ],
    )
    run = recorded(tmp_path / "run")
    assert list(range(10)) == run.scalars[schema.SCALAR_LOSS][0]


def test_without_tensorflow_it_says_what_to_install() -> None:
    hidden = Path(__file__).parents[1] / "plugin" / "without_tensorflow"
    result = subprocess.run(
        [sys.executable, "-c", "import lrmon; lrmon.LRMonitor('logs')"],
        env={**os.environ, "PYTHONPATH": f"{hidden}{os.pathsep}{Path.cwd()}"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert "pip install 'lrmon[tensorflow]'. lrmon.Recorder records" in result.stderr


def test_a_preflight_warning_is_one_warning_at_the_users_own_line_and_in_the_record(tmp_path: Path) -> None:
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 40)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(schedule), "mse")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(**batches(10), epochs=2, callbacks=[lrmon.LRMonitor(tmp_path)])
    (warning,) = [message for message in caught if "lrmon" in str(message.message)]
    assert (UserWarning, __file__) == (warning.category, warning.filename)
    (preflight_warnings,) = recorded(tmp_path).fits[-1]["warnings"]
    assert f"lrmon: {preflight_warnings}" == str(warning.message)


def test_where_warnings_are_errors_a_preflight_warning_does_not_end_the_training(tmp_path: Path) -> None:
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 40)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(schedule), "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(**batches(10), epochs=2, callbacks=[lrmon.LRMonitor(tmp_path)])
    assert 20 == len(recorded(tmp_path).step)


@pytest.mark.parametrize(
    ("ended_after", "code"), [(6, "staircase-off-epoch"), (1, "recorded-warning")], ids=["seen", "not yet"]
)
def test_a_preflight_warning_that_came_true_is_no_second_finding(
    tmp_path: Path, ended_after: int, code: str
) -> None:
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = epoch + 1 == ended_after

    schedule = keras.optimizers.schedules.ExponentialDecay(1e-3, 15, 0.5, staircase=True)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(schedule), "mse")
    with pytest.warns(UserWarning, match="^lrmon: ExponentialDecay "):
        model.fit(**batches(12), epochs=6, callbacks=[lrmon.LRMonitor(tmp_path / "run"), Stop()])
    codes = {finding.code for finding in lrmon.report(lrmon.load(tmp_path)["run"]).findings}
    assert {code} == codes & {"staircase-off-epoch", "recorded-warning"}
