"""The rule of ReduceLROnPlateau: its settings, and what it does at the end of one epoch.

`step` is the whole rule. It knows nothing of where its values come from, so that a run that was recorded is
judged by the same code as one that still runs; `lrmon.analysis.plateau.replay` folds it over a run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, fields
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lrmon.analysis.plateau.direction import MODES, VERSIONS, Direction, KerasVersion, Mode, monitor_direction

Floats = NDArray[np.float64]

# In which type Keras adds min_delta to a logged value of each type, and in which it then compares.
TYPES: Final[dict[str, tuple[DTypeLike, DTypeLike]]] = {
    "float": (np.float64, np.float32),
    "int": (np.float64, np.float32),
    "float32": (np.float32, np.float32),
    "float64": (np.float64, np.float64),
    "int32": (np.float64, np.float64),
    "int64": (np.float64, np.float64),
}


@dataclass(frozen=True, slots=True)
class PlateauRule:
    """The settings of a ReduceLROnPlateau, with Keras' names and defaults, and whose rule they follow.

    Attributes:
      monitor: the metric's name in the logs.
      factor: what the learning rate is multiplied by, below 1.
      patience: after how many epochs without improvement; 0 acts as 1.
      mode: ``min``, ``max``, or ``auto``: it follows from the name, see `direction`.
      min_delta: by how much a value has to beat the best one. Keras from 3.11 takes its absolute value; in
        keras-3.0 and tf_keras the sign counts: a negative one lets a slightly worse value pass.
      cooldown: epochs after a reduction that are not counted.
      min_lr: below it the learning rate is not reduced.
      version: ``keras-3.15`` is Keras 3.15 and later, ``keras-3.11`` is 3.11 to 3.14, ``keras-3.0`` is 3.0
        to 3.10, ``tf_keras`` is tf_keras and Keras 2. They differ in arithmetic (see `replay_plateau`), in
        ``auto``, and in that 3.11 to 3.14 keep the best value from one fit to the next.

    Raises:
      ValueError: if a setting is out of its range.
    """

    monitor: str = "val_loss"
    _: KW_ONLY
    factor: float = 0.1
    patience: int = 10
    mode: Mode = "auto"
    min_delta: float = 1e-4
    cooldown: int = 0
    min_lr: float = 0.0
    version: KerasVersion = "keras-3.15"

    def __post_init__(self) -> None:
        for name, kind in SETTINGS.items():
            if kind is not str and not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be finite, got {getattr(self, name)}")
        if self.factor >= 1.0:
            raise ValueError(f"factor must be less than 1 (Keras refuses others too), got {self.factor}")
        if self.patience < 0:
            raise ValueError(f"patience must be at least 0, got {self.patience}")
        if self.cooldown < 0:
            raise ValueError(f"cooldown must be at least 0, got {self.cooldown}")
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {self.mode!r}")
        if self.version not in VERSIONS:
            raise ValueError(f"version must be one of {', '.join(VERSIONS)}, got {self.version!r}")

    @property
    def direction(self) -> Direction:
        """``min`` or ``max``, the way in which the metric improves.

        Raises:
          ValueError: if `mode` is ``auto`` and the version of Keras has no direction for `monitor`.
        """
        return monitor_direction(self.monitor, self.mode, self.version)


SETTINGS: Final[Mapping[str, type]] = {setting.name: type(setting.default) for setting in fields(PlateauRule)}
"""The type of each setting by its name, in Keras' order: ``str``, ``int`` or ``float``."""


class Judged(NamedTuple):
    """A logged value as the rule compares it; lower is better whatever the direction."""

    challenge: float
    """It is an improvement where this is below the bar."""
    bar: float
    """The bar for those after it, if it is one."""


class PlateauState(NamedTuple):
    """What a ReduceLROnPlateau knows between two epochs (a named tuple, since a replay makes millions)."""

    learning_rate: float
    """A float32 number: the optimizer holds no other."""
    bar: float | None
    """What the next value's challenge has to be below; None: the next value is an improvement."""
    wait: int = 0
    cooldown: int = 0
    improved: bool = False
    """Whether the last epoch was an improvement."""
    reduced: bool = False
    """Whether the last epoch ended in a reduction."""


def step(state: PlateauState, value: Judged | None, rule: PlateauRule) -> PlateauState:
    """Returns the state after the end of one more epoch.

    - The metric is missing (`value` is None): nothing happens; neither wait nor cooldown counts.
    - In cooldown: it counts down, and wait is 0. The epoch in which it reaches 0 already counts.
    - The value is an improvement: it is the best from now on, and wait is 0.
    - Else, unless still in cooldown: wait counts up. Once it has reached the patience, and the learning rate
      is above min_lr, the learning rate is reduced, the cooldown starts, and wait is 0. At min_lr wait goes
      on growing.
    """
    learning_rate, bar, wait, cooldown, _, _ = state
    if value is None:
        return PlateauState(learning_rate, bar, wait, cooldown)
    if cooldown > 0:
        cooldown, wait = cooldown - 1, 0
    if bar is None or value.challenge < bar:
        return PlateauState(learning_rate, value.bar, 0, cooldown, improved=True)
    if cooldown > 0:
        return PlateauState(learning_rate, bar, wait, cooldown)
    if wait + 1 >= rule.patience and learning_rate > np.float32(rule.min_lr):
        return PlateauState(reduced(learning_rate, rule), bar, 0, rule.cooldown, reduced=True)
    return PlateauState(learning_rate, bar, wait + 1, cooldown)


def begin_fit(state: PlateauState, rule: PlateauRule) -> PlateauState:
    """Returns the state at the start of a fit: wait and cooldown at 0, the best value forgotten.

    Keras 3.11 to 3.14 keep the best value. The learning rate stays in every version.
    """
    bar = state.bar if rule.version == "keras-3.11" else first_bar(rule)
    return PlateauState(state.learning_rate, bar)


def first_bar(rule: PlateauRule) -> float | None:
    """Returns the bar before any value."""
    return None if _compares_tensors(rule) else math.inf


def reduced(learning_rate: float, rule: PlateauRule) -> float:
    """Returns what a reduction makes of a learning rate, a float32 number."""
    if rule.version == "tf_keras":
        product = float(np.float32(learning_rate) * np.float32(rule.factor))
    else:
        product = learning_rate * rule.factor
    return float(np.float32(max(product, rule.min_lr)))


def _compares_tensors(rule: PlateauRule) -> bool:
    return rule.version in ("keras-3.15", "keras-3.11")


def judged(values: Floats, rule: PlateauRule, logged_as: str) -> Iterable[Judged]:
    """Returns each of `values` as `rule` compares it; see `compared`."""
    challenge, bar = compared(values, rule, logged_as)
    return map(Judged, challenge.tolist(), bar.tolist())


def compared(values: Floats, rule: PlateauRule, logged_as: str) -> tuple[Floats, Floats]:
    """Returns challenges and bars (see `Judged`), in the arithmetic of the rule's version.

    Args:
      values: logged values.
      rule: the settings.
      logged_as: a key of `TYPES`, the type that the values had in the logs.

    Raises:
      ValueError: if the rule has no direction.
    """
    sum_type, compare_type = TYPES[logged_as]
    sign = 1.0 if rule.direction == "min" else -1.0
    # float32 overflows to infinity, and infinity - infinity is NaN, silently as in Keras.
    with np.errstate(over="ignore", invalid="ignore"):
        logged = values.astype(sum_type)
        if _compares_tensors(rule):
            shift = logged.dtype.type(sign * abs(rule.min_delta))
            challenge = _tensor(logged + shift, compare_type)
            bar = _tensor(logged, compare_type)
        else:
            challenge = logged.astype(np.float64)
            bar = (logged - logged.dtype.type(sign * rule.min_delta)).astype(np.float64)
    return sign * challenge, sign * bar


def _tensor(numbers: NDArray[np.floating], dtype: DTypeLike) -> Floats:
    """Returns the numbers as a tensor of `dtype` holds them: TensorFlow compares subnormal numbers as 0."""
    held = numbers.astype(dtype)
    held[np.abs(held) < np.finfo(held.dtype).tiny] = 0.0
    return held.astype(np.float64)
