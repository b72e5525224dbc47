"""One run: columns of numbers, epochs, fits, and missing steps."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from lrmon.text.html import table_html
from lrmon.text.widths import shortened
from lrmon.text.wording import quantity

Provenance = Literal["lrmon", "scalars"]
"""``lrmon``: exact records of every step. ``scalars``: the sample that TensorBoard keeps of scalars."""

T = TypeVar("T")

Reals = NDArray[np.floating[Any]]
"""A column of numbers, float32 or float64."""

_MOST_KEPT: Final = 6
"""At most this many results are kept per run; the least recently used one is removed first."""

SERIES = ("learning_rate", "effective_learning_rate", "loss")
"""The columns of a run that are curves."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One completed epoch, see `lrmon.schema.EpochRecord`.

    Attributes:
      number: 0-based, as recorded. A later fit can count from 0 again.
      last_step: inclusive; ``first_step - 1`` if the epoch had no batch.
      metrics: those that the epoch has.
    """

    number: int
    first_step: int
    last_step: int
    wall_time: float
    metrics: Mapping[str, float]
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fit:
    """One fit, with the fields of its `lrmon.schema.RunRecord` that reports use.

    Attributes:
      last_step: None if no end is recorded, or if the fit had no batch.
      kind: ``training`` or ``range_test``: as recorded or as recognized, see `sweep_from`.
      sweep_from: the first step of a range test that was recorded as a training, because `lrmon.LRFinder` did
        not make it; None for every other fit.
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
        """Returns whether a column is recorded: the record does not say that it is unavailable.

        A NaN in a recorded column was NaN in the training.

        Args:
          column: ``learning_rate``, ``effective_learning_rate`` or ``loss``.
        """
        provenance, exactness = self.record.get(f"{column}_provenance"), self.record.get("exactness")
        by_column = exactness if isinstance(exactness, Mapping) else {}
        is_none = isinstance(provenance, str) and provenance.startswith("none")
        return not is_none and by_column.get(column) != schema.UNAVAILABLE

    def class_name(self, name: str) -> str | None:
        """Returns the class name in a recorded configuration, None if there is none.

        Args:
          name: ``optimizer`` or ``schedule``.
        """
        config = self.record.get(name)
        class_name = config.get("class_name") if isinstance(config, Mapping) else None
        return class_name if isinstance(class_name, str) else None


@dataclass(frozen=True, slots=True)
class Sample:
    """The effect of one update on the weights, see `lrmon.schema.SampleRecord`.

    Attributes:
      step: of the update.
      sampled: how many weights were sampled, None if that is not recorded.
      parameters: the number of all weights.
      step_size: the `lrmon.schema.STEP_SIZE_QUANTILES` of their step sizes; None if the optimizer's rule
        is unknown.
      update_to_weight: by layer, the size of the update relative to the weights; empty if the update is
        unknown.
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
    """Keeps results that were computed from one run, as long as the run; many threads can use it at once.

    A copy of a run starts with an empty memo.
    """

    __slots__ = ("_is_closed", "_kept", "_lock")

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.RLock()
        self._is_closed = False

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Returns the result that is kept under `key`; computes it if there is none.

        Threads that ask at the same time wait until one of them has computed it.
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
        """Removes all results, and keeps no further ones.

        A result can refer to the run, and such a cycle would occupy memory until Python's garbage collector
        runs.
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
    """A run: one training of a folder at one moment. Every array is read-only.

    Results that are computed from a run are kept in its `memo`, so an answer never mixes the rows of two
    moments.

    Attributes:
      name: TensorBoard's name of the run; of an earlier training in the same folder with its number, see
        `lrmon.review.reading.merge.trainings_of`.
      version: a digest of the data, which changes when anything of the run changes. provenance: where the
      numbers come from. step: [n], ascending, each once. time: [n], seconds since 1970 (UTC), never
      descending. epoch: [n], position on the epoch axis, never descending: a quarter into the epoch at
      position 1 is 1.25;
        NaN if the epochs are unknown.
      learning_rate: [n], of the update of each step; float64 if the training used numbers that are not
        float32, as are the other columns of numbers then.
      effective_learning_rate: [n], NaN if there is no single number.
      loss: [n], of the step's batch.
      absent: by column, the rows without a value; complete columns are not in it. The columns of
        `learning_rates` are called ``learning_rate/<name>``.
      epochs: in order.
      epoch_positions: where each of `epochs` starts on the epoch axis. It is the epoch's number, unless the
        numbers go back; an epoch of a fit that counts from 0 again is after those before it.
      epoch_end: the position on the epoch axis where the epoch of the last row ends, or that of the last row
        in an epoch that has not ended. NaN if the epochs are unknown.
      fits: in order of their first steps.
      holes: [k, 2], first and last step (inclusive) of each part of steps without a row, between the
        first step of the run and its last; see `lrmon.review.reading.pieces.Hole`.
      notices: sentences for the user about missing data and data that could not be decoded.
      learning_rates: by optimizer, [n]: the learning rate of each of several optimizers; empty for one. In a
        step without an update, it is the one that the update would have used.
      updates: by optimizer, [n]: how many updates each made in each step; empty if all made one in each.
      main_updates: [n], those of the optimizer whose learning rate is `learning_rate`; None for one in each.
      skipped: the skipped steps, ascending: a gradient was not finite.
      samples: the effect of single updates on the weights, in order; empty if they were not requested.
      memo: results that were computed from this run.
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
        """Whether no step between the first and the last is missing, and no data is known to be lost."""
        return self.holes.size == 0 and not any(fit.record.get("lost") for fit in self.fits)

    @property
    def kind(self) -> str:
        """``training`` or ``range_test``, as the last fit says."""
        return "range_test" if self.fits and self.fits[-1].kind == "range_test" else "training"

    @property
    def state(self) -> str | None:
        """``running``, ``completed``, ``stopped``, ``interrupted``; None if it is unknown."""
        if not self.fits:
            return None
        state = (self.fits[-1].ended or "running").partition(":")[0]
        return state if state in ("running", "completed", "stopped", "interrupted") else None

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The epoch metrics, in the order of their first appearance."""
        return tuple(dict.fromkeys(name for epoch in self.epochs for name in epoch.metrics))

    def recorded(self, column: str) -> NDArray[np.bool_]:
        """Returns which rows have a recorded value in a column, NaN or not; see `Fit.has`."""
        absent = self.absent.get(column)
        recorded = np.ones(self.step.size, dtype=bool) if absent is None else ~absent
        without = [index for index, fit in enumerate(self.fits) if not fit.has(column)]
        if without:
            recorded &= ~np.isin(self.fit_of(self.step), without)
        return recorded

    def fit_of(self, steps: NDArray[np.int64]) -> NDArray[np.intp]:
        """Returns the index in `fits` of the fit of each step, -1 if it is unknown."""
        firsts = np.array([fit.first_step for fit in self.fits], dtype=np.int64)
        return np.searchsorted(firsts, steps, side="right") - 1

    def describe(self, steps_per_epoch: int | None = None) -> str:
        """Returns the run in a few words, such as ``completed · 120 steps · 6 epochs of 20 steps``.

        Args:
          steps_per_epoch: of every epoch; None if the epochs differ or it is unknown.
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
