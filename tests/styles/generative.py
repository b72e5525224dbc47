"""Models that make images: a variational autoencoder, diffusion, a masked autoencoder."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.fits.framework import COMPILED, MODES, api
from tests.styles.own_step import OwnStep
from tests.styles.style import Trained, images

layers, ops = api.layers, api.ops


class Sampling(api.layers.Layer):
    """Draws from the normal distribution that mean and log variance describe."""

    def __init__(self) -> None:
        super().__init__()
        self.seed_generator = api.random.SeedGenerator(11)

    def call(self, inputs: Any) -> Any:
        mean, log_variance = inputs
        noise = api.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise


class VariationalAutoencoder(OwnStep):
    """Encodes to a distribution, decodes a draw, and keeps three means of its losses under its own names."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = api.Sequential([layers.Flatten(), layers.Dense(16, activation="relu")])
        self.mean, self.log_variance, self.sampling = layers.Dense(2), layers.Dense(2), Sampling()
        self.decoder = api.Sequential(
            [
                layers.Dense(16, activation="relu"),
                layers.Dense(64, activation="sigmoid"),
                layers.Reshape((8, 8, 1)),
            ]
        )
        self.total_tracker = api.metrics.Mean(name="total_loss")
        self.reconstruction_tracker = api.metrics.Mean(name="reconstruction_loss")
        self.divergence_tracker = api.metrics.Mean(name="kl_loss")

    @property
    def metrics(self) -> list[Any]:
        return [self.total_tracker, self.reconstruction_tracker, self.divergence_tracker]

    def call(self, inputs: Any) -> Any:
        encoded = self.encoder(inputs)
        mean, log_variance = self.mean(encoded), self.log_variance(encoded)
        return self.decoder(self.sampling([mean, log_variance])), mean, log_variance

    def objective(self, data: Any) -> tuple[Any, dict[str, Any]]:
        decoded, mean, log_variance = self(data, training=True)
        cross_entropy = api.losses.binary_crossentropy(data, decoded)
        reconstruction = ops.mean(ops.sum(cross_entropy, axis=(1, 2)))
        divergence = -0.5 * (1 + log_variance - ops.square(mean) - ops.exp(log_variance))
        divergence = ops.mean(ops.sum(divergence, axis=1))
        return reconstruction + divergence, {"reconstruction": reconstruction, "divergence": divergence}

    def show(self, loss: Any, parts: dict[str, Any]) -> dict[str, Any]:
        self.total_tracker.update_state(loss)
        self.reconstruction_tracker.update_state(parts["reconstruction"])
        self.divergence_tracker.update_state(parts["divergence"])
        return {
            "loss": self.total_tracker.result(),
            "reconstruction_loss": self.reconstruction_tracker.result(),
            "kl_loss": self.divergence_tracker.result(),
        }


def variational_autoencoder(callbacks: list[Any]) -> Trained:
    model = VariationalAutoencoder()
    model(images(1))
    model.compile(optimizer=api.optimizers.Adam(0.002), **MODES[COMPILED])
    history = model.fit(images(36), batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
    return Trained(model, np.full(10, 0.002), histories=[history.history])


class Diffusion(OwnStep):
    """Predicts the noise in a noisy image; a second network is the moving average of the first."""

    def __init__(self) -> None:
        super().__init__()
        self.normalizer = layers.Normalization()
        self.network, self.average = self._made(), self._made()
        self.seed_generator = api.random.SeedGenerator(5)
        self.noise_tracker = api.metrics.Mean(name="noise_loss")
        self.image_tracker = api.metrics.Mean(name="image_loss")

    @staticmethod
    def _made() -> Any:
        noisy, power = api.Input((8, 8, 1)), api.Input((1, 1, 1))
        embedded = layers.UpSampling2D(8)(layers.Concatenate()([ops.sin(power * 3), ops.cos(power * 3)]))
        hidden = layers.Concatenate()([noisy, embedded])
        hidden = layers.Conv2D(4, 3, padding="same", activation="swish")(hidden)
        hidden = layers.BatchNormalization(center=False, scale=False)(hidden)
        return api.Model([noisy, power], layers.Conv2D(1, 1, kernel_initializer="zeros")(hidden))

    @property
    def metrics(self) -> list[Any]:
        return [self.noise_tracker, self.image_tracker]

    def objective(self, data: Any) -> tuple[Any, dict[str, Any]]:
        clean = self.normalizer(data)
        count = ops.shape(clean)[0]
        noise = api.random.normal((count, 8, 8, 1), seed=self.seed_generator)
        times = api.random.uniform((count, 1, 1, 1), seed=self.seed_generator)
        angle = 0.3 + 1.2 * times
        signal, power = ops.cos(angle), ops.sin(angle)
        noisy = signal * clean + power * noise
        predicted = self.network([noisy, power**2], training=True)
        image = (noisy - power * predicted) / signal
        return ops.mean(ops.abs(predicted - noise)), {"image": ops.mean(ops.abs(image - clean))}

    def after_update(self) -> None:
        for weight, average in zip(self.network.weights, self.average.weights, strict=True):
            average.assign(0.9 * average + 0.1 * weight)

    def show(self, loss: Any, parts: dict[str, Any]) -> dict[str, Any]:
        self.noise_tracker.update_state(loss)
        self.image_tracker.update_state(parts["image"])
        return {metric.name: metric.result() for metric in self.metrics}


def diffusion(callbacks: list[Any]) -> Trained:
    model = Diffusion()
    model.normalizer.adapt(images(36))
    # What the average is made of has no gradient.
    model.average.trainable = False
    model.built = True
    model.compile(optimizer=api.optimizers.AdamW(0.001, weight_decay=0.0001), **MODES[COMPILED])
    history = model.fit(images(36), batch_size=12, epochs=3, verbose=0, callbacks=callbacks)
    return Trained(model, np.full(9, 0.001), histories=[history.history])


class WarmUpCosine(api.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up, then half a cosine down to 0; later 0."""

    def __init__(self, peak: float, total: int, warmup: int) -> None:
        super().__init__()
        self.peak, self.total, self.warmup = peak, total, warmup

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        cosine = ops.cos(math.pi * (step - self.warmup) / (self.total - self.warmup))
        lr = ops.where(step < self.warmup, self.peak / self.warmup * step, 0.5 * self.peak * (1 + cosine))
        return ops.where(step > self.total, 0.0, lr)

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "total": self.total, "warmup": self.warmup}


class MaskedAutoencoder(OwnStep):
    """Sees a few patches of an image, and draws the others."""

    def __init__(self) -> None:
        super().__init__()
        self.seed_generator = api.random.SeedGenerator(3)
        self.embedding, self.positions = layers.Dense(8), layers.Embedding(16, 8)
        self.attention = layers.MultiHeadAttention(2, 4)
        self.normalization = layers.LayerNormalization()
        self.decoder = layers.Dense(4)
        self.mask_token = self.add_weight(shape=(1, 1, 8), initializer="zeros", name="mask_token")
        self.loss_tracker = api.metrics.Mean(name="loss")
        self.error = api.metrics.MeanAbsoluteError(name="mae")

    def call(self, inputs: Any) -> Any:
        patches, hidden = inputs
        embedded = self.embedding(patches) * (1 - hidden) + self.mask_token * hidden
        embedded = embedded + self.positions(ops.arange(16))
        embedded = self.normalization(embedded + self.attention(embedded, embedded))
        return self.decoder(embedded)

    def objective(self, data: Any) -> tuple[Any, dict[str, Any]]:
        patches = ops.image.extract_patches(data, 2, padding="valid")
        patches = ops.reshape(patches, (-1, 16, 4))
        chance = api.random.uniform((ops.shape(patches)[0], 16, 1), seed=self.seed_generator)
        hidden = ops.cast(chance < 0.75, "float32")
        drawn = self([patches, hidden], training=True)
        loss = ops.sum(hidden * ops.square(drawn - patches)) / (ops.sum(hidden) * 4)
        return loss, {"patches": patches, "drawn": drawn}

    def show(self, loss: Any, parts: dict[str, Any]) -> dict[str, Any]:
        self.loss_tracker.update_state(loss)
        self.error.update_state(parts["patches"], parts["drawn"])
        return {"loss": self.loss_tracker.result(), "mae": self.error.result()}


def masked_autoencoder(callbacks: list[Any]) -> Trained:
    model = MaskedAutoencoder()
    model([np.zeros((1, 16, 4), np.float32), np.zeros((1, 16, 1), np.float32)])
    schedule = WarmUpCosine(0.004, total=10, warmup=3)
    model.compile(optimizer=api.optimizers.AdamW(schedule, weight_decay=0.01), **MODES[COMPILED])
    history = model.fit(images(40), batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
    step = np.arange(10)
    cosine = 0.002 * (1 + np.cos(np.pi * (step - 3) / 7))
    return Trained(model, np.where(step < 3, 0.004 / 3 * step, cosine), 8, [history.history])
