"""One row of a list of runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrmon.review.run.numbers import shortest
from lrmon.review.run.run import Run

UNKNOWN = "-"
"""An unknown value. It is ASCII, so every encoding has it."""

HEADINGS = ("run", "kind", "steps", "epochs", "optimizer", "last LR", "last loss")
"""The headings of the cells of an outline."""


@dataclass(frozen=True, slots=True)
class Outline:
    """One row of a list of runs.

    Attributes:
      name: the run's name in TensorBoard.
      kind: ``training`` or ``range test``.
      steps: how many steps are recorded.
      epochs: how many epochs have ended.
      optimizer: class name of the last fit's optimizer, None if it is unknown.
      schedule: class name of its schedule, None if there is none or it is unknown.
      learning_rate: of the last step, None if it is not recorded.
      loss: of the last step, None if it is not recorded.
    """

    name: str
    kind: str
    steps: int
    epochs: int
    optimizer: str | None
    schedule: str | None
    learning_rate: float | None
    loss: float | None

    def cells(self) -> list[str]:
        """Returns the row that belongs below `HEADINGS`."""
        method = ", ".join(name for name in (self.optimizer, self.schedule) if name)
        return [
            self.name,
            self.kind,
            f"{self.steps:,}",
            f"{self.epochs:,}",
            method or UNKNOWN,
            *(UNKNOWN if value is None else f"{value:.4g}" for value in (self.learning_rate, self.loss)),
        ]


def outline(run: Run) -> Outline:
    """Returns the row of a run."""
    last = run.fits[-1:]
    return Outline(
        name=run.name,
        kind=run.kind.replace("_", " "),
        steps=run.step.size,
        epochs=len(run.epochs),
        optimizer=last[0].class_name("optimizer") if last else None,
        schedule=last[0].class_name("schedule") if last else None,
        learning_rate=_last(run, "learning_rate", run.learning_rate),
        loss=_last(run, "loss", run.loss),
    )


def _last(run: Run, name: str, column: NDArray[np.floating[Any]]) -> float | None:
    return float(shortest(column[-1:])[0]) if column.size and bool(run.recorded(name)[-1]) else None
