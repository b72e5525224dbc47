"""One run as the review side sees it: columns of numbers, epochs, fits, and what is missing."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from lrmon.text.html import table_html
from lrmon.text.widths import shortened
from lrmon.text.wording import quantity

if TYPE_CHECKING:
    pass

Provenance = Literal["lrmon", "scalars"]
"""``lrmon``: exact records of every step. ``scalars``: the sample that TensorBoard keeps of scalars."""

T = TypeVar("T")

Reals = NDArray[np.floating[Any]]
"""A column of numbers, float32 or float64."""

_MOST_KEPT: Final = 6
"""So many things that were computed of one run are kept; those unused for the longest time go first."""

SERIES = ("learning_rate", "effective_learning_rate", "loss")
"""The columns of a run that are curves."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch that ended, see `lrmon.schema.EpochRecord`.

    Attributes:
      number: 0-based, as it was recorded. A later fit may count from 0 again.
      last_step: inclusive; ``first_step - 1`` where the epoch had no batch.
      metrics: without those that the epoch has not got.
    """

    number: int
    first_step: int
    last_step: int
    wall_time: float
    metrics: Mapping[str, float]
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fit:
    """One fit, with the fields of its `lrmon.schema.RunRecord` that have a meaning for the review.

    Attributes:
      last_step: None where no end is recorded, or where the fit had no batch.
      kind: ``training`` or ``range_test``: as recorded, or found, see `sweep_from`.
      sweep_from: the first step of a range test that was recorded as a training, since it is the user's own
        and not `lrmon.LRFinder`'s; None for every other fit.
      record: everything that was recorded, as decoded from JSON.
    """

    recording: str
    number: int
    first_step: int
    first_iteration: int
    last_step: int | None
    initial_epoch: int
    steps_per_epoch: int | None
    kind: str
    start_time: float | None
    ended: str | None
    record: Mapping[str, Any]
    sweep_from: int | None = None

    def has(self, column: str) -> bool:
        """Returns whether a column has been recorded: nothing in the record says that it is unavailable.

        A number that is NaN in a column that has been recorded was NaN in the training.

        Args:
          column: ``learning_rate``, ``effective_learning_rate`` or ``loss``.
        """
        provenance, exactness = self.record.get(f"{column}_provenance"), self.record.get("exactness")
        by_column = exactness if isinstance(exactness, Mapping) else {}
        is_none = isinstance(provenance, str) and provenance.startswith("none")
        return not is_none and by_column.get(column) != schema.UNAVAILABLE

    def class_name(self, name: str) -> str | None:
        """Returns the class name in a recorded configuration, None where there is none.

        Args:
          name: ``optimizer`` or ``schedule``.
        """
        config = self.record.get(name)
        class_name = config.get("class_name") if isinstance(config, Mapping) else None
        return class_name if isinstance(class_name, str) else None


@dataclass(frozen=True, slots=True)
class Sample:
    """What one update did to the weights, see `lrmon.schema.SampleRecord`.

    Attributes:
      step: of the update.
      sampled: how many weights were looked at, None where that is not recorded.
      parameters: of how many.
      step_size: the `lrmon.schema.STEP_SIZE_QUANTILES` of their step sizes; None where the optimizer's rule
        is not known.
      update_to_weight: by layer, the size of the update against that of the weights; empty where the update
        could not be told apart.
    """

    step: int
    sampled: int | None
    parameters: int | None
    step_size: tuple[float, ...] | None
    update_to_weight: Mapping[str, float]


def no_steps() -> NDArray[np.int64]:
    """Returns an empty array of steps that cannot be written to."""
    steps = np.empty(0, dtype=np.int64)
    steps.setflags(write=False)
    return steps


class Memo:
    """Keeps what is computed of one run for as long as the run itself; to be used from many threads at once.

    A copy of a run starts with an empty one.
    """

    __slots__ = ("_is_closed", "_kept", "_lock")

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.RLock()
        self._is_closed = False

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Returns what is kept under `key`, computed now if nothing is.

        Threads that ask at once wait for one of them to compute it.
        """
        with self._lock:
            if self._is_closed:
                return compute()
            value: T = self._kept.pop(key) if key in self._kept else compute()
            self._kept[key] = value
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
            return value

    def close(self) -> None:
        """Lets go of everything, and keeps nothing any more.

        What is kept may hold the run itself, and such a ring of objects would occupy memory until Python's
        garbage collector comes by.
        """
        with self._lock:
            self._is_closed = True
            self._kept.clear()

    def __reduce__(self) -> tuple[type[Memo], tuple[()]]:
        return Memo, ()

    def __deepcopy__(self, _: object) -> Memo:
        return Memo()


@dataclass(frozen=True, slots=True)
class Run:
    """A run: one training of a folder, as it was at one moment. Every array is read-only.

    Whatever is computed of a run is computed of this object and kept in its `memo`, so that an answer never
    mixes the rows of two moments.

    Attributes:
      name: TensorBoard's name of the run; of an earlier training in the same folder with its number, see
        `lrmon.review.reading.merge.trainings_of`.
      version: made of what was read, so that it changes when anything of the run would.
      provenance: where the numbers come from.
      step: [n], ascending, each once.
      time: [n], seconds since 1970 (UTC), never descending.
      epoch: [n], place on the epoch axis, never descending: a quarter into the epoch at position 1 is 1.25;
        NaN where nothing is known of epochs.
      learning_rate: [n], that the step's update used; float64 where training used that and float32 does not
        hold it, as the other columns of numbers then are.
      effective_learning_rate: [n], NaN where no single number exists.
      loss: [n], of the step's batch.
      absent: by column, which rows have no value at all; columns that have them all are not in it. Those of
        `learning_rates` stand under ``learning_rate/<name>``.
      epochs: in order.
      epoch_positions: where each of `epochs` begins on the epoch axis. It is the epoch's number, as long as
        numbers do not go back; an epoch of a fit that counts from 0 again comes after those before it.
      epoch_end: place on the epoch axis where the last row's epoch ends, or of the last row in an epoch
        that has not ended. NaN where nothing is known of epochs.
      fits: in order of their first steps.
      holes: [k, 2], first and last step (inclusive) of each stretch of steps that has no row, between the
        first step of the run and its last; see `lrmon.review.reading.pieces.Hole`.
      notices: sentences for the user about what is missing or was not understood.
      learning_rates: by optimizer, [n]: what each used, where several train one model; else empty. In a step
        in which one made no update it is what it would have used.
      updates: by optimizer, [n]: how many updates each made in each step; empty where all made one in each.
      main_updates: [n], those of the optimizer whose learning rate is `learning_rate`; None for one in each.
      skipped: steps of which no update was made, ascending, since a gradient was not finite.
      samples: what single updates did to the weights, in order; empty where that was not asked for.
      memo: what has been computed of this run.
    """

    name: str
    version: str
    provenance: Provenance
    step: NDArray[np.int64]
    time: NDArray[np.float64]
    epoch: NDArray[np.float64]
    learning_rate: NDArray[np.floating[Any]]
    effective_learning_rate: NDArray[np.floating[Any]]
    loss: NDArray[np.floating[Any]]
    absent: Mapping[str, NDArray[np.bool_]]
    epochs: tuple[Epoch, ...]
    epoch_positions: NDArray[np.float64]
    epoch_end: float
    fits: tuple[Fit, ...]
    holes: NDArray[np.int64]
    notices: tuple[str, ...]
    learning_rates: Mapping[str, NDArray[np.floating[Any]]] = field(default_factory=dict)
    updates: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)
    main_updates: NDArray[np.int32] | None = None
    skipped: NDArray[np.int64] = field(default_factory=no_steps)
    samples: tuple[Sample, ...] = ()
    memo: Memo = field(default_factory=Memo, init=False, repr=False, compare=False)

    @property
    def complete(self) -> bool:
        """Whether no step between the first and the last is missing, and nothing is known to be lost."""
        return self.holes.size == 0 and not any(fit.record.get("lost") for fit in self.fits)

    @property
    def kind(self) -> str:
        """``training`` or ``range_test``, as the last fit says."""
        return "range_test" if self.fits and self.fits[-1].kind == "range_test" else "training"

    @property
    def state(self) -> str | None:
        """``running``, ``completed``, ``stopped``, ``interrupted``; None where nothing is known of it."""
        if not self.fits:
            return None
        state = (self.fits[-1].ended or "running").partition(":")[0]
        return state if state in ("running", "completed", "stopped", "interrupted") else None

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The epoch metrics, in the order of their first appearance."""
        return tuple(dict.fromkeys(name for epoch in self.epochs for name in epoch.metrics))

    def recorded(self, column: str) -> NDArray[np.bool_]:
        """Returns which rows have a recorded value of a column, NaN or not; see `Fit.has`."""
        absent = self.absent.get(column)
        recorded = np.ones(self.step.size, dtype=bool) if absent is None else ~absent
        without = [index for index, fit in enumerate(self.fits) if not fit.has(column)]
        if without:
            recorded &= ~np.isin(self.fit_of(self.step), without)
        return recorded

    def fit_of(self, steps: NDArray[np.int64]) -> NDArray[np.intp]:
        """Returns the index in `fits` of the fit that each step belongs to, -1 where that is not known."""
        firsts = np.array([fit.first_step for fit in self.fits], dtype=np.int64)
        return np.searchsorted(firsts, steps, side="right") - 1

    def describe(self, steps_per_epoch: int | None = None) -> str:
        """Returns what the run is in a few words, such as ``completed · 120 steps · 6 epochs of 20 steps``.

        Args:
          steps_per_epoch: of every epoch; left out where epochs differ or it is not known.
        """
        words = [self.state or "", quantity(self.step.size, "step")]
        if self.kind == "range_test":
            words.append("range test")
        else:
            length = f" of {quantity(steps_per_epoch, 'step')}" if steps_per_epoch and self.epochs else ""
            words.append(f"{quantity(len(self.epochs), 'epoch')}{length}")
        if not self.complete:
            words.append("incomplete")
        return " · ".join(word for word in words if word)

    def __repr__(self) -> str:
        return f"<Run {shortened(self.name, 50)!r}: {self.describe()}>"

    def _repr_html_(self) -> str:
        rows: list[tuple[str, str]] = []
        for name in ("optimizer", "schedule"):
            class_name = self.fits[-1].class_name(name) if self.fits else None
            if class_name is not None:
                rows.append((name, class_name))
        for name in SERIES:
            column = getattr(self, name)[self.recorded(name)]
            if column.size:
                rows.append((name.replace("_", " "), f"{column[0]:.4g} first, {column[-1]:.4g} last"))
        if self.epochs:
            rows += [(name, f"{value:.4g} last") for name, value in self.epochs[-1].metrics.items()]
        return table_html(f"{self.name}: {self.describe()}", rows)
