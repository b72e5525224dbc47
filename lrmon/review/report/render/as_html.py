"""The report in a notebook: the run, its learning rate and its findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, figure
from lrmon.review.report.lr_shape import shape_words
from lrmon.review.report.range_test import RangeTestReport
from lrmon.review.run.run import Run
from lrmon.text.html import text_html

SEVERITY_COLORS: Final = {"error": "#d64541", "warning": "#b7791f", "info": "#4a7fc1"}
"""The color of the bar beside a finding; its severity is also a word. Each color has a contrast of 3:1 with
white and with dark pages."""


def report_html(
    run: Run, analysis: RunAnalysis, findings: Sequence[Finding], test: RangeTestReport | None
) -> str:
    """Returns a report as HTML.

    Args:
      run: the run.
      analysis: of the run.
      findings: of the run.
      test: the report of a range test, None for a training.
    """
    about = run.describe(analysis.positions.steps_per_epoch)
    lines = [f"<div><div><b>{text_html(run.name)}</b> {text_html(about)}</div>"]
    if test is None:
        lines.append(f"<div>Learning rate: {text_html(shape_words(analysis))}</div>")
    else:
        lr = test.recommended.median
        shown = "none" if lr is None else figure(lr, 3)
        lines.append(f"<div>Recommended: <b>{shown}</b>. {text_html(test.recommended.reason)}</div>")
        lines += [f"<div>{text_html(caution.text)}</div>" for caution in test.cautions]
    if not findings:
        lines.append("<div>Findings: none</div>")
    for finding in findings:
        where = "" if finding.step is None else f" {analysis.positions.describe(finding.step)}"
        lines.append(
            f"<div style='border-left:4px solid {SEVERITY_COLORS[finding.severity]};"
            "padding-left:8px;margin:8px 0'>"
            f"<b>{finding.severity}</b> {text_html(finding.code)}{text_html(where)}<br>"
            f"{text_html(finding.text)}<br>→ {text_html(finding.advice)}</div>"
        )
    return f"{''.join(lines)}</div>"
