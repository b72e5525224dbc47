"""From an empty folder to a run that grows, and what the page says when TensorBoard is gone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.browser.conftest import Opener
from tests.browser.page import Monitor
from tests.browser.recordings import decreasing
from tests.plugin.process import tensorboard

TRAINING = """
import sys
import lrmon

with lrmon.Recorder(sys.argv[1]) as recorder:
    for line in sys.stdin:
        for batch in range(int(line)):
            recorder.batch(learning_rate=0.1, loss=0.99**recorder.next_step)
        recorder.flush()
"""


def test_an_empty_folder_says_what_to_do_and_a_run_that_begins_appears_and_grows(
    tmp_path: Path, open_page: Opener
) -> None:
    with tensorboard(tmp_path) as server:
        monitor = open_page(server)
        empty = monitor.frame.get_by_test_id("empty").inner_text()
        assert 'model.fit(x, y, callbacks=[lrmon.LRMonitor("logs/run1")])' in empty
        command = [sys.executable, "-c", TRAINING, str(tmp_path / "run")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as training:
            assert training.stdin is not None
            print(100, file=training.stdin, flush=True)
            monitor.plot("loss").wait_for(timeout=20_000)
            monitor.wait_for_coverage(100)
            assert monitor.frame.locator(".live").count() == 1
            assert monitor.x_range() == (0, 100)
            print(150, file=training.stdin, flush=True)
            monitor.wait_for_range(0, 250)

            monitor.drag("loss", (0.2, 0.5), (0.4, 0.5))
            monitor.wait_for_range(50, 100, within=1)
            zoomed = monitor.x_range()
            print(50, file=training.stdin, flush=True)
            training.stdin.close()
            training.wait(30)
            monitor.wait(lambda: _steps(monitor).startswith("300"), lambda: f"it says {_steps(monitor)!r}")
            assert monitor.x_range() == zoomed
            monitor.page.keyboard.press("Escape")
            monitor.wait_for_range(0, 300)
        monitor.close()


def _steps(monitor: Monitor) -> str:
    return monitor.frame.locator(".attribute-list > div", has_text="steps").locator("dd").first.inner_text()


def test_a_page_without_its_server_says_so_and_comes_back_with_it(tmp_path: Path, open_page: Opener) -> None:
    decreasing(tmp_path / "run", 200, 20)
    with tensorboard(tmp_path, "--path_prefix=/tb") as server:
        server.runs_when(lambda runs: "run" in runs)
        monitor = open_page(server)
        assert monitor.coverage == [200]
        monitor.frame.locator(".smoothing [type=range]").fill("0.9")
        before = monitor.line("lr", "learning_rate").y
    # The server is gone: what was loaded stays, and the page says that it is old.
    monitor.frame.locator(".smoothing [type=range]").fill("0.2")
    alert = monitor.frame.get_by_role("alert").first
    alert.wait_for()
    assert list(before) == list(monitor.line("lr", "learning_rate").y)
    port = urlsplit(server.url).port
    with tensorboard(tmp_path, "--path_prefix=/tb", f"--port={port}") as again:
        again.runs_when(lambda runs: "run" in runs)
        monitor.frame.get_by_test_id("retry").first.click()
        alert.wait_for(state="detached")
        assert monitor.coverage == [200]
        monitor.close()
        open_page.forgive_lost_connections()


def test_a_first_request_that_fails_can_be_repeated(tmp_path: Path, open_page: Opener) -> None:
    decreasing(tmp_path / "run", 50, 10)
    with tensorboard(tmp_path) as server:
        server.runs_when(lambda runs: "run" in runs)
        monitor = open_page(server)
        monitor.page.route("**/lrmon/runs", lambda route: route.abort())
        monitor.page.reload()
        failed = monitor.page.get_by_test_id("failed")
        failed.wait_for()
        monitor.page.unroute("**/lrmon/runs")
        failed.get_by_test_id("retry").click()
        monitor.page.locator(".u-over").first.wait_for()
        monitor.close()
        open_page.forgive_lost_connections()
