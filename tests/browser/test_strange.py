"""Names that no page expects, losses and learning rates that are no numbers, and steps without a record."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser import recordings
from tests.browser.conftest import Opener
from tests.browser.page import box_of, link, numbers, runs
from tests.plugin.process import Server, tensorboard

SIZES = [(1440, 900), (1024, 768)]


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("strange")
    recordings.strange(folder)
    with tensorboard(folder) as server:
        server.runs_when(
            lambda runs: len(runs) == 7 and all(run["last_step"] == 239 for run in runs.values())
        )
        yield server


@pytest.mark.parametrize("name", ["__proto__", "constructor", "toString"])
def test_a_run_with_the_name_of_what_every_object_has_is_listed_and_drawn(
    open_page: Opener, strange: Server, name: str
) -> None:
    monitor = open_page(strange, link(runs=runs(name)))
    names = [row.get_attribute("aria-label") or "" for row in monitor.frame.locator(".row-name").all()]

    assert ["__proto__", "constructor", "toString"] == [shown for shown in names if "-" not in shown][:3]
    assert name == monitor.frame.locator("h1").inner_text()
    assert 240 == monitor.line("loss", "loss").x.size
    monitor.hover("loss", 0.5)
    assert name in monitor.frame.get_by_test_id("tooltip").inner_text()


@pytest.mark.parametrize("size", SIZES)
def test_a_metric_of_4000_characters_leaves_the_page_as_it_is(
    open_page: Opener, strange: Server, size: tuple[int, int]
) -> None:
    monitor = open_page(strange, link(runs=runs("long-name")), size=size)
    monitor.frame.locator(".card-loss").get_by_role("button", name="1/3").click()
    panel = box_of(monitor.frame.locator(".popover-panel"))
    for choice in monitor.frame.locator(".choices input").all():
        choice.check()
    legend = monitor.frame.locator(".legend").last

    assert 0 <= panel["x"]
    assert panel["x"] + panel["width"] <= size[0]
    assert 3 == sum(line["key"].startswith("metric/") for line in monitor.chart("loss")["lines"])
    assert recordings.LONG_NAME[:15] in legend.inner_text()
    assert box_of(legend)["height"] < 100
    assert size[0] == monitor.frame.evaluate("document.documentElement.scrollWidth")
    assert recordings.LONG_NAME == monitor.frame.locator(".choices label").first.get_attribute("title")
    monitor.page.keyboard.press("Escape")
    monitor.hover("loss", 0.5)
    tooltip = box_of(monitor.frame.get_by_test_id("tooltip"))
    assert tooltip["width"] < 480
    assert tooltip["x"] + tooltip["width"] <= size[0]


@pytest.mark.parametrize(
    ("name", "codes", "positions"),
    [
        ("nan-loss", ["loss-not-finite"], []),
        ("nan-rate", ["learning-rate-not-finite"], ["150", "3 + 30/40", "151", "3 + 31/40"]),
    ],
)
def test_what_is_no_number_is_an_error_on_the_page(
    open_page: Opener, strange: Server, name: str, codes: list[str], positions: list[str]
) -> None:
    monitor = open_page(strange, link(runs=runs(name)))
    monitor.frame.locator(".finding").first.wait_for()
    panel = monitor.panel.inner_text()

    assert set(codes) <= set(monitor.findings()), panel
    assert [] == [position for position in positions if position not in panel], panel


def test_a_step_that_was_counted_and_not_recorded_is_reported(open_page: Opener, strange: Server) -> None:
    monitor = open_page(strange, link(runs=runs("uncounted")))

    assert 100 in numbers(monitor.frame.locator(".notice").first.inner_text())
    assert [239] == monitor.coverage
