"""lrmon for TensorBoard: the learning rate that really trained the model, batch by batch.

Importing it loads neither TensorFlow nor Keras: what needs them is loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from lrmon.version import __version__

if TYPE_CHECKING:
    from lrmon.analysis.learning_rate.staircase import find_lr_changes
    from lrmon.analysis.plateau.replay import replay_plateau
    from lrmon.analysis.plateau.rule import PlateauRule
    from lrmon.record.recorder import Recorder
    from lrmon.review.load import load
    from lrmon.review.preview import preview
    from lrmon.review.report.range_test import range_test
    from lrmon.review.report.report import report
    from lrmon.train.callback import LRMonitor
    from lrmon.train.range_test.lr_finder import LRFinder

__all__ = [
    "LRFinder",
    "LRMonitor",
    "PlateauRule",
    "Recorder",
    "__version__",
    "find_lr_changes",
    "load",
    "preview",
    "range_test",
    "replay_plateau",
    "report",
]

_HOMES = {
    "LRFinder": "lrmon.train.range_test.lr_finder",
    "LRMonitor": "lrmon.train.callback",
    "PlateauRule": "lrmon.analysis.plateau.rule",
    "Recorder": "lrmon.record.recorder",
    "find_lr_changes": "lrmon.analysis.learning_rate.staircase",
    "load": "lrmon.review.load",
    "preview": "lrmon.review.preview",
    "range_test": "lrmon.review.report.range_test",
    "report": "lrmon.review.report.report",
    "replay_plateau": "lrmon.analysis.plateau.replay",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
