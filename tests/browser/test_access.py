"""The page for those who use the keyboard or hear it: axe-core finds nothing, arrow keys lead everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import Opener, Sources
from tests.browser.page import Monitor, link, runs
from tests.plugin.process import Server, tensorboard

AXE = Path(__file__).resolve().parents[2] / "tb_plugin/frontend/node_modules/axe-core/axe.min.js"


def violations(monitor: Monitor) -> list[str]:
    """Returns what axe-core finds wrong with the page as it stands, a line for each element."""
    if not AXE.is_file():
        raise AssertionError(f"{AXE} is missing: run `python tb_plugin/bundle.py test`, which installs it.")
    if not monitor.frame.evaluate("'axe' in window"):
        # TensorBoard's pages forbid scripts from elsewhere, but not to evaluate one.
        monitor.frame.evaluate(AXE.read_text(encoding="utf-8"))
    violated: list[str] = monitor.frame.evaluate(
        """async () => {
          // Colors are measured at rest.
          await Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {})));
          const { violations } = await axe.run(document, { resultTypes: ["violations"] });
          return violations.flatMap(({ id, help, nodes }) =>
            nodes.map((node) => `${id}: ${help}: ${node.target.join(" ")}: ${node.failureSummary}`),
          );
        }"""
    )
    return violated


def test_axe_finds_what_is_wrong(open_page: Opener, lessons: Server) -> None:
    monitor = open_page(lessons, link(runs="mystery"))
    monitor.frame.evaluate("document.body.insertAdjacentHTML('beforeend', '<input><h6>deep</h6>')")
    violated = " ".join(violations(monitor))
    assert "label: " in violated
    assert "heading-order: " in violated


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("tab", ["findings", "what-if", "run"])
def test_axe_finds_nothing_wrong_with_a_training(
    open_page: Opener, lessons: Server, tab: str, dark: bool
) -> None:
    monitor = open_page(lessons, link(runs=runs("stalled"), tab=tab), dark=dark)
    monitor.frame.locator(".finding, .cell, .attribute-list").first.wait_for()
    assert [] == violations(monitor)


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing_wrong_with_several_trainings(
    open_page: Opener, sources: Sources, dark: bool
) -> None:
    chosen = link(runs=runs("sampled", "two", "scaled"), tab="run")
    monitor = open_page(sources.server, chosen, size=(1024, 768), dark=dark)
    monitor.frame.get_by_test_id("open-details").wait_for()
    assert [] == violations(monitor)
    monitor.frame.get_by_test_id("open-details").click()
    monitor.frame.locator(".attribute-list").first.wait_for()
    assert [] == violations(monitor)
    for tab in ("findings", "sweep"):
        monitor.open_tab(tab)
        assert [] == violations(monitor), tab


@pytest.mark.parametrize("menu", ["Export", "Metrics", "Layers"])
def test_axe_finds_nothing_wrong_with_what_opens(open_page: Opener, sources: Sources, menu: str) -> None:
    monitor = open_page(sources.server, link(runs=runs("sampled"), tab="run"))
    monitor.frame.get_by_role("button", name=re.compile(f"^{menu}")).click()
    monitor.frame.locator(".popover-panel").wait_for()
    monitor.legend("effective_learning_rate").click()
    monitor.frame.get_by_role("button", name=re.compile(f"^{menu}")).click()
    monitor.frame.locator(".popover-panel").wait_for()
    assert [] == violations(monitor)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("tests", [["sweeps/one"], ["sweeps/one", "sweeps/flat", "sweeps/repeated"]])
def test_axe_finds_nothing_wrong_with_range_tests(
    open_page: Opener, sources: Sources, tests: list[str], dark: bool
) -> None:
    monitor = open_page(sources.server, link(kind="range_test", sweeps=runs(*tests)), dark=dark)
    monitor.frame.locator(".suggestions").wait_for()
    assert [] == violations(monitor)


def test_axe_finds_nothing_wrong_without_anything_to_draw(
    open_page: Opener, lessons: Server, tmp_path: Path
) -> None:
    monitor = open_page(lessons, link(runs=""))
    monitor.frame.get_by_test_id("nothing").wait_for()
    assert [] == violations(monitor)
    with tensorboard(tmp_path) as server:
        empty = open_page(server)
        empty.frame.get_by_test_id("empty").wait_for()
        assert [] == violations(empty)
        empty.close()


def focused(monitor: Monitor) -> str:
    """Returns what the element with the focus says or is called."""
    label: str = monitor.frame.evaluate(
        "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"
    )
    return label


def wait_for_focus(monitor: Monitor, is_there: Callable[[str], bool]) -> None:
    monitor.wait(lambda: is_there(focused(monitor)), lambda: f"the focus is on {focused(monitor)!r}")


def test_the_tabs_are_one_stop_of_the_tab_key_and_the_arrow_keys_choose(
    open_page: Opener, lessons: Server
) -> None:
    monitor = open_page(lessons, link(runs=runs("mystery"), tab="findings"))
    tabs = monitor.frame.get_by_role("tab")
    tabs.first.focus()
    for key, name in (("ArrowRight", "What if"), ("ArrowRight", "Run"), ("ArrowRight", "Findings")):
        monitor.page.keyboard.press(key)
        wait_for_focus(monitor, lambda label, name=name: label.startswith(name))  # type: ignore[misc]
        monitor.frame.get_by_role("tabpanel", name=name).wait_for()
    monitor.page.keyboard.press("End")
    wait_for_focus(monitor, lambda label: label == "Run")
    monitor.page.keyboard.press("Home")
    wait_for_focus(monitor, lambda label: label.startswith("Findings"))
    assert [tab.get_attribute("tabindex") for tab in tabs.all()] == ["0", "-1", "-1"]
    monitor.page.keyboard.press("Tab")
    monitor.page.keyboard.press("Tab")
    panel = monitor.frame.get_by_role("tabpanel")
    monitor.wait(
        lambda: panel.evaluate("panel => panel === document.activeElement"),
        lambda: f"the panel cannot be scrolled by keyboard: the focus is on {focused(monitor)!r}",
    )


def test_the_cells_of_the_table_are_one_stop_and_the_arrow_keys_go_from_one_to_the_next(
    open_page: Opener, lessons: Server
) -> None:
    monitor = open_page(lessons, link(runs=runs("stalled"), tab="what-if"))
    cells = monitor.frame.locator(".cell")
    cells.first.wait_for()
    assert monitor.frame.locator(".cell[tabindex='0']").count() == 1
    monitor.frame.locator(".cell[tabindex='0']").focus()
    assert focused(monitor).startswith("patience 10, min_delta 1e-4")
    before = focused(monitor)
    monitor.page.keyboard.press("ArrowRight")
    wait_for_focus(monitor, lambda label: "min_delta 1e-4" in label and label != before)
    monitor.page.keyboard.press("ArrowDown")
    wait_for_focus(monitor, lambda label: "min_delta 1e-4" not in label)
    monitor.page.keyboard.press("Home")
    monitor.page.keyboard.press("ArrowLeft")
    first = focused(monitor)
    monitor.page.keyboard.press("Enter")
    patience = first.split(",")[0].removeprefix("patience ")
    field = monitor.frame.locator(".field [name=patience]")
    monitor.wait(lambda: field.input_value() == patience, lambda: f"patience is {field.input_value()}")
    assert monitor.frame.locator(".cell[tabindex='0']").count() == 1
