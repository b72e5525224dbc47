"""Which value is the batch's own loss, of what a training step did with its metrics and returned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from lrmon.train.model.models import compile_metrics, loss_trackers, other_metrics
from lrmon.train.ring_buffer.watched_calls import Watch

LOSS_OF_TRACKER: Final = "each batch's own loss, read in the training step"
LOSS_OF_LOGS: Final = "what the model's own train_step returns as each batch's loss"

NO_LOSS: Final = "none: the model's own train_step neither tracks nor returns each batch's loss"
HIDDEN: Final = "none: the model's own train_step computes its loss in a function within the step"

TRACKER, OF_COMPILE, OWN = "tracker", "compile", "own"


@dataclass(frozen=True, slots=True)
class MetricCalls:
    """What one step called of one metric.

    Attributes:
        metric: The metric.
        kind: `TRACKER` of one that may get each batch's loss, else `OF_COMPILE` or the model's `OWN`.
        values: What it was updated with, the latest last.
        weight: What the latest update lets its value count; None where it does not say.
        results: What it returned.
        given: The very objects that it was updated with, where `values` has copies.
    """

    metric: Any
    kind: str
    values: Sequence[Any] = ()
    weight: Any = None
    results: Sequence[Any] = ()
    given: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss of one batch.

    Attributes:
        value: The loss, NaN where it is not known.
        provenance: Where it is from, in words; ``none: …`` where it is not known.
        weight: What the metric that got it lets it count; None where nobody says.
    """

    value: Any = np.nan
    provenance: str = ""
    weight: Any = None


def loss_of(calls: Sequence[MetricCalls], logs: Any) -> Loss:
    """Returns the batch's own loss.

    Keras hands each batch's loss to the model's loss tracker; its logs have the mean since the epoch began.
    So has a step of the user's own whose metric of another name is shown as the loss. What it got is the
    batch's loss, if the logs have the very object that the metric returned. Where that cannot be told, no
    value is taken: a mean looks like a loss.

    Args:
        calls: Of each metric of the model, those that may get its loss first.
        logs: What the training step returned.
    """
    for call in calls:
        if call.kind == TRACKER and call.values:
            return Loss(call.values[-1], LOSS_OF_TRACKER, call.weight)
    if not isinstance(logs, dict) or "loss" not in logs:
        return Loss(provenance=NO_LOSS)
    loss = logs["loss"]
    for call in calls:
        if _has(loss, call.results):
            return _behind(call)
    if any(_has(loss, call.given or call.values) for call in calls):
        return Loss(loss, LOSS_OF_LOGS)
    shown = {id(call.metric) for call in calls if any(_has(value, call.results) for value in logs.values())}
    doubtful = [
        repr(str(call.metric.name)) for call in calls if _may_be_mean(call) and id(call.metric) not in shown
    ]
    if doubtful:
        return Loss(provenance=_none(f"what may be the mean of its metric {' or '.join(doubtful)}"))
    return Loss(loss, LOSS_OF_LOGS)


def _behind(calls: MetricCalls) -> Loss:
    """The batch's own loss behind the result of a metric."""
    name = repr(str(calls.metric.name))
    if not is_plain_mean(calls.metric):
        what = f"what its metric {name} makes of all batches of the epoch, and {type(calls.metric).__name__}"
        return Loss(provenance=_none(f"{what} is no plain Mean", advice="return the batch's own"))
    if not calls.values:
        return Loss(provenance=_none(f"the mean of its metric {name}, and does not update it in this step"))
    return Loss(calls.values[-1], f"{LOSS_OF_TRACKER} from what its metric {name} gets", calls.weight)


def _none(what: str, advice: str = "name that metric 'loss'") -> str:
    return f"none: the model's own train_step returns under 'loss' {what}; {advice}"


def _may_be_mean(calls: MetricCalls) -> bool:
    return (
        calls.kind == OWN
        and any(base.__name__ == "Mean" for base in type(calls.metric).__mro__)
        and bool(calls.results)
        and any(_is_scalar(value) for value in calls.values)
    )


def _is_scalar(value: Any) -> bool:
    shape = getattr(value, "shape", ())
    return getattr(shape, "rank", 0) is None or not len(shape)


def _has(value: Any, results: Iterable[Any]) -> bool:
    """Tells whether one of the results is this very object, or has it."""
    return any(
        value is result or (isinstance(result, dict) and any(value is item for item in result.values()))
        for result in results
    )


def is_plain_mean(metric: Any) -> bool:
    """Tells whether a metric's result is the mean of the values that `update_state` gets first."""
    bases = type(metric).__mro__
    definers = [
        next((base.__name__ for base in bases if method in vars(base)), "")
        for method in ("update_state", "result")
    ]
    # tf_keras' Mean has both from its Reduce.
    return any(base.__name__ == "Mean" for base in bases) and set(definers) <= {"Mean", "Reduce"}


def is_keras_own(train_step: Callable[..., Any]) -> bool:
    """Tells whether Keras wrote a training step: it always updates its loss tracker."""
    return str(getattr(train_step, "__module__", "")).split(".")[0] in {"keras", "tf_keras"}


def watchable(model: Any, train_step: Callable[..., Any]) -> list[tuple[Any, str]]:
    """Returns the metrics whose calls tell the loss of a step, and of which kind each is."""
    trackers = [(metric, TRACKER) for metric in loss_trackers(model)]
    if is_keras_own(train_step):
        return trackers
    compiled = {id(metric) for metric in compile_metrics(model)}
    return trackers + [
        (metric, OF_COMPILE if id(metric) in compiled else OWN) for metric in other_metrics(model)
    ]


def first_value(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """Returns the value that a call of `update_state` is about, in a list; an empty one if there is none."""
    if args:
        return [args[0]]
    return [kwargs["values"]] if "values" in kwargs else []


def weight_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Returns what a call of `update_state` lets its value count; None where it does not say."""
    weight = kwargs.get("sample_weight")
    return args[1] if weight is None and len(args) > 1 else weight


@dataclass(frozen=True, slots=True)
class WatchedMetrics:
    """Sees what a step calls of the metrics, while `watches` is open."""

    watched: list[tuple[Any, str, Watch, Watch]] = field(default_factory=list)

    @classmethod
    def watching(cls, metrics: Sequence[tuple[Any, str]], watches: ExitStack) -> WatchedMetrics:
        """Begins to watch."""
        enter = watches.enter_context
        return cls(
            [
                (metric, kind, enter(Watch(metric, "update_state")), enter(Watch(metric, "result")))
                for metric, kind in metrics
            ]
        )

    def calls(self) -> list[MetricCalls]:
        """Returns what was called."""
        metric_calls = []
        for metric, kind, updates, results in self.watched:
            pairs = list(zip(updates.arguments, updates.keywords, strict=True))
            values = [value for args, kwargs in pairs for value in first_value(args, kwargs)]
            weight = weight_of(*pairs[-1]) if pairs else None
            metric_calls.append(MetricCalls(metric, kind, values, weight, results.results))
        return metric_calls
