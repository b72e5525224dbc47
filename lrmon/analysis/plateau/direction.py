"""Whether a metric improves by falling or by rising, as Keras decides it for ``mode="auto"``."""

from __future__ import annotations

import functools
import re
from typing import Final, Literal, get_args

Direction = Literal["min", "max"]
Mode = Literal["auto", "min", "max"]
KerasVersion = Literal["keras-3.15", "keras-3.11", "keras-3.0", "tf_keras"]

VERSIONS: Final[tuple[KerasVersion, ...]] = get_args(KerasVersion)
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

# Names as `_squashed` gives them. Keras' counters (true positives, …), Mean and Sum have no direction.
_RISING_NAMES = """
    acc accuracy binaryaccuracy categoricalaccuracy sparsecategoricalaccuracy topkcategoricalaccuracy
    sparsetopkcategoricalaccuracy auc precision recall precisionatrecall recallatprecision
    sensitivityatspecificity specificityatsensitivity f1score fbetascore iou binaryiou meaniou onehotiou
    onehotmeaniou r2score cosinesimilarity pearsoncorrelation concordancecorrelation
"""
_FALLING_NAMES = """
    mse mae mape msle meansquarederror meanabsoluteerror meanabsolutepercentageerror
    meansquaredlogarithmicerror rootmeansquarederror logcosh logcosherror bce binarycrossentropy
    categoricalcrossentropy sparsecategoricalcrossentropy kldivergence poisson hinge squaredhinge
    categoricalhinge
"""
# Keras numbers the second and later metrics of these classes in a process, as in `auc_1`.
_NUMBERED_NAMES = """
    auc precision recall precisionatrecall recallatprecision sensitivityatspecificity
    specificityatsensitivity iou binaryiou meaniou onehotiou onehotmeaniou
"""
_RISING = frozenset(_RISING_NAMES.split())
_FALLING = frozenset(_FALLING_NAMES.split())
_NUMBERED = frozenset(_NUMBERED_NAMES.split())


@functools.lru_cache(maxsize=256)
def monitor_direction(monitor: str, mode: Mode, version: KerasVersion) -> Direction:
    """Returns the direction in which Keras' callbacks take `monitor` to improve.

    - mode ``min`` or ``max``: that one;
    - ``auto`` up to Keras 3.10 and in tf_keras: ``max`` for a name with ``acc`` in it, ``min`` for any other
      (so AUC, precision and F1 are minimized);
    - ``auto`` from Keras 3.11: ``min`` for ``loss``, else the direction that the metric's class states. Here
      the class follows from the name that Keras gives its own metrics, with or without ``val_``.

    Args:
      monitor: the name in the logs, for example ``val_loss``.
      mode: ``auto``, ``min`` or ``max``.
      version: whose rule, see `lrmon.analysis.plateau.rule.PlateauRule`.

    Raises:
      ValueError: for ``auto`` from Keras 3.11, if the name is none of Keras' own metrics with a direction.
        Keras raises too, at the end of the first epoch, where the metric's class states none or no metric
        has the name (``out_loss`` and ``out_accuracy`` of a model with several outputs); a metric with a
        name of your own, which Keras can judge by its class, needs an explicit mode here.

    >>> monitor_direction("val_auc", "auto", "keras-3.15"), monitor_direction("val_auc", "auto", "tf_keras")
    ('max', 'min')
    """
    if mode != "auto":
        return mode
    if version in ("keras-3.0", "tf_keras"):
        return "max" if "acc" in monitor else "min"
    name = monitor.removeprefix("val_")
    squashed = _squashed(name)
    if name == "loss" or squashed in _FALLING:
        return "min"
    if squashed in _RISING or _squashed(re.sub(r"_\d+$", "", name)) in _NUMBERED:
        return "max"
    raise ValueError(
        f"mode 'auto' cannot tell whether {monitor[:100]!r} improves by falling or by rising: {version} asks "
        "the metric itself, and the name is none of Keras' metrics with a direction. Say mode 'min' or 'max'"
    )


def _squashed(name: str) -> str:
    """The name in which ``BinaryIoU`` and ``binary_io_u`` are the same."""
    return name.replace("_", "").lower()
