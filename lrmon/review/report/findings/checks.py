"""The checks of a training: what is in order, and what could not be checked, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from lrmon.analysis.loss.levels import FEWEST
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings import batches, stall, validation
from lrmon.review.report.findings.finding import Finding
from lrmon.text.wording import quantity

State = Literal["found", "in order", "not checked"]

_Reason = Callable[[RunAnalysis], str | None]


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a training.

    Attributes:
      name: what is in order, in a few words.
      state: ``found`` if findings report what is not in order.
      reason: why it could not be checked; None if it was checked.
      codes: of the findings.
    """

    name: str
    state: State
    reason: str | None
    codes: tuple[str, ...]


def _no_learning_rate(analysis: RunAnalysis) -> str | None:
    return None if bool(analysis.run.recorded("learning_rate").any()) else "no learning rate is recorded"


def _no_loss(analysis: RunAnalysis) -> str | None:
    return None if analysis.loss_is_known else "no losses of single batches are recorded"


def _no_course(analysis: RunAnalysis) -> str | None:
    if analysis.levels is not None or not analysis.loss_is_known:
        return _no_loss(analysis)
    finite = int(np.count_nonzero(np.isfinite(analysis.run.loss)))
    return f"only {quantity(finite, 'finite loss')}; {FEWEST} are needed"


def _no_zero(analysis: RunAnalysis) -> str | None:
    reason = _no_course(analysis)
    if reason is None and analysis.levels is not None and float(analysis.levels.level.min()) <= 0:
        return "the loss can be negative, so its level has no meaning"
    return reason


def _no_validation(analysis: RunAnalysis) -> str | None:
    epochs = sum(bool(np.isfinite(epoch.metrics.get("val_loss", np.nan))) for epoch in analysis.run.epochs)
    if not epochs:
        return "no val_loss is recorded"
    return _no_course(analysis) or (
        f"only {quantity(epochs, 'epoch')} with a val_loss; {validation.FEWEST} are needed"
        if epochs < validation.FEWEST
        else None
    )


def _no_positions(analysis: RunAnalysis) -> str | None:
    if _no_loss(analysis) is not None:
        return _no_loss(analysis)
    if not analysis.loss_is_exact:
        return "the losses of single batches are not exact"
    if batches.folded(analysis) is None:
        return (
            f"fewer than {batches.FEWEST} complete epochs of one length and {batches.SHORTEST} steps or more"
        )
    return None


def _no_epochs(analysis: RunAnalysis) -> str | None:
    value = stall.watched(analysis)[1]
    return (
        None
        if value.size >= 2 * stall.FEWEST
        else f"fewer than {2 * stall.FEWEST} epochs with the watched metric"
    )


def _no_staircase(analysis: RunAnalysis) -> str | None:
    if analysis.lr_changes.cadence is None:
        return "the learning rate has no evenly spaced LR changes"
    return None if analysis.positions.steps_per_epoch is not None else "epochs of one length are not recorded"


def _no_drop(analysis: RunAnalysis) -> str | None:
    has_drop = bool((analysis.lr_changes.lr_to < analysis.lr_changes.lr_from).any())
    return _no_course(analysis) if has_drop else "the learning rate has no LR drop"


_CHECKS: Final[tuple[tuple[str, _Reason, tuple[str, ...]], ...]] = (
    ("every learning rate is a number", _no_learning_rate, ("learning-rate-not-finite",)),
    ("the learning rate is not 0", _no_learning_rate, ("learning-rate-zero",)),
    ("every loss is a number", _no_loss, ("loss-not-finite", "metric-not-finite")),
    ("the training learned something", _no_zero, ("never-learned", "learning-rate-too-low")),
    ("the learning rate did not decay too early", _no_zero, ("decayed-too-early", "rate-at-floor")),
    ("the loss kept its progress", _no_course, ("increase-not-recovered", "progress-lost")),
    ("the loss has no spikes", _no_course, ("loss-spike",)),
    ("no batch stands out in every epoch", _no_positions, ("corrupted-batch", "sorted-data")),
    (
        "the validation loss improved with training",
        _no_validation,
        ("validation-never-improved", "overfitting"),
    ),
    (
        "the training did not stall",
        _no_epochs,
        ("stalled", "plateau-answered-late", "reduced-while-improving"),
    ),
    ("no further LR drop would help", _no_drop, ("drop-would-help",)),
    (
        "LR changes are at the start of epochs",
        _no_staircase,
        ("staircase-off-epoch", "epoch-without-step", "keras-log-repeats", "step-one-late"),
    ),
    ("no step was skipped", lambda analysis: None, ("updates-skipped",)),
    (
        "learning rates and losses are exact",
        lambda analysis: None,
        ("learning-rate-not-exact", "loss-not-exact"),
    ),
)
"""The name of each check, the reason why it cannot be made, and its findings."""


def checks(analysis: RunAnalysis, findings: Sequence[Finding]) -> tuple[Check, ...]:
    """Returns the checks of a training; none for a range test."""
    if analysis.run.kind == "range_test":
        return ()
    reported = {finding.code for finding in findings}
    reported |= {consequence.code for finding in findings for consequence in finding.consequences}
    listed: list[Check] = []
    for name, why, codes in _CHECKS:
        here = tuple(code for code in codes if code in reported)
        reason = None if here else why(analysis)
        state: State = "found" if here else "not checked" if reason else "in order"
        listed.append(Check(name, state, reason, here))
    return tuple(listed)
