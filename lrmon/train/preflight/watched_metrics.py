"""What ReduceLROnPlateau and EarlyStopping watch: whether it will be there, and which way it improves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from lrmon.analysis.plateau.direction import Direction, monitor_direction
from lrmon.train.model.models import KERAS
from lrmon.train.preflight.fit import kind
from lrmon.train.preflight.metrics import Metric, known_direction, may_be_logged, may_have_outputs, metrics_of
from lrmon.train.preflight.problem import PreflightWarning, listed
from lrmon.train.preflight.situation import Situation
from lrmon.train.private_names.keras import asks_metric_for_direction

_NEVER: Final = {
    "ReduceLROnPlateau": "it will never reduce the learning rate",
    "EarlyStopping": "it will never stop the training",
}
_WRONG: Final = {
    "ReduceLROnPlateau": "it will reduce the learning rate while",
    "EarlyStopping": "it will stop the training while",
}


def check_watched_metrics(situation: Situation) -> Iterator[PreflightWarning]:
    """Yields ``monitor-without-direction``, ``monitor-missing`` or ``monitor-wrong-direction`` for each."""
    metrics = metrics_of(situation)
    for callback in situation.callbacks_of(*_NEVER):
        problem = (
            _without_direction(situation, callback, metrics)
            or _missing(situation, callback, metrics)
            or _wrong_direction(situation, callback)
        )
        if problem is not None:
            yield problem


def _without_direction(
    situation: Situation, callback: Any, metrics: list[Metric] | None
) -> PreflightWarning | None:
    """Keras from 3.11, mode ``auto``: a ValueError at the end of the first epoch."""
    monitor = str(callback.monitor)
    if situation.package != KERAS or not asks_metric_for_direction(callback) or callback.mode != "auto":
        return None
    name = monitor.removeprefix("val_")
    if metrics is None or known_direction(name, metrics) != "not told":
        return None
    if may_be_logged(name, metrics, situation.model):
        remedy = "Set mode='min' or mode='max'."
    else:
        remedy = f"{_choice(situation, monitor, metrics)} The model was compiled with {_known(metrics)}."
    return PreflightWarning(
        code="monitor-without-direction",
        text=(
            f"{kind(callback)} watches {monitor} with mode 'auto', and {situation.release} cannot tell from "
            "the model's metrics whether that improves by falling or by rising: the training will end with a "
            f"ValueError after its first epoch. {remedy}"
        ),
        callbacks=(callback,),
    )


def _missing(situation: Situation, callback: Any, metrics: list[Metric] | None) -> PreflightWarning | None:
    monitor, name = str(callback.monitor), str(kind(callback))
    if metrics is None:
        return None
    start = f"{name} watches {monitor}, which no epoch of this fit will have"
    if not may_be_logged(monitor.removeprefix("val_"), metrics, situation.model):
        return PreflightWarning(
            code="monitor-missing",
            text=(
                f"{start}, since the model was compiled with {_known(metrics)}: {_NEVER[name]}. "
                f"{_choice(situation, monitor, metrics)}"
            ),
            callbacks=(callback,),
        )
    if not monitor.startswith("val_") or _has_output_of_this_name(situation.model, metrics):
        return None
    if situation.fit.validates is False:
        reason, remedy = "since there is no validation data", "Give fit validation_data or validation_split"
    elif situation.fit.validates and not _validates_ever(situation):
        freq = situation.fit.validation_freq
        reason = f"since validation_freq={freq} validates after none of them"
        remedy = "Give fit another validation_freq"
    else:
        return None
    watched = monitor.removeprefix("val_")
    return PreflightWarning(
        code="monitor-missing",
        text=f"{start}, {reason}: {_NEVER[name]}. {remedy}, or watch {watched}.",
        callbacks=(callback,),
    )


def _validates_ever(situation: Situation) -> bool:
    """Whether any epoch is followed by a validation; True where that is not known."""
    first, epochs, freq = situation.fit.initial_epoch, situation.epochs, situation.fit.validation_freq
    if first is None or epochs is None:
        return True
    if isinstance(freq, int):
        return any((epoch + 1) % freq == 0 for epoch in range(first, min(epochs, first + freq)))
    if isinstance(freq, (list, tuple, set)):
        return any(epoch + 1 in freq for epoch in range(first, epochs))
    return True


def _wrong_direction(situation: Situation, callback: Any) -> PreflightWarning | None:
    """The callback goes one way, and the metric, by its name one of Keras' own, the other.

    Not where the callback asks the metric itself.
    """
    monitor, name = str(callback.monitor), str(kind(callback))
    taken = _taken(callback)
    try:
        natural = monitor_direction(monitor, "auto", "keras-3.15")
    except ValueError:
        return None
    if taken is None or taken == natural:
        return None
    words = {"min": "falling", "max": "rising"}
    is_auto = getattr(callback, "mode", None) == "auto"
    why = f" (mode 'auto' of {situation.release} goes by the name)" if is_auto else ""
    return PreflightWarning(
        code="monitor-wrong-direction",
        text=(
            f"{name} takes {monitor} to improve by {words[taken]}{why}, and by its name it improves by "
            f"{words[natural]}: {_WRONG[name]} it improves. Set mode='{natural}'."
        ),
        callbacks=(callback,),
    )


def _taken(callback: Any) -> Direction | None:
    """The direction that the callback will go by, None where it asks the metric."""
    mode = getattr(callback, "mode", None)
    if mode in ("min", "max"):
        return "min" if mode == "min" else "max"
    if asks_metric_for_direction(callback):
        return None
    if kind(callback) == "ReduceLROnPlateau":
        return monitor_direction(str(callback.monitor), "auto", "tf_keras")
    operation = getattr(getattr(callback, "monitor_op", None), "__name__", None)
    return {"less": "min", "greater": "max"}.get(str(operation))  # type: ignore[return-value]


def _has_output_of_this_name(model: Any, metrics: list[Metric]) -> bool:
    """Whether ``val_…`` may be no validation at all, but an output or a metric that is called so."""
    names = [*(getattr(model, "output_names", None) or ()), *(metric.name for metric in metrics)]
    return any(str(name).startswith("val") for name in names)


def _known(metrics: list[Metric]) -> str:
    names = list(dict.fromkeys(metric.name for metric in metrics))
    if not names:
        return "no metrics"
    return f"the metric{'s' if len(names) > 1 else ''} {listed(names)}"


def _choice(situation: Situation, monitor: str, metrics: list[Metric]) -> str:
    """What to watch instead."""
    prefix = "val_" if monitor.startswith("val_") and situation.fit.validates is not False else ""
    names = list(dict.fromkeys(metric.name for metric in metrics if metric.exact))
    if may_have_outputs(situation.model) or len(names) != len(metrics):
        names = []  # Keras changes them.
    return f"Watch {listed([f'{prefix}{name}' for name in ('loss', *names)], 'or')}."
