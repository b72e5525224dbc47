"""KeyboardInterrupt at every point of the recorder's code, in the thread that trains."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import lrmon
from lrmon.record import flush_thread
from tests.interrupter import Interrupter
from tests.recorded import recorded

RECORD = str(Path(flush_thread.__file__).parent)


class Loop:
    """A training loop that goes on after an interrupt.

    Attributes:
        returned: Losses whose call came back.
        interrupted: Losses whose call did not.
    """

    def __init__(self, recorder: lrmon.Recorder) -> None:
        self.recorder = recorder
        self.returned: list[float] = []
        self.interrupted: list[float] = []
        self.epochs = 0
        self.interrupted_epochs = 0
        self._loss = 0.0

    def run(self, interrupter: Interrupter) -> None:
        self._try(interrupter, self._everything)

    def _everything(self, go: Callable[[Callable[[], None]], None]) -> None:
        for _ in range(2):
            for _ in range(3):
                go(lambda: self._batches(1))
            go(self._end_epoch)
            go(lambda: self._batches(3))
        go(self.recorder.flush)
        go(lambda: self._batches(1))
        go(self.recorder.close)
        self.recorder.close()

    def _try(
        self, interrupter: Interrupter, everything: Callable[[Callable[[Callable[[], None]], None]], None]
    ) -> None:
        def go(call: Callable[[], None]) -> None:
            with contextlib.suppress(KeyboardInterrupt), interrupter:
                call()

        everything(go)

    def _batches(self, count: int) -> None:
        losses = [self._loss + index for index in range(count)]
        self._loss += count
        self.interrupted += losses
        if count == 1:
            self.recorder.batch(learning_rate=0.1, loss=losses[0])
        else:
            times = time.time() + np.zeros(count)
            self.recorder.batches(learning_rate=np.full(count, 0.1), loss=losses, wall_time=times)
        del self.interrupted[-count:]
        self.returned += losses

    def _end_epoch(self) -> None:
        self.interrupted_epochs += 1
        self.recorder.end_epoch({"val_loss": 1.0})
        self.interrupted_epochs -= 1
        self.epochs += 1


def interrupted_at(log_dir: Path, position: int, *, opcodes: bool) -> bool:
    """Checks one place; returns whether the loop got there."""
    recorder = lrmon.Recorder(log_dir)
    loop, interrupter = Loop(recorder), Interrupter(RECORD, position, opcodes=opcodes)
    loop.run(interrupter)
    run = recorded(log_dir)

    losses = run.loss.tolist()
    assert list(range(len(losses))) == run.step.tolist()
    without = [loss for loss in losses if loss not in loop.interrupted]
    assert loop.returned == without
    assert losses in (loop.returned, sorted(loop.returned + loop.interrupted))
    assert loop.epochs <= len(run.epochs) <= loop.epochs + loop.interrupted_epochs
    assert list(range(len(run.epochs))) == [epoch["epoch"] for epoch in run.epochs]
    firsts = [0, *(epoch["last_step"] + 1 for epoch in run.epochs[:-1])]
    assert firsts[: len(run.epochs)] == [epoch["first_step"] for epoch in run.epochs]
    assert [None, "completed"] == [fit["ended"] for fit in run.fits][:2]
    return interrupter.reached >= position


@pytest.fixture(autouse=True)
def _waits_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the code that waits for the flush thread is reached too."""
    monkeypatch.setattr(flush_thread, "MOST_UNWRITTEN", 4)


def test_an_interrupt_at_any_line_loses_and_doubles_no_batch(tmp_path: Path) -> None:
    position = 1
    while interrupted_at(tmp_path / str(position), position, opcodes=False):
        position += 1
    assert position > 100


@pytest.mark.long
def test_an_interrupt_at_any_bytecode_loses_and_doubles_no_batch(tmp_path: Path) -> None:
    position = 1
    while interrupted_at(tmp_path / str(position), position, opcodes=True):
        position += 1
    assert position > 500
