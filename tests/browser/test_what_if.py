"""ReduceLROnPlateau's own settings, and the charts that answer them."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import Opener
from tests.browser.page import Monitor, link, numbers, runs
from tests.plugin.process import Server


@pytest.fixture
def asked(open_page: Opener, lessons: Server) -> Monitor:
    monitor = open_page(lessons, link(runs=runs("stalled"), tab="what-if"))
    wait_for_first(monitor, 18)
    return monitor


def first(monitor: Monitor) -> list[int]:
    """Returns the epoch in the label of the first reduction that is drawn, nothing where none is."""
    bands = monitor.bands()
    return numbers(bands[0]["label"]) if bands else []


def wait_for_first(monitor: Monitor, epoch: int) -> None:
    monitor.wait(lambda: first(monitor) == [epoch], lambda: f"the first plateau says {first(monitor)}")


def field(monitor: Monitor, name: str) -> str:
    return monitor.frame.locator(f".field [name={name}]").input_value()


def test_it_starts_from_keras_defaults(asked: Monitor) -> None:
    names = ("monitor", "factor", "patience", "mode", "min_delta", "cooldown", "min_lr", "version")
    values = ["val_loss", "0.1", "10", "auto", "1e-4", "0", "0", "keras-3.15"]
    assert [field(asked, name) for name in names] == values
    assert numbers(asked.frame.locator(".diverges").inner_text()) == [18]


def test_another_patience_redraws_the_charts(asked: Monitor) -> None:
    asked.frame.locator("[name=patience]").fill("5")
    wait_for_first(asked, 13)
    assert asked.line("lr", "would").y.min() < 1e-3
    assert numbers(asked.frame.get_by_test_id("reductions").locator("li").first.inner_text())[0] == 13


def test_how_long_a_change_takes_until_it_is_drawn(
    asked: Monitor, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is printed, not asserted: other things may run on the machine."""
    taken = asked.frame.evaluate(
        """async () => {
          const input = document.querySelector("[name=patience]");
          const first = () => __lrmon.charts().loss.layout.bands[0]?.band.label;
          const taken = [];
          for (const patience of [3, 4, 5, 6, 7, 8]) {
            const [before, start] = [first(), performance.now()];
            input.value = String(patience);
            input.dispatchEvent(new Event("input", { bubbles: true }));
            while (first() === before) await new Promise((resolve) => requestAnimationFrame(resolve));
            const answers = performance.getEntriesByType("resource");
            const answer = answers.filter(({ name }) => name.includes("/report?")).at(-1);
            taken.push([performance.now() - start, performance.now() - answer.responseEnd]);
          }
          return taken;
        }"""
    )
    assert len(taken) == 6
    with capsys.disabled():
        print("\nms from key to drawing, and from answer to drawing:", json.dumps(taken))


def test_what_a_rule_would_have_done_is_drawn_only_where_that_is_asked(asked: Monitor) -> None:
    def drawn() -> tuple[int, bool, bool]:
        keys = {line["key"] for line in asked.charts().get("lr", {}).get("lines", [])}
        return len(asked.bands()), "would" in keys, asked.legend("fuse").count() == 1

    asked.wait(lambda: drawn() == (3, True, True), lambda: f"drawn is {drawn()}")
    for tab in ("findings", "run"):
        asked.open_tab(tab)
        asked.wait(lambda: drawn() == (0, False, False), lambda: f"drawn is {drawn()}")
    asked.open_tab("what-if")
    asked.wait(lambda: drawn() == (3, True, True), lambda: f"drawn is {drawn()}")


def test_what_its_own_rule_did_is_drawn_on_every_tab(open_page: Opener, lessons: Server) -> None:
    monitor = open_page(lessons, link(runs=runs("answered"), tab="run"))
    monitor.wait(lambda: len(monitor.bands()) == 3, lambda: "the reductions are not drawn")
    assert {band["isSolid"] for band in monitor.bands()} == {True}


def test_a_cell_of_the_table_takes_its_settings(asked: Monitor) -> None:
    asked.frame.locator("[data-cell='1e-4 5'], [data-cell='0.0001 5']").click()
    wait_for_first(asked, 13)
    assert (field(asked, "patience"), field(asked, "min_delta")) == ("5", "1e-4")
    current = asked.frame.locator(".cell[aria-pressed=true]")
    asked.wait(lambda: current.count() == 1 and current.inner_text() == "13", lambda: "no cell is current")


def test_a_wrong_setting_is_said_beside_its_field_and_the_charts_stay(
    asked: Monitor, open_page: Opener
) -> None:
    asked.frame.locator("[name=patience]").fill("-3")
    asked.frame.locator("#rule-problem").get_by_text("-3").wait_for()
    assert asked.frame.locator("[name=patience]").get_attribute("aria-invalid") == "true"
    assert first(asked) == [18]
    asked.frame.locator("[name=patience]").fill("4")
    wait_for_first(asked, 12)
    assert asked.frame.locator(".field-problem").count() == 0
    open_page.forgive_status(400)


def test_a_rule_that_cannot_be_judged_says_why(asked: Monitor) -> None:
    asked.frame.locator("[name=monitor]").select_option("batch/learning_rate")
    asked.frame.locator(".field-problem").wait_for()
    assert "mode" in asked.frame.locator(".field-problem").inner_text()
    asked.frame.locator("[name=mode]").select_option("min")
    asked.frame.locator(".field-problem").wait_for(state="detached")


def test_the_settings_are_copied_as_code(asked: Monitor) -> None:
    asked.frame.locator("[name=patience]").fill("5")
    wait_for_first(asked, 13)
    code = asked.copy("copy-code")
    assert code == 'keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.1, patience=5)'


def test_the_settings_are_part_of_the_link_and_can_be_taken_back(
    asked: Monitor, open_page: Opener, lessons: Server
) -> None:
    asked.frame.locator("[name=patience]").fill("5")
    asked.frame.locator("[name=min_delta]").fill("1e-3")
    wait_for_first(asked, 13)
    address = asked.copy("copy-link")
    again = open_page(lessons, "#" + urlsplit(address).fragment)
    wait_for_first(again, 13)
    assert (field(again, "patience"), field(again, "min_delta")) == ("5", "1e-3")
    again.frame.get_by_test_id("reset-rule").click()
    wait_for_first(again, 18)
    assert (field(again, "patience"), field(again, "min_delta")) == ("10", "1e-4")


def test_a_link_with_settings_that_a_run_cannot_have_still_brings_its_findings(
    open_page: Opener, lessons: Server
) -> None:
    monitor = open_page(lessons, link(runs=runs("stalled"), tab="what-if", rule_monitor="val_auc"))
    monitor.frame.locator("#rule-problem").get_by_text("val_auc").wait_for()
    monitor.open_tab("findings")
    monitor.frame.locator(".finding").first.wait_for()
    open_page.forgive_status(400)
