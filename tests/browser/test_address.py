"""The address bar follows what is shown, so that F5 and a copied address show the same."""

from __future__ import annotations

import re
from urllib.parse import unquote

from playwright.sync_api import Page

from tests.browser.conftest import Logs, Opener
from tests.browser.page import Monitor, framed, link, numbers, runs
from tests.plugin.process import Server

STAIRCASE = "mystery/staircase-95"
LONG = "digits/long"
BROKEN = "digits/broken"


def values(page: Page) -> dict[str, str]:
    """Returns what the address bar says of the plugin, by the names after ``p.lrmon.``."""
    pairs = re.findall(r"(?<=[#&])p[.]lrmon[.]([^=&]+)=([^&]*)", page.url)
    return {key: unquote(value) for key, value in pairs}


def wait_for(monitor: Monitor, **wanted: str) -> None:
    """Waits until the address bar holds these values, and no others."""
    monitor.wait(
        lambda: values(monitor.page) == wanted, lambda: f"the address is {monitor.page.url}, not {wanted}"
    )


def test_the_address_holds_what_was_chosen_and_a_reload_shows_it(open_page: Opener, server: Server) -> None:
    monitor = open_page(server, link(runs=runs(LONG)), inside=True)
    monitor.choose("axis", "epoch")
    monitor.wait_for_range(0, 60)
    monitor.choose("scale-loss", "log")
    monitor.frame.locator(".smoothing [type=range]").fill("0.9")
    monitor.choice(BROKEN).check()
    monitor.open_tab("run")
    entries = monitor.page.evaluate("history.length")
    wait_for(monitor, runs=runs(LONG, BROKEN), x="epoch", scale_loss="log", smoothing="0.9", tab="run")
    assert monitor.page.evaluate("history.length") == entries
    monitor.drag("loss", (0.2, 0.5), (0.4, 0.5))
    monitor.wait(lambda: "zoom" in values(monitor.page), lambda: f"no zoom is in {monitor.page.url}")
    address, shown = monitor.page.url, monitor.x_range()

    monitor.page.reload()
    again = framed(monitor.page)
    again.wait_for_range(*shown)
    assert numbers(again.frame.locator("h1").inner_text()) == [2]
    assert again.frame.locator("input[name=scale-loss][value=log]").is_checked()
    assert again.frame.locator(".smoothing [type=range]").input_value() == "0.9"
    assert again.frame.locator("#tab-run").get_attribute("aria-selected") == "true"
    again.wait(lambda: again.page.url == address, lambda: f"{again.page.url} is not {address}")


def test_an_address_without_a_word_stands_for_the_latest_run(open_page: Opener, server: Server) -> None:
    monitor = open_page(server, inside=True)
    monitor.choose("axis", "relative")
    latest = monitor.frame.locator("h1").inner_text()
    wait_for(monitor, runs=runs(latest), x="relative")
    monitor.choose("axis", "step")
    wait_for(monitor)


def test_an_address_that_is_pasted_over_the_old_one_is_followed(open_page: Opener, server: Server) -> None:
    monitor = open_page(server, link(runs=runs(LONG), x="epoch"), inside=True)
    monitor.wait_for_range(0, 60)
    monitor.page.evaluate("hash => { location.hash = hash }", link(runs=runs(STAIRCASE)))
    monitor.wait(
        lambda: monitor.frame.locator("h1").inner_text() == STAIRCASE, lambda: "the run is still the first"
    )
    monitor.wait_for_range(0, 1216)
    wait_for(monitor, runs=runs(STAIRCASE))


def test_the_address_of_another_tab_of_tensorboard_is_left_alone(
    open_page: Opener, server: Server, logs: Logs
) -> None:
    monitor = open_page(server, link(runs=runs(LONG)), inside=True)
    wait_for(monitor, runs=runs(LONG))
    monitor.page.evaluate("location.hash = location.hash.replace('#lrmon', '#timeseries')")
    monitor.frame.evaluate("document.querySelector('input[name=axis][value=epoch]').click()")
    monitor.wait(lambda: monitor.x_range()[1] == 60, lambda: "the page does not go on behind the other tab")
    monitor.page.evaluate("location.hash = location.hash.replace('#timeseries', '#lrmon')")
    wait_for(monitor, runs=runs(LONG), x="epoch")


def test_by_itself_the_page_keeps_its_own_address(open_page: Opener, server: Server) -> None:
    monitor = open_page(server, link(runs=runs(LONG)))
    monitor.choose("axis", "epoch")
    wait_for(monitor, runs=runs(LONG), x="epoch")
