"""A finding, and how findings write numbers and lists."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Severity = Literal["error", "warning", "info"]

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem or an explanation of a run.

    Attributes:
      code: names the kind of finding; `anchor` is made of it.
      severity: ``error``: the training is broken. ``warning``: it probably does not do what was meant.
        ``info``: an explanation of a curve.
      text: one or two sentences, with the numbers.
      advice: one sentence.
      step: where it starts; None if it has no single position.
      last_step: where it ends, inclusive.
      numbers: the numbers in `text`, by name.
      consequences: the findings that this one explains. Only its text reports them.
    """

    code: str
    severity: Severity
    text: str
    advice: str
    step: int | None = None
    last_step: int | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)
    consequences: tuple[Finding, ...] = ()

    @property
    def anchor(self) -> str:
        """The section of the documentation."""
        return f"docs/findings.md#{self.code}"


def figure(value: float, digits: int = 6) -> str:
    """Returns a number with a few significant digits.

    >>> figure(0.0814506), figure(1e-7), figure(0.1)
    ('0.0814506', '1e-07', '0.1')
    """
    return f"{float(value):.{digits}g}" if math.isfinite(value) else str(float(value))


def percent(value: float) -> str:
    """Returns a share in percent.

    >>> percent(0.05), percent(0.123)
    ('5%', '12%')
    """
    return f"{100 * value:.2g}%" if abs(value) < 0.095 else f"{100 * value:.0f}%"


def listed(items: list[str], most: int = 6) -> str:
    """Returns the items as a list in a sentence.

    >>> listed(["1", "2", "3"]), listed(["1"] * 9, most=2)
    ('1, 2 and 3', '1, 1 and 7 more')
    """
    if len(items) > most:
        items = [*items[:most], f"{len(items) - most:,} more"]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def epochs(count: float) -> str:
    """Returns a number of epochs in words; it can be a fraction.

    >>> epochs(1), epochs(1.25)
    ('1 epoch', '1.25 epochs')
    """
    return f"{count:.3g} epoch{'' if count == 1 else 's'}"
