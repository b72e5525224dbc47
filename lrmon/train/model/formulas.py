"""The formula of a learning-rate schedule, in which i is the iteration, counted from 0."""

from __future__ import annotations

from typing import Any

from lrmon.analysis.learning_rate.schedules import schedule_of_keras


def schedule_formula(schedule: Any) -> str:
    """Returns the formula of a Keras schedule with its settings; for any other, the name of its class."""
    known = schedule_of_keras(schedule)
    return f"{type(schedule).__name__} of i" if known is None else known.formula
