"""All that lrmon knows about the learning-rate schedules of Keras.

One class per schedule holds its learning rates, formula, end, warm-up, LR drops and shape. All of it follows
from the schedule's configuration.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrmon.analysis.learning_rate.shape import ShapeKind

LRs = NDArray[Any]
"""float32."""
Steps = NDArray[np.int64]
Config = Mapping[str, Any]
Course = Literal["decays", "ends", "restarts"]
_Divide = Callable[[LRs, float], LRs]


@dataclass(frozen=True, slots=True)
class KerasSchedule(ABC):
    """A schedule of Keras. `keras_schedule` and `schedule_of_keras` make the one of its class.

    Iterations are values of the optimizer's counter before the update, counted from 0.

    Attributes:
      config: what the schedule's ``get_config`` returns.
      step_setting: the name of the setting that counts steps.
      course: what follows after these steps: the learning rate ``decays`` further, the schedule ``ends``, or
        it ``restarts``.
    """

    config: Config

    step_setting: ClassVar[str] = "decay_steps"

    @property
    def class_name(self) -> str:
        """The name of Keras' class."""
        return type(self).__name__

    @property
    def course(self) -> Course:
        return "ends"

    @property
    def step_counts(self) -> list[int]:
        """The whole numbers of `step_setting`; empty if it has another value."""
        count = _whole(self.config.get(self.step_setting))
        return [] if count is None else [count]

    @property
    def end(self) -> int | None:
        """The iteration from which the learning rate stays at its final value, None if it has none.

        A PiecewiseConstantDecay has boundaries in place of an end.
        """
        return None

    @property
    def warmup_steps(self) -> int:
        """The number of steps of the warm-up, 0 without one."""
        return 0

    @property
    def drop_every(self) -> int | None:
        """The ``decay_steps`` of a staircase, None for any other schedule."""
        return None

    @property
    def shape(self) -> ShapeKind | None:
        """The rule that all of its changes follow, None if they follow none of `shape.ShapeKind`."""
        return None

    @property
    @abstractmethod
    def formula(self) -> str:
        """The formula with the schedule's settings; i is the iteration.

        Raises:
          KeyError: if a setting is missing.
        """

    def learning_rates(self, iterations: ArrayLike, *, compiled: bool = True) -> NDArray[np.float32] | None:
        """Returns the learning rate at each iteration, None if a setting is missing or out of its range.

        The arithmetic is Keras' in float32, so a staircase drops where training drops. Powers and cosines may
        differ from those of training in the last bits.

        Args:
          iterations: values of the optimizer's counter.
          compiled: compiled training multiplies by ``float32(1 / decay_steps)``; other training divides by
            decay_steps. See `lrmon.analysis.learning_rate.cadence.late_multiples`.

        >>> config = {"initial_learning_rate": 0.1, "decay_steps": 95, "decay_rate": 0.95, "staircase": True}
        >>> ExponentialDecay(config).learning_rates([94, 95]).tolist()
        [0.10000000149011612, 0.0949999988079071]
        """
        steps = np.asarray(iterations, dtype=np.int64)
        try:
            with np.errstate(all="ignore"):
                lrs = self._evaluate(steps, _times_reciprocal if compiled else _divided)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        return lrs.astype(np.float32)

    @abstractmethod
    def _evaluate(self, steps: Steps, divide: _Divide) -> LRs:
        """Returns the learning rate at each iteration.

        Args:
          steps: [n], the iterations.
          divide: divides a step by the number of steps that a setting gives.
        """


@dataclass(frozen=True, slots=True)
class _Decay(KerasSchedule):
    """A decay without an end, in every step or as a staircase.

    >>> ExponentialDecay({"decay_steps": 95, "staircase": True}).drop_every
    95
    """

    @property
    def course(self) -> Course:
        return "decays"

    @property
    def drop_every(self) -> int | None:
        return _whole(self.config.get("decay_steps")) if self.config.get("staircase") is True else None

    @property
    def _passed_words(self) -> str:
        ratio = f"i / {number_text(self.config['decay_steps'])}"
        return f"⌊{ratio}⌋" if self.config["staircase"] else f"({ratio})"

    def _passed(self, steps: Steps, divide: _Divide) -> LRs:
        passed = divide(steps.astype(np.float32), _positive(self.config, "decay_steps"))
        return np.floor(passed) if self.config.get("staircase") else passed


@dataclass(frozen=True, slots=True)
class ExponentialDecay(_Decay):
    """A learning rate that is multiplied by one factor, in every step or at each LR drop."""

    @property
    def shape(self) -> ShapeKind | None:
        return None if self.config.get("staircase") is True else "exponential"

    @property
    def formula(self) -> str:
        return f"{_initial(self.config)} · {number_text(self.config['decay_rate'])}^{self._passed_words}"

    def _evaluate(self, steps: Steps, divide: _Divide) -> LRs:
        return _float32(self.config, "initial_learning_rate") * _float32(
            self.config, "decay_rate"
        ) ** self._passed(steps, divide)


@dataclass(frozen=True, slots=True)
class InverseTimeDecay(_Decay):
    """A time-based decay, in every step or as a staircase."""

    @property
    def shape(self) -> ShapeKind | None:
        return None if self.config.get("staircase") is True else "inverse_time"

    @property
    def formula(self) -> str:
        return (
            f"{_initial(self.config)} / (1 + {number_text(self.config['decay_rate'])} · {self._passed_words})"
        )

    def _evaluate(self, steps: Steps, divide: _Divide) -> LRs:
        return _float32(self.config, "initial_learning_rate") / (
            np.float32(1.0) + _float32(self.config, "decay_rate") * self._passed(steps, divide)
        )


@dataclass(frozen=True, slots=True)
class PolynomialDecay(KerasSchedule):
    """A power of the remaining steps, once or in cycles."""

    @property
    def course(self) -> Course:
        return "restarts" if self.config.get("cycle") else "ends"

    @property
    def end(self) -> int | None:
        return None if self.config.get("cycle") else _rounded_up(self.config.get("decay_steps"))

    @property
    def formula(self) -> str:
        config = self.config
        start, last, steps = (
            _initial(config),
            number_text(config["end_learning_rate"]),
            number_text(config["decay_steps"]),
        )
        power = "" if config["power"] == 1 else f"^{number_text(config['power'])}"
        if config["cycle"]:
            return f"({start} − {last}) · (1 − i / n){power} + {last}, n = {steps} · max(⌈i / {steps}⌉, 1)"
        return f"({start} − {last}) · (1 − min(i / {steps}, 1)){power} + {last}"

    def _evaluate(self, steps: Steps, divide: _Divide) -> LRs:
        decay_steps = _positive(self.config, "decay_steps")
        count = steps.astype(np.float32)
        if self.config.get("cycle"):
            cycles = np.where(count == 0, np.float32(1.0), np.ceil(divide(count, decay_steps)))
            passed = count / (np.float32(decay_steps) * cycles)
        else:
            passed = divide(np.minimum(count, np.float32(decay_steps)), decay_steps)
        first = _float32(self.config, "initial_learning_rate")
        last = _float32(self.config, "end_learning_rate")
        return (first - last) * (np.float32(1.0) - passed) ** _float32(self.config, "power") + last


@dataclass(frozen=True, slots=True)
class CosineDecay(KerasSchedule):
    """Half a cosine, with or without a linear warm-up."""

    @property
    def end(self) -> int | None:
        decay_steps = _rounded_up(self.config.get("decay_steps"))
        return None if decay_steps is None else decay_steps + self.warmup_steps

    @property
    def warmup_steps(self) -> int:
        if self.config.get("warmup_target") is None:
            return 0
        return _rounded_up(self.config.get("warmup_steps")) or 0

    @property
    def formula(self) -> str:
        config = self.config
        steps, floor = number_text(config["decay_steps"]), config["alpha"]
        target, warmup = config.get("warmup_target"), number_text(config.get("warmup_steps") or 0)
        if target is None:
            return _half_cosine_words(_initial(config), f"min(i / {steps}, 1)", floor)
        after = _half_cosine_words(number_text(target), f"min((i − {warmup}) / {steps}, 1)", floor)
        return f"from {_initial(config)} to {number_text(target)} in {warmup} iterations, then {after}"

    def _evaluate(self, steps: Steps, divide: _Divide) -> LRs:
        config = self.config
        decay_steps = _positive(config, "decay_steps")
        first, alpha = _float32(config, "initial_learning_rate"), float(config.get("alpha") or 0.0)
        count = steps.astype(np.float32)
        if config.get("warmup_target") is None:
            passed = divide(np.minimum(count, np.float32(decay_steps)), decay_steps)
            return first * _half_cosine(passed, alpha)
        target, warmup_steps = _float32(config, "warmup_target"), float(config.get("warmup_steps") or 0)
        count = np.minimum(count, np.float32(decay_steps) + np.float32(warmup_steps))
        after = target * _half_cosine(divide(count - np.float32(warmup_steps), decay_steps), alpha)
        if warmup_steps <= 0:
            return after
        before = (target - first) * divide(count, warmup_steps) + first
        return np.where(count < np.float32(warmup_steps), before, after)


@dataclass(frozen=True, slots=True)
class CosineDecayRestarts(KerasSchedule):
    """Half cosines, each of which starts at its own peak."""

    step_setting: ClassVar[str] = "first_decay_steps"

    @property
    def course(self) -> Course:
        return "restarts"

    @property
    def formula(self) -> str:
        config = self.config
        passed = f"i / {number_text(config['first_decay_steps'])}"
        wave = _half_cosine_words(_initial(config), passed, config["alpha"])
        return (
            f"{wave}, restarted at its end, each time {number_text(config['t_mul'])} times as long "
            f"and {number_text(config['m_mul'])} times as high"
        )

    def _evaluate(self, steps: Steps, divide: _Divide) -> LRs:
        config, one = self.config, np.float32(1.0)
        first, alpha = _float32(config, "initial_learning_rate"), float(config.get("alpha") or 0.0)
        longer, lower = _float32(config, "t_mul"), _float32(config, "m_mul")
        passed = divide(steps.astype(np.float32), _positive(config, "first_decay_steps"))
        if longer == one:
            restart = np.floor(passed)
            passed = passed - restart
        else:
            restart = np.floor(np.log(one - passed * (one - longer)) / np.log(longer))
            passed = (passed - (one - longer**restart) / (one - longer)) / longer**restart
        cosine = np.float32(0.5) * lower**restart * (one + np.cos(np.float32(math.pi) * passed))
        return first * (np.float32(1.0 - alpha) * cosine + np.float32(alpha))


@dataclass(frozen=True, slots=True)
class PiecewiseConstantDecay(KerasSchedule):
    """A value up to each boundary."""

    step_setting: ClassVar[str] = "boundaries"

    @property
    def step_counts(self) -> list[int]:
        boundaries = self.config.get("boundaries")
        return [int(boundary) for boundary in boundaries] if isinstance(boundaries, (list, tuple)) else []

    @property
    def values(self) -> list[float]:
        """The learning rate up to each boundary, and the last one; empty if none is given."""
        values = self.config.get("values")
        return [float(value) for value in values] if isinstance(values, (list, tuple)) else []

    @property
    def formula(self) -> str:
        values, boundaries = self.config["values"], self.config["boundaries"]
        pieces = [
            f"{number_text(value)} while i ≤ {number_text(boundary)}"
            for value, boundary in zip(values, boundaries, strict=False)
        ]
        return ", ".join([*pieces, f"then {number_text(values[-1])}"])

    def _evaluate(self, steps: Steps, divide: _Divide) -> LRs:
        # Keras casts the boundaries to the type of the step, and a boundary's own step is still before it.
        boundaries = np.array([int(boundary) for boundary in self.config["boundaries"]], dtype=np.int64)
        values = np.array([float(value) for value in self.config["values"]], dtype=np.float32)
        if values.size != boundaries.size + 1 or bool((np.diff(boundaries) <= 0).any()):
            raise ValueError("boundaries must ascend, and there must be one value more than boundaries")
        return values[np.searchsorted(boundaries, steps, side="left")]


_SCHEDULES: Final[Mapping[str, type[KerasSchedule]]] = {
    schedule.__name__: schedule
    for schedule in (
        ExponentialDecay,
        InverseTimeDecay,
        PolynomialDecay,
        CosineDecay,
        CosineDecayRestarts,
        PiecewiseConstantDecay,
    )
}


def keras_schedule(class_name: str, config: Config) -> KerasSchedule | None:
    """Returns the schedule of Keras with this class name, None if Keras has no such class.

    >>> keras_schedule("PolynomialDecay", {"decay_steps": 300}).end
    300
    """
    schedule = _SCHEDULES.get(class_name)
    return None if schedule is None else schedule(config)


def schedule_of_keras(schedule: Any) -> KerasSchedule | None:
    """Returns a schedule object as a `KerasSchedule`, None if it is not of one of Keras' own classes."""
    is_of_keras = type(schedule).__module__.partition(".")[0] in ("keras", "tf_keras")
    return keras_schedule(type(schedule).__name__, schedule.get_config()) if is_of_keras else None


def number_text(number: float) -> str:
    """Returns a number as one writes it, with at most six digits and a true minus sign.

    >>> number_text(0.999), number_text(1e-07), number_text(1000.0), number_text(-2)
    ('0.999', '1e-07', '1000', '−2')
    """
    digits = f"{abs(float(number)):.6g}"
    return f"−{digits}" if number < 0 else digits


def _divided(steps: LRs, by: float) -> LRs:
    return steps / np.float32(by)


def _times_reciprocal(steps: LRs, by: float) -> LRs:
    return steps * (np.float32(1.0) / np.float32(by))


def _half_cosine(passed: LRs, alpha: float) -> LRs:
    cosine = np.float32(0.5) * (np.float32(1.0) + np.cos(np.float32(math.pi) * passed))
    return np.float32(1.0 - alpha) * cosine + np.float32(alpha)


def _half_cosine_words(height: str, fraction: str, floor: float) -> str:
    wave = f"(1 + cos(π · {fraction})) / 2"
    if not floor:
        return f"{height} · {wave}"
    return f"{height} · ({number_text(1 - floor)} · {wave} + {number_text(floor)})"


def _initial(config: Config) -> str:
    return number_text(config["initial_learning_rate"])


def _float32(config: Config, name: str) -> np.float32:
    return np.float32(float(config[name]))


def _positive(config: Config, name: str) -> float:
    number = float(config[name])
    if not 0.0 < number < math.inf:
        raise ValueError(f"{name} must be positive, got {number}")
    return number


def _rounded_up(value: Any) -> int | None:
    """Returns a positive number as a number of steps, None for anything else."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return math.ceil(value) if is_number and 0 < value < math.inf else None


def _whole(value: Any) -> int | None:
    """Returns a positive whole number, None for anything else."""
    count = _rounded_up(value)
    return count if count == value else None
