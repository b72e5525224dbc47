"""The metrics that the epochs of a fit will have, as far as a compiled model tells before its first batch."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from lrmon.analysis.plateau.direction import monitor_direction
from lrmon.train.model.models import TF_KERAS
from lrmon.train.preflight.fit import kind
from lrmon.train.preflight.situation import Situation
from lrmon.train.private_names.keras import metric_direction, metrics_of_compile, user_metrics

_STEPS: Final = ("train_step", "test_step", "compute_metrics", "get_metrics_result", "fit", "evaluate")
_OF_CALLBACKS: Final = ("lr", "learning_rate")

Reported = Literal["min", "max", "not told", "unknown"]
"""A direction, ``not told`` where Keras will find none, ``unknown`` where that cannot be known yet."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One that the model was compiled with.

    Attributes:
        name: In the logs, without what Keras puts around it.
        exact: Whether Keras keeps the name to the letter.
        direction: Keras 3.11 and later ask the metric itself whether it improves by falling or by rising.
    """

    name: str
    exact: bool
    direction: Reported


def metrics_of(situation: Situation) -> list[Metric] | None:
    """Returns what the model was compiled with, the loss apart; None where somebody else adds to the logs.

    That is a training step of one's own, a callback of one's own, which may write into the logs of an epoch,
    or a metric of one's own, which may have several results.
    """
    model = situation.model
    keras_model = sys.modules[situation.package].Model
    if any(getattr(type(model), name, None) is not getattr(keras_model, name, None) for name in _STEPS):
        return None
    if any(kind(callback) is None and not _is_ours(callback) for callback in situation.callbacks):
        return None
    given = [*_flat(_compiled_with(situation)), *_own_metrics(model)]
    metrics = [_metric(metric, situation.package) for metric in given]
    return None if None in metrics else [metric for metric in metrics if metric is not None]


def may_be_logged(name: str, metrics: Iterable[Metric], model: Any) -> bool:
    """Tells whether an epoch may have `name` among its metrics; validation apart, so without ``val_``.

    Keras puts an output's name before it, ``weighted_``, and a number behind it, where several are alike.
    """
    if name == "loss" or name in _OF_CALLBACKS:
        return True
    several = may_have_outputs(model)
    if several and name.endswith("_loss"):
        return True
    written = (name, re.sub(r"_\d+$", "", name))
    for metric in metrics:
        spelled = str if metric.exact else _squashed
        known, weighted = spelled(metric.name), spelled(f"weighted_{metric.name}")
        for spelling in map(spelled, written):
            if spelling in (known, weighted) or (several and spelling.endswith(known)):
                return True
    return False


def may_have_outputs(model: Any) -> bool:
    """Tells whether a model may have several outputs, whose names Keras puts before those of the metrics."""
    outputs = getattr(model, "output_names", None) or getattr(model, "outputs", None)
    return outputs is None or len(outputs) != 1


def known_direction(name: str, metrics: Iterable[Metric]) -> Reported:
    """Returns what Keras from 3.11 finds for mode ``auto``, given a name without ``val_``.

    It knows the loss, and looks for a metric of this very name.
    """
    if name == "loss":
        return "min"
    alike = [metric for metric in metrics if _squashed(metric.name) == _squashed(name)]
    exact = [metric for metric in alike if metric.name == name]
    if exact:
        return exact[-1].direction
    return "unknown" if any(not metric.exact for metric in alike) else "not told"


def _compiled_with(situation: Situation) -> list[Any]:
    model = situation.model
    is_tf_keras = situation.package == TF_KERAS
    return user_metrics(
        getattr(model, "compiled_metrics", None) if is_tf_keras else metrics_of_compile(model)
    )


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    elif value is not None:
        yield value


def _own_metrics(model: Any) -> Iterator[Any]:
    """Metrics that the model or a layer holds, besides those it was compiled with."""
    for metric in model.metrics:
        if type(metric).__name__ not in ("CompileMetrics", "MetricsContainer") and metric.name != "loss":
            yield metric


def _metric(given: Any, package: str) -> Metric | None:
    """One item of compile's ``metrics=``; None where its results cannot be foreseen."""
    if isinstance(given, str):
        return Metric(given, given == given.lower(), _direction(given))
    if isinstance(given, type):
        return None
    if hasattr(given, "update_state"):
        if type(given).__module__.partition(".")[0] != package:
            return None
        way = metric_direction(given)
        direction: Reported = "not told" if way is None else "max" if way == "up" else "min"
        return Metric(str(given.name), True, direction)
    name = getattr(given, "__name__", "")
    return Metric(name, False, "not told") if name.isidentifier() else None


def _direction(name: str) -> Reported:
    try:
        return monitor_direction(name, "auto", "keras-3.15")
    except ValueError:
        return "unknown"


def _is_ours(callback: Any) -> bool:
    return type(callback).__module__.partition(".")[0] == "lrmon"


def _squashed(name: str) -> str:
    return name.replace("_", "").lower()
