"""All findings of a run, the most important first, and one finding for each cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.batches import batch_findings
from lrmon.review.report.findings.boundaries import boundary_findings
from lrmon.review.report.findings.extremes import extreme_findings
from lrmon.review.report.findings.finding import SEVERITIES, Finding
from lrmon.review.report.findings.keras_log import keras_log_findings
from lrmon.review.report.findings.learning import learning_findings
from lrmon.review.report.findings.notes import recorded_warnings, repeated_warning_texts
from lrmon.review.report.findings.plateau import plateau_findings
from lrmon.review.report.findings.response import response_findings
from lrmon.review.report.findings.setbacks import setback_findings
from lrmon.review.report.findings.sources import exactness_findings
from lrmon.review.report.findings.staircase import staircase_findings
from lrmon.review.report.findings.stall import stall_findings
from lrmon.review.report.findings.trouble import trouble_findings
from lrmon.review.report.findings.validation import validation_findings

_THEMES: Final[tuple[Callable[[RunAnalysis], Iterator[Finding]], ...]] = (
    trouble_findings,
    learning_findings,
    setback_findings,
    batch_findings,
    validation_findings,
    stall_findings,
    recorded_warnings,
    exactness_findings,
    staircase_findings,
    boundary_findings,
    keras_log_findings,
    plateau_findings,
    extreme_findings,
    response_findings,
)
"""In the order of the findings of one severity."""

_RECORDED: Final[tuple[Callable[[RunAnalysis], Iterator[Finding]], ...]] = (
    recorded_warnings,
    exactness_findings,
)
"""Those that do not judge the curves; a range test has no others."""

_LEARNED_NOTHING: Final = {
    "validation-never-improved": "validation never improved",
    "overfitting": "validation got worse",
    "stalled": "no improvement for a long time",
    "corrupted-batch": "some batches differ in every epoch",
    "loss-spike": "the loss has a spike",
    "plateau-answered-late": "a long plateau",
    "warm-up": "the warm-up did not help",
    "rate-at-floor": "the learning rate is at its floor",
    "loss-answered": "the loss responded to an LR drop",
}

_LOST: Final = {
    "loss-spike": "the loss has a spike",
    "metric-not-finite": "metrics are not finite",
    "stalled": "no improvement since",
    "overfitting": "validation got worse",
    "validation-never-improved": "validation never improved",
    "never-learned": "the loss is no better than at the start",
    "corrupted-batch": "some batches differ in every epoch",
    "drop-would-help": "the loss is constant",
    "decayed-too-early": "the decay of the learning rate did not help",
    "loss-answered": "the loss responded to an LR drop",
}

EXPLAINS: Final[Mapping[str, Mapping[str, str | None]]] = {
    "sorted-data": {
        "never-learned": None,
        "progress-lost": "the loss lost its progress",
        "corrupted-batch": "some batches stand out",
        "loss-spike": "the loss has spikes where the data changes",
        "stalled": "no improvement for a long time",
        "validation-never-improved": "validation never improved",
        "overfitting": "validation got worse",
    },
    "learning-rate-not-finite": {
        "loss-not-finite": None,
        "progress-lost": "the loss lost its progress",
        **_LOST,
    },
    "learning-rate-zero": {
        "never-learned": "the loss did not drop",
        "learning-rate-too-low": "the loss did not drop",
        "decayed-too-early": None,
        **_LEARNED_NOTHING,
    },
    "increase-not-recovered": {
        "loss-not-finite": None,
        "progress-lost": "the loss lost its progress",
        **_LOST,
    },
    "loss-not-finite": {"progress-lost": "the loss rose before", **_LOST},
    "never-learned": {
        "learning-rate-too-low": "the loss did not drop",
        "drop-would-help": "",
        **_LEARNED_NOTHING,
    },
    "learning-rate-too-low": _LEARNED_NOTHING,
    "progress-lost": _LOST,
    "corrupted-batch": {"loss-spike": "the loss has spikes there"},
    "decayed-too-early": {
        "learning-rate-zero": None,
        "stalled": "no improvement since",
        "rate-at-floor": "the learning rate is at its floor",
        "never-learned": "the loss hardly dropped",
        "drop-would-help": "the loss is constant",
        "plateau-answered-late": "a long plateau",
        "loss-answered": "the loss responded to an LR drop",
    },
    "validation-never-improved": {"stalled": "no improvement for a long time", "plateau-answered-late": ""},
    "drop-would-help": {"stalled": "no improvement for a long time", "loss-answered": ""},
    "stalled": {"loss-spike": "the loss has spikes", "overfitting": "validation got worse"},
    "overfitting": {"stalled": "val_loss did not improve for a long time", "plateau-answered-late": ""},
    "staircase-off-epoch": {"keras-log-repeats": None, "epoch-without-step": None},
    "keras-log-repeats": {"epoch-without-step": None},
}
"""By cause, the findings that are its consequences, and what the text of the cause says about them.

None: the sentences of the consequence itself. Empty: nothing. A finding that is the consequence of another
one has no consequences itself. Causes are applied in this order.
"""


_ANYWHERE: Final = ("never-learned", "learning-rate-too-low", "validation-never-improved", "loss-answered")
"""Consequences wherever they start: they concern the whole run, or are the evidence for the cause."""


def ranked_findings(analysis: RunAnalysis) -> tuple[Finding, ...]:
    """Returns the findings of a run: errors, then warnings, then info.

    A range test has only the findings of the recording itself, because it raises the learning rate until the
    loss diverges on purpose.
    """
    findings = theme_findings(analysis)
    repeated = repeated_warning_texts(analysis, {finding.code for finding in findings})
    findings = by_cause([finding for finding in findings if finding.text not in repeated], _slack(analysis))
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def theme_findings(analysis: RunAnalysis) -> list[Finding]:
    """Returns the findings of each theme, including those that are consequences of others."""
    themes = _RECORDED if analysis.run.kind == "range_test" else _THEMES
    return [finding for theme in themes for finding in theme(analysis)]


def by_cause(findings: list[Finding], slack: int) -> list[Finding]:
    """Returns the findings without those that are consequences of others; their causes contain them.

    Args:
      findings: all of them.
      slack: a consequence may start at most this many steps before its cause.
    """
    for code, effects in EXPLAINS.items():
        cause = next((finding for finding in findings if finding.code == code), None)
        if cause is None:
            continue
        consequences = [
            finding for finding in findings if finding.code in effects and _is_after(cause, finding, slack)
        ]
        if not consequences:
            continue
        # An info finding explains only info findings, so that no warning is hidden in it.
        if cause.severity == "info" and any(finding.severity != "info" for finding in consequences):
            consequences = [finding for finding in consequences if finding.severity == "info"]
        words = dict.fromkeys(words for finding in consequences if (words := effects[finding.code]))
        texts = [finding.text for finding in consequences if effects[finding.code] is None]
        sentences = [cause.text, *texts, *([f"Consequences: {', '.join(words)}."] if words else [])]
        worst = min((cause.severity, *(finding.severity for finding in consequences)), key=SEVERITIES.index)
        numbers: dict[str, Any] = {}
        for finding in consequences:
            numbers |= finding.numbers if effects[finding.code] is None else {}
        numbers |= cause.numbers
        whole = replace(
            cause, text=" ".join(sentences), severity=worst, numbers=numbers, consequences=tuple(consequences)
        )
        findings = [
            whole if finding is cause else finding for finding in findings if finding not in consequences
        ]
    return findings


def _is_after(cause: Finding, effect: Finding, slack: int) -> bool:
    if cause.step is None or effect.step is None or effect.code in _ANYWHERE:
        return True
    return effect.step >= cause.step - slack


def _slack(analysis: RunAnalysis) -> int:
    """Returns two epochs or a twentieth of the run, because a metric is best before its cause appears."""
    length = analysis.positions.steps_per_epoch or 0
    return max(2 * length, analysis.run.step.size // 20, 20)
