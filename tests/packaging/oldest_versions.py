"""In `make test-oldest` every package is the oldest that the metadata allows."""

from __future__ import annotations

import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.version import Version

import environment

(OLDEST,) = (
    each
    for each in environment.ENVIRONMENTS.values()
    if each.is_oldest and str(environment.ROOT / each.folder) == sys.prefix
)


def is_of_oldest(requirement: Requirement) -> bool:
    """Returns whether the environment installs a requirement of the metadata."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in OLDEST.extras)


def test_every_package_is_the_oldest_that_the_metadata_allows() -> None:
    declared = [Requirement(text) for text in metadata.requires("lrmon") or ()]
    wanted = [str(each) for each in declared if is_of_oldest(each)]
    lower = environment.oldest_allowed([*wanted, *OLDEST.alone], OLDEST.extras)

    on_tensorflow, on_jax = {"tf_keras"}, {"jax"}
    assert {"numpy", "protobuf", "tensorboard", "keras", "matplotlib"} <= set(lower)
    assert (on_jax if "jax" in OLDEST.extras else on_tensorflow) == (on_jax | on_tensorflow) & set(lower)
    expected = {name: Version(version) for name, version in lower.items()}
    assert expected == {name: Version(metadata.version(name)) for name in expected}


def test_this_python_is_the_oldest_that_the_oldest_packages_and_this_machine_have() -> None:
    declared = metadata.metadata("lrmon")["Requires-Python"]
    assert f">={'.'.join(map(str, environment.OLDEST_PYTHON))}" == declared
    assert sys.version_info[:2] in {environment.OLDEST_PYTHON, (3, 11)}
