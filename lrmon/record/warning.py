"""Warnings that never raise, whatever filter is set."""

from __future__ import annotations

import logging
import warnings

_log = logging.getLogger("lrmon")


def warn_of_earlier(log_dir: str, *, stacklevel: int = 1) -> None:
    """Warns that a training starts in a folder that holds an earlier one."""
    warn(
        f"{log_dir!r} holds an earlier training. It stays in TensorBoard and `lrmon report` as a separate "
        "run, named after the folder with '//earlier' and a number. To name it yourself, give each training "
        "its own folder.",
        category=UserWarning,
        stacklevel=stacklevel + 1,
    )


def warn(sentence: str, *, category: type[Warning] = RuntimeWarning, stacklevel: int = 1) -> None:
    """Gives a warning; if a filter makes it an error, logs the sentence instead.

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
