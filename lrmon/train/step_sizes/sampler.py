"""The samples of one fit: taken around its updates, completed when the rows of their steps are read."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrmon import schema
from lrmon.train.model.optimizers import Part, counter, is_legacy, parts
from lrmon.train.ring_buffer.base import StepRing, StepRows
from lrmon.train.step_sizes.reading import Read, reader
from lrmon.train.step_sizes.rules import Finish, Readings, StepRule, step_rule
from lrmon.train.step_sizes.strides import quantiles, strides

_Doubles = npt.NDArray[np.float64]

_MOST_WAITING: Final = 16
"""Samples that wait for their rows; each holds some 100 kB."""


def checked_interval(step_sizes_every: Any) -> int | None:
    """Returns the interval in steps, None where no samples are asked for.

    Raises:
        TypeError: It is no whole number.
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
class _Sampled:
    """One variable in the sample."""

    variable: Any
    layer: str
    shape: tuple[int, ...]
    stride: int
    part: int | None
    """Which of the optimizers trains it."""

    @property
    def count(self) -> int:
        return -(-math.prod(self.shape) // self.stride)

    @property
    def each_stands_for(self) -> float:
        return math.prod(self.shape) / max(self.count, 1)


@dataclass(frozen=True, slots=True)
class _Trained:
    """One optimizer, its column in the rows, and the rule that it follows if it is known."""

    optimizer: Any
    column: int
    rule: StepRule | None
    steps_per_update: int


@dataclass(frozen=True, slots=True)
class _Before:
    """What was read before the update: by variable its weights, and the rest that its rule asks for."""

    weights: list[_Doubles]
    slots: list[dict[str, _Doubles]]
    whole: list[_Doubles | None]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A sample that lacks its step and the learning rates of it."""

    row: int
    finish: list[tuple[int, Finish, float]] | None
    """Of each variable: the column of the learning rate that it needs, what then gives its step sizes, how
    many weights each stands for."""
    columns: tuple[int, ...]
    """Of the optimizers that have to make one update each in the step."""
    update_to_weight: dict[str, float] | None


class StepSizes:
    """Samples step sizes and updates during one fit.

    `before_execution` and `execution_ended` are called by the thread that trains, `completed` by whichever
    reads the ring. None of them raises: what goes wrong ends the sampling, and `problem` says what it was.

    Args:
        model: Its optimizer may be built yet or not: what cannot be read waits for the next step.
        ring: Of the model; counts its steps.
        every: Sampled is the first step whose update is made from each multiple of so many steps on, counted
            as the ring counts them.
        steps_per_execution: Where it is more than 1, only the last step of an execution can be sampled, and
            not by how much its update alone moved the weights.
    """

    def __init__(self, model: Any, ring: StepRing, every: int, steps_per_execution: int) -> None:
        self.problem: str | None = None
        """Why the sampling ended, in words, if it did."""
        self._model: Final = model
        self._ring: Final = ring
        self._every: Final = every
        self._steps_per_execution: Final = steps_per_execution
        self._rows = ring.count()
        self._due = -(-self._rows // every) * every
        self._read: Final[Read] = reader(model)
        self._optimizers: list[_Trained] = []
        self._variables: list[_Sampled] = []
        self._before: _Before | None = None
        self._waiting: deque[_Waiting] = deque()

    @property
    def formula(self) -> str:
        """What a step size is, in words."""
        found = [(part.name, step_rule(part.optimizer)) for _, part in self._found()]
        formulas = [
            rule.formula if len(found) == 1 else f"{rule.formula} ({name})"
            for name, rule in found
            if rule is not None
        ]
        ending = "Weights that never had a gradient are not counted."
        return f"A sampled step size is {'; '.join(formulas)}. {ending}" if formulas else ""

    @property
    def warnings(self) -> list[str]:
        """What the samples lack, and why, in sentences."""
        lacking = [] if self.problem is None else [self.problem]
        rules = [(part, step_rule(part.optimizer)) for _, part in self._found()]
        for part, rule in rules:
            name = type(part.optimizer).__name__
            if rule is None:
                lacking.append(f"Samples have no step sizes: the update of {name} is not known to lrmon.")
            elif rule.looks_back and self._steps_per_execution > 1:
                lacking.append(
                    f"Samples have no step sizes: those of {name} need what was before the update, which is "
                    f"within an execution of {self._steps_per_execution} steps."
                )
        if self._steps_per_execution > 1:
            lacking.append(
                "Samples do not say how far an update moved the weights: only the end of an execution of "
                f"{self._steps_per_execution} steps is seen."
            )
        return lacking

    @property
    def is_full(self) -> bool:
        """Whether the ring should be read now, so that no more samples wait."""
        return len(self._waiting) >= _MOST_WAITING

    def before_execution(self) -> None:
        """Reads what the next update will change, if that is to be sampled."""
        if self.problem is None and self._steps_per_execution == 1 and self._rows >= self._due:
            try:
                self._before = self._read_before()
            except Exception as error:  # noqa: BLE001 - whatever it is, the recording is worth more
                self._end(error)

    def execution_ended(self) -> None:
        """Takes a sample of the update that has been made, if it is due."""
        self._rows += self._steps_per_execution
        if self.problem is None and self._rows > self._due:
            try:
                self._take()
            except Exception as error:  # noqa: BLE001 - see above
                self._end(error)
            self._before = None

    def completed(self, rows: StepRows, first_row: int, first_step: int) -> list[schema.SampleRecord]:
        """Returns the samples of steps that have just been read from the ring.

        Args:
            rows: Of these steps.
            first_row: The place of the first of them in the ring's count.
            first_step: Its step in the run.
        """
        try:
            return self._completed(rows, first_row, first_step)
        except Exception as error:  # noqa: BLE001 - see above
            self._end(error)
            return []

    def _end(self, error: Exception) -> None:
        self.problem = f"Sampling of step sizes ended: {type(error).__name__}: {error}"
        self._waiting.clear()

    def _read_before(self) -> _Before | None:
        """None where the update is none to be sampled."""
        if not self._is_planned():
            return None
        if any(each.steps_per_update > 1 for each in self._optimizers):
            iterations = self._iterations()
            if any(
                (iteration + 1) % each.steps_per_update
                for iteration, each in zip(iterations, self._optimizers, strict=True)
            ):
                return None
        rules = [None if each.part is None else self._optimizers[each.part].rule for each in self._variables]
        wanted = [(each.variable, each.stride) for each in self._variables]
        for each, rule in zip(self._variables, rules, strict=True):
            if rule is not None:
                wanted += [(self._slot(each, name), each.stride) for name in rule.before]
                wanted += [(each.variable, 1)] if rule.whole else []
        values = iter(self._read(wanted))
        weights = [next(values).astype(np.float64) for _ in self._variables]
        slots, whole = [], []
        for rule in rules:
            names = () if rule is None else rule.before
            slots.append({name: next(values).astype(np.float64) for name in names})
            whole.append(next(values).astype(np.float64) if rule is not None and rule.whole else None)
        return _Before(weights, slots, whole)

    def _take(self) -> None:
        several = self._steps_per_execution > 1
        if not self._ring.awaits_others():
            self._rows = self._ring.count()
        elif several:
            return
        if self._rows <= self._due or (self._before is None and not several) or not self._is_planned():
            return
        iterations = self._iterations()
        if any(
            iteration % each.steps_per_update or not iteration
            for iteration, each in zip(iterations, self._optimizers, strict=True)
        ):
            return
        updates = [
            iteration // each.steps_per_update
            for iteration, each in zip(iterations, self._optimizers, strict=True)
        ]
        self._waiting.append(self._sample(updates, self._before))
        self._due = (self._rows - 1) // self._every * self._every + self._every

    def _sample(self, updates: Sequence[int], before: _Before | None) -> _Waiting:
        """The sample after an update, but for what the ring knows.

        Args:
            updates: By optimizer, how many it has made: t of its latest.
            before: What was read before the update, if that was possible.
        """
        trained = [each for each in self._variables if each.part is not None]
        rules = [self._optimizers[each.part].rule for each in trained if each.part is not None]
        known = all(each.rule is not None for each in self._optimizers) and not (
            before is None and any(rule.looks_back for rule in rules if rule is not None)
        )
        wanted: list[tuple[Any, int]] = []
        if before is not None:
            wanted += [(each.variable, each.stride) for each in self._variables]
        if known:
            for each, rule in zip(trained, rules, strict=True):
                slots = [(self._slot(each, name), each.stride) for name in rule.after] if rule else []
                wanted += [(slot, stride) for slot, stride in slots if slot is not None]
                wanted += [(self._slot(each, name), 1) for name in rule.whole_after] if rule else []
        values = iter(self._read(wanted))
        columns = tuple(each.column for each in self._optimizers)
        ratios = None
        if before is not None:
            after = [next(values).astype(np.float64) for _ in self._variables]
            ratios = self._update_to_weight(before.weights, after)
        if not known:
            return _Waiting(self._rows - 1, None, columns, ratios)
        finish: list[tuple[int, Finish, float]] = []
        for index, each in enumerate(self._variables):
            if each.part is None:
                continue
            rule = self._optimizers[each.part].rule
            if rule is None:
                continue
            has = {name: self._slot(each, name) is not None for name in rule.after}
            readings = Readings(
                each.shape,
                each.count,
                {name: next(values).astype(np.float64) if has[name] else None for name in rule.after},
                {} if before is None else before.slots[index],
                None if before is None else before.whole[index],
                {name: next(values).astype(np.float64) for name in rule.whole_after},
                _weight_decay(self._optimizers[each.part].optimizer, each.variable),
            )
            column = self._optimizers[each.part].column
            finish.append((column, rule.of(updates[each.part], readings), each.each_stands_for))
        return _Waiting(self._rows - 1, finish, columns, ratios)

    def _update_to_weight(self, before: list[_Doubles], after: list[_Doubles]) -> dict[str, float]:
        """By layer, ‖Δw‖ / ‖w‖."""
        squares: dict[str, list[float]] = {}
        for each, old, new in zip(self._variables, before, after, strict=True):
            sums = squares.setdefault(each.layer, [0.0, 0.0])
            sums[0] += each.each_stands_for * float(np.sum((new - old) ** 2))
            sums[1] += each.each_stands_for * float(np.sum(old**2))
        return {
            layer: math.sqrt(update / weight) if weight else math.nan
            for layer, (update, weight) in squares.items()
        }

    def _completed(self, rows: StepRows, first_row: int, first_step: int) -> list[schema.SampleRecord]:
        found: list[schema.SampleRecord] = []
        while self._waiting and self._waiting[0].row < first_row + len(rows):
            sample = self._waiting.popleft()
            at = sample.row - first_row
            one_each = at >= 0 and bool((rows.updates[at, list(sample.columns)] == 1).all())
            if not one_each or (rows.finite is not None and not rows.finite[at]):
                continue
            found.append(
                {
                    "step": first_step + at,
                    "parameters": sum(math.prod(each.shape) for each in self._variables),
                    "sampled": sum(each.count for each in self._variables),
                    "step_size": _step_size(sample, rows.learning_rate[at]),
                    "update_to_weight": sample.update_to_weight,
                }
            )
        return found

    def _is_planned(self) -> bool:
        """Chooses the weights, as soon as there are some; tells whether they can be read."""
        if self._variables:
            return True
        found = self._found()
        optimizers = [
            _Trained(
                part.optimizer,
                column,
                step_rule(part.optimizer),
                getattr(part.optimizer, "gradient_accumulation_steps", None) or 1,
            )
            for column, part in found
        ]
        if not found or not all(_is_built(each) for each in optimizers):
            return False
        self._optimizers = optimizers
        variables = [
            variable
            for variable in self._model.trainable_variables
            if not getattr(variable, "overwrite_with_gradient", False)
        ]
        shapes = [tuple(int(side) for side in variable.shape) for variable in variables]
        self._variables = [
            _Sampled(
                variable, _layer(variable), shape, stride, _part_of(variable, [part for _, part in found])
            )
            for variable, shape, stride in zip(variables, shapes, strides(shapes), strict=True)
            if math.prod(shape)
        ]
        return bool(self._variables)

    def _found(self) -> list[tuple[int, Part]]:
        """The optimizers that make updates, with their columns; before any was seen, those of `compile`."""
        optimizers = self._ring.optimizers
        used = optimizers.applied or parts(self._model.optimizer)
        makers = {id(part.optimizer) for part in used}
        return [
            (column, part) for column, part in enumerate(optimizers.parts) if id(part.optimizer) in makers
        ]

    def _iterations(self) -> list[int]:
        """By optimizer, its counter."""
        counters = self._read([(counter(each.optimizer), 1) for each in self._optimizers])
        return [int(value[0]) for value in counters]

    def _slot(self, sampled: _Sampled, name: str) -> Any:
        """The optimizer's variable of that name beside a weight's variable, None where it has none."""
        optimizer = self._optimizers[sampled.part or 0].optimizer
        if is_legacy(optimizer):
            return optimizer.get_slot(sampled.variable, name)
        return getattr(optimizer, name)[_index(optimizer, sampled.variable)]


def _step_size(sample: _Waiting, learning_rate: npt.NDArray[np.float64]) -> list[float] | None:
    """The quantiles, None where a rule or a learning rate is not known."""
    if not sample.finish or any(np.isnan(learning_rate[part]) for part, _, _ in sample.finish):
        return None
    sizes = [finish(float(learning_rate[part])) for part, finish, _ in sample.finish]
    weights = [
        np.full(len(each), stands_for) for each, (_, _, stands_for) in zip(sizes, sample.finish, strict=True)
    ]
    values, counts = np.concatenate(sizes), np.concatenate(weights)
    moved = ~np.isnan(values)
    return quantiles(values[moved], counts[moved]) if moved.any() else None


def _is_built(trained: _Trained) -> bool:
    """Tells whether the optimizer has the slots that its rule asks for."""
    optimizer, rule = trained.optimizer, trained.rule
    if is_legacy(optimizer):
        asks = rule is not None and bool(rule.after or rule.before)
        return bool(optimizer._slots) or not asks  # noqa: SLF001 - no public name for it
    return bool(getattr(optimizer, "built", False) or getattr(optimizer, "_built", False))


def _index(optimizer: Any, variable: Any) -> int:
    """The variable's place among those that the optimizer trains.

    Raises:
        KeyError: It is none of them.
    """
    if hasattr(optimizer, "_index_dict"):
        return int(optimizer._index_dict[optimizer._var_key(variable)])  # noqa: SLF001 - no public name
    return int(optimizer._get_variable_index(variable))  # noqa: SLF001 - see above


def _part_of(variable: Any, found: Sequence[Part]) -> int | None:
    for number, part in enumerate(found):
        if is_legacy(part.optimizer):
            return number
        try:
            _index(part.optimizer, variable)
        except KeyError:
            continue
        return number
    return None


def _layer(variable: Any) -> str:
    """The variable's path without its last part."""
    path = str(getattr(variable, "path", None) or variable.name)
    return path.rpartition("/")[0] or path


def _weight_decay(optimizer: Any, variable: Any) -> float:
    """What share of learning rate · weight is taken off before the update."""
    decay = getattr(optimizer, "weight_decay", None)
    return float(decay) if decay and optimizer._use_weight_decay(variable) else 0.0  # noqa: SLF001
