from __future__ import annotations

from pathlib import Path

import numpy as np

import lrmon
from tests.fits.framework import same_bits, seed
from tests.recorded import recorded
from tests.styles import loops
from tests.styles.same import SEED


def test_a_loop_of_ones_own_trains_as_without_the_recorder_and_is_recorded_as_it_says(tmp_path: Path) -> None:
    seed(SEED)
    without = loops.looped(None)
    seed(SEED)
    with lrmon.Recorder(tmp_path) as recorder:
        result = loops.looped(recorder)
    assert without.histories == result.histories
    for expected, actual in zip(without.variables(), result.variables(), strict=True):
        np.testing.assert_array_equal(expected, actual, strict=True)
    run = recorded(tmp_path)
    same_bits(result.learning_rates, run.learning_rate)
    same_bits(result.histories[0]["loss"], run.loss)
    assert [(0, 4), (5, 9)] == [(epoch["first_step"], epoch["last_step"]) for epoch in run.epochs]
    means = np.reshape(result.histories[0]["loss"], (2, -1)).mean(1)
    assert means.tolist() == [epoch["metrics"]["mean_loss"] for epoch in run.epochs]
