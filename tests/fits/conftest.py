from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fits import reference as told
from tests.fits.framework import SETUP
from tests.fits.reference import Reference

_ONLY = {"test_on_jax": {"jax"}, "test_on_torch": {"torch"}, "test_on_tf_keras": {"tf_keras"}}
"""By how a module's name begins, the set-ups that it is for."""

collect_ignore_glob = [f"{name}*.py" for name, setups in _ONLY.items() if SETUP not in setups]


@pytest.fixture
def reference(record_property: Callable[[str, object], None]) -> Reference:
    return Reference(record_property)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        told.keep(report.user_properties)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # It holds README against what all the others have told.
    items.sort(key=lambda item: item.path.name == "test_reference.py")


def pytest_sessionfinish() -> None:
    told.write()
