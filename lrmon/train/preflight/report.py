"""All the checks, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lrmon.train.models import keras_of
from lrmon.train.preflight import arguments, callbacks, compiled, monitors, schedules
from lrmon.train.preflight.fit import Fit
from lrmon.train.preflight.problem import Problem
from lrmon.train.preflight.situation import situation_of

CHECKS: Final = (callbacks.find, monitors.find, arguments.find, compiled.find, schedules.find)


def preflight(
    model: Any, params: Mapping[str, Any] | None, fit: Fit, *, plateau: Any = None
) -> list[Problem]:
    """Returns what will go wrong with the learning rate of a fit that begins.

    Each says what was seen, what will happen, and what to do. What is not sure is not said. It changes
    nothing, calls none of the user's functions, and never raises: a check that fails has found nothing.

    Args:
        model: Of Keras 3 or tf_keras, compiled; its training step as it will run, so after a ring was put in.
        params: What Keras gives its callbacks: epochs, steps an epoch.
        fit: What `fit_seen` saw.
        plateau: The ReduceLROnPlateau that LRMonitor was given, which counts where `fit` has no callbacks.
    """
    package = keras_of(model)
    if package is None:
        return []
    found: list[Problem] = []
    for check in CHECKS:
        try:
            found += check(situation_of(model, package, params, fit, plateau))
        except Exception:  # noqa: BLE001, S112, PERF203 - a warning is not worth a training
            continue
    return list({problem.text: problem for problem in found}.values())
