"""The report as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.checks import Check
from lrmon.review.report.findings.finding import Finding, figure
from lrmon.review.report.lr_shape import changes_every_epoch, shape_sentence, shape_words
from lrmon.review.report.plateau.comparison import LRReduction
from lrmon.review.report.plateau.plateaus import Plateaus
from lrmon.review.report.plateau_settings import rule_words
from lrmon.review.report.range_test import RangeTestReport
from lrmon.review.report.render.range_test_as_text import range_test_lines
from lrmon.review.report.render.terminal import HEAD, TAIL, Paint, shown, table, wrapped
from lrmon.review.run.numbers import shortest
from lrmon.review.run.optimizers import updates_words
from lrmon.review.run.run import Run
from lrmon.text.widths import fitted, with_short_headings, without_columns
from lrmon.text.wording import quantity


def report_text(
    run: Run,
    analysis: RunAnalysis,
    plateaus: Plateaus,
    findings: Sequence[Finding],
    test: RangeTestReport | None,
    checks: Sequence[Check] = (),
    *,
    color: bool,
    width: int,
    brief: bool = False,
) -> str:
    """Returns the report as sentences and tables, without a newline at its end."""
    paint = Paint(color)
    width = max(width, 40)
    if brief:
        return "\n".join(fitted([*_title(run, analysis, paint), *_brief(analysis, findings, paint)], width))
    sections = [
        _title(run, analysis, paint),
        *([] if test is None else [range_test_lines(test, paint, width)]),
        _optimizers(run, paint, width),
        _findings(analysis, findings, paint, width),
        _checks(checks, paint, width),
    ]
    if test is None:
        sections += [
            _learning_rate(analysis, paint, width),
            _epochs(analysis, plateaus, paint, width),
            _plateaus(analysis, plateaus, paint, width),
        ]
    if run.notices:
        sections.append([paint("title", "Notices"), *wrapped(run.notices, width, "  ")])
    return "\n\n".join("\n".join(fitted(section, width)) for section in sections if section)


def _optimizers(run: Run, paint: Paint, width: int) -> list[str]:
    """Returns how many updates each optimizer made; nothing if all made one in each step."""
    if not run.updates:
        return []
    main = run.fits[-1].record.get("main_optimizer") if run.fits else None
    lines: list[str] = []
    for name, made in run.updates.items():
        shown = "; its learning rate is the run's" if name == main else ""
        lines += wrapped([f"{name}: {updates_words(made)}{shown}"], width, "  ")
    return [paint("title", "Optimizers"), *lines]


def _title(run: Run, analysis: RunAnalysis, paint: Paint) -> list[str]:
    return [f"{paint('title', run.name)}  {run.describe(analysis.positions.steps_per_epoch)}"]


def _brief(analysis: RunAnalysis, findings: Sequence[Finding], paint: Paint) -> list[str]:
    """Returns a line for each finding."""
    return [_headline(analysis, finding, paint) for finding in findings] or ["  no findings"]


def _headline(analysis: RunAnalysis, finding: Finding, paint: Paint) -> str:
    """Returns the severity, the code and the position of a finding."""
    position = "" if finding.step is None else f"  {analysis.positions.describe(finding.step)}"
    return f"  {paint(finding.severity, finding.severity)}  {finding.code}{paint('head', position)}"


def _findings(analysis: RunAnalysis, findings: Sequence[Finding], paint: Paint, width: int) -> list[str]:
    if not findings:
        return [f"{paint('title', 'Findings')}  none"]
    lines = [f"{paint('title', 'Findings')}  {len(findings)}"]
    for finding in findings:
        lines.append(_headline(analysis, finding, paint))
        lines += wrapped([finding.text], width, "    ")
        lines += [paint("advice", line) for line in wrapped([f"→ {finding.advice}"], width, "    ")]
    return lines


def _checks(checks: Sequence[Check], paint: Paint, width: int) -> list[str]:
    """Returns what was checked, and what could not be checked."""
    if not checks:
        return []
    good = [check.name for check in checks if check.state == "in order"]
    lines = [f"{paint('title', 'Checked')}  {len(good)} in order"]
    lines += [f"  ✓ {name}" for name in good]
    for check in checks:
        if check.reason is not None:
            lines += wrapped([f"- {check.name}: not checked, {check.reason}"], width, "  ")
    return lines


def _learning_rate(analysis: RunAnalysis, paint: Paint, width: int) -> list[str]:
    lr_changes = analysis.lr_changes
    size = int(lr_changes.step.size)
    lines = [f"{paint('title', 'Learning rate')}  {shape_words(analysis)}"]
    sentence = shape_sentence(analysis)
    if sentence is not None:
        lines += wrapped([sentence], width, "  ")
    # If one rule changes it in every epoch, the table of the epochs shows it.
    if size and not changes_every_epoch(analysis):
        rows = [["step", "epoch", "from", "to", "from nearest epoch start"]]
        rows += [_lr_change(analysis, index) for index in shown(size)]
        lines += table(with_short_headings(rows, width), size, paint)
    cadence = lr_changes.cadence
    if cadence is not None and size > 1 and not changes_every_epoch(analysis):
        words = f"An LR change every {quantity(cadence.every, 'step')}"
        if cadence.drift:
            direction = "later" if cadence.drift > 0 else "earlier"
            words += f", each {quantity(abs(cadence.drift), 'step')} {direction} in its epoch"
        aligned = cadence.aligned_decay_steps
        if aligned is not None and aligned != cadence.every:
            where = ", ".join(f"{step:,}" for step in cadence.aligned_steps[:6].tolist())
            more = ", …" if cadence.aligned_steps.size > 6 else ""
            words += f". With decay_steps={aligned}, the LR changes would be at steps {where}{more}"
        lines += wrapped([f"{words}."], width, "  ")
    if analysis.outlook is not None:
        outlook = analysis.outlook
        lr = figure(float(shortest(outlook.learning_rate[-1:])[0]))
        ahead = quantity(outlook.last_step - int(outlook.step[0]), "more step")
        sentence = f"{outlook.class_name} plans {ahead}, to {lr} at step {outlook.last_step:,}."
        lines += wrapped([sentence], width, "  ")
    return lines


def _lr_change(analysis: RunAnalysis, index: int) -> list[str]:
    lr_changes = analysis.lr_changes
    before, after = (
        figure(lr) for lr in shortest(np.array([lr_changes.lr_from[index], lr_changes.lr_to[index]])).tolist()
    )
    late = lr_changes.cadence is not None and bool(lr_changes.cadence.late[index])
    if not bool(analysis.in_epoch[index]):
        return [f"{int(lr_changes.step[index]):,}", "?", before, after, ""]
    epoch = analysis.positions.epoch_of(int(lr_changes.step[index]))
    offset, length = int(lr_changes.offset[index]), int(lr_changes.steps_in_epoch[index])
    position = f"{epoch}" if offset == 0 else f"{epoch} + {offset}/{length}"
    distance = "0" if offset == 0 else f"{int(lr_changes.nearest_boundary[index]):+,}"
    return [
        f"{int(lr_changes.step[index]):,}",
        position,
        before,
        after,
        f"{distance}{' (one step late)' if late else ''}",
    ]


def _epochs(analysis: RunAnalysis, plateaus: Plateaus, paint: Paint, width: int) -> list[str]:
    run = analysis.run
    if not run.epochs:
        return []
    names = list(run.metric_names)
    watched = plateaus.rule.monitor
    if len(names) > 4:
        names = [name for name in names if name in (watched, "loss", "val_loss")] or names[:4]
    judged = plateaus.problem is None and plateaus.unit == "epoch"
    rows = [["epoch", "steps", "last LR", "next LR", *names, *(["wait"] if judged else [])]]
    lrs, following = shortest(analysis.epochs.learning_rate), shortest(analysis.epochs.next_learning_rate)
    size = len(run.epochs)
    for index in shown(size):
        epoch = run.epochs[index]
        row = [
            f"{int(run.epoch_positions[index])}",
            f"{epoch.first_step:,} to {epoch.last_step:,}",
            _number(lrs[index]),
            _number(following[index]),
            *(_metric(epoch.metrics.get(name)) for name in names),
        ]
        if judged:
            is_reduced = any(reduction.index == index for reduction in plateaus.reductions)
            row.append(f"{int(plateaus.wait[index])}{' ↓' if is_reduced else ''}")
        rows.append(row)
    by_use = sorted(
        range(len(names)), key=lambda index: (names[index] in (watched, "loss", "val_loss"), -index)
    )
    rows, omitted = without_columns(rows, width, [index + 4 for index in by_use])
    lines = [paint("title", "Epochs"), *table(rows, size, paint)]
    if omitted:
        left_out = ", ".join(names[column - 4] for column in omitted)
        lines += wrapped([f"Not shown because the terminal is too narrow: {left_out}."], width, "  ")
    return lines


def _plateaus(analysis: RunAnalysis, plateaus: Plateaus, paint: Paint, width: int) -> list[str]:
    if not analysis.run.metric_names and plateaus.unit == "epoch":
        return []
    source = (
        "the run's own"
        if plateaus.rule == analysis.defaults.rule and analysis.defaults.provenance == "run"
        else ""
    )
    lines = [f"{paint('title', 'Plateaus')}  {rule_words(plateaus.rule)}{f' ({source})' if source else ''}"]
    if plateaus.problem is not None:
        return [*lines, *wrapped([plateaus.problem], width, "  ")]
    if not plateaus.reductions:
        longest = int(plateaus.wait.max(initial=0))
        wait = quantity(longest, plateaus.unit)
        lines += wrapped(
            [f"This rule would not have reduced the learning rate; the longest wait was {wait}."],
            width,
            "  ",
        )
    for reduction in plateaus.reductions[: HEAD + TAIL]:
        lines += wrapped([_reduction(analysis, plateaus, reduction)], width, "  ")
    if len(plateaus.reductions) > HEAD + TAIL:
        lines.append(f"  … and {len(plateaus.reductions) - HEAD - TAIL:,} more")
    if plateaus.diverges is not None and len(plateaus.reductions) > 1:
        sentence = (
            f"From step {plateaus.diverges.step + 1:,} on, the rule would have changed the training, so "
            "later reductions are only indicative."
        )
        lines += wrapped([sentence], width, "  ")
    if plateaus.sensitivity is not None:
        lines += _sensitivity(analysis, plateaus, paint)
    return lines


def _reduction(analysis: RunAnalysis, plateaus: Plateaus, reduction: LRReduction) -> str:
    columns = [reduction.lr_from, reduction.lr_to, reduction.did_from, reduction.did_to]
    before, after, did_from, did_to = map(_number, shortest(np.array(columns, dtype=np.float32)))
    position = f"step {reduction.step:,}"
    best = ""
    if plateaus.unit == "epoch":
        position = f"epoch {int(analysis.run.epoch_positions[reduction.index])} ({position})"
    if reduction.best >= 0:
        where = (
            f"epoch {int(analysis.run.epoch_positions[reduction.best])}"
            if plateaus.unit == "epoch"
            else f"step {int(plateaus.step[reduction.best]):,}"
        )
        best = f"; best {_metric(float(plateaus.value[reduction.best]))} in {where}"
    if reduction.kind == "would":
        return f"This rule would have reduced the LR after {position}, from {before} to {after}{best}."
    own = f"The run's own ReduceLROnPlateau reduced the LR after {position}, from {did_from} to {did_to}"
    if reduction.kind == "did":
        return f"{own}; this rule would not have{best}."
    is_alike = (before, after) == (did_from, did_to)
    return f"{own}{'' if is_alike else f'; this rule from {before} to {after}'}{best}."


def _sensitivity(analysis: RunAnalysis, plateaus: Plateaus, paint: Paint) -> list[str]:
    matrix = plateaus.sensitivity
    if matrix is None or all(first is None for row in matrix.first for first in row):
        return []
    rows = [["patience", *(f"{delta:g}" for delta in matrix.min_delta)]]
    for patience, firsts in zip(matrix.patience, matrix.first, strict=True):
        positions = [
            "never"
            if first is None
            else f"{int(analysis.run.epoch_positions[first])}"
            if plateaus.unit == "epoch"
            else f"{int(plateaus.step[first]):,}"
            for first in firsts
        ]
        rows.append([f"{patience:,}", *positions])
    return [
        f"  First reduction after {plateaus.unit}, by patience (rows) and min_delta (columns):",
        *table(rows, 0, paint),
    ]


def _number(lr: Any) -> str:
    return "" if np.isnan(lr) else figure(float(lr))


def _metric(value: float | None) -> str:
    return "" if value is None else figure(value, 5)
