"""Step records of a training step that writes no ring buffer, made from outside: one for each call.

A model whose own ``make_train_function`` does not call its ``train_step`` is one such, and on JAX any way to
compile the step that the ring buffer does not know.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrmon import schema
from lrmon.train.model.models import backend_of, is_distributed, loss_trackers, steps_per_execution
from lrmon.train.model.optimizers import Part, decay, lr_function, lr_variable, schedule_of
from lrmon.train.model.step_optimizers import StepOptimizers, WatchedUpdates
from lrmon.train.private_names.keras import counter
from lrmon.train.ring_buffer.base import RingBuffer, StepRecords, depth_for
from lrmon.train.ring_buffer.host_records import HostRecord, HostRecords
from lrmon.train.ring_buffer.installation import installed

NOT_CALLED: Final = (
    "the training step was seen from outside alone: the model's train_function does not call its train_step"
)

LOSS_OF_DIFFERENCE: Final = (
    "how Keras' loss tracker grew with each batch, in float32: within (½ ulp(total) + ½ ulp(n · loss)) / n, "
    "n being the batch's samples; after a loss that is not finite NaN to the end of the epoch"
)
LOSS_OF_RETURN: Final = "what the model's own train_function returns as each batch's loss"
LR_OF_VARIABLE: Final = "read before each call of the model's own train_function"
LR_OF_SCHEDULE: Final = (
    "the schedule at the optimizer's count before each call of the model's own train_function: what is "
    "compiled rounds its own way, by some units in the last place, and a staircase may fall one step later"
)


class OutsideRingBuffer(RingBuffer):
    """Step records made by the host around each call of the model's train function; it waits for every batch.

    Args:
        model: Of which one call makes one step.
        depth: Step records kept.
        optimizers: Those that the step can apply.
    """

    def __init__(self, model: Any, depth: int, optimizers: StepOptimizers) -> None:
        super().__init__(model, depth, optimizers)
        self._rows: Final = HostRecords(depth, lambda values: np.array(values, np.float64))
        self._tracker: Any = None
        self._loss_exactness = schema.EXACT
        self._lr_provenance: Final[dict[int, tuple[str, str]]] = {}
        """By optimizer, where its learning rate is from, and how exact it is; known once a step has run."""
        self._before: Mapping[int, npt.NDArray[Any]] = {}
        self._counts_before: Final[dict[int, float]] = {}
        """By counter, what it showed before the call that has just made it known."""

    def count(self) -> int:
        return self._rows.count

    def rows(self, start: int, stop: int) -> StepRecords:
        return self._rows.between(start, stop, len(self.optimizers.parts))

    def around(self, train_step: Callable[..., Any]) -> Callable[..., Any]:
        return train_step

    def install(self) -> None:
        """Does nothing: who calls the train function has to do it by `execute`."""

    def install_again(self) -> None:
        """Does nothing either."""

    def execute(self, train_function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls the model's train function, and notes what can be seen around the call."""
        self.guarded("optimizers", self.optimizers.refresh, None)
        # Keras on JAX hands the variables' values through the function.
        before = self._before = self._guarded_values(arguments[0] if self._is_on_jax else None)
        with WatchedUpdates(self):
            result = train_function(*arguments)
        logs, state = result if self._is_on_jax else (result, None)
        self.guarded("row", lambda: self._note(before, self._guarded_values(state), logs), None)
        return result

    def before_update(self, optimizer: Any) -> None:
        """Notes an update while the function is traced or run."""
        self.guarded("optimizers", functools.partial(self._see, optimizer), None)

    def after_update(self, optimizer: Any) -> None:
        """Nothing is to be noted then."""

    def _see(self, optimizer: Any) -> None:
        known = {*self._before, *self._counts_before}
        # On JAX a compiled function can only use what goes through it, so that all is known before.
        if self.optimizers.see(optimizer) and id(counter(optimizer)) not in known and not self._is_on_jax:
            is_on_tensorflow = backend_of(self.model) == "tensorflow"
            with sys.modules["tensorflow"].init_scope() if is_on_tensorflow else contextlib.nullcontext():
                variable = counter(optimizer)
                self._counts_before[id(variable)] = float(_array(variable))

    def changed_fields(self, run: Mapping[str, Any], optimizer: Any) -> dict[str, Any]:
        """Returns the fields of a run's record that differ because the step was observed from outside.

        Args:
            run: The record's fields so far.
            optimizer: Whose learning rate is the run's.
        """
        provenance, exactness = self._lr_provenance[id(optimizer)]
        effective_exactness, effective = exactness, run["effective_learning_rate_provenance"]
        if effective.startswith("none"):
            effective_exactness = schema.UNAVAILABLE
        elif exactness == schema.UNAVAILABLE:
            effective = "none: there is no learning rate to take it from"
        return {
            "exactness": {
                "learning_rate": exactness,
                "effective_learning_rate": effective_exactness,
                "loss": self._loss_exactness,
            },
            "learning_rate_provenance": provenance,
            "effective_learning_rate_provenance": effective,
        }

    @property
    def _is_on_jax(self) -> bool:
        return backend_of(self.model) == "jax"

    def _guarded_values(self, state: Any) -> dict[int, npt.NDArray[Any]]:
        """What the step record needs, by the variables' identity."""
        nothing: dict[int, npt.NDArray[Any]] = {}
        return self.guarded("state", lambda: self._values(state), nothing)

    def _values(self, state: Any) -> dict[int, npt.NDArray[Any]]:
        optimizers = self.optimizers.parts
        wanted = [counter(part.optimizer) for part in optimizers]
        wanted += [lr_variable(part.optimizer) for part in optimizers]
        for tracker in loss_trackers(self.model):
            wanted += [getattr(tracker, "total", None), getattr(tracker, "count", None)]
        values: dict[int, Any] = {}
        if state is not None:
            model, (_, _, optimizer_state, metrics_state) = self.model, state
            for variables, part in (
                (model.optimizer.variables, optimizer_state),
                (model.metrics_variables, metrics_state),
            ):
                values.update({id(variable): value for variable, value in zip(variables, part, strict=True)})
        return {
            id(variable): _array(values.get(id(variable), variable))
            for variable in wanted
            if variable is not None
        }

    def _note(
        self, before: Mapping[int, npt.NDArray[Any]], after: Mapping[int, npt.NDArray[Any]], logs: Any
    ) -> None:
        loss = self._loss_between(before, after, logs)
        counters = [id(counter(part.optimizer)) for part in self.optimizers.parts]
        lrs = [
            self.guarded("learning rate", functools.partial(self._lr, part, before), np.nan)
            for part in self.optimizers.parts
        ]
        self._rows.append(
            HostRecord(
                iterations=[float(before.get(key, self._counts_before.get(key, np.nan))) for key in counters],
                iterations_after=[float(after[key]) for key in counters],
                learning_rates=lrs,
                loss=loss,
            )
        )

    def _lr(self, part: Part, before: Mapping[int, npt.NDArray[Any]]) -> float:
        optimizer = part.optimizer
        schedule, variable = schedule_of(optimizer), lr_variable(optimizer)
        key = id(counter(optimizer))
        iteration = before.get(key, self._counts_before.get(key, np.nan))
        if lr_function(optimizer) is not None or (schedule is None and variable is None):
            self._lr_provenance[id(optimizer)] = (
                "none: your function of the learning rate is called where nobody sees it",
                schema.UNAVAILABLE,
            )
            return np.nan
        if schedule is None:
            lr = before[id(variable)] if id(variable) in before else _array(variable)
            self._lr_provenance[id(optimizer)] = LR_OF_VARIABLE, schema.EXACT
        else:
            lr = _array(schedule(int(iteration)))
            self._lr_provenance[id(optimizer)] = LR_OF_SCHEDULE, schema.BOUNDED
        slope = decay(optimizer)
        if not slope:
            return float(lr)
        return float(np.float32(lr) / (np.float32(1) + np.float32(slope) * np.float32(iteration)))

    def _loss_between(
        self, before: Mapping[int, npt.NDArray[Any]], after: Mapping[int, npt.NDArray[Any]], logs: Any
    ) -> float:
        for tracker in loss_trackers(self.model):
            total, count = (id(getattr(tracker, name, None)) for name in ("total", "count"))
            samples = float(after.get(count, np.nan)) - float(before.get(count, np.nan))
            if samples > 0:
                self.loss_provenance, self._loss_exactness = LOSS_OF_DIFFERENCE, schema.BOUNDED
                return (float(after[total]) - float(before[total])) / samples
        shown = logs.get("loss") if isinstance(logs, dict) else None
        loss = np.zeros((2,)) if shown is None else _array(shown)
        if loss.ndim == 0:
            self.loss_provenance = LOSS_OF_RETURN
            return float(loss)
        self.loss_provenance = (
            "none: the model's own train_function neither tracks nor returns each batch's loss"
        )
        self._loss_exactness = schema.UNAVAILABLE
        return np.nan


def rings_of(model: Any, callbacks: Sequence[Any]) -> tuple[RingBuffer, OutsideRingBuffer | None]:
    """Returns the ring buffer that the model's training step writes, and what sees the step from outside.

    Both are the same where no ring buffer can be put into the step; the second is None if nothing but the
    ring buffer is to be had: where one call makes several steps or several replicas make one. On PyTorch the
    ring buffer is never left out.

    Args:
        model: That is about to train.
        callbacks: Of the fit.

    Raises:
        RuntimeError: There is neither.
    """
    ring: RingBuffer | None = None
    problem = ""
    try:
        ring = installed(model, callbacks)
    except RuntimeError as error:
        problem = str(error)
    if backend_of(model) == "torch" or steps_per_execution(model) > 1 or is_distributed(model):
        if ring is None:
            raise RuntimeError(problem)
        return ring, None
    optimizers = StepOptimizers(model, callbacks) if ring is None else ring.optimizers
    outside = OutsideRingBuffer(model, depth_for(1), optimizers)
    if ring is not None:
        return ring, outside
    outside.problem = f"the training step was seen from outside alone: {problem}"
    return outside, outside


def _array(value: Any) -> npt.NDArray[Any]:
    """The value on the host, whatever backend it is from, in memory of its own."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.array(value.numpy() if hasattr(value, "numpy") else value)
