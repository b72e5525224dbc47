"""Models, read: which Keras a model belongs to, and what computes it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

from lrmon.train.private_names import keras as keras_names
from lrmon.train.private_names import tf_keras as tf_keras_names
from lrmon.train.private_names.tensorflow import DEFAULT_STRATEGY

KERAS, TF_KERAS = "keras", "tf_keras"

_SYNCHRONOUS_STRATEGIES: Final = {
    DEFAULT_STRATEGY: "",
    "OneDeviceStrategy": "OneDeviceStrategy",
    "MirroredStrategy": "MirroredStrategy",
    "CollectiveAllReduceStrategy": "MultiWorkerMirroredStrategy",
}
"""TensorFlow's strategies whose replicas make every step together, by the names of their classes."""


def keras_of(model: Any) -> str | None:
    """Returns `KERAS` or `TF_KERAS`, None where the object is no model of theirs."""
    for name in (KERAS, TF_KERAS):
        module = sys.modules.get(name)
        if module is not None and isinstance(model, module.Model):
            return name
    # In Keras 3 a layer can be given `fit` without being a Model; the class has no public name.
    bases = {f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in type(model).__mro__}
    return KERAS if f"{KERAS}.Trainer" in bases else None


def backend_of(model: Any) -> str:
    """Returns what computes the model: ``tensorflow``, ``jax``, ``torch`` or another backend of Keras."""
    if keras_of(model) == TF_KERAS:
        return "tensorflow"
    return str(sys.modules[KERAS].backend.backend())


def is_chief(model: Any) -> bool:
    """Tells whether this process is the one of those that train the model that writes what they share."""
    strategy = getattr(model, "distribute_strategy", None)
    return strategy is None or bool(strategy.extended.should_save_summary)


def is_distributed(model: Any) -> bool:
    """Tells whether several replicas make each step of the model together."""
    return int(getattr(getattr(model, "distribute_strategy", None), "num_replicas_in_sync", 1)) > 1


def unrecordable(model: Any) -> str | None:
    """Returns why the model's steps cannot be recorded though its backend's can; None if they can."""
    if getattr(model, "autotune_steps_per_execution", False):
        return (
            "LRMonitor cannot record steps_per_execution='auto': tf_keras changes how many steps it makes at "
            "once while it trains, and tells nobody; give it a number"
        )
    strategy = getattr(model, "distribute_strategy", None)
    names = {base.__name__ for base in type(strategy).__mro__}
    if strategy is None or names & set(_SYNCHRONOUS_STRATEGIES):
        return None
    name = type(strategy).__name__
    if any("ParameterServer" in base for base in names):
        return (
            f"LRMonitor cannot record training under {name}: its workers update the weights each when it is "
            "ready, so that no batch has a place in one order of steps"
        )
    known = ", ".join(filter(None, _SYNCHRONOUS_STRATEGIES.values()))
    return f"LRMonitor records training under {known}, and this is {name}"


def loss_tracker(model: Any) -> Any:
    """Returns the metric that Keras hands each batch's loss to, None where the model has none."""
    if keras_of(model) == TF_KERAS:
        return tf_keras_names.loss_mean(model)
    return keras_names.loss_tracker(model)


def loss_trackers(model: Any) -> list[Any]:
    """Returns the metrics that may get each batch's loss: Keras' own, and what a model calls its loss."""
    own = [metric for metric in model.metrics if metric.name == "loss"]
    keras_own = loss_tracker(model)
    return own if keras_own is None else [keras_own, *(metric for metric in own if metric is not keras_own)]


def other_metrics(model: Any) -> list[Any]:
    """Returns the metrics of the model that `loss_trackers` does not name.

    Those that the model holds are among them even where its own `metrics` leaves them out.
    """
    known = {id(metric) for metric in loss_trackers(model)}
    metrics = {id(metric): metric for metric in [*model.metrics, *keras_names.held_metrics(model)]}
    return [metric for key, metric in metrics.items() if key not in known]


def compile_metrics(model: Any) -> list[Any]:
    """Returns the metrics that `compile` has made, the loss tracker not among them in Keras 3."""
    if keras_of(model) == TF_KERAS:
        made = (getattr(model, name, None) for name in ("compiled_loss", "compiled_metrics"))
        return [metric for container in made for metric in getattr(container, "metrics", ())]
    container = keras_names.metrics_of_compile(model)
    loss_metrics = getattr(keras_names.loss_of_compile(model), "metrics", ())
    return [*([] if container is None else [container]), *loss_metrics]


def steps_per_execution(model: Any) -> int:
    """Returns how many steps one call of the model's train function makes."""
    if keras_of(model) == TF_KERAS:
        steps = tf_keras_names.steps_per_execution(model)
        return 1 if steps is None else int(steps.numpy())
    return int(model.steps_per_execution)


def prints_progress(model: Any, params: Mapping[str, Any] | None) -> bool:
    """Tells whether Keras prints the progress of a fit: its `verbose` is not 0, and Keras is to print at all.

    Args:
        model: That trains.
        params: What Keras tells its callbacks.
    """
    keras = sys.modules.get(keras_of(model) or "")
    for where in ("config", "utils"):
        may_print = getattr(getattr(keras, where, None), "is_interactive_logging_enabled", None)
        if may_print is not None and not may_print():
            return False
    return bool((params or {}).get("verbose", 0))
