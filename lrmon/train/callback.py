"""The callback: stands in `fit`, and hands what the training step writes to the recorder."""

from __future__ import annotations

import functools
import os
import time
import warnings
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
from lrmon.train.models import backend_of, keras_of, loss_tracker, steps_per_execution
from lrmon.train.optimizers import innermost, parts, scales_loss
from lrmon.train.ring.base import uninstall
from lrmon.train.ring.installation import BACKENDS, installed

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
            with a scikit-learn estimator) record to ``fit-1``, ``fit-2``, … in it, each to one of its own.
        plateau: The fit's own ``ReduceLROnPlateau``, or an `lrmon.PlateauRule`: the settings that the plugin
            starts from when it marks plateaus. With the callback that is in the list too, the reductions that
            it made are held against those that the rule would have made.

    Raises:
        TypeError: `log_dir` is no path, or `plateau` has not the settings of a ReduceLROnPlateau.
        ValueError: `log_dir` is empty.

    At the start of `fit`, before anything is trained, it raises RuntimeError where it cannot record (Keras
    on another backend than TensorFlow, JAX and PyTorch), TypeError for a model that is neither Keras 3's nor
    tf_keras', and OSError or ValueError where the folder cannot be written to. After that it never raises: a
    problem becomes one warning, and training goes on.
    """

    def __init__(self, log_dir: str | os.PathLike[str], *, plateau: Any = None) -> None:
        super().__init__()
        self.log_dir: Final = checked_log_dir(log_dir)
        self._plateau: Final = checked_plateau(plateau)
        self._recorder: Recorder | None = None
        self._feed: RingFeed | None = None
        self._optimizer: Any = None
        self._next_iteration: int | None = None
        self._first_epoch = 0
        self._batch_size: int | None = None
        self._problem: str | None = None
        self._warned = False
        self._is_copy = False

    def __getstate__(self) -> dict[str, Any]:
        """Returns the settings alone: a copy, pickled or deep-copied, records a training of its own."""
        fresh = {"_model": None, "params": None, "_recorder": None, "_feed": None, "_optimizer": None}
        return {**vars(self), **fresh, "_next_iteration": None, "_problem": None, "_is_copy": True}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Opens the event file and puts the ring into the training step."""
        _check_can_record(self.model)
        self._end_fit("interrupted")
        self._problem, self._warned = None, False
        if self._recorder is None:
            self._recorder = Recorder.without_fit(self._own_log_dir())
        self._begin_fit(self._recorder)

    @_harmless
    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes where the epoch's first step lies."""
        if self._feed is not None:
            if not self._feed.began:
                self._first_epoch = epoch
            self._feed.epoch_began()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the time, and now and then has the rows written."""
        if self._feed is None:
            return
        if self._batch_size is None:
            self._batch_size = _batch_size(self.model)
        if self._feed.execution_ended():
            self._flush()

    @_harmless
    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Records the epoch's metrics."""
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

    def _own_log_dir(self) -> str:
        """The folder to record to: of a copy one that no other copy has."""
        return unused_folder(self.log_dir, "fit-") if self._is_copy else self.log_dir

    @_harmless
    def _begin_fit(self, recorder: Recorder) -> None:
        model, start_time = self.model, time.time()
        found = parts(model.optimizer)
        optimizer = found[0].optimizer if found else innermost(model.optimizer)
        ring, effective = installed(model), effective_rate(optimizer)
        run = {
            **described_fit(model, self.params or {}, effective),
            "plateau": described_plateau(self._plateau, model),
        }
        went_on_from = self._next_iteration if optimizer is self._optimizer else None
        self._optimizer, self._batch_size = optimizer, None

        def begin(iteration: int) -> None:
            recorder.begin_fit(
                {
                    **run,
                    "initial_epoch": self._first_epoch,
                    "batch_size": self._batch_size or None,
                    "loss_source": ring.loss_source,
                    "exactness": exactness(
                        run["learning_rate_source"], run["effective_learning_rate_source"], ring.loss_source
                    ),
                    "warnings": [ring.problem] if ring.problem else [],
                },
                first_step=recorder.next_step if iteration == went_on_from else iteration,
                first_iteration=iteration,
                start_time=start_time,
            )

        self._feed = RingFeed(
            ring,
            recorder,
            effective,
            steps_per_execution(model),
            begin,
            marks_skipped=scales_loss(model.optimizer),
        )
        recorder.attach(self._read)

    def _end_fit(self, ended: str) -> None:
        feed = self._feed
        if feed is None or self._recorder is None:
            return
        self._recorder.attach(None)
        self._read(unfinished=True)
        if feed.began:
            self._next_iteration = feed.next_iteration
            self._recorder.end_fit(ended)
        self._feed = None
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
