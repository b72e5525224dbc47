"""Seeing a call that somebody else makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self


class Watch:
    """Sees the calls of one method of one object while a training step runs, and what they return.

    Args:
        owner: The object, or None, which is never called.
        method: Name of its method.
    """

    def __init__(self, owner: Any, method: str) -> None:
        self._owner, self._method = owner, method
        self.arguments: list[tuple[Any, ...]] = []
        self.results: list[Any] = []

    def __enter__(self) -> Self:
        call = getattr(self._owner, self._method, None)
        if call is not None:

            def watched(*args: Any, **kwargs: Any) -> Any:
                result = call(*args, **kwargs)
                self.arguments.append(args)
                self.results.append(result)
                return result

            setattr(self._owner, self._method, watched)
        return self

    def __exit__(self, *_: object) -> None:
        if self._owner is not None:
            vars(self._owner).pop(self._method, None)
