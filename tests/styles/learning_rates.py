"""Learning rates of one's own: schedule classes, and callbacks that assign a number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.fits.framework import COMPILED, MODES, api
from tests.styles.own_step import OwnStep
from tests.styles.style import Trained, labels, tokens, vectors

layers, ops = api.layers, api.ops


class UpThenDown(api.optimizers.schedules.LearningRateSchedule):
    """Rises and falls in straight lines, by whole epochs, as for the recognition of speech."""

    def __init__(
        self, first: float, peak: float, last: float, up: int, down: int, steps_per_epoch: int
    ) -> None:
        super().__init__()
        self.first, self.peak, self.last = first, peak, last
        self.up, self.down, self.steps_per_epoch = up, down, steps_per_epoch

    def rate_of(self, epoch: Any) -> Any:
        """Returns the learning rate of an epoch."""
        rising = self.first + (self.peak - self.first) / (self.up - 1) * epoch
        falling = self.peak - (epoch - self.up) * (self.peak - self.last) / self.down
        return ops.minimum(rising, ops.maximum(self.last, falling))

    def __call__(self, step: Any) -> Any:
        return self.rate_of(ops.cast(step // self.steps_per_epoch, "float32"))

    def get_config(self) -> dict[str, Any]:
        return dict(vars(self))


class Recognizer(OwnStep):
    """Writes a sequence of tokens out of a sequence of vectors; padding counts nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.listen = layers.Conv1D(8, 3, strides=2, padding="same", activation="relu")
        self.token_embedding = layers.Embedding(6, 8)
        self.attention, self.classifier = layers.MultiHeadAttention(2, 4), layers.Dense(6)
        self.loss_metric = api.metrics.Mean(name="loss")
        self.loss_fn = api.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)

    @property
    def metrics(self) -> list[Any]:
        return [self.loss_metric]

    def call(self, inputs: Any) -> Any:
        heard, written = inputs
        return self.classifier(self.attention(self.token_embedding(written), self.listen(heard)))

    def objective(self, data: Any) -> tuple[Any, dict[str, Any]]:
        heard, written = data["source"], data["target"]
        predicted = self([heard, written[:, :-1]], training=True)
        following = ops.one_hot(written[:, 1:], 6)
        mask = ops.cast(written[:, 1:] != 0, "float32")
        return self.loss_fn(following, predicted, sample_weight=mask), {}

    def show(self, loss: Any, parts: dict[str, Any]) -> dict[str, Any]:
        self.loss_metric.update_state(loss)
        return {"loss": self.loss_metric.result()}


class ShowOutputs(api.callbacks.Callback):
    """Has the model write something down at the end of some epochs."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__()
        self.data = data
        self.written: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch % 2 == 0:
            predicted = self.model([self.data["source"], self.data["target"][:, :-1]], training=False)
            self.written.append(np.argmax(api.ops.convert_to_numpy(predicted), -1))


def speech(callbacks: list[Any]) -> Trained:
    data = {
        "source": vectors(24, 40).reshape(24, 10, 4),
        "target": tokens(24, 5, 6),
    }
    model = Recognizer()
    model([data["source"], data["target"][:, :-1]])
    schedule = UpThenDown(0.001, 0.01, 0.0005, up=3, down=2, steps_per_epoch=3)
    model.compile(optimizer=api.optimizers.Adam(schedule), **MODES[COMPILED])
    callbacks = [ShowOutputs(data), *callbacks]
    history = model.fit(data, batch_size=8, epochs=6, verbose=0, callbacks=callbacks)
    epochs = [0.001, 0.0055, 0.01, 0.01, 0.00525, 0.0005]
    return Trained(model, np.repeat(epochs, 3), 8, [history.history])


class WarmUp(api.optimizers.schedules.LearningRateSchedule):
    """A straight line up to the learning rate, and from then on the learning rate, as for captions."""

    def __init__(self, after: float, steps: int) -> None:
        super().__init__()
        self.after, self.steps = after, steps

    def __call__(self, step: Any) -> Any:
        step, steps = ops.cast(step, "float32"), ops.cast(self.steps, "float32")
        return ops.cond(step < steps, lambda: self.after * (step / steps), lambda: self.after + 0 * step)

    def get_config(self) -> dict[str, Any]:
        return {"after": self.after, "steps": self.steps}


class Captions(OwnStep):
    """Each image has several captions; the batch's loss is the sum of theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = layers.Dense(8, activation="relu")
        self.token_embedding, self.classifier = layers.Embedding(5, 8), layers.Dense(5)
        self.loss_tracker = api.metrics.Mean(name="loss")
        self.acc_tracker = api.metrics.Mean(name="acc")

    @property
    def metrics(self) -> list[Any]:
        return [self.loss_tracker, self.acc_tracker]

    def call(self, inputs: Any) -> Any:
        image, written = inputs
        return self.classifier(self.token_embedding(written) + self.encoder(image)[:, None, :])

    def objective(self, data: Any) -> tuple[Any, dict[str, Any]]:
        image, captions = data
        total, right = 0.0, 0.0
        for number in range(3):
            written = captions[:, number, :]
            predicted = self([image, written[:, :-1]], training=True)
            following = written[:, 1:]
            mask = ops.cast(following != 0, "float32")
            losses = api.losses.sparse_categorical_crossentropy(following, predicted, from_logits=True)
            total = total + ops.sum(losses * mask) / ops.sum(mask)
            hits = ops.cast(ops.cast(ops.argmax(predicted, -1), "int32") == following, "float32")
            right = right + ops.sum(hits * mask) / ops.sum(mask)
        return total, {"acc": right / 3}

    def show(self, loss: Any, parts: dict[str, Any]) -> dict[str, Any]:
        self.loss_tracker.update_state(loss)
        self.acc_tracker.update_state(parts["acc"])
        return {"loss": self.loss_tracker.result(), "acc": self.acc_tracker.result()}


def captioning(callbacks: list[Any]) -> Trained:
    x, y = vectors(40, 6), tokens(40, 12, 5).reshape(40, 3, 4)
    model = Captions()
    model([x, y[:, 0, :-1]])
    model.compile(optimizer=api.optimizers.Adam(WarmUp(0.01, 4)), **MODES[COMPILED])
    history = model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
    return Trained(model, 0.01 * np.minimum(np.arange(10) / 4, 1), 3, [history.history])


class InverseRoot(api.optimizers.schedules.LearningRateSchedule):
    """Falls with the root of the step after a warm-up, as for translation."""

    def __init__(self, width: int, warmup: int) -> None:
        super().__init__()
        self.width, self.warmup = float(width), warmup

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32") + 1.0
        return ops.rsqrt(self.width) * ops.minimum(ops.rsqrt(step), step * self.warmup**-1.5)

    def get_config(self) -> dict[str, Any]:
        return {"width": int(self.width), "warmup": self.warmup}


def translation(callbacks: list[Any]) -> Trained:
    source, target = tokens(40, 6, 9), tokens(40, 5, 9, 2)
    inputs, written = api.Input((6,), dtype="int32"), api.Input((4,), dtype="int32")
    read = layers.GRU(8)(layers.Embedding(9, 8, mask_zero=True)(inputs))
    hidden = layers.GRU(8, return_sequences=True)(layers.Embedding(9, 8)(written), initial_state=read)
    model = api.Model([inputs, written], layers.Dense(9)(layers.Dropout(0.1, seed=6)(hidden)))
    model.compile(
        optimizer=api.optimizers.Adam(InverseRoot(64, 4), beta_1=0.9, beta_2=0.98, epsilon=1e-9),
        loss=api.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0),
        **MODES[COMPILED],
    )
    arguments = {"batch_size": 8, "epochs": 2, "verbose": 0, "callbacks": callbacks}
    history = model.fit([source, target[:, :-1]], target[:, 1:], **arguments)
    step = np.arange(1, 11)
    return Trained(model, np.minimum(step**-0.5, step * 4**-1.5) / 8, 8, [history.history])


class OneCycle(api.callbacks.Callback):
    """Assigns each batch its learning rate and its momentum: up to the peak, and down again."""

    def __init__(self, peak: float, total: int) -> None:
        super().__init__()
        half = np.linspace(peak / 10, peak, total // 2)
        self.lrs, self.batches = [*half, *half[::-1]], 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate = self.lrs[self.batches]
        self.batches += 1


def dense_model() -> Any:
    """Returns a classifier of three classes with batch normalization and dropout."""
    return api.Sequential(
        [
            api.Input((6,)),
            layers.Dense(8),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.3, seed=8),
            layers.Dense(3),
        ]
    )


def one_cycle(callbacks: list[Any]) -> Trained:
    model, cycle = dense_model(), OneCycle(0.5, 10)
    loss = api.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(
        api.optimizers.SGD(0.1, momentum=0.9, nesterov=True), loss, metrics=["accuracy"], **MODES[COMPILED]
    )
    arguments = {"batch_size": 8, "epochs": 2, "verbose": 0, "callbacks": [*callbacks, cycle]}
    history = model.fit(vectors(40, 6), labels(40, 3), **arguments)
    return Trained(model, cycle.lrs, histories=[history.history])


def warm_restarts(callbacks: list[Any]) -> Trained:
    """Half cosines over two epochs each, by LearningRateScheduler; then the best weights return."""

    def lr(epoch: int, _: float) -> float:
        return 0.05 * (1 + math.cos(math.pi * (epoch % 2) / 2))

    model = dense_model()
    loss = api.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(api.optimizers.SGD(0.1), loss, metrics=["accuracy"], **MODES[COMPILED])
    others = [
        api.callbacks.LearningRateScheduler(lr),
        api.callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True),
    ]
    x, y = vectors(40, 6), labels(40, 3)
    arguments = {"batch_size": 20, "epochs": 4, "verbose": 0, "callbacks": [*others, *callbacks]}
    history = model.fit(x, y, class_weight={0: 1.0, 1: 2.0, 2: 0.5}, **arguments)
    return Trained(model, np.repeat([lr(epoch, 0) for epoch in range(4)], 2), histories=[history.history])
