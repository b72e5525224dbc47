"""Callbacks that get into each other's way, or into the optimizer's."""

from __future__ import annotations

import inspect
import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

from lrmon.train.model.models import TF_KERAS
from lrmon.train.model.optimizers import lr_function, parts, schedule_of
from lrmon.train.preflight.problem import PreflightWarning, indefinite
from lrmon.train.preflight.situation import Situation

_PLATEAU, _SCHEDULER, _STOPPING = "ReduceLROnPlateau", "LearningRateScheduler", "EarlyStopping"


def check_callbacks(situation: Situation) -> Iterator[PreflightWarning]:
    """Yields the problems of a fit's list of callbacks."""
    yield from _unsettable(situation)
    yield from _overruled(situation)
    yield from _stopped_first(situation)
    yield from _recorded_twice(situation)


def _unsettable(situation: Situation) -> Iterator[PreflightWarning]:
    """``scheduler-on-schedule``, else ``plateau-on-schedule``: the learning rate is no number to be set."""
    schedulers, plateaus = situation.callbacks_of(_SCHEDULER), situation.callbacks_of(_PLATEAU)
    setters = " and ".join([_SCHEDULER] * bool(schedulers) + [_PLATEAU] * bool(plateaus))
    verb = "are" if schedulers and plateaus else "is"
    for part in parts(situation.model.optimizer):
        name, schedule = type(part.optimizer).__name__, schedule_of(part.optimizer)
        is_legacy = ".legacy." in type(part.optimizer).__module__
        if schedule is not None:
            lr = indefinite(type(schedule).__name__)
            error = "TypeError"
            silent = situation.package == TF_KERAS and not is_legacy
        elif lr_function(part.optimizer) is not None:
            lr, error, silent = "a function", "AttributeError", False
        else:
            continue
        if schedulers:
            code, decided = "scheduler-on-schedule", [(*schedulers, *plateaus)]
            if silent:
                what = "what they set" if plateaus else "what it sets"
                happens = f"which overwrites {what} before a batch has used it"
            else:
                error = "error" if is_legacy else error
                happens = f"and the first epoch will begin with {_article(error)}, which ends the training"
                decided = [(*decided[0], *situation.callbacks_of(_STOPPING))]
        else:
            code, decided = "plateau-on-schedule", [(plateau,) for plateau in plateaus]
            happens = (
                "which overwrites every reduction before a batch has used it"
                if silent
                else f"and its first reduction will end the training with {_article(error)}"
            )
        text = (
            f"{setters} {verb} among the callbacks, but the learning rate of {name} is {lr}, {happens}. "
            f"Give {name} a number as its learning rate, or leave {setters} out."
        )
        yield from (PreflightWarning(code, text, callbacks) for callbacks in decided)
        return


def _article(error: str) -> str:
    return f"an {error}" if error[0] in "Ae" else f"a {error}"


def _overruled(situation: Situation) -> Iterator[PreflightWarning]:
    """``rate-set-twice``: the last LearningRateScheduler does not look at what others have set before it."""
    schedulers = situation.callbacks_of(_SCHEDULER)
    if not schedulers or _looks_at_lr(schedulers[-1].schedule):
        return
    blind = "by a function that does not look at the rate so far"
    for plateau in situation.callbacks_of(_PLATEAU):
        yield PreflightWarning(
            code="rate-set-twice",
            text=(
                f"{_SCHEDULER} sets the learning rate at the start of every epoch, {blind}: every reduction "
                f"of {_PLATEAU}, at the end of an epoch, is undone before a batch has used it. Leave one of "
                "the two out, or let the function take (epoch, learning_rate) and start from the latter."
            ),
            callbacks=(*schedulers, plateau),
        )
    if len(schedulers) > 1:
        yield PreflightWarning(
            code="rate-set-twice",
            text=(
                f"{len(schedulers)} callbacks are a {_SCHEDULER}, and the last of them sets the learning "
                f"rate {blind}: what the others set is never used. Leave them out."
            ),
            callbacks=tuple(schedulers),
        )


def _looks_at_lr(function: Callable[..., Any]) -> bool:
    """Returns whether a scheduler's function takes the learning rate as its second argument.

    Keras calls a function that takes only the epoch with the epoch alone.
    """
    try:
        inspect.signature(function).bind(0, 0.1)
    except TypeError:
        return False
    except ValueError:
        pass  # A built-in without a signature.
    return True


def _stopped_first(situation: Situation) -> Iterator[PreflightWarning]:
    """``stopping-before-plateau``: EarlyStopping is no more patient than ReduceLROnPlateau."""
    for stopping, plateau in itertools.product(
        situation.callbacks_of(_STOPPING), situation.callbacks_of(_PLATEAU)
    ):
        # Keras looks for patience 0 after the first epoch without improvement, as it does for 1.
        stops, reduces = max(1, int(stopping.patience)), max(1, int(plateau.patience))
        if stopping.monitor != plateau.monitor or stops > reduces:
            continue
        if getattr(stopping, "start_from_epoch", 0):
            continue  # Until then it does not count, and reductions may come.
        epochs = "1 epoch" if stops == 1 else f"{stops} epochs"
        if stops == reduces:
            ends = (
                f"both act after {epochs}, and the training ends as the learning rate is reduced, before a "
                "batch has used it"
            )
        else:
            ends = f"the training ends after {epochs}, and the learning rate would be reduced after {reduces}"
        yield PreflightWarning(
            code="stopping-before-plateau",
            text=(
                f"{_STOPPING} (patience {stopping.patience}) and {_PLATEAU} (patience {plateau.patience}) "
                f"both watch {plateau.monitor}: once it stands still, {ends}. Give {_STOPPING} a patience "
                f"well above {reduces}."
            ),
            callbacks=(stopping, plateau),
        )


def _recorded_twice(situation: Situation) -> Iterator[PreflightWarning]:
    """``recorded-twice``: two LRMonitors write to one folder."""
    folders = [
        os.path.normpath(str(callback.log_dir))
        for callback in situation.callbacks
        if type(callback).__name__ == "LRMonitor" and type(callback).__module__.partition(".")[0] == "lrmon"
    ]
    for folder in dict.fromkeys(folders):
        times = folders.count(folder)
        if times > 1:
            yield PreflightWarning(
                code="recorded-twice",
                text=(
                    f"{times} of the callbacks are an LRMonitor that records to {folder!r}: every batch is "
                    "recorded more than once, each time as another run. Leave one, or give each "
                    "its own folder."
                ),
            )
