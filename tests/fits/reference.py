"""The tables of docs/exactness.md: each test that trains in one of their ways checks its own cell."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import numpy as np

import reference_table
from lrmon import schema
from tests.fits.framework import SETUP
from tests.recorded import Recorded

PAGE: Final = Path(__file__).parents[2] / "docs/exactness.md"
OPTIMIZERS, WAYS = "optimizers", "ways"

_WORDS: Final = {
    schema.EXACT: "exact",
    schema.BOUNDED: "bounded",
    schema.UNAVAILABLE: "unavailable",
}


class Reference:
    """Compares what a test found with its cell of the tables.

    Under ``make reference`` LRMON_REFERENCE names a folder, and what was found is written there instead.

    Args:
        page: The text of docs/exactness.md.
    """

    def __init__(self, page: str) -> None:
        self._cells: Final = reference_table.column(page, SETUP)

    def optimizer(self, name: str, run: Recorded) -> None:
        """Checks the cell of an optimizer."""
        self._check(OPTIMIZERS, name, _cell(run))

    def way(self, name: str, run: Recorded) -> None:
        """Checks the cell of a way to train."""
        self._check(WAYS, name, _cell(run))

    def refused(self, name: str, error: BaseException) -> None:
        """Checks the cell of a way to train that this set-up's Keras refuses."""
        self._check(WAYS, name, f"Keras raises {type(error).__name__}")

    def _check(self, table: str, row: str, cell: str) -> None:
        if folder := os.environ.get("LRMON_REFERENCE"):
            path = Path(folder) / f"{SETUP}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([table, row, cell]) + "\n")
            return
        expected = self._cells[table].get(row, reference_table.ABSENT)
        assert expected == cell, f"{row!r} in docs/exactness.md; `make reference` makes the tables anew"


def _cell(run: Recorded) -> str:
    """Returns the cell that the run's last record gives, once its columns have been compared with it."""
    exactness = run.fits[-1].get("exactness", {})
    columns = {
        "learning_rate": run.learning_rate,
        "effective_learning_rate": run.effective_learning_rate,
        "loss": run.loss,
    }
    assert len(run.step) > 0
    if (
        not exactness
    ):  # A loop of one's own does not say how exact the values are that it gives to a Recorder.
        exactness = {name: schema.UNAVAILABLE for name, values in columns.items() if np.isnan(values).all()}
    else:
        for name, values in columns.items():
            missing = exactness.get(name) == schema.UNAVAILABLE
            assert missing == bool(np.isnan(values).all()), name
            assert missing == run.fits[-1][f"{name}_provenance"].startswith("none"), name
    return reference_table.cell(**{name: _WORDS[exactness.get(name, schema.EXACT)] for name in columns})
