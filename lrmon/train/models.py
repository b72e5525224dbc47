"""Models, read: which Keras a model belongs to, and what computes it."""

from __future__ import annotations

import sys
from typing import Any

KERAS, TF_KERAS = "keras", "tf_keras"


def keras_of(model: Any) -> str | None:
    """Returns `KERAS` or `TF_KERAS`, None where the object is no model of theirs."""
    for name in (KERAS, TF_KERAS):
        module = sys.modules.get(name)
        if module is not None and isinstance(model, module.Model):
            return name
    return None


def backend_of(model: Any) -> str:
    """Returns what computes the model: ``tensorflow``, ``jax``, ``torch`` or another backend of Keras."""
    if keras_of(model) == TF_KERAS:
        return "tensorflow"
    return str(sys.modules[KERAS].backend.backend())


def loss_tracker(model: Any) -> Any:
    """Returns the metric that Keras hands each batch's loss to, None where the model has none."""
    if keras_of(model) == TF_KERAS:
        # No public name either.
        return getattr(getattr(model, "compiled_loss", None), "_total_loss_mean", None)
    return getattr(model, "_loss_tracker", None)


def steps_per_execution(model: Any) -> int:
    """Returns how many steps one call of the model's train function makes."""
    if keras_of(model) == TF_KERAS:
        steps = getattr(model, "_steps_per_execution", None)
        return 1 if steps is None else int(steps.numpy())
    return int(model.steps_per_execution)
