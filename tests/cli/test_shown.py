"""How runs and reports show themselves in a console and in a notebook."""

from __future__ import annotations

import copy
import math
import pickle
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import lrmon
from lrmon.review.report.render.as_html import SEVERITY_COLORS
from tests.review.range_tests import record_range_test, three_sweeps
from tests.review.written import START

HOSTILE = "<script>alert('x')</script>\n&\x1b[2J"
PAGES = {"light": "#ffffff", "dark": "#111111"}


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    about = {"steps_per_epoch": 20, "optimizer": {"class_name": "<b>Adam</b>", "config": {}}}
    with lrmon.Recorder(folder / "broken", run=about) as recorder:
        for epoch in range(3):
            loss = np.where(epoch == 2, math.nan, 1.0 / (1 + np.arange(20)))
            recorder.batches(
                learning_rate=np.full(20, 0.1), loss=loss, wall_time=START + 20 * epoch + np.arange(20)
            )
            recorder.end_epoch({"<i>score</i>": 0.5})
    with lrmon.Recorder(folder / HOSTILE.replace("/", "_"), run={"steps_per_epoch": 1}) as recorder:
        recorder.batch(learning_rate=0.1, loss=1.0)
        recorder.end_epoch({})
    record_range_test(folder / "sweep", *three_sweeps())
    return folder


class Page(HTMLParser):
    """Reads HTML: its tags, its text, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag != "br":
            self.open.append(tag)
        if tag in ("td", "th", "caption"):
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th", "caption"):
            self.cells[-1] += data


def test_each_is_one_line_of_a_console(log_dir: Path) -> None:
    runs = lrmon.load(log_dir)
    broken, hostile, sweep = (runs[name] for name in ("broken", HOSTILE.replace("/", "_"), "sweep"))

    reports = lrmon.report(broken), lrmon.report(sweep), lrmon.range_test(sweep)
    shown = [*map(repr, (runs, broken, hostile, sweep)), *map(repr, reports)]
    assert [] == [text for text in shown if not text.isprintable() or len(text) > 200]
    assert "<Run 'broken': completed · 60 steps · 3 epochs>" == repr(broken)
    assert repr(hostile).endswith(": completed · 1 step · 1 epoch>")
    assert "<Run 'sweep': completed · 600 steps · range test>" == repr(sweep)
    assert "<Report on 'broken': completed · 60 steps · 3 epochs · 1 error>" == repr(lrmon.report(broken))
    assert repr(lrmon.report(hostile)).endswith(" · 1 step · 1 epoch · no findings>")
    assert re.fullmatch(
        r"<RangeTestReport on 'sweep': 3 sweeps · recommended LR [\d.e-]+>", repr(lrmon.range_test(sweep))
    )
    assert repr(runs).startswith(f"<3 runs in {str(log_dir)!r}: ")
    assert repr(runs).endswith(", 'broken', 'sweep'>")


def test_many_runs_are_one_line_too(log_dir: Path) -> None:
    runs = lrmon.load(log_dir)
    many = type(runs)("logs", {f"run{number}": runs["broken"] for number in range(12)})
    none = type(runs)("logs", {})

    assert "<12 runs in 'logs': 'run0', 'run1', 'run2', 'run3', 'run4', and 7 more>" == repr(many)
    assert "<0 runs in 'logs'>" == repr(none)


def test_what_load_returns_is_a_dictionary_that_knows_the_nearest_names(log_dir: Path) -> None:
    runs = lrmon.load(log_dir)

    assert isinstance(runs, dict)
    assert None is runs.get("brken")
    assert "brken" not in runs
    with pytest.raises(KeyError, match=r"no run 'brken' in .*; did you mean 'broken'\?"):
        runs["brken"]
    with pytest.raises(KeyError, match="there are none"):
        type(runs)("logs", {})["run"]
    for copied in (copy.copy(runs), pickle.loads(pickle.dumps(runs))):
        assert (type(runs), list(runs), repr(runs)) == (type(copied), list(copied), repr(copied))


def test_notebooks_get_escaped_html(log_dir: Path) -> None:
    runs = lrmon.load(log_dir)
    reports = [lrmon.report(run) for run in runs.values()]
    htmls = [each._repr_html_() for each in runs.values()] + [each._repr_html_() for each in reports]
    for html in (runs._repr_html_(), *htmls):
        page = Page(html)

        assert [] == page.open
        assert set() == {"script", "i", "style", "img", "svg"} & set(page.tags)
        assert [] == [line for line in html.splitlines() if not line.isprintable()]

    rows = Page(runs._repr_html_()).cells
    assert str(log_dir) in rows[0]
    assert {"run", "broken", "<b>Adam</b>", "60", "range test"} <= set(rows)
    cells = Page(runs["broken"]._repr_html_()).cells
    assert "broken: completed · 60 steps · 3 epochs" == cells[0]
    assert {"optimizer", "<b>Adam</b>", "<i>score</i>", "0.5 last", "0.1 first, 0.1 last"} <= set(cells)
    assert "loss-not-finite" in lrmon.report(runs["broken"])._repr_html_()
    assert "Recommended: <b>" in lrmon.report(runs["sweep"])._repr_html_()


def test_a_long_table_counts_what_it_leaves_out(log_dir: Path) -> None:
    runs = lrmon.load(log_dir)
    html = type(runs)("logs", {f"run{number}": runs["broken"] for number in range(1_234)})._repr_html_()

    assert 201 == html.count("<tr>")
    assert html.endswith("<p>… 1,034 more</p>")


def test_text_has_the_color_of_the_page_and_bars_show_on_every_page(log_dir: Path) -> None:
    for run in lrmon.load(log_dir).values():
        html = run._repr_html_() + lrmon.report(run)._repr_html_()
        styles = ";".join(re.findall(r"style='([^']*)'", html))

        assert set() == {style.partition(":")[0] for style in styles.split(";")} & {"color", "background"}
    for color in SEVERITY_COLORS.values():
        assert all(contrast(color, page) >= 3 for page in PAGES.values()), color


def contrast(one: str, other: str) -> float:
    """Returns the contrast of two colors as WCAG 2 defines it."""
    low, high = sorted(luminance(color) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
