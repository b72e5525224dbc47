"""The report of a training that has not started: the learning rates of a schedule, epoch by epoch."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lrmon.analysis.learning_rate.schedules import schedule_of_keras
from lrmon.analysis.plateau.replay import replay_plateau
from lrmon.analysis.plateau.rule import PlateauRule
from lrmon.review.report.plateau_settings import rule_of
from lrmon.review.report.report import Report, report
from lrmon.review.run.run import Epoch, Fit, Run

_MOST_STEPS: Final = 10_000_000
_NOTICE: Final = "This is a preview of the schedule; nothing has been trained."


def preview(
    schedule: Any,
    *,
    steps_per_epoch: int,
    epochs: int,
    learning_rate: float | None = None,
    metric: Sequence[float | None] | NDArray[np.floating] | None = None,
    compiled: bool = True,
) -> Report:
    """Returns the report of a training with `schedule`, before the training.

    ```python
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 95, 0.95, staircase=True)
    print(lrmon.preview(schedule, steps_per_epoch=76, epochs=6))
    ```

    Args:
      schedule: one of these:

        - a Keras ``LearningRateSchedule``: the learning rate of each step. Those of Keras are computed by
        their
          formulas, others are called for each step;
        - a function of the epoch, or of the epoch and the learning rate, as ``LearningRateScheduler`` takes
          it (or that callback itself): the learning rate of each epoch;
        - a ``ReduceLROnPlateau`` or an `lrmon.PlateauRule`, replayed on `learning_rate` and `metric`.
      steps_per_epoch: batches per epoch. With ``validation_split``, only those of the training part count.
      epochs: the number of epochs.
      learning_rate: of the optimizer at the start, if `schedule` needs it.
      metric: value of the monitored metric in each epoch, for ReduceLROnPlateau; None if it is missing.
      compiled: whether the training is compiled, as it is without ``run_eagerly=True``.

    Raises:
      TypeError: if `schedule` is none of these.
      ValueError: if a number is out of range, or what `schedule` needs is missing.
    """
    counts: dict[str, Any] = {"steps_per_epoch": steps_per_epoch, "epochs": epochs}
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, got {count!r}")
    if steps_per_epoch * epochs > _MOST_STEPS:
        raise ValueError(
            f"a preview can have at most {_MOST_STEPS:,} steps, got {steps_per_epoch * epochs:,}"
        )
    rule = rule_of(schedule)
    if rule is not None:
        lrs, values = _lrs_by_rule(rule, learning_rate, metric, epochs)
        run = _run(np.repeat(lrs, steps_per_epoch), steps_per_epoch, {rule.monitor: values}, None)
        return report(run, rule)
    if hasattr(schedule, "get_config") and callable(schedule):
        recorded = {"class_name": type(schedule).__name__, "config": dict(schedule.get_config())}
        lrs = _lrs_by_schedule(schedule, steps_per_epoch * epochs, compiled=compiled)
        return report(_run(lrs, steps_per_epoch, {}, recorded, compiled=compiled))
    function = getattr(schedule, "schedule", schedule)
    if callable(function):
        lrs = _lrs_by_function(function, learning_rate, epochs)
        return report(_run(np.repeat(lrs, steps_per_epoch), steps_per_epoch, {}, None))
    raise TypeError(
        "schedule must be a Keras LearningRateSchedule, a function of the epoch, or a ReduceLROnPlateau, "
        f"got {type(schedule).__name__}"
    )


def _lrs_by_rule(
    rule: PlateauRule,
    learning_rate: float | None,
    metric: Sequence[float | None] | NDArray[np.floating] | None,
    epochs: int,
) -> tuple[NDArray[np.float32], list[float | None]]:
    """Returns the learning rate and the metric of each epoch."""
    if learning_rate is None or metric is None:
        raise ValueError(
            "A preview of ReduceLROnPlateau needs learning_rate= and metric= (a value for each epoch)"
        )
    if len(metric) != epochs:
        raise ValueError(f"metric must have a value for each of the {epochs} epochs, got {len(metric)}")
    values = [None if value is None else float(value) for value in metric]
    return replay_plateau(values, learning_rate, rule).learning_rate, values


def _lrs_by_schedule(schedule: Callable[[Any], Any], steps: int, *, compiled: bool) -> NDArray[np.float32]:
    """Returns the learning rate of each step."""
    known = schedule_of_keras(schedule)
    lrs = None if known is None else known.learning_rates(np.arange(steps), compiled=compiled)
    if lrs is not None:
        return lrs
    return np.array([float(np.asarray(schedule(step))) for step in range(steps)], dtype=np.float32)


def _lrs_by_function(
    function: Callable[..., Any], learning_rate: float | None, epochs: int
) -> NDArray[np.float32]:
    """Returns the learning rate of each epoch; each is passed to the next call as float32, as in Keras."""
    takes_lr = _takes_two(function)
    if takes_lr and learning_rate is None:
        raise ValueError(
            "This schedule needs the current learning rate; pass learning_rate= (the optimizer's)"
        )
    lr = np.float32(math.nan if learning_rate is None else learning_rate)
    lrs = np.empty(epochs, dtype=np.float32)
    for epoch in range(epochs):
        value = function(epoch, float(lr)) if takes_lr else function(epoch)
        if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
            raise TypeError(f"the schedule must return a float, got {value!r} for epoch {epoch}")
        lrs[epoch] = lr = np.float32(value)
    return lrs


def _takes_two(function: Callable[..., Any]) -> bool:
    """Returns whether a function can be called with epoch and learning rate, which Keras tries first."""
    try:
        inspect.signature(function).bind(0, 0.1)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _run(
    lrs: NDArray[np.float32],
    length: int,
    metrics: Mapping[str, Sequence[float | None]],
    schedule: Mapping[str, Any] | None,
    *,
    compiled: bool = True,
) -> Run:
    """Returns a run without losses, as it would be recorded."""
    count = lrs.size // length
    steps = np.arange(lrs.size)
    record = {
        "schedule": schedule,
        "epochs": count,
        "steps_per_epoch": length,
        "compiled": "graph" if compiled else "eager",
        "loss_provenance": "none: nothing has been trained",
    }
    fit = Fit("preview", 0, 0, 0, lrs.size - 1, 0, length, "training", None, "previewed", record)
    epochs = tuple(
        Epoch(
            number,
            number * length,
            (number + 1) * length - 1,
            0.0,
            {name: value for name, values in metrics.items() if (value := values[number]) is not None},
        )
        for number in range(count)
    )
    nothing = np.full(lrs.size, np.nan, dtype=np.float32)
    return Run(
        name="preview",
        version="preview",
        provenance="lrmon",
        step=steps,
        time=np.zeros(lrs.size),
        epoch=steps / length,
        learning_rate=lrs,
        effective_learning_rate=nothing,
        loss=nothing,
        absent={},
        epochs=epochs,
        epoch_positions=np.arange(count, dtype=np.float64),
        epoch_end=float(count),
        fits=(fit,),
        holes=np.empty((0, 2), dtype=np.int64),
        notices=(_NOTICE,),
    )
