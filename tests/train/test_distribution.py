"""Under MirroredStrategy, with two replicas on one processor, in Keras 3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.recorded import recorded
from tests.train.distributed import Plan, Training, losses, told

TOLERANCE = 2.0**-22


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mirrored")


@pytest.fixture(scope="module")
def mirrored(logs: Path) -> dict[str, dict[str, Any]]:
    """What each of these told."""
    trainings = {
        "graph": Training(str(logs / "graph")),
        "eager": Training(str(logs / "eager"), compile={"run_eagerly": True}, samples=44),
        "schedule": Training(
            str(logs / "schedule"), "unit gradient", "schedule", samples=41 * 8, reads_weights=True
        ),
        "moving": Training(str(logs / "moving"), lr="schedule"),
        "moving without": Training(None, lr="schedule"),
        "own step": Training(str(logs / "own step"), "own step", 0.01),
        "jit without": Training(None, compile={"jit_compile": True}),
        "executions without": Training(None, compile={"steps_per_execution": 3}),
    }
    (results,) = told(Plan("keras", "MirroredStrategy", list(trainings.values())))
    return dict(zip(trainings, results, strict=True))


@pytest.mark.parametrize(("mode", "samples"), [("graph", 41), ("eager", 44)])
def test_a_loss_is_that_of_all_replicas_together_those_without_samples_too(
    mirrored: dict[str, dict[str, Any]], logs: Path, mode: str, samples: int
) -> None:
    run = recorded(logs / mode)
    np.testing.assert_allclose(losses(mirrored[mode]["weights"], samples) * 2, run.loss, rtol=TOLERANCE)
    assert "all replicas together" in run.fits[-1]["loss_provenance"]
    assert 8 == run.fits[-1]["batch_size"]


def test_the_learning_rate_is_the_one_that_every_replica_used(
    mirrored: dict[str, dict[str, Any]], logs: Path
) -> None:
    run = recorded(logs / "schedule")
    assert 82 == len(run.step)
    np.testing.assert_array_equal(np.array(mirrored["schedule"]["rates"], np.float32), run.learning_rate)


def test_training_is_the_same_with_and_without(mirrored: dict[str, dict[str, Any]]) -> None:
    assert mirrored["moving without"] == mirrored["moving"]


def test_a_loss_that_each_replica_returns_for_itself_is_not_taken_for_that_of_the_batch(
    mirrored: dict[str, dict[str, Any]], logs: Path
) -> None:
    assert "history" in mirrored["own step"]
    run = recorded(logs / "own step")
    assert np.isnan(run.loss).all()
    (source,) = {fit["loss_provenance"] for fit in run.fits}
    assert "none: the model's own train_step returns a loss of each replica alone" == source
    assert "unavailable" == run.fits[-1]["exactness"]["loss"]
    assert [np.float32(0.01)] * 12 == run.learning_rate.tolist()


@pytest.mark.parametrize("way", ["jit without", "executions without"])
def test_keras_itself_does_not_train_in_these_ways(mirrored: dict[str, dict[str, Any]], way: str) -> None:
    assert "InvalidArgumentError" in mirrored[way]["error"]


@pytest.mark.long
def test_keras_itself_does_not_train_with_several_workers() -> None:
    results = told(Plan("keras", "MultiWorkerMirroredStrategy", [Training(None)]), workers=2)
    assert ["PerReplica" in result["error"] for (result,) in results] == [True, True]
