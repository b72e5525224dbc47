"""Private names of JAX."""

from __future__ import annotations

from typing import Any, Final

from lrmon.train.private_names.name import JAX, PrivateName

NAMES: Final = (
    PrivateName("tracer", "_trace", (JAX,)),
    PrivateName("trace", "main", (JAX,), until=(0, 4, 36)),
)


def trace_of(value: Any) -> Any:
    """Returns the trace that a value belongs to; up to 0.4.35, each operation had a trace of its own."""
    trace = getattr(value, "_trace", None)
    return getattr(trace, "main", None) or trace
