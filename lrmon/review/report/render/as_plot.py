"""The report as a matplotlib figure."""

from __future__ import annotations

from typing import Any

import numpy as np

from lrmon.analysis.loss.smoothing import smooth
from lrmon.review.report.analysis import RunAnalysis
from lrmon.review.report.plateau.plateaus import Plateaus
from lrmon.review.run.run import Run

_HAIRLINES = 200
"""More epoch boundaries than this are not drawn."""


def report_plot(run: Run, analysis: RunAnalysis, plateaus: Plateaus) -> Any:
    """Returns a matplotlib figure: learning rate above, loss and the monitored metric below.

    Raises:
      ImportError: if matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("a plot needs matplotlib: pip install matplotlib") from error
    has_loss = analysis.loss_is_known or (plateaus.problem is None and plateaus.unit == "epoch")
    figure = Figure(figsize=(9, 6 if has_loss else 3.5), layout="constrained")
    axes = figure.subplots(2 if has_loss else 1, 1, sharex=True, squeeze=False)[:, 0]
    lrs = axes[0]
    lrs.set_title(run.name, loc="left", fontsize=11)
    lrs.plot(run.step, run.learning_rate, drawstyle="steps-post", color="#1f5fa8", label="learning rate")
    if analysis.outlook is not None:
        outlook = analysis.outlook
        lrs.plot(
            outlook.step,
            outlook.learning_rate,
            drawstyle="steps-post",
            color="#1f5fa8",
            ls=":",
            label="planned",
        )
    if plateaus.problem is None and plateaus.unit == "epoch" and plateaus.reductions:
        lrs.plot(
            plateaus.step,
            plateaus.learning_rate,
            drawstyle="steps-pre",
            color="#b5541c",
            ls="--",
            label="LR under this rule",
        )
    lrs.set_ylabel("learning rate")
    positive = run.learning_rate[run.learning_rate > 0]
    if (
        positive.size
        and float(positive.max()) > 10 * float(positive.min())
        and positive.size == run.learning_rate.size
    ):
        lrs.set_yscale("log")
    if has_loss:
        _losses(axes[1], run, analysis, plateaus)
    for axis in axes:
        if analysis.positions.starts.size <= _HAIRLINES:
            for start in analysis.positions.starts.tolist():
                axis.axvline(start, color="#00000018", lw=0.8)
        axis.legend(loc="upper right", frameon=False, fontsize=8)
    axes[-1].set_xlabel("step")
    return figure


def _losses(axis: Any, run: Run, analysis: RunAnalysis, plateaus: Plateaus) -> None:
    if analysis.loss_is_known:
        axis.plot(run.step, run.loss, color="#8a8f98", lw=0.6, alpha=0.5)
        axis.plot(
            run.step, smooth(run.loss, weight=0.9), color="#444a54", lw=1.2, label="loss, smoothed (0.9)"
        )
    if plateaus.problem is None and plateaus.unit == "epoch":
        known = np.flatnonzero(~plateaus.missing)
        axis.plot(
            plateaus.step[known],
            plateaus.value[known],
            "o-",
            ms=3,
            lw=1,
            color="#7b3fa0",
            label=plateaus.rule.monitor,
        )
        for reduction in plateaus.reductions:
            if reduction.best >= 0:
                color = "#b5541c" if reduction.kind == "would" else "#2b7a3d"
                axis.axvspan(int(plateaus.step[reduction.best]), reduction.step, color=color, alpha=0.1, lw=0)
    axis.set_ylabel("loss")
