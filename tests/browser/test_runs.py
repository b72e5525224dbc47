"""The list of runs: which are drawn, and how one finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

import lrmon
from tests.browser.conftest import MANY, Logs, Opener
from tests.browser.page import Monitor, link, numbers, runs
from tests.plugin.process import Server, tensorboard


@pytest.fixture
def two(open_page: Opener, server: Server) -> Monitor:
    return open_page(server, link(runs=runs("digits/broken", "mystery/staircase-95")))


def drawn(monitor: Monitor) -> int:
    lines = monitor.charts().get("loss", {}).get("lines", [])
    return len([line for line in lines if line["key"] == "loss"])


def names(monitor: Monitor) -> list[str]:
    return [name.get_attribute("aria-label") or "" for name in monitor.frame.locator(".row-name").all()]


def test_the_run_that_began_last_is_shown_first(open_page: Opener, server: Server) -> None:
    monitor = open_page(server)
    assert monitor.frame.locator("h1").inner_text() == f"many/run-{MANY - 1}"


def test_runs_are_drawn_over_each_other(two: Monitor) -> None:
    two.wait(lambda: drawn(two) == 2, lambda: f"{drawn(two)} runs are drawn")
    assert numbers(two.frame.locator("h1").inner_text()) == [2]
    two.hover("lr", 0.2)
    tooltip = two.frame.get_by_test_id("tooltip").inner_text()
    assert "digits/broken" in tooltip
    assert "mystery/staircase-95" in tooltip


def test_a_regular_expression_narrows_the_list_and_what_is_drawn(two: Monitor) -> None:
    two.frame.locator(".filter").fill("^(MYSTERY|digits)/.*[5n]$")
    assert names(two) == ["digits/broken", "mystery/staircase-95"]
    two.frame.locator(".filter").fill("mystery")
    assert names(two) == ["mystery/staircase-95"]
    assert drawn(two) == 1
    assert numbers(two.frame.get_by_test_id("run-count").inner_text()) == [1, MANY + 3]


def test_an_invalid_expression_is_said_and_the_last_result_stays(two: Monitor) -> None:
    field = two.frame.locator(".filter")
    field.fill("mystery")
    field.fill("mystery[")
    assert names(two) == ["mystery/staircase-95"]
    assert two.frame.locator("#filter-problem").inner_text() != ""
    assert field.get_attribute("aria-invalid") == "true"


def test_a_click_on_a_name_shows_this_run_alone(two: Monitor) -> None:
    two.frame.locator(".row-name", has_text="broken").click()
    two.wait(lambda: drawn(two) == 1, lambda: f"{drawn(two)} runs are drawn")
    assert two.frame.locator("h1").inner_text() == "digits/broken"
    two.frame.locator(".filter").fill("broken|stair")
    two.choice("mystery/staircase-95").check()
    two.wait(lambda: drawn(two) == 2, lambda: f"{drawn(two)} runs are drawn")


def test_none_and_all_concern_the_runs_of_the_list(two: Monitor) -> None:
    two.frame.get_by_test_id("select-none").click()
    two.frame.get_by_test_id("nothing").wait_for()
    two.frame.locator(".filter").fill("digits/")
    two.frame.get_by_test_id("select-all").click()
    two.wait(lambda: drawn(two) == 2, lambda: f"{drawn(two)} runs are drawn")


def test_of_many_runs_only_the_visible_rows_are_in_the_document(two: Monitor, logs: Logs) -> None:
    assert MANY > 2 * len(names(two)) > 20
    two.frame.locator(".rows").evaluate("list => list.scrollTo(0, list.scrollHeight)")
    two.wait(lambda: "mystery/staircase-95" in names(two), lambda: f"the rows are {names(two)}")


def test_more_runs_than_a_picture_holds_are_said(two: Monitor) -> None:
    two.frame.get_by_test_id("select-all").click()
    assert numbers(two.frame.get_by_test_id("facts").inner_text()) == [MANY + 3 - 40]


def test_an_earlier_training_of_a_folder_is_chosen_by_its_own_name(tmp_path: Path, open_page: Opener) -> None:
    for count, lr in ((300, 0.5), (200, 0.25)):
        with lrmon.Recorder(tmp_path / "run1") as recorder:
            for _ in range(count):
                recorder.batch(learning_rate=lr, loss=1.0)
    with tensorboard(tmp_path) as server:
        server.runs_when(lambda runs: {"run1", "run1//earlier 1"} == set(runs))
        monitor = open_page(server)
        assert ["run1", "run1//earlier 1"] == names(monitor)
        assert "run1" == monitor.frame.locator("h1").inner_text()
        assert "0.25" in monitor.frame.locator(".card-lr").inner_text()

        monitor.frame.locator(".row-name", has_text="earlier 1").click()
        monitor.wait(
            lambda: monitor.frame.locator("h1").inner_text() == "run1//earlier 1",
            lambda: f"the page shows {monitor.frame.locator('h1').inner_text()}",
        )
        monitor.wait_for_range(0, 299, within=1)
        assert "0.5" in monitor.frame.locator(".card-lr").inner_text()

        linked = open_page(server, link(runs=runs("run1//earlier 1"), pane_lr="open"))
        assert "run1//earlier 1" == linked.frame.locator("h1").inner_text()
        assert {0.5} == set(linked.line("lr", "learning_rate").y.tolist())
        linked.close()
        monitor.close()


def test_a_run_has_the_same_color_in_whatever_order_the_runs_were_chosen(
    open_page: Opener, server: Server
) -> None:
    chosen = ["mystery/staircase-95", "digits/broken", "many/run-7", "digits/long"]

    def colors(monitor: Monitor) -> dict[str, str]:
        monitor.wait(lambda: drawn(monitor) == 4, lambda: f"{drawn(monitor)} runs are drawn")
        swatches: dict[str, str] = {}
        for name in chosen:
            monitor.frame.locator(".filter").fill(f"^{name}$")
            row = monitor.frame.locator(f'.row[data-run="{name}"]')
            monitor.wait(lambda row=row: row.count() == 1, lambda: "the filter has not answered")  # type: ignore[misc]
            swatches[name] = row.evaluate("row => getComputedStyle(row).getPropertyValue('--swatch')")
            monitor.frame.locator(".filter").fill("")
        return swatches

    def clicked(order: list[str]) -> dict[str, str]:
        monitor = open_page(server, link(runs=runs(order[0])))
        for name in order[1:]:
            monitor.frame.locator(".filter").fill(name)
            monitor.choice(name).check()
        monitor.frame.locator(".filter").fill("")
        return colors(monitor)

    assert clicked(chosen) == clicked(chosen[::-1])
