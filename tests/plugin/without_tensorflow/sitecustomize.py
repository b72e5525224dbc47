"""On the path of a process, it makes TensorFlow and Keras as good as not installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType


class Absent:
    """Finds that these packages do not exist, before anything else can find them."""

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> None:
        if name.partition(".")[0] in {"tensorflow", "keras", "tf_keras"}:
            raise ModuleNotFoundError(f"No module named {name!r} (hidden by this test)", name=name)


sys.meta_path.insert(0, Absent())
