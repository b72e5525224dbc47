"""Trainings that are killed and go on: the run is that of the training that counts, by both loaders."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from lrmon.review.reading.log_directory import open_logs
from lrmon.review.reading.run_cache import RunCache
from lrmon.review.run.run import Run
from tests.train.resumable import (
    EPOCHS,
    SECONDS,
    Attempt,
    Training,
    Truth,
    rows_in_files,
    training,
    wait_for_steps,
)


def by_both_loaders(folder: Path, name: str = "run") -> list[Run]:
    runs = []
    for fast in (True, False):
        with open_logs(folder / "logs", fast=fast) as reader:
            runs.append(RunCache().run(reader, name))
    return runs


def what_counts(attempts: Iterable[Attempt]) -> Truth:
    """Returns the truth of each step by the last attempt that made it or that went back before it."""
    counts: Truth = {}
    for attempt in attempts:
        truth = attempt.truth()
        counts = {step: row for step, row in counts.items() if step < min(truth)} | truth
    return counts


def rows(run: Run) -> Truth:
    values = zip(run.learning_rate.tolist(), run.loss.tolist(), strict=True)
    return dict(zip(run.step.tolist(), values, strict=True))


def kill_once_written(attempt: Attempt) -> None:
    """Runs an attempt until its pause, and kills it when its rows are in the files."""
    before = rows_in_files(attempt)
    with training(attempt) as running:
        running.wait_for_pause()
        wait_for_steps(attempt, before + len(attempt.truth()))
        running.kill()


def complete(attempt: Attempt) -> None:
    with training(attempt) as running:
        running.complete()


WENT_BACK = (
    "Training went back from step {} to step {}. From step {} on, the run shows what was recorded later."
)


@pytest.mark.parametrize(("way", "initial_epoch"), [("BackupAndRestore", None), ("load_model", 2)], ids=str)
def test_a_killed_training_that_is_restored_is_one_run(
    tmp_path: Path, way: str, initial_epoch: int | None
) -> None:
    first = Attempt(tmp_path, 1, way, pause_after=10)
    second = Attempt(tmp_path, 2, way, initial_epoch=initial_epoch)
    kill_once_written(first)
    complete(second)

    assert [*range(10)] == [*first.truth()]
    assert [*range(8, 20)] == [*second.truth()]
    for run in by_both_loaders(tmp_path):
        assert what_counts([first, second]) == rows(run)
        assert [(number, 4 * number, 4 * number + 3) for number in range(EPOCHS)] == [
            (epoch.number, epoch.first_step, epoch.last_step) for epoch in run.epochs
        ]
        assert (WENT_BACK.format(9, 8, 8),) == run.notices
        assert (True, "completed") == (run.complete, run.state)


def test_a_training_that_goes_on_from_an_older_checkpoint_replaces_what_came_after(tmp_path: Path) -> None:
    first = Attempt(tmp_path, 1, "load_model")
    second = Attempt(tmp_path, 2, "checkpoint of epoch 1", initial_epoch=1, pause_after=6)
    complete(first)
    kill_once_written(second)

    assert [*range(4, 10)] == [*second.truth()]
    for run in by_both_loaders(tmp_path):
        assert what_counts([first, second]) == rows(run)
        assert [*range(10)] == run.step.tolist()
        assert (WENT_BACK.format(19, 4, 4),) == run.notices
        assert (True, "running") == (
            run.complete,
            run.state,
        )  # nobody can tell the killed one from one that runs


def test_a_new_optimizer_counts_from_0_and_is_another_training(tmp_path: Path) -> None:
    first = Attempt(tmp_path, 1, "new optimizer", pause_after=10)
    second = Attempt(tmp_path, 2, "new optimizer", initial_epoch=2)
    kill_once_written(first)
    complete(second)

    for run in by_both_loaders(tmp_path):
        assert second.truth() == rows(run)
        assert [*range(12)] == run.step.tolist()
        assert [2, 3, 4] == [epoch.number for epoch in run.epochs]
        assert ("This folder also contains 1 earlier training: 'run//earlier 1'.",) == run.notices
    for earlier in by_both_loaders(tmp_path, "run//earlier 1"):
        assert first.truth() == rows(earlier)
        assert [*range(10)] == earlier.step.tolist()


def test_of_two_writers_in_one_folder_the_later_one_is_shown(tmp_path: Path) -> None:
    first = Attempt(tmp_path, 1, "new optimizer", pause_after=6)
    second = Attempt(tmp_path, 2, "new optimizer", pause_after=6)
    with training(first) as one:
        one.wait_for_pause()
        wait_for_steps(first, 6)
        with training(second) as other:
            other.wait_for_pause()
            one.complete()
            other.complete()

    for run in by_both_loaders(tmp_path):
        assert second.truth() == rows(run)
        assert [*range(20)] == run.step.tolist()
        assert ("This folder also contains 1 earlier training: 'run//earlier 1'.",) == run.notices
    for earlier in by_both_loaders(tmp_path, "run//earlier 1"):
        assert (first.truth(), "completed") == (rows(earlier), earlier.state)


@pytest.mark.long
def test_trainings_that_are_killed_anywhere_and_go_on_show_what_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(17)
    chain = kills = steps = lost = lost_at_most = 0
    while kills < 75:
        chain += 1
        way, attempts = ("BackupAndRestore", "load_model")[chain % 2], list[Attempt]()
        folder = tmp_path / str(chain)
        folder.mkdir()
        for number in range(1, 6):
            attempt = Attempt(folder, number, way, length=400, initial_epoch=saved_epochs(folder))
            before = rows_in_files(attempt)
            with training(attempt) as running:
                if number < 5 and killed_after(running, int(random.integers(1, 1200))):
                    kills += 1
                else:
                    running.complete()
            if rows_in_files(attempt) > before:  # one that wrote nothing replaces nothing
                attempts.append(attempt)
            if running.has_completed:
                break
        expected = what_counts(attempts)
        for run in by_both_loaders(folder):
            shown = rows(run)
            missing = sorted(set(expected) - set(shown))
            assert shown == {step: row for step, row in expected.items() if step in shown}
            assert missing == [step for first, last in run.holes for step in range(first, last + 1)]
            assert run.complete == (not missing)
            assert not missing or any(
                f"step {missing[0]:,}" in notice or f"{missing[0]:,} to" in notice for notice in run.notices
            )
            assert "completed" == run.state
            lost_at_most = max([lost_at_most, *(int(last - first) + 1 for first, last in run.holes)])
        steps, lost = steps + len(expected), lost + len(missing)
    assert lost_at_most <= 1024
    summary = {
        "test": "resumed trainings",
        "kills": kills,
        "steps": steps,
        "wrong_rows": 0,
        "missing_steps": lost,
        "missing_at_most_in_a_row": lost_at_most,
    }
    with capsys.disabled():
        print(f"\nLRMON-LONG {json.dumps(summary)}")


def saved_epochs(folder: Path) -> int:
    """Returns how many epochs the checkpoint has behind it, from which `load_model` goes on."""
    file = folder / "saved-epochs"
    return int(file.read_text()) if file.exists() else 0


def killed_after(running: Training, count: int) -> bool:
    """Kills a training somewhere after so many batches; returns whether it had not ended before."""
    steps, deadline = 0, time.monotonic() + SECONDS
    while running.is_alive and (now := len(running.attempt.truth())) < count:
        if now > steps:
            steps, deadline = now, time.monotonic() + SECONDS
        assert time.monotonic() < deadline, "the training makes no step"
    if not running.is_alive:
        return False
    running.kill()
    return True
