"""KerasTuner copies the callbacks for every trial: each trial is a training of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras_tuner
import pytest

import lrmon
from tests.fits.framework import MODES, api, same_bits, seed
from tests.recorded import recorded
from tests.styles.style import vectors

TRIALS, EXECUTIONS, EPOCHS, BATCHES = 2, 2, 2, 5


def built(parameters: Any) -> Any:
    """Returns the model of a trial."""
    model = api.Sequential([api.Input((6,)), api.layers.Dense(6)])
    # There are many fits here; nothing is compiled, so that they take no time.
    learning_rate = parameters.Choice("learning_rate", [0.1, 0.03])
    model.compile(api.optimizers.SGD(learning_rate), "mse", **MODES["eager"])
    return model


def searched(folder: Path, callbacks: list[Any]) -> list[tuple[float, float]]:
    """Returns the learning rate and the score of each trial, in the order in which they ran."""
    seed(4)
    tuner = keras_tuner.RandomSearch(
        built,
        objective=keras_tuner.Objective("loss", "min"),
        max_trials=TRIALS,
        executions_per_trial=EXECUTIONS,
        seed=9,
        directory=folder,
        project_name="search",
    )
    x = vectors(BATCHES * 8, 6)
    tuner.search(x, x, batch_size=8, epochs=EPOCHS, verbose=0, callbacks=callbacks)
    trials = [tuner.oracle.trials[name] for name in sorted(tuner.oracle.trials)]
    return [(trial.hyperparameters.get("learning_rate"), trial.score) for trial in trials]


# KerasTuner uses names of the threading module that Python deprecates.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.long
def test_each_trial_of_a_search_is_recorded_to_a_folder_of_its_own(tmp_path: Path) -> None:
    without = searched(tmp_path / "without", [])
    logs = tmp_path / "logs"
    results = searched(tmp_path / "with", [lrmon.LRMonitor(logs)])
    assert without == results
    assert TRIALS == len({learning_rate for learning_rate, _ in results})
    folders = [logs / f"fit-{number + 1}" for number in range(TRIALS * EXECUTIONS)]
    assert sorted(folders) == sorted(logs.iterdir())
    for number, (learning_rate, _) in enumerate(results):
        for folder in folders[number * EXECUTIONS : (number + 1) * EXECUTIONS]:
            same_bits([learning_rate] * EPOCHS * BATCHES, recorded(folder).learning_rate)
