"""What can be known to go wrong with the learning rate before the first batch of a fit.

`fit_seen` looks at the fit from within a callback's `on_train_begin`, `preflight` says in sentences what it
finds, `own_plateau` gives the fit's own ReduceLROnPlateau. Each sentence is described in docs/preflight.md.
"""

from __future__ import annotations

from lrmon.train.preflight.fit import Fit, fit_seen, own_plateau
from lrmon.train.preflight.report import preflight

__all__ = ["Fit", "fit_seen", "own_plateau", "preflight"]
