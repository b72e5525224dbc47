"""What can be known to go wrong with the learning rate before the first batch of a fit.

`planned_fit` reads the fit from within a callback's `on_train_begin`, `preflight` returns warnings about it,
and `own_plateau` returns the fit's own ReduceLROnPlateau. Each sentence is described in docs/preflight.md.
"""

from __future__ import annotations

from lrmon.train.preflight.fit import PlannedFit, own_plateau, planned_fit
from lrmon.train.preflight.report import preflight

__all__ = ["PlannedFit", "own_plateau", "planned_fit", "preflight"]
