"""Who gets how much of the page: columns, panes, names, and the pane that has nothing to show."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest

import lrmon
from tests.browser.conftest import Opener, Sources
from tests.browser.page import Monitor, box_of, link, runs
from tests.plugin.process import Server, tensorboard

LEARNING_RATES = ("0.1", "0.01", "0.001")
LONG_NAMES = [f"imagenet/resnet50_sgd_momentum0.9_lr{lr}_batch256_augmented_seed1" for lr in LEARNING_RATES]


@pytest.fixture(scope="module")
def long_names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Three runs with long names that differ in their middle; each has a learning rate that never changes."""
    folder = tmp_path_factory.mktemp("names")
    for name, lr in zip(LONG_NAMES, LEARNING_RATES, strict=True):
        with lrmon.Recorder(folder / name) as recorder:
            for epoch in range(4):
                step = np.arange(50) + 50 * epoch
                recorder.batches(
                    learning_rate=np.full(50, float(lr)), loss=1 / (1 + step), wall_time=1.7e9 + step
                )
                recorder.end_epoch({"loss": 0.5, "val_loss": 0.25 + float(lr)})
    with tensorboard(folder) as server:
        server.runs_when(lambda runs: len(runs) == 3)
        yield server


def width(monitor: Monitor, selector: str) -> float:
    return box_of(monitor.frame.locator(selector))["width"]


def splitter(monitor: Monitor, name: str) -> tuple[float, float]:
    """Returns where on the screen the middle of a splitter is."""
    box = box_of(monitor.frame.get_by_role("separator", name=name))
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_long_names_stay_apart_and_a_wider_list_shows_more_of_them(
    open_page: Opener, long_names: Server
) -> None:
    monitor = open_page(long_names, link(runs=runs(*LONG_NAMES)))

    def shown() -> list[str]:
        return monitor.frame.locator(".row-name").all_inner_texts()

    assert len(set(shown())) == 3
    assert all(lr in text for lr, text in zip(sorted(LEARNING_RATES), sorted(shown()), strict=True))
    for name in monitor.frame.locator(".row-name").all():
        assert name.evaluate("name => name.scrollWidth <= name.clientWidth")
    before, letters = width(monitor, ".runs"), len(shown()[0])
    x, y = splitter(monitor, "Width of the run list")
    monitor.page.mouse.move(x, y)
    monitor.page.mouse.down()
    monitor.page.mouse.move(x + 90, y)
    monitor.page.mouse.move(x + 180, y)
    monitor.page.mouse.up()
    monitor.wait(lambda: width(monitor, ".runs") > before + 170, lambda: "the list is not wider")
    monitor.wait(lambda: len(shown()[0]) > letters, lambda: f"the names are still {shown()}")
    monitor.hover("loss", 0.5)
    tooltip = monitor.frame.get_by_test_id("tooltip").inner_text()
    assert all(f"lr{lr}_" in tooltip for lr in LEARNING_RATES)

    wide = width(monitor, ".runs")
    monitor.page.reload()
    monitor.frame.locator(".u-over").first.wait_for()
    monitor.wait(lambda: width(monitor, ".runs") == wide, lambda: "the width is forgotten")
    monitor.frame.get_by_role("separator", name="Width of the run list").dblclick()
    monitor.wait(lambda: width(monitor, ".runs") == before, lambda: "the width is not taken back")


def test_the_arrow_keys_move_what_the_pointer_drags(open_page: Opener, sources: Sources) -> None:
    monitor = open_page(sources.server, link(runs=runs("sampled")))
    for name, selector, key, grows in (
        ("Width of the run list", ".runs", "ArrowRight", True),
        ("Width of the details", ".panel", "ArrowLeft", True),
        ("Width of the details", ".panel", "ArrowRight", False),
    ):
        before = width(monitor, selector)
        monitor.frame.get_by_role("separator", name=name).focus()
        monitor.page.keyboard.press(key)
        monitor.wait(
            lambda selector=selector, before=before, grows=grows: (  # type: ignore[misc]
                width(monitor, selector) != before and (width(monitor, selector) > before) == grows
            ),
            lambda name=name, key=key: f"{key} does not move {name}",  # type: ignore[misc]
        )
    for key in ("Home", "End"):
        monitor.frame.get_by_role("separator", name="Width of the run list").focus()
        monitor.page.keyboard.press(key)
        assert width(monitor, ".main") >= 419
    wide = width(monitor, ".runs")
    monitor.page.set_viewport_size({"width": 1024, "height": 768})
    monitor.wait(lambda: width(monitor, ".runs") < wide, lambda: "the list keeps its width")
    assert width(monitor, ".main") >= 339
    assert monitor.frame.evaluate("document.documentElement.scrollWidth") == 1024


def test_a_boundary_between_panes_gives_one_what_the_other_loses(open_page: Opener, sources: Sources) -> None:
    monitor = open_page(sources.server, link(runs=runs("sampled")), size=(1440, 1000))

    def heights() -> list[float]:
        return [box_of(monitor.frame.locator(f".card-{pane}"))["height"] for pane in ("lr", "layers", "loss")]

    before = heights()
    x, y = splitter(monitor, "Height of the pane above, layers")
    monitor.page.mouse.move(x, y)
    monitor.page.mouse.down()
    monitor.page.mouse.move(x, y + 30)
    monitor.page.mouse.move(x, y + 60)
    monitor.page.mouse.up()
    monitor.wait(lambda: heights()[1] > before[1] + 50, lambda: f"the heights are {heights()}")
    assert heights() == pytest.approx([before[0], before[1] + 60, before[2] - 60], abs=2)
    monitor.frame.get_by_role("separator", name="Height of the pane above, learning rate").focus()
    monitor.page.keyboard.press("Home")
    monitor.wait(lambda: heights()[0] < 112, lambda: f"the heights are {heights()}")
    assert sum(heights()) == pytest.approx(sum(before), abs=2)
    monitor.page.keyboard.press("Enter")
    monitor.wait(lambda: heights() == before, lambda: f"the heights are {heights()}, not {before}")


def test_the_pane_of_a_learning_rate_that_never_changes_is_folded(
    open_page: Opener, long_names: Server
) -> None:
    monitor = open_page(long_names, link(runs=runs(LONG_NAMES[1])))
    assert sorted(monitor.charts()) == ["loss"]
    card = monitor.frame.locator(".card-lr")
    assert "0.01" in card.inner_text()
    card.get_by_test_id("fold").click()
    monitor.wait(lambda: sorted(monitor.charts()) == ["loss", "lr"], lambda: "it does not open")
    assert set(monitor.line("lr", "learning_rate").y.astype(np.float32)) == {np.float32(0.01)}
    card.get_by_test_id("fold").click()
    monitor.wait(lambda: sorted(monitor.charts()) == ["loss"], lambda: "it does not fold")
    several = open_page(long_names, link(runs=runs(*LONG_NAMES)))
    several.frame.locator(".card-lr").get_by_text(re.compile(r"\b0\.001\b.*\b0\.1\b")).wait_for()


def test_the_pane_opens_where_a_rule_would_change_the_learning_rate(
    open_page: Opener, lessons: Server
) -> None:
    monitor = open_page(lessons, link(runs=runs("stalled"), tab="findings"))
    monitor.frame.locator(".finding").first.wait_for()
    assert sorted(monitor.charts()) == ["loss"]
    monitor.open_tab("what-if")
    monitor.wait(lambda: "lr" in monitor.charts(), lambda: "the pane stays folded")
