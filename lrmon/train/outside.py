"""What can be seen of a training step from outside, where it writes no ring: one row for each call of it.

A model whose own ``make_train_function`` does not call its ``train_step`` is one such, and on JAX any way to
compile the step that the ring does not know.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrmon import schema
from lrmon.train.models import backend_of, is_distributed, loss_trackers, steps_per_execution
from lrmon.train.optimizers import Part, counter, decay, parts, rate_function, rate_variable, schedule_of
from lrmon.train.ring.base import StepRing, StepRows, depth_for
from lrmon.train.ring.host_rows import HostRow, HostRows
from lrmon.train.ring.installation import installed

_OUTSIDE: Final = "lrmon_outside"
_INNER: Final = "lrmon_seen"

NOT_CALLED: Final = (
    "the training step was seen from outside alone: the model's train_function does not call its train_step"
)

LOSS_OF_DIFFERENCE: Final = (
    "how Keras' loss tracker grew with each batch, in float32: within (½ ulp(total) + ½ ulp(n · loss)) / n, "
    "n being the batch's samples; after a loss that is not finite NaN to the end of the epoch"
)
LOSS_OF_RETURN: Final = "what the model's own train_function returns as each batch's loss"
RATE_OF_VARIABLE: Final = "read before each call of the model's own train_function"
RATE_OF_SCHEDULE: Final = (
    "the schedule at the optimizer's count before each call of the model's own train_function: what is "
    "compiled rounds its own way, by some units in the last place, and a staircase may fall one step later"
)


class OutsideRing(StepRing):
    """Rows made by the host around each call of the model's train function; it waits for every batch.

    Args:
        model: Of which one call makes one step.
        depth: Rows kept.
    """

    def __init__(self, model: Any, depth: int) -> None:
        super().__init__(model, depth)
        self._rows: Final = HostRows(depth, lambda values: np.array(values, np.float64))
        self._tracker: Any = None
        self.exactness: dict[str, str] = {}
        """By column, as in a run's record; a column that is not named is exact. Known once a step has run."""
        self.learning_rate_source = ""
        """In words; known once a step has run."""

    def count(self) -> int:
        return self._rows.count

    def rows(self, start: int, stop: int) -> StepRows:
        return self._rows.between(start, stop, max(len(self.names), 1))

    def around(self, train_step: Callable[..., Any]) -> Callable[..., Any]:
        return train_step

    def install(self) -> None:
        """Has the model's train function seen from outside, until `remove`."""
        inner = self.model.train_function

        @functools.wraps(inner)
        def seen(*arguments: Any) -> Any:
            # Keras on JAX hands the variables' values through the function.
            before = self._seen(arguments[0] if self._is_on_jax else None)
            result = inner(*arguments)
            logs, state = result if self._is_on_jax else (result, None)
            self._read("row", lambda: self._note(before, self._seen(state), logs), None)
            return result

        setattr(seen, _OUTSIDE, self)
        setattr(seen, _INNER, inner)
        self.model.train_function = seen

    def told(self, run: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the fields of a run's record that are other than where the step itself has written rows."""
        effective = run["effective_learning_rate_source"]
        exactness = dict.fromkeys(("learning_rate", "effective_learning_rate", "loss"), schema.EXACT)
        exactness |= self.exactness
        if effective.startswith("none"):
            exactness["effective_learning_rate"] = schema.NOT_AVAILABLE
        elif exactness["learning_rate"] == schema.NOT_AVAILABLE:
            effective = "none: there is no learning rate to take it from"
        return {
            "exactness": exactness,
            "learning_rate_source": self.learning_rate_source,
            "effective_learning_rate_source": effective,
        }

    @property
    def _is_on_jax(self) -> bool:
        return backend_of(self.model) == "jax"

    def _seen(self, state: Any) -> dict[int, npt.NDArray[Any]]:
        """What the row needs, by the variables' identity."""
        nothing: dict[int, npt.NDArray[Any]] = {}
        return self._read("state", lambda: self._values(state), nothing)

    def _values(self, state: Any) -> dict[int, npt.NDArray[Any]]:
        found = parts(self.model.optimizer)
        wanted = [counter(part.optimizer) for part in found]
        wanted += [rate_variable(part.optimizer) for part in found]
        for tracker in loss_trackers(self.model):
            wanted += [getattr(tracker, "total", None), getattr(tracker, "count", None)]
        values: dict[int, Any] = {}
        if state is not None:
            model, (_, _, of_optimizer, of_metrics) = self.model, state
            for variables, part in (
                (model.optimizer.variables, of_optimizer),
                (model.metrics_variables, of_metrics),
            ):
                values.update({id(each): value for each, value in zip(variables, part, strict=True)})
        return {id(each): _array(values.get(id(each), each)) for each in wanted if each is not None}

    def _note(
        self, before: Mapping[int, npt.NDArray[Any]], after: Mapping[int, npt.NDArray[Any]], logs: Any
    ) -> None:
        found = parts(self.model.optimizer)
        self.names = [part.name for part in found]
        first = counter(found[0].optimizer) if found else None
        loss = self._loss_between(before, after, logs)
        rates = [
            self._read("learning rate", functools.partial(self._rate, part, before), np.nan) for part in found
        ]
        self.exactness["effective_learning_rate"] = self.exactness.get("learning_rate", schema.EXACT)
        self._rows.append(
            HostRow(
                iteration=float(before[id(first)]) if first is not None else np.nan,
                iteration_after=float(after[id(first)]) if first is not None else np.nan,
                loss=loss,
                learning_rates=rates or [np.nan],
            )
        )

    def _rate(self, part: Part, before: Mapping[int, npt.NDArray[Any]]) -> float:
        optimizer = part.optimizer
        schedule, variable = schedule_of(optimizer), rate_variable(optimizer)
        iteration = before[id(counter(optimizer))]
        if rate_function(optimizer) is not None or (schedule is None and variable is None):
            self.learning_rate_source = (
                "none: your function of the learning rate is called where nobody sees it"
            )
            self.exactness["learning_rate"] = schema.NOT_AVAILABLE
            return np.nan
        if schedule is None:
            rate = before[id(variable)]
            self.learning_rate_source = self.learning_rate_source or RATE_OF_VARIABLE
        else:
            rate = _array(schedule(int(iteration)))
            self.learning_rate_source = RATE_OF_SCHEDULE
            self.exactness["learning_rate"] = schema.BOUNDED
        slope = np.float32(decay(optimizer))
        return float(np.float32(rate) / (np.float32(1) + slope * np.float32(iteration)))

    def _loss_between(
        self, before: Mapping[int, npt.NDArray[Any]], after: Mapping[int, npt.NDArray[Any]], logs: Any
    ) -> float:
        for tracker in loss_trackers(self.model):
            total, count = (id(getattr(tracker, name, None)) for name in ("total", "count"))
            samples = float(after.get(count, np.nan)) - float(before.get(count, np.nan))
            if samples > 0:
                self.loss_source, self.exactness["loss"] = LOSS_OF_DIFFERENCE, schema.BOUNDED
                return (float(after[total]) - float(before[total])) / samples
        shown = logs.get("loss") if isinstance(logs, dict) else None
        loss = np.zeros((2,)) if shown is None else _array(shown)
        if loss.ndim == 0:
            self.loss_source = LOSS_OF_RETURN
            return float(loss)
        self.loss_source = "none: the model's own train_function neither tracks nor returns each batch's loss"
        self.exactness["loss"] = schema.NOT_AVAILABLE
        return np.nan


def rings_of(model: Any) -> tuple[StepRing, OutsideRing | None]:
    """Returns the ring that the model's training step writes, and what sees the step from outside.

    Both are the same where no ring can be put into the step; the second is None where nothing but the ring
    is to be had: where one call makes several steps or several replicas make one. On PyTorch the ring is
    never left out.

    Raises:
        RuntimeError: There is neither.
    """
    before: OutsideRing | None = getattr(model.train_function, _OUTSIDE, None)
    ring: StepRing | None = None
    problem = ""
    try:
        ring = installed(model)
    except RuntimeError as error:
        problem = str(error)
    if backend_of(model) == "torch" or steps_per_execution(model) > 1 or is_distributed(model):
        if ring is None:
            raise RuntimeError(problem)
        return ring, None
    outside = before or OutsideRing(model, depth_for(1))
    if getattr(model.train_function, _OUTSIDE, None) is not outside:
        outside.install()
    if ring is not None:
        return ring, outside
    outside.problem = f"the training step was seen from outside alone: {problem}"
    return outside, outside


def remove_outside(model: Any) -> None:
    """Gives the model its own train function back, also after a fit that raised; twice does no harm."""
    while hasattr(model.train_function, _INNER):
        model.train_function = getattr(model.train_function, _INNER)


def _array(value: Any) -> npt.NDArray[Any]:
    """The value on the host, whatever backend it is from, in memory of its own."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.array(value.numpy() if hasattr(value, "numpy") else value)
