"""The checked arguments of a request. An error says what was received and what to send."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from tensorboard import errors
from werkzeug import Request

from lrmon.analysis.plateau.rule import SETTINGS, PlateauRule
from lrmon.review.report.plateau_settings import replaced
from lrmon.review.run.series import Axis, View

_AXES = ("step", "epoch", "time")
_FORMATS = ("csv", "json")
_WIDEST = 10_000
_FARTHEST = 1e15
"""More than any step or time, with room for differences between positions."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one request.

    Raises:
      tensorboard.errors.InvalidArgumentError: at each method, if what was received is not valid.
    """

    values: dict[str, str]

    @classmethod
    def from_request(cls, request: Request, *, names: Sequence[str] = ()) -> Arguments:
        """Returns the arguments of a request, which may have each of `names` once and no others."""
        try:
            given = request.args
        except UnicodeDecodeError as error:
            raise errors.InvalidArgumentError(
                "the query string is not UTF-8; percent-encode what is not ASCII"
            ) from error
        for name, values in given.lists():
            if name not in names:
                takes = f"it takes {', '.join(names)}" if names else "it takes none"
                raise errors.InvalidArgumentError(f"unknown argument {_short(name)}; {takes}")
            if len(values) > 1:
                raise errors.InvalidArgumentError(f"{name} must be given once, got it {len(values)} times")
        return cls(given.to_dict())

    def run(self) -> str:
        if not self.values.get("run"):
            raise errors.InvalidArgumentError("run is missing; name one that the route runs lists")
        return self.values["run"]

    def training(self) -> str | None:
        name = self.values.get("training")
        if name == "":
            raise errors.InvalidArgumentError("training is empty; name a training, or leave it out")
        return name

    def view(self) -> View:
        default = View()
        x = self.values.get("x", default.x)
        if x not in _AXES:
            raise errors.InvalidArgumentError(f"x must be one of {', '.join(_AXES)}, got {_short(x)}")
        start, end = self._position("start"), self._position("end")
        if start is not None and end is not None and start > end:
            raise errors.InvalidArgumentError(f"start must not be greater than end, got {start} and {end}")
        return View(cast(Axis, x), start, end, self._width(default.width), self._smoothing(default.smoothing))

    def format(self) -> Literal["csv", "json"]:
        text = self.values.get("format", "csv")
        if text not in _FORMATS:
            raise errors.InvalidArgumentError(
                f"format must be one of {', '.join(_FORMATS)}, got {_short(text)}"
            )
        return cast(Literal["csv", "json"], text)

    def rule(self, default: PlateauRule, metric_names: Sequence[str]) -> PlateauRule:
        """Returns the default rule with the settings of the request.

        Args:
          default: the run's own rule.
          metric_names: what a rule can watch in the run.
        """
        given: dict[str, str] = {name: self.values[name] for name in SETTINGS if name in self.values}
        monitor = given.get("monitor")
        if monitor is not None and monitor not in metric_names:
            has = f"it has {', '.join(metric_names[:10])}" if metric_names else "it has none"
            raise errors.InvalidArgumentError(f"this run has no monitor {_short(monitor)}; {has}"[:180])
        try:
            return replaced(default, given)
        except ValueError as error:
            raise errors.InvalidArgumentError(str(error)) from error

    def _position(self, name: str) -> float | None:
        text = self.values.get(name)
        if text is None:
            return None
        position = _float(text)
        if not abs(position) <= _FARTHEST:
            raise errors.InvalidArgumentError(
                f"{name} must be a number between -{_FARTHEST:g} and {_FARTHEST:g}, got {_short(text)}"
            )
        return position

    def _width(self, default: int) -> int:
        text = self.values.get("width")
        if text is None:
            return default
        is_number = text.isascii() and text.isdigit() and len(text) < 10
        if not is_number or not 1 <= int(text) <= _WIDEST:
            raise errors.InvalidArgumentError(
                f"width must be a whole number between 1 and {_WIDEST:,}, got {_short(text)}"
            )
        return int(text)

    def _smoothing(self, default: float) -> float:
        text = self.values.get("smoothing")
        if text is None:
            return default
        weight = _float(text)
        if not 0.0 <= weight < 1.0:
            raise errors.InvalidArgumentError(
                f"smoothing must be at least 0 and less than 1, got {_short(text)}"
            )
        return weight


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _short(text: str) -> str:
    return repr(text if len(text) <= 50 else f"{text[:50]}…")
