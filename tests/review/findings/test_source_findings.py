"""Findings on columns that are not exact, and on updates that were not made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lrmon.review.report.findings.finding import Finding
from lrmon.review.run.run import Run
from tests.review.trained import findings, trained


def skipping(steps: list[int], **fit: Any) -> Run:
    return replace(trained([0.1] * 200, 50, **fit), skipped=np.array(steps, dtype=np.int64))


def only(run: Run) -> Finding:
    found = findings(run)
    assert 1 == len(found), list(found)
    return next(iter(found.values()))


@pytest.mark.parametrize(("exactness", "severity"), [("bounded", "info"), ("unavailable", "warning")])
@pytest.mark.parametrize("column", ["loss", "learning_rate"])
def test_a_column_that_is_not_exact_is_reported_with_its_provenance(
    column: str, exactness: str, severity: str
) -> None:
    fields: dict[str, Any] = {f"{column}_provenance": "difference of the tracker, |err| ≤ 1e-3"}
    finding = only(trained([0.1] * 20, 10, exactness={column: exactness}, **fields))

    assert (f"{column.replace('_', '-')}-not-exact", severity) == (finding.code, severity)
    assert fields[f"{column}_provenance"] in finding.text
    assert exactness == finding.numbers["exactness"]


def test_a_column_that_is_exact_or_not_named_is_no_finding() -> None:
    others: list[Any] = [{}, {"loss": "exact"}, None, [], {"loss": 5}, {"effective_learning_rate": "bounded"}]
    for exactness in others:
        assert {} == findings(trained([0.1] * 20, 10, exactness=exactness))


def test_a_few_skipped_updates_are_explained() -> None:
    finding = only(skipping([3, 120]))

    assert ("updates-skipped", "info", 3, 120) == (
        finding.code,
        finding.severity,
        finding.step,
        finding.last_step,
    )
    assert {"skipped": 2, "share": 0.01} == finding.numbers


def test_more_than_five_percent_of_skipped_updates_are_a_warning() -> None:
    assert "info" == only(skipping(list(range(10)))).severity
    assert "warning" == only(skipping(list(range(11)))).severity


def test_a_range_test_has_these_findings_too() -> None:
    run = skipping([3], kind="range_test", exactness={"loss": "bounded"})

    assert {"loss-not-exact", "updates-skipped"} == set(findings(run))
