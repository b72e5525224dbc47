"""The one question to every style: is the training what it is without the monitor?"""

from __future__ import annotations

import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import lrmon
from tests.fits.framework import seed
from tests.recorded import Recorded, recorded
from tests.styles.style import Train, Trained

SEED = 21


def trained(train: Train, callbacks: list[Any]) -> tuple[Trained, list[float]]:
    """Trains from the seed; returns what is left behind, and the next random numbers."""
    seed(SEED)
    result = train(callbacks)
    return result, [random.random(), *np.random.random(2)]  # noqa: NPY002 - its hidden state is what is asked for


def recorded_beside(train: Train, log_dir: Path) -> tuple[Trained, Recorded]:
    """Trains without the monitor and with it, and asserts that the trainings are the same, bit for bit.

    Returns:
        The training with the monitor, and what the monitor recorded.
    """
    without, random_without = trained(train, [])
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        with_monitor, random_with = trained(train, [lrmon.LRMonitor(log_dir)])
    assert [] == [str(warning.message) for warning in given if "lrmon" in str(warning.message)]
    assert random_without == random_with
    assert without.histories == with_monitor.histories
    before, after = without.variables(), with_monitor.variables()
    assert len(before) > 0
    for expected, actual in zip(before, after, strict=True):
        np.testing.assert_array_equal(expected, actual, strict=True)
    return with_monitor, recorded(log_dir)
