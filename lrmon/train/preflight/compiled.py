"""A schedule that was put in after the training step had been compiled."""

from __future__ import annotations

from collections.abc import Iterator
from types import CellType, FunctionType
from typing import Any

from lrmon.train.model.optimizers import counter, parts, schedule_of
from lrmon.train.preflight.problem import PreflightWarning, figure, indefinite
from lrmon.train.preflight.situation import Situation

_DEEP = 6


def find(situation: Situation) -> Iterator[PreflightWarning]:
    """Yields ``schedule-not-compiled``, for TensorFlow: JAX and PyTorch look at the optimizer in each step.

    A graph knows the variables that it reads. Of one that was traced with a number as the learning rate it
    is the variable with this number, and the optimizer has it no longer.
    """
    variables = [
        variable
        for function in _compiled(situation.model.train_function, _DEEP, set())
        for graph in function._list_all_concrete_functions()  # noqa: SLF001 - the only way to its variables
        for variable in graph.variables
    ]
    for part in parts(situation.model.optimizer):
        schedule, optimizer = schedule_of(part.optimizer), part.optimizer
        if schedule is None or not _contains(variables, counter(optimizer)):
            continue
        names = ("learning_rate:0", f"{getattr(optimizer, 'name', '')}/learning_rate:0")
        lrs = [variable for variable in variables if variable.name in names]
        if lrs:
            yield PreflightWarning(
                code="schedule-not-compiled",
                text=(
                    f"The learning rate of {type(optimizer).__name__} was a number when the training step "
                    f"was compiled, and {indefinite(type(schedule).__name__)} was put in its place since: "
                    "for batches of the shapes so far the compiled step still uses "
                    f"{figure(float(lrs[0].numpy()))}, whatever the schedule says. Compile the model with "
                    "the schedule, or call model.make_train_function(force=True)."
                ),
            )


def _compiled(value: Any, deep: int, seen: set[int]) -> Iterator[Any]:
    """Yields the tf.functions that a function calls, as far as they are in its closure."""
    if deep == 0 or id(value) in seen:
        return
    seen.add(id(value))
    if hasattr(value, "_list_all_concrete_functions"):
        yield value
    elif isinstance(value, FunctionType):
        for cell in value.__closure__ or ():
            yield from _compiled(_contents(cell), deep - 1, seen)


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None  # Its name is not bound yet.


def _contains(variables: list[Any], variable: Any) -> bool:
    own = getattr(variable, "value", None)
    return any(each is variable or (own is not None and each is own) for each in variables)
