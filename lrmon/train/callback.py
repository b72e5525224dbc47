"""The callback: stands in `fit`, and hands what the training step writes to the recorder."""

from __future__ import annotations

import contextlib
import functools
import os
import time
import warnings
import weakref
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numpy as np

from lrmon.record.arguments import checked_log_dir
from lrmon.record.event_file import unused_folder
from lrmon.record.recorder import Recorder
from lrmon.train.base import Callback
from lrmon.train.description import checked_plateau, described_fit, described_plateau, exactness
from lrmon.train.effective import effective_rate
from lrmon.train.feed import RingFeed
from lrmon.train.models import (
    backend_of,
    is_chief,
    is_distributed,
    keras_of,
    loss_tracker,
    steps_per_execution,
    unrecordable,
)
from lrmon.train.optimizers import counter, innermost, parts, scales_loss
from lrmon.train.outside import NOT_CALLED, OutsideRing, remove_outside, rings_of
from lrmon.train.preflight import Fit, fit_seen, own_plateau, preflight
from lrmon.train.ring.base import StepRing, uninstall
from lrmon.train.ring.installation import BACKENDS
from lrmon.train.step_sizes.sampler import StepSizes, checked_interval

_Hook = TypeVar("_Hook", bound=Callable[..., None])


def _harmless(hook: _Hook) -> _Hook:
    """The hook, in which an error of ours ends the recording with one warning, and never the training."""

    @functools.wraps(hook)
    def guarded(self: LRMonitor, *args: Any, **kwargs: Any) -> None:
        try:
            if self._problem is None:
                hook(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, the training is worth more
            self._problem = f"{type(error).__name__}: {error}"
        self._warn_of_problem()

    return cast(_Hook, guarded)


class LRMonitor(Callback):
    """Records every batch's learning rate, loss and effective learning rate while `fit` trains.

    ```python
    model.fit(x, y, callbacks=[lrmon.LRMonitor("logs/run1")])
    ```

    and then ``tensorboard --logdir logs``. It may stand anywhere in the list of callbacks. Of every batch it
    records the learning rate that its update used and the batch's own loss, both read inside the training
    step, and of every epoch the metrics that Keras logs. Training, history and random numbers are the same
    with and without it.

    Args:
        log_dir: The run's own folder: local, or any path that TensorFlow's or TensorBoard's gfile opens.
            Fits with one folder are one run as long as the optimizer goes on counting; where it starts anew,
            another training begins in the same folder. Copies of the monitor (pickled, deep-copied, cloned
            with a scikit-learn estimator) record to ``fit-1``, ``fit-2``, … in it, each to one of its own,
            and so does a monitor that is given another model, as in a cross-validation.
        plateau: The fit's own ``ReduceLROnPlateau``, or an `lrmon.PlateauRule`: the settings that the plugin
            starts from when it marks plateaus. The one in the fit's list is found by itself; the reductions
            that it made are held against those that the rule would have made.
        step_sizes_every: Every so many steps an update is sampled, from about 10,000 of the weights: the
            distribution of the step size of a weight, such as Adam's lr · cₜ / (√v + ε), and how far the
            update moved each layer, ‖Δw‖ / ‖w‖. A sample waits for the device and takes some milliseconds;
            Lamb's and Adafactor's read all weights. None for no samples.

    Where several workers train one model (MultiWorkerMirroredStrategy) each of them needs a monitor in its
    list, the same in all, since they exchange their losses; the chief alone writes.

    Raises:
        TypeError: `log_dir` is no path, `plateau` has not the settings of a ReduceLROnPlateau, or
            `step_sizes_every` is no whole number.
        ValueError: `log_dir` is empty, or `step_sizes_every` is below 1.

    At the start of `fit`, before anything is trained, it raises RuntimeError where it cannot record (Keras
    on another backend than TensorFlow, JAX and PyTorch, or under ParameterServerStrategy), TypeError for a
    model that is neither Keras 3's nor tf_keras', and OSError or ValueError where the folder cannot be
    written to. After that it never raises: a problem becomes one warning, and training goes on.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        *,
        plateau: Any = None,
        step_sizes_every: int | None = None,
    ) -> None:
        super().__init__()
        self.log_dir: Final = checked_log_dir(log_dir)
        self._plateau: Final = checked_plateau(plateau)
        self._step_sizes_every: Final = checked_interval(step_sizes_every)
        self._step_sizes: StepSizes | None = None
        self._recorder: Recorder | None = None
        self._feed: RingFeed | None = None
        self._ring: StepRing | None = None
        self._outside: OutsideRing | None = None
        self._rows_before = (0, 0)
        self._steps_per_execution = 1
        self._optimizer: Any = None
        self._trained: weakref.ref[Any] | None = None
        self._next_iteration: int | None = None
        self._first_epoch = 0
        self._batch_size: int | None = None
        self._counts_samples = False
        self._problem: str | None = None
        self._warned = False
        self._foretold: list[str] = []
        self._is_copy = False

    def __getstate__(self) -> dict[str, Any]:
        """Returns the settings alone: a copy, pickled or deep-copied, records a training of its own."""
        names = (
            "_model",
            "params",
            "_recorder",
            "_feed",
            "_ring",
            "_outside",
            "_step_sizes",
            "_optimizer",
            "_trained",
        )
        fresh = dict.fromkeys(names)
        return {**vars(self), **fresh, "_next_iteration": None, "_problem": None, "_is_copy": True}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Opens the event file and puts the ring into the training step."""
        _check_can_record(self.model)
        self._end_fit("interrupted")
        self._problem, self._warned = None, False
        if self._recorder is not None and self._starts_another_model():
            self._recorder.close()
            self._recorder, self._is_copy = None, True
        self._trained = weakref.ref(self.model)
        if self._recorder is None and is_chief(self.model):
            self._recorder = Recorder.without_fit(self._own_log_dir())
        self._begin_fit(fit_seen(self.model))

    @_harmless
    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes where the epoch's first step lies."""
        if self._feed is not None:
            if not self._feed.began:
                self._first_epoch = epoch
            self._feed.epoch_began()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Now and then, if that was asked for, reads the weights that the update will change."""
        if self._step_sizes is not None:
            self._step_sizes.before_execution()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the time, and now and then has the rows written."""
        if self._outside is not None:
            self._choose_ring(self._outside)
        if self._step_sizes is not None:
            # A sample must be there before its row may be read.
            self._step_sizes.execution_ended()
        if self._ring is not None:
            self._tell(self._ring.execution_ended, self._steps_per_execution)
        if self._feed is None:
            return
        # Keras itself may be at work on the model where it calls us in another thread, as a bare callback.
        if self._batch_size is None and not self._counts_samples and not is_distributed(self._model):
            self._batch_size = _batch_size(self._model)
        is_full = self._step_sizes is not None and self._step_sizes.is_full
        if self._feed.execution_ended() or is_full:
            self._flush()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Records the epoch's metrics."""
        if self._ring is not None:
            self._tell(self._ring.epoch_ended)
        self._end_epoch(epoch, logs)

    @_harmless
    def _end_epoch(self, epoch: int, logs: dict[str, Any] | None) -> None:
        if self._recorder is None or self._feed is None:
            return
        self._recorder.drain()
        if self._feed.began:
            self._recorder.end_epoch(_scalars(logs or {}), epoch=epoch)

    @_harmless
    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Writes what is left; the file stays open for a further fit."""
        self._end_fit("stopped" if self.model.stop_training else "completed")
        uninstall(self.model)
        remove_outside(self.model)

    def _starts_another_model(self) -> bool:
        """Whether the model is none that this monitor has seen, and begins its training."""
        if self._trained is None or self._trained() is self._model:
            return False
        return all(int(_array(counter(part.optimizer))) == 0 for part in parts(self.model.optimizer))

    def _own_log_dir(self) -> str:
        """The folder to record to: of a copy one that no other copy has."""
        return unused_folder(self.log_dir, "fit-") if self._is_copy else self.log_dir

    def _tell(self, hook: Callable[..., None], *arguments: Any) -> None:
        """Lets the ring hear of something, also after a problem: the other workers count on this one."""
        try:
            hook(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, the training is worth more
            self._problem = self._problem or f"{type(error).__name__}: {error}"
        self._warn_of_problem()

    @_harmless
    def _begin_fit(self, fit: Fit) -> None:
        model, start_time = self.model, time.time()
        (self._ring, self._outside), self._steps_per_execution = rings_of(model), steps_per_execution(model)
        self._counts_samples = self._ring.counts_samples
        if self._recorder is None:
            return
        if self._outside is not None:
            self._rows_before = self._ring.count(), self._outside.count()
        recorder, first_ring = self._recorder, self._ring
        found = parts(model.optimizer)
        optimizer = found[0].optimizer if found else innermost(model.optimizer)
        effective = effective_rate(optimizer)
        foretold = preflight(model, self.params, fit, plateau=self._plateau)
        _warn(foretold)
        run = {
            **described_fit(model, self.params or {}, effective),
            "plateau": described_plateau(self._plateau or own_plateau(fit), model),
            "step_sizes_every": self._step_sizes_every,
        }
        step_sizes = self._step_sizes = (
            None
            if self._step_sizes_every is None
            else StepSizes(model, first_ring, self._step_sizes_every, self._steps_per_execution)
        )
        if step_sizes is not None:
            notes = (run["effective_learning_rate_note"], step_sizes.formula)
            run["effective_learning_rate_note"] = " ".join(filter(None, notes)) or None
        went_on_from = self._next_iteration if optimizer is self._optimizer else None
        self._optimizer, self._batch_size, self._foretold = optimizer, None, foretold

        def begin(iteration: int) -> None:
            ring = first_ring if self._feed is None else self._feed.ring
            seen = ring.told(run) if isinstance(ring, OutsideRing) else {}
            recorder.begin_fit(
                {
                    **run,
                    "exactness": exactness(
                        run["learning_rate_source"], run["effective_learning_rate_source"], ring.loss_source
                    ),
                    **seen,
                    "initial_epoch": self._first_epoch,
                    "batch_size": self._batch_size or ring.batch_size,
                    "loss_source": ring.loss_source,
                    "warnings": [*foretold, *_warnings(ring, step_sizes)],
                },
                first_step=recorder.next_step if iteration == went_on_from else iteration,
                first_iteration=iteration,
                start_time=start_time,
            )

        self._feed = RingFeed(
            first_ring,
            recorder,
            effective,
            self._steps_per_execution,
            begin,
            marks_skipped=scales_loss(model.optimizer),
            step_sizes=step_sizes,
        )
        recorder.attach(self._read)

    @_harmless
    def _choose_ring(self, outside: OutsideRing) -> None:
        """After the first step: goes on with what was seen from outside, if the step has written no row."""
        self._outside = None
        in_ring, in_outside = self._rows_before
        if self._ring is None or self._ring is outside:
            return
        if self._ring.count() > in_ring or self._feed is None:
            remove_outside(self._model)
            return
        outside.problem = outside.problem or self._ring.problem or NOT_CALLED
        self._ring = outside
        self._feed.change_ring(outside, in_outside)
        if self._step_sizes is not None:
            self._step_sizes.problem = f"no step sizes were sampled: {outside.problem}"

    def _end_fit(self, ended: str) -> None:
        feed, ring = self._feed, self._ring
        self._ring = self._outside = None
        if ring is not None and ended == "interrupted":
            self._tell(ring.interrupted)
        if feed is None or self._recorder is None:
            return
        self._recorder.attach(None)
        self._read(unfinished=True)
        if feed.began:
            self._next_iteration = feed.next_iteration
            self._recorder.end_fit(ended, warnings=[*self._foretold, *_warnings(ring, self._step_sizes)])
        self._feed = self._step_sizes = None
        self._recorder.flush()

    def _read(self, *, unfinished: bool = False) -> None:
        """Has the feed hand on what the ring holds; from any thread, so a problem is only noted here."""
        try:
            if self._feed is not None:
                self._feed.read(unfinished=unfinished)
        except Exception as error:  # noqa: BLE001 - whatever it is, the training is worth more
            self._problem = f"{type(error).__name__}: {error}"

    @_harmless
    def _flush(self) -> None:
        if self._recorder is not None:
            self._recorder.flush()

    def _warn_of_problem(self) -> None:
        if self._problem is None or self._warned:
            return
        self._warned = True
        self._feed = None
        if self._recorder is not None:
            self._recorder.attach(None)
        warnings.warn(
            f"lrmon stopped recording to {self.log_dir!r}: {self._problem}. Training goes on.",
            RuntimeWarning,
            stacklevel=3,
        )


def _check_can_record(model: Any) -> None:
    if keras_of(model) is None:
        raise TypeError(
            "LRMonitor records models of Keras 3 and of tf_keras, "
            f"got a {type(model).__module__}.{type(model).__name__}; lrmon.Recorder records any training loop"
        )
    if backend_of(model) not in BACKENDS:
        raise RuntimeError(
            f"LRMonitor records Keras on {', '.join(BACKENDS)}, and this is Keras on {backend_of(model)}; "
            "lrmon.Recorder records any training loop"
        )
    reason = unrecordable(model)
    if reason is not None:
        raise RuntimeError(f"{reason}; lrmon.Recorder records any training loop")


def _warn(sentences: list[str]) -> None:
    """Gives each as a warning; where warnings are errors, training still is not to end by ours."""
    for sentence in sentences:
        with contextlib.suppress(UserWarning):
            warnings.warn(f"lrmon: {sentence}", UserWarning, stacklevel=4)


def _warnings(ring: StepRing | None, step_sizes: StepSizes | None) -> list[str]:
    """What the run's record warns of, so far."""
    of_ring = [ring.problem] if ring is not None and ring.problem else []
    return [*of_ring, *(step_sizes.warnings if step_sizes is not None else [])]


def _batch_size(model: Any) -> int:
    """Samples of each batch so far, asked after an epoch's first execution; 0 where nobody counts them."""
    tracker = loss_tracker(model)
    try:
        return int(float(_array(tracker.count))) // steps_per_execution(model)
    except (AttributeError, TypeError):
        return 0


def _array(value: Any) -> np.ndarray[Any, np.dtype[Any]]:
    """The value on the host, whatever backend it is from."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value)


def _scalars(logs: dict[str, Any]) -> dict[str, Any]:
    """The logged values that are single numbers; a callback may put anything else beside them."""
    scalars: dict[str, Any] = {}
    for name, value in logs.items():
        if isinstance(value, (int, float)):
            scalars[name] = value
            continue
        array = _array(value)
        if array.size == 1 and array.dtype.kind in "bfiu":
            scalars[name] = array.reshape(())[()]
    return scalars
