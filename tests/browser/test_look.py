"""How the page looks, in TensorBoard's frame: theme, room, links and files."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import FloatRect

from tests.browser.conftest import Logs, Opener
from tests.browser.page import Monitor, box_of, link, numbers, runs
from tests.plugin.process import Server

STAIRCASE = "mystery/staircase-95"

APART = (
    "h1",
    ".summary",
    ".controls > *",
    ".legend li",
    ".card-tools > *",
    ".brand",
    ".filter",
    ".runs-head > *",
    ".foot > *",
    ".pane",
    ".panel",
)
"""What must not lie on each other."""


def has_theme(monitor: Monitor, name: str) -> None:
    def theme() -> str:
        theme: str = monitor.frame.evaluate("document.documentElement.dataset.theme")
        return theme

    monitor.wait(lambda: theme() == name, lambda: f"the page is {theme()}, not {name}")


def test_the_page_follows_tensorboard_s_dark_mode_and_its_own_switch(
    open_page: Opener, server: Server
) -> None:
    monitor = open_page(server, link(runs=runs(STAIRCASE)), inside=True)
    has_theme(monitor, "light")
    monitor.page.evaluate("document.body.classList.add('dark-mode')")
    has_theme(monitor, "dark")
    monitor.frame.get_by_role("button", name="Theme: auto").click()
    has_theme(monitor, "light")
    monitor.frame.get_by_role("button", name="Theme: light").click()
    has_theme(monitor, "dark")


def test_by_itself_the_page_follows_the_system(open_page: Opener, server: Server) -> None:
    has_theme(open_page(server, dark=True), "dark")
    has_theme(open_page(server, dark=False), "light")


@pytest.mark.parametrize("size", [(1024, 768), (1440, 900), (1920, 1080)])
@pytest.mark.parametrize("selected", [[STAIRCASE], [STAIRCASE, "digits/broken", "digits/long"]])
def test_nothing_overlaps_or_is_cut_off(
    open_page: Opener, server: Server, size: tuple[int, int], selected: list[str]
) -> None:
    values = {
        "runs": runs(*selected),
        "metrics": "loss,val_loss,accuracy",
        "zoom": "100,900",
        "scale_loss": "log",
    }
    monitor = open_page(server, link(**values), size=size)
    boxes = boxes_of(monitor)
    assert len(boxes) > 15
    assert [] == [f"{a} and {b}" for a, b in combinations(boxes, 2) if overlap(a.box, b.box)]
    assert [] == [box for box in boxes if box.card is not None and not within(box.box, box.card)]
    assert [] == [box for box in boxes if box.box["x"] + box.box["width"] > size[0] + 0.5]
    below = max(box.box["y"] + box.box["height"] for box in boxes if box.selector == ".pane")
    assert size[1] - 30 < below <= size[1]


@dataclass(frozen=True)
class Box:
    """Where an element lies on the page, and the card that should hold it, if one should."""

    selector: str
    text: str
    box: FloatRect
    card: FloatRect | None


def boxes_of(monitor: Monitor) -> list[Box]:
    """Measures every element of `APART` at one moment, since the page goes on filling in between two."""
    boxes: list[dict[str, Any]] = monitor.frame.evaluate(
        """(selectors) => {
          const rect = (element) => {
            const { x, y, width, height } = element.getBoundingClientRect();
            return { x, y, width, height };
          };
          return selectors.flatMap((selector) =>
            [...document.querySelectorAll(selector)]
              .map((element) => ({
                selector,
                text: element.innerText.slice(0, 30),
                box: rect(element),
                card: element.matches(".card :is(.legend li, .card-tools > *)")
                  ? rect(element.closest(".card"))
                  : null,
              }))
              .filter(({ box }) => box.width > 0 && box.height > 0),
          );
        }""",
        APART,
    )
    return [Box(**box) for box in boxes]


def within(inner: FloatRect, outer: FloatRect) -> bool:
    return outer["x"] < inner["x"] and inner["x"] + inner["width"] < outer["x"] + outer["width"]


def overlap(first: FloatRect, second: FloatRect) -> bool:
    across = min(first["x"] + first["width"], second["x"] + second["width"]) - max(first["x"], second["x"])
    down = min(first["y"] + first["height"], second["y"] + second["height"]) - max(first["y"], second["y"])
    return across > 1 and down > 1


def test_a_copied_link_opens_what_was_seen(open_page: Opener, server: Server) -> None:
    monitor = open_page(server, inside=True)
    monitor.frame.locator(".filter").fill("long|stair")
    monitor.frame.get_by_test_id("select-none").click()
    monitor.frame.get_by_test_id("select-all").click()
    monitor.frame.locator(".smoothing [type=range]").fill("0.9")
    monitor.choose("axis", "epoch")
    monitor.choose("scale-loss", "log")
    monitor.wait_for_range(0, 60)
    monitor.drag("lr", (0.1, 0.2), (0.2, 0.9))
    address = monitor.copy("copy-link")
    assert urlsplit(address)[:3] == urlsplit(monitor.page.url)[:3]

    again = open_page(server, "#" + urlsplit(address).fragment, inside=True)
    again.wait(lambda: len(again.chart("lr")["lines"]) == 4, lambda: "it does not draw two runs")
    assert numbers(again.frame.locator("h1").inner_text()) == [2]
    assert [chart["scales"] for chart in again.charts().values()] == [
        chart["scales"] for chart in monitor.charts().values()
    ]
    assert again.frame.locator(".smoothing [type=range]").input_value() == "0.9"


def test_tensorboard_s_reload_reaches_the_page(open_page: Opener, server: Server) -> None:
    monitor = open_page(server, inside=True)
    open_page.requests.clear()
    monitor.page.locator(".reload-button").click()
    monitor.wait(
        lambda: any(url.endswith("/lrmon/runs") for url in open_page.requests),
        lambda: "the page has not asked for the runs again",
        seconds=1.5,
    )


SVG = "{http://www.w3.org/2000/svg}"


def export(monitor: Monitor, entry: str, path: Path) -> str:
    """Saves what an entry of the export menu makes, and returns the name that it suggests."""
    with monitor.page.expect_download() as download:
        monitor.frame.get_by_role("button", name="Export").click()
        monitor.frame.get_by_role("button", name=entry).click()
    download.value.save_as(path)
    return download.value.suggested_filename


def test_the_exported_table_holds_the_run(
    open_page: Opener, server: Server, logs: Logs, tmp_path: Path
) -> None:
    monitor = open_page(server, link(runs=runs(STAIRCASE)))
    export(monitor, "CSV", tmp_path / "table.csv")
    rows = (tmp_path / "table.csv").read_text().splitlines()
    assert len(rows) == 1 + logs.recorded[STAIRCASE].loss.size


@pytest.mark.parametrize("dark", [False, True])
def test_the_exported_picture_is_drawn_with_lines_and_letters(
    open_page: Opener, server: Server, logs: Logs, tmp_path: Path, dark: bool
) -> None:
    monitor = open_page(server, link(runs=runs(STAIRCASE), hidden="effective_learning_rate"), dark=dark)
    shown = monitor.charts()
    name = export(monitor, "Picture of the charts SVG", tmp_path / "picture.svg")
    assert name == "lrmon-mystery-staircase-95.svg"
    root = ET.parse(tmp_path / "picture.svg").getroot()
    texts = {text.text for text in root.iter(f"{SVG}text")}
    assert {STAIRCASE, "learning rate", "val_loss", "lrmon for TensorBoard", "epoch", "step", "0.1"} <= texts
    assert not any("effective" in (text or "") for text in texts)
    # The learning rate is a path of as many levels as it has values.
    strokes = [path for path in root.iter(f"{SVG}path") if path.get("stroke-width") == "2"]
    levels = [
        {y for _x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path.get("d", ""))} for path in strokes
    ]
    assert len(set(logs.recorded[STAIRCASE].learning_rate)) in {len(level) for level in levels}
    # The page itself is as it was.
    assert monitor.charts() == shown
    monitor.drag("loss", (0.2, 0.5), (0.4, 0.5))
    monitor.wait(lambda: monitor.x_range()[1] < 600, lambda: "the charts do not zoom any more")


def test_the_png_is_twice_as_fine_as_the_page(open_page: Opener, server: Server, tmp_path: Path) -> None:
    monitor = open_page(server, link(runs=runs(STAIRCASE, "digits/broken")))
    export(monitor, "Picture of the charts SVG", tmp_path / "picture.svg")
    assert export(monitor, "Picture of the charts PNG", tmp_path / "picture.png") == "lrmon-2-runs.png"
    root = ET.parse(tmp_path / "picture.svg").getroot()
    head = (tmp_path / "picture.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    size = [float(root.get(side) or 0) for side in ("width", "height")]
    assert struct.unpack(">II", head[16:]) == tuple(round(2 * pixels) for pixels in size)
    assert size[0] > box_of(monitor.frame.locator("[data-pane=loss]"))["width"]


def test_the_picture_looks_as_the_page_does(open_page: Opener, server: Server, tmp_path: Path) -> None:
    """Most pixels of a chart are the same in the picture, text aside, which is smoothed in another way."""
    monitor = open_page(server, link(runs=runs(STAIRCASE)))
    export(monitor, "Picture of the charts SVG", tmp_path / "picture.svg")
    svg = (tmp_path / "picture.svg").read_text()
    same: float = monitor.frame.evaluate(
        """async (svg) => {
          const canvas = document.querySelector("[data-pane=lr] canvas");
          const image = new Image();
          image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
          await image.decode();
          const drawn = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext("2d");
          drawn.drawImage(image, 0, 0);
          const [, x, y] = /translate\\(([\\d.]+) ([\\d.]+)\\)/.exec(svg).map(Number);
          const there = drawn.getImageData(x, y, canvas.width, canvas.height).data;
          const here = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          let [alike, all] = [0, 0];
          for (let at = 0; at < here.length; at += 4) {
            // What the canvas leaves transparent shows the card.
            if (here[at + 3] < 255) continue;
            all += 1;
            const away = [0, 1, 2].map((channel) => Math.abs(here[at + channel] - there[at + channel]));
            if (Math.max(...away) < 40) alike += 1;
          }
          return alike / all;
        }""",
        svg,
    )
    assert same > 0.9


def test_everything_comes_from_tensorboard_itself(open_page: Opener, server: Server) -> None:
    open_page(server, link(runs=runs(STAIRCASE)), inside=True)
    hosts = {urlsplit(url).netloc for url in open_page.requests if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(server.url).netloc}
