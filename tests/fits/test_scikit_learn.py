"""A monitor among the callbacks of scikit-learn's estimators, and copies of monitors."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.pipeline  # noqa: F401 - Keras 3.8 uses it without importing it
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

import lrmon
from tests.fits.framework import IS_TF_KERAS, api, batches, input_layer, unit_gradient_model
from tests.fits.reference import Reference
from tests.recorded import Recorded, recorded


def classifier(X: Any, y: Any) -> Any:  # noqa: N803 - scikit-learn's name
    model = api.Sequential([input_layer(X.shape[1]), api.layers.Dense(y.shape[1], activation="softmax")])
    model.compile(api.optimizers.SGD(0.1), "categorical_crossentropy")
    return model


def iris() -> tuple[Any, Any]:
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    return x.astype(np.float32), y


def runs(log_dir: Path) -> list[Recorded]:
    """What each folder below holds."""
    return [recorded(folder) for folder in sorted({path.parent for path in log_dir.rglob("*tfevents*")})]


if not IS_TF_KERAS:  # which has no wrappers

    @pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.long)])
    def test_each_fold_of_a_cross_validation_is_a_run_of_its_own(
        tmp_path: Path, reference: Reference, jobs: int
    ) -> None:
        x, y = iris()
        estimator = api.wrappers.SKLearnClassifier(classifier)
        monitor = lrmon.LRMonitor(tmp_path)
        scores = cross_val_score(
            estimator,
            x,
            y,
            cv=3,
            n_jobs=jobs,
            params={"callbacks": [monitor], "epochs": 2, "batch_size": 20, "verbose": 0},
            error_score="raise",
        )
        folds = runs(tmp_path)
        assert 3 == len(scores) == len(folds)
        for fold in folds:
            assert list(range(10)) == fold.step.tolist()
            assert [(0, 4), (5, 9)] == [(epoch["first_step"], epoch["last_step"]) for epoch in fold.epochs]
            assert "completed" == fold.fits[-1]["ended"]
            assert [np.float32(0.1)] * 10 == fold.learning_rate.tolist()
        assert 3 == len({fold.loss[0] for fold in folds})
        reference.way("`SKLearnClassifier` in `cross_val_score`", folds[0])

    def test_an_estimator_that_holds_the_monitor_is_cloned_and_trains(tmp_path: Path) -> None:
        x, y = iris()
        estimator = api.wrappers.SKLearnClassifier(
            classifier, fit_kwargs={"callbacks": [lrmon.LRMonitor(tmp_path)], "verbose": 0}
        )
        clone(estimator)
        estimator.fit(x, y)
        assert 5 == len(recorded(tmp_path).step)


COPIES: dict[str, Callable[[Any], Any]] = {
    "deep copy": copy.deepcopy,
    "pickle": lambda monitor: pickle.loads(pickle.dumps(monitor)),
    "clone": lambda monitor: clone(monitor, safe=False),
}


@pytest.mark.parametrize("way", COPIES)
def test_copies_record_each_to_a_folder_of_its_own(tmp_path: Path, way: str) -> None:
    monitor = lrmon.LRMonitor(tmp_path / "run")
    copies = [COPIES[way](monitor) for _ in range(2)]
    for number, copied in enumerate([monitor, *copies], start=1):
        unit_gradient_model(api.optimizers.SGD(0.1 * number)).fit(**batches(number), callbacks=[copied])
    folders = [tmp_path / "run", tmp_path / "run" / "fit-1", tmp_path / "run" / "fit-2"]
    assert [1, 2, 3] == [len(recorded(folder).step) for folder in folders]
