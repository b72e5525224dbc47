"""A private name of another package, as the tests look for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TENSORFLOW, JAX, TORCH, TF_KERAS = "tensorflow", "jax", "torch", "tf_keras"

KERAS_3: Final = (TENSORFLOW, JAX, TORCH)
"""Keras 3 on each of its backends."""
ALL: Final = (*KERAS_3, TF_KERAS)


@dataclass(frozen=True, slots=True)
class PrivateName:
    """A private name, and where it must exist.

    Attributes:
        holder: What has the name, for example ``model`` or ``optimizer``; the canary test makes one of each.
        name: The name.
        setups: Backends of Keras 3, or ``tf_keras``, in which lrmon needs the name.
        since: The first version with the name, if not every supported version has it; lrmon works without it.
        until: The first version without the name, likewise.
    """

    holder: str
    name: str
    setups: tuple[str, ...]
    since: tuple[int, ...] = ()
    until: tuple[int, ...] = ()

    def is_in(self, setup: str, version: tuple[int, ...]) -> bool:
        """Returns whether a version of the package must have the name in a setup."""
        is_old_enough = not self.until or version < self.until
        return setup in self.setups and version >= self.since and is_old_enough
