"""Watches calls that other code makes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

_WATCHES = "lrmon_watches"


class Watch:
    """Sees the calls of one method of one object while a training step runs, and what they return.

    Several may watch one method, in any order: the replicas of a model run their steps in threads that
    take turns, and each has to see its own calls alone.

    Args:
        owner: The object, or None, which is never called.
        method: Name of its method.
        any_thread: Whether the calls of other threads than the one that watches are seen too.
    """

    def __init__(self, owner: Any, method: str, *, any_thread: bool = False) -> None:
        self._owner, self._method, self._any_thread = owner, method, any_thread
        self._thread: int | None = None
        self._watched: Any = None
        self.arguments: list[tuple[Any, ...]] = []
        self.keywords: list[dict[str, Any]] = []
        self.results: list[Any] = []

    def __enter__(self) -> Self:
        self._thread = threading.get_ident()
        call = getattr(self._owner, self._method, None)
        if call is not None:
            self._watched = call if hasattr(call, _WATCHES) else _watched(self._owner, self._method, call)
            getattr(self._watched, _WATCHES).append(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._watched is None:
            return
        watches = getattr(self._watched, _WATCHES)
        watches.remove(self)
        if not watches:
            self._watched.lrmon_remove()

    def _see(self, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        if self._any_thread or self._thread == threading.get_ident():
            self.arguments.append(args)
            self.keywords.append(kwargs)
            self.results.append(result)


def _watched(owner: Any, method: str, call: Any) -> Any:
    """Puts a method in place of an object's own that tells its watches of each call."""
    # Not by setattr: Keras' objects track what they are given.
    attributes = vars(owner)
    before = {method: attributes[method]} if method in attributes else {}

    def watched(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        for watch in tuple(getattr(watched, _WATCHES)):
            watch._see(args, kwargs, result)  # noqa: SLF001 - it is one of us
        return result

    def remove() -> None:
        attributes.pop(method, None)
        attributes.update(before)

    vars(watched).update({_WATCHES: [], "lrmon_remove": remove})
    attributes[method] = watched
    return watched
