"""Range tests: their curves, what they suggest, and the learning rates of a training drawn over them."""

from __future__ import annotations

import json
import re
import time
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import FloatRect

import lrmon
from tests.browser.conftest import Opener, Sources
from tests.browser.page import Monitor, box_of, link, numbers, runs
from tests.browser.test_look import overlap
from tests.plugin.process import tensorboard

ONE = "sweeps/one"
METHODS = ("steepest", "valley", "slide", "minimum_tenth", "divergence")


def opened(open_page: Opener, sources: Sources, *names: str, **values: Any) -> Monitor:
    size = values.pop("size", (1440, 900))
    return open_page(sources.server, link(kind="range_test", sweeps=runs(*names), **values), size=size)


def answer(sources: Sources, run: str, **arguments: str) -> dict[str, Any]:
    test: dict[str, Any] = sources.server.get("range_test", run=run, **arguments).json
    return test


def lrs(monitor: Monitor) -> list[str]:
    return [mark.inner_text() for mark in monitor.frame.locator(".suggestion .lr").all()]


def as_shown(lr: float) -> str:
    return f"{lr:.3g}"


def test_range_tests_are_a_kind_of_their_own(open_page: Opener, sources: Sources) -> None:
    monitor = open_page(sources.server)
    assert numbers(monitor.frame.get_by_test_id("run-count").inner_text()) == [5]
    assert monitor.frame.get_by_test_id("recommended").count() == 0
    monitor.choose("kind", "range_test")
    monitor.frame.get_by_test_id("recommended").wait_for()
    assert numbers(monitor.frame.get_by_test_id("run-count").inner_text()) == [5]
    # The one that was made last.
    assert monitor.frame.locator("h1").inner_text() == ONE
    monitor.choose("kind", "training")
    monitor.wait(lambda: "lr" in monitor.charts(), lambda: f"there are {sorted(monitor.charts())}")


def test_loss_is_drawn_over_the_logarithm_of_its_learning_rate(open_page: Opener, sources: Sources) -> None:
    monitor = opened(open_page, sources, ONE)
    recorded = sources.recorded[ONE]
    line = monitor.line("sweep", "sweep_loss")
    assert np.array_equal(recorded.learning_rate, (10**line.x).astype(np.float32))
    assert np.array_equal(recorded.loss, line.y.astype(np.float32))
    columns = answer(sources, ONE)["sweeps"][0]["columns"]
    assert columns["loss_smoothed"] == monitor.line("sweep", "sweep_smoothed").y.tolist()
    slope = [np.nan if value is None else value for value in columns["slope"]]
    assert np.array_equal(slope, monitor.line("slope", "slope").y, equal_nan=True)
    assert monitor.x_range("sweep") == monitor.x_range("slope")


def test_every_suggestion_is_shown_and_marked_and_the_recommended_one_stands_out(
    open_page: Opener, sources: Sources
) -> None:
    monitor = opened(open_page, sources, ONE)
    test = answer(sources, ONE)
    recommended = as_shown(test["recommended"]["learning_rate"])
    suggested = [test["suggestions"][method]["learning_rate"] for method in METHODS]
    assert lrs(monitor) == [recommended, *(as_shown(lr) for lr in suggested if lr is not None)]
    labels = monitor.labels("sweep")
    assert recommended in [label.split()[-1] for label in labels]
    for method in ("steepest", "valley", "slide"):
        value = as_shown(test["suggestions"][method]["learning_rate"])
        assert value in [label.split()[-1] for label in labels], method
    uprights = monitor.layout("sweep")["uprights"]
    assert [upright["line"]["tone"] for upright in uprights].count("recommended") == 1
    box = box_of(monitor.plot("sweep"))
    strong = next(upright for upright in uprights if upright["line"]["tone"] == "recommended")
    monitor.page.mouse.move(box["x"] + strong["at"], box["y"] + 0.8 * box["height"])
    assert test["recommended"]["reason"] in monitor.frame.get_by_test_id("mark").inner_text()


def test_a_button_copies_the_value_as_a_number(open_page: Opener, sources: Sources) -> None:
    monitor = opened(open_page, sources, ONE)
    recommended = answer(sources, ONE)["recommended"]["learning_rate"]
    monitor.frame.get_by_test_id("recommended").get_by_role("button").click()
    text = monitor.page.evaluate("navigator.clipboard.readText()")
    assert float(text) == float(f"{recommended:.3g}")
    assert text == json.dumps(float(text))
    monitor.frame.locator("[data-method=steepest]").get_by_role("button").press("Enter")
    steepest = answer(sources, ONE)["suggestions"]["steepest"]["learning_rate"]
    assert float(monitor.page.evaluate("navigator.clipboard.readText()")) == float(f"{steepest:.3g}")


def test_where_and_why_it_stopped_is_said(open_page: Opener, sources: Sources) -> None:
    monitor = opened(open_page, sources, ONE)
    steps = sources.recorded[ONE].loss.size
    ends = monitor.frame.get_by_test_id("ends").inner_text()
    assert numbers(ends)[:2] == [steps, 100]
    assert answer(sources, ONE)["sweeps"][0]["stopped_reason"] in ends
    tones = [upright["line"]["tone"] for upright in monitor.layout("sweep")["uprights"]]
    assert tones.count("stopped") == 1


def test_a_test_that_cannot_tell_says_so(open_page: Opener, sources: Sources) -> None:
    monitor = opened(open_page, sources, "sweeps/flat")
    test = answer(sources, "sweeps/flat")
    assert test["recommended"]["learning_rate"] is None
    notices = [notice.inner_text() for notice in monitor.frame.locator(".notices .notice").all()]
    assert [problem["text"] for problem in test["cautions"]] == notices
    assert lrs(monitor) == []
    assert monitor.frame.get_by_test_id("recommended").locator(".value-none").count() == 1


def test_a_finder_of_ones_own_is_a_range_test_and_says_what_keras_logs(
    open_page: Opener, sources: Sources
) -> None:
    monitor = opened(open_page, sources, "sweeps/own")
    recognized = answer(sources, "sweeps/own")["recognized"]
    assert "1e-06" in recognized
    assert monitor.frame.get_by_test_id("verdict").inner_text() == recognized
    assert lrs(monitor) != []


def test_sweeps_of_one_call_are_drawn_together_with_their_spread(open_page: Opener, sources: Sources) -> None:
    monitor = opened(open_page, sources, "sweeps/repeated")
    assert [line["key"] for line in monitor.chart("sweep")["lines"]].count("sweep_smoothed") == 3
    steepest = answer(sources, "sweeps/repeated")["suggestions"]["steepest"]
    card = monitor.frame.locator("[data-method=steepest]").inner_text()
    assert f"{as_shown(steepest['low'])} to {as_shown(steepest['high'])}" in " ".join(card.split())
    spreads = [upright["spread"] for upright in monitor.layout("sweep")["uprights"]]
    assert any(spread is not None for spread in spreads)
    monitor.hover("sweep", 0.5)
    assert monitor.frame.get_by_test_id("tooltip").locator("tbody tr").count() == 3


def test_several_tests_are_overlaid_with_the_median_of_what_they_suggest(
    open_page: Opener, sources: Sources
) -> None:
    names = (ONE, "sweeps/repeated", "sweeps/wide")
    monitor = opened(open_page, sources, *names)
    assert numbers(monitor.frame.locator("h1").inner_text()) == [3]
    suggested = [answer(sources, name)["recommended"]["learning_rate"] for name in names]
    median = monitor.frame.get_by_test_id("median").locator(".lr").first.inner_text()
    assert median == as_shown(float(np.median(suggested)))
    assert median in [label.split()[-1] for label in monitor.labels("sweep")]
    decades = np.log10(max(suggested) / min(suggested))
    assert f"{decades:.2g}" in monitor.frame.get_by_test_id("spread").inner_text()
    monitor.choice("sweeps/wide").uncheck()
    monitor.wait(
        lambda: numbers(monitor.frame.locator("h1").inner_text()) == [2], lambda: "three tests are drawn"
    )


def test_on_a_training_s_page_its_rates_are_drawn_over_the_chosen_test(
    open_page: Opener, sources: Sources
) -> None:
    monitor = open_page(sources.server, link(runs=runs("staircase")))
    monitor.open_tab("sweep")
    monitor.frame.get_by_test_id("verdict").wait_for()
    monitor.panel.locator(".run-choice select").select_option("sweeps/wide")
    text = answer(sources, "sweeps/wide", training="staircase")["training"]["text"]
    verdict = monitor.frame.get_by_test_id("verdict")
    monitor.wait(
        lambda: verdict.inner_text() == text, lambda: f"it says {verdict.inner_text()!r}, not {text!r}"
    )
    monitor.frame.get_by_test_id("open-range-test").click()
    monitor.frame.get_by_test_id("recommended").wait_for()
    assert monitor.frame.locator("h1").inner_text() == "sweeps/wide"
    monitor.wait(
        lambda: verdict.inner_text() == text, lambda: f"it says {verdict.inner_text()!r}, not {text!r}"
    )
    monitor.legend("trained").wait_for()


def test_a_copied_link_opens_the_same_tests_with_the_same_training(
    open_page: Opener, sources: Sources
) -> None:
    monitor = open_page(sources.server, inside=True)
    monitor.choose("kind", "range_test")
    monitor.choice("sweeps/wide").check()
    monitor.frame.locator(".training-choice select").select_option("staircase")
    monitor.frame.get_by_test_id("verdict").first.wait_for()
    monitor.choose("scale-sweep", "log")
    monitor.drag("sweep", (0.3, 0.3), (0.7, 0.8))
    monitor.legend("sweep_smoothed").click()
    address = monitor.copy("copy-link")

    again = open_page(sources.server, "#" + urlsplit(address).fragment, inside=True)
    again.frame.get_by_test_id("verdict").first.wait_for()
    assert numbers(again.frame.locator("h1").inner_text()) == [2]
    lines = {line["key"] for line in again.chart("sweep")["lines"]}
    assert lines == {"sweep_loss"}
    assert [chart["scales"] for chart in again.charts().values()] == [
        chart["scales"] for chart in monitor.charts().values()
    ]


def test_a_zoom_is_taken_back_by_escape_and_the_arrows_read_the_curve(
    open_page: Opener, sources: Sources
) -> None:
    monitor = opened(open_page, sources, ONE)
    whole = monitor.x_range("sweep")
    monitor.drag("sweep", (0.2, 0.5), (0.4, 0.5))
    monitor.wait(lambda: monitor.x_range("slope") != whole, lambda: "it has not zoomed")
    monitor.page.keyboard.press("Escape")
    monitor.wait(lambda: monitor.x_range("slope") == whole, lambda: f"it shows {monitor.x_range('slope')}")
    monitor.frame.locator("[data-pane=sweep]").focus()
    monitor.page.keyboard.press("Home")
    spoken = monitor.frame.get_by_test_id("spoken")
    monitor.wait(lambda: re.search(r"\b1e-5\b", spoken.inner_text()), lambda: f"{spoken.inner_text()!r}")
    monitor.page.keyboard.press("ArrowRight")
    monitor.wait(lambda: "1.15e-5" in spoken.inner_text(), lambda: f"{spoken.inner_text()!r}")


def test_a_test_that_cannot_be_loaded_says_why_and_can_be_tried_again(
    open_page: Opener, sources: Sources
) -> None:
    monitor = open_page(sources.server, link(runs=runs("staircase")))
    broken = True

    def answer_badly(route: Any) -> None:
        if broken:
            route.fulfill(status=503, body='{"error": "The data server is gone."}')
        else:
            route.continue_()

    monitor.page.route("**/range_test?*", answer_badly)
    monitor.choose("kind", "range_test")
    alert = monitor.frame.get_by_role("alert")
    alert.get_by_text("The data server is gone.").wait_for()
    broken = False
    alert.get_by_test_id("retry").click()
    monitor.frame.get_by_test_id("recommended").wait_for()
    open_page.forgive_status(503)


APART = (
    "h1",
    ".summary",
    ".controls > *",
    ".suggestion",
    ".suggestion-table",
    ".ends",
    ".legend li",
    ".card-tools > *",
    ".brand",
    ".kinds",
    ".filter",
    ".notices > *",
    ".pane",
    ".panel",
)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [(1024, 768), (1440, 900)])
@pytest.mark.parametrize("names", [("sweeps/repeated",), (ONE, "sweeps/repeated", "sweeps/wide")])
def test_nothing_overlaps_or_is_cut_off(
    open_page: Opener, sources: Sources, size: tuple[int, int], dark: bool, names: tuple[str, ...]
) -> None:
    values = link(kind="range_test", sweeps=runs(*names), training="staircase")
    monitor = open_page(sources.server, values, size=size, dark=dark)
    monitor.frame.get_by_test_id("verdict").first.wait_for()
    boxes = []
    for selector in APART:
        for element in monitor.frame.locator(selector).all():
            box = element.bounding_box()
            if box is not None and box["width"] > 0 and box["height"] > 0:
                boxes.append((f"{selector} {element.inner_text()[:30]!r}", box))
    assert len(boxes) > 14
    assert [] == [
        f"{a} and {b}" for (a, first), (b, second) in combinations(boxes, 2) if overlap(first, second)
    ]
    assert [] == [name for name, box in boxes if box["x"] + box["width"] > size[0] + 0.5]
    for value in monitor.frame.locator(".suggestion").all():
        card = box_of(value)
        copy = value.locator(".copy")
        if copy.count() > 0:
            box = box_of(copy)
            assert box["x"] + box["width"] <= card["x"] + card["width"]
    labels: list[FloatRect] = [
        {"x": label["left"], "y": label["top"], "width": label["width"], "height": label["height"]}
        for label in monitor.layout("sweep")["labels"]
    ]
    assert not any(overlap(first, second) for first, second in combinations(labels, 2))


def test_a_test_that_runs_grows_in_the_page(open_page: Opener, tmp_path: Path) -> None:
    settings = {"start_lr": 1e-5, "end_lr": 1.0, "steps": 100, "growth": "exponential", "stop_factor": 4.0}
    test = {
        **settings,
        "smoothing": 0.9,
        "repeat": 0,
        "repeats": 1,
        "stopped": None,
        "stopped_reason": None,
    }
    lr = np.geomspace(1e-5, 1.0, 100).astype(np.float32)
    loss = np.linspace(2.3, 1.0, 100).astype(np.float32)
    with lrmon.Recorder(tmp_path / "live", run={"kind": "range_test", "range_test": test}) as recorder:
        recorder.batches(learning_rate=lr[:50], loss=loss[:50], wall_time=time.time() + 0.01 * np.arange(50))
        recorder.flush()
        with tensorboard(tmp_path) as server:
            server.runs_when(lambda runs: "live" in runs)
            # There is no training: the page opens with what there is.
            monitor = open_page(server)
            ends = monitor.frame.get_by_test_id("ends")
            assert numbers(ends.inner_text()) == [50, 100]
            recorder.batches(
                learning_rate=lr[50:], loss=loss[50:], wall_time=time.time() + 0.01 * np.arange(50)
            )
            recorder.close()
            monitor.wait(
                lambda: numbers(ends.inner_text()) == [100], lambda: f"it says {ends.inner_text()!r}"
            )
            assert monitor.line("sweep", "sweep_loss").x.size == 100
            monitor.close()
