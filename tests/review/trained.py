"""Runs made of arrays, as the assembly of their records gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lrmon.review.reading.decode import Block
from lrmon.review.reading.merge import DecodedRecording, assemble
from lrmon.review.report.analysis import analysis
from lrmon.review.report.findings.finding import Finding
from lrmon.review.report.findings.ranking import theme_findings
from lrmon.review.report.report import analyzed_run
from lrmon.review.run.run import Epoch, Fit, Run

NAME = "20250101T000000.000000Z-1"
STAIRCASE = {"initial_learning_rate": 0.1, "decay_steps": 95, "decay_rate": 0.95, "staircase": True}


def trained(
    lrs: ArrayLike,
    length: int,
    *,
    loss: ArrayLike | None = None,
    metrics: Mapping[str, Sequence[float | None]] | None = None,
    first_step: int = 0,
    first_epoch: int = 0,
    name: str = "run",
    **fit: Any,
) -> Run:
    """Returns a run of one fit.

    Args:
        lrs: The learning rate of each step, or of each epoch where metrics are given and have its length.
        length: Steps an epoch; a last epoch that is shorter has not ended.
        loss: Of each step.
        metrics: Of each epoch.
        first_step: Of the run.
        first_epoch: Number of its first epoch.
        name: Of the run.
        fit: Fields of the run record.
    """
    lr = np.asarray(lrs, dtype=np.float32)
    # Falls smoothly, as nobody would say anything of.
    losses = 1.0 / (1.0 + 8.0 * np.arange(lr.size) / max(lr.size, 1)) if loss is None else np.asarray(loss)
    values = np.column_stack((lr, lr, losses, np.full(lr.size, 0.1))).astype(np.float32)
    epochs = [
        Epoch(
            number=first_epoch + number,
            first_step=first_step + number * length,
            last_step=first_step + (number + 1) * length - 1,
            wall_time=0.0,
            metrics={
                metric: value
                for metric, of_epochs in (metrics or {}).items()
                if (value := of_epochs[number]) is not None
            },
        )
        for number in range(lr.size // length)
    ]
    record = {
        "steps_per_epoch": length,
        "initial_epoch": first_epoch,
        "loss_provenance": "each batch's own",
        **fit,
    }
    of_fit = Fit(
        recording=NAME,
        number=0,
        first_step=first_step,
        first_iteration=record.get("first_iteration", first_step),
        last_step=first_step + lr.size - 1 if "ended" in record else None,
        initial_epoch=first_epoch,
        steps_per_epoch=record["steps_per_epoch"],
        kind=record.get("kind", "training"),
        start_time=0.0,
        ended=record.get("ended"),
        record=record,
    )
    recording = DecodedRecording(NAME, [Block(first_step, 0.0, values)] if lr.size else [], epochs, [of_fit])
    return assemble(name, "version", [recording])


def by_epoch(lrs: ArrayLike, length: int) -> Any:
    """Returns the learning rate of each step, given that of each epoch."""
    return np.repeat(np.asarray(lrs, dtype=np.float32), length)


def staircase(length: int, trained_epochs: int, decay_steps: int = 95, *, extra: int = 0, **fit: Any) -> Run:
    """Returns a run with an exponential staircase."""
    steps = np.arange(length * trained_epochs + extra)
    config = {**STAIRCASE, "decay_steps": decay_steps}
    fit = {"schedule": {"class_name": "ExponentialDecay", "config": config}, "epochs": trained_epochs, **fit}
    return trained(0.1 * 0.95 ** (steps // decay_steps), length, **fit)


def findings(run: Run) -> dict[str, Finding]:
    """Returns the findings of a run by code."""
    return {finding.code: finding for finding in analyzed_run(run).findings}


def parts(run: Run) -> dict[str, Finding]:
    """Returns what each theme finds in a run by code, consequences of others included."""
    with np.errstate(all="ignore"):
        return {finding.code: finding for finding in theme_findings(analysis(run))}
