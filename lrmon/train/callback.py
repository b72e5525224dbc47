"""The callback: stands in `fit`, and hands what the training step writes to the recorder."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
import weakref
from collections.abc import Callable
from typing import Any, Final, Literal, SupportsIndex, TypeVar, cast

import numpy as np

from lrmon.record.arguments import checked_log_dir
from lrmon.record.event_file import unused_folder
from lrmon.record.journal import Journal
from lrmon.record.recorder import Recorder
from lrmon.record.warning import warn, warn_of_earlier
from lrmon.train.base import Callback
from lrmon.train.fit.fit_recording import FitRecording, Position
from lrmon.train.model.description import checked_plateau, described_plateau
from lrmon.train.model.host import on_host, scalars
from lrmon.train.model.models import backend_of, is_chief, keras_of, prints_progress, unrecordable
from lrmon.train.model.optimizers import parts
from lrmon.train.preflight import PlannedFit, own_plateau, planned_fit, preflight
from lrmon.train.private_names.keras import CALLBACK_MODEL, counter, model_of_callback
from lrmon.train.ring_buffer.installation import BACKENDS
from lrmon.train.update_samples.sampler import checked_interval

_Hook = TypeVar("_Hook", bound=Callable[..., None])

_CLOSING: Final = "lrmon.train.fit.closing_lines"
"""It loads the review, so only where it is needed."""

_OURS: Final = ("lrmon", "keras", "tf_keras")


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
            Fits with one folder are one run as long as the optimizer goes on counting. Where it starts anew,
            another training begins in the same folder: it has the folder's name, the earlier one stays as a
            run of its own, and one warning says so. Copies of the monitor (pickled, deep-copied, cloned
            with a scikit-learn estimator) record to ``fit-1``, ``fit-2``, … in it, each to one of its own,
            and so does a monitor that is given another model, as in a cross-validation.
        plateau: The fit's own ``ReduceLROnPlateau``, or an `lrmon.PlateauRule`: the settings that the plugin
            starts from when it marks plateaus. The one in the fit's list is found by itself; the reductions
            that it made are held against those that the rule would have made.
        step_sizes_every: Every so many steps an update is sampled, from about 10,000 of the weights: the
            distribution of the step size of a weight, such as Adam's lr · cₜ / (√v + ε), and how far the
            update moved each layer, ‖Δw‖ / ‖w‖. A sample waits for the device and takes some milliseconds;
            Lamb's and Adafactor's read all weights. None for no samples.
        verbose: Whether to print, after `fit`, one to four lines: what was recorded, the run's errors and
            warnings, where to look. ``"auto"`` does so where Keras prints its progress (`fit` has a `verbose`
            other than 0), True or 1 always, False or 0 never. A fit that raises prints nothing.

    Where several workers train one model (MultiWorkerMirroredStrategy) each of them needs a monitor in its
    list, the same in all, since they exchange their losses; the chief alone writes.

    Raises:
        TypeError: `log_dir` is no path, `plateau` has not the settings of a ReduceLROnPlateau, or
            `step_sizes_every` is no whole number.
        ValueError: `log_dir` is empty, `step_sizes_every` is below 1, or `verbose` is none of the above.

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
        step_sizes_every: SupportsIndex | None = None,
        verbose: Literal["auto", 0, 1, 2] | bool = "auto",
    ) -> None:
        super().__init__()
        self.log_dir: Final = checked_log_dir(log_dir)
        self._plateau: Final = checked_plateau(plateau)
        self._step_sizes_every: Final = checked_interval(step_sizes_every)
        self._verbose: Final = _checked_verbose(verbose)
        self._recorder: Recorder | None = None
        self._journal: Journal | None = None
        self._fit: FitRecording | None = None
        self._position: Position | None = None
        self._trained: weakref.ref[Any] | None = None
        self._problem: str | None = None
        self._has_warned = False
        self._is_copy = False
        self._may_be_another = False
        """Whether the folder holds an earlier training, and nothing has been said of it yet."""

    def __getstate__(self) -> dict[str, Any]:
        """Returns the settings alone: a copy, pickled or deep-copied, records a training of its own."""
        own = (
            CALLBACK_MODEL,
            "params",
            "_recorder",
            "_journal",
            "_fit",
            "_position",
            "_trained",
            "_problem",
        )
        return {**vars(self), **dict.fromkeys(own), "_is_copy": True}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Opens the event file and puts the ring into the training step."""
        _check_can_record(self.model)
        self._end_fit("interrupted")
        self._problem, self._has_warned = None, False
        if self._recorder is not None and self._starts_another_model():
            self._recorder.close()
            self._recorder, self._position, self._is_copy = None, None, True
        self._trained = weakref.ref(self.model)
        if self._recorder is None and is_chief(self.model):
            self._journal = Journal() if self._verbose != 0 else None
            self._recorder = Recorder.without_fit(self._own_log_dir(), self._journal)
            self._may_be_another = self._recorder.holds_others
        self._begin_fit(planned_fit(self.model))
        with contextlib.suppress(Exception):  # it will say so itself, after the training
            if self._speaks():
                importlib.import_module(_CLOSING)

    @_harmless
    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes where the epoch's first step lies; in the first one says whether another training begins."""
        if self._fit is None:
            return
        self._fit.epoch_began(epoch)
        # Not before: another callback may restore the optimizer of a training that goes on.
        if self._may_be_another and self._recorder is not None:
            self._may_be_another = False
            if self._fit.counts_from_0:
                warn_of_earlier(self._recorder.log_dir, stacklevel=_users_level())

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Now and then, if that was asked for, reads the weights that the update will change."""
        if self._fit is not None:
            self._fit.sample_before()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Hears that a batch ended: news only where somebody has made the train function anew."""
        if self._fit is not None:
            self._fit.execution_was_reported()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Records the epoch's metrics."""
        if self._fit is not None:
            self._tell(self._fit.tell_ring_of_epoch)
            self._end_epoch(self._fit, epoch, logs)

    @_harmless
    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Writes what is left, and says where to look; the file stays open for a further fit."""
        has_recorded = self._fit is not None and self._fit.has_begun
        self._end_fit("stopped" if self.model.stop_training else "completed")
        if has_recorded and self._problem is None:
            self._say_closing()

    @_harmless
    def _begin_fit(self, planned: PlannedFit) -> None:
        model = self.model
        fit = self._fit = FitRecording(
            model,
            planned.callbacks or (),
            protect=self._tell,
            flush=self._flush,
            left=lambda: self._end_fit("interrupted"),
        )
        if self._recorder is None:
            return
        preflight_warnings = preflight(model, self.params, planned, plateau=self._plateau)
        for problem in preflight_warnings:
            warn(problem.text, category=UserWarning, stacklevel=_users_level())
        fit.start(
            self._recorder,
            self.params or {},
            planned=planned,
            plateau=described_plateau(self._plateau or own_plateau(planned), model),
            step_sizes_every=self._step_sizes_every,
            preflight_warnings=preflight_warnings,
            previous_position=self._position,
        )
        self._recorder.attach(self._read)

    @_harmless
    def _end_epoch(self, fit: FitRecording, epoch: int, logs: dict[str, Any] | None) -> None:
        fit.end_epoch(epoch, scalars(logs or {}))

    def _end_fit(self, ended: str) -> None:
        fit = self._fit
        if fit is None:
            return
        if ended == "interrupted":
            self._tell(fit.tell_ring_of_break)
        if self._recorder is not None and fit.is_recorded:
            self._recorder.attach(None)
            self._read(unfinished=True)
            fit.end(ended)
            if fit.has_begun:
                self._position = fit.position
            self._recorder.flush()
        fit.leave_model()
        self._fit = None

    def _speaks(self) -> bool:
        """Whether to print something after the fit."""
        if self._journal is None or self._recorder is None:
            return False
        return prints_progress(self.model, self.params) if self._verbose == "auto" else True

    def _say_closing(self) -> None:
        try:
            if self._speaks():
                closing = importlib.import_module(_CLOSING)
                closing.say(closing.closing_lines(self._recorder, self._journal))
        except Exception as error:  # noqa: BLE001 - a few lines are not worth a training
            warn(
                f"the training was recorded to {self.log_dir!r}, but its summary failed "
                f"({type(error).__name__}: {error}); LRMonitor(…, verbose=0) leaves it out.",
                stacklevel=_users_level(),
            )

    def _read(self, *, unfinished: bool = False) -> None:
        """Has the fit hand on what the ring holds; from any thread, so a problem is only noted here."""
        try:
            if self._fit is not None:
                self._fit.read(unfinished=unfinished)
        except Exception as error:  # noqa: BLE001 - whatever it is, the training is worth more
            self._problem = f"{type(error).__name__}: {error}"

    @_harmless
    def _flush(self) -> None:
        if self._recorder is not None:
            self._recorder.drain()

    def _starts_another_model(self) -> bool:
        """Whether the model is none that this monitor has seen, and begins its training."""
        if self._trained is None or self._trained() is model_of_callback(self):
            return False
        return all(int(on_host(counter(part.optimizer))) == 0 for part in parts(self.model.optimizer))

    def _own_log_dir(self) -> str:
        """The folder to record to: of a copy one that no other copy has."""
        return unused_folder(self.log_dir, "fit-") if self._is_copy else self.log_dir

    def _tell(self, tell: Callable[[], None]) -> None:
        """Lets the ring hear of something, also after a problem: the other workers count on this one."""
        try:
            tell()
        except Exception as error:  # noqa: BLE001 - whatever it is, the training is worth more
            self._problem = self._problem or f"{type(error).__name__}: {error}"
        self._warn_of_problem()

    def _warn_of_problem(self) -> None:
        if self._problem is None or self._has_warned:
            return
        self._has_warned = True
        if self._fit is not None:
            self._fit.give_up()
        if self._recorder is not None:
            self._recorder.attach(None)
        warn(
            f"recording to {self.log_dir!r} stopped ({self._problem}). Training goes on.",
            stacklevel=_users_level(),
        )


def _checked_verbose(verbose: Any) -> Literal["auto", 0, 1, 2]:
    if verbose == "auto":
        return "auto"
    if isinstance(verbose, (int, np.bool_)) and int(verbose) in (0, 1, 2):
        return cast(Literal[0, 1, 2], int(verbose))
    raise ValueError(f'verbose must be "auto", True or False (or 0, 1, 2 as in fit), got {verbose!r}')


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


def _users_level() -> int:
    """The level on the stack, for who calls this, of the user's line that called `fit`."""
    frame, level = sys._getframe(1), 1  # noqa: SLF001 - what warnings.warn does
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _OURS:
        frame, level = frame.f_back, level + 1
    return level
