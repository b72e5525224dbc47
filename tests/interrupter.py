"""KeyboardInterrupt at a chosen place of lrmon's code, in the thread that trains."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any


class Interrupter:
    """Raises KeyboardInterrupt, within a `with`, at one line or bytecode that the thread reaches.

    Args:
        path: Where the code lies: what the paths of its files begin with.
        position: Which of its lines or bytecodes, counted as they are reached, from 1.
        opcodes: Whether bytecodes are counted, not lines.
    """

    def __init__(self, path: str, position: int, *, opcodes: bool = False) -> None:
        self.position = position
        self.reached = 0
        self._path = path
        self._opcodes = opcodes

    def __enter__(self) -> None:
        # A trace function that has raised is not called again.
        sys.settrace(self._trace if self.reached < self.position else None)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        if not frame.f_code.co_filename.startswith(self._path):
            return None
        frame.f_trace_opcodes = self._opcodes
        if event == ("opcode" if self._opcodes else "line"):
            self.reached += 1
            if self.reached == self.position:
                raise KeyboardInterrupt
        return self._trace
