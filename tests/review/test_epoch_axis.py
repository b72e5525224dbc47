"""Where rows and epochs lie on the epoch axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lrmon.review.reading.epoch_axis import EpochAxis, lay_out
from lrmon.review.run.run import Epoch, Fit


def epoch(number: int, first_step: int, last_step: int) -> Epoch:
    return Epoch(number, first_step, last_step, wall_time=0.0, metrics={})


def fit(first_step: int, *, steps_per_epoch: int | None = None, initial_epoch: int = 0) -> Fit:
    return Fit(
        recording="r",
        number=0,
        first_step=first_step,
        first_iteration=first_step,
        last_step=None,
        initial_epoch=initial_epoch,
        steps_per_epoch=steps_per_epoch,
        kind="training",
        start_time=None,
        ended=None,
        record={},
    )


def axis_of(rows: int, epochs: Sequence[Epoch], fits: Sequence[Fit] = (), *, first: int = 0) -> EpochAxis:
    return lay_out(np.arange(first, first + rows), epochs, fits)


def test_a_row_lies_as_far_in_its_epoch_as_its_steps_say() -> None:
    axis = axis_of(10, [epoch(0, 0, 3), epoch(1, 4, 7), epoch(2, 8, 9)])

    assert [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5] == axis.row_positions.tolist()
    assert [0.0, 1.0, 2.0] == axis.epoch_positions.tolist()
    assert 3.0 == axis.end


def test_the_running_epoch_advances_by_its_planned_length() -> None:
    axis = axis_of(3, [], [fit(0, steps_per_epoch=8)])

    assert [0, 0.125, 0.25] == axis.row_positions.tolist()
    assert 0.25 == axis.end


def test_without_a_plan_the_running_epoch_advances_as_the_one_before() -> None:
    axis = axis_of(6, [epoch(0, 0, 3)], [fit(0)])

    assert [0, 0.25, 0.5, 0.75, 1, 1.25] == axis.row_positions.tolist()


def test_a_running_epoch_that_is_longer_than_expected_stays_one_epoch() -> None:
    axis = axis_of(12, [epoch(0, 0, 3)])

    assert [1 + offset / 8 for offset in range(8)] == axis.row_positions[4:].tolist()


def test_without_any_epoch_nothing_is_known() -> None:
    axis = axis_of(5, [], [fit(0)])

    assert np.isnan(axis.row_positions).all()
    assert math.isnan(axis.end)


def test_a_fit_that_counts_from_0_again_lies_behind_the_one_before() -> None:
    epochs = [epoch(0, 0, 1), epoch(1, 2, 3), epoch(0, 4, 5), epoch(1, 6, 7)]
    axis = axis_of(9, epochs, [fit(0), fit(4)])

    assert [0.0, 1.0, 2.0, 3.0] == axis.epoch_positions.tolist()
    assert [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4] == axis.row_positions.tolist()


def test_a_fit_that_goes_on_counting_keeps_its_numbers() -> None:
    epochs = [epoch(0, 0, 1), epoch(0, 2, 3), epoch(5, 4, 5)]
    axis = axis_of(6, epochs, [fit(0), fit(2), fit(4, initial_epoch=5)])

    assert [0.0, 1.0, 5.0] == axis.epoch_positions.tolist()


def test_an_interrupted_epoch_has_a_place_before_the_one_that_repeats_it() -> None:
    axis = axis_of(8, [epoch(0, 0, 3), epoch(1, 6, 7)], [fit(0, steps_per_epoch=4), fit(6, initial_epoch=1)])

    assert [1.0, 1.25] == axis.row_positions[4:6].tolist()
    assert [0.0, 2.0] == axis.epoch_positions.tolist()


def test_epochs_whose_records_are_missing_share_their_steps() -> None:
    axis = axis_of(16, [epoch(0, 0, 3), epoch(3, 12, 15)])

    assert (np.arange(16) / 4).tolist() == axis.row_positions.tolist()


def test_first_epochs_whose_records_are_missing_share_their_steps() -> None:
    axis = axis_of(12, [epoch(2, 8, 11)], [fit(0)])

    assert (np.arange(12) / 4).tolist() == axis.row_positions.tolist()


def test_steps_that_no_epoch_claims_belong_to_the_next_one() -> None:
    axis = axis_of(8, [epoch(0, 2, 3), epoch(1, 4, 7)], [fit(0)])

    assert [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75] == axis.row_positions.tolist()


def test_an_epoch_without_a_batch_has_a_place_but_no_rows() -> None:
    axis = axis_of(4, [epoch(0, 0, 1), epoch(1, 2, 1), epoch(2, 2, 3)])

    assert [0, 0.5, 2, 2.5] == axis.row_positions.tolist()
    assert [0.0, 1.0, 2.0] == axis.epoch_positions.tolist()


def test_training_that_goes_on_from_a_checkpoint_begins_at_its_epoch() -> None:
    axis = axis_of(4, [epoch(7, 700, 701)], [fit(700, initial_epoch=7)], first=700)

    assert [7, 7.5, 8, 8.5] == axis.row_positions.tolist()


@given(
    parts=st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 3), st.booleans(), st.booleans()), max_size=12
    ),
    planned=st.one_of(st.none(), st.integers(1, 6)),
)
def test_places_never_go_back_whatever_was_recorded(
    parts: list[tuple[int, int, bool, bool]], planned: int | None
) -> None:
    epochs, fits, step, number = [], [fit(0, steps_per_epoch=planned)], 0, 0
    for length, number_or_jump, ends, begins_fit in parts:
        if begins_fit and step:
            fits.append(fit(step, steps_per_epoch=planned, initial_epoch=number_or_jump))
            number = number_or_jump
        if ends:
            epochs.append(epoch(number, step, step + length - 1))
        number += 1
        step += length
    axis = axis_of(step, epochs, fits)
    known = axis.row_positions[np.isfinite(axis.row_positions)]

    assert known.size in (0, step)
    assert bool((np.diff(known) >= 0).all())
    assert bool((np.diff(axis.epoch_positions) >= 1).all())
    assert not known.size or axis.end >= known[-1]
