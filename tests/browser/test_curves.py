"""What the charts show is what was recorded."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.browser.conftest import Logs, Opener
from tests.browser.page import Monitor, box_of, link, runs
from tests.plugin.process import Server

STAIRCASE = "mystery/staircase-95"


@pytest.fixture
def staircase(open_page: Opener, server: Server) -> Monitor:
    return open_page(server, link(runs=runs(STAIRCASE)))


def test_the_learning_rate_is_drawn_as_it_was_recorded(staircase: Monitor, logs: Logs) -> None:
    recorded = logs.recorded[STAIRCASE].learning_rate
    line = staircase.line("lr", "learning_rate")
    # The last value holds until its step is over.
    assert np.array_equal(np.arange(recorded.size + 1), line.x)
    assert np.array_equal(np.append(recorded, recorded[-1]), line.y.astype(np.float32))


def test_every_batch_s_loss_is_drawn_as_it_was_recorded(staircase: Monitor, logs: Logs) -> None:
    line = staircase.line("loss", "loss")
    assert np.array_equal(logs.recorded[STAIRCASE].loss, line.y.astype(np.float32))
    assert staircase.coverage == [1216]


def test_a_loss_that_is_not_finite_is_a_gap(open_page: Opener, server: Server, logs: Logs) -> None:
    line = open_page(server, link(runs=runs("digits/broken"))).line("loss", "loss")
    assert np.array_equal(np.isfinite(logs.recorded["digits/broken"].loss), np.isfinite(line.y))


def test_smoothing_changes_the_smoothed_loss_and_nothing_else(staircase: Monitor) -> None:
    lines = ("learning_rate", "effective_learning_rate")
    before = [staircase.line("lr", name).y for name in lines] + [staircase.line("loss", "loss").y]
    smooth = staircase.line("loss", "loss_smoothed").y
    slider = staircase.frame.locator(".smoothing [type=range]")
    # 1,216 steps in some 800 pixels need no more smoothing than TensorBoard's other dashboards give.
    assert slider.input_value() == "0.6"
    slider.fill("0.98")
    staircase.wait(
        lambda: not np.array_equal(smooth, staircase.line("loss", "loss_smoothed").y),
        lambda: "the smoothed loss is the same",
    )
    smoother = staircase.line("loss", "loss_smoothed").y
    assert np.abs(np.diff(smoother)).mean() < 0.2 * np.abs(np.diff(smooth)).mean()
    after = [staircase.line("lr", name).y for name in lines] + [staircase.line("loss", "loss").y]
    assert all(np.array_equal(first, second) for first, second in zip(before, after, strict=True))


def test_an_epoch_s_metric_lies_at_its_last_step(staircase: Monitor) -> None:
    assert np.array_equal(np.arange(16) * 76 + 75, staircase.line("loss", "metric/val_loss").x)


def test_accuracy_gets_an_axis_of_its_own(staircase: Monitor) -> None:
    before = staircase.y_range("loss")
    staircase.frame.get_by_role("button", name="Metrics").click()
    staircase.frame.get_by_label("accuracy").check()
    staircase.wait(lambda: "right" in staircase.chart("loss")["scales"], lambda: "there is no right axis")
    assert staircase.y_range("loss") == before
    left, right = box_of(staircase.plot("lr")), box_of(staircase.plot("loss"))
    assert (left["x"], left["width"]) == (right["x"], right["width"])


def test_the_axis_counts_steps_epochs_or_time(staircase: Monitor) -> None:
    staircase.wait_for_range(0, 1216)
    staircase.choose("axis", "epoch")
    staircase.wait_for_range(0, 16)
    assert staircase.line("lr", "learning_rate").x[95] == pytest.approx(1.25)
    staircase.choose("axis", "relative")
    staircase.wait_for_range(0, 1215 * 0.11, within=0.01)
    staircase.choose("axis", "wall")
    staircase.wait(lambda: staircase.x_range()[0] > 1e9, lambda: "the axis is not of the clock")
    start, end = staircase.x_range()
    assert end - start == pytest.approx(1215 * 0.11, abs=0.01)


def test_the_learning_rate_s_scale_is_logarithmic_until_the_user_says_otherwise(staircase: Monitor) -> None:
    assert staircase.frame.locator("input[name=scale-lr][value=log]").is_checked()
    assert staircase.y_range("lr")[0] > 0
    staircase.choose("scale-lr", "linear")
    staircase.wait(lambda: staircase.y_range("lr")[0] == 0, lambda: "the axis does not begin at 0")


def test_one_cursor_stands_in_both_panes_and_its_numbers_are_of_one_step(
    staircase: Monitor, logs: Logs
) -> None:
    staircase.hover("loss", 573.2 / 1216)
    lines = staircase.frame.locator(".cursor-line:visible")
    assert lines.count() == 2
    assert box_of(lines.nth(0))["x"] == box_of(lines.nth(1))["x"]
    tooltip = staircase.frame.get_by_test_id("tooltip").inner_text()
    assert re.search(r"\b573\b.*\b7 \+ 41/76\b", tooltip)
    lr = logs.recorded[STAIRCASE].learning_rate[573]
    shown = re.search(r"LR\s+([\d.e-]+)", tooltip)
    assert shown is not None
    assert np.float32(shown[1]) == pytest.approx(lr, rel=1e-6)
    staircase.hover("lr", 0.1)
    assert staircase.frame.get_by_test_id("tooltip").count() == 1


def test_the_arrow_keys_move_the_cursor_step_by_step_and_say_where_it_is(staircase: Monitor) -> None:
    staircase.frame.locator("[data-pane=lr]").focus()
    spoken = staircase.frame.get_by_test_id("spoken")
    for _ in range(3):
        staircase.page.keyboard.press("ArrowRight")
    assert re.search(r"\b2\b.*\b0 \+ 2/76\b.*\b0\.1\b", spoken.inner_text())
    staircase.page.keyboard.press("End")
    assert re.search(r"\b1,215\b.*\b15 \+ 75/76\b", spoken.inner_text())


def test_the_panel_says_what_is_recorded_of_the_run(staircase: Monitor) -> None:
    staircase.open_tab("run")
    panel = staircase.panel.inner_text()
    for recorded in (
        "ExponentialDecay",
        "decay_steps = 95",
        "Adam",
        "2,048",
        "tensorflow 2.21.0",
    ):
        assert recorded in panel
