"""The interface of every backend's ring buffer: step records of the latest steps of one model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from lrmon import schema
from lrmon.train.model.step_optimizers import StepOptimizers
from lrmon.train.ring_buffer.losses import HIDDEN, LOSS_OF_LOGS, NO_LOSS, Loss, MetricCalls, loss_of

_T = TypeVar("_T")

_ORIGINAL: Final = "lrmon_original"
_IS_HELD: Final = "lrmon_original_is_held"
"""Whether the model itself, and not its class, had the original."""


@dataclass(frozen=True, slots=True)
class StepRecords:
    """Consecutive steps.

    Attributes:
        iteration: [n, m], the raw counter of each optimizer before the step; NaN if it cannot be read.
        updates: [n, m], how far the counter grew: how many updates the optimizer made in the step.
        learning_rate: [n, m], that the first update of each optimizer in the step used, or would have used
            where it made none; NaN if it cannot be read.
        loss: [n].
        finite: [n], whether the update was made, where the counter does not tell: tf_keras counts one that
            its loss scaling leaves out.
    """

    iteration: npt.NDArray[np.float64]
    updates: npt.NDArray[np.int64]
    learning_rate: npt.NDArray[np.float64]
    loss: npt.NDArray[np.float64]
    finite: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.loss)


class RingBuffer(ABC):
    """Step records of the latest steps of one model.

    Args:
        model: Whose steps.
        depth: Step records kept. More than are ever unread, with room for the steps that run during a read.
        optimizers: Those that the step can apply.
    """

    counts_samples = False
    """Whether `batch_size` is known once step records were read, for any model."""

    def __init__(self, model: Any, depth: int, optimizers: StepOptimizers) -> None:
        self.model: Final = model
        self.depth: Final = depth
        self.optimizers: Final = optimizers
        """Whose updates are in the step records, one column each."""
        self.problem: str | None = None
        """Why step records are missing or incomplete, in words, if they are; known once the step has run."""
        self.loss_provenance = ""
        """Where the losses come from, in words; known once the step has run."""
        self.batch_size: int | None = None
        """Samples of the first batch that was read, of all replicas, if the ring buffer counts them."""
        self._unseen_metric = ""
        """Why what the step returns as its loss may be the mean of a metric, once that was so."""

    @abstractmethod
    def count(self) -> int:
        """Returns how many steps have run; waits for the device."""

    @abstractmethod
    def rows(self, start: int, stop: int) -> StepRecords:
        """Returns the step records of steps `start` to `stop`, less the first where they are overwritten."""

    def execution_ended(self, steps: int) -> None:  # noqa: B027 - most rings need not know
        """Notes in the training thread that a call of the train function made so many steps."""

    def epoch_ended(self) -> None:  # noqa: B027
        """Notes in the training thread that an epoch ended."""

    def interrupted(self) -> None:  # noqa: B027
        """Notes that no more steps come, though the epoch has not ended."""

    def awaits_others(self) -> bool:
        """Returns whether steps have run whose step records other processes have yet to complete."""
        return False

    @abstractmethod
    def around(self, train_step: Callable[..., Any]) -> Callable[..., Any]:
        """Returns `train_step` with the step record of each step written into the ring buffer."""

    def install(self) -> None:
        """Puts the ring buffer into the model's training step, which is compiled again."""
        held = vars(self.model).get("train_step")
        train_step = getattr(self.model.train_step, _ORIGINAL, self.model.train_step)
        self._wrapped = self.around(train_step)
        setattr(self._wrapped, _ORIGINAL, train_step)
        setattr(self._wrapped, _IS_HELD, getattr(held, _IS_HELD, held is not None))
        self.model.train_step = self._wrapped
        self.model.make_train_function(force=True)

    def resumed(self) -> bool:
        """Returns to the model for another fit, without compiling again.

        Returns:
            Whether it is in all of the model's compiled steps.
        """
        return True

    def install_again(self) -> None:
        """Returns to a train function that was made again during the fit."""
        self.install()

    def guarded(self, what: str, read: Callable[[], _T], otherwise: _T) -> _T:
        """Returns what `read` returns, or `otherwise` if it raises: an error of lrmon never ends the step."""
        try:
            return read()
        except Exception as error:  # noqa: BLE001 - see above
            self.problem = f"the {what} cannot be read in the training step ({type(error).__name__}: {error})"
            return otherwise

    def _loss(self, calls: Sequence[MetricCalls], logs: Any) -> Loss:
        """The batch's loss; says where it is from.

        Args:
            calls: What this step called of the metrics.
            logs: What it returned.
        """
        loss = loss_of(calls, logs)
        if loss.provenance == LOSS_OF_LOGS and self._unseen_metric:
            # A function that was compiled within the step calls its metrics once, and then without us.
            loss = Loss(provenance=self._unseen_metric)
        elif loss.provenance not in {LOSS_OF_LOGS, NO_LOSS} and loss.provenance.startswith("none"):
            self._unseen_metric = loss.provenance
        elif not self._is_of_this_step(loss.value):
            self._unseen_metric = HIDDEN
            loss = Loss(provenance=HIDDEN)
        elif len(getattr(loss.value, "shape", ())):
            shape = tuple(loss.value.shape)
            loss = Loss(provenance=f"none: the model's own train_step has a loss of shape {shape}")
        self.loss_provenance = loss.provenance
        return loss

    def _is_of_this_step(self, value: Any) -> bool:
        """Returns whether the step can use a value: any number or variable, but none of an inner function."""
        return True


def grown(before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Returns how far counters grew; 0 if one of both is not known, or where the user's code set it back."""
    return np.nan_to_num(np.maximum(after - before, 0)).astype(np.int64)


def uninstall(model: Any) -> None:
    """Gives the model its own `train_step` back; what is compiled keeps the ring buffer."""
    held = vars(model).get("train_step")
    if not hasattr(held, _ORIGINAL):
        return
    if getattr(held, _IS_HELD):
        model.train_step = getattr(held, _ORIGINAL)
    else:
        del model.train_step


def depth_for(steps_per_execution: int) -> int:
    """Returns how many step records hold what is unread at most, and an execution that runs meanwhile."""
    block = schema.ROWS_PER_RECORD
    return block + block * -(-2 * steps_per_execution // block)
