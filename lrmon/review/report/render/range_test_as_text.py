"""A range test as text for a terminal."""

from __future__ import annotations

from lrmon.review.report.findings.finding import figure
from lrmon.review.report.range_test import RangeTestReport, SweepReport
from lrmon.review.report.render.terminal import Paint, table, wrapped
from lrmon.text.wording import quantity


def range_test_lines(test: RangeTestReport, paint: Paint, width: int) -> list[str]:
    """Returns a range test as text: how its sweeps ended, its suggestions and its cautions."""
    lines = [f"{paint('title', 'Range test')}  {_settings(test)}"]
    if test.recognized is not None:
        lines += wrapped([test.recognized], width, "  ")
    for index, sweep in enumerate(test.sweeps, 1):
        which = f"Sweep {index}: " if len(test.sweeps) > 1 else ""
        lines += wrapped([f"{which}{_ending(sweep, test)}"], width, "  ")
    best = test.recommended
    lines += wrapped([f"Recommended: {_lr(best.median)}. {best.reason}"], width, "  ")
    rows = [["method", "LR", *(["from", "to", "found"] if len(test.sweeps) > 1 else [])]]
    for name, spread in test.suggestions.items():
        row = [name.replace("_", " "), _lr(spread.median)]
        if len(test.sweeps) > 1:
            row += [_lr(spread.low), _lr(spread.high), f"{spread.sweep_count} of {len(test.sweeps)}"]
        rows.append(row)
    lines += table(rows, len(rows) - 1, paint)
    for caution in test.cautions:
        lines += [f"  {paint('warning', 'caution')}  {caution.code}", *wrapped([caution.text], width, "    ")]
    return lines


def _ending(sweep: SweepReport, test: RangeTestReport) -> str:
    """Returns why a sweep ended."""
    if sweep.stopped_reason or sweep.stopped:
        return sweep.stopped_reason or f"Stopped: {sweep.stopped}."
    if test.run.state == "running" and sweep is test.sweeps[-1]:
        return f"Running: {quantity(sweep.step.size, 'step')} so far."
    return f"Completed after {quantity(sweep.step.size, 'step')}."


def _settings(test: RangeTestReport) -> str:
    """Returns the recorded settings of the test."""
    settings = test.settings
    start, end, steps = (settings[name] for name in ("start_lr", "end_lr", "steps"))
    numbers = all(isinstance(lr, (int, float)) for lr in (start, end))
    words = [
        test.optimizer,
        f"{figure(start)} to {figure(end)}" if numbers else None,
        settings["growth"] if isinstance(settings["growth"], str) else None,
        f"{quantity(steps, 'planned step')}" if isinstance(steps, int) else None,
        quantity(len(test.sweeps), "sweep") if len(test.sweeps) > 1 else _sweep_number(test),
    ]
    return ", ".join(word for word in words if word)


def _sweep_number(test: RangeTestReport) -> str | None:
    """Returns which sweep of its call this is, if only one of several is recorded here."""
    repeats = test.settings["repeats"]
    if len(test.sweeps) != 1 or not isinstance(repeats, int) or repeats < 2:
        return None
    return f"sweep {test.sweeps[0].repeat + 1} of {repeats}"


def _lr(lr: float | None) -> str:
    return "none" if lr is None else figure(lr, 3)
