"""Small real trainings, by `fit` with LRMonitor and by a loop with Recorder, and how each can be spoiled."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn import datasets

import lrmon
from tests.corpus.recordings import Case, Truth, draw
from tests.recorded import recorded

# The same sums, in the same order, on any machine with any number of processors.
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)

Floats = NDArray[np.float32]

KEPT: Final = [
    "format_version",
    "fit",
    "kind",
    "first_step",
    "first_iteration",
    "framework",
    "optimizer",
    "schedule",
    "batch_size",
    "epochs",
    "initial_epoch",
    "steps_per_epoch",
    "classes",
    "plateau",
    "exactness",
    "loss_provenance",
    "learning_rate_provenance",
    "ended",
    "last_step",
]
"""Fields of a fit's record that the review reads; the others are the same in every training."""


@dataclass
class Data:
    """What is trained on; a fault may change any of it."""

    x: Any
    y: Any
    val_x: Any
    val_y: Any


@dataclass(frozen=True)
class Setting:
    """A model, its data and an optimizer with a learning rate at which it trains well.

    Attributes:
        name: Of it.
        data: Makes the data, from a seed.
        layers: Makes the model's layers.
        loss: Keras' name, or a loss.
        optimizer: Makes the optimizer.
        learning_rate: At which it trains well.
        batch_size: Of it.
        metrics: Names of Keras' metrics.
    """

    name: str
    data: Callable[[np.random.Generator], Data]
    layers: Callable[[], list[Any]]
    loss: Any
    optimizer: Callable[[], Any]
    learning_rate: float
    batch_size: int = 32
    metrics: tuple[str, ...] = ()


def digits(random: np.random.Generator, *, train: int = 960, images: bool = False) -> Data:
    """Returns scikit-learn's digits, shuffled, pixels from 0 to 1."""
    x, y = datasets.load_digits(return_X_y=True)
    order = random.permutation(len(x))
    x, y = (x[order] / 16).astype(np.float32), y[order].astype(np.int32)
    if images:
        x = x.reshape(-1, 8, 8, 1)
    return Data(x[:train], y[:train], x[-480:], y[-480:])


def rows_of_digits(random: np.random.Generator) -> Data:
    """Returns the digits as sequences of eight rows."""
    data = digits(random)
    return Data(data.x.reshape(-1, 8, 8), data.y, data.val_x.reshape(-1, 8, 8), data.val_y)


def friedman(random: np.random.Generator, *, noise: float = 0.1) -> Data:
    """Returns a regression in ten variables, standardized."""
    x = random.uniform(size=(1440, 10)).astype(np.float32)
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    y = ((y - y.mean()) / y.std() + random.normal(0, noise, len(y))).astype(np.float32)[:, None]
    return Data(2 * x[:960] - 1, y[:960], 2 * x[960:] - 1, y[960:])


def tumours(random: np.random.Generator) -> Data:
    """Returns scikit-learn's breast cancer, standardized."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    x = ((x - x.mean(0)) / x.std(0)).astype(np.float32)
    order = random.permutation(len(x))
    x, y = x[order], y[order].astype(np.float32)[:, None]
    return Data(x[:400], y[:400], x[400:], y[400:])


def blobs(random: np.random.Generator, *, spread: float = 1.0, classes: int = 5) -> Data:
    """Returns clouds of points that overlap, so that no loss goes to 0."""
    centers = random.normal(0, 1, (classes, 12))
    y = random.integers(0, classes, 1800)
    x = (centers[y] + random.normal(0, spread, (1800, 12))).astype(np.float32)
    y = y.astype(np.int32)
    return Data(x[:1280], y[:1280], x[1280:], y[1280:])


def _classifier(*units: int, classes: int = 10, activation: str = "relu") -> Callable[[], list[Any]]:
    return lambda: [
        *(keras.layers.Dense(count, activation=activation) for count in units),
        keras.layers.Dense(classes),
    ]


CROSS_ENTROPY: Final = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

DENSE = Setting(
    "dense", digits, _classifier(32), CROSS_ENTROPY,
    lambda: keras.optimizers.SGD(0.1, momentum=0.9), 0.05, metrics=("accuracy",),
)  # fmt: skip
CONVOLUTION = Setting(
    "convolution",
    lambda random: digits(random, images=True),
    lambda: [
        keras.layers.Conv2D(8, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ],
    CROSS_ENTROPY,
    keras.optimizers.Adam,
    0.003,
)
CLOUDS = Setting("clouds", blobs, _classifier(24, classes=5), CROSS_ENTROPY, keras.optimizers.Adam, 0.005)
REGRESSION = Setting(
    "regression", friedman, _classifier(24, classes=1), "mse", lambda: keras.optimizers.SGD(0.1), 0.05,
    metrics=("mae",),
)  # fmt: skip
TUMOURS = Setting(
    "tumours", tumours, _classifier(8, classes=1), keras.losses.BinaryCrossentropy(from_logits=True),
    keras.optimizers.RMSprop, 0.003, 16,
)  # fmt: skip
RECURRENT = Setting(
    "recurrent", rows_of_digits, lambda: [keras.layers.GRU(16), keras.layers.Dense(10)], CROSS_ENTROPY,
    keras.optimizers.Adam, 0.01,
)  # fmt: skip

Rate = Callable[[int, int], float]
"""The learning rate of a step of an epoch (both counted over the whole training)."""


class SetRate(keras.callbacks.Callback):
    """Sets the learning rate before each batch, where it changes."""

    def __init__(self, lr: Rate) -> None:
        super().__init__()
        self.lr, self.step, self.epoch = lr, 0, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        lr = np.float32(self.lr(self.step, self.epoch))
        if np.float32(self.model.optimizer.learning_rate) != lr:
            self.model.optimizer.learning_rate = float(lr)
        self.step += 1


@dataclass
class Plan:
    """One training.

    Attributes:
        setting: Model, data, optimizer.
        epochs: How many; for a loop without epochs the steps are as many.
        lr: The learning rate of each step; the setting's where left out.
        change: Changes the data.
        shuffle: As `fit` takes it.
        validate: Whether there is validation data.
        by: ``fit``; ``loop``: Recorder with epochs; ``endless``: Recorder without.
        batch_size: The setting's where left out.
        callbacks: Of the fit.
        again: Learning rate of a second fit of as many epochs that continues the first.
        layers: In place of the setting's.
        optimizer: In place of the setting's.
        loss: In place of the setting's.
        prepare: Called with the model before training.
        truth: What is wrong.
        from_minimum: Whether it begins where val_loss is lowest, which only the training shows.
    """

    setting: Setting
    epochs: int = 16
    lr: Rate | None = None
    change: Callable[[Data, np.random.Generator], None] | None = None
    shuffle: bool = True
    validate: bool = True
    by: str = "fit"
    batch_size: int | None = None
    callbacks: Callable[[], list[Any]] = list
    again: float | None = None
    layers: Callable[[], list[Any]] | None = None
    optimizer: Callable[[], Any] | None = None
    loss: Any = None
    prepare: Callable[[Any], None] | None = None
    truth: Truth = field(default_factory=Truth)
    from_minimum: bool = False


_compiled: dict[Any, Any] = {}
_steps: dict[int, Any] = {}


def _fresh(plan: Plan, data: Data) -> Any:
    """Returns a compiled model with new weights; one that was traced before, where there is one."""
    setting = plan.setting
    with_settings = plan.layers is not None or plan.optimizer is not None or plan.loss is not None
    inputs = keras.Input(data.x.shape[1:])
    key = setting.name
    if with_settings or key not in _compiled:
        model = keras.Sequential([inputs, *(plan.layers or setting.layers)()])
        metrics = list(setting.metrics)
        optimizer = (plan.optimizer or setting.optimizer)()
        model.compile(optimizer, plan.loss or setting.loss, metrics=metrics, jit_compile=False)
        if with_settings:
            return model
        optimizer.build(model.trainable_variables)
        _compiled[key] = model
        return model
    model = _compiled[key]
    model.set_weights(keras.Sequential([inputs, *setting.layers()]).get_weights())
    for variable in model.optimizer.variables:
        variable.assign(np.zeros(variable.shape, variable.dtype))
    return model


def _train_step(model: Any) -> Any:
    if id(model) not in _steps:

        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = model.compute_loss(x, y, model(x, training=True))
            variables = model.trainable_variables
            model.optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        _steps[id(model)] = tf.function(step, reduce_retracing=True)
    return _steps[id(model)]


def _loop(plan: Plan, model: Any, data: Data, log_dir: Path, random: np.random.Generator) -> None:
    step = _train_step(model)
    size = plan.batch_size or plan.setting.batch_size
    length = len(data.x) // size
    lr = plan.lr or (lambda step, epoch: plan.setting.learning_rate)
    with lrmon.Recorder(log_dir) as recorder:
        for epoch in range(plan.epochs):
            order = random.permutation(len(data.x)) if plan.shuffle else np.arange(len(data.x))
            for batch in range(length):
                used = float(np.float32(lr(epoch * length + batch, epoch)))
                model.optimizer.learning_rate = used
                rows = order[batch * size : (batch + 1) * size]
                recorder.batch(learning_rate=used, loss=step(data.x[rows], data.y[rows]))
            if plan.by == "loop":
                values = {}
                if plan.validate:
                    predicted = model(data.val_x)
                    values["val_loss"] = float(model.compute_loss(data.val_x, data.val_y, predicted))
                recorder.end_epoch(values)


def _fit(plan: Plan, model: Any, data: Data, log_dir: Path) -> None:
    lr = plan.lr or (lambda step, epoch: plan.setting.learning_rate)
    monitor = lrmon.LRMonitor(log_dir)
    own = plan.callbacks()
    keeps_rate = plan.optimizer is not None or any(
        isinstance(callback, (keras.callbacks.ReduceLROnPlateau, keras.callbacks.LearningRateScheduler))
        for callback in own
    )
    if plan.optimizer is None:
        model.optimizer.learning_rate = lr(0, 0)
    settings: dict[str, Any] = {
        "batch_size": plan.batch_size or plan.setting.batch_size,
        "shuffle": plan.shuffle,
        "verbose": 0,
        "validation_data": (data.val_x, data.val_y) if plan.validate else None,
        "callbacks": [*([] if keeps_rate else [SetRate(lr)]), *own, monitor],
    }
    if plan.validate:
        settings["validation_batch_size"] = 480
    model.fit(data.x, data.y, epochs=plan.epochs, **settings)
    if plan.again is not None:
        settings["callbacks"] = [SetRate(lambda step, epoch: plan.again or 0.0), monitor]
        model.fit(data.x, data.y, initial_epoch=plan.epochs, epochs=2 * plan.epochs, **settings)
    # Or it would go on guarding a folder that is about to be deleted.
    if monitor._recorder is not None:
        monitor._recorder.close()


def trained(plan: Plan, kind: str, severity: int, seed: int) -> Case:
    """Trains, and returns what was recorded."""
    number = sum(map(ord, kind)) * 97 + severity * 31 + seed * 7
    number += draw(kind, severity, seed) * 1_000_003
    keras.utils.set_random_seed(number)
    random = np.random.default_rng(number)
    data = plan.setting.data(random)
    if plan.change is not None:
        plan.change(data, random)
    model = _fresh(plan, data)
    if plan.prepare is not None:
        plan.prepare(model)
    with tempfile.TemporaryDirectory() as folder:
        if plan.by == "fit":
            _fit(plan, model, data, Path(folder))
        else:
            _loop(plan, model, data, Path(folder), random)
        case = case_of(folder, kind, severity, seed, plan.truth)
    return replace(case, truth=truth_of(plan, case))


def truth_of(plan: Plan, case: Case) -> Truth:
    """Returns what is wrong with a training, with its place."""
    if not plan.from_minimum:
        return plan.truth
    lowest = min(case.epochs, key=lambda epoch: float(epoch["metrics"]["val_loss"]))
    return replace(plan.truth, first=lowest["last_step"], last=lowest["last_step"])


def case_of(folder: str | Path, kind: str, severity: int, seed: int, truth: Truth) -> Case:
    """Returns what was recorded in a folder."""
    recording = recorded(folder)
    fits = {record["first_step"]: record for record in recording.fits}
    return Case(
        kind=kind,
        severity=severity,
        seed=seed,
        truth=truth,
        learning_rate=recording.learning_rate.astype(np.float32),
        loss=recording.loss.astype(np.float32),
        epochs=tuple(_compact_epoch(record) for record in recording.epochs),
        fits=tuple(
            {name: record[name] for name in KEPT if name in record} for _, record in sorted(fits.items())
        ),
    )


def _compact_epoch(record: dict[str, Any]) -> dict[str, Any]:
    values = {
        name: value if isinstance(value, str) else float(f"{value:.8g}")
        for name, value in record["metrics"].items()
    }
    return {
        "epoch": record["epoch"],
        "first_step": record["first_step"],
        "last_step": record["last_step"],
        "wall_time": 1.7e9,
        "metrics": values,
    }
