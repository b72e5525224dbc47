"""Arguments in the user's source that Keras takes and does nothing with."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator
from typing import Any, Final

from lrmon.train.models import KERAS, TF_KERAS
from lrmon.train.optimizers import parts, schedule_of
from lrmon.train.preflight.fit import kind
from lrmon.train.preflight.problem import Problem, listed
from lrmon.train.preflight.situation import Situation
from lrmon.train.preflight.source import Call, calls

_PLATEAU: Final = "ReduceLROnPlateau"
_NO_DECAY: Final = ("0", "0.0", "None")


def find(situation: Situation) -> Iterator[Problem]:
    """Yields ``ignored-argument``, ``ignored-decay`` and ``ignored-lr``.

    Such an argument leaves no trace in the object, so the source is read, of the files from which `fit` was
    called. Only classes that are at work in this fit count.
    """
    plateaus = [each for each in situation.callbacks if kind(each) == _PLATEAU]
    optimizers = [part.optimizer for part in parts(situation.model.optimizer)]
    classes = {type(each).__name__: type(each) for each in optimizers if _is_keras(type(each))}
    if plateaus:
        classes[_PLATEAU] = _keras_class(type(plateaus[0]))
    seen: set[str] = set()
    for call in calls(situation.fit.callers, frozenset(classes)):
        if call.path.partition(".")[0] not in ("tensorflow", situation.package):
            continue
        cls = classes[call.class_name]
        if call.class_name == _PLATEAU:
            problems = _of_plateau(situation, call, cls)
        else:
            has_schedule = any(type(each) is cls and schedule_of(each) is not None for each in optimizers)
            problems = _of_optimizer(situation, call, cls, has_schedule=has_schedule)
        for problem in problems:
            if problem.text not in seen:
                seen.add(problem.text)
                yield problem


def _of_plateau(situation: Situation, call: Call, cls: type) -> Iterator[Problem]:
    known = _parameters(cls)
    if not _swallows(cls):
        return
    for name, (value, line) in call.keywords.items():
        if name in known or (name == "epsilon" and situation.package == TF_KERAS):
            continue
        meant = "min_delta" if name == "epsilon" else _meant(name, list(known))
        yield Problem(
            code="ignored-argument",
            text=(
                f"{_place(call, line)} gives {_PLATEAU} {name}={value}, which {situation.release} ignores"
                f"{_instead(call, known, meant, value)}"
            ),
        )


def _of_optimizer(situation: Situation, call: Call, cls: type, *, has_schedule: bool) -> Iterator[Problem]:
    known = _parameters(cls)
    is_legacy = ".legacy." in cls.__module__ or ".legacy." in call.path
    if is_legacy:
        return
    if situation.package == KERAS and "decay" in call.keywords and "decay" not in known:
        value, line = call.keywords["decay"]
        if value not in _NO_DECAY:
            yield Problem(
                code="ignored-decay",
                text=(
                    f"{_place(call, line)} gives {call.class_name} decay={value}, which {situation.release} "
                    f"ignores: the learning rate will not decay by it. "
                    + _with_decay(call, known, value, has_schedule=has_schedule)
                ),
            )
    if situation.package == TF_KERAS and "lr" in call.keywords and "lr" not in known:
        value, line = call.keywords["lr"]
        yield Problem(
            code="ignored-lr",
            text=(
                f"{_place(call, line)} gives {call.class_name} lr={value}, which {situation.release} ignores"
                f"{_instead(call, known, 'learning_rate', value)}"
            ),
        )


def _place(call: Call, line: int) -> str:
    return f"Line {line} of {call.file}"


def _instead(call: Call, known: dict[str, Any], meant: str | None, value: str) -> str:
    """What holds instead of an ignored argument, and what to write."""
    if meant is None:
        return f". Leave it out: there are {listed(list(known))}."
    given = _given(call, known, meant)
    if given is not None:
        return f": {meant} is {given}. Leave it out."
    return f": {meant} keeps its default, {known[meant]!r}. Write {meant}={value}."


def _with_decay(call: Call, known: dict[str, Any], value: str, *, has_schedule: bool) -> str:
    if has_schedule:
        return "Put the decay into the schedule that it has as its learning rate."
    base = _given(call, known, "learning_rate") or repr(known.get("learning_rate"))
    return (
        "Write learning_rate=keras.optimizers.schedules.InverseTimeDecay("
        f"{base}, decay_steps=1, decay_rate={value})."
    )


def _given(call: Call, known: dict[str, Any], name: str) -> str | None:
    """The source of the value that a call gives an argument, None where it gives none."""
    if name in call.keywords:
        return call.keywords[name][0]
    position = list(known).index(name) if name in known else len(call.positional)
    return call.positional[position] if position < len(call.positional) else None


def _meant(name: str, known: list[str]) -> str | None:
    squashed = {each.replace("_", ""): each for each in known}
    close = difflib.get_close_matches(name.lower().replace("_", ""), squashed, n=1, cutoff=0.7)
    return squashed[close[0]] if close else None


def _parameters(cls: Any) -> dict[str, Any]:
    """The arguments that a class has by name, with their defaults."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return {each.name: each.default for each in parameters if each.kind in named}


def _swallows(cls: Any) -> bool:
    parameters = inspect.signature(cls.__init__).parameters.values()
    return any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)


def _is_keras(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in (KERAS, TF_KERAS)


def _keras_class(cls: type) -> type:
    return next(each for each in cls.__mro__ if each.__name__ == _PLATEAU and _is_keras(each))
