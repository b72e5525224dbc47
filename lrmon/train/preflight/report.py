"""All the checks, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from lrmon.train.model.models import keras_of
from lrmon.train.preflight.callbacks import check_callbacks
from lrmon.train.preflight.fit import PlannedFit
from lrmon.train.preflight.problem import PreflightWarning
from lrmon.train.preflight.schedules import check_schedules
from lrmon.train.preflight.situation import situation_of
from lrmon.train.preflight.watched_metrics import check_watched_metrics

CHECKS: Final = (check_callbacks, check_watched_metrics, check_schedules)

_METRIC_NAMES: Final = ("monitor-without-direction", "monitor-missing", "monitor-wrong-direction")
_NEVER_REDUCES: Final = ("plateau-on-schedule", "rate-set-twice", "stopping-before-plateau")
MOOT: Final[Mapping[str, Sequence[str]]] = {
    "scheduler-on-schedule": (*_METRIC_NAMES, *_NEVER_REDUCES),
    "monitor-without-direction": _NEVER_REDUCES,
    "monitor-missing": _NEVER_REDUCES,
    "plateau-on-schedule": ("monitor-wrong-direction", "rate-set-twice", "stopping-before-plateau"),
    "monitor-wrong-direction": ("stopping-before-plateau",),
}
"""By the code of a problem, those that do not come to pass in the same callback because of it."""


def preflight(
    model: Any, params: Mapping[str, Any] | None, fit: PlannedFit, *, plateau: Any = None
) -> list[PreflightWarning]:
    """Returns what will go wrong with the learning rate of a fit that begins.

    Each says what was seen, what will happen, and what to do. Only what the model, its optimizer and the
    fit's callbacks themselves tell is said, and no two of them contradict each other. It changes nothing,
    calls none of the user's functions, and never raises: a check that fails has found nothing.

    Args:
        model: Of Keras 3 or tf_keras, compiled; its training step as it will run, so after a ring was put in.
        params: What Keras gives its callbacks: epochs, steps an epoch.
        fit: What `planned_fit` saw.
        plateau: The ReduceLROnPlateau that LRMonitor was given, which counts where `fit` has no callbacks.
    """
    package = keras_of(model)
    if package is None:
        return []
    problems: list[PreflightWarning] = []
    for check in CHECKS:
        try:
            problems += check(situation_of(model, package, params, fit, plateau))
        except Exception:  # noqa: BLE001, S112, PERF203 - a warning is not worth a training
            continue
    return list({problem.text: problem for problem in without_moot(problems)}.values())


def without_moot(problems: Sequence[PreflightWarning]) -> list[PreflightWarning]:
    """Returns the problems but for those that another one of the same callback keeps from happening."""
    moot = {
        (code, id(callback))
        for problem in problems
        for code in MOOT.get(problem.code, ())
        for callback in problem.callbacks
    }
    return [
        problem
        for problem in problems
        if not any((problem.code, id(callback)) in moot for callback in problem.callbacks)
    ]
