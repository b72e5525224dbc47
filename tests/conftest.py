from __future__ import annotations

from hypothesis import HealthCheck, settings

# Time is for the benchmarks, and the same examples come every time.
settings.register_profile(
    "lrmon", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("lrmon")
