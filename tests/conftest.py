from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Time is for the benchmarks, and the same examples come every time.
settings.register_profile(
    "lrmon", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("lrmon")

# TensorFlow adds up in another order from run to run where it makes operations side by side; what is compared
# bit for bit needs one order.
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")


@pytest.fixture(autouse=True)
def leave_uncollected() -> Iterator[None]:
    """Exempts what a test leaves from garbage collection: TensorFlow waits there for each iterator."""
    yield
    gc.freeze()
