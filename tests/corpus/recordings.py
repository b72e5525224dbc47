"""The corpus as it is kept: recorded trainings with what is known to be wrong with each.

One file holds all trainings of one kind: learning rates and losses of every step as float32, the records of
epochs and fits as JSON. `Case.run` makes a `Run` of them by the assembly that reads event files.
"""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from lrmon.review.reading.decode import Block, decode_epoch, decode_fit
from lrmon.review.reading.merge import DecodedRecording, assemble
from lrmon.review.run.run import Run

FOLDER: Final = Path(__file__).parent / "recordings"
NAME: Final = "1-20250101T000000.000000Z-1"


@dataclass(frozen=True)
class Truth:
    """What is wrong with a training, as it was made.

    Attributes:
        codes: The findings that name it rightly; empty for a healthy training.
        first: The step at which it begins, at the earliest; None where it is in no one place.
        last: At the latest.
    """

    codes: tuple[str, ...] = ()
    first: int | None = None
    last: int | None = None


def is_measured(kind: str, severity: int, seed: int) -> bool:
    """Returns whether no rule was ever tuned on a training.

    Of faults rules were tuned on the first of three seeds, and on the second of every other kind; of healthy
    trainings on every other kind. (Each seed of a fault is another model with other data.)
    """
    other = sum(map(ord, kind)) % 2 == 1
    return (seed == 2 or (seed == 1 and other)) if severity else other


DRAWS: Final = 3
"""So often all measured trainings were drawn anew, since rules were mended after they had been measured."""


def draw(kind: str, severity: int, seed: int) -> int:
    """Returns how often a training was drawn anew."""
    return DRAWS if is_measured(kind, severity, seed) else 0


@dataclass(frozen=True)
class Case:
    """One recorded training.

    Attributes:
        kind: Of fault, or of healthy training.
        severity: 1 to 3 (the worst); 0 for a healthy training.
        seed: Of it.
        truth: What is wrong with it.
        learning_rate: [n] float32.
        loss: [n] float32.
        epochs: Records of epochs.
        fits: Records of fits.
    """

    kind: str
    severity: int
    seed: int
    truth: Truth
    learning_rate: NDArray[np.float32]
    loss: NDArray[np.float32]
    epochs: tuple[dict[str, Any], ...]
    fits: tuple[dict[str, Any], ...]

    @property
    def name(self) -> str:
        """Kind, severity and seed in one word."""
        return f"{self.kind}-{self.severity}-{self.seed}" if self.severity else f"{self.kind}-{self.seed}"

    @property
    def is_measured(self) -> bool:
        """Whether no rule was ever tuned on this training, see `is_measured`."""
        return is_measured(self.kind, self.severity, self.seed)

    def run(self) -> Run:
        """Returns the run, as the review side reads it."""
        rows = np.zeros((self.loss.size, len(schema.BATCH_COLUMNS)), dtype=np.float32)
        rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3] = self.learning_rate, np.nan, self.loss, 0.01
        blocks = [Block(0, 0.0, rows)] if rows.size else []
        epochs = [decode_epoch(_datum(record)) for record in self.epochs]
        fits = [decode_fit(_datum(record), NAME) for record in self.fits]
        recording = DecodedRecording(
            NAME, blocks, [record for record in epochs if record], [record for record in fits if record]
        )
        return assemble(self.name, "1", [recording])

    @property
    def steps_per_epoch(self) -> int | None:
        """Steps of the first epoch; None without epochs."""
        return self.epochs[0]["last_step"] - self.epochs[0]["first_step"] + 1 if self.epochs else None


class _Datum(NamedTuple):
    """A record as TensorBoard hands it over."""

    step: int
    wall_time: float
    numpy: NDArray[Any]


def _datum(record: dict[str, Any]) -> _Datum:
    return _Datum(0, 0.0, np.array(json.dumps(record), dtype=object))


def save(cases: list[Case], folder: Path = FOLDER) -> None:
    """Writes the trainings of one kind into one file."""
    about = [
        {
            "severity": case.severity,
            "seed": case.seed,
            "truth": asdict(case.truth),
            "epochs": case.epochs,
            "fits": case.fits,
            "steps": case.loss.size,
        }
        for case in cases
    ]
    text = schema.to_json(about).encode()
    folder.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    np.savez_compressed(
        file,
        learning_rate=np.concatenate([case.learning_rate for case in cases]),
        loss=np.concatenate([case.loss for case in cases]),
        about=np.frombuffer(text, dtype=np.uint8),
    )
    (folder / f"{cases[0].kind}.npz").write_bytes(file.getvalue())


def load(kind: str, folder: Path = FOLDER) -> list[Case]:
    """Returns the trainings of one kind."""
    with np.load(folder / f"{kind}.npz") as file:
        lrs, losses, text = file["learning_rate"], file["loss"], file["about"].tobytes()
    cases, start = [], 0
    for about in json.loads(text):
        stop = start + about["steps"]
        truth = about["truth"]
        cases.append(
            Case(
                kind=kind,
                severity=about["severity"],
                seed=about["seed"],
                truth=Truth(tuple(truth["codes"]), truth["first"], truth["last"]),
                learning_rate=lrs[start:stop],
                loss=losses[start:stop],
                epochs=tuple(about["epochs"]),
                fits=tuple(about["fits"]),
            )
        )
        start = stop
    return cases


def load_all(folder: Path = FOLDER) -> list[Case]:
    """Returns all trainings, in the order of their kinds."""
    return [case for path in sorted(folder.glob("*.npz")) for case in load(path.stem, folder)]
