"""The report of one run: one object for the route, the command and the page."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lrmon.analysis.plateau.rule import PlateauRule
from lrmon.review.report.analysis import RunAnalysis, analysis
from lrmon.review.report.findings.checks import Check, checks
from lrmon.review.report.findings.finding import SEVERITIES, Finding
from lrmon.review.report.findings.ranking import ranked_findings
from lrmon.review.report.plateau.plateaus import Plateaus, default_plateaus, plateaus
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
    """What reports on a run say under every rule.

    Attributes:
      analysis: epochs, LR changes, schedule; without `levels`.
      findings: the most important first.
      checks: what was checked.
      range_test: the report of a range test, None for a training.
    """

    analysis: RunAnalysis
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]
    range_test: RangeTestReport | None


@dataclass(frozen=True, slots=True)
class Report:
    """Where the learning rate changed, where ReduceLROnPlateau would have reduced it, and what is wrong.

    Attributes:
      run: the run.
      analysis: its epochs, its LR changes, the rest of its schedule.
      plateaus: what the rule does.
      findings: the most important first.
      checks: what was checked, and what could not be checked.
      range_test: the report of a range test, None for a training.
    """

    run: Run
    analysis: RunAnalysis
    plateaus: Plateaus
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]
    range_test: RangeTestReport | None

    def to_json(self) -> str:
        """Returns the report as JSON, as http_api.md describes it."""
        members = self.run.memo.get(
            "run analysis as JSON",
            lambda: run_analysis_json(self.analysis, self.findings, self.checks, self.range_test),
        )
        return f"{{{members},{plateaus_json(self.plateaus, self.analysis)}}}"

    def to_dict(self) -> dict[str, Any]:
        """Returns what `to_json` does, as Python objects."""
        report: dict[str, Any] = json.loads(self.to_json())
        return report

    def to_text(
        self, *, color: bool = False, width: int = 80, verbose: bool = False, brief: bool = False
    ) -> str:
        """Returns the report as text for a terminal.

        Args:
          color: whether to use the terminal's colors.
          width: of the terminal, in characters; less than 40 counts as 40.
          verbose: whether to list what was checked and what could not be checked.
          brief: whether to list only the run and its findings, one line for each.
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
        """Returns a matplotlib figure of learning rate, loss and plateaus, and saves it if a path is given.

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
        counts = {name: sum(finding.severity == name for finding in self.findings) for name in SEVERITIES}
        words = ", ".join(
            f"{count} info" if name == "info" else quantity(count, name)
            for name, count in counts.items()
            if count
        )
        return (
            f"<Report on {shortened(self.run.name, 50)!r}: {self.run.describe()} · {words or 'no findings'}>"
        )

    def _repr_html_(self) -> str:
        from lrmon.review.report.render.as_html import report_html

        return report_html(self.run, self.analysis, self.findings, self.range_test)


def analyzed_run(run: Run) -> AnalyzedRun:
    """Returns what reports on a run say under every rule, computed once for each version of the run."""
    return run.memo.get("analyzed run", lambda: _analyze(run))


def report(run: Run, rule: PlateauRule | None = None) -> Report:
    """Returns the report of a run.

    Args:
      run: the run.
      rule: of ReduceLROnPlateau; that of the run if not given. A rule that cannot be judged on this run (its
        metric is not recorded, or has no direction) raises no error: ``plateaus.problem`` says why.
    """
    analyzed = analyzed_run(run)
    with np.errstate(all="ignore"):
        if rule is None or rule == analyzed.analysis.defaults.rule:
            judged = default_plateaus(analyzed.analysis)
        else:
            judged = plateaus(analyzed.analysis, rule)
    return Report(run, analyzed.analysis, judged, analyzed.findings, analyzed.checks, analyzed.range_test)


def _analyze(run: Run) -> AnalyzedRun:
    # A run may have infinities and NaN anywhere. What is computed of them is NaN and compares as False.
    with np.errstate(all="ignore"):
        whole = analysis(run)
        findings = ranked_findings(whole)
        looked_for = checks(whole, findings)
        test = range_test(run) if run.kind == "range_test" else None
    # The levels take half as much memory as the run, and are not needed any more.
    return AnalyzedRun(replace(whole, levels=None), findings, looked_for, test)
