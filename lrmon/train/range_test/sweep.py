"""One sweep: the model's own `fit`, with another learning rate for every batch."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lrmon.record.recorder import Recorder
from lrmon.train.base import Callback
from lrmon.train.model.description import described_fit, described_optimizer, described_optimizers, exactness
from lrmon.train.model.effective_lr import effective_lr
from lrmon.train.model.models import backend_of
from lrmon.train.model.optimizers import innermost, lr_variable, parts, scales_loss
from lrmon.train.private_names.keras import counter
from lrmon.train.range_test.divergence import Divergence
from lrmon.train.range_test.sweep_settings import Floats
from lrmon.train.ring_buffer.base import RingBuffer
from lrmon.train.ring_buffer.installation import installed


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a sweep measured, [n] of the steps that it made.

    Attributes:
        learning_rate: Of each step's update.
        loss: Of each step's batch, before the update.
        validation_loss: After the update; NaN where it was not evaluated.
        stopped: None where all steps were made, else ``diverged``, ``not finite``, ``data ended`` or
            ``interrupted``.
        stopped_reason: The same in a sentence.
    """

    learning_rate: Floats
    loss: Floats
    validation_loss: Floats
    stopped: str | None
    stopped_reason: str | None


class Sweep(Callback):
    """Sets each batch's learning rate, reads its loss, and says when it is enough.

    Args:
        model: Has an optimizer whose learning rate is a number.
        planned: [n], the learning rates.
        divergence: When to stop.
        validate: Returns the validation loss, or None where there is no validation.
        every: Steps from one validation to the next.
    """

    def __init__(
        self,
        model: Any,
        planned: Floats,
        divergence: Divergence,
        *,
        validate: Callable[[], float] | None = None,
        every: int = 1,
    ) -> None:
        super().__init__()
        self._planned: Final = planned
        self._divergence: Final = divergence
        self._validate: Final = validate
        self._every: Final = every
        self._optimizer: Final = innermost(model.optimizer)
        self._effective: Final = effective_lr(self._optimizer)
        self._scales_loss: Final = scales_loss(model.optimizer)
        self._first_iteration: Final = int(_host(counter(self._optimizer)))
        self._ring: RingBuffer | None = None
        self._first_row = 0
        self._rows: list[tuple[float, float, float]] = []
        self._updates = 0
        self._recorder: Recorder | None = None
        self._record: dict[str, Any] = {}
        self._stopped: tuple[str, str] | None = None

    def record_to(self, recorder: Recorder, record: Mapping[str, Any]) -> None:
        """Has the sweep recorded.

        Args:
            recorder: Of this and further sweeps, whose steps go on counting.
            record: Fields of `lrmon.schema.RangeTestRecord`.
        """
        self._recorder, self._record = recorder, dict(record)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the ring into the training step."""
        self._ring = installed(self.model)
        self._first_row = self._ring.count()
        if self._recorder is not None:
            part = parts(self.model.optimizer)[0]
            self._recorder.begin_fit(
                {
                    **described_fit(self.model, {**(self.params or {}), "epochs": None}),
                    **described_optimizers([part], [described_optimizer(part, backend_of(self.model))], 0),
                    "kind": "range_test",
                    "range_test": {**self._record, "stopped": None, "stopped_reason": None},
                },
                first_step=self._recorder.next_step,
                first_iteration=self._first_iteration,
            )

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Sets the learning rate of the batch."""
        # On JAX to ask for the model brings its variables up to date; what is assigned then counts.
        if not self.model.stop_training:
            lr_variable(self._optimizer).assign(self._planned[len(self._rows)])

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Reads what the batch's step wrote."""
        model = self.model
        learning_rate, loss = self._row()
        validation_loss = math.nan
        count = len(self._rows) + 1
        if self._validate is not None and (count % self._every == 0 or count == len(self._planned)):
            validation_loss = self._validate()
        self._rows.append((learning_rate, loss, validation_loss))
        self._stopped = self._divergence.after(loss)
        if self._stopped or count == len(self._planned):
            model.stop_training = True

    def _row(self) -> tuple[float, float]:
        ring, position = self._ring, self._first_row + len(self._rows)
        if ring is None or ring.count() <= position:
            problem = (ring and ring.problem) or "the model's train_function does not call its train_step"
            raise RuntimeError(f"find cannot read the loss of a batch: {problem}")
        rows = ring.rows(position, position + 1)
        if ring.loss_provenance.startswith("none"):
            raise RuntimeError(f"find needs each batch's own loss, and there is {ring.loss_provenance}")
        known = [part.optimizer is self._optimizer for part in ring.optimizers.parts]
        column = known.index(True)
        learning_rate, loss = float(rows.learning_rate[0, column]), float(rows.loss[0])
        applied = bool(rows.updates[0, column])
        if math.isnan(learning_rate):
            learning_rate = float(_host(lr_variable(self._optimizer)))
        self._updates += applied
        if self._recorder is not None:
            self._recorder.batches(
                learning_rate=[learning_rate],
                loss=[loss],
                effective_learning_rate=self._effective(
                    rows.learning_rate[:, column], rows.iteration[:, column]
                ),
                wall_time=[time.time()],
            )
            if self._scales_loss and not applied:
                self._recorder.drain()
                self._recorder.skipped([self._recorder.next_step - 1])
        return learning_rate, loss

    def finish(self) -> None:
        """Notes that `fit` has come back.

        Raises:
            RuntimeError: None of the steps made an update with the model's optimizer.
        """
        made, planned = len(self._rows), len(self._planned)
        if made and not self._updates and not self._scales_loss and made >= self._effective.steps_per_update:
            raise RuntimeError(
                "no update of the sweep was made by model.optimizer, so that its learning rate means "
                "nothing: the model's own train_step uses another one"
            )
        if self._stopped is None and made < planned:
            self._stopped = "data ended", f"The data ended after {made} of {planned} steps."

    def interrupt(self, error: BaseException) -> None:
        """Notes that `fit` raised."""
        self._stopped = "interrupted", f"{type(error).__name__} after {len(self._rows)} steps."

    @property
    def measured(self) -> Measured:
        """What has been measured so far."""
        columns = np.array(self._rows, np.float64).reshape(-1, 3).T.copy()
        stopped, reason = self._stopped or (None, None)
        return Measured(columns[0], columns[1], columns[2], stopped, reason)

    def end_record(self, ended: str) -> None:
        """Writes how the sweep ended, if it is recorded; a second time does nothing."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        stopped, reason = self._stopped or (None, None)
        loss_provenance = "" if self._ring is None else self._ring.loss_provenance
        provenances = ("", self._effective.provenance, loss_provenance)
        recorder.end_fit(
            ended,
            loss_provenance=loss_provenance,
            exactness=exactness(*provenances),
            range_test={**self._record, "stopped": stopped, "stopped_reason": reason},
        )
        recorder.flush()


def _host(variable: Any) -> Any:
    return sys.modules["keras"].ops.convert_to_numpy(variable)
