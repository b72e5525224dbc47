from __future__ import annotations

import pytest

from tests.fits.framework import SETUP
from tests.fits.reference import PAGE, Reference

ONLY_FOR = {"test_on_jax": {"jax"}, "test_on_torch": {"torch"}, "test_on_tf_keras": {"tf_keras"}}
"""By the start of a module's name, the set-ups that it is for."""

collect_ignore_glob = [f"{name}*.py" for name, setups in ONLY_FOR.items() if SETUP not in setups]


@pytest.fixture
def reference() -> Reference:
    return Reference(PAGE.read_text(encoding="utf-8"))
