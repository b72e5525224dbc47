from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.fits import reference as told
from tests.fits.framework import SETUP
from tests.fits.reference import Reference

_ONLY = {"test_on_jax": {"jax"}, "test_on_torch": {"torch"}, "test_on_tf_keras": {"tf_keras"}}
"""By how a module's name begins, the set-ups that it is for."""

collect_ignore_glob = [f"{name}*.py" for name, setups in _ONLY.items() if SETUP not in setups]

# It needs what the others have told; `make` runs it after them.
collect_ignore = [] if "LRMON_REFERENCE" in os.environ else ["test_reference.py"]


@pytest.fixture
def reference(record_property: Callable[[str, object], None]) -> Reference:
    return Reference(record_property)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        told.keep(report.user_properties)


def pytest_sessionfinish() -> None:
    told.write()
