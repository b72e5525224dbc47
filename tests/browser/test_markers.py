"""What the report adds to the charts: edges, plateaus, the plan, and what is said of each."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from tests.browser.conftest import Opener
from tests.browser.page import Monitor, Pane, link, middle_of, runs
from tests.browser.page import box_of as screen_box
from tests.plugin.process import Server, tensorboard

EDGES = ["+19/76", "+38/76", "+57/76", "0/76"]
PANES: tuple[Pane, Pane] = ("lr", "loss")


def opened(open_page: Opener, server: Server, *names: str, **values: Any) -> Monitor:
    size = values.pop("size", (1440, 900))
    dark = values.pop("dark", False)
    return open_page(server, link(runs=runs(*names), **values), size=size, dark=dark)


@pytest.fixture
def mystery(open_page: Opener, lessons: Server) -> Monitor:
    monitor = opened(open_page, lessons, "mystery")
    monitor.wait_for_labels("lr", EDGES)
    return monitor


def apart(boxes: list[dict[str, Any]]) -> bool:
    return all(
        one["left"] + one["width"] <= other["left"]
        or other["left"] + other["width"] <= one["left"]
        or one["top"] + one["height"] <= other["top"]
        or other["top"] + other["height"] <= one["top"]
        for one, other in combinations(boxes, 2)
    )


def marker_steps(monitor: Monitor, pane: Pane) -> list[int]:
    return [dot["marker"]["step"] for dot in monitor.layout(pane)["dots"]]


def test_each_edge_is_marked_in_both_panes_and_labelled_with_its_place(mystery: Monitor) -> None:
    assert [marker_steps(mystery, pane) for pane in PANES] == [[95, 190, 285, 380]] * 2
    tones = [dot["tone"] for dot in mystery.layout("lr")["dots"]]
    assert tones == ["off", "off", "off", "on"]


@pytest.mark.parametrize("axis", ["epoch", "relative", "wall"])
def test_edges_keep_their_place_on_every_axis(mystery: Monitor, axis: str) -> None:
    parts = [dot["x"] for dot in mystery.layout("lr")["dots"]]
    mystery.choose("axis", axis)
    start, end = mystery.x_range()
    mystery.wait(lambda: mystery.x_range() != (0, 456), lambda: "the axis stays")
    moved = [dot["x"] for dot in mystery.layout("lr")["dots"]]
    assert moved == pytest.approx(parts, abs=2)
    mystery.wait_for_labels("lr", EDGES)
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


def test_hundreds_of_edges_are_drawn_as_clusters_that_open(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "crowded")
    monitor.wait(lambda: monitor.layout("lr")["dots"], lambda: "no edges are drawn")
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


def test_one_factor_every_epoch_is_said_and_has_no_edges(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "every-epoch", tab="run")
    panel = monitor.frame.get_by_role("tabpanel", name="Run")
    panel.get_by_text("×0.93 every epoch, from 0.1 to").wait_for()
    assert monitor.layout("lr")["dots"] == []
    assert "LR step" not in " ".join(monitor.frame.locator(".legend li").all_inner_texts())


def test_a_time_based_decay_is_said_in_words(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "time-based", tab="run")
    said = "Time-based decay: 0.1 / (1 + 0.001 × step), at every batch, not once an epoch."
    monitor.frame.get_by_text(said).wait_for()


def test_a_marker_says_the_whole_sentence(mystery: Monitor) -> None:
    first = mystery.layout("lr")["dots"][0]
    mystery.point_at("lr", first)
    assert mystery.frame.get_by_test_id("mark").inner_text() == (
        "At step 95 the learning rate fell from 0.1 to 0.095: 19 of 76 steps into epoch 1, "
        "a quarter of an epoch after its start."
    )


def test_a_plateau_reaches_from_the_best_epoch_to_the_reduction_and_says_so(
    open_page: Opener, lessons: Server
) -> None:
    monitor = opened(open_page, lessons, "stalled", tab="what-if")
    monitor.wait(monitor.bands, lambda: "no plateau is drawn")
    assert [monitor.bands(pane)[0] for pane in PANES] == [monitor.bands()[0]] * 2
    first = monitor.bands()[0]
    assert (first["start"], first["end"], first["isSolid"]) == (404, 855, False)
    label = monitor.layout("loss")["labels"][0]
    assert label["text"] == "would reduce after epoch 18"
    monitor.point_at("loss", label)
    said = monitor.frame.get_by_test_id("mark").inner_text()
    assert "val_loss had its best value in epoch 8" in said
    assert "From here on the recorded curve is not the one that would have been." in said


def test_the_rule_s_learning_rate_falls_where_it_would_have(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "stalled", tab="what-if")
    monitor.wait(lambda: len(monitor.chart("lr")["lines"]) == 3, lambda: "it is not drawn")
    line = monitor.line("lr", "with the rule")
    assert line.y[line.x < 855].tolist() == [0.1] * 19
    assert line.y[line.x >= 855].max() == 0.01


def test_the_strip_of_the_wait_tells_what_is_used_up(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "stalled", tab="what-if")
    monitor.wait(monitor.bands, lambda: "no plateau is drawn")
    plot = screen_box(monitor.plot("loss"))
    monitor.page.mouse.move(plot["x"] + plot["width"] * 600 / 1800, plot["y"] + plot["height"] + 42)
    said = monitor.frame.get_by_test_id("mark").inner_text()
    assert said.startswith("After epoch 13 the rule has waited 5 of 10")


def test_what_is_planned_lies_ahead_of_the_record(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "unfinished")
    monitor.wait_for_range(0, 760)
    planned = monitor.line("lr", "planned")
    assert (planned.x[0], planned.x[-1]) == (455, 760)
    assert planned.y[-1] == pytest.approx(0.1 * 0.95**7, rel=1e-6)
    monitor.frame.get_by_role("button", name="planned").click()
    monitor.wait_for_range(0, 456)


def test_the_legend_hides_and_shows_the_marks(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "stalled", tab="what-if")
    monitor.wait(monitor.bands, lambda: "no plateau is drawn")
    entry = monitor.frame.get_by_role("button", name="plateau, would reduce")
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
    assert monitor.labels("loss")[0] == "reduced after epoch 18"
    monitor.frame.get_by_role("tab", name="What if").click()
    monitor.frame.locator("[name=patience]").fill("12")
    monitor.wait(lambda: len(monitor.bands()) > 3, lambda: "the charts stay")
    assert {band["isSolid"] for band in monitor.bands()} == {True, False}
    assert "after epoch 18, by the run's own alone" in monitor.frame.get_by_test_id("reductions").inner_text()


def test_a_run_that_goes_on_brings_its_new_edges(open_page: Opener, tmp_path: Path) -> None:
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
            monitor.wait_for_labels("lr", EDGES[:2])
            train(3)
            monitor.wait_for_labels("lr", EDGES[:3])
            monitor.page.close()


def test_with_several_runs_the_marks_are_those_of_the_chosen_one(open_page: Opener, lessons: Server) -> None:
    monitor = opened(open_page, lessons, "mystery", "stalled", tab="what-if")
    monitor.wait_for_labels("lr", EDGES)
    assert monitor.bands() == []
    monitor.frame.get_by_label("Run", exact=True).select_option("stalled")
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
            monitor.frame.get_by_role("button", name="Picture of the charts PNG").click()
        picture.value.save_as(tmp_path / "picture.png")
        return (tmp_path / "picture.png").stat().st_size

    with_plateau = exported_size()
    monitor.frame.get_by_role("button", name="plateau, would reduce").click()
    monitor.wait(lambda: not monitor.bands(), lambda: "the plateau is still drawn")
    assert with_plateau > 1.05 * exported_size()
