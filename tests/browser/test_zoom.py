"""Gestures: what is seen, and that it is loaded in full."""

from __future__ import annotations

import numpy as np
import pytest

from tests.browser.conftest import Logs, Opener
from tests.browser.page import Monitor, link, runs
from tests.plugin.process import Server

LONG = "digits/long"
STEPS = 60_000
PIXEL = 100
"""Steps; a little more than a pixel of the whole run has."""


@pytest.fixture
def long_run(open_page: Opener, server: Server) -> Monitor:
    return open_page(server, link(runs=runs(LONG)))


def test_the_page_says_how_many_steps_it_draws(long_run: Monitor) -> None:
    assert long_run.coverage == [long_run.line("loss", "loss").x.size, STEPS]


def test_at_the_deepest_zoom_every_single_step_is_there_up_to_the_last(long_run: Monitor, logs: Logs) -> None:
    long_run.drag("loss", (0.9, 0.5), (1, 0.5))
    long_run.wait_for_range(54_000, STEPS, within=PIXEL)
    long_run.drag("lr", (0.98, 0.5), (1, 0.5))
    long_run.wait_for_range(59_880, STEPS, within=PIXEL / 5)
    first = int(long_run.x_range()[0])
    long_run.wait_for_coverage(STEPS - first)
    long_run.wait(
        lambda: int(long_run.x_range()[0]) == first and long_run.line("lr", "learning_rate").x[0] <= first,
        lambda: "the line does not begin where the axis does",
    )
    line = long_run.line("lr", "learning_rate")
    shown = line.x >= first
    recorded = logs.recorded[LONG].learning_rate[first:]
    assert np.array_equal(np.arange(first, STEPS + 1), line.x[shown])
    assert np.array_equal(np.append(recorded, recorded[-1]), line.y[shown].astype(np.float32))
    for _ in range(4):
        long_run.drag("loss", (0.9, 0.5), (1, 0.5))
    long_run.wait_for_range(STEPS - 1, STEPS)
    long_run.wait_for_coverage(1)


@pytest.mark.parametrize("how", ["double click", "Escape", "button"])
def test_the_whole_run_comes_back(long_run: Monitor, how: str) -> None:
    whole, coverage = long_run.x_range(), long_run.coverage
    long_run.drag("loss", (0.2, 0.5), (0.3, 0.5))
    long_run.wait_for_range(12_000, 18_000, within=PIXEL)
    if how == "double click":
        long_run.page.mouse.dblclick(*long_run.at("lr", 0.5))
    elif how == "Escape":
        long_run.page.keyboard.press("Escape")
    else:
        long_run.frame.get_by_test_id("reset-zoom").click()
    long_run.wait_for_range(*whole)
    long_run.wait_for_coverage(*coverage)


def test_a_box_narrows_both_axes_of_its_pane(long_run: Monitor) -> None:
    lr = long_run.y_range("lr")
    low, high = long_run.y_range("loss")
    long_run.drag("loss", (0.2, 0.25), (0.4, 0.75))
    long_run.wait_for_range(12_000, 24_000, within=PIXEL)
    assert long_run.y_range("loss") == pytest.approx(
        (low + 0.25 * (high - low), low + 0.75 * (high - low)), rel=0.01
    )
    assert lr != long_run.y_range("loss")


def test_a_drag_that_is_no_box_zooms_the_x_axis_alone(long_run: Monitor) -> None:
    before = long_run.y_range("loss")
    long_run.drag("loss", (0.2, 0.6), (0.4, 0.45))
    long_run.wait_for_range(12_000, 24_000, within=PIXEL)
    # The axis follows the values that are seen: the whole of the line is in it.
    low, high = long_run.y_range("loss")
    line = long_run.line("loss", "loss")
    visible = line.y[(line.x >= 12_100) & (line.x <= 23_900)]
    assert low <= visible.min()
    assert visible.max() <= high
    assert high - low < before[1] - before[0]


def test_a_box_around_nothing_zooms_the_x_axis_alone(long_run: Monitor) -> None:
    # The loss falls from the left upper corner: there is nothing in the right one.
    long_run.drag("loss", (0.8, 0.6), (0.9, 0.98))
    long_run.wait_for_range(48_000, 54_000, within=PIXEL)
    low, high = long_run.y_range("loss")
    line = long_run.line("loss", "loss")
    visible = line.y[(line.x >= 48_100) & (line.x <= 53_900)]
    assert low <= visible.min() <= visible.max() <= high


def test_shift_and_drag_moves_what_is_seen(long_run: Monitor) -> None:
    long_run.drag("loss", (0.4, 0.5), (0.5, 0.5))
    long_run.wait_for_range(24_000, 30_000, within=PIXEL)
    before = long_run.x_range()
    long_run.drag("loss", (0.5, 0.5), (0.3, 0.5), key="Shift")
    long_run.wait_for_range(before[0] + 1200, before[1] + 1200, within=PIXEL / 2)
    start, end = long_run.x_range()
    assert end - start == pytest.approx(before[1] - before[0])
    assert start - before[0] == pytest.approx(0.2 * (end - start), rel=0.02)


def test_the_wheel_zooms_with_alt_alone_and_the_page_says_so(long_run: Monitor) -> None:
    whole = long_run.x_range()
    long_run.hover("loss", 0.25)
    long_run.page.mouse.wheel(0, -300)
    long_run.frame.locator(".message-shown").wait_for()
    assert long_run.x_range() == whole
    long_run.page.keyboard.down("Alt")
    long_run.page.mouse.wheel(0, -300)
    long_run.wait(lambda: long_run.x_range() != whole, lambda: "Alt and the wheel changed nothing")
    start, end = long_run.x_range()
    assert whole[0] < start < 15_000 < end < whole[1]


def test_a_zoom_keeps_its_position_when_the_axis_changes(long_run: Monitor) -> None:
    long_run.drag("loss", (0.2, 0.5), (0.3, 0.5))
    long_run.wait_for_range(12_000, 18_000, within=PIXEL)
    start, end = long_run.x_range()
    long_run.choose("axis", "epoch")
    long_run.wait_for_range(start / 1000, end / 1000, within=0.02)
    long_run.choose("axis", "step")
    long_run.wait_for_range(start, end, within=20)
