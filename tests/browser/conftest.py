from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Request, sync_playwright

from tests.browser import recordings
from tests.browser.page import Monitor, drawn, framed
from tests.browser.recordings import Recording
from tests.plugin.process import Server, tensorboard

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MANY = 120
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str:
    path = os.environ.get("LRMON_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise AssertionError(
            "The tests of the page need Chromium: install it (Debian: `apt install chromium`), "
            "or name its executable in the environment variable LRMON_CHROMIUM."
        )
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Logs:
    folder: Path
    recorded: dict[str, Recording]


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Logs:
    folder = tmp_path_factory.mktemp("logs")
    recorded = {
        "digits/broken": recordings.broken(folder / "digits" / "broken"),
        "digits/long": recordings.decreasing(folder / "digits" / "long", 60_000, 1000),
        "mystery/staircase-95": recordings.staircase(folder / "mystery" / "staircase-95"),
    }
    for index in range(MANY):
        recordings.decreasing(folder / "many" / f"run-{index}", 3, 2)
    return Logs(folder, recorded)


@pytest.fixture(scope="session")
def server(logs: Logs) -> Iterator[Server]:
    with tensorboard(logs.folder) as server:
        server.runs_when(lambda runs: len(runs) == MANY + len(logs.recorded))
        yield server


@pytest.fixture(scope="session")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A TensorBoard on runs with something to point out in each."""
    folder = tmp_path_factory.mktemp("lessons")
    recordings.mystery(folder / "mystery")
    recordings.mystery(folder / "unfinished", planned_epochs=10)
    recordings.stalled(folder / "stalled")
    recordings.answered(folder / "answered")
    recordings.crowded(folder / "crowded")
    recordings.warmed(folder / "warmed")
    recordings.every_epoch(folder / "every-epoch")
    recordings.time_based(folder / "time-based")
    with tensorboard(folder) as server:
        server.runs_when(lambda runs: len(runs) == 8)
        yield server


@dataclass(frozen=True)
class Sources:
    """A TensorBoard on range tests and on trainings that are told apart by where their numbers come from."""

    server: Server
    recorded: dict[str, Recording]


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    folder = tmp_path_factory.mktemp("sources")
    recorded = {
        "sweeps/own": recordings.own_finder(folder / "sweeps" / "own"),
        "sweeps/flat": recordings.flat_sweep(folder / "sweeps" / "flat"),
        "sweeps/repeated": recordings.sweep(folder / "sweeps" / "repeated", best=0.03, seed=5, repeats=3),
        "sweeps/wide": recordings.sweep(folder / "sweeps" / "wide", best=0.2, seed=4),
        "sweeps/one": recordings.sweep(folder / "sweeps" / "one", seed=3),
        "many-layers": recordings.sampled(folder / "many-layers", layers=48),
        "sampled": recordings.sampled(folder / "sampled"),
        "scaled": recordings.scaled(folder / "scaled"),
        "staircase": recordings.staircase(folder / "staircase"),
        "two": recordings.two_optimizers(folder / "two"),
    }
    with tensorboard(folder) as server:
        server.runs_when(lambda runs: len(runs) == len(recorded))
        yield Sources(server, recorded)


class Opener:
    """Opens pages, and fails the test over every error in their consoles and every request that failed."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def __call__(
        self,
        server: Server,
        hash: str = "#lrmon",
        *,
        inside: bool = False,
        size: tuple[int, int] = (1440, 900),
        dark: bool = False,
    ) -> Monitor:
        """Opens the plugin's page: as TensorBoard frames it (`inside`), or by itself, which is quicker."""
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            permissions=["clipboard-read", "clipboard-write"],
            accept_downloads=True,
        )
        page = context.new_page()
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("requestfailed", self._on_failed)
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(f"{server.url}/{'' if inside else 'data/plugin_entry.html?name=lrmon'}{hash}")
        return framed(page) if inside else drawn(page, page.main_frame)

    def forgive_lost_connections(self) -> None:
        """Takes back the complaints about a server that the test itself has made unreachable."""
        self.complaints = [text for text in self.complaints if "net::ERR_" not in text]

    def forgive_status(self, status: int) -> None:
        """Takes back what the browser itself writes of answers with a status that the test has provoked."""
        self.complaints = [text for text in self.complaints if f"status of {status} " not in text]

    def close(self) -> None:
        for context in list(self._browser.contexts):
            context.close()

    def _on_console(self, message: ConsoleMessage) -> None:
        # A browser asks for it where a page stands by itself; in TensorBoard's frame none does.
        icon = str(message.location.get("url", "")).endswith("/favicon.ico")
        if message.type == "error" and not icon:
            self.complaints.append(f"console: {message.text} ({message.location})")

    def _on_failed(self, request: Request) -> None:
        # Requests that the page no longer needs are cancelled by itself.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url} {request.failure}")


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opener]:
    opener = Opener(browser)
    yield opener
    opener.close()
    assert [] == opener.complaints
