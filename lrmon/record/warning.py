"""Warnings that never raise, whatever filter is set."""

from __future__ import annotations

import logging
import warnings

_log = logging.getLogger("lrmon")


def warn(sentence: str, *, stacklevel: int = 1) -> None:
    """Gives a RuntimeWarning; where a filter makes it an error, logs the sentence instead.

    Args:
        sentence: What happened, and what to do.
        stacklevel: 1 for the caller's own line, as that of `warnings.warn`.
    """
    message = f"lrmon: {sentence}"
    try:
        warnings.warn(message, RuntimeWarning, stacklevel=stacklevel + 1)
    except RuntimeWarning:
        _log.warning(message)
