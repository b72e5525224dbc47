"""The report of one run: one object behind the route, the command and the page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lrmon.analysis.plateau.rule import PlateauRule
from lrmon.review.report.analysis import RunAnalysis, analysis
from lrmon.review.report.findings.checks import Check, checks
from lrmon.review.report.findings.finding import SEVERITIES, Finding
from lrmon.review.report.findings.ranking import find_all
from lrmon.review.report.plateaus import Plateaus, plateaus
from lrmon.review.report.range_test import RangeTestReport, range_test
from lrmon.review.report.render.as_json import plateaus_json, run_analysis_json
from lrmon.review.report.render.as_text import report_text
from lrmon.review.run.run import Run
from lrmon.text.widths import shortened
from lrmon.text.wording import quantity

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, slots=True)
class AnalyzedRun:
    """What a report says whatever the rule, to be worked out once a run.

    Attributes:
      analysis: epochs, edges, plan.
      findings: the most important first.
      checks: what was looked for.
      range_test: what it says as a range test, None for a training.
      text: all of it as members of a JSON object, without the braces.
    """

    analysis: RunAnalysis
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]
    range_test: RangeTestReport | None
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """Where a run's learning rate stepped, where ReduceLROnPlateau would have reduced it, and what is wrong.

    Attributes:
      run: the run.
      analysis: its epochs, the edges of its learning rate, what its schedule has in store.
      plateaus: what the rule does.
      findings: the most important first.
      checks: what was looked for and is in order, or could not be looked for.
      range_test: what the run says, if it is a range test, else None.
    """

    run: Run
    analysis: RunAnalysis
    plateaus: Plateaus
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]
    range_test: RangeTestReport | None
    _text: str

    def to_json(self) -> str:
        """Returns the report as JSON, as http_api.md describes it."""
        return f"{{{self._text},{plateaus_json(self.plateaus, self.analysis)}}}"

    def to_dict(self) -> dict[str, Any]:
        """Returns the report as `to_json` has it, in Python's types."""
        report: dict[str, Any] = json.loads(self.to_json())
        return report

    def to_text(
        self, *, color: bool = False, width: int = 80, verbose: bool = False, brief: bool = False
    ) -> str:
        """Returns the report for reading in a terminal.

        Args:
          color: whether to use the terminal's colours.
          width: of the terminal, in characters; less than 40 counts as 40.
          verbose: whether to list what was looked for and is in order, and what could not be looked for.
          brief: whether to give the run and its findings alone, a line for each.
        """
        return report_text(
            self.run,
            self.analysis,
            self.plateaus,
            self.findings,
            self.range_test,
            self.checks if verbose else (),
            color=color,
            width=width,
            brief=brief,
        )

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Returns a matplotlib figure of learning rate, loss and plateaus; saves it, where a path is given.

        Raises:
          ImportError: if matplotlib is not installed.
        """
        from lrmon.review.report.render.as_plot import report_plot

        figure = report_plot(self.run, self.analysis, self.plateaus)
        if path is not None:
            figure.savefig(path)
        return figure

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        counts = {name: sum(each.severity == name for each in self.findings) for name in SEVERITIES}
        found = ", ".join(
            f"{count} info" if name == "info" else quantity(count, name)
            for name, count in counts.items()
            if count
        )
        return (
            f"<Report on {shortened(self.run.name, 50)!r}: {self.run.describe()} · {found or 'no findings'}>"
        )

    def _repr_html_(self) -> str:
        from lrmon.review.report.render.as_html import report_html

        return report_html(self.run, self.analysis, self.findings, self.range_test)


def findings_of(run: Run) -> tuple[Finding, ...]:
    """Returns the findings that the report of a run has, the most important first."""
    with np.errstate(all="ignore"):
        return find_all(analysis(run))


def analyze_run(run: Run) -> AnalyzedRun:
    """Returns what the report of a run says whatever the rule."""
    # A run may hold infinities and NaN anywhere: what is computed of them is NaN, and compares as False.
    with np.errstate(all="ignore"):
        of = analysis(run)
        findings = find_all(of)
        looked_for = checks(of, findings)
        test = range_test(run) if run.kind == "range_test" else None
    return AnalyzedRun(of, findings, looked_for, test, run_analysis_json(of, findings, looked_for, test))


def analyzed_run(run: Run) -> AnalyzedRun:
    """Returns what `analyze_run` does, and keeps it with the run."""
    return run.memo.get("run analysis", lambda: analyze_run(run))


def report(run: Run, rule: PlateauRule | None = None) -> Report:
    """Returns the report of a run.

    Args:
      run: the run.
      rule: of ReduceLROnPlateau; the run's own where left out. A rule that cannot be judged on this run (its
        metric is not recorded, or has no direction) is no error: ``plateaus.problem`` says so.
    """
    found = analyzed_run(run)
    with np.errstate(all="ignore"):
        judged = plateaus(found.analysis, rule or found.analysis.defaults.rule)
    return Report(run, found.analysis, judged, found.findings, found.checks, found.range_test, found.text)
