"""The format on disk: the tags, columns and records that training and review share.

A run is one folder of TensorBoard event files. It holds standard scalars, for every other tool, and
records, which are complete and exact and which lrmon's own dashboard reads:

===============================  ==========================================================================
tag                              one record
===============================  ==========================================================================
``lrmon/batches/<recording>/<k>``  float32 [n, 4], n ≤ 1024 consecutive steps, columns `BATCH_COLUMNS`;
                                 step and wall time of the summary are those of the last row. It is
                                 float64 where float32 does not hold the learning rates or losses
``lrmon/epochs/<recording>``     a JSON object, see `EpochRecord`; the summary's step is the epoch's last step
                                 (one more than the tag's last where the epoch had no batch)
``lrmon/run/<recording>``        a JSON object for each fit, see `RunRecord`; the summary's step is the
                                 fit's first step. It is written at the fit's start and, with how the fit
                                 ended, again at its end, and where something was lost: of several with
                                 one ``fit`` number the latest counts
``lrmon/rates/<recording>/<k>``  float32 [n, m], only where several optimizers train one model: the learning
                                 rate of each, in the order of the run record's ``optimizers``, for the steps
                                 of the batch record with the same step and ``<k>``
``lrmon/updates/<recording>/<k>``  float32 [n, m]: how many updates each optimizer made in the steps of the
                                 batch record with the same step and ``<k>``, in the order of ``optimizers``;
                                 only where any made none or several: else each made one
``lrmon/skipped/<recording>``    a JSON object, see `SkippedRecord`: steps whose update was not made; the
                                 summary's step is the last of them
``lrmon/samples/<recording>``    a JSON object, see `SampleRecord`; the summary's step is the sample's
===============================  ==========================================================================

A record replaces earlier ones of its tag with the same or a higher step, as it does in TensorBoard's fast
loader.

``<recording>`` names one uninterrupted recording (a number, UTC start time and process id), so that a
resume or a second start never touches an earlier recording's tags. The number is one more than the largest
in the folder when the recording started: recordings are ordered by it, and the time is information only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Final, TypedDict

FORMAT_VERSION: Final = 1
"""Version of the records. It grows when a reader of the version before would misread them."""

PLUGIN_NAME: Final = "lrmon"

SCALAR_LEARNING_RATE: Final = "lrmon/learning_rate"
SCALAR_EFFECTIVE_LEARNING_RATE: Final = "lrmon/effective_learning_rate"
SCALAR_LOSS: Final = "lrmon/loss"
SCALAR_LEARNING_RATE_PREFIX: Final = "lrmon/learning_rate/"
"""With an optimizer's name: its learning rate, where several train one model."""
SCALAR_EPOCH_PREFIX: Final = "lrmon/epoch/"

BATCHES_PREFIX: Final = "lrmon/batches/"
EPOCHS_PREFIX: Final = "lrmon/epochs/"
RUN_PREFIX: Final = "lrmon/run/"
RATES_PREFIX: Final = "lrmon/rates/"
UPDATES_PREFIX: Final = "lrmon/updates/"
SKIPPED_PREFIX: Final = "lrmon/skipped/"
SAMPLES_PREFIX: Final = "lrmon/samples/"

BATCH_COLUMNS: Final = ("learning_rate", "effective_learning_rate", "loss", "seconds")
"""Columns of a batch record; ``seconds`` since the row before, in a recording's first row since its start."""

ROWS_PER_RECORD: Final = 1024
RECORDS_PER_TAG: Final = 256

STEP_SIZE_QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)

EXACT, BOUNDED, UNAVAILABLE = "exact", "bounded", "unavailable"
"""How true a column's numbers are: the learning rate bit for bit, the loss within 2^-22, the effective
learning rate the factors' product in double precision; within a bound that the column's provenance
names; or NaN."""


class EpochRecord(TypedDict):
    """One epoch that ended: its steps, and the metrics that `on_epoch_end` got."""

    epoch: int
    """0-based, as Keras counts (``initial_epoch`` is in it)."""
    first_step: int
    last_step: int
    """Inclusive. ``first_step - 1`` where an epoch had no batch."""
    wall_time: float
    """Seconds since 1970, at the epoch's end."""
    metrics: dict[str, float]
    """Full precision. A metric that the epoch does not have is absent; NaN is NaN."""
    types: dict[str, str]
    """By metric, the type of the value as logged: ``float``, ``int``, ``float32``, ``float64``, …"""


class SkippedRecord(TypedDict):
    """Skipped steps: the optimizer made no update, because loss scaling found non-finite gradients."""

    steps: list[int]
    """Ascending."""


class SampleRecord(TypedDict, total=False):
    """What one update did to the weights, from a strided sample of them."""

    step: int
    parameters: int
    """How many trainable weights the model has, and how many of them are in the sample."""
    sampled: int
    step_size: list[float] | None
    """The `STEP_SIZE_QUANTILES` of the sample's step sizes, learning rate · cₜ / (√v + ε) and the like; None
    where the optimizer's rule is not known."""
    update_to_weight: dict[str, float] | None
    """By layer (variable path without its last part), ‖Δw‖ / ‖w‖ over the sample: the update against the
    weights before it. NaN if the weights were all 0. None if one update cannot be told apart."""


class Factor(TypedDict):
    """One thing that makes the effective learning rate out of the optimizer's settings."""

    name: str
    """One of ``learning rate``, ``schedule``, ``time decay``, ``bias correction``, ``relative step``,
    ``warm-up``."""
    formula: str
    """For example ``√(1 − 0.999ᵗ) / (1 − 0.9ᵗ)``; t counts updates from 1, i iterations from 0."""


class PreflightWarningRecord(TypedDict):
    """A preflight warning; see docs/preflight.md."""

    code: str
    """The name of its section there. A finding of the same code says that the problem occurred."""
    text: str


class OptimizerRecord(TypedDict, total=False):
    """One of several optimizers that train one model."""

    name: str
    """Unique in the run."""
    optimizer: dict[str, Any] | None
    schedule: dict[str, Any] | None
    variables: int
    """How many weights (variables, not numbers) it trains."""


class RangeTestRecord(TypedDict, total=False):
    """A range test: its settings, and how it ended."""

    start_lr: float
    end_lr: float
    steps: int
    """Planned."""
    growth: str
    """``exponential`` or ``linear``."""
    stop_factor: float
    smoothing: float
    """Weight of the debiased exponential average that `stop_factor` was judged by."""
    stopped: str | None
    """None if all steps ran, else ``diverged``, ``not finite``, ``data ended`` or ``interrupted``."""
    stopped_reason: str | None
    """The same in a sentence."""
    repeat: int
    """0-based among `repeats`, the sweeps of one call with other seeds."""
    repeats: int


class LostRecord(TypedDict):
    """What was recorded and could not be written, over the whole recording so far."""

    steps: int
    epochs: int
    others: int
    """Records of skipped steps and samples."""
    reason: str


class RunRecord(TypedDict, total=False):
    """One fit: what trained, how it was planned, where the numbers come from, how it ended."""

    format_version: int
    fit: int
    """0-based within the recording."""
    kind: str
    """``training`` or ``range_test``."""
    start_time: float
    """Seconds since 1970, at the start of the fit."""
    recording_start_time: float
    """Seconds since 1970; the seconds of the recording's rows add up from here."""
    first_step: int
    first_iteration: int
    """The optimizer's iterations before the fit's first update; iteration - step is constant in a fit."""
    recorded_by: str
    """For example ``lrmon 0.1.0``."""
    framework: str | None
    """For example ``keras 3.15.1``."""
    backend: str | None
    """For example ``tensorflow 2.21.0``."""
    model: str | None
    optimizer: dict[str, Any] | None
    """``{"class_name": …, "config": {…}}`` as Keras serializes it."""
    schedule: dict[str, Any] | None
    """The learning rate's schedule in the same form, or None if the learning rate is a number."""
    batch_size: int | None
    epochs: int | None
    """The planned number of epochs, Keras' ``epochs`` (which counts from 0, not from ``initial_epoch``)."""
    initial_epoch: int | None
    steps_per_epoch: int | None
    """Planned steps per epoch, None if Keras does not know."""
    validation_split: float | None
    """The share of the data that `fit` split off for validation; None if it did not, or where that could
    not be checked against the data."""
    steps_before_split: int | None
    """Batches that an epoch would have had without the split."""
    steps_per_execution: int | None
    gradient_accumulation_steps: int | None
    compiled: str | None
    """``graph``, ``eager`` or ``jit``."""
    classes: int | None
    """Where the loss is a plain cross-entropy over so many classes: who guesses among k has ln k."""
    learning_rate_provenance: str
    effective_learning_rate_provenance: str
    loss_provenance: str
    """Where each column's numbers come from, in words that start with ``none`` if there are none."""
    exactness: dict[str, str]
    """By column (``learning_rate``, ``effective_learning_rate``, ``loss``) `EXACT`, `BOUNDED` or
    `UNAVAILABLE`. A column that is not named is exact."""
    effective_learning_rate_factors: list[Factor]
    effective_learning_rate_note: str | None
    """A sentence or two that explain the number."""
    optimizers: list[OptimizerRecord]
    """Where there are several: all that could make updates, whether they did or not."""
    main_optimizer: str | None
    """Where there are several: the name of the one whose learning rate is in the column ``learning_rate`` and
    that `optimizer` describes; None if none was seen to make an update."""
    step_sizes_every: int | None
    """Every so many steps a `SampleRecord` was taken; None if that was not asked for."""
    range_test: RangeTestRecord | None
    """Only where kind is ``range_test``."""
    plateau: dict[str, Any] | None
    """The settings of a ReduceLROnPlateau under Keras' names, as LRMonitor was given them, and with them
    ``version`` (see `lrmon.PlateauRule`) where that is said, and ``applied``: whether it is a callback that
    was at work in this fit."""
    warnings: list[str]
    preflight_warnings: list[PreflightWarningRecord]
    """Those of the warnings that preflight gave, with their codes."""
    lost: LostRecord
    """Only where something was lost. The record is then written again, as at the fit's end."""
    ended: str | None
    """None while it runs, else ``completed``, ``stopped`` or ``interrupted: <reason>``."""
    end_time: float | None
    last_step: int | None


def recording_name(number: int, start_time: float, process_id: int) -> str:
    """Returns the name of a recording that started at `start_time` (seconds since 1970) in a process.

    >>> recording_name(3, 1763632512.25, 4185)
    '3-20251120T095512.250000Z-4185'
    """
    start = datetime.fromtimestamp(start_time, timezone.utc)
    return f"{number}-{start:%Y%m%dT%H%M%S.%fZ}-{process_id}"


def recording_order(name: str) -> tuple[int, str]:
    """Returns what recordings are sorted by: their number, and of two with one number the time.

    Two have one number where two processes started at the same moment. A name without a number is one of
    the first.

    >>> sorted(["10-20250101T000000.000000Z-7", "9-20260101T000000.000000Z-7"], key=recording_order)
    ['9-20260101T000000.000000Z-7', '10-20250101T000000.000000Z-7']
    """
    number, separator, rest = name.partition("-")
    if separator and number.isascii() and number.isdigit() and len(number) <= 18:
        return int(number), rest
    return 0, name


NAN, INFINITY, NEGATIVE_INFINITY = "NaN", "Infinity", "-Infinity"


def to_json(value: Any) -> str:
    """Returns strict JSON in which a non-finite number is the string NaN, Infinity or -Infinity.

    It is the one policy for non-finite numbers in every JSON of lrmon, on disk and on HTTP: JSON has no
    such numbers, null would confuse them with what is missing, and most parsers refuse a bare NaN.

    >>> to_json({"loss": float("nan"), "accuracy": 0.5})
    '{"loss":"NaN","accuracy":0.5}'
    """
    return json.dumps(_encodable(value), allow_nan=False, separators=(",", ":"))


def number(value: Any) -> float:
    """Returns the number that `to_json` wrote as `value`.

    >>> number("-Infinity"), number(0.5)
    (-inf, 0.5)
    """
    return float(value)


def _encodable(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return NAN
        return INFINITY if value > 0 else NEGATIVE_INFINITY
    if isinstance(value, Mapping):
        return {str(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encodable(item) for item in value]
    return value
