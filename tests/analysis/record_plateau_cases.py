"""Records what the real callback of another Keras does, for machines that have only the newest one.

Run it from the project's folder, with the Keras in question installed (or on PYTHONPATH)::

    python -m tests.analysis.record_plateau_cases keras

and with ``tf_keras`` in place of ``keras`` for that. It replaces the cases of that Keras' rule in
``plateau_cases.json``.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np

from lrmon.analysis.plateau.direction import KerasVersion
from lrmon.analysis.plateau.rule import PlateauRule
from lrmon.schema import number, to_json
from tests.analysis.real_plateau import Case, Outcome, random_cases, real_outcome, tiny_model, version_of

FILE: Final = Path(__file__).with_name("plateau_cases.json")
COUNT: Final = 20
EPOCHS: Final = 12


def record(package: str) -> None:
    """Writes what the installed `package` does into the file."""
    keras: Any = importlib.import_module(package)
    version = version_of(keras)
    model = tiny_model(keras)
    recordings = json.loads(FILE.read_text()) if FILE.exists() else {}
    recordings[version] = {
        "recorded_with": f"{package} {keras.__version__}, NumPy {np.__version__}",
        "cases": [
            [dataclasses.asdict(case), dataclasses.asdict(real_outcome(keras, model, case))]
            for case in random_cases(version, seed=2, count=COUNT, epochs=EPOCHS)
        ],
    }
    FILE.write_text(to_json(recordings).replace('[{"rule"', '\n[{"rule"') + "\n")


def recorded(version: KerasVersion) -> list[tuple[Case, Outcome]]:
    """The recorded cases of a version's rule, and what its callback did."""
    pairs = []
    for case, outcome in json.loads(FILE.read_text())[version]["cases"]:
        settings = case.pop("rule")
        monitor = settings.pop("monitor")
        values = [None if value is None else number(value) for value in case.pop("values")]
        pairs.append((Case(rule=PlateauRule(monitor, **settings), values=values, **case), Outcome(**outcome)))
    return pairs


if __name__ == "__main__":
    record(sys.argv[1])
