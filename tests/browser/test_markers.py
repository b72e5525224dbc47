"""What the report adds to the charts: LR changes, plateaus, the plan, and a sentence on each."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from tests.browser.conftest import Opener
from tests.browser.page import Monitor, Pane, link, middle_of, numbers, runs
from tests.browser.page import box_of as screen_box
from tests.plugin.process import Server, tensorboard

LR_CHANGES = ["+19/76", "+38/76", "+57/76", "0/76"]
PANES: tuple[Pane, Pane] = ("lr", "loss")


def opened(open_page: Opener, server: Server, *names: str, **values: Any) -> Monitor:
    size = values.pop("size", (1440, 900))
    dark = values.pop("dark", False)
    return open_page(server, link(runs=runs(*names), **values), size=size, dark=dark)


@pytest.fixture
def mystery(open_page: Opener, lessons: Server) -> Monitor:
    monitor = opened(open_page, lessons, "mystery")
    monitor.wait_for_labels("lr", LR_CHANGES)
    return monitor


def apart(boxes: list[dict[str, Any]]) -> bool:
    return all(
        first["left"] + first["width"] <= second["left"]
        or second["left"] + second["width"] <= first["left"]
        or first["top"] + first["height"] <= second["top"]
        or second["top"] + second["height"] <= first["top"]
        for first, second in combinations(boxes, 2)
    )


def marker_steps(monitor: Monitor, pane: Pane) -> list[int]:
    return [dot["marker"]["step"] for dot in monitor.layout(pane)["dots"]]


def test_each_lr_change_is_marked_in_both_panes_and_labelled_with_its_position(mystery: Monitor) -> None:
    assert [marker_steps(mystery, pane) for pane in PANES] == [[95, 190, 285, 380]] * 2
    tones = [dot["tone"] for dot in mystery.layout("lr")["dots"]]
    assert tones == ["off", "off", "off", "on"]


@pytest.mark.parametrize("axis", ["epoch", "relative", "wall"])
def test_lr_changes_keep_their_position_on_every_axis(mystery: Monitor, axis: str) -> None:
    parts = [dot["x"] for dot in mystery.layout("lr")["dots"]]
    mystery.choose("axis", axis)
    start, end = mystery.x_range()
    mystery.wait(lambda: mystery.x_range() != (0, 456), lambda: "the axis stays")
    moved = [dot["x"] for dot in mystery.layout("lr")["dots"]]
    assert moved == pytest.approx(parts, abs=2)
    mystery.wait_for_labels("lr", LR_CHANGES)
    assert end > start


@pytest.mark.parametrize("size", [(1024, 768), (1440, 900)])
@pytest.mark.parametrize("run", ["mystery", "answered", "crowded", "unfinished"])
def test_labels_do_not_overlap(open_page: Opener, lessons: Server, run: str, size: tuple[int, int]) -> None:
    monitor = opened(open_page, lessons, run, size=size)
    monitor.wait(
        lambda: monitor.layout("loss")["dots"] or monitor.layout("loss")["bands"],
        lambda: "the report is not drawn",
    )
    for pane in PANES:
        layout = monitor.layout(pane)
        clusters = [dot for dot in layout["dots"] if dot["count"] > 1]
        assert apart([*layout["labels"], *clusters])
        plot = screen_box(monitor.plot(pane))
        assert all(
            0 <= box["top"] and box["top"] + box["height"] <= plot["height"] for box in layout["labels"]
        )


def test_hundreds_of_lr_changes_are_drawn_as_clusters_that_open(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "crowded")
    monitor.wait(lambda: monitor.layout("lr")["dots"], lambda: "no LR changes are drawn")
    dots = monitor.layout("lr")["dots"]
    assert sum(dot["count"] for dot in dots) == 428
    assert 5 < len(dots) < 60
    whole = monitor.x_range()[1]
    cluster = dots[3]
    monitor.page.mouse.click(*middle_of(cluster, screen_box(monitor.plot("lr"))))
    monitor.wait(lambda: monitor.x_range()[1] < whole, lambda: "the click zooms nowhere")
    assert sum(dot["count"] for dot in monitor.layout("lr")["dots"]) >= cluster["count"]
    assert all(dot["count"] == 1 for dot in monitor.layout("lr")["dots"])
    assert monitor.labels("lr")


def test_one_factor_every_epoch_has_no_lr_changes(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "every-epoch", tab="run")
    monitor.panel.get_by_text("×0.93").wait_for()
    assert monitor.layout("lr")["dots"] == []
    assert monitor.legend("lr_changes").count() == 0


def test_a_time_based_decay_is_said_in_words(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "time-based", tab="run")
    monitor.panel.get_by_text("0.1 / (1 + 0.001 × step)").wait_for()


def test_a_marker_says_the_whole_sentence(mystery: Monitor) -> None:
    first = mystery.layout("lr")["dots"][0]
    mystery.point_at("lr", first)
    sentence = mystery.frame.get_by_test_id("mark").inner_text()
    assert re.findall(r"\d[\d.]*\d|\d", sentence) == ["95", "0.1", "0.095", "19", "76", "1"]


def test_a_plateau_reaches_from_the_best_epoch_to_the_reduction_and_says_so(
    open_page: Opener, lessons: Server
) -> None:
    monitor = opened(open_page, lessons, "stalled", tab="what-if")
    monitor.wait(monitor.bands, lambda: "no plateau is drawn")
    assert [monitor.bands(pane)[0] for pane in PANES] == [monitor.bands()[0]] * 2
    first = monitor.bands()[0]
    assert (first["start"], first["end"], first["isSolid"]) == (404, 855, False)
    label = monitor.layout("loss")["labels"][0]
    assert numbers(label["text"]) == [18]
    monitor.point_at("loss", label)
    sentence = monitor.frame.get_by_test_id("mark").inner_text()
    assert sentence == first["sentence"]
    assert re.match(r"val_loss\b.* epoch 8\b.* 18\b", sentence)


def test_the_rule_s_learning_rate_falls_where_it_would_have(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "stalled", tab="what-if")
    monitor.wait(lambda: len(monitor.chart("lr")["lines"]) == 3, lambda: "it is not drawn")
    line = monitor.line("lr", "would")
    assert line.y[line.x < 855].tolist() == [0.1] * 19
    assert line.y[line.x >= 855].max() == 0.01


def test_the_strip_of_the_wait_tells_what_is_used_up(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "stalled", tab="what-if")
    monitor.wait(monitor.bands, lambda: "no plateau is drawn")
    plot = screen_box(monitor.plot("loss"))
    monitor.page.mouse.move(plot["x"] + plot["width"] * 600 / 1800, plot["y"] + plot["height"] + 42)
    assert numbers(monitor.frame.get_by_test_id("mark").inner_text())[:3] == [13, 5, 10]


def test_what_is_planned_lies_ahead_of_the_record(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "unfinished")
    monitor.wait_for_range(0, 760)
    planned = monitor.line("lr", "planned")
    assert (planned.x[0], planned.x[-1]) == (455, 760)
    assert planned.y[-1] == pytest.approx(0.1 * 0.95**7, rel=1e-6)
    monitor.legend("planned").click()
    monitor.wait_for_range(0, 456)


def test_the_legend_hides_and_shows_the_marks(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "stalled", tab="what-if")
    monitor.wait(monitor.bands, lambda: "no plateau is drawn")
    entry = monitor.legend("plateaus")
    entry.click()
    monitor.wait(lambda: not monitor.bands(), lambda: "the plateau is still drawn")
    entry.click()
    monitor.wait(monitor.bands, lambda: "the plateau does not come back")


def test_a_reduction_that_happened_is_solid_one_that_only_would_have_is_not(
    open_page: Opener, lessons: Server
) -> None:
    monitor = opened(open_page, lessons, "answered")
    monitor.wait(monitor.bands, lambda: "no plateau is drawn")
    assert [(band["isSolid"], band["end"]) for band in monitor.bands()] == [
        (True, 855),
        (True, 1305),
        (True, 1755),
    ]
    assert numbers(monitor.labels("loss")[0]) == [18]
    monitor.open_tab("what-if")
    monitor.frame.locator("[name=patience]").fill("12")
    monitor.wait(lambda: len(monitor.bands()) > 3, lambda: "the charts stay")
    assert {band["isSolid"] for band in monitor.bands()} == {True, False}
    assert numbers(monitor.frame.locator(".reduction-did").first.inner_text())[0] == 18


def test_a_run_that_continues_brings_its_new_lr_changes(open_page: Opener, tmp_path: Path) -> None:
    step = np.arange(456)
    lr = (0.1 * 0.95 ** (step // 95)).astype(np.float32)
    with lrmon.Recorder(tmp_path / "run") as recorder:

        def train(epoch: int) -> None:
            rows = slice(76 * epoch, 76 * (epoch + 1))
            seconds = 1.7e9 + 0.1 * step[rows]
            recorder.batches(learning_rate=lr[rows], loss=1 / (1 + step[rows]), wall_time=seconds)
            recorder.end_epoch({"loss": 1 / (1 + epoch)})
            recorder.flush()

        for epoch in range(3):
            train(epoch)
        with tensorboard(tmp_path) as server:
            server.runs_when(lambda runs: len(runs) == 1)
            monitor = opened(open_page, server, "run")
            monitor.wait_for_labels("lr", LR_CHANGES[:2])
            train(3)
            monitor.wait_for_labels("lr", LR_CHANGES[:3])
            monitor.page.close()


def test_with_several_runs_the_marks_are_those_of_the_chosen_one(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "mystery", "stalled", tab="what-if")
    monitor.wait_for_labels("lr", LR_CHANGES)
    assert monitor.bands() == []
    monitor.frame.locator(".run-choice select").select_option("stalled")
    monitor.wait(monitor.bands, lambda: "the plateau is not drawn")
    assert monitor.layout("lr")["dots"] == []


@pytest.mark.parametrize("dark", [False, True])
def test_the_exported_picture_is_as_the_charts_are(
    open_page: Opener, lessons: Server, tmp_path: Path, dark: bool
) -> None:
    monitor = opened(open_page, lessons, "stalled", tab="what-if", dark=dark)
    monitor.wait(monitor.bands, lambda: "no plateau is drawn")

    def exported_size() -> int:
        with monitor.page.expect_download() as picture:
            monitor.frame.get_by_role("button", name="Export").click()
            monitor.frame.locator(".menu").get_by_role("button", name="PNG").click()
        picture.value.save_as(tmp_path / "picture.png")
        return (tmp_path / "picture.png").stat().st_size

    with_plateau = exported_size()
    monitor.legend("plateaus").click()
    monitor.wait(lambda: not monitor.bands(), lambda: "the plateau is still drawn")
    assert with_plateau > 1.05 * exported_size()
