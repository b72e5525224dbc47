"""The ring around a training step of Keras on PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from lrmon.train.model.optimizers import Part, lr_variable, schedule_of
from lrmon.train.model.step_optimizers import StepOptimizers, WatchedUpdates
from lrmon.train.private_names.keras import UPDATE_STEP, counter
from lrmon.train.ring_buffer.base import RingBuffer, StepRecords
from lrmon.train.ring_buffer.host_records import HostRecord, HostRecords
from lrmon.train.ring_buffer.losses import Loss, MetricCalls, first_value, is_keras_own, watchable, weight_of

_INNER = "lrmon_without_ring"


class TorchRingBuffer(RingBuffer):
    """Rows of scalars that stay on their device until many are read at once.

    It stands around the model's train function, outside of what `torch.compile` compiles. What it sees in
    there are the calls of the metrics, and those of the optimizer's update with its learning rate.
    """

    counts_samples = True

    def __init__(self, model: Any, depth: int, optimizers: StepOptimizers) -> None:
        super().__init__(model, depth, optimizers)
        self._rows = HostRecords(depth, _numbers)
        self._metrics: dict[int, _ObservedMetric] = {}
        self._lrs: dict[int, _Observed] = {}

    def count(self) -> int:
        return self._rows.count

    def rows(self, start: int, stop: int) -> StepRecords:
        self.batch_size = self._rows.samples(start)
        return self._rows.between(start, stop, len(self.optimizers.parts))

    def install(self) -> None:
        """Puts the ring around the model's train function, which stays the one that it is."""
        self.model.make_train_function()
        inner = getattr(self.model.train_function, _INNER, self.model.train_function)
        wrapped = self.around(inner)
        setattr(wrapped, _INNER, inner)
        self.model.train_function = wrapped

    def around(self, train_step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def train_function_with_ring(data: Any) -> Any:
            self.guarded("optimizers", self.optimizers.refresh, None)
            before = _CountersBefore(self)
            metrics = self._observed_metrics()
            watched: list[_ObservedMetric | _Observed] = [
                *metrics,
                *map(self._observed_lr, self.optimizers.parts),
            ]
            for observed in watched:
                observed.begin()
            try:
                with WatchedUpdates(before):
                    logs = train_step(data)
            finally:
                for observed in watched:
                    observed.end()
            self.guarded("row", lambda: self._rows.append(self._row(before.counts, metrics, logs)), None)
            for metric in metrics:
                metric.forget()
            return logs

        return train_function_with_ring

    def _row(self, before: dict[int, Any], metrics: list[_ObservedMetric], logs: Any) -> HostRecord:
        calls = [metric.calls() for metric in metrics]
        loss = self.guarded("loss", lambda: self._loss(calls, logs), Loss())
        # A counter that the step itself has made began at 0.
        counts = [before.get(id(part.optimizer), 0) for part in self.optimizers.parts]
        lrs = [
            self.guarded("learning rate", partial(_lr, part, count, self._observed_lr(part)), np.nan)
            for part, count in zip(self.optimizers.parts, counts, strict=True)
        ]
        return HostRecord(
            iterations=counts,
            iterations_after=[_iteration(part.optimizer) for part in self.optimizers.parts],
            learning_rates=lrs,
            loss=_kept(loss.value),
            samples=loss.weight if isinstance(loss.weight, int) else None,
        )

    def _observed_metrics(self) -> list[_ObservedMetric]:
        nothing: list[tuple[Any, str]] = []
        step = self.model.train_step
        if not self._metrics or not is_keras_own(step):  # a step may make a metric
            for metric, kind in self.guarded("loss", partial(watchable, self.model, step), nothing):
                if id(metric) not in self._metrics:
                    self._metrics[id(metric)] = _ObservedMetric(metric, kind, results=not is_keras_own(step))
        return list(self._metrics.values())

    def _observed_lr(self, part: Part) -> _Observed:
        key = id(part.optimizer)
        if key not in self._lrs:
            self._lrs[key] = _Observed(part.optimizer, UPDATE_STEP, 2)
        return self._lrs[key]


class _CountersBefore:
    """The optimizers' counters before a step, also of those that only the step makes known."""

    def __init__(self, ring: TorchRingBuffer) -> None:
        self._ring: Final = ring
        self.counts: Final[dict[int, Any]] = {}
        """By optimizer."""
        for part in ring.optimizers.parts:
            self._note(part.optimizer)

    def before_update(self, optimizer: Any) -> None:
        if self._ring.optimizers.see(optimizer) and id(optimizer) not in self.counts:
            self._note(optimizer)

    def after_update(self, optimizer: Any) -> None:
        pass

    def _note(self, optimizer: Any) -> None:
        read = partial(_iteration, optimizer)
        self.counts[id(optimizer)] = self._ring.guarded("iteration", read, np.nan)


class _Observed:
    """The calls of one method in the latest step.

    `torch.compile` takes a new function for another program, so the one that looks on is made once, and
    stands in the method's place while a step runs.

    Args:
        owner: Whose method.
        method: Its name.
        position: Of the argument that is looked at; one called ``values`` where there are not so many.
        itself: Whether the argument itself and what the method returns are kept, until `forget`.
    """

    def __init__(self, owner: Any, method: str, position: int = 0, *, itself: bool = False) -> None:
        self._attributes = vars(owner)
        self._method = method
        self._own: Any = None
        self.forget()
        self._look_on = self._looking_on(getattr(owner, method, None), position, itself)

    def begin(self) -> None:
        """Looks on from here."""
        self.forget()
        if self._look_on is not None:
            self._own = self._attributes.get(self._method)
            self._attributes[self._method] = self._look_on

    def end(self) -> None:
        """Looks on no more; a second time does no harm."""
        if self._attributes.get(self._method) is self._look_on:
            self._attributes.pop(self._method, None)
            if self._own is not None:
                self._attributes[self._method] = self._own

    def forget(self) -> None:
        """Lets go of what was seen."""
        self.values: tuple[Any, ...] = ()
        """The argument of each call, as it was then."""
        self.weight: Any = None
        self.given: tuple[Any, ...] = ()
        self.results: tuple[Any, ...] = ()

    def _looking_on(self, call: Any, position: int, itself: bool) -> Any:
        observed = self

        def look_on(*args: Any, **kwargs: Any) -> Any:
            for value in first_value(args[position:], kwargs):
                observed.values = (*observed.values, _kept(value))
                observed.weight = weight_of(args, kwargs)
                if itself:
                    observed.given = (*observed.given, value)
            result = call(*args, **kwargs)
            if itself:
                observed.results = (*observed.results, result)
            return result

        return None if call is None else look_on


class _ObservedMetric:
    """The calls of one metric in the latest step.

    Args:
        metric: The metric.
        kind: As `MetricCalls` has it.
        results: Whether its results are looked at too.
    """

    def __init__(self, metric: Any, kind: str, *, results: bool) -> None:
        self._metric, self._kind = metric, kind
        self._updates = _Observed(metric, "update_state", itself=results)
        self._results = _Observed(metric, "result", itself=True)
        self._both = (self._updates, self._results) if results else (self._updates,)

    def begin(self) -> None:
        for observed in self._both:
            observed.begin()

    def end(self) -> None:
        for observed in self._both:
            observed.end()

    def forget(self) -> None:
        for observed in self._both:
            observed.forget()

    def calls(self) -> MetricCalls:
        """Returns what was called."""
        updates, results = self._updates, self._results.results
        return MetricCalls(self._metric, self._kind, updates.values, updates.weight, results, updates.given)


def _kept(value: Any) -> Any:
    """The value as it is now: variables change in place, and a gradient holds on to what made it."""
    value = getattr(value, "value", value)
    return value.detach().clone() if isinstance(value, torch.Tensor) else value


def _iteration(optimizer: Any) -> Any:
    return _kept(counter(optimizer))


def _lr(part: Part, iteration: Any, observed: _Observed) -> Any:
    """The rate that the step's first update used, or would have used where gradients add up."""
    if observed.values:
        return observed.values[0]
    schedule, variable = schedule_of(part.optimizer), lr_variable(part.optimizer)
    if schedule is not None:
        return _kept(schedule(iteration))
    return np.nan if variable is None else _kept(variable)


def _numbers(values: list[Any]) -> npt.NDArray[np.float64]:
    """[n]: one transfer where all are tensors of one kind."""
    kinds = {(value.device, value.dtype) for value in values if isinstance(value, torch.Tensor)}
    if len(kinds) == 1 and all(isinstance(value, torch.Tensor) for value in values):
        together = torch.stack([value.reshape(()) for value in values])
        if together.dtype in {torch.bfloat16, torch.float16}:
            together = together.float()
        numbers: npt.NDArray[np.float64] = together.cpu().numpy().astype(np.float64)
        return numbers
    return np.array([float(value) for value in values], np.float64)
