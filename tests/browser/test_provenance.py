"""Where the numbers come from, how exact they are, what makes them, and what updates did with them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests.browser.conftest import Opener, Sources
from tests.browser.page import Monitor, link, numbers, runs
from tests.browser.recordings import ADAM_NOTE, SKIPPED


def opened(open_page: Opener, sources: Sources, run: str, **values: str) -> Monitor:
    return open_page(sources.server, link(runs=runs(run), tab="run", **values))


def details(monitor: Monitor) -> str:
    text: str = monitor.frame.get_by_role("tabpanel").inner_text()
    return text


def tooltip(monitor: Monitor) -> str:
    text: str = monitor.frame.get_by_test_id("tooltip").inner_text()
    return text


def labels(monitor: Monitor, pane: str) -> list[str]:
    entries = monitor.frame.locator(f".card-{pane} .legend-item").all()
    return [entry.inner_text() for entry in entries]


def test_where_all_is_exact_only_the_details_say_so(open_page: Opener, sources: Sources) -> None:
    monitor = opened(open_page, sources, "sampled")
    assert monitor.frame.locator(".caveat").count() == 0
    assert [badge.inner_text() for badge in monitor.frame.locator(".exactness").all()] == ["exact"] * 3


def test_what_is_not_exact_says_so_beside_its_legend_and_in_full_on_focus(
    open_page: Opener, sources: Sources
) -> None:
    monitor = opened(open_page, sources, "two")
    caveats = monitor.frame.locator(".caveat")
    assert caveats.count() == 2
    sentence = "The difference of the loss tracker's sums, within 2.5e-4 of the batch's own."
    bounded = monitor.frame.get_by_role("button", name=sentence)
    assert not bounded.locator(".caveat-sentence").is_visible()
    bounded.focus()
    assert bounded.locator(".caveat-sentence").inner_text() == sentence
    badges = [badge.inner_text() for badge in monitor.frame.locator(".exactness").all()]
    assert badges == ["exact", "unavailable", "bounded"]


def test_the_effective_lr_is_explained_by_its_factors_and_the_recorded_note(
    open_page: Opener, sources: Sources
) -> None:
    monitor = opened(open_page, sources, "sampled")
    text = details(monitor)
    assert "CosineDecay(i)" in text
    assert "√(1 − 0.999ᵗ) / (1 − 0.9ᵗ)" in text
    assert ADAM_NOTE in text
    monitor.frame.locator("[data-pane=lr]").focus()
    lr = monitor.line("lr", "effective_learning_rate")
    low, high = monitor.y_range("lr")
    at = 100
    height = np.log(lr.y[at] / low) / np.log(high / low)
    monitor.hover("lr", at / 400, float(height))
    assert "= schedule · bias correction" in tooltip(monitor)


def test_each_of_several_optimizers_has_a_named_learning_rate(open_page: Opener, sources: Sources) -> None:
    monitor = opened(open_page, sources, "two")
    assert labels(monitor, "lr")[:2] == ["LR of body", "LR of head"]
    step = np.arange(300)
    head = (1e-2 * 0.5 ** (step // 100)).astype(np.float32)
    assert np.array_equal(head, monitor.line("lr", "learning_rate/head").y[:300].astype(np.float32))
    assert np.array_equal(
        sources.recorded["two"].learning_rate,
        monitor.line("lr", "learning_rate/body").y[:300].astype(np.float32),
    )
    monitor.hover("lr", 150 / 300)
    assert ["LR of body", "1e-4", "LR of head", "0.005"] == [
        part.strip() for part in tooltip(monitor).replace("\t", "\n").split("\n") if part.strip()
    ][6:10]
    assert 36 in numbers(details(monitor))


def test_a_skipped_step_is_marked_and_its_learning_rate_is_not_drawn_as_used(
    open_page: Opener, sources: Sources
) -> None:
    monitor = opened(open_page, sources, "scaled")
    line = monitor.line("lr", "learning_rate")
    gaps = sorted({int(x) for x, y in zip(line.x, line.y, strict=True) if np.isnan(y)})
    assert gaps == list(SKIPPED)
    used = np.setdiff1d(np.arange(240), SKIPPED)
    recorded = sources.recorded["scaled"].learning_rate
    drawn = {int(x): y for x, y in zip(line.x, line.y, strict=True) if not np.isnan(y) and int(x) in used}
    assert np.array_equal(recorded[used], np.array([drawn[int(step)] for step in used], np.float32))
    # What was used last before a skipped step holds until it.
    assert np.float32(line.y[np.searchsorted(line.x, 120)]) == recorded[119]
    assert monitor.frame.locator(".card-lr .swatch-ticks").count() == 1
    skipped = monitor.frame.get_by_test_id("tooltip").locator(".skipped")
    monitor.hover("lr", 120.5 / 240)
    assert skipped.count() == 1
    monitor.hover("lr", 125.5 / 240)
    assert skipped.count() == 0


def test_step_sizes_of_weights_are_a_band_that_the_legend_hides(open_page: Opener, sources: Sources) -> None:
    monitor = opened(open_page, sources, "sampled")
    line = monitor.line("lr", "step_size")
    assert np.array_equal(np.arange(0, 400, 20), line.x)
    shown = monitor.y_range("lr")
    assert shown[1] > 30 * 2e-4
    monitor.hover("lr", 200 / 400)
    assert re.search(r"\b2\.99e-4 .*\b4\.27e-5 .*\b0\.0064\b", tooltip(monitor))
    monitor.legend("step_size").click()
    monitor.wait(
        lambda: monitor.y_range("lr")[1] < 0.003, lambda: f"the axis reaches to {monitor.y_range('lr')}"
    )


def test_each_layer_s_update_has_a_line_and_a_number(open_page: Opener, sources: Sources) -> None:
    monitor = opened(open_page, sources, "sampled")
    names = ["head/dense", "block_3/conv", "block_2/norm", "block_2/conv", "block_1/norm", "block_1/conv"]
    assert labels(monitor, "layers") == names
    line = monitor.line("layers", "layer/head/dense")
    monitor.hover("layers", 200 / 400)
    text = tooltip(monitor)
    assert 200 in numbers(text)
    assert f"{line.y[10]:.3g}" in text
    assert monitor.x_range("layers") == monitor.x_range("loss")


def test_of_many_layers_six_are_told_apart_and_the_others_are_one_entry(
    open_page: Opener, sources: Sources
) -> None:
    monitor = opened(open_page, sources, "many-layers")
    entries = labels(monitor, "layers")
    assert len(entries) == 7
    assert numbers(entries[-1]) == [42]
    assert len(monitor.chart("layers")["lines"]) == 48
    monitor.legend("other_layers").click()
    monitor.wait(
        lambda: len(monitor.chart("layers")["lines"]) == 6,
        lambda: f"{len(monitor.chart('layers')['lines'])} lines are drawn",
    )
    monitor.frame.locator(".card-layers").get_by_role("button", name="6/48").click()
    monitor.frame.get_by_role("checkbox", name="block_1/conv").check()
    monitor.frame.locator(".card-layers").get_by_role("button", name="7/48").wait_for()


def test_the_layers_fold_away_and_a_copied_link_keeps_what_is_hidden(
    open_page: Opener, sources: Sources
) -> None:
    monitor = open_page(sources.server, link(runs="sampled"), inside=True)
    monitor.frame.locator(".card-layers").get_by_test_id("fold").click()
    monitor.legend("effective_learning_rate").click()
    monitor.wait(
        lambda: sorted(monitor.charts()) == ["loss", "lr"], lambda: f"there are {sorted(monitor.charts())}"
    )
    address = monitor.copy("copy-link")
    again = open_page(sources.server, "#" + urlsplit(address).fragment, inside=True)
    assert sorted(again.charts()) == ["loss", "lr"]
    drawn = {line["key"] for line in again.chart("lr")["lines"]}
    assert drawn == {"learning_rate", "step_size"}


@pytest.mark.parametrize("size", [(1024, 768), (1440, 900)])
def test_three_panes_have_room(open_page: Opener, sources: Sources, size: tuple[int, int]) -> None:
    monitor = open_page(sources.server, link(runs=runs("many-layers")), size=size)
    boxes = [monitor.frame.locator(f".card-{pane}").bounding_box() for pane in ("lr", "layers", "loss")]
    tops = [box["y"] for box in boxes if box is not None]
    ends = [box["y"] + box["height"] for box in boxes if box is not None]
    assert tops[1] >= ends[0]
    assert tops[2] >= ends[1]
    assert ends[2] <= size[1]
    for pane in ("lr", "layers", "loss"):
        box = monitor.plot(pane).bounding_box()
        assert box is not None
        assert box["height"] > 90
