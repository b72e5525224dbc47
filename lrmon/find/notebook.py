"""A range test in a notebook: a small picture and a table, in HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from lrmon.find.result import RangeTestResult

_WIDTH, _HEIGHT, _MARGIN = 560, 220, 34
_POINTS: Final = 300


def html_of(result: RangeTestResult) -> str:
    """Returns the curve as SVG, the suggestions as a table, and what is doubtful about them."""
    from lrmon.find.result import lines_of, number, spread_of

    rows = "".join(
        f"<tr><td>{'<b>' if first else ''}{escape(each.name)}{'</b>' if first else ''}</td>"
        f"<td style='text-align:right'>{number(each.learning_rate)}</td>"
        f"<td style='text-align:left'>{escape(spread_of(result, each.name) + each.reason)}</td></tr>"
        for first, each in [
            (True, result.recommended),
            *((False, each) for each in result.suggestions.values()),
        ]
    )
    problems = "".join(f"<li>{escape(problem.text)}</li>" for problem in result.problems)
    return (
        f"<div><div>{escape(lines_of(result)[0])}</div>{_picture(result)}"
        "<table><thead><tr><th>suggestion</th><th>learning rate</th><th style='text-align:left'>why</th></tr>"
        f"</thead><tbody>{rows}</tbody></table>{f'<ul>{problems}</ul>' if problems else ''}</div>"
    )


def _picture(result: RangeTestResult) -> str:
    usable = np.isfinite(result.smoothed) & (result.learning_rates > 0)
    if np.count_nonzero(usable) < 2:
        return ""
    x, y = np.log10(result.learning_rates[usable]), result.smoothed[usable]
    low, start = float(y.min()), float(np.median(y[: max(3, y.size // 10)]))
    high = min(float(y.max()), start + 2 * max(start - low, 0.05 * abs(start), 1e-12))
    across = _scale(float(x[0]), float(x[-1]), _MARGIN, _WIDTH - 8)
    down = _scale(low, high, _HEIGHT - _MARGIN, 8)
    thin = np.unique(np.linspace(0, x.size - 1, _POINTS).astype(int))
    points = " ".join(
        f"{across(a):.1f},{down(min(b, high)):.1f}" for a, b in zip(x[thin], y[thin], strict=True)
    )
    parts = [f"<polyline points='{points}' fill='none' stroke='#1f77b4' stroke-width='1.8'/>"]
    for decade in range(int(np.ceil(x[0])), int(np.floor(x[-1])) + 1):
        at = across(decade)
        parts.append(
            f"<line x1='{at:.1f}' x2='{at:.1f}' y1='8' y2='{_HEIGHT - _MARGIN}' stroke='currentColor' "
            "opacity='.12'/>"
            f"<text x='{at:.1f}' y='{_HEIGHT - 18}' text-anchor='middle'>1e{decade}</text>"
        )
    rate = result.recommended.learning_rate
    if rate is not None and x[0] <= np.log10(rate) <= x[-1]:
        at = across(float(np.log10(rate)))
        parts.append(
            f"<line x1='{at:.1f}' x2='{at:.1f}' y1='8' y2='{_HEIGHT - _MARGIN}' stroke='#0a7d38' "
            f"stroke-width='1.4'><title>recommended {rate:.3g}</title></line>"
        )
    parts += [
        f"<text x='{_MARGIN - 4}' y='{down(value) + 4:.1f}' text-anchor='end'>{value:.3g}</text>"
        for value in (low, high)
    ]
    label = "smoothed loss against learning rate"
    return (
        f"<svg width='{_WIDTH}' height='{_HEIGHT}' viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img' "
        f"aria-label='{label}' font-size='10' fill='currentColor'>{''.join(parts)}"
        f"<text x='{_WIDTH / 2}' y='{_HEIGHT - 4}' text-anchor='middle'>{label}</text></svg>"
    )


def _scale(low: float, high: float, to_low: float, to_high: float) -> Callable[[float], float]:
    """The straight line that takes `low` to `to_low` and `high` to `to_high`."""
    slope = (to_high - to_low) / (high - low) if high > low else 0.0
    return lambda value: to_low + slope * (value - low)
