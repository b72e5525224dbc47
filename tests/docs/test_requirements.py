"""README names the extras and the oldest versions that the package's metadata has."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Final

import environment
from tests.docs.pages import ROOT

README: Final = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
FOR_DEVELOPERS: Final = {"demo", "dev", "test"}
NAMES: Final = {
    "tensorboard": "TensorBoard",
    "numpy": "NumPy",
    "protobuf": "protobuf",
    "keras": "Keras",
    "tensorflow": "TensorFlow",
    "jax": "JAX",
    "torch": "PyTorch",
    "tf_keras": "tf_keras",
}
"""How README calls each package."""


def test_readme_lists_the_extras_of_the_package() -> None:
    extras = {extra.replace("-", "_") for extra in metadata.metadata("lrmon").get_all("Provides-Extra") or []}

    assert extras - FOR_DEVELOPERS == set(re.findall(r"\| `(\w+)` \|", README))


def test_readme_names_the_oldest_supported_versions() -> None:
    requirements = [
        re.sub(r"^tf-keras", "tf_keras", requirement) for requirement in metadata.requires("lrmon") or []
    ]
    # JAX alone needs a newer NumPy.
    oldest = environment.oldest_allowed(requirements, ["tensorflow", "torch", "tf_keras", "tf-keras"])
    oldest |= {"jax": environment.oldest_allowed(requirements, ["jax"])["jax"]}

    assert {name: oldest[name] for name in NAMES} == {
        name: match[1]
        for name, title in NAMES.items()
        if (match := re.search(rf"\b{title} (\d[\d.]*\d)", README))
    }
