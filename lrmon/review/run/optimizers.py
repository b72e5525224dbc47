"""The optimizers of a run: their names, and how many updates they made."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lrmon.review.run.run import Fit
from lrmon.text.wording import quantity


def optimizer_names(fit: Fit | None) -> list[str]:
    """Returns the names of a fit's optimizers, none if they are not recorded as expected."""
    listed = fit.record.get("optimizers") if fit is not None else None
    names = (
        [entry.get("name") for entry in listed if isinstance(entry, Mapping)]
        if isinstance(listed, list)
        else []
    )
    named = [name for name in names if isinstance(name, str)]
    return named if len(set(named)) == len(names) else []


def updates_words(updates: NDArray[np.int32]) -> str:
    """Returns how many updates an optimizer made, in words, for example ``3 updates in each step``.

    Args:
      updates: [n], in each step.
    """
    made = updates[updates > 0]
    if not made.size:
        return "no update"
    least, most = int(made.min()), int(made.max())
    count = f"{least:,} to {quantity(most, 'update')}" if most > least else quantity(most, "update")
    if made.size == updates.size:
        return f"{count} in each step"
    return f"{count} in each of {made.size:,} of {quantity(updates.size, 'step')}"
