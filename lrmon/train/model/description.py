"""What is known of a fit before its first batch, as the fields of its record."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import numpy as np

from lrmon import schema
from lrmon.analysis.plateau.rule import SETTINGS
from lrmon.train.model.effective_lr import EffectiveLR, effective_lr
from lrmon.train.model.models import KERAS, backend_of, keras_of, steps_per_execution
from lrmon.train.model.optimizers import Part, lr_function, scales_loss, schedule_of
from lrmon.train.model.step_optimizers import NOT_OBSERVED
from lrmon.train.private_names.keras import model_of_callback, variables_trained_by
from lrmon.train.private_names.tf_keras import is_jit_compiled, is_legacy


@dataclass(frozen=True, slots=True)
class DescribedOptimizer:
    """What is known of one of a fit's optimizers before it makes an update of the fit.

    Attributes:
        optimizer: Class and settings.
        schedule: The same of its schedule, None where its learning rate is no schedule.
        learning_rate_provenance: Where its learning rate comes from, in words.
        effective: The rule of its effective learning rate.
    """

    optimizer: dict[str, Any]
    schedule: dict[str, Any] | None
    learning_rate_provenance: str
    effective: EffectiveLR


def described_optimizer(part: Part, backend: str) -> DescribedOptimizer:
    """Returns what is known of an optimizer now: its learning rate may change while it trains.

    Args:
        part: One that can make updates in the fit.
        backend: What computes the model.
    """
    provenance = _learning_rate_provenance(part.optimizer, backend, scaled=scales_loss(part.outer))
    return DescribedOptimizer(
        _described(part.optimizer), _schedule(part.optimizer), provenance, effective_lr(part.optimizer)
    )


def described_fit(model: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of `lrmon.schema.RunRecord` that the model and the fit's parameters tell.

    Args:
        model: A compiled model.
        params: What Keras gives its callbacks: epochs, steps an epoch.
    """
    keras = keras_of(model) or KERAS
    backend = backend_of(model)
    return {
        "framework": f"{keras} {sys.modules[keras].__version__}",
        "backend": f"{backend} {_version(backend)}",
        "model": model.name,
        "epochs": params.get("epochs"),
        "steps_per_epoch": params.get("steps"),
        "steps_per_execution": steps_per_execution(model),
        "compiled": _compiled(model, backend),
        "classes": classes(model),
    }


def classes(model: Any) -> int | None:
    """Returns among how many classes a model chooses, None where its loss is not a plain cross-entropy.

    A loss that has anything else added (regularization, several outputs) has another level when guessing.
    """
    try:
        loss, shape = model.loss, getattr(model, "output_shape", None)
        if model.losses:
            return None
    except Exception:  # noqa: BLE001 - a model of the user's may need what only training has
        return None
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", None) or type(loss).__name__
    squashed = name.lower().replace("_", "")
    if squashed == "binarycrossentropy":
        return 2
    if squashed not in ("categoricalcrossentropy", "sparsecategoricalcrossentropy"):
        return None
    if not isinstance(shape, tuple) or len(shape) < 2 or not isinstance(shape[-1], int):
        return None
    return shape[-1] if shape[-1] > 1 else None


def described_optimizers(
    parts: Sequence[Part], described: Sequence[DescribedOptimizer], main: int | None
) -> dict[str, Any]:
    """Returns the fields of `lrmon.schema.RunRecord` that the optimizers tell.

    Args:
        parts: All that can make updates in the fit, in the order of their columns.
        described: Of each.
        main: Column of the one whose learning rate is the run's; None where none was seen to make an update.
    """
    if main is None:
        fields: dict[str, Any] = {
            "optimizer": None,
            "schedule": None,
            "gradient_accumulation_steps": None,
            "learning_rate_provenance": NOT_OBSERVED,
            "effective_learning_rate_provenance": NOT_OBSERVED,
            "effective_learning_rate_factors": [],
            "effective_learning_rate_note": None,
        }
    else:
        own = described[main]
        fields = {
            "optimizer": own.optimizer,
            "schedule": own.schedule,
            "gradient_accumulation_steps": own.effective.steps_per_update,
            "learning_rate_provenance": own.learning_rate_provenance,
            "effective_learning_rate_provenance": own.effective.provenance,
            "effective_learning_rate_factors": list(own.effective.factors),
            "effective_learning_rate_note": own.effective.note,
        }
        if len(parts) > 1:
            fields["learning_rate_provenance"] += f", of the optimizer {parts[main].name!r}"
    if len(parts) > 1:
        fields["main_optimizer"] = None if main is None else parts[main].name
        fields["optimizers"] = [
            {
                "name": part.name,
                "optimizer": description.optimizer,
                "schedule": description.schedule,
                "variables": len(variables_trained_by(part.optimizer)),
            }
            for part, description in zip(parts, described, strict=True)
        ]
    return fields


def exactness(
    learning_rate_provenance: str, effective_provenance: str, loss_provenance: str
) -> dict[str, str]:
    """Returns `lrmon.schema.RunRecord`'s exactness of columns that are read in the step or not at all."""
    provenances = {
        "learning_rate": learning_rate_provenance,
        "effective_learning_rate": effective_provenance,
        "loss": loss_provenance,
    }
    return {
        column: schema.UNAVAILABLE if provenance.startswith("none") else schema.EXACT
        for column, provenance in provenances.items()
    }


PLATEAU_SETTINGS: Final = tuple(name for name in SETTINGS if name != "version")


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


def described_plateau(plateau: Any, model: Any) -> dict[str, Any] | None:
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
    return {**settings, "applied": model_of_callback(plateau) is model}


def _learning_rate_provenance(optimizer: Any, backend: str, *, scaled: bool) -> str:
    if lr_function(optimizer) is not None:
        if scaled and backend == "jax":
            return (
                "none: on JAX, loss scaling has your function called in a branch that is compiled by itself"
            )
        calls = "" if backend == "torch" else "; compiled training calls it once"
        return f"what the optimizer got from your function{calls}"
    if not hasattr(optimizer, "learning_rate"):
        return f"none: {type(optimizer).__name__} has no learning rate of its own"
    return "read in the training step, before its update"


def _compiled(model: Any, backend: str) -> str:
    jit = bool(getattr(model, "jit_compile", None) or is_jit_compiled(model))
    if model.run_eagerly or (backend != "tensorflow" and not jit):
        return "eager"
    return "jit" if jit else "graph"


def _schedule(optimizer: Any) -> dict[str, Any] | None:
    schedule = schedule_of(optimizer)
    return None if schedule is None else _described(schedule)


def _described(configured: Any) -> dict[str, Any]:
    """Class and settings, as Keras serializes them, or the class alone where it does not."""
    config = {}
    # A legacy optimizer of tf_keras calls a function of yours for what it shows as its learning rate.
    if not (is_legacy(configured) and lr_function(configured) is not None):
        with contextlib.suppress(NotImplementedError), warnings.catch_warnings():
            # Keras warns of a lambda that would not be loaded again; nothing is saved here.
            warnings.simplefilter("ignore")
            config = configured.get_config()
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


def _version(package: str) -> str:
    """The package's version; vendors' builds have it under other names, and the module knows."""
    try:
        return str(getattr(sys.modules[package], "__version__", None) or version(package))
    except (KeyError, PackageNotFoundError):
        return ""
