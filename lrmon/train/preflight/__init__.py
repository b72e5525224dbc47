"""Preflight warnings: what will go wrong with the learning rate, known before the first batch of a fit.

`planned_fit` reads the fit from within a callback's `on_train_begin`, `preflight` returns warnings about it,
and `own_plateau` returns the fit's own ReduceLROnPlateau. docs/preflight.md describes each warning.
"""

from __future__ import annotations

from lrmon.train.preflight.fit import PlannedFit, own_plateau, planned_fit
from lrmon.train.preflight.report import preflight

__all__ = ["PlannedFit", "own_plateau", "planned_fit", "preflight"]
