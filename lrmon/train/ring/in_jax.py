"""The ring in a training step of Keras on JAX."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import jax
import jax.numpy as jnp
import keras
import numpy as np
import numpy.typing as npt

from lrmon.train.optimizers import Part, counter, parts, rate_variable, schedule_of
from lrmon.train.ring.base import StepRing, StepRows, uninstall
from lrmon.train.ring.host_rows import HostRow, HostRows
from lrmon.train.ring.late_schedule import LateSchedule
from lrmon.train.ring.losses import Loss, MetricCalls, WatchedMetrics, watchable
from lrmon.train.ring.watch import Watch

_TRACE, _ITERATION_AFTER, _LOSS, _PARTS = range(4)


@dataclass(slots=True)
class _Trace:
    """What is the same in all steps of one trace of the training step.

    Attributes:
        scheduled: Of the optimizers, those whose rates are not in the rows, by column.
        samples: Of the batch.
        schedules: Of `scheduled`, once the trace is done; None where that cannot be had.
    """

    scheduled: dict[int, Any]
    samples: int | None
    schedules: dict[int, LateSchedule | None] | None = None


class JaxRing(StepRing):
    """Rows in an array that goes through the compiled step beside the model's state.

    A schedule is not evaluated in there, but late, from the rows' iterations; see `LateSchedule`. A step that
    is not compiled puts its rows into a list.

    A row of the array, int32: number of the trace, first counter after the step, bits of the loss, then of
    each optimizer its counter before the step and the bits of its rate.
    """

    counts_samples = True

    def __init__(self, model: Any, depth: int) -> None:
        super().__init__(model, depth)
        self._host_rows = HostRows(depth, _numbers)
        self._late: dict[int, tuple[Any, LateSchedule]] = {}
        self._traces: list[_Trace] = []
        self._width: Final = _PARTS + 2 * max(len(parts(model.optimizer)), 1)
        self._arrays: tuple[Any, Any] | None = None
        self._traced: Any = None
        self._lock: Final = threading.Lock()
        """Held while the arrays are given to the step, and while they are copied: a step eats its input."""

    def count(self) -> int:
        held = self._copied()
        return self._host_rows.count + (0 if held is None else int(held[1]))

    def rows(self, start: int, stop: int) -> StepRows:
        held = self._copied()
        if held is None:
            self.batch_size = self._host_rows.samples(start)
            return self._host_rows.between(start, stop, max(len(self.names), 1))
        array, written = held
        rows = array[np.arange(max(start, int(written) - self.depth), stop) % self.depth]
        if len(rows):
            self.batch_size = self._traces[rows[0, _TRACE]].samples
        iterations, rates = rows[:, _PARTS::2], rows[:, _PARTS + 1 :: 2].view(np.float32).astype(np.float64)
        for number in np.unique(rows[:, _TRACE]):
            of_trace = rows[:, _TRACE] == number
            for column, schedule in (self._traces[number].schedules or {}).items():
                if schedule is not None:
                    rates[of_trace, column] = self._read(
                        "learning rate", partial(schedule, iterations[of_trace, column]), np.nan
                    )
        return StepRows(
            iteration=iterations[:, 0].astype(np.float64),
            applied=rows[:, _ITERATION_AFTER] > iterations[:, 0],
            learning_rate=rates,
            loss=rows[:, _LOSS].view(np.float32).astype(np.float64),
        )

    def install(self) -> None:
        """Puts the ring into the model's training step, which is compiled anew.

        Raises:
            RuntimeError: The training step is not compiled as Keras does it from 3.8 on without NNX.
        """
        found: list[bool] = []
        with ExitStack() as replaced:
            enter = replaced.enter_context
            if hasattr(self.model, "_make_function"):
                make_function = self.model._make_function  # noqa: SLF001 - the one place between jit and loop

                def make_function_with_ring(step: Any, *args: Any, **kwargs: Any) -> Any:
                    mine = getattr(self.model.train_step, "lrmon_original", None) is not None
                    compiled = mine and getattr(step, "__wrapped__", None) is self.model.train_step
                    if compiled or (mine and step is self.model.train_step):
                        found.append(compiled)
                    return make_function(self._around_compiled(step) if compiled else step, *args, **kwargs)

                enter(_replaced(self.model, "_make_function", make_function_with_ring))
            if hasattr(self.model, "_get_state_sharding_spec"):
                spec = self.model._get_state_sharding_spec  # noqa: SLF001 - what jit is told of the state

                def spec_with_ring() -> Any:
                    shardings = spec()
                    return (*shardings, _replicated(shardings))

                enter(_replaced(self.model, "_get_state_sharding_spec", spec_with_ring))
            super().install()
        if not found:
            uninstall(self.model)
            raise RuntimeError(
                "on JAX, LRMonitor records what Keras 3.8 or newer compiles, without flax.nnx and with "
                f"Keras' own make_train_function; this is keras {keras.__version__}"
            )

    def around(self, train_step: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def train_step_with_ring(state: Any, data: Any) -> Any:
            *state, arrays = state if len(state) > _STATE_PARTS else (*state, None)
            state = tuple(state)
            if arrays is None and _is_traced(state):
                return train_step(state, data)  # compiled by somebody else
            with ExitStack() as watches:
                nothing: list[tuple[Any, str]] = []
                found = self._read("loss", partial(watchable, self.model, train_step), nothing)
                metrics = WatchedMetrics.of(found, watches)
                got = {
                    id(part.optimizer): watches.enter_context(Watch(part.optimizer, "_backend_update_step"))
                    for part in parts(self.model.optimizer)
                }
                logs, after = train_step(state, data)
            step = _Step(state, after, metrics.calls(), got, logs)
            if arrays is None:
                self._read("row", lambda: self._host_rows.append(self._host_row(step)), None)
                return logs, after
            return logs, (*after, self._read("row", lambda: self._written(arrays, step), arrays))

        return train_step_with_ring

    def _around_compiled(self, step: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def step_with_arrays(state: Any, data: Any) -> Any:
            with self._lock:
                arrays = self._arrays or self._new_arrays(state)
                try:
                    logs, (*state, self._arrays) = step((*state, arrays), data)
                    for trace in self._traces[-1:]:
                        self._make_schedules(trace)
                except BaseException:
                    if arrays[0].is_deleted():
                        # A device that fails has the rows; those of later fits have a place again.
                        self._arrays = None
                    raise
            return logs, tuple(state)

        return step_with_arrays

    def _make_schedules(self, trace: _Trace) -> None:
        """Has the schedules that a trace has just used traced by themselves, before anybody changes them."""
        if trace.schedules is not None:
            return
        trace.schedules = {
            column: self._read("learning rate", partial(LateSchedule.of, optimizer), None)
            for column, optimizer in trace.scheduled.items()
        }

    def _new_arrays(self, state: Any) -> tuple[Any, Any]:
        arrays = jnp.zeros((self.depth, self._width), jnp.int32), jnp.zeros((), jnp.int32)
        sharding = _replicated([value.sharding for value in jax.tree.leaves(state)])
        return arrays if sharding is None else jax.device_put(arrays, sharding)

    def _copied(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]] | None:
        """The arrays on the host, None where no compiled step has run; waits for the device."""
        with self._lock:
            if self._arrays is None:
                return None
            # What other devices hold is the same. The copy is only begun here, so that nobody waits.
            copies = [jnp.copy(array.addressable_data(0)) for array in self._arrays]
        rows, count = (np.asarray(copy) for copy in copies)
        return rows, count

    def _written(self, arrays: tuple[Any, Any], step: _Step) -> tuple[Any, Any]:
        """The arrays with one more row, traced."""
        rows, count = arrays
        found = parts(self.model.optimizer)
        if self._width != _PARTS + 2 * max(len(found), 1):
            raise RuntimeError(f"the model's optimizer has {len(found)} parts, which were others before")
        self.names = [part.name for part in found]
        scheduled = {
            column: part.optimizer
            for column, part in enumerate(found)
            if schedule_of(part.optimizer) is not None
        }
        self._traced = rows
        loss = self._read("loss", partial(self._loss, step.metrics, step.logs), Loss())
        row = [
            len(self._traces),
            self._variable(counter(found[0].optimizer), step.after) if found else 0,
            _bits(loss.value),
        ]
        for column, part in enumerate(found):
            rate = np.nan if column in scheduled else self._rate_of(part, step)
            row += [self._variable(counter(part.optimizer), step.before), _bits(rate)]
        row += [0, _bits(np.nan)] * (not found)
        self._traced = None
        self._traces.append(_Trace(scheduled, _samples(loss)))
        place = (count % self.depth, 0)
        together = jnp.stack([jnp.asarray(value, jnp.int32) for value in row])
        return jax.lax.dynamic_update_slice(rows, together[None], place), count + 1

    def _host_row(self, step: _Step) -> HostRow:
        found = parts(self.model.optimizer)
        self.names = [part.name for part in found]
        rates = []
        for part in found:
            used = step.rate(part)
            if schedule_of(part.optimizer) is not None and (used is None or _is_traced(used)):
                # Loss scaling makes the update in a branch that is compiled.
                iteration = self._variable(counter(part.optimizer), step.before)
                rates.append(_Pending(self._late_schedule(part), iteration))
            else:
                rates.append(self._rate_of(part, step))
        loss = self._read("loss", partial(self._loss, step.metrics, step.logs), Loss())
        return HostRow(
            iteration=self._variable(counter(found[0].optimizer), step.before) if found else np.nan,
            iteration_after=self._variable(counter(found[0].optimizer), step.after) if found else np.nan,
            loss=loss.value,
            learning_rates=rates or [np.nan],
            samples=_samples(loss),
        )

    def _late_schedule(self, part: Part) -> LateSchedule:
        schedule = schedule_of(part.optimizer)
        if id(schedule) not in self._late:
            self._late[id(schedule)] = (schedule, LateSchedule.of(part.optimizer))
        return self._late[id(schedule)][1]

    def _rate_of(self, part: Part, step: _Step) -> Any:
        """The rate of an optimizer that has no schedule."""

        def read() -> Any:
            used, variable = step.rate(part), rate_variable(part.optimizer)
            if used is not None and not hasattr(used, "assign") and self._is_of_this_step(used):
                return used
            if variable is None:
                return np.nan
            return self._variable(variable, step.before) if hasattr(variable, "assign") else variable

        return self._read("learning rate", read, np.nan)

    def _variable(self, variable: Any, state: Any) -> Any:
        """The value of one of the optimizer's variables in a state."""
        variables = self.model.optimizer.variables
        index = next(index for index, each in enumerate(variables) if each is variable)
        return state[_OPTIMIZER][index]

    def _is_of_this_step(self, value: Any) -> bool:
        if not _is_traced(value):
            return True
        # What an inner function has traced must not get out of it: JAX would refuse the whole step, later.
        ours = _trace_of(self._traced)
        return ours is not None and _trace_of(value) is ours


_STATE_PARTS: Final = 4
_OPTIMIZER: Final = 2
"""Where the state of a step has the optimizer's variables."""


@dataclass(frozen=True, slots=True)
class _Step:
    """What was seen of a step.

    Attributes:
        before: The state that it got.
        after: The state that it returned.
        metrics: What it called of them.
        updates: Of each optimizer's updates, by its identity.
        logs: What it returned besides.
    """

    before: Any
    after: Any
    metrics: list[MetricCalls]
    updates: dict[int, Watch]
    logs: Any

    def rate(self, part: Part) -> Any:
        """What the update got as its learning rate, None where none was seen."""
        watch = self.updates.get(id(part.optimizer))
        arguments = watch.arguments[-1] if watch is not None and watch.arguments else ()
        return arguments[2] if len(arguments) > 2 else None  # of gradients, variables, rate


@dataclass(frozen=True, slots=True)
class _Pending:
    """A rate that is read off its schedule when it is wanted."""

    schedule: LateSchedule
    iteration: Any


def _numbers(values: list[Any]) -> npt.NDArray[np.float64]:
    """[n]: all transfers at once."""
    pending = isinstance(values[0], _Pending) if values else False
    if pending:
        iterations = np.array(jax.device_get([value.iteration for value in values]), np.int32)
        return np.asarray(values[0].schedule(iterations), np.float64)
    return np.array([float(value) for value in jax.device_get(values)], np.float64)


def _samples(loss: Loss) -> int | None:
    return loss.weight if isinstance(loss.weight, int) else None


def _bits(value: Any) -> Any:
    return jax.lax.bitcast_convert_type(jnp.asarray(value, jnp.float32), jnp.int32)


def _is_traced(values: Any) -> bool:
    return any(isinstance(value, jax.core.Tracer) for value in jax.tree.leaves(values))


def _trace_of(value: Any) -> Any:
    """What has traced a value. JAX has no public name for it; up to 0.4.35 each operation had its own."""
    trace = getattr(value, "_trace", None)
    return getattr(trace, "main", None) or trace


def _replicated(shardings: Any) -> Any:
    """The sharding of an array that is the same on all devices of a mesh; None where there is no mesh."""
    for sharding in jax.tree.leaves(shardings):
        if isinstance(sharding, jax.sharding.NamedSharding):
            return jax.sharding.NamedSharding(sharding.mesh, jax.sharding.PartitionSpec())
    return None


@contextmanager
def _replaced(model: Any, method: str, instead: Any) -> Iterator[None]:
    attributes = vars(model)
    own = {method: attributes[method]} if method in attributes else {}
    attributes[method] = instead
    try:
        yield
    finally:
        attributes.pop(method, None)
        attributes.update(own)
