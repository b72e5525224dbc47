"""Under tf_keras: two replicas on one processor, two workers on one machine, and parameter servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fits.framework import TOLERANCE
from tests.recorded import recorded
from tests.train.distributed import Plan, Training, losses, told
from tests.train.wordings import assert_wording

DECAYS = ("schedule", "legacy decay", "legacy schedule and decay")


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("distributed")


def of_trainings(strategy: str, trainings: dict[str, Training], workers: int = 1) -> list[dict[str, Any]]:
    """By worker, what each training told."""
    results = told(Plan("tf_keras", strategy, list(trainings.values())), workers)
    workers_results = [dict(zip(trainings, result, strict=True)) for result in results]
    errors = {
        name: worker[name]["error"]
        for worker in workers_results
        for name in worker
        if "error" in worker[name]
    }
    assert set(errors) <= {"jit without", "servers"}, errors
    return workers_results


@pytest.fixture(scope="module")
def mirrored(logs: Path) -> dict[str, dict[str, Any]]:
    ways: dict[str, dict[str, Any]] = {
        "graph": {},
        "eager": {"run_eagerly": True},
        "executions": {"steps_per_execution": 4},
    }
    trainings = {way: Training(str(logs / way), compile=arguments) for way, arguments in ways.items()}
    for name in DECAYS:
        log_dir = str(logs / name)
        trainings[name] = Training(log_dir, "unit gradient", name, samples=41 * 8, reads_weights=True)
    trainings["moving"] = Training(str(logs / "moving"), lr="legacy decay")
    trainings["moving without"] = Training(None, lr="legacy decay")
    trainings["overflowing"] = Training(str(logs / "overflowing"), "overflowing", 0.001)
    trainings["own step"] = Training(str(logs / "own step"), "own step", 0.01)
    trainings["jit without"] = Training(None, compile={"jit_compile": True})
    (results,) = of_trainings("MirroredStrategy", trainings)
    return results


@pytest.mark.parametrize("way", ["graph", "eager", "executions"])
def test_a_loss_is_that_of_all_replicas_together_those_without_samples_too(
    mirrored: dict[str, dict[str, Any]], logs: Path, way: str
) -> None:
    run = recorded(logs / way)
    np.testing.assert_allclose(losses(mirrored[way]["weights"], 41) * 2, run.loss, rtol=TOLERANCE)
    assert "all replicas together" in run.fits[-1]["loss_provenance"]
    assert 8 == run.fits[-1]["batch_size"]
    assert [(0, 5), (6, 11)] == [(epoch["first_step"], epoch["last_step"]) for epoch in run.epochs]


@pytest.mark.parametrize("name", DECAYS)
def test_the_learning_rate_is_the_one_that_every_replica_used(
    mirrored: dict[str, dict[str, Any]], logs: Path, name: str
) -> None:
    run = recorded(logs / name)
    assert 82 == len(run.step)
    np.testing.assert_array_equal(np.array(mirrored[name]["rates"], np.float32), run.learning_rate)


def test_training_is_the_same_with_and_without(mirrored: dict[str, dict[str, Any]]) -> None:
    assert mirrored["moving without"] == mirrored["moving"]


def test_a_step_that_overflows_on_one_replica_is_marked(
    mirrored: dict[str, dict[str, Any]], logs: Path
) -> None:
    assert np.isfinite(np.concatenate(mirrored["overflowing"]["weights"][0])).all()
    run = recorded(logs / "overflowing")
    assert [1, 3, 7, 9] == run.skipped
    assert run.skipped == np.flatnonzero(~np.isfinite(run.loss)).tolist()


def test_a_loss_that_each_replica_returns_for_itself_is_not_taken_for_that_of_the_batch(
    mirrored: dict[str, dict[str, Any]], logs: Path
) -> None:
    assert "history" in mirrored["own step"]
    run = recorded(logs / "own step")
    assert np.isnan(run.loss).all()
    (source,) = {fit["loss_provenance"] for fit in run.fits}
    assert "none: the model's own train_step returns a loss of each replica alone" == source
    assert [np.float32(0.01)] * 12 == run.learning_rate.tolist()


def test_tf_keras_itself_does_not_train_replicas_on_processors_with_jit(
    mirrored: dict[str, dict[str, Any]],
) -> None:
    assert "InvalidArgumentError" in mirrored["jit without"]["error"]


WORKERS = 2
LONG = 70 * 8
"""Samples of an epoch of more batches than the workers leave unexchanged."""


@pytest.fixture(scope="module")
def workers(logs: Path) -> list[dict[str, dict[str, Any]]]:
    folder = logs / "workers"
    trainings = {
        "resting": Training(str(folder / "resting"), samples=LONG + 1),
        "executions": Training(str(folder / "executions"), compile={"steps_per_execution": 3}),
        "decay": Training(
            str(folder / "decay"), "unit gradient", "legacy decay", samples=LONG, reads_weights=True
        ),
        "interrupted": Training(str(folder / "interrupted"), samples=LONG, interrupted=67),
        "moving": Training(str(folder / "moving"), lr="legacy decay"),
        "moving without": Training(None, lr="legacy decay"),
    }
    return of_trainings("MultiWorkerMirroredStrategy", trainings, WORKERS)


def test_only_the_chief_writes(workers: list[dict[str, dict[str, Any]]], logs: Path) -> None:
    assert WORKERS == len(workers)
    names = ["decay", "executions", "interrupted", "moving", "resting"]
    assert names == sorted(path.name for path in (logs / "workers").iterdir())
    assert [1] * len(names) == [len(list((logs / "workers" / name).iterdir())) for name in names]


@pytest.mark.parametrize(("name", "samples"), [("resting", LONG + 1), ("executions", 41)])
def test_the_chief_records_the_loss_of_all_workers_together(
    workers: list[dict[str, dict[str, Any]]], logs: Path, name: str, samples: int
) -> None:
    run = recorded(logs / "workers" / name)
    expected = losses(workers[0][name]["weights"], samples)
    np.testing.assert_allclose(expected * 2, run.loss, rtol=TOLERANCE)
    assert "which the workers exchange every 64 batches" in run.fits[-1]["loss_provenance"]
    assert 8 == run.fits[-1]["batch_size"]
    assert "completed" == run.fits[-1]["ended"]


def test_the_chief_records_the_learning_rate_that_every_worker_used(
    workers: list[dict[str, dict[str, Any]]], logs: Path
) -> None:
    run = recorded(logs / "workers" / "decay")
    for worker in workers:
        np.testing.assert_array_equal(np.array(worker["decay"]["rates"], np.float32), run.learning_rate)


def test_of_an_interrupted_fit_what_was_not_exchanged_has_no_loss(
    workers: list[dict[str, dict[str, Any]]], logs: Path
) -> None:
    run = recorded(logs / "workers" / "interrupted")
    expected = losses(workers[0]["interrupted"]["weights"], LONG)
    assert list(range(67 + 140)) == run.step.tolist()
    np.testing.assert_allclose(
        [*expected[:64], *[np.nan] * 3, *expected, *expected], run.loss, rtol=TOLERANCE
    )
    assert ["interrupted", "completed"] == [fit["ended"] for fit in run.fits if fit["ended"]]


def test_workers_train_the_same_with_and_without(workers: list[dict[str, dict[str, Any]]]) -> None:
    for worker in workers:
        assert worker["moving without"] == worker["moving"]


def test_parameter_servers_are_refused_before_training_with_a_sentence(logs: Path) -> None:
    trainings = {"servers": Training(str(logs / "servers"))}
    (results,) = of_trainings("ParameterServerStrategy", trainings)
    assert_wording("LRMonitor, parameter servers", results["servers"]["error"])
    assert not (logs / "servers").exists()
