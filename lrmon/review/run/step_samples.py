"""Skipped steps and samples of updates in a range of steps."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from lrmon import schema
from lrmon.review.run.run import Run

_STEPS: Final = 5_000
_SAMPLES: Final = 2_000


def skipped_json(run: Run, first: int, last: int) -> str:
    """Returns the skipped steps from `first` to `last`, and their number.

    Args:
      run: the run.
      first: step, inclusive.
      last: step, inclusive.
    """
    begin, end = np.searchsorted(run.skipped, [first, last + 1]).tolist()
    listed = run.skipped[begin : min(end, begin + _STEPS)].tolist()
    return schema.to_json({"step": listed, "total": max(end - begin, 0)})


def samples_json(run: Run, first: int, last: int) -> str:
    """Returns the samples of updates from step `first` to `last` and one on either side.

    It is null if the run has none. Of more than 2,000 it is an even selection with the first and the last.
    """
    if not run.samples:
        return "null"
    steps = [sample.step for sample in run.samples]
    begin, end = np.searchsorted(steps, [first, last + 1]).tolist()
    rows = np.arange(max(begin - 1, 0), min(max(end, begin) + 1, len(steps)))
    if rows.size > _SAMPLES:
        rows = rows[np.unique(np.linspace(0, rows.size - 1, _SAMPLES).astype(np.int64))]
    chosen = [run.samples[row] for row in rows.tolist()]
    layers = list(dict.fromkeys(name for sample in chosen for name in sample.update_to_weight))
    return schema.to_json(
        {
            "step": [sample.step for sample in chosen],
            "quantiles": schema.STEP_SIZE_QUANTILES,
            "step_size": [
                [None if sample.step_size is None else sample.step_size[index] for sample in chosen]
                for index in range(len(schema.STEP_SIZE_QUANTILES))
            ],
            "update_to_weight": {
                name: [sample.update_to_weight.get(name) for sample in chosen] for name in layers
            },
            "sampled": run.samples[-1].sampled,
            "parameters": run.samples[-1].parameters,
            "every": _every(run),
            "total": max(end - begin, 0),
        }
    )


def _every(run: Run) -> Any:
    every = run.fits[-1].record.get("step_sizes_every") if run.fits else None
    return every if isinstance(every, int) and 0 < every < 2**53 else None
