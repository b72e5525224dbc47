"""Findings about a loss that rose, to the end or for some batches, and what happened right before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from lrmon.analysis.loss.levels import SIGMA, LossLevels
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, Severity, figure, percent
from lrmon.review.run.numbers import shortest
from lrmon.text.wording import quantity

LOST: Final = 0.5
"""A loss that lost less than this share of its progress is not reported."""
_SURE: Final = 5.0
"""A difference of levels of at least this many standard errors is significant."""
_LEAST: Final = 0.1
"""The loss must have dropped by at least this share of its start to have made progress."""
_CERTAIN: Final = 0.3
"""A rise without a cause counts only if the progress was at least this share of the start."""
_RISE: Final = 1.2
"""An LR increase by at least this factor, right before, is a cause."""
_GROWTH: Final = 1.3
_WINDOW: Final = 16
"""Losses are compared with those of the three parts of this many steps before theirs."""


@dataclass(frozen=True, slots=True)
class _Cause:
    """What happened right before a rise of the loss.

    Attributes:
      name: ``increase``, ``resume``, ``epoch`` or ``none``.
      step: at which it happened.
      words: the end of a sentence, starting with a comma; empty for none.
    """

    name: str
    step: int
    words: str


def setback_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``increase-not-recovered`` or ``progress-lost``, and ``loss-spike``."""
    levels = analysis.levels
    if levels is None:
        return
    lost = list(_lost(analysis, levels)) or list(_raised(analysis, levels))
    yield from lost
    yield from _spikes(analysis, levels)


def _lost(analysis: RunAnalysis, levels: LossLevels) -> Iterator[Finding]:
    """Yields a finding if the loss lost half of its progress at the end, and the progress was significant.

    Without an LR increase before it, a rise that takes longer than a twentieth of the steps is only info,
    because the losses of adversarial and of reinforcement learning do that by nature.
    """
    best, end = levels.best, levels.end
    low = float(levels.smooth[best])
    if levels.progress <= max(
        _SURE * max(levels.start_error, float(levels.error[best])), _LEAST * abs(levels.reference)
    ):
        return
    share = (end - low) / levels.progress
    # Most of the last losses must be higher, however noisy they are.
    if share < LOST or float(np.quantile(levels.last, 0.2)) < low + _SURE * float(levels.error[best]):
        return
    height = min(end - low, levels.progress)
    onset = _onset(levels, best, low + max(0.25 * height, 4 * float(levels.noise[best]) / np.sqrt(5)))
    cause = _cause(analysis, levels, onset, int(levels.row[best]))
    rest = _onset(levels, best, low + 0.75 * height)
    is_slow = cause.name == "none" and (
        rest - onset > max(50, levels.loss.size // 20) or levels.progress < _CERTAIN * abs(levels.reference)
    )
    severity: Severity = "info" if is_slow else "error" if share >= 1.0 else "warning"
    step = cause.step if cause.name != "none" else int(levels.step[onset])
    block = int(np.argmin(levels.level[: max(levels.block_of(onset), best) + 1]))
    lowest, steps = float(levels.level[block]), int(levels.row[block + 1] - levels.row[block])
    share = (end - lowest) / (levels.reference - lowest)
    text = (
        f"The loss lost {percent(share) if share < 1.0 else 'all'} of its progress: it started at "
        f"{figure(levels.start, 3)}, dropped to {figure(lowest, 3)} (median of {quantity(steps, 'step')} "
        f"from {analysis.positions.describe(int(levels.step[levels.row[block]]))} on) and ended at "
        f"{figure(end, 3)}. It rose from {analysis.positions.describe(int(levels.step[onset]))} on"
        f"{cause.words}."
    )
    if cause.name == "increase":
        advice = "Use a smaller LR increase, or continue from earlier weights with a lower learning rate."
    elif cause.name == "resume":
        advice = "Check that the optimizer's state and the learning rate were restored, and resume again."
    elif is_slow:
        advice = (
            "This is normal in adversarial and reinforcement learning. Otherwise, lower the learning rate."
        )
    else:
        advice = "Lower the learning rate, clip gradients (clipnorm), or check the data from there on."
    finding = Finding(
        code="progress-lost",
        severity=severity,
        text=text,
        advice=advice,
        step=step,
        last_step=int(levels.step[-1]),
        numbers={
            "start": levels.start,
            "lowest": lowest,
            "last": end,
            "share": round(share, 4) if np.isfinite(share) else None,
            "onset": int(levels.step[onset]),
            "cause": cause.name,
        },
    )
    yield replace(finding, code="increase-not-recovered") if cause.name == "increase" else finding


def _onset(levels: LossLevels, best: int, above: float) -> int:
    """Returns the row from which on the loss is above a value, by levels of blocks and of five losses."""
    below = np.flatnonzero(levels.level[best:] <= above)
    block = best + (int(below[-1]) if below.size else 0)
    first = int(levels.row[block])
    stop = int(levels.row[min(block + 2, levels.level.size)])
    losses = levels.loss[max(first - 2, 0) : stop + 2]
    if losses.size < 5:
        return first
    middle = np.median(sliding_window_view(losses, 5), axis=1)
    low = np.flatnonzero(middle <= above)
    onset = max(first - 2, 0) + 2 + (int(low[-1]) + 1 if low.size else 0)
    return min(onset, levels.loss.size - 1)


def _cause(analysis: RunAnalysis, levels: LossLevels, row: int, since: int) -> _Cause:
    """Returns what happened right before a rise: an LR increase, a resume, or nothing."""
    size = levels.loss.size
    window = max(20, size // 30)
    first = max(row - window, 0)
    lrs = levels.learning_rate
    before = lrs[first : row + 1]
    rises = np.flatnonzero(before[1:] > _RISE * np.maximum(before[:-1], 0.0)) + 1
    rises = rises[before[rises - 1] > 0] if rises.size else rises
    if rises.size:
        lr_change = first + int(rises[-1])
        return _Cause(
            "increase", int(levels.step[lr_change]), f", after {_increase(analysis, levels, lr_change)}"
        )
    fits = [fit.first_step for fit in analysis.run.fits[1:]]
    resumed = [step for step in fits if int(levels.step[first]) <= step <= int(levels.step[row])]
    if resumed:
        return _Cause(
            "resume",
            resumed[-1],
            f", after the training was resumed at {analysis.positions.describe(resumed[-1])}",
        )
    start = min(since, row)
    low = lrs[start : row + 1]
    if low.size and np.isfinite(low[-1]) and low.min() > 0 and low[-1] >= _GROWTH * low.min():
        lr_change = start + int(np.flatnonzero(low == low.min())[-1])
        from_, to = _numbers(lrs[lr_change], lrs[row])
        step = int(levels.step[lr_change])
        return _Cause(
            "increase",
            int(levels.step[row]),
            f", while the learning rate rose from {from_} at {analysis.positions.describe(step)} to {to}",
        )
    return _Cause("none", int(levels.step[row]), "")


def warm_up_end(analysis: RunAnalysis) -> int:
    """Returns the last step of a warm-up of three changes or more, -1 if there is none."""
    end, run = analysis.lr_changes.warmup_end, analysis.run
    if end is None:
        return -1
    lrs = run.learning_rate[: int(np.searchsorted(run.step, end)) + 1]
    return end if np.count_nonzero(lrs[1:] != lrs[:-1]) >= 3 else -1


def _increase(analysis: RunAnalysis, levels: LossLevels, row: int) -> str:
    """Returns an LR increase in words, with the resume if there was one at the same step."""
    from_, to = _numbers(levels.learning_rate[row - 1], levels.learning_rate[row])
    step = int(levels.step[row])
    resumed = any(fit.first_step == step for fit in analysis.run.fits[1:])
    words = f"the learning rate increased from {from_} to {to} at {analysis.positions.describe(step)}"
    return f"{words}, where the training was resumed" if resumed else words


def _numbers(*values: float) -> list[str]:
    return [figure(float(value)) for value in shortest(np.array(values, dtype=np.float32))]


def _raised(analysis: RunAnalysis, levels: LossLevels) -> Iterator[Finding]:
    """Yields a finding if the loss stayed higher after the last LR increase.

    The increase is by half or more, and not in a warm-up.     The level at the end is above the one before
    the increase by a tenth of the progress until then, and the difference is significant.
    """
    lrs = levels.learning_rate
    rises = np.flatnonzero((lrs[1:] >= 1.5 * lrs[:-1]) & (lrs[:-1] > 0)) + 1
    rises = rises[levels.step[rises] > warm_up_end(analysis)]
    if not rises.size:
        return
    lr_change = int(rises[-1])
    rest = levels.loss.size - lr_change
    if (
        rest < max(30, levels.loss.size // 20)
        or lr_change < 30
        or lrs[lr_change:].min() < 1.2 * lrs[lr_change - 1]
    ):
        return
    before = float(np.median(levels.loss[max(lr_change - 50, 0) : lr_change]))
    progress = levels.reference - before
    error = float(levels.error[max(levels.block_of(lr_change) - 1, 0)])
    rise = levels.end - before
    if progress <= 0 or rise < max(_SURE * error, _LEAST * progress, 0.1 * abs(before)):
        return
    step = int(levels.step[lr_change])
    yield Finding(
        code="increase-not-recovered",
        severity="warning",
        text=(
            f"The loss did not recover after {_increase(analysis, levels, lr_change)}: it was "
            f"{figure(before, 3)} before and is {figure(levels.end, 3)} at the end, {quantity(rest, 'step')} "
            "later."
        ),
        advice="Use a smaller LR increase, or continue from earlier weights with a lower learning rate.",
        step=step,
        last_step=int(levels.step[-1]),
        numbers={"start": levels.start, "before": before, "last": levels.end, "cause": "increase"},
    )


def _spikes(analysis: RunAnalysis, levels: LossLevels) -> Iterator[Finding]:
    """Yields a finding for losses far above all losses before them.

    After an LR increase (by a fifth, not in a warm-up) or a resume: at least three of the next 20 losses are
    above all of the 50 before, and the highest by eight standard deviations and half of the level. Elsewhere:
    a loss is above those before by eight standard deviations, by three times the largest deviation among
    them, and by half of the progress until then.
    """
    causes = [*_increases(analysis, levels), *_resumes(analysis, levels)]
    spikes = [spike for cause in causes if (spike := _spike_after(levels, cause)) is not None]
    rows = _outliers(levels)
    known = {cause_row for cause_row, _, _ in spikes}
    alone = [
        row for row in rows.tolist() if not any(lr_change <= row < lr_change + 30 for lr_change in known)
    ]
    if spikes:
        row, level, highest = spikes[0]
        cause = _cause(analysis, levels, row, row)
        more = "" if len(spikes) == 1 else f" There are spikes after {len(spikes)} of them."
        what = (
            f"right after the training was resumed at {analysis.positions.describe(int(levels.step[row]))}"
            if cause.name == "resume"
            else f"right after {_increase(analysis, levels, row)}"
        )
        yield Finding(
            code="loss-spike",
            severity="warning",
            text=f"The loss rose from about {figure(level, 3)} to {figure(highest, 3)} {what}.{more}",
            advice=(
                "Check that the optimizer's state and the learning rate were restored."
                if cause.name == "resume"
                else "Use a slower or smaller LR increase."
            ),
            step=int(levels.step[row]),
            last_step=int(levels.step[min(row + 19, levels.loss.size - 1)]),
            numbers={"before": level, "highest": highest, "spikes": len(spikes), "cause": cause.name},
        )
    if alone:
        yield _unexplained(analysis, levels, alone)


def _increases(analysis: RunAnalysis, levels: LossLevels) -> list[int]:
    lrs = levels.learning_rate
    rows = np.flatnonzero((lrs[1:] > _RISE * lrs[:-1]) & (lrs[:-1] >= 0)) + 1
    rows = rows[levels.step[rows] > warm_up_end(analysis)]
    listed: list[int] = rows[:1000].tolist()
    return listed


def _resumes(analysis: RunAnalysis, levels: LossLevels) -> list[int]:
    firsts = np.array([fit.first_step for fit in analysis.run.fits[1:]], dtype=np.int64)
    rows: list[int] = np.searchsorted(levels.step, firsts).tolist()
    return [row for row in rows if 0 < row < levels.loss.size]


def _spike_after(levels: LossLevels, row: int) -> tuple[int, float, float] | None:
    before, after = levels.loss[max(row - 50, 0) : row], levels.loss[row : row + 20]
    if before.size < 10 or after.size < 3:
        return None
    level = float(np.median(before))
    noise = SIGMA * float(np.median(np.abs(before - level)))
    highest = float(after.max())
    above = int(np.count_nonzero(after > before.max()))
    if level > 0 and above >= 3 and highest > max(level + 8 * noise, 1.5 * level):
        return row, level, highest
    return None


def _outliers(levels: LossLevels) -> NDArray[np.intp]:
    """Returns the rows whose loss is far above the three parts before theirs."""
    parts = levels.loss.size // _WINDOW
    if parts < 4:
        return np.empty(0, dtype=np.intp)
    first = levels.loss.size - parts * _WINDOW
    body = levels.loss[first:].reshape(parts, _WINDOW)
    before = sliding_window_view(body.reshape(-1), 3 * _WINDOW)[::_WINDOW][: parts - 3]
    level = np.median(before, axis=1)[:, None]
    noise = SIGMA * np.median(np.abs(before - level), axis=1)[:, None]
    reach = before.max(axis=1)[:, None] - level
    progress = levels.reference - level
    height = body[3:] - level
    is_far = (height > 8 * noise) & (height > 3 * reach) & (height > 0.5 * progress) & (progress > 0)
    rows: NDArray[np.intp] = np.flatnonzero(is_far.reshape(-1)) + first + 3 * _WINDOW
    return rows


def _unexplained(analysis: RunAnalysis, levels: LossLevels, rows: list[int]) -> Finding:
    """Returns a finding for spikes without an LR increase or a resume.

    It is a warning if the spike did harm, or is far beyond the differences between batches.
    """
    groups = [row for index, row in enumerate(rows) if index == 0 or row - rows[index - 1] > 30]
    harmful = [row for row in groups if _does_harm(levels, row)]
    alarming = [row for row in groups if row in harmful or _is_beyond(levels, row)]
    row = (alarming or groups)[0]
    step = int(levels.step[row])
    level, highest = (
        float(np.median(levels.loss[max(row - 48, 0) : row])),
        float(levels.loss[row : row + 10].max()),
    )
    cause = _cause(analysis, levels, row, max(row - max(50, levels.loss.size // 20), 0))
    index = int(np.searchsorted(analysis.positions.starts, step, side="right")) - 1
    at_start = index >= 0 and step - int(analysis.positions.starts[index]) <= 1
    where = cause.words or (", at the start of an epoch" if at_start else "")
    name = cause.name if cause.name != "none" else "epoch" if at_start else "none"
    end = "" if cause.name == "increase" else "; there was no LR increase"
    harm = " The losses after it are also higher." if row in harmful else ""
    more = "" if len(groups) == 1 else f" There are {len(groups)} such spikes."
    return Finding(
        code="loss-spike",
        severity="warning" if alarming else "info",
        text=(
            f"The loss rose from about {figure(level, 3)} to {figure(highest, 3)} at "
            f"{analysis.positions.describe(step)}{where}{end}.{harm}{more}"
        ),
        advice="Check the data of this batch. Clip gradients (clipnorm), so one batch has less effect.",
        step=step,
        last_step=int(levels.step[min(row + 9, levels.loss.size - 1)]),
        numbers={"before": level, "highest": highest, "spikes": len(groups), "cause": name},
    )


def _does_harm(levels: LossLevels, row: int) -> bool:
    """Returns whether the five losses after a spike are above almost all of those before it."""
    before, after = levels.loss[max(row - 48, 0) : row], levels.loss[row + 1 : row + 6]
    return after.size >= 3 and float(np.median(after)) > float(np.quantile(before, 0.95))


def _is_beyond(levels: LossLevels, row: int) -> bool:
    """Returns whether a loss is ten times as far from the level as any before it, and far above the start."""
    before = levels.loss[max(row - 48, 0) : row]
    level = float(np.median(before))
    height = float(levels.loss[row]) - level
    return height >= 10 * (float(before.max()) - level) and height >= 1.5 * (levels.reference - level)
