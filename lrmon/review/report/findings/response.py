"""The finding that the loss responded to an LR drop."""

from __future__ import annotations

from collections.abc import Iterator

from lrmon.analysis.loss.response import Response
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, figure
from lrmon.text.wording import quantity

_SURE = 4.0
"""A change of at least this many standard errors is significant."""
_MATTERS = 0.05
"""A change of at least this share of the loss is relevant."""
_DROP = 0.9


def response_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``loss-answered``.

    The learning rate dropped by a tenth or more, and in the next epoch the loss was below the line of the
    losses before, by more than four standard errors and a twentieth of its level. A loss that drops more and
    more slowly is above this line, so this does not happen by itself.
    """
    lr_changes = analysis.lr_changes
    falls: list[tuple[int, Response]] = [
        (index, response)
        for index, response in enumerate(analysis.responses)
        if response is not None and float(lr_changes.lr_to[index]) <= _DROP * float(lr_changes.lr_from[index])
    ]
    responded = [(index, response) for index, response in falls if _is_significant(response)]
    if not responded:
        return
    index, most = max(
        responded, key=lambda pair: -pair[1].level / pair[1].level_error if pair[1].level_error else 0
    )
    more = "" if len(falls) == 1 else f" It responded to {len(responded)} of {len(falls)} such LR drops."
    yield Finding(
        code="loss-answered",
        severity="info",
        text=(
            "The loss dropped at the LR drop at "
            f"{analysis.positions.describe(int(lr_changes.step[index]))}: from {figure(most.before, 3)} to "
            f"{figure(most.after, 3)} over {quantity(most.steps, 'step')}, {figure(-most.level, 2)} ± "
            f"{figure(most.level_error, 1)} below the line of the losses before.{more}"
        ),
        advice="If an LR drop helps that much, try an earlier LR drop or a lower learning rate.",
        step=int(lr_changes.step[index]),
        last_step=int(lr_changes.step[index]) + most.steps - 1,
        numbers={
            "before": most.before,
            "after": most.after,
            "level": most.level,
            "level_error": most.level_error,
            "answered": len(responded),
            "steps_down": len(falls),
        },
    )


def _is_significant(response: Response) -> bool:
    return response.before > 0 and response.level < -max(
        _SURE * response.level_error, _MATTERS * response.before
    )
