"""Models that learn from pairs, from a teacher, or from an earlier training."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.fits.framework import COMPILED, MODES, api
from tests.styles.own_step import OwnStep
from tests.styles.style import Trained, images, labels, vectors

layers, ops = api.layers, api.ops
schedules = api.optimizers.schedules


class Contrastive(OwnStep):
    """Two augmented views of an image are to be nearer to each other than to any other image."""

    def __init__(self) -> None:
        super().__init__()
        # Keras' own layers for images keep a model on JAX from being compiled.
        self.augmenter = api.Sequential([layers.GaussianNoise(0.2, seed=1), layers.Dropout(0.1, seed=2)])
        self.encoder = api.Sequential(
            [layers.Conv2D(4, 3, activation="relu"), layers.GlobalAveragePooling2D()]
        )
        self.projection = layers.Dense(4)
        self.loss_tracker = api.metrics.Mean(name="contrastive_loss")
        self.accuracy = api.metrics.SparseCategoricalAccuracy(name="contrastive_accuracy")

    @property
    def metrics(self) -> list[Any]:
        return [self.loss_tracker, self.accuracy]

    def call(self, inputs: Any) -> Any:
        return ops.normalize(self.projection(self.encoder(self.augmenter(inputs, training=True))), axis=1)

    def objective(self, data: Any) -> tuple[Any, dict[str, Any]]:
        one, other = self(data), self(data)
        similarities = ops.matmul(one, ops.transpose(other)) / 0.1
        numbers = ops.arange(ops.shape(data)[0])
        losses = [
            ops.mean(api.losses.sparse_categorical_crossentropy(numbers, logits, from_logits=True))
            for logits in (similarities, ops.transpose(similarities))
        ]
        return (losses[0] + losses[1]) / 2, {"numbers": numbers, "similarities": similarities}

    def show(self, loss: Any, parts: dict[str, Any]) -> dict[str, Any]:
        self.loss_tracker.update_state(loss)
        self.accuracy.update_state(parts["numbers"], parts["similarities"])
        return {metric.name: metric.result() for metric in self.metrics}


def contrastive(callbacks: list[Any]) -> Trained:
    model = Contrastive()
    model(images(2))
    model.compile(
        optimizer=api.optimizers.Adam(schedules.PiecewiseConstantDecay([3, 5], [0.01, 0.003, 0.001])),
        **MODES[COMPILED],
    )
    history = model.fit(images(48), batch_size=12, epochs=2, verbose=0, callbacks=callbacks)
    return Trained(model, [0.01] * 4 + [0.003] * 2 + [0.001] * 2, histories=[history.history])


class Siamese(api.Model):
    """Draws an anchor nearer to one example than to another; the loss is `compute_loss`."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = api.Sequential([layers.Dense(16, activation="tanh"), layers.Dense(4)])

    def call(self, inputs: Any) -> Any:
        anchor, positive, negative = (self.embedding(item) for item in inputs)
        return ops.sum((anchor - positive) ** 2, axis=1), ops.sum((anchor - negative) ** 2, axis=1)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        near, far = y_pred
        return ops.mean(ops.maximum(near - far + 0.5, 0.0))


def siamese(callbacks: list[Any]) -> Trained:
    model = Siamese()
    lr = schedules.ExponentialDecay(0.05, decay_steps=5, decay_rate=0.5, staircase=True)
    model.compile(optimizer=api.optimizers.SGD(lr, momentum=0.9), **MODES[COMPILED])
    triplets = tuple(vectors(40, 6, number) for number in (1, 2, 3))
    history = model.fit(triplets, batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
    return Trained(model, 0.05 * 0.5 ** (np.arange(10) // 5), 4, [history.history])


class Distiller(api.Model):
    """A small model that learns the labels and the softened outputs of a larger one."""

    def __init__(self, student: Any, teacher: Any) -> None:
        super().__init__()
        self.student, self.teacher = student, teacher

    def compile(self, *, distillation_loss_fn: Any, student_loss_fn: Any, alpha: float, **named: Any) -> None:
        super().compile(**named)
        self.distillation_loss_fn, self.student_loss_fn = distillation_loss_fn, student_loss_fn
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        return self.student(inputs)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        soft = ops.stop_gradient(ops.softmax(self.teacher(x, training=False) / 3.0))
        distilled = self.distillation_loss_fn(soft, ops.softmax(y_pred / 3.0)) * 9.0
        return self.alpha * self.student_loss_fn(y, y_pred) + (1 - self.alpha) * distilled


def distillation(callbacks: list[Any]) -> Trained:
    x, y = vectors(40, 6), labels(40, 3)
    teacher = api.Sequential([api.Input((6,)), layers.Dense(32, activation="relu"), layers.Dense(3)])
    teacher.trainable = False
    student = api.Sequential([api.Input((6,)), layers.Dense(4, activation="relu"), layers.Dense(3)])
    model = Distiller(student, teacher)
    model(x)
    model.compile(
        optimizer=api.optimizers.Adam(0.02),
        metrics=[api.metrics.SparseCategoricalAccuracy()],
        student_loss_fn=api.losses.SparseCategoricalCrossentropy(from_logits=True),
        distillation_loss_fn=api.losses.KLDivergence(),
        alpha=0.3,
        **MODES[COMPILED],
    )
    # No loss falls by a hundred, so that every epoch after the first asks for a reduction.
    reduction = api.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=100.0, min_lr=0.006)
    history = model.fit(x, y, batch_size=10, epochs=5, verbose=0, callbacks=[reduction, *callbacks])
    return Trained(model, np.repeat([0.02, 0.02, 0.01, 0.006, 0.006], 4), histories=[history.history])


def transfer_learning(callbacks: list[Any]) -> Trained:
    """A new head on a frozen base; then all of it, at a learning rate of a thousandth."""
    x, y = images(40), labels(40, 2).astype(np.float32)
    base = api.Sequential(
        [api.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()]
    )
    base.trainable = False
    inputs = api.Input((8, 8, 1))
    pooled = layers.GlobalAveragePooling2D()(base(inputs, training=False))
    model = api.Model(inputs, layers.Dense(1)(layers.Dropout(0.2, seed=4)(pooled)))
    loss = api.losses.BinaryCrossentropy(from_logits=True)
    arguments = {"batch_size": 10, "verbose": 0, "validation_data": (x[:10], y[:10]), "callbacks": callbacks}
    model.compile(optimizer=api.optimizers.Adam(0.01), loss=loss, metrics=["accuracy"], **MODES[COMPILED])
    first = model.fit(x, y, epochs=2, **arguments)
    base.trainable = True
    model.compile(optimizer=api.optimizers.Adam(1e-5), loss=loss, metrics=["accuracy"], **MODES[COMPILED])
    second = model.fit(x, y, epochs=2, **arguments)
    return Trained(model, [0.01] * 8 + [1e-5] * 8, histories=[first.history, second.history])
