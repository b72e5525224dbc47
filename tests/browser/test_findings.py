"""Findings: said unasked, and a click away from their place in the charts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator

from tests.browser.conftest import Opener
from tests.browser.page import Monitor, link, numbers, runs
from tests.browser.test_look import overlap
from tests.plugin.process import Server

DRIFT = "staircase-off-epoch"


@pytest.fixture
def mystery(open_page: Opener, lessons: Server) -> Monitor:
    monitor = open_page(lessons, link(runs=runs("mystery")))
    monitor.frame.locator(".finding").first.wait_for()
    return monitor


def test_the_explanation_is_there_unasked(mystery: Monitor) -> None:
    assert DRIFT in mystery.findings()
    drift = mystery.frame.locator(f".finding[data-code={DRIFT}]").inner_text()
    assert {19, 38, 57, 76} <= set(numbers(drift))
    assert "decay_steps=76" in drift
    assert "0.0814506" in mystery.panel.inner_text()


def test_the_badges_count_the_findings(mystery: Monitor) -> None:
    count = mystery.frame.locator(".finding").count()
    assert count >= 1
    assert mystery.frame.locator(".tabs .badge").inner_text() == str(count)
    row = mystery.frame.locator(".row", has_text="mystery")
    assert row.locator(".badge").inner_text().split()[0] == str(count)


def test_badges_have_the_color_of_the_worst_finding(open_page: Opener, lessons: Server) -> None:
    """A finding that is only information is not amber."""

    def colors(run: str) -> tuple[str, ...]:
        monitor = open_page(lessons, link(runs=runs(run)))
        monitor.frame.locator(".finding").first.wait_for()
        row = monitor.frame.locator(".row", has_text=run).locator(".badge")
        badges = (row, monitor.frame.locator(".tabs .badge"))
        return tuple(badge.evaluate("badge => getComputedStyle(badge).backgroundColor") for badge in badges)

    warned, informed = colors("stalled"), colors("warmed")
    assert len({*warned, *informed}) == 2
    assert warned[0] == warned[1] != informed[0] == informed[1]


def test_a_click_on_a_finding_shows_its_place_and_puts_the_cursor_there(mystery: Monitor) -> None:
    shows = mystery.frame.locator("[data-step='380']")
    shows.focus()
    mystery.page.keyboard.press("Enter")
    mystery.wait(lambda: mystery.x_range()[0] > 200, lambda: f"the charts show {mystery.x_range()}")
    start, end = mystery.x_range()
    assert start < 380 < end <= 456
    assert shows.get_attribute("aria-pressed") == "true"
    tooltip = mystery.frame.get_by_test_id("tooltip").inner_text()
    assert 380 in numbers(tooltip)
    assert "5 + 0/76" in tooltip
    mystery.page.keyboard.press("Escape")
    mystery.wait_for_range(0, 456)
    assert shows.get_attribute("aria-pressed") == "false"


def test_on_the_epoch_axis_a_finding_is_shown_at_the_same_place(mystery: Monitor) -> None:
    mystery.choose("axis", "epoch")
    mystery.wait_for_range(0, 6)
    mystery.frame.locator("[data-step='380']").click()
    mystery.wait(lambda: mystery.x_range() != (0, 6), lambda: "the click zooms nowhere")
    start, end = mystery.x_range()
    assert 3 < start < 5 < end <= 6


def test_screen_readers_get_the_findings_as_plain_sentences(mystery: Monitor) -> None:
    items = mystery.frame.get_by_test_id("findings-text").locator("li").all()
    assert len(items) == mystery.frame.locator(".finding").count()
    assert 95 in numbers(items[0].inner_text())


def test_a_run_without_findings_says_so(open_page: Opener, lessons: Server) -> None:
    monitor = open_page(lessons, link(runs=runs("crowded"), tab="findings"))
    monitor.frame.locator(".nothing").wait_for()
    assert monitor.findings() == []
    assert monitor.frame.locator(".tabs .badge").count() == 0


def findings_of(monitor: Monitor, run: str) -> Locator:
    return monitor.frame.locator(f".run-findings[data-run={run}] .finding")


@pytest.fixture
def compared(open_page: Opener, lessons: Server) -> Monitor:
    chosen = runs("crowded", "mystery", "stalled")
    monitor = open_page(lessons, link(runs=chosen, tab="findings", focus="stalled", metrics="val_loss"))
    for run in ("mystery", "stalled"):
        findings_of(monitor, run).first.wait_for()
    monitor.wait(
        lambda: len([line for line in monitor.chart("loss")["lines"] if line["key"] == "loss"]) == 3,
        lambda: "the runs are not drawn",
    )
    return monitor


def test_the_findings_of_all_runs_are_listed_below_their_names(compared: Monitor) -> None:
    panel = compared.panel
    assert findings_of(compared, "mystery").and_(compared.frame.locator(f"[data-code={DRIFT}]")).count() == 1
    assert panel.get_by_role("region").count() == 2
    assert "crowded" in panel.get_by_test_id("without-findings").inner_text()
    assert compared.frame.locator(".tabs .badge").inner_text() == str(panel.locator(".finding").count())
    texts = compared.frame.get_by_test_id("findings-text")
    assert {text.get_attribute("data-run") for text in texts.all()} == {"mystery", "stalled"}


def test_a_finding_of_another_run_shows_its_place_and_the_panel_says_whose_it_is(compared: Monitor) -> None:
    choice = compared.frame.locator(".run-choice select")
    assert choice.input_value() == "stalled"
    compared.frame.locator("[data-step='380']").click()
    compared.wait(lambda: choice.input_value() == "mystery", lambda: f"it is {choice.input_value()}")
    compared.wait(lambda: compared.x_range()[1] < 600, lambda: f"the charts show {compared.x_range()}")
    compared.wait(
        lambda: compared.layout("lr")["dots"],
        lambda: "the marks are those of another run",
    )
    compared.open_tab("run")
    assert "decay_steps = 95" in compared.panel.inner_text()


def test_the_tooltip_of_several_runs_has_their_metrics(compared: Monitor) -> None:
    compared.hover("loss", 0.1)
    table = compared.frame.get_by_test_id("tooltip").locator("table")
    head = [cell.inner_text() for cell in table.locator("thead th").all()]
    assert "val_loss" in head
    column = head.index("val_loss")
    shown = {}
    for row in table.locator("tbody tr").all():
        cells = row.locator("th, td").all_inner_texts()
        shown[cells[0]] = cells[column]
    assert set(shown) == {"crowded", "mystery", "stalled"}
    # Step 300 of 3,000: the stalled run's seventh epoch has a loss of 0.4.
    assert float(shown["stalled"]) == pytest.approx(1.2 * 0.4, rel=1e-3)
    assert len(set(shown.values())) == 3


def test_in_a_narrow_window_the_first_finding_stands_above_the_charts(
    open_page: Opener, lessons: Server
) -> None:
    monitor = open_page(lessons, link(runs=runs("mystery")), size=(1024, 768), dark=True)
    line = monitor.frame.locator(".finding-line")
    line.wait_for()
    assert line.get_attribute("data-code") == DRIFT
    line.click()
    monitor.frame.locator(".finding").first.wait_for()
    assert not line.is_visible()


@pytest.mark.parametrize("tab", ["findings", "what-if"])
@pytest.mark.parametrize("run", ["mystery", "stalled"])
def test_nothing_overlaps_at_1024_pixels(open_page: Opener, lessons: Server, run: str, tab: str) -> None:
    monitor = open_page(lessons, link(runs=runs(run), tab=tab), size=(1024, 768))
    monitor.frame.locator(".finding-line").wait_for()
    monitor.frame.get_by_test_id("open-details").click()
    monitor.frame.locator(".finding, .cell").first.wait_for()
    selectors = (
        "h1",
        ".controls > *",
        ".legend li",
        ".card-tools > *",
        ".pane",
        ".tabs button",
        ".tab .finding",
        ".tab .field",
        ".what-if-tools > *",
        ".reduction",
        ".diverges",
        ".cell",
    )
    boxes = []
    for selector in selectors:
        for element in monitor.frame.locator(selector).all():
            box = element.bounding_box()
            if box is not None and box["width"] > 0:
                boxes.append((f"{selector} {element.inner_text()[:20]!r}", box))
    assert [] == [
        f"{a} and {b}"
        for index, (a, first) in enumerate(boxes)
        for b, second in boxes[index + 1 :]
        if overlap(first, second)
    ]
    assert [] == [name for name, box in boxes if box["x"] + box["width"] > 1024.5]


def test_a_report_that_fails_is_said_and_breaks_no_chart(open_page: Opener, lessons: Server) -> None:
    monitor = open_page(lessons, link(runs=runs("mystery")))
    monitor.frame.locator(".finding").first.wait_for()
    monitor.page.route("**/lrmon/report*", lambda route: route.fulfill(status=503, body="{}"))
    monitor.frame.locator(".row-name", has_text="stalled").click()
    alert = monitor.frame.get_by_role("alert")
    alert.first.wait_for()
    assert numbers(alert.first.inner_text()) == [503]
    monitor.wait_for_range(0, 1800)
    assert monitor.line("loss", "loss").x[-1] == 1799
    monitor.page.unroute("**/lrmon/report*")
    monitor.frame.get_by_test_id("retry").click()
    monitor.frame.locator(".finding").first.wait_for()
    open_page.forgive_status(503)
