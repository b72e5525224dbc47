"""The fast way over a long series against the obvious one."""

from __future__ import annotations

import dataclasses
import math
import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lrmon.analysis.plateau.replay import replay_plateau
from lrmon.analysis.plateau.rule import TYPES, PlateauRule
from lrmon.analysis.plateau.scan import first_reductions, scan_plateau

VALUES = st.sampled_from(
    [0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 0.5001, 1.0, 2.0, -1.0, math.nan, math.inf, -math.inf]
)
RULES = st.builds(
    PlateauRule,
    st.just("loss"),
    factor=st.sampled_from([0.1, 0.5, 0.9, 0.0]),
    patience=st.integers(0, 4),
    mode=st.sampled_from(["min", "max", "auto"]),
    min_delta=st.sampled_from([0.0, 1e-4, 0.05, 0.3, -0.1]),
    cooldown=st.integers(0, 4),
    min_lr=st.sampled_from([0.0, 1e-3, 0.2]),
    version=st.sampled_from(["keras-3.15", "keras-3.11", "keras-3.0", "tf_keras"]),
)


@settings(max_examples=600)
@given(
    values=st.lists(VALUES, max_size=30),
    rule=RULES,
    fit_starts=st.lists(st.integers(-1, 30), max_size=3),
    logged_as=st.sampled_from(sorted(TYPES)),
)
def test_it_is_the_replay(
    values: list[float], rule: PlateauRule, fit_starts: list[int], logged_as: str
) -> None:
    if logged_as.startswith("int"):
        values = [float(math.trunc(value)) if math.isfinite(value) else 3.0 for value in values]
    expected = replay_plateau(np.array(values), 0.1, rule, fit_starts=fit_starts, logged_as=logged_as)
    actual = scan_plateau(np.array(values), 0.1, rule, fit_starts=fit_starts, logged_as=logged_as)

    for field in dataclasses.fields(expected):
        replayed, scanned = getattr(expected, field.name), getattr(actual, field.name)
        if isinstance(replayed, np.ndarray):
            assert replayed.dtype == scanned.dtype
            assert np.array_equal(replayed, scanned, equal_nan=replayed.dtype.kind == "f"), field.name
        else:
            assert replayed == scanned, field.name


@settings(max_examples=300)
@given(values=st.lists(VALUES, max_size=30), rule=RULES, fit_starts=st.lists(st.integers(-1, 30), max_size=3))
def test_the_first_reduction_is_that_of_the_replay(
    values: list[float], rule: PlateauRule, fit_starts: list[int]
) -> None:
    patiences = [0, 1, 2, 3, 7]
    replays = [
        replay_plateau(values, 1.0, dataclasses.replace(rule, patience=patience), fit_starts=fit_starts)
        for patience in patiences
    ]

    assert [
        next((reduction.epoch for reduction in replay.reductions), None) for replay in replays
    ] == first_reductions(np.array(values), rule, patiences, fit_starts=fit_starts)


def test_a_long_series_is_the_replay_in_a_fraction_of_its_time() -> None:
    random = np.random.default_rng(5)
    loss = 2.0 / np.sqrt(np.arange(1, 100_001)) + random.normal(0.5, 0.1, 100_000)
    rule = PlateauRule("batch/loss", mode="min", patience=2_000, factor=0.9)
    times = [time.process_time()]
    replays = []
    for replay in (scan_plateau, replay_plateau):
        replays.append(replay(loss, 0.1, rule))
        times.append(time.process_time())
    scanning, replaying = np.diff(times)

    assert replays[0].reductions
    assert replays[0].reductions == replays[1].reductions
    assert np.array_equal(replays[0].wait, replays[1].wait)
    assert scanning < replaying / 5
