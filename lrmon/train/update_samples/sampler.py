"""The samples of one fit: taken around its updates, completed when the records of their steps are read."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrmon import schema
from lrmon.train.model.optimizers import Part, parts, position_of, slot_of
from lrmon.train.model.step_size import StepSizeRule, step_size_rule
from lrmon.train.private_names.keras import counter
from lrmon.train.private_names.tf_keras import has_slots, is_built, is_legacy
from lrmon.train.ring_buffer.base import RingBuffer, StepRecords
from lrmon.train.update_samples.variable_values import Read, reader
from lrmon.train.update_samples.weights import quantiles, strides

_Doubles = npt.NDArray[np.float64]

_MOST_WAITING: Final = 16
"""Samples that wait for the records of their steps; each holds some 100 kB."""


def checked_interval(step_sizes_every: Any) -> int | None:
    """Returns the interval in steps, None where no samples are asked for.

    Raises:
        TypeError: It is not a whole number.
        ValueError: It is below 1.
    """
    if step_sizes_every is None:
        return None
    if isinstance(step_sizes_every, bool) or not hasattr(step_sizes_every, "__index__"):
        raise TypeError(
            "step_sizes_every must be a whole number of steps, or None for no samples, "
            f"got {step_sizes_every!r}"
        )
    every = int(step_sizes_every.__index__())
    if every < 1:
        raise ValueError(f"step_sizes_every must be at least 1, got {every}")
    return every


@dataclass(frozen=True, slots=True)
class _Optimizer:
    """One optimizer that makes updates, and its column in the step records."""

    optimizer: Any
    column: int
    rule: StepSizeRule | None
    steps_per_update: int


@dataclass(frozen=True, slots=True)
class _Variable:
    """One variable of the model, and which of its weights are sampled."""

    variable: Any
    layer: str
    shape: tuple[int, ...]
    stride: int
    trained_by: _Optimizer | None

    @property
    def sampled(self) -> int:
        return -(-math.prod(self.shape) // self.stride)

    @property
    def weights_per_sampled(self) -> float:
        return math.prod(self.shape) / max(self.sampled, 1)


@dataclass(frozen=True, slots=True)
class _Scale:
    """What the step sizes of one variable's sampled weights are, once the learning rate is known."""

    column: int
    scale: _Doubles
    weights_per_sampled: float


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A sample that lacks its step and the learning rates of it; no `scales` where a rule is not known."""

    position: int
    scales: list[_Scale]
    update_to_weight: dict[str, float] | None


class UpdateSampler:
    """Samples what single updates do to the weights, during one fit.

    `before_execution` and `execution_ended` are called by the thread that trains, `completed` by whichever
    reads the ring buffer. None of them raises: an error ends the sampling, and `problem` says what it was.

    Args:
        model: Its optimizer may be built yet or not: what cannot be read waits for the next step.
        ring: Of the model; counts its steps.
        every: The first step after each multiple of this many steps whose update is made is sampled.
        steps_per_execution: Where it is more than 1, only the last step of an execution can be sampled, and
            not by how much its update alone moved the weights.
    """

    def __init__(self, model: Any, ring: RingBuffer, every: int, steps_per_execution: int) -> None:
        self.problem: str | None = None
        """Why the sampling ended, in words, if it did."""
        self._model: Final = model
        self._ring: Final = ring
        self._every: Final = every
        self._steps_per_execution: Final = steps_per_execution
        self._steps_made = ring.count()
        self._due = -(-self._steps_made // every) * every
        self._read_variables: Final[Read] = reader(model)
        self._optimizers: list[_Optimizer] = []
        self._variables: list[_Variable] = []
        self._weights_before: dict[int, _Doubles] | None = None
        self._waiting: deque[_Waiting] = deque()

    @property
    def formula(self) -> str:
        """What a step size is, in words; empty where no rule is known."""
        rules = [(part.name, step_size_rule(part.optimizer)) for _, part in self._trained_parts()]
        formulas = [
            rule.formula if len(rules) == 1 else f"{rule.formula} ({name})"
            for name, rule in rules
            if rule is not None
        ]
        ending = "Weights that never had a gradient are not counted."
        return f"A sampled step size is {'; '.join(formulas)}. {ending}" if formulas else ""

    @property
    def warnings(self) -> list[str]:
        """What the samples lack, and why, in sentences."""
        lacking = [] if self.problem is None else [self.problem]
        for _, part in self._trained_parts():
            if step_size_rule(part.optimizer) is None:
                name = type(part.optimizer).__name__
                lacking.append(
                    f"Samples have no step sizes: lrmon knows those of SGD, Adam and AdamW, not of {name}."
                )
        if self._steps_per_execution > 1:
            lacking.append(
                "Samples do not say how far an update moved the weights: only the end of an execution of "
                f"{self._steps_per_execution} steps can be read."
            )
        return lacking

    @property
    def is_full(self) -> bool:
        """Whether the ring buffer should be read now, so that no more samples wait."""
        return len(self._waiting) >= _MOST_WAITING

    def before_execution(self) -> None:
        """Reads what the next update will change, if that is to be sampled."""
        if self.problem is None and self._steps_per_execution == 1 and self._steps_made >= self._due:
            self._protect(self._read_before)

    def execution_ended(self) -> None:
        """Takes a sample of the update that has been made, if it is due."""
        self._steps_made += self._steps_per_execution
        if self.problem is None and self._steps_made > self._due:
            self._protect(self._take)
            self._weights_before = None

    def completed(self, rows: StepRecords, first_row: int, first_step: int) -> list[schema.SampleRecord]:
        """Returns the samples of steps that have just been read from the ring buffer.

        Args:
            rows: The records of these steps.
            first_row: The position of the first of them in the ring buffer's count.
            first_step: Its step in the run.
        """
        samples: list[schema.SampleRecord] = []
        self._protect(lambda: samples.extend(self._completed(rows, first_row, first_step)))
        return samples

    def _protect(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever it is, the recording is worth more
            self.problem = f"Sampling of step sizes ended: {type(error).__name__}: {error}"
            self._waiting.clear()

    def _read_before(self) -> None:
        """Keeps the weights, unless the next step only accumulates gradients."""
        self._weights_before = None
        if not self._is_planned():
            return
        if any(optimizer.steps_per_update > 1 for optimizer in self._optimizers) and any(
            (iteration + 1) % optimizer.steps_per_update
            for iteration, optimizer in zip(self._iterations(), self._optimizers, strict=True)
        ):
            return
        self._weights_before = self._read(self._sampled_weights())

    def _take(self) -> None:
        several = self._steps_per_execution > 1
        if not self._ring.awaits_others():
            self._steps_made = self._ring.count()
        elif several:
            return
        if self._steps_made <= self._due or (self._weights_before is None and not several):
            return
        if not self._is_planned():
            return
        iterations = self._iterations()
        if any(
            iteration % optimizer.steps_per_update or not iteration
            for iteration, optimizer in zip(iterations, self._optimizers, strict=True)
        ):
            return
        updates = {
            optimizer.column: iteration // optimizer.steps_per_update
            for iteration, optimizer in zip(iterations, self._optimizers, strict=True)
        }
        self._waiting.append(_Waiting(self._steps_made - 1, self._scales(updates), self._update_to_weight()))
        self._due = (self._steps_made - 1) // self._every * self._every + self._every

    def _scales(self, updates: Mapping[int, int]) -> list[_Scale]:
        """Returns the scale of each variable's weights; none where an optimizer's rule is not known.

        Args:
            updates: By column of the optimizer, how many it has made: t of its latest.
        """
        trained = [
            (variable, variable.trained_by, variable.trained_by.rule)
            for variable in self._variables
            if variable.trained_by is not None
        ]
        slots: dict[Hashable, tuple[Any, int]] = {}
        for number, (variable, optimizer, rule) in enumerate(trained):
            if rule is None:
                return []
            if rule.slot is not None:
                slot = slot_of(optimizer.optimizer, rule.slot, variable.variable)
                slots[number] = (slot, variable.stride)
        entries = self._read(slots)
        return [
            _Scale(
                optimizer.column,
                rule.scale(updates[optimizer.column], entries.get(number, np.empty(variable.sampled))),
                variable.weights_per_sampled,
            )
            for number, (variable, optimizer, rule) in enumerate(trained)
            if rule is not None
        ]

    def _update_to_weight(self) -> dict[str, float] | None:
        """By layer, ‖Δw‖ / ‖w‖; None where the weights before the update are not known."""
        if self._weights_before is None:
            return None
        after = self._read(self._sampled_weights())
        squares: dict[str, list[float]] = {}
        for number, variable in enumerate(self._variables):
            old, new = self._weights_before[number], after[number]
            sums = squares.setdefault(variable.layer, [0.0, 0.0])
            sums[0] += variable.weights_per_sampled * float(np.sum((new - old) ** 2))
            sums[1] += variable.weights_per_sampled * float(np.sum(old**2))
        return {
            layer: math.sqrt(update / weight) if weight else math.nan
            for layer, (update, weight) in squares.items()
        }

    def _completed(self, rows: StepRecords, first_row: int, first_step: int) -> list[schema.SampleRecord]:
        samples: list[schema.SampleRecord] = []
        columns = [optimizer.column for optimizer in self._optimizers]
        while self._waiting and self._waiting[0].position < first_row + len(rows):
            sample = self._waiting.popleft()
            at = sample.position - first_row
            has_one_update_each = at >= 0 and bool((rows.updates[at, columns] == 1).all())
            if not has_one_update_each or (rows.finite is not None and not rows.finite[at]):
                continue
            samples.append(
                {
                    "step": first_step + at,
                    "parameters": sum(math.prod(variable.shape) for variable in self._variables),
                    "sampled": sum(variable.sampled for variable in self._variables),
                    "step_size": _step_size(sample.scales, rows.learning_rate[at]),
                    "update_to_weight": sample.update_to_weight,
                }
            )
        return samples

    def _is_planned(self) -> bool:
        """Chooses the weights as soon as there are some; returns whether they can be read."""
        if self._variables:
            return True
        optimizers = [
            _Optimizer(
                part.optimizer,
                column,
                step_size_rule(part.optimizer),
                getattr(part.optimizer, "gradient_accumulation_steps", None) or 1,
            )
            for column, part in self._trained_parts()
        ]
        if not optimizers or not all(_is_built(optimizer) for optimizer in optimizers):
            return False
        self._optimizers = optimizers
        variables = [
            variable
            for variable in self._model.trainable_variables
            if not getattr(variable, "overwrite_with_gradient", False)
        ]
        shapes = [tuple(int(side) for side in variable.shape) for variable in variables]
        self._variables = [
            _Variable(variable, _layer(variable), shape, stride, _trained_by(variable, optimizers))
            for variable, shape, stride in zip(variables, shapes, strides(shapes), strict=True)
            if math.prod(shape)
        ]
        return bool(self._variables)

    def _trained_parts(self) -> list[tuple[int, Part]]:
        """Returns the optimizers that make updates, with their columns; before the first, `compile`'s."""
        optimizers = self._ring.optimizers
        applied = {id(part.optimizer) for part in optimizers.applied or parts(self._model.optimizer)}
        return [
            (column, part) for column, part in enumerate(optimizers.parts) if id(part.optimizer) in applied
        ]

    def _sampled_weights(self) -> dict[Hashable, tuple[Any, int]]:
        return {
            number: (variable.variable, variable.stride) for number, variable in enumerate(self._variables)
        }

    def _read(self, wanted: Mapping[Hashable, tuple[Any, int]]) -> dict[Any, _Doubles]:
        """Returns, under the same keys, the values of variables, of which each stride-th is taken."""
        values = self._read_variables(list(wanted.values()))
        return {key: value.astype(np.float64) for key, value in zip(wanted, values, strict=True)}

    def _iterations(self) -> list[int]:
        """Returns the counter of each optimizer."""
        counters = self._read_variables([(counter(optimizer.optimizer), 1) for optimizer in self._optimizers])
        return [int(value[0]) for value in counters]


def _step_size(scales: Sequence[_Scale], learning_rate: npt.NDArray[np.float64]) -> list[float] | None:
    """Returns the quantiles, None where a rule or a learning rate is not known."""
    if not scales or any(np.isnan(learning_rate[scale.column]) for scale in scales):
        return None
    sizes = np.concatenate([float(learning_rate[scale.column]) * scale.scale for scale in scales])
    counts = np.concatenate([np.full(len(scale.scale), scale.weights_per_sampled) for scale in scales])
    has_moved = ~np.isnan(sizes)
    return quantiles(sizes[has_moved], counts[has_moved]) if has_moved.any() else None


def _is_built(trained: _Optimizer) -> bool:
    """Returns whether the optimizer has the slots that its rule needs."""
    optimizer, rule = trained.optimizer, trained.rule
    if is_legacy(optimizer):
        return has_slots(optimizer) or rule is None or rule.slot is None
    return bool(getattr(optimizer, "built", False)) or is_built(optimizer)


def _trained_by(variable: Any, optimizers: Sequence[_Optimizer]) -> _Optimizer | None:
    return next(
        (optimizer for optimizer in optimizers if position_of(optimizer.optimizer, variable) is not None),
        None,
    )


def _layer(variable: Any) -> str:
    """Returns the variable's path without its last part."""
    path = str(getattr(variable, "path", None) or variable.name)
    return path.rpartition("/")[0] or path
