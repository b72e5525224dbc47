from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

from tests.range_test.models import BACKEND

_ONLY = {"test_on_tensorflow.py": "tensorflow", "test_on_torch.py": "torch"}

collect_ignore = [name for name, backend in _ONLY.items() if backend != BACKEND]


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    """Closes the figures that pyplot holds."""
    yield
    from matplotlib import pyplot as plt

    plt.close("all")
