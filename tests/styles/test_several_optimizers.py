"""A model that trains with optimizers of its own has a series for each: what it really trained with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from lrmon import schema
from tests.fits.framework import numpy_of, same_bits
from tests.recorded import Recorded
from tests.styles import several
from tests.styles.same import recorded_beside

STYLES: list[Callable[[list[Any]], several.TrainedBySeveral]] = [
    several.adversaries,
    several.critics,
    several.alternating,
    several.contrastive_with_probe,
    several.held_by_a_callback,
    several.made_elsewhere,
]


def series_of(run: Recorded) -> dict[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
    """Returns, of each optimizer that made updates, its learning rate and its updates in each step."""
    names = [optimizer["name"] for optimizer in run.fits[-1]["optimizers"]]
    columns = zip(names, run.lrs.T, run.updates.T, strict=True)
    return {name: (lrs, updates) for name, lrs, updates in columns if updates.any()}


@pytest.mark.parametrize("train", STYLES, ids=lambda train: train.__name__)
def test_every_optimizer_that_made_updates_is_recorded_with_its_own_learning_rates(
    tmp_path: Path, train: Callable[[list[Any]], several.TrainedBySeveral]
) -> None:
    result, run = recorded_beside(train, tmp_path)
    assert isinstance(result, several.TrainedBySeveral)
    for optimizer, truth in zip(result.optimizers, result.truth.values(), strict=True):
        assert sum(truth.updates) == int(numpy_of(optimizer.iterations))
    assert several.STEPS == len(run.step)
    series = series_of(run)
    assert set(result.truth) == set(series)
    for name, truth in result.truth.items():
        learning_rates, updates = series[name]
        assert truth.updates == updates.tolist()
        made = updates > 0
        same_bits(np.asarray(truth.learning_rates)[made], learning_rates[made])
    assert schema.EXACT == run.fits[-1]["exactness"]["learning_rate"]


def test_where_no_optimizer_makes_an_update_there_is_no_learning_rate(tmp_path: Path) -> None:
    _, run = recorded_beside(several.by_hand, tmp_path)
    assert several.STEPS == len(run.step)
    assert np.isnan(run.learning_rate).all()
    assert schema.UNAVAILABLE == run.fits[-1]["exactness"]["learning_rate"]
    assert "optimizer" in run.fits[-1]["learning_rate_provenance"]
    assert np.isfinite(run.loss).all()
