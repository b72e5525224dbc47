"""What is known of a fit before its first batch, as the fields of its record."""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np

from lrmon.train.effective import EffectiveRate
from lrmon.train.ring import innermost, learning_rate_is_callable


def described_fit(
    model: keras.Model,
    params: dict[str, Any],
    effective: EffectiveRate,
) -> dict[str, Any]:
    """Returns the fields of `lrmon.schema.RunRecord` that the model and the fit's parameters tell.

    Args:
        model: A compiled model.
        params: What Keras gives its callbacks: epochs, steps an epoch.
        effective: The optimizer's rule.
    """
    optimizer = innermost(model.optimizer)
    return {
        "framework": f"keras {keras.__version__}",
        "backend": f"{keras.backend.backend()} {_backend_version()}",
        "model": model.name,
        "optimizer": None if optimizer is None else _described(optimizer),
        "schedule": _schedule(optimizer),
        "epochs": params.get("epochs"),
        "steps_per_epoch": params.get("steps"),
        "steps_per_execution": model.steps_per_execution,
        "gradient_accumulation_steps": effective.steps_per_update,
        "compiled": "eager" if model.run_eagerly else "jit" if model.jit_compile else "graph",
        "learning_rate_source": _learning_rate_source(optimizer),
        "effective_learning_rate_source": effective.source,
    }


PLATEAU_SETTINGS: Final = ("monitor", "factor", "patience", "mode", "min_delta", "cooldown", "min_lr")


def checked_plateau(plateau: Any) -> Any:
    """Returns `plateau` if it has the settings of a ReduceLROnPlateau, or is None.

    Raises:
        TypeError: It is neither.
    """
    if plateau is None or all(hasattr(plateau, name) for name in PLATEAU_SETTINGS if name != "mode"):
        return plateau
    raise TypeError(
        "plateau must be a keras ReduceLROnPlateau or an lrmon.PlateauRule, "
        f"got {type(plateau).__module__}.{type(plateau).__name__}"
    )


def described_plateau(plateau: Any, model: keras.Model) -> dict[str, Any] | None:
    """Returns the settings of a ReduceLROnPlateau for the fit's record, None where there is none.

    Args:
        plateau: A callback, or a rule with the same names; or None.
        model: The model that trains. A callback that stands in its fit's list has been given it.
    """
    if plateau is None:
        return None
    settings = {name: _plain(getattr(plateau, name, "auto")) for name in PLATEAU_SETTINGS}
    if isinstance(getattr(plateau, "version", None), str):
        settings["version"] = plateau.version
    return {**settings, "applied": getattr(plateau, "_model", None) is model}


def _learning_rate_source(optimizer: Any) -> str:
    if learning_rate_is_callable(optimizer):
        return "what the optimizer got from your function; compiled training calls it once"
    if not hasattr(optimizer, "learning_rate"):
        return f"none: {type(optimizer).__name__} has no learning rate of its own"
    return "read in the training step, before its update"


def _schedule(optimizer: Any) -> dict[str, Any] | None:
    schedule = getattr(optimizer, "_learning_rate", None)
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        return _described(schedule)
    return None


def _described(configured: Any) -> dict[str, Any]:
    """Class and settings, as Keras serializes them, or the class alone where it does not."""
    try:
        config = configured.get_config()
    except NotImplementedError:
        config = {}
    return {"class_name": type(configured).__name__, "config": _plain(config)}


def _plain(value: Any) -> Any:
    """The value in JSON's types; what has no such form becomes text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return str(value)


def _backend_version() -> str:
    import tensorflow as tf

    return str(tf.__version__)
