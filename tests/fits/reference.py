"""What the tests found out, for the tables in README's reference: each row is told by a test that passed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from lrmon import schema
from tests.fits.framework import SETUP
from tests.recorded import Recorded

PROPERTY: Final = "reference"
OPTIMIZERS, WAYS = "optimizers", "ways"

found: Final[dict[str, dict[str, dict[str, str]]]] = {OPTIMIZERS: {}, WAYS: {}}
"""By table and row, by column of the record its exactness; or ``refused by Keras``: which error."""


class Reference:
    """Tells rows of the tables.

    Args:
        record: pytest's ``record_property``.
    """

    def __init__(self, record: Callable[[str, object], None]) -> None:
        self._record: Final = record

    def optimizer(self, name: str, run: Recorded) -> None:
        """Tells what was recorded of an optimizer."""
        self._tell(OPTIMIZERS, name, _exactness(run))

    def way(self, name: str, run: Recorded) -> None:
        """Tells what was recorded of a way to fit."""
        self._tell(WAYS, name, _exactness(run))

    def refused(self, name: str, error: BaseException) -> None:
        """Tells that this set-up's Keras does not train in this way."""
        self._tell(WAYS, name, {"refused by Keras": type(error).__name__})

    def _tell(self, table: str, row: str, result: dict[str, str]) -> None:
        self._record(PROPERTY, json.dumps([table, row, result]))


def _exactness(run: Recorded) -> dict[str, str]:
    """What the run's last record says of its columns, and that the rows do not belie it."""
    said = run.fits[-1].get("exactness", {})
    columns = {
        "learning_rate": run.learning_rate,
        "effective_learning_rate": run.effective_learning_rate,
        "loss": run.loss,
    }
    assert len(run.step) > 0
    if not said:  # a loop of one's own says nothing of what it hands to a Recorder
        return {
            name: schema.NOT_AVAILABLE if np.isnan(values).all() else schema.EXACT
            for name, values in columns.items()
        }
    for name, values in columns.items():
        missing = said.get(name) == schema.NOT_AVAILABLE
        assert missing == bool(np.isnan(values).all()), name
        assert missing == run.fits[-1][f"{name}_source"].startswith("none"), name
    return {name: said.get(name, schema.EXACT) for name in columns}


def keep(properties: list[tuple[str, Any]]) -> None:
    """Takes over what a test that passed has told.

    Raises:
        ValueError: Another test told otherwise.
    """
    for name, value in properties:
        if name == PROPERTY:
            table, row, result = json.loads(value)
            if found[table].setdefault(row, result) != result:
                raise ValueError(f"two tests tell of {row!r}: {found[table][row]} and {result}")


def write() -> None:
    """Writes what this process found into the folder that LRMON_REFERENCE names, if it names one."""
    if (folder := os.environ.get("LRMON_REFERENCE")) and any(found.values()):
        path = Path(folder) / f"{SETUP}-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1), encoding="utf-8")
