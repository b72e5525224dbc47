"""Warnings that never raise, whatever filter is set."""

from __future__ import annotations

import logging
import warnings

_log = logging.getLogger("lrmon")


def warn(sentence: str, *, category: type[Warning] = RuntimeWarning, stacklevel: int = 1) -> None:
    """Gives a warning; where a filter makes it an error, logs the sentence instead.

    Args:
        sentence: What happened, and what to do.
        category: Of the warning.
        stacklevel: 1 for the caller's own line, as that of `warnings.warn`.
    """
    message = f"lrmon: {sentence}"
    try:
        warnings.warn(message, category, stacklevel=stacklevel + 1)
    except Warning:
        _log.warning(message)
