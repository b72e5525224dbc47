"""The executions of a training: the calls of a model's train function, seen as they are made."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, Protocol

_INNER: Final = "lrmon_train_function"


class Listener(Protocol):
    """Hears of the executions of one fit; none of its methods may raise."""

    def before_execution(self) -> None:
        """Hears that the train function is about to be called."""

    def execute(self, train_function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls the train function and returns what it returns."""

    def execution_ended(self) -> None:
        """Hears that it came back, before any callback hears of it."""

    def execution_broke(self) -> None:
        """Hears that it raised: some or all of its steps may have been made."""

    def fit_was_left(self) -> None:
        """Hears that another fit has begun, so that the one it listens to raised."""


class Executions:
    """Stands around a model's train function during one fit.

    No hook of a callback sees every execution: where a callback before it in the list raises, the last one
    is missed, and that is often the one to look at.

    Args:
        model: That trains.
        listener: Hears of every execution.
    """

    def __init__(self, model: Any, listener: Listener) -> None:
        self._model: Final = model
        self._listener: Final = listener
        # Every fit has a History of its own, also one that nobody records.
        self._history: Final = vars(model).get("history")
        self._in_place: Any = None
        self.put_in_place()

    @property
    def is_in_place(self) -> bool:
        """Whether the model still has the train function that this one put there."""
        return self._model.train_function is self._in_place

    def put_in_place(self) -> None:
        """Stands around the train function that the model has now."""
        inner, listener, model, history = (
            self._model.train_function,
            self._listener,
            self._model,
            self._history,
        )

        @functools.wraps(inner)
        def train_function(*arguments: Any) -> Any:
            if vars(model).get("history") is not history:
                listener.fit_was_left()
                return inner(*arguments)
            listener.before_execution()
            try:
                result = listener.execute(inner, *arguments)
            except BaseException:
                listener.execution_broke()
                raise
            listener.execution_ended()
            return result

        setattr(train_function, _INNER, inner)
        self._in_place = self._model.train_function = train_function


def remove(model: Any) -> None:
    """Gives a model its own train function back, also after a fit that raised; twice does no harm."""
    while hasattr(model.train_function, _INNER):
        model.train_function = getattr(model.train_function, _INNER)
