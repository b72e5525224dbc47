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

from lrmon.train.model.optimizers import Part, lr_variable, schedule_of
from lrmon.train.model.step_optimizers import StepOptimizers, WatchedUpdates
from lrmon.train.private_names.jax import trace_of
from lrmon.train.private_names.keras import MAKE_FUNCTION, STATE_SHARDING, UPDATE_STEP, counter
from lrmon.train.ring_buffer.base import RingBuffer, StepRecords, grown, uninstall
from lrmon.train.ring_buffer.host_records import HostRecord, HostRecords
from lrmon.train.ring_buffer.late_schedule import LateSchedule
from lrmon.train.ring_buffer.losses import Loss, MetricCalls, WatchedMetrics, watchable
from lrmon.train.ring_buffer.watched_calls import Watch

_TRACE, _LOSS, _PARTS = range(3)
_BEFORE, _AFTER, _LR = range(3)
"""Of each optimizer three columns, from `_PARTS` on."""

_SPARE: Final = 2
"""Optimizers that have a place in the rows though only the trace makes them known."""

_UNKNOWN: Final = -1
"""In place of a counter that cannot be read."""


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


class JaxRingBuffer(RingBuffer):
    """Rows in an array that goes through the compiled step beside the model's state.

    A schedule is not evaluated in there, but late, from the rows' iterations; see `LateSchedule`. A step that
    is not compiled puts its rows into a list.

    A row of the array, integers: number of the trace, bits of the loss, then of each optimizer its counter
    before and after the step and the bits of its rate. They have 64 bits where JAX has.
    """

    counts_samples = True

    def __init__(self, model: Any, depth: int, optimizers: StepOptimizers) -> None:
        super().__init__(model, depth, optimizers)
        self._host_records = HostRecords(depth, _numbers)
        self._late: dict[int, tuple[Any, LateSchedule]] = {}
        self._traces: list[_Trace] = []
        self._columns: Final = len(optimizers.parts) + _SPARE
        self._integer, self._float = (
            (jnp.int64, jnp.float64) if jax.config.jax_enable_x64 else (jnp.int32, jnp.float32)
        )
        self._arrays: tuple[Any, Any] | None = None
        self._traced: Any = None
        self._lock: Final = threading.Lock()
        """Held while the arrays are given to the step, and while they are copied: a step eats its input."""

    def count(self) -> int:
        held = self._copied()
        return self._host_records.count + (0 if held is None else int(held[1]))

    def rows(self, start: int, stop: int) -> StepRecords:
        held = self._copied()
        if held is None:
            self.batch_size = self._host_records.samples(start)
            return self._host_records.between(start, stop, len(self.optimizers.parts))
        array, written = held
        rows = array[np.arange(max(start, int(written) - self.depth), stop) % self.depth]
        if len(rows):
            self.batch_size = self._traces[rows[0, _TRACE]].samples
        part_rows = rows[:, _PARTS:].reshape(len(rows), self._columns, 3)[:, : len(self.optimizers.parts)]
        counters = part_rows[:, :, [_BEFORE, _AFTER]]
        counts = np.where(counters == _UNKNOWN, np.nan, counters)
        lrs = self._numbers(part_rows[:, :, _LR])
        for number in np.unique(rows[:, _TRACE]):
            is_of_trace = rows[:, _TRACE] == number
            for column, schedule in (self._traces[number].schedules or {}).items():
                known = is_of_trace & ~np.isnan(counts[:, column, _BEFORE])
                if schedule is not None and known.any():
                    iterations = part_rows[known, column, _BEFORE].astype(np.int32)
                    lrs[known, column] = self.guarded("learning rate", partial(schedule, iterations), np.nan)
        return StepRecords(
            iteration=counts[:, :, _BEFORE],
            updates=grown(counts[:, :, _BEFORE], counts[:, :, _AFTER]),
            learning_rate=lrs,
            loss=self._numbers(rows[:, _LOSS]),
        )

    def _numbers(self, bits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """The numbers of which a row holds the bits."""
        numbers: npt.NDArray[np.float64] = np.ascontiguousarray(bits).view(self._float).astype(np.float64)
        return numbers

    def _bits(self, value: Any) -> Any:
        return jax.lax.bitcast_convert_type(jnp.asarray(value, self._float), self._integer)

    def install(self) -> None:
        """Puts the ring into the model's training step, which is compiled anew.

        Raises:
            RuntimeError: The training step is not compiled as Keras does it from 3.8 on without NNX.
        """
        compiled_steps: list[bool] = []
        with ExitStack() as replaced:
            enter = replaced.enter_context
            if hasattr(self.model, MAKE_FUNCTION):
                make_function = getattr(self.model, MAKE_FUNCTION)  # the one place between jit and loop

                def make_function_with_ring(step: Any, *args: Any, **kwargs: Any) -> Any:
                    mine = getattr(self.model.train_step, "lrmon_original", None) is not None
                    compiled = mine and getattr(step, "__wrapped__", None) is self.model.train_step
                    if compiled or (mine and step is self.model.train_step):
                        compiled_steps.append(compiled)
                    return make_function(self._around_compiled(step) if compiled else step, *args, **kwargs)

                enter(_replaced(self.model, MAKE_FUNCTION, make_function_with_ring))
            if hasattr(self.model, STATE_SHARDING):
                spec = getattr(self.model, STATE_SHARDING)

                def spec_with_ring() -> Any:
                    shardings = spec()
                    return (*shardings, _replicated(shardings))

                enter(_replaced(self.model, STATE_SHARDING, spec_with_ring))
            super().install()
        if not compiled_steps:
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
            updates = _ObservedUpdates(self)
            self.guarded("optimizers", self.optimizers.refresh, None)
            with ExitStack() as watches:
                nothing: list[tuple[Any, str]] = []
                watchables = self.guarded("loss", partial(watchable, self.model, train_step), nothing)
                metrics = WatchedMetrics.watching(watchables, watches)
                got = {
                    id(part.optimizer): watches.enter_context(Watch(part.optimizer, UPDATE_STEP))
                    for part in self.optimizers.parts
                }
                watches.enter_context(WatchedUpdates(updates))
                logs, after = train_step(state, data)
            step = _Step(self._values(state), self._values(after), metrics.calls(), got, updates, logs)
            if arrays is None:
                self.guarded("row", lambda: self._host_records.append(self._host_record(step)), None)
                return logs, after
            return logs, (*after, self.guarded("row", lambda: self._written(arrays, step), arrays))

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
            column: self.guarded("learning rate", partial(LateSchedule.for_optimizer, optimizer), None)
            for column, optimizer in trace.scheduled.items()
        }

    def _new_arrays(self, state: Any) -> tuple[Any, Any]:
        arrays = (
            jnp.zeros((self.depth, _PARTS + 3 * self._columns), self._integer),
            jnp.zeros((), jnp.int32),
        )
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
        for part in self.optimizers.parts[self._columns :]:
            self.problem = (
                f"the learning rate of {part.name!r} is not recorded: the step was compiled without it"
            )
        optimizers = self.optimizers.parts[: self._columns]
        scheduled = {
            column: part.optimizer
            for column, part in enumerate(optimizers)
            if schedule_of(part.optimizer) is not None
        }
        self._traced = rows
        loss = self.guarded("loss", partial(self._loss, step.metrics, step.logs), Loss())
        row = [len(self._traces), self._bits(loss.value)]
        for column, part in enumerate(optimizers):
            used = np.nan if column in scheduled else self._lr_of(part, step)
            row += [*self._counts(part, step, _UNKNOWN), self._bits(used)]
        row += [_UNKNOWN, _UNKNOWN, self._bits(np.nan)] * (self._columns - len(optimizers))
        self._traced = None
        self._traces.append(_Trace(scheduled, _samples(loss)))
        together = jnp.stack([jnp.asarray(value, self._integer) for value in row])
        # Both indices in one type: with 64 bits a Python number would be of another than the count.
        position = (count % jnp.int32(self.depth), jnp.int32(0))
        return jax.lax.dynamic_update_slice(rows, together[None], position), count + jnp.int32(1)

    def _host_record(self, step: _Step) -> HostRecord:
        optimizers = self.optimizers.parts
        before, after, lrs = [], [], []
        for part in optimizers:
            counts = self._counts(part, step, np.nan)
            before.append(counts[0])
            after.append(counts[1])
            used = step.lr(part)
            if schedule_of(part.optimizer) is not None and (used is None or _is_traced(used)):
                # Loss scaling makes the update in a branch that is compiled.
                lrs.append(_Pending(self._late_schedule(part), counts[0]))
            else:
                lrs.append(self._lr_of(part, step))
        loss = self.guarded("loss", partial(self._loss, step.metrics, step.logs), Loss())
        return HostRecord(before, after, lrs, loss.value, _samples(loss))

    def _counts(self, part: Part, step: _Step, unknown: Any) -> tuple[Any, Any]:
        """The optimizer's counter before and after the step."""
        nothing = (unknown, unknown)

        def read() -> tuple[Any, Any]:
            variable = counter(part.optimizer)
            if id(variable) in step.before and id(variable) in step.after:
                return step.before[id(variable)], step.after[id(variable)]
            counts = step.updates.counts.get(id(part.optimizer))
            if counts is not None and all(self._is_of_this_step(count) for count in counts):
                return counts
            if counts is None and not _is_traced(variable.value):
                return (variable.value,) * 2  # nobody has touched it
            return nothing

        return self.guarded("iteration", read, nothing)

    def _values(self, state: Any) -> dict[int, Any]:
        """By identity of the variables that go through the step, their values in a state."""
        model = self.model
        variables = (
            model.trainable_variables,
            model.non_trainable_variables,
            getattr(model.optimizer, "variables", ()),
            model.metrics_variables,
        )
        return {
            id(variable): value
            for state_variables, values in zip(variables, state, strict=False)
            for variable, value in zip(state_variables, values, strict=False)
        }

    def _late_schedule(self, part: Part) -> LateSchedule:
        schedule = schedule_of(part.optimizer)
        if id(schedule) not in self._late:
            self._late[id(schedule)] = (schedule, LateSchedule.for_optimizer(part.optimizer))
        return self._late[id(schedule)][1]

    def _lr_of(self, part: Part, step: _Step) -> Any:
        """The rate of an optimizer that has no schedule."""

        def read() -> Any:
            used, variable = step.lr(part), lr_variable(part.optimizer)
            if used is not None and not hasattr(used, "assign") and self._is_of_this_step(used):
                return used
            if variable is None:
                return np.nan
            if not hasattr(variable, "assign"):
                return variable
            if id(variable) in step.before:
                return step.before[id(variable)]
            value = step.updates.lrs.get(id(part.optimizer), variable.value)
            return value if self._is_of_this_step(value) else np.nan

        return self.guarded("learning rate", read, np.nan)

    def _is_of_this_step(self, value: Any) -> bool:
        if not _is_traced(value):
            return True
        # What an inner function has traced must not get out of it: JAX would refuse the whole step, later.
        ours = trace_of(self._traced)
        return ours is not None and trace_of(value) is ours


_STATE_PARTS: Final = 4


class _ObservedUpdates:
    """What the optimizers held around their updates in one step, for those that are no part of its state."""

    def __init__(self, ring: JaxRingBuffer) -> None:
        self._ring: Final = ring
        self.counts: Final[dict[int, tuple[Any, Any]]] = {}
        """By optimizer, its counter before its first update of the step and after its latest."""
        self.lrs: Final[dict[int, Any]] = {}
        """By optimizer, the number that it held as its learning rate before its first update."""

    def before_update(self, optimizer: Any) -> None:
        self._ring.guarded("iteration", partial(self._begin, optimizer), None)

    def after_update(self, optimizer: Any) -> None:
        self._ring.guarded("iteration", partial(self._end, optimizer), None)

    def _begin(self, optimizer: Any) -> None:
        if self._ring.optimizers.see(optimizer) and id(optimizer) not in self.counts:
            value, variable = counter(optimizer).value, lr_variable(optimizer)
            self.counts[id(optimizer)] = (value, value)
            if hasattr(variable, "assign"):
                self.lrs[id(optimizer)] = variable.value

    def _end(self, optimizer: Any) -> None:
        before, _ = self.counts.get(id(optimizer), (None, None))
        if before is not None:
            self.counts[id(optimizer)] = (before, counter(optimizer).value)


@dataclass(frozen=True, slots=True)
class _Step:
    """What was seen of a step.

    Attributes:
        before: By variable, its value in the state that the step got.
        after: The same of the state that it returned.
        metrics: What it called of them.
        calls: Of each optimizer's updates, by its identity.
        updates: What the optimizers held around them.
        logs: What it returned besides.
    """

    before: dict[int, Any]
    after: dict[int, Any]
    metrics: list[MetricCalls]
    calls: dict[int, Watch]
    updates: _ObservedUpdates
    logs: Any

    def lr(self, part: Part) -> Any:
        """What its first update got as its learning rate, None where none was seen."""
        watch = self.calls.get(id(part.optimizer))
        arguments = watch.arguments[0] if watch is not None and watch.arguments else ()
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


def _is_traced(values: Any) -> bool:
    return any(isinstance(value, jax.core.Tracer) for value in jax.tree.leaves(values))


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
