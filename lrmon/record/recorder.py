"""The recorder: takes what a training loop says of its batches and epochs, and counts the steps."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, SupportsFloat, cast

import numpy as np
import numpy.typing as npt

from lrmon import schema
from lrmon.record.arguments import checked_log_dir, number, type_name
from lrmon.record.recording import Note, Reals, Recording, Rows, float32, reals
from lrmon.record.writer import Writer
from lrmon.version import __version__

if TYPE_CHECKING:
    from typing_extensions import Self

_FLUSH_EVERY_SECONDS: Final = 0.75
"""Low enough that with the flush itself no row stays unwritten for longer than a second."""

_open_recorders: Final[weakref.WeakSet[Recorder]] = weakref.WeakSet()


class Recorder:
    """Records a training loop of any framework as TensorBoard scalars and exact records.

    Written in blocks: at most 1,024 batches or one second, whichever comes first, are ever unwritten, also
    when the loop raises, when nothing comes for a while, and at the interpreter's exit. A file system that
    refuses a block gets it again later, in a new event file; one warning says so, and the loop goes on.

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
        first_step: Step of the first batch, where training goes on from a checkpoint.

    Raises:
        TypeError: `log_dir` is no path.
        ValueError: `log_dir` is empty, or has a scheme that nothing installed opens.
        OSError: The folder cannot be written to.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        *,
        run: Mapping[str, Any] | None = None,
        first_step: int = 0,
    ) -> None:
        if first_step < 0:
            raise ValueError(f"first_step must be at least 0, got {first_step}")
        self._prepare(checked_log_dir(log_dir))
        self.begin_fit(run or {}, first_step=first_step)
        self.flush()

    @classmethod
    def without_fit(cls, log_dir: str) -> Recorder:
        """Returns a recorder that waits for `begin_fit`, for who learns the first step only later."""
        recorder = cls.__new__(cls)
        recorder._prepare(log_dir)  # noqa: SLF001 - it is one of us
        return recorder

    def _prepare(self, log_dir: str) -> None:
        self.log_dir = log_dir
        self._writer = Writer(log_dir)
        self._writer.source = _method_of(self, Recorder.drain)
        self._source_lock = threading.RLock()  # taken before _lock, never after
        self._lock = threading.RLock()
        self._rows: list[tuple[float, float | None, float, float]] = []
        self._source: Callable[[], None] | None = None
        self._closed = False
        self._fit: schema.RunRecord | None = None
        self._fits = 0
        self._recording: Recording | None = None
        self._next_step = 0
        self._epoch = 0
        self._epoch_first_step = 0
        _open_recorders.add(self)
        threading.Thread(
            target=_keep_flushing, args=(weakref.ref(self),), name="lrmon-flush", daemon=True
        ).start()

    @property
    def next_step(self) -> int:
        """The step of the next batch."""
        return self._next_step

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
            self._rows.append(row)
            full = len(self._rows) >= schema.ROWS_PER_RECORD
        if full:
            self.flush()

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
        rates, losses, times = reals(learning_rate), reals(loss), np.asarray(wall_time, np.float64)
        effective = None if effective_learning_rate is None else reals(effective_learning_rate)
        named = {name: reals(values) for name, values in (learning_rates or {}).items()}
        others = [*named.values(), *([] if effective is None else [effective])]
        shapes = [rates.shape, losses.shape, times.shape, *(array.shape for array in others)]
        if len(set(shapes)) != 1 or len(shapes[0]) != 1:
            raise ValueError(f"batches takes arrays of one shape [n], got {', '.join(map(str, shapes))}")
        counts = None if updates is None else float32(updates)
        if counts is not None and (counts.ndim != 2 or len(counts) != len(losses)):
            raise ValueError(f"updates must be of shape [{len(losses)}, m], got {counts.shape}")
        with self._lock:
            self._check_open()
            self._put_rows(rates, effective, losses, times, named, counts)

    def skipped(self, steps: Sequence[int]) -> None:
        """Records of which steps the optimizer made no update, since a gradient was not finite.

        Args:
            steps: Ascending, of batches that have been recorded.
        """
        if steps:
            record: schema.SkippedRecord = {"steps": [int(step) for step in steps]}
            self._note(schema.SKIPPED_PREFIX, record["steps"][-1], record)

    def sample(self, sample: schema.SampleRecord) -> None:
        """Records what one update did to the weights."""
        self._note(schema.SAMPLES_PREFIX, sample["step"], sample)

    def _note(self, prefix: str, step: int, record: Mapping[str, Any]) -> None:
        with self._lock:
            self._check_open()
            self._writer.put(Note(prefix, step, time.time(), record))

    def skip(self, batches: int) -> None:
        """Says that so many batches ran of which nothing is known: their steps stay empty."""
        with self._lock:
            self._drain_rows()
            self._next_step += batches

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
        with self._lock:
            self._check_open()
            self._epoch = self._epoch if epoch is None else epoch
            self._writer.put(
                schema.EpochRecord(
                    epoch=self._epoch,
                    first_step=self._epoch_first_step,
                    last_step=self._next_step - 1,
                    wall_time=time.time(),
                    metrics=values,
                    types=types,
                )
            )
            self._epoch += 1
            self._epoch_first_step = self._next_step
        self._writer.warn_once()

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
        """
        start_time = time.time() if start_time is None else start_time
        with self._lock:
            self._check_open()
            if self._fit is not None:
                self.end_fit("interrupted")
            if self._recording is None or first_step < self._next_step:
                self._recording = Recording.started(start_time)
                self._fits = 0
                self._writer.put(self._recording)
            self._next_step = self._epoch_first_step = first_step
            self._epoch = run.get("initial_epoch") or 0
            self._fit = cast(
                schema.RunRecord,
                {
                    "format_version": schema.FORMAT_VERSION,
                    "kind": "training",
                    "recorded_by": f"lrmon {__version__}",
                    "warnings": [],
                    **run,
                    "fit": self._fits,
                    "start_time": start_time,
                    "recording_start_time": self._recording.start_time,
                    "first_step": first_step,
                    "first_iteration": first_step if first_iteration is None else first_iteration,
                    "ended": None,
                    "end_time": None,
                    "last_step": None,
                },
            )
            self._fits += 1
            self._writer.put(self._fit)

    def revise_fit(self, fields: Mapping[str, Any]) -> None:
        """Records what has become known of the training that runs.

        Args:
            fields: Of `lrmon.schema.RunRecord`, in place of those that it began with.
        """
        with self._lock:
            if self._fit is not None:
                self._fit = cast(schema.RunRecord, {**self._fit, **fields})
                self._writer.put(self._fit)

    def end_fit(self, ended: str, **fields: Any) -> None:
        """Records how a training ended.

        Args:
            ended: ``completed``, ``stopped`` or ``interrupted: <reason>``.
            fields: Of `lrmon.schema.RunRecord`, in place of those that it began with: what is known only now.
        """
        with self._lock:
            self._drain_rows()
            if self._fit is None:
                return
            known = cast(schema.RunRecord, {**self._fit, **fields})
            end: schema.RunRecord = {**known, "ended": ended, "end_time": time.time()}
            end["last_step"] = self._next_step - 1 if self._next_step > end["first_step"] else None
            self._writer.put(end)
            self._fit = None

    def attach(self, source: Callable[[], None] | None) -> None:
        """Sets who is asked for more before each flush, from any thread but one at a time.

        The source answers by calling `begin_fit` and `batches`. It must not raise.
        """
        with self._source_lock:
            self._source = source

    def flush(self) -> None:
        """Writes what has been recorded so far."""
        self._writer.flush()
        self._writer.warn_once()

    def close(self, ended: str = "completed") -> None:
        """Writes what is left and how the training ended, and closes the file; twice does no harm."""
        if self._closed or self._writer.is_anothers:
            return
        self.drain()
        with self._lock:
            self.end_fit(ended)
            self._closed = True
        self._writer.source = None
        self._writer.close()
        self._writer.warn_once()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close("completed" if kind is None else f"interrupted: {kind.__name__}")

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close("interrupted")

    def drain(self) -> None:
        """Takes what the source still holds, so that `next_step` is up to date; writes nothing."""
        if self._writer.is_anothers:
            return
        with self._source_lock:
            if self._source is not None:
                self._source()
        with self._lock:
            self._drain_rows()

    def _drain_rows(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            learning_rate, effective, loss, wall_time = zip(*rows, strict=True)
            given = any(value is not None for value in effective)
            self._put_rows(
                float32(learning_rate),
                float32([np.nan if value is None else value for value in effective]) if given else None,
                float32(loss),
                np.array(wall_time),
            )

    def _put_rows(
        self,
        learning_rate: Reals,
        effective: Reals | None,
        loss: Reals,
        wall_time: npt.NDArray[np.float64],
        learning_rates: Mapping[str, Reals] | None = None,
        updates: npt.NDArray[np.float32] | None = None,
    ) -> None:
        if len(loss):
            self._writer.put(
                Rows(
                    self._next_step, learning_rate, effective, loss, wall_time, learning_rates or {}, updates
                )
            )
            self._next_step += len(loss)

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(
                f"the recorder of {self.log_dir!r} is closed; make a new one to go on recording"
            )


def _method_of(recorder: Recorder, method: Callable[[Recorder], None]) -> Callable[[], None]:
    """The method, held so that it does not keep the recorder alive."""
    reference = weakref.ref(recorder)

    def call() -> None:
        held = reference()
        if held is not None:
            method(held)

    return call


def _keep_flushing(reference: weakref.ref[Recorder]) -> None:
    """Flushes until the recorder is closed or nobody holds it any more."""
    while True:
        time.sleep(_FLUSH_EVERY_SECONDS)
        recorder = reference()
        if recorder is None or recorder._closed:  # noqa: SLF001
            return
        # A warning belongs to the thread that trains: the next call from there gives it.
        recorder._writer.flush()  # noqa: SLF001
        del recorder


@atexit.register
def _close_all() -> None:
    for recorder in list(_open_recorders):
        recorder.close("interrupted")
