"""Edges and their places in the epochs: the case that started it, and a twin that counts step by step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrmon.analysis.learning_rate.cadence import late_multiples
from lrmon.analysis.learning_rate.staircase import LRChanges, find_lr_changes

LRs = NDArray[np.float32]


def decayed(decay_steps: int, steps: int, *, lr: float = 0.95) -> LRs:
    """ExponentialDecay(0.1, decay_steps, rate, staircase=True) where it is not compiled."""
    return np.array([0.1 * lr ** (step // decay_steps) for step in range(steps)], np.float32)


def every(length: int, epochs: int) -> NDArray[np.int64]:
    return np.arange(epochs) * length


def test_the_staircase_of_95_steps_drifts_through_epochs_of_76() -> None:
    staircase = find_lr_changes(decayed(95, 6 * 76), every(76, 6))
    assert "staircase" == staircase.kind
    assert [95, 190, 285, 380] == staircase.step.tolist()
    assert [1, 2, 3, 5] == staircase.epoch.tolist()
    assert [19, 38, 57, 0] == staircase.offset.tolist()
    assert [76, 76, 76, 76] == staircase.steps_in_epoch.tolist()
    assert [1.25, 2.5, 3.75, 5.0] == staircase.epoch_position.tolist()
    assert [19, 38, -19, 0] == staircase.nearest_boundary.tolist()
    assert [False, False, False, True] == staircase.on_boundary.tolist()
    levels = [np.float32(0.1 * 0.95**k) for k in range(5)]
    assert levels[:-1] == staircase.lr_from.tolist()
    assert levels[1:] == staircase.lr_to.tolist()
    assert staircase.cadence is not None
    assert (95, 95, 19, 76) == (
        staircase.cadence.every,
        staircase.cadence.decay_steps,
        staircase.cadence.drift,
        staircase.cadence.aligned_decay_steps,
    )
    assert [76, 152, 228, 304, 380] == staircase.cadence.aligned_steps.tolist()
    assert not staircase.cadence.late.any()
    assert not staircase.cadence.aligned_late.any()


def test_half_way_counts_as_after() -> None:
    positions = {
        offset: find_lr_changes([0.1] * (10 + offset) + [0.05] * (10 - offset), [0, 10]).nearest_boundary[0]
        for offset in (0, 1, 4, 5, 6, 9)
    }
    assert {0: 0, 1: 1, 4: 4, 5: 5, 6: -4, 9: -1} == positions


def test_an_epoch_that_still_runs_is_as_long_as_it_is_said_to_be() -> None:
    lrs = [0.1] * 15 + [0.05] * 2
    assert [7] == find_lr_changes(lrs, [0, 10]).steps_in_epoch.tolist()
    staircase = find_lr_changes(lrs, [0, 10], end=20)
    assert ([10], [5], [1.5]) == (
        staircase.steps_in_epoch.tolist(),
        staircase.nearest_boundary.tolist(),
        staircase.epoch_position.tolist(),
    )


def test_the_end_of_the_last_epoch_counts_as_a_boundary() -> None:
    assert [-1] == find_lr_changes([0.1] * 9 + [0.05], [0]).nearest_boundary.tolist()


def test_an_edge_before_the_first_known_epoch_has_no_place() -> None:
    staircase = find_lr_changes([0.1] * 5 + [0.05] * 10 + [0.01] * 5, [10])
    assert [-1, 0] == staircase.epoch.tolist()
    assert [-1, 5] == staircase.offset.tolist()
    assert [0, 10] == staircase.steps_in_epoch.tolist()
    assert [0, 5] == staircase.nearest_boundary.tolist()
    assert [False, False] == staircase.on_boundary.tolist()
    assert math.isnan(staircase.epoch_position[0])
    assert [5, 15] == find_lr_changes([0.1] * 5 + [0.05] * 10 + [0.01] * 5, []).step.tolist()


def test_an_edge_among_missing_steps_lies_anywhere_among_them() -> None:
    staircase = find_lr_changes([0.1, 0.1, 0.05, 0.05], [100], steps=[100, 101, 108, 109])
    assert ([101], [108]) == (staircase.step_before.tolist(), staircase.step.tolist())
    staircase = find_lr_changes([0.1, 0.1, math.nan, 0.05, 0.05], [0])
    assert ([1], [3]) == (staircase.step_before.tolist(), staircase.step.tolist())


def test_a_curve_that_goes_on_behind_missing_steps_has_no_edge_there() -> None:
    steps = np.delete(np.arange(1000), np.arange(300, 700))
    staircase = find_lr_changes(0.1 * np.cos(steps / 700), [0], steps=steps)
    assert ("smooth", 0) == (staircase.kind, staircase.step.size)


@pytest.mark.parametrize("lrs", [[], [0.1], [0.1] * 5, [math.nan] * 3])
def test_a_record_without_a_change_is_constant(lrs: list[float]) -> None:
    staircase = find_lr_changes(lrs, [0])
    assert ("constant", 0, None, None) == (
        staircase.kind,
        staircase.changes,
        staircase.warmup_end,
        staircase.cadence,
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"learning_rate": [[0.1]]}, r"one dimension and one length, got shapes \(1, 1\)"),
        ({"learning_rate": [0.1, 0.1], "steps": [3]}, r"one length, got shapes \(2,\) and \(1,\)"),
        ({"learning_rate": [0.1, 0.1], "steps": [3, 3]}, "steps must ascend"),
        ({"learning_rate": [0.1], "epoch_starts": [5, 0]}, r"ascending steps, got \[5, 0\]"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        find_lr_changes(**{"epoch_starts": [0], **arguments})


def test_the_warm_up_ends_at_the_peak_in_curves_and_in_stairs() -> None:
    line = np.concatenate([np.linspace(0.0, 0.1, 51), decayed(30, 200)])
    staircase = find_lr_changes(line, [0])
    assert ("mixed", 50) == (staircase.kind, staircase.warmup_end)
    assert [81, 111, 141, 171, 201, 231] == staircase.step.tolist()
    assert staircase.cadence is not None
    assert (30, [False] * 6) == (staircase.cadence.every, staircase.cadence.late.tolist())
    assert 20 == find_lr_changes([0.01] * 10 + [0.05] * 10 + [0.1] * 30, [0]).warmup_end


@pytest.mark.parametrize(
    "lrs",
    [
        pytest.param(np.linspace(0.0, 0.1, 100), id="still rising"),
        pytest.param(0.1 * np.abs(np.sin(np.arange(300) / 30.0)), id="a cycle"),
        pytest.param([0.1] * 10 + [0.05] * 10, id="a fall"),
        pytest.param([0.1] * 10 + [0.05] * 10 + [0.2] * 10, id="a later rise"),
    ],
)
def test_what_is_no_warm_up_is_not_called_one(lrs: Any) -> None:
    assert find_lr_changes(lrs, [0]).warmup_end is None


def test_late_edges_are_recognised_among_those_on_time() -> None:
    multiples = np.arange(1, 9)
    late = late_multiples(41, multiples)
    lr_changes = multiples * 41 + late
    lrs = np.array([0.1 * 0.5 ** np.searchsorted(lr_changes, step, "right") for step in range(360)])
    staircase = find_lr_changes(lrs, every(41, 9))
    assert staircase.cadence is not None
    assert (41, 0, 41) == (
        staircase.cadence.decay_steps,
        staircase.cadence.drift,
        staircase.cadence.aligned_decay_steps,
    )
    assert [True, True, False, True, False, False, True, True] == staircase.cadence.late.tolist()
    assert staircase.cadence.late.tolist() == staircase.cadence.aligned_late.tolist()
    assert late.astype(int).tolist() == staircase.nearest_boundary.tolist()


def test_edges_are_not_called_late_on_nothing_but_their_distance() -> None:
    lrs = [0.1] * 42 + [0.05] * 41 + [0.02] * 20
    assert find_lr_changes(lrs, [0]).cadence is None
    known = find_lr_changes(lrs, [0], decay_steps=41).cadence
    assert known is not None
    assert [True, True] == known.late.tolist()
    assert find_lr_changes(lrs, [0], decay_steps=40).cadence is None


def test_a_resumed_run_counts_from_the_optimizers_iterations() -> None:
    lrs = decayed(95, 456)[100:]
    for steps, offset in ((np.arange(100, 456), 0), (np.arange(356), 100)):
        staircase = find_lr_changes(
            lrs, steps[0] + np.array([0, 52, 128]), steps=steps, iteration_offset=offset, decay_steps=95
        )
        assert staircase.cadence is not None
        assert (95, None) == (staircase.cadence.decay_steps, staircase.cadence.aligned_decay_steps)
    staircase = find_lr_changes(lrs[52:], every(76, 4), iteration_offset=152)
    assert staircase.cadence is not None
    assert (19, 76) == (staircase.cadence.drift, staircase.cadence.aligned_decay_steps)
    assert [76, 152, 228] == staircase.cadence.aligned_steps.tolist()


def test_drops_every_ten_epochs_one_epoch_early_have_a_distance_and_no_drift() -> None:
    lrs = np.repeat([0.1 * 0.5 ** ((1 + epoch) // 10) for epoch in range(40)], 7)
    cadence = find_lr_changes(lrs, every(7, 40)).cadence
    assert cadence is not None
    assert (70, None, 0, None) == (
        cadence.every,
        cadence.decay_steps,
        cadence.drift,
        cadence.aligned_decay_steps,
    )


@pytest.mark.parametrize(
    ("decay_steps", "length", "aligned", "drift"),
    [
        (95, 76, 76, 19),
        (114, 76, 152, 38),
        (60, 76, 76, -16),
        (38, 76, 76, 38),
        (30, 76, None, 30),
        (76, 76, 76, 0),
    ],
)
def test_the_aligned_decay_steps_are_the_nearest_whole_epochs(
    decay_steps: int, length: int, aligned: int | None, drift: int
) -> None:
    cadence = find_lr_changes(decayed(decay_steps, 760), every(length, 10)).cadence
    assert cadence is not None
    assert (aligned, drift) == (cadence.aligned_decay_steps, cadence.drift)


def test_epochs_of_different_lengths_have_neither_drift_nor_alignment() -> None:
    cadence = find_lr_changes(decayed(95, 500), [0, 76, 150, 300]).cadence
    assert cadence is not None
    assert (95, None, None) == (cadence.decay_steps, cadence.drift, cadence.aligned_decay_steps)


def test_edges_without_a_rhythm_have_no_cadence() -> None:
    lrs = [0.1] * 30 + [0.05] * 41 + [0.02] * 20 + [0.01] * 50
    assert find_lr_changes(lrs, [0]).cadence is None
    two_of_many = [0.1] * 100 + [0.05] * 100 + [0.02] * 800
    assert find_lr_changes(two_of_many, [0]).cadence is None


@st.composite
def staircases(draw: st.DrawFn) -> tuple[list[float], list[int], list[int]]:
    """Learning rates in stairs, the numbers of their steps, and epochs of any lengths."""
    holds = draw(st.lists(st.integers(2, 12), min_size=1, max_size=8))
    levels = [draw(st.sampled_from([0.1, 0.0999, 0.05, 1.0, 1e-6, 0.0])) for _ in holds]
    lrs = [level for level, hold in zip(levels, holds, strict=True) for _ in range(hold)]
    first = draw(st.sampled_from([0, 0, 1000]))
    lengths = draw(st.lists(st.integers(0, 15), min_size=1, max_size=12))
    start = first + draw(st.sampled_from([0, 0, 3]))
    starts = [start + sum(lengths[:epoch]) for epoch in range(len(lengths))]
    return lrs, list(range(first, first + len(lrs))), [s for s in starts if s <= first + len(lrs)]


def plain_loop(lrs: list[float], steps: list[int], starts: list[int]) -> list[dict[str, Any]]:
    """Edges and places, told by going through the steps one by one."""
    lr_changes = []
    ends = [*starts[1:], steps[-1] + 1]
    for row in range(1, len(lrs)):
        if np.float32(lrs[row]) == np.float32(lrs[row - 1]):
            continue
        step = steps[row]
        position: dict[str, Any] = {"epoch": -1, "offset": -1, "steps_in_epoch": 0, "nearest_boundary": 0}
        for epoch, (start, end) in enumerate(zip(starts, ends, strict=True)):
            if start <= step < end:
                distances = [step - start, step - end]
                position = {
                    "epoch": epoch,
                    "offset": step - start,
                    "steps_in_epoch": end - start,
                    "nearest_boundary": min(distances, key=lambda distance: (abs(distance), -distance)),
                }
        lr_changes.append(
            {
                "step": step,
                "lr_from": float(np.float32(lrs[row - 1])),
                "lr_to": float(np.float32(lrs[row])),
                "on_boundary": step in starts,
                **position,
            }
        )
    return lr_changes


def as_dicts(staircase: LRChanges, names: list[str]) -> list[dict[str, Any]]:
    columns = [getattr(staircase, name).tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


@given(staircases())
def test_lr_changes_and_positions_are_those_of_a_plain_loop(
    staircase: tuple[list[float], list[int], list[int]],
) -> None:
    lrs, steps, starts = staircase
    expected = plain_loop(lrs, steps, starts)
    actual = find_lr_changes(lrs, starts, steps=steps)
    names = [
        "step",
        "lr_from",
        "lr_to",
        "on_boundary",
        "epoch",
        "offset",
        "steps_in_epoch",
        "nearest_boundary",
    ]
    assert expected == as_dicts(actual, names)
    assert len(expected) == actual.changes
    assert ("staircase" if expected else "constant") == actual.kind
    positions = [
        lr_change["epoch"] + lr_change["offset"] / lr_change["steps_in_epoch"]
        for lr_change in expected
        if lr_change["epoch"] >= 0
    ]
    assert positions == actual.epoch_position[actual.epoch >= 0].tolist()
