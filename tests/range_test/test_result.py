"""The result: what it says, shows and draws."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lrmon.train.range_test.divergence import Divergence
from lrmon.train.range_test.result import RangeTestResult, result_of
from lrmon.train.range_test.sweep import Measured
from lrmon.train.range_test.sweep_settings import Settings
from tests.train.wordings import refused


def measured(steps: int = 200, noise: float = 0.0, stopped: str | None = None) -> Measured:
    """A sweep that falls around 1e-2 and explodes above 1."""
    lrs = np.geomspace(1e-6, 10, 200)[:steps]
    losses = 1 + 1 / (1 + (lrs / 1e-2)) + np.maximum(lrs - 1, 0) ** 2
    losses = losses + noise * np.random.default_rng(1).normal(size=steps)
    reason = None if stopped is None else "It says why."
    return Measured(lrs, losses, np.full(steps, np.nan), stopped, reason)


def test_the_arrays_are_those_of_the_sweep_and_cannot_be_changed() -> None:
    sweep = measured()
    result = result_of([sweep], None)
    np.testing.assert_array_equal(sweep.learning_rate, result.learning_rates)
    np.testing.assert_array_equal(sweep.loss, result.losses)
    assert result.smoothed.shape == result.losses.shape
    with pytest.raises(ValueError, match="read-only"):
        result.losses[0] = 0


def test_it_reads_as_words() -> None:
    lines = repr(result_of([measured(stopped="diverged")], None)).splitlines()
    assert "learning-rate range test: 200 steps, 1e-06 to 10 (diverged: It says why)" == lines[0]
    names = ["recommended", "steepest", "valley", "slide", "minimum_tenth", "divergence"]
    assert names == [line.split()[0] for line in lines[1:7]]


def test_several_sweeps_tell_their_spread() -> None:
    result = result_of([measured(), measured(190, 0.01), measured(150, 0.01)], None)
    assert "190 steps" in repr(result)
    assert "median of 3 sweeps" in repr(result)
    assert re.search(r"steepest .*\[[\d.e-]+ to [\d.e-]+\]", repr(result))


@pytest.mark.parametrize("steps", range(17))
def test_a_short_sweep_says_that_it_is_short_and_can_be_drawn(steps: int) -> None:
    result = result_of([measured(steps)], None)
    assert None is result.recommended.learning_rate
    assert ["too-short"] == [problem.code for problem in result.cautions]
    assert "at least 17 are needed" in repr(result)
    assert "at least 17 are needed" in result._repr_html_()
    (line,) = (line for line in result.plot_loss().lines if line.get_label() == "loss, smoothed")
    assert steps == np.size(line.get_xdata())
    assert steps == np.size(result.plot_loss_change().lines[0].get_xdata())


def test_values_that_are_no_numbers_can_be_drawn_and_shown() -> None:
    sweep = measured(100)
    sweep.loss[50:60], sweep.loss[-1] = np.nan, np.inf
    result = result_of([sweep], None)
    result.plot_loss(0, 0).figure.canvas.draw()
    result.plot_loss_change(n_skip_end=0).figure.canvas.draw()
    assert "<table" in result._repr_html_()


@pytest.mark.parametrize(("begin", "end", "drawn"), [(10, 5, 185), (0, 0, 200), (10, 0, 190), (150, 50, 200)])
def test_it_draws_what_is_left_after_skipping(begin: int, end: int, drawn: int) -> None:
    axes = result_of([measured()], None).plot_loss(n_skip_beginning=begin, n_skip_end=end, x_scale="linear")
    assert drawn == np.size(axes.lines[0].get_xdata())
    assert "linear" == axes.get_xscale()
    assert ("learning rate", "loss of the batch") == (axes.get_xlabel(), axes.get_ylabel())


def test_the_suggestions_are_in_the_drawing() -> None:
    result = result_of([measured()], None)
    texts = result.plot_loss(0, 0).get_legend_handles_labels()[1]
    assert f"recommended {result.recommended.learning_rate:.3g}" in texts
    assert f"divergence {result.suggestions['divergence'].learning_rate:.3g}" in texts


def test_the_change_is_the_mean_difference_over_so_many_steps() -> None:
    result = result_of([measured()], None)
    axes = result.plot_loss_change(sma=4, n_skip_beginning=4, n_skip_end=0, y_lim=(-0.1, 0.1))
    expected = (result.losses[4:] - result.losses[:-4]) / 4
    np.testing.assert_array_equal(expected, axes.lines[0].get_ydata())
    assert (-0.1, 0.1) == axes.get_ylim()


def test_it_draws_into_axes_that_it_is_given() -> None:
    axes = plt.figure().subplots()
    assert axes is result_of([measured()], None).plot_loss(ax=axes)
    assert axes is result_of([measured()], None).plot_loss_change(ax=axes)


@pytest.mark.parametrize(
    ("draw", "argument"),
    [
        (lambda result: result.plot_loss_change(sma=0), "sma=0"),
        (lambda result: result.plot_loss(n_skip_end=-5), "n_skip_end=-5"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw: Any, argument: str) -> None:
    with refused(ValueError, f"LRFinder, {argument}"):
        draw(result_of([measured()], None))


class Tags(HTMLParser):
    """Which tags there are, and whether each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()


def test_in_a_notebook_it_is_a_table_that_needs_nothing_else() -> None:
    text = result_of([measured(noise=0.01)], None)._repr_html_()
    tags = Tags()
    tags.feed(text)
    assert [] == tags.open
    assert "table" in tags.seen
    assert set() == tags.seen & {"script", "img", "link", "style", "iframe"}
    assert "http" not in text
    assert len(text) < 12_000


def stop(losses: list[float], factor: float = 4.0, smoothing: float = 0.0) -> tuple[int, str] | None:
    """At which step it stops, and why."""
    judge = Divergence(factor, smoothing, len(losses))
    for step, loss in enumerate(losses):
        why = judge.after(loss)
        if why:
            return step, why[0]
    return None


def test_a_sweep_stops_above_so_many_times_its_best() -> None:
    assert (30, "diverged") == stop([1.0] * 30 + [4.1] + [1.0] * 10)
    assert None is stop([1.0] * 30 + [3.9] + [1.0] * 10)
    assert (31, "diverged") == stop([2.0] * 20 + [1.0] * 11 + [2.1] * 2, factor=2.0)


def test_a_loss_near_zero_does_not_stop_by_its_noise() -> None:
    assert None is stop([1.0] * 20 + [1e-6, 5e-6, 1e-5, 0.2])
    assert (22, "diverged") == stop([1.0] * 20 + [1e-6, 5e-6, 0.3])


def test_negative_losses_have_a_limit_above_their_best() -> None:
    assert None is stop([-1.0] * 20 + [1.9])
    assert (20, "diverged") == stop([-1.0] * 20 + [2.1])


def test_the_first_steps_do_not_stop_it_but_what_is_no_number_does() -> None:
    assert None is stop([1.0, 9.0, 1.0, 1.0] + [1.0] * 40)
    assert (1, "not finite") == stop([1.0, float("nan")] + [1.0] * 40)


def test_the_average_is_debiased() -> None:
    assert None is stop([5.0] * 100, smoothing=0.98)


def test_the_ends_of_the_range_are_exact() -> None:
    for growth in ("exponential", "linear"):
        lrs = Settings(1e-7, 10.0, growth, 4.0, None, 1, 0).learning_rates(200)
        assert (1e-7, 10.0) == (lrs[0], lrs[-1])
        assert (np.diff(lrs) > 0).all()
        assert [1e-7] == Settings(1e-7, 10.0, growth, 4.0, None, 1, 0).learning_rates(1).tolist()


def test_a_result_is_frozen() -> None:
    with pytest.raises(AttributeError):
        result_of([measured()], None).stopped = "never"  # type: ignore[misc]
    assert RangeTestResult.__doc__
