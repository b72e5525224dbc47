"""The page as a test sees and handles it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
from playwright.sync_api import FloatRect, Frame, Locator, Page

T = TypeVar("T")
Pane = Literal["lr", "layers", "loss", "sweep", "slope"]


def link(**values: str) -> str:
    """Returns the hash that holds these values of ``p.lrmon.*``."""
    return "#" + "&".join(["lrmon", *(f"p.lrmon.{name}={quote(value)}" for name, value in values.items())])


def runs(*names: str) -> str:
    """Returns the value of ``p.lrmon.runs`` that selects these runs."""
    return ",".join(quote(name, safe="") for name in names)


@dataclass(frozen=True)
class Line:
    """A line as the chart holds it: x [n] and y [n], NaN where it has a gap."""

    key: str
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Monitor:
    """The page of the plugin, in TensorBoard's frame or by itself."""

    page: Page
    frame: Frame

    def close(self) -> None:
        """Closes the page, which else would miss a server that ends before it."""
        self.page.close()

    def wait(self, look: Callable[[], T | None], what: Callable[[], str], seconds: float = 20) -> T:
        """Returns what `look` returns, as soon as it is true; fails, saying `what` is wrong, if late."""
        deadline = time.monotonic() + seconds
        while not (result := look()):
            assert time.monotonic() < deadline, f"after {seconds:g} s {what()}"
            # The browser's events reach us only while we wait in its library.
            self.page.wait_for_timeout(25)
        return result

    def wait_for_range(self, start: float, end: float, within: float = 0) -> None:
        """Waits until the x axis of every open pane of a training reaches from `start` to `end`."""

        def is_there() -> bool:
            charts = self.charts()
            ranges = [charts[pane]["scales"]["x"] for pane in ("lr", "layers", "loss") if pane in charts]
            return "loss" in charts and all(
                abs(low - start) <= within and abs(high - end) <= within for low, high in ranges
            )

        self.wait(is_there, lambda: f"the x axis shows {self.x_range()}, not {start} to {end}")

    def charts(self) -> dict[str, Any]:
        """Returns what uPlot holds: by pane, scales and lines."""
        charts: dict[str, Any] = json.loads(self.frame.evaluate("JSON.stringify(__lrmon.charts())"))
        return charts

    def chart(self, pane: Pane) -> dict[str, Any]:
        """Returns what uPlot holds of a pane, which may have opened just now."""
        charts = self.wait(
            lambda: result if pane in (result := self.charts()) else None,
            lambda: f"there is no pane {pane}, only {sorted(self.charts())}",
        )
        chart: dict[str, Any] = charts[pane]
        return chart

    def line(self, pane: Pane, key: str) -> Line:
        """Returns the only line of its kind, ``loss``, or the one with a name, ``metric/val_loss``."""
        lines = [line for line in self.chart(pane)["lines"] if line["key"] == key]
        assert len(lines) == 1, f"{len(lines)} lines {key!r} in the pane {pane}"
        y = [np.nan if value is None else value for value in lines[0]["ys"]]
        return Line(key, np.array(lines[0]["xs"], float), np.array(y, float))

    def x_range(self, pane: Pane = "loss") -> tuple[float, float]:
        low, high = self.chart(pane)["scales"]["x"]
        return low, high

    def y_range(self, pane: Pane) -> tuple[float, float]:
        low, high = self.chart(pane)["scales"]["y"]
        return low, high

    @property
    def coverage(self) -> list[int]:
        """The numbers of steps that the page says it draws, and of how many."""
        return numbers(self.frame.get_by_test_id("coverage").inner_text())

    def wait_for_coverage(self, *steps: int) -> None:
        self.wait(lambda: self.coverage == [*steps], lambda: f"the page draws {self.coverage}, not {steps}")

    def open_tab(self, tab: str) -> None:
        """Opens a tab of the side panel by its name in a link."""
        self.frame.locator(f"#tab-{tab}").click()
        self.frame.locator(f"#tab-{tab}[aria-selected=true]").wait_for()

    @property
    def panel(self) -> Locator:
        """The tab of the side panel that is open."""
        return self.frame.get_by_role("tabpanel")

    def choice(self, run: str) -> Locator:
        """Returns the box of a run in the list, which draws it."""
        return self.frame.locator(f".row[data-run={json.dumps(run)}]").get_by_role("checkbox")

    def legend(self, key: str) -> Locator:
        """Returns the button of a legend that hides and shows what has this key."""
        return self.frame.locator(f"[data-legend={json.dumps(key)}] .legend-item")

    def notes(self, pane: Pane) -> list[str]:
        """Returns the codes of what a pane cannot show."""
        notes = self.frame.locator(f".card-{pane} .note").all()
        return [note.get_attribute("data-note") or "" for note in notes]

    def findings(self) -> list[str]:
        """Returns the codes of the findings in the side panel."""
        cards = self.frame.locator(".finding").all()
        return [card.get_attribute("data-code") or "" for card in cards]

    def copy(self, button: str) -> str:
        """Presses a button that copies, by its test id, and returns what it has copied."""
        self.frame.get_by_test_id(button).click()
        self.frame.locator(".message-shown").wait_for()
        text: str = self.page.evaluate("navigator.clipboard.readText()")
        return text

    def layout(self, pane: Pane) -> dict[str, Any]:
        """Returns where markers, labels and bands are drawn, in pixels of the plot."""
        layout: dict[str, Any] = self.chart(pane)["layout"]
        return layout

    def labels(self, pane: Pane) -> list[str]:
        return [label["text"] for label in self.layout(pane)["labels"]]

    def wait_for_labels(self, pane: Pane, labels: list[str]) -> None:
        """Waits until these labels, in any order, stand on the marks of a pane."""
        self.wait(
            lambda: sorted(self.labels(pane)) == sorted(labels),
            lambda: f"the labels are {self.labels(pane)}, not {labels}",
        )

    def bands(self, pane: Pane = "loss") -> list[dict[str, Any]]:
        return [drawn["band"] for drawn in self.layout(pane)["bands"]]

    def point_at(self, pane: Pane, mark: dict[str, Any]) -> None:
        """Moves the pointer to the middle of a mark's box."""
        box = box_of(self.plot(pane))
        self.page.mouse.move(*middle_of(mark, box))

    def plot(self, pane: Pane) -> Locator:
        return self.frame.locator(f"[data-pane={pane}] .u-over")

    def at(self, pane: Pane, x: float, y: float = 0.5) -> tuple[float, float]:
        """Returns where on the screen the part (x, y) of a plot is, from its left lower corner."""
        box = box_of(self.plot(pane))
        return box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"]

    def hover(self, pane: Pane, x: float, y: float = 0.5) -> None:
        self.page.mouse.move(*self.at(pane, x, y))

    def drag(self, pane: Pane, start: tuple[float, float], end: tuple[float, float], key: str = "") -> None:
        if key:
            self.page.keyboard.down(key)
        self.hover(pane, *start)
        self.page.mouse.down()
        self.hover(pane, (start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        self.hover(pane, *end)
        self.page.mouse.up()
        if key:
            self.page.keyboard.up(key)

    def choose(self, name: str, value: str) -> None:
        """Chooses one of a row of buttons, by the name and the value of its radio buttons."""
        self.frame.locator(f"input[name={name}][value={value}]").check()


def numbers(text: str) -> list[int]:
    """Returns the whole numbers in a text of the page, which have commas between their thousands."""
    return [int(part.replace(",", "")) for part in re.findall(r"\d[\d,]*", text)]


def framed(page: Page) -> Monitor:
    """Returns the plugin's page in TensorBoard's frame, once it has drawn what it shows."""
    element = page.wait_for_selector("iframe[src*='plugin_entry.html?name=lrmon']")
    frame = element.content_frame() if element else None
    assert frame is not None, "TensorBoard shows no frame of the plugin"
    return drawn(page, frame)


def drawn(page: Page, frame: Frame) -> Monitor:
    """Returns the plugin's page in a frame, once it has drawn what it shows."""
    frame.locator(".u-over, .state").first.wait_for()
    frame.wait_for_function("document.querySelector('.waiting') === null")
    return Monitor(page, frame)


def middle_of(mark: dict[str, Any], plot: FloatRect) -> tuple[float, float]:
    """Returns where on the screen the middle of a mark is."""
    return (
        plot["x"] + mark["left"] + mark["width"] / 2,
        plot["y"] + mark["top"] + mark["height"] / 2,
    )


def box_of(locator: Locator) -> FloatRect:
    box = locator.bounding_box()
    assert box is not None, f"{locator} is not on the screen"
    return box
