"""All findings of a run, the most important first, each cause once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings import (
    batches,
    boundaries,
    extremes,
    keras_log,
    learning,
    notes,
    plateau,
    response,
    setbacks,
    sources,
    staircase,
    stall,
    trouble,
    validation,
)
from lrmon.review.report.findings.finding import SEVERITIES, Finding

_THEMES: Final[tuple[Callable[[RunAnalysis], Iterator[Finding]], ...]] = (
    trouble.find,
    learning.find,
    setbacks.find,
    batches.find,
    validation.find,
    stall.find,
    notes.find,
    sources.find,
    staircase.find,
    boundaries.find,
    keras_log.find,
    plateau.find,
    extremes.find,
    response.find,
)
"""In the order in which findings of one severity stand."""

_RECORDED: Final[tuple[Callable[[RunAnalysis], Iterator[Finding]], ...]] = (notes.find, sources.find)
"""Those that do not judge the curves."""

_LEARNED_NOTHING: Final = {
    "validation-never-improved": "validation never improved",
    "overfitting": "validation got worse",
    "stalled": "nothing improved for long",
    "corrupted-batch": "some batches differ in every epoch",
    "loss-spike": "the loss leapt",
    "plateau-answered-late": "a plateau lasted for long",
    "warm-up": "the warm-up did not help",
    "rate-at-floor": "the learning rate came to rest",
    "loss-answered": "the loss answered an LR drop",
}

_LOST: Final = {
    "loss-spike": "the loss leapt",
    "metric-not-finite": "metrics are no numbers",
    "stalled": "nothing improved since",
    "overfitting": "validation got worse",
    "validation-never-improved": "validation never improved",
    "never-learned": "the loss is no better than at the start",
    "corrupted-batch": "some batches differ in every epoch",
    "drop-would-help": "the loss lies at a level",
    "decayed-too-early": "the learning rate decayed in vain",
    "loss-answered": "the loss answered an LR drop",
}

EXPLAINS: Final[Mapping[str, Mapping[str, str | None]]] = {
    "sorted-data": {
        "never-learned": None,
        "progress-lost": "the loss lost its progress",
        "corrupted-batch": "some batches stand out",
        "loss-spike": "the loss leaps where the data changes",
        "stalled": "nothing improved for long",
        "validation-never-improved": "validation never improved",
        "overfitting": "validation got worse",
    },
    "learning-rate-not-finite": {
        "loss-not-finite": None,
        "progress-lost": "the loss lost its progress",
        **_LOST,
    },
    "learning-rate-zero": {
        "never-learned": "the loss did not fall",
        "learning-rate-too-low": "the loss did not fall",
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
        "learning-rate-too-low": "the loss did not fall",
        "drop-would-help": "",
        **_LEARNED_NOTHING,
    },
    "learning-rate-too-low": _LEARNED_NOTHING,
    "progress-lost": _LOST,
    "corrupted-batch": {"loss-spike": "the loss leaps there"},
    "decayed-too-early": {
        "learning-rate-zero": None,
        "stalled": "nothing improved since",
        "rate-at-floor": "the learning rate came to rest",
        "never-learned": "the loss hardly fell",
        "drop-would-help": "the loss lies at a level",
        "plateau-answered-late": "a plateau lasted for long",
        "loss-answered": "the loss answered an LR drop",
    },
    "validation-never-improved": {"stalled": "it brought no gain for long", "plateau-answered-late": ""},
    "drop-would-help": {"stalled": "nothing improved for long", "loss-answered": ""},
    "stalled": {"loss-spike": "the loss leaps now and then", "overfitting": "validation got worse"},
    "overfitting": {"stalled": "val_loss brought no gain for long", "plateau-answered-late": ""},
    "staircase-off-epoch": {"keras-log-repeats": None, "epoch-without-step": None},
    "keras-log-repeats": {"epoch-without-step": None},
}
"""By cause, which findings are its consequences and what the cause's text then says of them.

None: the consequence's own sentences, which hold more than a word. Empty: nothing. A finding that is the
consequence of another one explains nothing itself. Causes stand in the order in which they are asked.
"""


_ANYWHERE: Final = ("never-learned", "learning-rate-too-low", "validation-never-improved", "loss-answered")
"""Consequences wherever they begin: they are told of the whole run, or are the evidence for the cause."""


def find_all(analysis: RunAnalysis) -> tuple[Finding, ...]:
    """Returns the findings of a run: errors, then warnings, then what is good to know.

    Of a range test only what the recording itself says: to raise the learning rate until the loss diverges is
    its purpose.
    """
    found = find_each(analysis)
    repeated = notes.came_true(analysis, {finding.code for finding in found})
    found = by_cause([finding for finding in found if finding.text not in repeated], _slack(analysis))
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))


def find_each(analysis: RunAnalysis) -> list[Finding]:
    """Returns what each theme finds, consequences of others included."""
    themes = _RECORDED if analysis.run.kind == "range_test" else _THEMES
    return [finding for find in themes for finding in find(analysis)]


def by_cause(found: list[Finding], slack: int) -> list[Finding]:
    """Returns the findings without those that are consequences of others, which say so.

    Args:
      found: all of them.
      slack: so many steps before its cause a consequence may seem to begin.
    """
    for code, effects in EXPLAINS.items():
        cause = next((finding for finding in found if finding.code == code), None)
        if cause is None:
            continue
        of_it = [each for each in found if each.code in effects and _is_after(cause, each, slack)]
        if not of_it:
            continue
        # An explanation that is good to know is told by none that is worse, and never makes one.
        if cause.severity == "info" and any(each.severity != "info" for each in of_it):
            of_it = [each for each in of_it if each.severity == "info"]
        words = dict.fromkeys(words for each in of_it if (words := effects[each.code]))
        texts = [each.text for each in of_it if effects[each.code] is None]
        told = [cause.text, *texts, *([f"Its consequences: {', '.join(words)}."] if words else [])]
        worst = min((cause.severity, *(each.severity for each in of_it)), key=SEVERITIES.index)
        numbers: dict[str, Any] = {}
        for each in of_it:
            numbers |= each.numbers if effects[each.code] is None else {}
        numbers |= cause.numbers
        whole = replace(
            cause, text=" ".join(told), severity=worst, numbers=numbers, consequences=tuple(of_it)
        )
        found = [whole if each is cause else each for each in found if each not in of_it]
    return found


def _is_after(cause: Finding, effect: Finding, slack: int) -> bool:
    if cause.step is None or effect.step is None or effect.code in _ANYWHERE:
        return True
    return effect.step >= cause.step - slack


def _slack(analysis: RunAnalysis) -> int:
    """Two epochs, or a twentieth of the run: where a metric was best lies before what ended it."""
    length = analysis.positions.steps_per_epoch or 0
    return max(2 * length, analysis.run.step.size // 20, 20)
