"""A range test as text for a terminal."""

from __future__ import annotations

from lrmon.review.report.findings.finding import figure
from lrmon.review.report.range_test import RangeTestReport, SweepReport
from lrmon.review.report.render.terminal import Paint, table, wrapped


def range_test_lines(test: RangeTestReport, paint: Paint, width: int) -> list[str]:
    """Returns a range test in words: how it ended, what it suggests, and why one should doubt that."""
    lines = [f"{paint('title', 'Range test')}  {_asked(test)}"]
    if test.recognized is not None:
        lines += wrapped([test.recognized], width, "  ")
    for index, sweep in enumerate(test.sweeps, 1):
        which = f"Sweep {index}: " if len(test.sweeps) > 1 else ""
        lines += wrapped([f"{which}{_end(sweep, test)}"], width, "  ")
    best = test.recommended
    lines += wrapped([f"Recommended: {_lr(best.median)}. {best.reason}"], width, "  ")
    rows = [["method", "rate", *(["from", "to", "found"] if len(test.sweeps) > 1 else [])]]
    for name, spread in test.suggestions.items():
        row = [name.replace("_", " "), _lr(spread.median)]
        if len(test.sweeps) > 1:
            row += [_lr(spread.low), _lr(spread.high), f"{spread.found} of {len(test.sweeps)}"]
        rows.append(row)
    lines += table(rows, len(rows) - 1, paint)
    for caution in test.cautions:
        lines += [f"  {paint('warning', 'doubt')}  {caution.code}", *wrapped([caution.text], width, "    ")]
    return lines


def _end(sweep: SweepReport, test: RangeTestReport) -> str:
    """Returns why a sweep ended."""
    if sweep.stopped_reason or sweep.stopped:
        return sweep.stopped_reason or f"It stopped: {sweep.stopped}."
    if test.run.state == "running" and sweep is test.sweeps[-1]:
        return f"It runs: {sweep.step.size:,} steps so far."
    return f"It was not stopped early: {sweep.step.size:,} steps."


def _asked(test: RangeTestReport) -> str:
    """Returns how the test was set, as far as that is recorded."""
    settings = test.settings
    start, end, steps = (settings[name] for name in ("start_lr", "end_lr", "steps"))
    numbers = all(isinstance(lr, (int, float)) for lr in (start, end))
    words = [
        test.optimizer,
        f"{figure(start)} to {figure(end)}" if numbers else None,
        settings["growth"] if isinstance(settings["growth"], str) else None,
        f"{steps:,} steps planned" if isinstance(steps, int) else None,
        f"{len(test.sweeps)} sweeps" if len(test.sweeps) > 1 else _which(test),
    ]
    return ", ".join(word for word in words if word)


def _which(test: RangeTestReport) -> str | None:
    """Returns which of the sweeps of its call the only one here is, where there were several."""
    repeats = test.settings["repeats"]
    if len(test.sweeps) != 1 or not isinstance(repeats, int) or repeats < 2:
        return None
    return f"sweep {test.sweeps[0].repeat + 1} of {repeats}"


def _lr(lr: float | None) -> str:
    return "none" if lr is None else figure(lr, 3)
