"""What the loss did after the learning rate stepped down."""

from __future__ import annotations

from collections.abc import Iterator

from lrmon.analysis.loss.response import Response
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.findings.finding import Finding, figure

_SURE = 4.0
"""Standard errors from which on a change is one."""
_MATTERS = 0.05
"""Share of the loss from which on a change matters."""
_STEP = 0.9


def response_findings(analysis: RunAnalysis) -> Iterator[Finding]:
    """Yields ``loss-answered``.

    The learning rate fell by a tenth or more, and in the epoch after it the loss lay below the line on which
    it had been going, by more than four standard errors and a twentieth of its level. A loss that falls ever
    more slowly lies above that line, so this does not come about by itself.
    """
    steps = analysis.lr_changes
    falls: list[tuple[int, Response]] = [
        (index, answer)
        for index, answer in enumerate(analysis.responses)
        if answer is not None and float(steps.lr_to[index]) <= _STEP * float(steps.lr_from[index])
    ]
    answered = [(index, answer) for index, answer in falls if _is_sure(answer)]
    if not answered:
        return
    index, most = max(
        answered, key=lambda pair: -pair[1].level / pair[1].level_error if pair[1].level_error else 0
    )
    more = "" if len(falls) == 1 else f" It answered {len(answered)} of {len(falls)} such steps."
    yield Finding(
        code="loss-answered",
        severity="info",
        text=(
            "The loss fell when the learning rate stepped down at "
            f"{analysis.positions.describe(int(steps.step[index]))}: from {figure(most.before, 3)} to "
            f"{figure(most.after, 3)} over {most.steps} steps, {figure(-most.level, 2)} ± "
            f"{figure(most.level_error, 1)} below the line it was on.{more}"
        ),
        advice="Where a step brings that much, an earlier step, or a lower learning rate, is worth a try.",
        step=int(steps.step[index]),
        last_step=int(steps.step[index]) + most.steps - 1,
        numbers={
            "before": most.before,
            "after": most.after,
            "level": most.level,
            "level_error": most.level_error,
            "answered": len(answered),
            "steps_down": len(falls),
        },
    )


def _is_sure(answer: Response) -> bool:
    return answer.before > 0 and answer.level < -max(_SURE * answer.level_error, _MATTERS * answer.before)
