"""The recorder: what a training loop calls. Each call checks its arguments and puts one entry."""

from __future__ import annotations

import atexit
import json
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, SupportsFloat

import numpy as np
import numpy.typing as npt

from lrmon import schema
from lrmon.record.arguments import checked_log_dir, checked_step, number, type_name
from lrmon.record.flush_thread import FlushThread, give
from lrmon.record.intake import EpochEnd, FitBegin, FitEnd, FitRevision, Skip
from lrmon.record.journal import Journal
from lrmon.record.recording import Note, Rows, float32, reals
from lrmon.record.warning import warn_of_earlier

if TYPE_CHECKING:
    from typing_extensions import Self

WAIT_SECONDS: Final = 10.0
"""How long `Recorder.flush` and `Recorder.close` wait for a file system that does not answer."""

_open_recorders: Final[weakref.WeakSet[Recorder]] = weakref.WeakSet()


class Recorder:
    """Records a training loop of any framework as TensorBoard scalars and exact records.

    A thread writes every 0.75 seconds, and as soon as 512 batches have come together: at most 1,024 batches
    or one second, whichever comes first, are unwritten, also when the loop raises or is killed, when nothing
    comes for a while, and at the interpreter's exit. The loop waits for no file system that takes longer
    than 0.1 seconds; a loop that outruns the thread waits for it, at most a second a call.

    What a file system refuses is kept (up to 1,048,576 steps) and written later. One that does not answer
    may be 131,072 calls behind. Beyond that steps are dropped, and the run says how many. One warning says
    what happened, and the loop goes on.

    ```python
    with lrmon.Recorder("logs/run1") as recorder:
        for epoch in range(epochs):
            for x, y in data:
                loss = update(x, y)
                recorder.batch(learning_rate=lr, loss=loss)
            recorder.end_epoch({"val_loss": evaluate()})
    ```

    Args:
        log_dir: The run's folder: local, or any path that TensorFlow's or TensorBoard's gfile opens.
        run: What is known of the training: fields of `lrmon.schema.RunRecord`, for the page to show.
        first_step: Step of the first batch, where training goes on from a checkpoint. A training from step 0
            in a folder that holds one already is another run; one warning says so.

    Raises:
        TypeError: `log_dir` is no path.
        ValueError: `log_dir` is empty or has a scheme that nothing installed opens, or `first_step` is
            negative or larger than 2**53.
        OSError: The folder cannot be written to.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        *,
        run: Mapping[str, Any] | None = None,
        first_step: int = 0,
    ) -> None:
        checked_step("first_step", first_step)
        self._prepare(checked_log_dir(log_dir))
        if self.holds_others and first_step == 0:
            warn_of_earlier(self.log_dir, stacklevel=2)
        self.begin_fit(run or {}, first_step=first_step)
        self.flush()

    @classmethod
    def without_fit(cls, log_dir: str, journal: Journal | None = None) -> Recorder:
        """Returns a recorder that waits for `begin_fit`, for who learns the first step only later.

        Args:
            log_dir: Checked.
            journal: Gets what was written.
        """
        recorder = cls.__new__(cls)
        recorder._prepare(log_dir, journal)  # noqa: SLF001 - it is one of us
        return recorder

    def _prepare(self, log_dir: str, journal: Journal | None = None) -> None:
        self.log_dir = log_dir
        # Held by the threads that put entries; the flush thread takes it only where it is free.
        self._lock = threading.RLock()
        self._source: Callable[[], None] | None = None
        self._is_closed = False
        self._thread = FlushThread(log_dir, _method_of(self, Recorder._drain_if_free), journal)
        self._intake = self._thread.intake
        self._warnings = self._thread.warnings
        self._is_over = False
        _open_recorders.add(self)

    @property
    def holds_others(self) -> bool:
        """Whether the folder held other recordings before this one."""
        return self._thread.first_number > 1

    @property
    def next_step(self) -> int:
        """The step of the next batch."""
        return self._intake.next_step

    def batch(
        self,
        *,
        learning_rate: SupportsFloat,
        loss: SupportsFloat,
        effective_learning_rate: SupportsFloat | None = None,
    ) -> None:
        """Records one batch, whose update has been made, in float32.

        Args:
            learning_rate: That this update used.
            loss: Of this batch alone, not a running mean. Any number, non-finite ones included.
            effective_learning_rate: The rate times the optimizer's deterministic scale, for example Adam's
                bias correction; leave it out where there is no such number.

        Raises:
            TypeError: A value is no number. Nothing is recorded of this batch, and nothing else is lost.
            RuntimeError: The recorder is closed.
        """
        row = (
            number("learning_rate", learning_rate),
            None
            if effective_learning_rate is None
            else number("effective_learning_rate", effective_learning_rate),
            number("loss", loss),
            time.time(),
        )
        with self._lock:
            self._check_open()
            weight = self._intake.put_row(*row)
        self._thread.notice(weight)
        if self._warnings:
            give(self._warnings, stacklevel=2)

    def batches(
        self,
        *,
        learning_rate: npt.ArrayLike,
        loss: npt.ArrayLike,
        effective_learning_rate: npt.ArrayLike | None = None,
        wall_time: npt.ArrayLike,
        learning_rates: Mapping[str, npt.ArrayLike] | None = None,
        updates: npt.ArrayLike | None = None,
    ) -> None:
        """Records many consecutive batches at once; as `batch`, with arrays of shape [n].

        Numbers that float32 does not hold are recorded as float64.

        Args:
            learning_rate: See `batch`.
            loss: See `batch`.
            effective_learning_rate: See `batch`.
            wall_time: When each batch ended, seconds since 1970.
            learning_rates: Where several optimizers train one model, the learning rate of each by its name,
                the same names in the same order as the run's ``optimizers``.
            updates: [n, m], how many updates each optimizer made in each batch; one each where left out.

        Raises:
            ValueError: The arrays differ in shape.
            RuntimeError: The recorder is closed.
        """
        lrs, losses, times = reals(learning_rate), reals(loss), np.asarray(wall_time, np.float64)
        effective = None if effective_learning_rate is None else reals(effective_learning_rate)
        named = {name: reals(values) for name, values in (learning_rates or {}).items()}
        others = [*named.values(), *([] if effective is None else [effective])]
        shapes = [lrs.shape, losses.shape, times.shape, *(array.shape for array in others)]
        if len(set(shapes)) != 1 or len(shapes[0]) != 1:
            raise ValueError(f"batches takes arrays of one shape [n], got {', '.join(map(str, shapes))}")
        counts = None if updates is None else float32(updates)
        if counts is not None and (counts.ndim != 2 or len(counts) != len(losses)):
            raise ValueError(f"updates must be of shape [{len(losses)}, m], got {counts.shape}")
        if len(losses):
            self._put(Rows(0, lrs, effective, losses, times, named, counts))

    def skipped(self, steps: Sequence[int]) -> None:
        """Records of which steps the optimizer made no update, since a gradient was not finite.

        Args:
            steps: Ascending, of batches that have been recorded or are recorded next.
        """
        if steps:
            record: schema.SkippedRecord = {"steps": [checked_step("steps", step) for step in steps]}
            self._note(schema.SKIPPED_PREFIX, record["steps"][-1], record)

    def sample(self, sample: schema.SampleRecord) -> None:
        """Records what one update did to the weights."""
        self._note(schema.SAMPLES_PREFIX, checked_step("step", sample["step"]), sample)

    def _note(self, prefix: str, step: int, record: Mapping[str, Any]) -> None:
        self._put(Note(prefix, step, time.time(), schema.to_json(record)))

    def skip(self, batches: int) -> None:
        """Says that so many batches ran of which nothing is known: their steps stay empty."""
        if batches:
            checked_step("batches", self.next_step + batches)
            self._put(Skip(batches))

    def end_epoch(
        self, metrics: Mapping[str, SupportsFloat] | None = None, *, epoch: int | None = None
    ) -> None:
        """Records that an epoch ended with the last batch.

        Args:
            metrics: Of the epoch, by name, for example ``{"loss": 0.31, "val_loss": 0.42}``. A metric that
                this epoch has not got is left out.
            epoch: Its number, 0-based; one more than the epoch before where left out.

        Raises:
            TypeError: A metric is no number; nothing is recorded of this epoch.
            RuntimeError: The recorder is closed.
        """
        metrics = metrics or {}
        values = {str(name): number(name, value) for name, value in metrics.items()}
        types = {str(name): type_name(value) for name, value in metrics.items()}
        self.drain()
        self._put(EpochEnd(epoch, time.time(), values, types))
        if self._warnings:
            give(self._warnings, stacklevel=2)

    def begin_fit(
        self,
        run: Mapping[str, Any],
        *,
        first_step: int,
        first_iteration: int | None = None,
        start_time: float | None = None,
    ) -> None:
        """Records that a training begins, after the one before has ended.

        Args:
            run: Fields of `lrmon.schema.RunRecord`.
            first_step: Step of its first batch. Below `next_step` training was rewound, and a new recording
                begins, so that a reader knows which of two rows of one step is the later.
            first_iteration: The optimizer's counter before the first update; `first_step` where left out.
            start_time: Seconds since 1970; now where left out.

        Raises:
            ValueError: `first_step` is negative or larger than 2**53.
            TypeError: A field of `run` cannot be written as JSON.
        """
        start_time = time.time() if start_time is None else start_time
        checked_step("first_step", first_step)
        begin = FitBegin(
            _frozen(run),
            first_step,
            first_step if first_iteration is None else first_iteration,
            start_time,
            self.next_step,
        )
        self._put(begin)

    def revise_fit(self, fields: Mapping[str, Any]) -> None:
        """Records what has become known of the training that runs.

        Args:
            fields: Of `lrmon.schema.RunRecord`, in place of those that it began with.
        """
        self._put(FitRevision(_frozen(fields)))

    def end_fit(self, ended: str, **fields: Any) -> None:
        """Records how a training ended.

        Args:
            ended: ``completed``, ``stopped`` or ``interrupted: <reason>``.
            fields: Of `lrmon.schema.RunRecord`, in place of those that it began with: what is known only now.
        """
        self._put(FitEnd(ended, _frozen(fields), time.time()))

    def attach(self, source: Callable[[], None] | None) -> None:
        """Sets who is asked for more before each flush, from any thread but one at a time.

        The source answers by calling `begin_fit` and `batches`. It must not raise.
        """
        with self._lock:
            self._source = source

    def flush(self) -> None:
        """Writes what has been recorded so far.

        It waits until that is done or refused, but at most 10 seconds, and only once for a file system that
        does not answer.
        """
        self.drain()
        self._thread.wait_once(WAIT_SECONDS)
        give(self._warnings, stacklevel=2)

    def close(self, ended: str = "completed") -> None:
        """Writes what is left and how the training ended, and closes the file; twice does no harm.

        It waits until that is done, but at most 10 seconds.
        """
        if self._is_over or self._thread.is_anothers:
            return
        if not self._is_closed:
            self.drain()
            self.end_fit(ended)
            self._is_closed = True
        self._source = None
        self._thread.close(WAIT_SECONDS)
        self._is_over = True
        give(self._warnings, stacklevel=2)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close("completed" if kind is None else f"interrupted: {kind.__name__}")

    def __del__(self) -> None:
        if not getattr(self, "_is_over", True):
            self.close("interrupted")

    def drain(self) -> None:
        """Takes what the source still holds, so that `next_step` is up to date; writes nothing."""
        if self._thread.is_anothers:
            return
        with self._lock:
            if self._source is not None:
                self._source()

    def _drain_if_free(self) -> None:
        """As `drain`, for the flush thread: training asks the source itself where it holds the lock."""
        if self._source is not None and self._lock.acquire(blocking=False):
            try:
                self.drain()
            finally:
                self._lock.release()

    def _put(self, payload: Rows | Note | EpochEnd | Skip | FitBegin | FitRevision | FitEnd) -> None:
        with self._lock:
            self._check_open()
            weight = self._intake.put(payload)
        self._thread.notice(weight)

    def _check_open(self) -> None:
        if self._is_closed:
            raise RuntimeError(
                f"the recorder of {self.log_dir!r} is closed; make a new one to go on recording"
            )


def _frozen(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a copy that nobody changes, of what JSON can hold."""
    frozen: dict[str, Any] = json.loads(schema.to_json(fields))
    return frozen


def _method_of(recorder: Recorder, method: Callable[[Recorder], None]) -> Callable[[], None]:
    """The method, held so that it does not keep the recorder alive."""
    reference = weakref.ref(recorder)

    def call() -> None:
        held = reference()
        if held is not None:
            method(held)

    return call


@atexit.register
def _close_all() -> None:
    for recorder in list(_open_recorders):
        recorder.close("interrupted")
