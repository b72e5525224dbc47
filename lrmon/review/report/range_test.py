"""The report of a range test: its sweeps, their suggestions, and a comparison with a training."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lrmon import schema
from lrmon.analysis.range_test.analyze import (
    Caution,
    Comparison,
    RangeTest,
    Repeats,
    Spread,
    analyze,
    combine,
    compare,
)
from lrmon.analysis.thinning import thin
from lrmon.review.run.numbers import json_column, shortest
from lrmon.review.run.own_sweeps import about_own_sweep
from lrmon.review.run.run import Fit, Run
from lrmon.review.run.series import about_json
from lrmon.text.widths import shortened
from lrmon.text.wording import quantity

_WIDTH: Final = 1000
"""A sweep is thinned for this many columns of pixels."""

_SETTINGS: Final = ("start_lr", "end_lr", "steps", "growth", "stop_factor", "smoothing", "repeats")
_LONGEST: Final = 500
"""At most this many characters of a recorded sentence are shown."""


@dataclass(frozen=True, slots=True)
class SweepReport:
    """One sweep over the learning rates.

    Attributes:
      repeat: 0-based among the sweeps of one call.
      step: [n], on the run's step axis.
      learning_rate: [n], of each step.
      loss: [n], of each step's batch.
      test: its analysis; arrays are aligned with `step`.
      stopped: None if all steps ran, or if it is running, else ``diverged``, ``not finite``, ``data ended``
        or ``interrupted``.
      stopped_reason: the same in a sentence.
    """

    repeat: int
    step: NDArray[np.int64]
    learning_rate: NDArray[np.float32]
    loss: NDArray[np.float32]
    test: RangeTest
    stopped: str | None
    stopped_reason: str | None


@dataclass(frozen=True, slots=True)
class RangeTestReport:
    """The report of a range test.

    Attributes:
      run: the run.
      settings: fields of `lrmon.schema.RangeTestRecord`; None for one that is not recorded.
      sweeps: of the latest call.
      combined: their suggestions with median and spread.
      recognized: a sentence about a fit that was recorded as a training, see `lrmon.review.run.own_sweeps`;
        None for a range test of `lrmon.LRFinder`.
    """

    run: Run
    settings: Mapping[str, Any]
    sweeps: tuple[SweepReport, ...]
    combined: Repeats
    recognized: str | None

    @property
    def suggestions(self) -> Mapping[str, Spread]:
        """The suggestion of each method, over all sweeps."""
        return self.combined.suggestions

    @property
    def recommended(self) -> Spread:
        """The recommended learning rate."""
        return self.combined.recommended

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """The reasons to doubt the suggestions."""
        return self.combined.cautions

    @property
    def optimizer(self) -> str | None:
        """The class name of the tested optimizer."""
        config = self.run.fits[-1].record.get("optimizer") if self.run.fits else None
        name = config.get("class_name") if isinstance(config, Mapping) else None
        return name if isinstance(name, str) else None

    def compare(self, training: Run) -> Comparison:
        """Returns a comparison of a training's learning rates with this test.

        Args:
          training: of the same model, optimizer and data.
        """
        return compare(self.combined, shortest(training.learning_rate))

    def to_json(self, training: Run | None = None) -> str:
        """Returns the answer of the route ``range_test``, see http_api.md.

        Args:
          training: to compare with.
        """
        run = self.run
        head = {"run": run.name, "version": run.version, "state": run.state, "complete": run.complete}
        tail: dict[str, Any] = {"training": None, "notices": run.notices}
        if training is not None:
            comparison = self.compare(training)
            tail["training"] = {
                "run": training.name,
                "low": comparison.low,
                "high": comparison.high,
                "median": comparison.median,
                "steepest": comparison.steepest,
                "times_steepest": comparison.times_steepest,
                "beyond_divergence": comparison.beyond_divergence,
                "text": comparison.text,
            }
        body = self.members_json(columns=True)
        return (
            f'{{{schema.to_json(head)[1:-1]},{body},{schema.to_json(tail)[1:-1]},"about":{about_json(run)}}}'
        )

    def to_dict(self, training: Run | None = None) -> dict[str, Any]:
        """Returns what `to_json` does, as Python objects."""
        answer: dict[str, Any] = json.loads(self.to_json(training))
        return answer

    def __repr__(self) -> str:
        lr = self.recommended.median
        recommended = "no learning rate recommended" if lr is None else f"recommended LR {lr:.3g}"
        sweeps = quantity(len(self.sweeps), "sweep")
        return f"<RangeTestReport on {shortened(self.run.name, 50)!r}: {sweeps} · {recommended}>"

    def members_json(self, *, columns: bool) -> str:
        """Returns settings, sweeps, suggestions and cautions as members of a JSON object, without its braces.

        Args:
          columns: whether the sweeps have their curves.
        """
        head = {"settings": self.settings, "optimizer": self.optimizer, "recognized": self.recognized}
        sweeps = ",".join(_sweep_json(sweep, columns=columns) for sweep in self.sweeps)
        tail = {
            "suggestions": {name: _spread_json(spread) for name, spread in self.suggestions.items()},
            "recommended": _spread_json(self.recommended),
            "cautions": _cautions_json(self.cautions),
        }
        return f'{schema.to_json(head)[1:-1]},"sweeps":[{sweeps}],{schema.to_json(tail)[1:-1]}'


def range_test(run: Run) -> RangeTestReport:
    """Returns the report of a range test.

    Its sweeps are the run's fits of this kind, from the last one that was the first of its call.

    Raises:
      ValueError: if the run is a training.
    """
    if run.kind != "range_test":
        raise ValueError(f"run {run.name[:100]!r} is a training, not a range test")
    fits = list(enumerate(run.fits))
    first = max(
        (index for index, fit in fits if _field(fit, "repeat") in (None, 0) or fit.kind != "range_test"),
        default=0,
    )
    sweeps = tuple(_sweep_report(run, index) for index, fit in fits[first:] if fit.kind == "range_test")
    settings = {name: _setting(_field(run.fits[-1], name)) for name in _SETTINGS}
    combined = combine([sweep.test for sweep in sweeps])
    recognized = about_own_sweep(run.fits, len(run.fits) - 1, run.step, run.learning_rate)
    return RangeTestReport(run, settings, sweeps, combined, recognized)


def _sweep_report(run: Run, index: int) -> SweepReport:
    fit = run.fits[index]
    borders = [
        fit.first_step if fit.sweep_from is None else fit.sweep_from,
        *(later.first_step for later in run.fits[index + 1 : index + 2]),
    ]
    first, *rest = np.searchsorted(run.step, borders).tolist()
    rows = slice(first, rest[0] if rest else run.step.size)
    repeat, stopped, reason = (_field(fit, name) for name in ("repeat", "stopped", "stopped_reason"))
    return SweepReport(
        repeat=repeat if isinstance(repeat, int) and 0 <= repeat < 2**31 else 0,
        step=run.step[rows],
        learning_rate=run.learning_rate[rows],
        loss=run.loss[rows],
        test=analyze(shortest(run.learning_rate[rows]), run.loss[rows]),
        stopped=stopped[:_LONGEST] if isinstance(stopped, str) else None,
        stopped_reason=reason[:_LONGEST] if isinstance(reason, str) else None,
    )


def _field(fit: Fit, name: str) -> Any:
    record = fit.record.get("range_test")
    return record.get(name) if isinstance(record, Mapping) else None


def _setting(value: Any) -> Any:
    """Returns a recorded setting, None if it is no text or number that a page can show."""
    if isinstance(value, str):
        return value[:_LONGEST]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if abs(value) < 2**53 and math.isfinite(value) else None


def _sweep_json(sweep: SweepReport, *, columns: bool) -> str:
    test, size = sweep.test, sweep.step.size
    head: dict[str, Any] = {
        "repeat": sweep.repeat,
        "first_step": int(sweep.step[0]) if size else None,
        "last_step": int(sweep.step[-1]) if size else None,
        "steps": size,
        "stopped": sweep.stopped,
        "stopped_reason": sweep.stopped_reason,
        "smoothing": test.smoothing,
        "suggestions": {
            name: {
                "learning_rate": suggestion.learning_rate,
                "step": None if suggestion.index is None else int(sweep.step[suggestion.index]),
                "reason": suggestion.reason,
            }
            for name, suggestion in (*test.suggestions.items(), ("recommended", test.recommended))
        },
        "cautions": _cautions_json(test.cautions),
    }
    head["recommended"] = head["suggestions"].pop("recommended")
    if not columns:
        return schema.to_json(head)
    smoothed, slope = test.smoothed.astype(np.float32), test.slope.astype(np.float32)
    start, end = (int(sweep.step[0]), int(sweep.step[-1])) if size else (0, 0)
    rows = thin(
        sweep.step,
        curves=[sweep.learning_rate, sweep.loss, smoothed, slope],
        start=start,
        end=end,
        width=_WIDTH,
    )
    head |= {"points": rows.size, "every_step": rows.size == size}
    texts = {
        "step": json_column(sweep.step[rows]),
        "learning_rate": json_column(sweep.learning_rate[rows]),
        "loss": json_column(sweep.loss[rows]),
        "loss_smoothed": json_column(smoothed[rows]),
        "slope": json_column(slope[rows], absent=np.isnan(slope[rows])),
    }
    listed = ",".join(f'"{name}":{text}' for name, text in texts.items())
    return f'{{{schema.to_json(head)[1:-1]},"columns":{{{listed}}}}}'


def _spread_json(spread: Spread) -> dict[str, Any]:
    return {
        "learning_rate": spread.median,
        "low": spread.low,
        "high": spread.high,
        "spread": spread.spread,
        "found": spread.sweep_count,
        "reason": spread.reason,
    }


def _cautions_json(cautions: tuple[Caution, ...]) -> list[dict[str, str]]:
    return [{"code": caution.code, "text": caution.text, "anchor": caution.anchor} for caution in cautions]
