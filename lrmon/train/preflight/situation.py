"""What the checks look at: a fit before its first batch."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lrmon.train.model.models import TF_KERAS
from lrmon.train.preflight.fit import PlannedFit, kind


@dataclass(frozen=True, slots=True)
class Situation:
    """A fit before its first batch.

    Attributes:
        model: Compiled.
        package: ``keras`` or ``tf_keras``, the model's.
        epochs: Planned, Keras' ``epochs``; None where unknown.
        steps_per_epoch: Planned batches an epoch; None where unknown.
        fit: What can be seen of the fit.
        callbacks: All of the fit; where they cannot be seen those that are known.
    """

    model: Any
    package: str
    epochs: int | None
    steps_per_epoch: int | None
    fit: PlannedFit
    callbacks: tuple[Any, ...]

    @property
    def release(self) -> str:
        """The Keras that trains, with its version."""
        version = getattr(sys.modules.get(self.package), "__version__", "")
        return f"{'tf_keras' if self.package == TF_KERAS else 'Keras'} {version}".strip()

    def callbacks_of(self, *names: str) -> list[Any]:
        """Returns the callbacks that are Keras' own of these names, by what they do."""
        return [callback for callback in self.callbacks if kind(callback) in names]


def situation_of(
    model: Any, package: str, params: Mapping[str, Any] | None, fit: PlannedFit, plateau: Any
) -> Situation:
    """Returns the situation from what Keras gives a callback.

    Args:
        model: Compiled.
        package: The model's.
        params: What Keras tells callbacks.
        fit: What can be seen of it.
        plateau: As LRMonitor was given it. It counts where the callbacks cannot be seen.
    """
    params = params or {}
    callbacks = fit.callbacks
    if callbacks is None:
        callbacks = () if plateau is None else (plateau,)
    return Situation(
        model,
        package,
        _count(params.get("epochs")),
        _count(params.get("steps")),
        fit,
        callbacks,
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
