from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Time is for the benchmarks, and the same examples come every time.
settings.register_profile(
    "lrmon", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("lrmon")

_TOGETHER = Path(__file__).parent / "fits"
"""Its last test holds README against what all the others in it have told."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several processes the tests of a file stay together, for the fixtures that they share."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        group = _TOGETHER if _TOGETHER in item.path.parents else item.path
        item.add_marker(pytest.mark.xdist_group(str(group)))
