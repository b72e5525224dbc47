"""lrmon for TensorBoard: the learning rate that really trained the model, batch by batch.

Importing it loads neither TensorFlow nor Keras: what needs them is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lrmon.version import __version__

if TYPE_CHECKING:
    from lrmon.analysis.plateau import PlateauRule
    from lrmon.analysis.plateau_replay import replay_plateau
    from lrmon.analysis.staircase import find_lr_steps
    from lrmon.find.finder import LRFinder
    from lrmon.record.recorder import Recorder
    from lrmon.review.logs import load
    from lrmon.review.preview import preview
    from lrmon.train.callback import LRMonitor

__all__ = [
    "LRFinder",
    "LRMonitor",
    "PlateauRule",
    "Recorder",
    "__version__",
    "find_lr_steps",
    "load",
    "preview",
    "replay_plateau",
]

_HOMES = {
    "LRFinder": "lrmon.find.finder",
    "LRMonitor": "lrmon.train.callback",
    "PlateauRule": "lrmon.analysis.plateau",
    "Recorder": "lrmon.record.recorder",
    "find_lr_steps": "lrmon.analysis.staircase",
    "load": "lrmon.review.logs",
    "preview": "lrmon.review.preview",
    "replay_plateau": "lrmon.analysis.plateau_replay",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
