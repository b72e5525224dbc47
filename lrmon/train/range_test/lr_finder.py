"""The finder: sweeps the learning rate of a model over its data, and leaves the model as it was."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lrmon.analysis.range_test.curve import weight_of
from lrmon.record.arguments import checked_log_dir
from lrmon.record.recorder import Recorder
from lrmon.train.range_test.data import Data, checked_data
from lrmon.train.range_test.divergence import Divergence
from lrmon.train.range_test.preparation import build, check_trains, checked_model
from lrmon.train.range_test.randomness import kept_random_state, seed_all
from lrmon.train.range_test.restoration import ModelState, Values, interrupts_held
from lrmon.train.range_test.result import RangeTestResult, result_of
from lrmon.train.range_test.substitute import substitute
from lrmon.train.range_test.sweep import Sweep
from lrmon.train.range_test.sweep_settings import EXPONENTIAL, Floats, Settings, checked_count
from lrmon.train.range_test.validation import validation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_VALIDATIONS: Final = 100
"""In a sweep, unless the user says how often."""


class LRFinder:
    """Finds a learning rate by a range test of the model itself.

    ```python
    found = lrmon.LRFinder(model).find(x, y, steps=200)
    found.plot_loss()
    model.optimizer.learning_rate = found.recommended.learning_rate
    ```

    The learning rate grows from batch to batch while the model's own `fit` trains; each batch's own loss is
    read inside the training step. (The loss in Keras' logs is the mean since the epoch began. It lags behind,
    and moves what one reads off the curve several times too high.) Afterwards the model is as it was: a
    training that follows is bit for bit the one that it would have been.

    Args:
        model: Of Keras 3, compiled; trained before or not. It goes on from its weights and its optimizer's
            slots as they are, with an optimizer of the same settings in place of its own.
        log_dir: A folder to record the sweep to, for TensorBoard's page; nothing is written where left out.

    Attributes:
        result: Of the latest `find`, also of one that was interrupted; None before.

    Raises:
        TypeError: `model` is no model of Keras 3, or `log_dir` is no path.
        ValueError: `log_dir` is empty.
    """

    def __init__(self, model: Any, log_dir: str | os.PathLike[str] | None = None) -> None:
        self.model: Final = checked_model(model)
        self.log_dir: Final = None if log_dir is None else checked_log_dir(log_dir)
        self.result: RangeTestResult | None = None

    def find(
        self,
        x: Any,
        y: Any = None,
        *,
        start_lr: float = 1e-7,
        end_lr: float = 10.0,
        steps: int | None = None,
        epochs: int = 1,
        batch_size: int | None = None,
        stop_factor: float = 4.0,
        sample_weight: Any = None,
        class_weight: Any = None,
        average_runs: int = 1,
        validation_data: Any = None,
        validation_freq: int | None = None,
        growth: str = EXPONENTIAL,
        smoothing: float | None = None,
        seed: int = 0,
        shuffle: bool = True,
        verbose: Any = "auto",
    ) -> RangeTestResult:
        """Returns what the sweep measured, and what it suggests.

        Args:
            x: As `fit` takes it: arrays, tensors, a tf.data.Dataset, a PyDataset, a DataLoader; also a
                function that returns an iterator of batches, and an object whose `iter()` begins anew. It is
                read again from its start when it ends before the sweep does.
            y: As `fit` takes it.
            start_lr: Learning rate of the first step.
            end_lr: Of the last step, if the sweep comes so far.
            steps: Of the sweep; 200 are good. ``epochs`` times the batches of an epoch where left out.
            epochs: See ``steps``.
            batch_size: As `fit` takes it.
            stop_factor: The sweep ends where the smoothed loss is above so many times its best (and has lost
                a quarter of its fall again), or no number. `float("inf")` stops for the latter only.
            sample_weight: As `fit` takes it.
            class_weight: As `fit` takes it.
            average_runs: So many sweeps from the same weights, with other seeds (order of data, dropout): the
                suggestions are medians, and `result.repeats` has their spread.
            validation_data: (x, y) or (x, y, sample_weight) or a dataset, as `fit` takes it. The loss on all
                of it is measured as well, after every `validation_freq` steps: one `evaluate` each. It is in
                the result and its plot; the suggestions come from the batches' losses, and so does what is
                recorded.
            validation_freq: Steps from one to the next; where left out so many that there are 100 of them.
            growth: ``"exponential"`` or ``"linear"``.
            smoothing: Weight of the average, 0 ≤ smoothing < 1; one that fits the steps a decade where left
                out.
            seed: Of the random numbers of the sweep. Global generators have their state put back.
            shuffle: As `fit` takes it.
            verbose: As `fit` takes it: Keras' progress bar.

        Raises:
            TypeError: The data can be read only once, or an argument has the wrong type.
            ValueError: The model is not compiled, an argument is outside its range, or nobody says how many
                batches an epoch has.
            RuntimeError: The losses or the updates of the model's own train_step cannot be seen.
            OSError: `log_dir` cannot be written to.
        """
        settings = Settings(start_lr, end_lr, growth, stop_factor, smoothing, average_runs, seed)
        data = checked_data(
            x,
            y,
            batch_size=batch_size,
            sample_weight=sample_weight,
            class_weight=class_weight,
            shuffle=shuffle,
        )
        check_trains(self.model)
        planned = settings.learning_rates(_steps(data, steps, epochs))
        every = checked_count("validation_freq", validation_freq or max(-(-len(planned) // _VALIDATIONS), 1))
        validate = None if validation_data is None else validation(self.model, validation_data, batch_size)
        recorder = None if self.log_dir is None else Recorder.without_fit(self.log_dir)
        build(self.model, data)
        state, done = ModelState(self.model), []
        try:
            with kept_random_state():
                self.model.train_function, self.model.steps_per_execution = None, 1
                state.replace_unbuilt()
                self.model.optimizer = substitute(self.model, start_lr)
                optimizer_values = Values(self.model.optimizer.variables)
                for repeat in range(average_runs):
                    seed_all(seed + repeat)
                    state.put_back_values(reseeded_by=repeat)
                    optimizer_values.put_back()
                    sweep = Sweep(
                        self.model,
                        planned,
                        Divergence(stop_factor, _weight(settings, planned), len(planned)),
                        validate=validate,
                        every=every,
                    )
                    if recorder is not None:
                        sweep.record_to(recorder, _record(settings, planned, repeat))
                    done.append(sweep)
                    _run(self.model, sweep, data.fit_arguments(len(planned)), verbose)
        finally:
            with interrupts_held():
                state.put_back()
                if recorder is not None:
                    recorder.close()
            if done:
                self.result = result_of([sweep.measured for sweep in done], smoothing)
        return self._latest()

    def plot_loss(
        self, n_skip_beginning: int = 10, n_skip_end: int = 5, x_scale: str = "log", *, ax: Axes | None = None
    ) -> Axes:
        """Returns `RangeTestResult.plot_loss` of the latest result.

        Raises:
            ValueError: There is none yet.
        """
        return self._latest().plot_loss(n_skip_beginning, n_skip_end, x_scale, ax=ax)

    def plot_loss_change(
        self,
        sma: int = 1,
        n_skip_beginning: int = 10,
        n_skip_end: int = 5,
        y_lim: tuple[float, float] | None = None,
        *,
        ax: Axes | None = None,
    ) -> Axes:
        """Returns `RangeTestResult.plot_loss_change` of the latest result.

        Raises:
            ValueError: There is none yet.
        """
        return self._latest().plot_loss_change(sma, n_skip_beginning, n_skip_end, y_lim, ax=ax)

    def _latest(self) -> RangeTestResult:
        if self.result is None:
            raise ValueError("there is nothing to plot yet: call find(x, y) first")
        return self.result


def _record(settings: Settings, planned: Floats, repeat: int) -> dict[str, Any]:
    """What the run's record says of a sweep before it begins."""
    return {
        "start_lr": settings.start_lr,
        "end_lr": settings.end_lr,
        "steps": len(planned),
        "growth": settings.growth,
        "stop_factor": settings.stop_factor,
        "smoothing": _weight(settings, planned),
        "repeat": repeat,
        "repeats": settings.average_runs,
    }


def _run(model: Any, sweep: Sweep, arguments: Mapping[str, Any], verbose: Any) -> None:
    """Has the model's own `fit` make the sweep."""
    ended = "completed"
    try:
        model.fit(**arguments, verbose=verbose, callbacks=[sweep])
        sweep.finish()
        ended = "completed" if sweep.measured.stopped is None else "stopped"
    except BaseException as error:
        sweep.interrupt(error)
        ended = f"interrupted: {type(error).__name__}"
        raise
    finally:
        sweep.end_record(ended)


def _steps(data: Data, steps: int | None, epochs: int) -> int:
    if steps is not None:
        return checked_count("steps", steps)
    if data.steps_per_epoch is None:
        raise ValueError(
            "nobody knows how many batches an epoch of this data has: give find the steps, as steps=200"
        )
    return checked_count("epochs", epochs) * checked_count("the number of batches", data.steps_per_epoch)


def _weight(settings: Settings, planned: Floats) -> float:
    return weight_of(np.log10(planned)) if settings.smoothing is None else settings.smoothing
