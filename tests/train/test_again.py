"""Training again into the same folder: it is said at the start, and both trainings can be looked at."""

from __future__ import annotations

import os

from tests.train.wordings import assert_wording

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import warnings
from pathlib import Path
from typing import Any

import keras
import pytest

import lrmon
from lrmon import cli
from lrmon.review.reading.log_directory import open_logs
from lrmon.review.reading.run_cache import RunCache
from tests.fits.framework import batches


def sgd_model(lr: float) -> Any:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(lr), "mse")
    return model


def said(train: Any) -> list[str]:
    """What lrmon warns of during the call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train()
    return [str(warning.message) for warning in caught if str(warning.message).startswith("lrmon:")]


def fit(log_dir: Path, lr: float, epochs: int = 2, *callbacks: Any) -> list[str]:
    """Trains a new model, as a script that is run again does, and returns what was said."""
    monitor = lrmon.LRMonitor(log_dir)
    return said(lambda: sgd_model(lr).fit(**batches(5), epochs=epochs, callbacks=[*callbacks, monitor]))


def test_each_training_of_a_folder_is_a_run_with_its_own_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run1"

    assert [] == fit(folder, 0.5)
    for lr in (0.25, 0.125):
        (sentence,) = fit(folder, lr, 3)
        assert_wording("Recorder, another training", sentence, folder=folder)
    expected = {
        "run1": [0.125] * 15,
        "run1//earlier 1": [0.5] * 10,
        "run1//earlier 2": [0.25] * 15,
    }
    assert expected == {name: run.learning_rate.tolist() for name, run in lrmon.load(tmp_path).items()}
    for fast in (True, False):
        with open_logs(tmp_path, fast=fast) as reader:
            cache = RunCache()
            runs = {name: cache.run(reader, name).learning_rate.tolist() for name in expected}
            assert (expected, list(expected)) == (runs, list(cache.overview(reader).runs))
    assert 0 == cli.main(["report", str(tmp_path), "--run", "run1//earlier 1"])
    report = capsys.readouterr().out
    assert report.startswith("run1//earlier 1  completed · 10 steps · 2 epochs of 5 steps\n")
    assert "An earlier training in the folder of 'run1', started at" in " ".join(report.split())
    assert 0 == cli.main(["report", str(tmp_path), "--run", "^run1$"])
    assert "This folder also contains 2 earlier trainings: 'run1//earlier 2', 'run1//earlier 1'." in " ".join(
        capsys.readouterr().out.split()
    )
    assert 0 == cli.main(["export", str(tmp_path), "--run", "run1//earlier 2"])
    assert 1 + 15 == len(capsys.readouterr().out.splitlines())


def test_a_training_that_goes_on_stays_one_run(tmp_path: Path) -> None:
    model = sgd_model(0.5)
    one = lrmon.LRMonitor(tmp_path / "run")

    def goes_on() -> None:
        model.fit(**batches(5), epochs=2, callbacks=[one])
        model.fit(**batches(5), epochs=3, initial_epoch=2, callbacks=[one])
        # Another monitor, as in a cell of a notebook that is run again.
        model.fit(**batches(5), epochs=4, initial_epoch=3, callbacks=[lrmon.LRMonitor(tmp_path / "run")])
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        loaded.fit(**batches(5), epochs=5, initial_epoch=4, callbacks=[lrmon.LRMonitor(tmp_path / "run")])

    assert [] == said(goes_on)
    ((name, run),) = lrmon.load(tmp_path).items()
    assert ("run", [*range(25)], ()) == (name, run.step.tolist(), run.notices)


class Break(keras.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.parametrize("restores_first", [True, False])
def test_a_training_that_is_restored_is_not_said_to_be_another(
    tmp_path: Path, *, restores_first: bool
) -> None:
    def train(*others: Any) -> list[str]:
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        monitor = lrmon.LRMonitor(tmp_path / "run")
        order = [backup, monitor] if restores_first else [monitor, backup]
        return said(lambda: sgd_model(0.5).fit(**batches(5), epochs=4, callbacks=[*order, *others]))

    with pytest.raises(KeyboardInterrupt):
        train(Break())
    assert [] == train()
    assert ["run"] == list(lrmon.load(tmp_path))


def test_a_loop_that_records_again_says_it_too(tmp_path: Path) -> None:
    def record(losses: int, **settings: Any) -> list[str]:
        def loop() -> None:
            with lrmon.Recorder(tmp_path / "run", **settings) as recorder:
                for _ in range(losses):
                    recorder.batch(learning_rate=0.1, loss=1.0)

        return said(loop)

    assert [] == record(5)
    assert [] == record(5, first_step=5)
    (sentence,) = record(3)
    assert_wording("Recorder, another training", sentence, folder=tmp_path / "run")
    assert {"run": 3, "run//earlier 1": 10} == {
        name: run.step.size for name, run in lrmon.load(tmp_path).items()
    }


def test_an_earlier_training_stays_as_it_is_while_a_later_one_grows(tmp_path: Path) -> None:
    with lrmon.Recorder(tmp_path / "run") as recorder:
        for _ in range(5):
            recorder.batch(learning_rate=0.1, loss=1.0)
    cache = RunCache()
    runs = []
    with lrmon.Recorder(tmp_path / "run") as recorder:
        for _ in range(2):
            for _ in range(3):
                recorder.batch(learning_rate=0.2, loss=1.0)
            recorder.flush()
            with open_logs(tmp_path, fast=False) as reader:
                runs.append([cache.run(reader, name) for name in ("run", "run//earlier 1")])

    (latest, earlier), (grown, same) = runs
    assert (3, 6, 5) == (latest.step.size, grown.step.size, earlier.step.size)
    assert earlier is same
    assert latest.version != grown.version


def test_a_folder_of_the_same_words_is_another_run(tmp_path: Path) -> None:
    for folder, lr in (("run", 0.1), ("run", 0.2), ("run/earlier 1", 0.3)):
        with lrmon.Recorder(tmp_path / folder) as recorder:
            recorder.batch(learning_rate=lr, loss=1.0)
    lrs = {name: run.learning_rate.tolist() for name, run in lrmon.load(tmp_path).items()}

    assert ["run", "run//earlier 1", "run/earlier 1"] == list(lrs)
    assert [0.2, 0.1, 0.3] == [round(lr, 6) for (lr,) in lrs.values()]
