"""A preflight warning, and how its text shows numbers and names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PreflightWarning:
    """A problem that is known before the first batch: its cause, its effect, and what to do.

    Attributes:
        code: Names its section in docs/preflight.md.
        text: The sentences, for the user.
        callbacks: Those that it is about.
    """

    code: str
    text: str
    callbacks: tuple[Any, ...] = ()


def figure(number: float) -> str:
    """Returns a number with four significant digits.

    >>> figure(0.10000000149011612), figure(0.0), figure(5.0000002e-05)
    ('0.1', '0', '5e-05')
    """
    return f"{number:.4g}"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Returns the names in one phrase.

    >>> listed(["loss"]), listed(["loss", "mae", "val_loss"])
    ('loss', 'loss, mae and val_loss')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def indefinite(name: str) -> str:
    """Returns the name with its article.

    >>> indefinite("ExponentialDecay"), indefinite("CosineDecay")
    ('an ExponentialDecay', 'a CosineDecay')
    """
    return f"{'an' if name[:1] in 'AEIO' else 'a'} {name}"
