"""The executions of a training: the calls of a model's train function, seen as they are made."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

_EXECUTIONS: Final = "lrmon_executions"


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
    is missed, and that is often the one to look at. Several may stand around one function.

    Args:
        model: That trains.
        listener: Hears of every execution.
    """

    def __init__(self, model: Any, listener: Listener) -> None:
        self._model: Final = model
        self._listener: Final = listener
        # Every fit has a History of its own, also one that nobody records.
        self.history: Final = vars(model).get("history")
        self.inner: Any = None
        self._train_function: Any = None
        for other in list(_around(model)):
            if other.history is not self.history:
                other.leave()  # its fit raised
        self._others: Final = list(_around(model))

    @property
    def is_in_place(self) -> bool:
        """Whether the model's train function is still the one that this one stands around."""
        if self._model.train_function is self._train_function:
            return True
        return any(other is self for other in _around(self._model))

    def put_in_place(self) -> None:
        """Stands around the train function that the model has now, and around whatever stood there before."""
        for other in reversed(self._others):
            if not other.is_in_place:
                other.put_in_place()  # the function has been made anew since
        self._others.clear()
        inner = self.inner = self._model.train_function
        listener, model, history = self._listener, self._model, self.history

        @functools.wraps(inner)
        def train_function(*arguments: Any) -> Any:
            if vars(model).get("history") is not history:
                listener.fit_was_left()
                return self.inner(*arguments)
            listener.before_execution()
            try:
                result = listener.execute(self.inner, *arguments)
            except BaseException:
                listener.execution_broke()
                raise
            listener.execution_ended()
            return result

        setattr(train_function, _EXECUTIONS, self)
        self._train_function = self._model.train_function = train_function

    def leave(self) -> None:
        """Gives the model the train function back that it had; twice does no harm."""
        outer = next((other for other in _around(self._model) if other.inner is self._train_function), None)
        if self._model.train_function is self._train_function:
            self._model.train_function = self.inner
        elif outer is not None:
            outer.inner = self.inner


def _around(model: Any) -> Iterator[Executions]:
    """Yields those that stand around a model's train function, the outermost first."""
    executions = getattr(model.train_function, _EXECUTIONS, None)
    while executions is not None:
        yield executions
        executions = getattr(executions.inner, _EXECUTIONS, None)
