"""Trainings with one known fault each: what is wrong, how badly, and where it begins.

Each kind has a plan for each severity (1 to 3, the worst) in three settings, one a seed, so that a rule that
was tuned on the first is measured on other models, other data and, where it is possible, on a loop without
epochs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import keras
import numpy as np

from tests.corpus.recordings import Truth
from tests.corpus.trainings import (
    CLOUDS,
    CONVOLUTION,
    DENSE,
    RECURRENT,
    REGRESSION,
    TUMOURS,
    Data,
    Plan,
    Setting,
)

Fault = Callable[[int, int], Plan]
"""Severity and seed to plan."""

NEVER = ("never-learned", "learning-rate-too-low")
LOST = ("progress-lost", "loss-not-finite")


def _steps(setting: Setting) -> int:
    """Steps of an epoch with the setting's own batch size."""
    return {"tumours": 25, "clouds": 40}.get(setting.name, 30)


def _three(first: Setting, second: Setting, third: Setting, seed: int, **settings: Any) -> Plan:
    """A plan in one of three settings: two by fit, one by a loop without epochs."""
    by = "endless" if seed == 2 else "fit"
    return Plan((first, second, third)[seed], by=by, **settings)


def _by(severity: int, mild: Any, strong: Any, worst: Any) -> Any:
    return (mild, strong, worst)[severity - 1]


def _switched(plan: Plan, at: float, factor: float, steps: int | None = None) -> Plan:
    """From a share of the training on another learning rate, for some steps or to the end."""
    lr = plan.setting.learning_rate
    first = int(at * plan.epochs * _steps(plan.setting)) + 7
    last = first + (steps or 10**9)

    def changed(step: int, epoch: int) -> float:
        return lr * factor if first <= step < last else lr

    return replace(plan, lr=changed, truth=Truth(plan.truth.codes, first, first))


def _whole(plan: Plan, *codes: str) -> Plan:
    return replace(plan, truth=Truth(codes))


def learning_rate_zero(severity: int, seed: int) -> Plan:
    plan = _three(DENSE, CLOUDS, CONVOLUTION, seed, truth=Truth(("learning-rate-zero",)))
    if severity == 3:
        return replace(plan, lr=lambda step, epoch: 0.0, truth=Truth(("learning-rate-zero",), 0, 0))
    return _switched(plan, _by(severity, 0.7, 0.25, 0), 0.0)


def learning_rate_far_too_low(severity: int, seed: int) -> Plan:
    plan = _three(DENSE, TUMOURS, REGRESSION, seed, epochs=20)
    lr = plan.setting.learning_rate * _by(severity, 1e-3, 1e-4, 1e-5)
    return replace(plan, lr=lambda step, epoch: lr, truth=Truth(("learning-rate-too-low",), 0, 0))


def too_hot_from_the_start(severity: int, seed: int) -> Plan:
    plan = _three(CONVOLUTION, CLOUDS, RECURRENT, seed)
    lr = plan.setting.learning_rate * _by(severity, 30, 100, 1000)
    # A loss that falls and then swings has a learning rate that is too high for it to settle.
    return _whole(replace(plan, lr=lambda step, epoch: lr), "never-learned", "stalled", *LOST)


def ramp_to_divergence(severity: int, seed: int) -> Plan:
    """From the middle on the learning rate grows by a factor every step."""
    plan = _three(DENSE, CLOUDS, CONVOLUTION, seed)
    lr, first = plan.setting.learning_rate, 8 * _steps(plan.setting)
    growth = _by(severity, 1.02, 1.03, 1.05)

    def grown(step: int, epoch: int) -> float:
        return float(lr * growth ** max(step - first, 0))

    end = first + int(np.log(300) / np.log(growth))
    return replace(plan, lr=grown, truth=Truth((*LOST, "increase-not-recovered"), first, end))


def jump_that_stays(severity: int, seed: int) -> Plan:
    plan = _three(DENSE, CONVOLUTION, CLOUDS, seed)
    factor = _by(severity, 20, 60, 300)
    # Where the loss does come back, it leapt.
    codes = ("increase-not-recovered", "loss-not-finite", "loss-spike:increase")
    return _switched(replace(plan, truth=Truth(codes)), 0.5, factor)


def jump_of_some_batches(severity: int, seed: int) -> Plan:
    plan = _three(DENSE, RECURRENT, CONVOLUTION, seed)
    codes = ("loss-spike:increase", "increase-not-recovered")
    return _switched(replace(plan, truth=Truth(codes)), 0.5, _by(severity, 10, 25, 60), 8)


def nan_in_the_data(severity: int, seed: int) -> Plan:
    plan = _three(DENSE, REGRESSION, CLOUDS, seed, shuffle=False)
    row = _by(severity, 900, 400, 50)

    def spoil(data: Data, random: np.random.Generator) -> None:
        data.x[row] = np.nan

    step = row // 32
    return replace(plan, change=spoil, truth=Truth(("loss-not-finite",), step, step))


def _shuffled(share: float) -> Callable[[Any, np.random.Generator], Any]:
    def shuffle(labels: Any, random: np.random.Generator) -> Any:
        labels = labels.copy()
        rows = np.flatnonzero(random.uniform(size=len(labels)) < share)
        labels[rows] = labels[random.permutation(rows)]
        return labels

    return shuffle


def shuffled_labels(severity: int, seed: int) -> Plan:
    """Labels that have nothing to do with the inputs, of training and validation."""
    plan = _three(CLOUDS, DENSE, TUMOURS, seed)
    shuffle = _shuffled(_by(severity, 0.9, 0.97, 1.0))

    def spoil(data: Data, random: np.random.Generator) -> None:
        data.y, data.val_y = shuffle(data.y, random), shuffle(data.val_y, random)

    return _whole(replace(plan, change=spoil), "never-learned", "validation-never-improved")


def constant_inputs(severity: int, seed: int) -> Plan:
    plan = _three(DENSE, CONVOLUTION, CLOUDS, seed)
    share = _by(severity, 0.95, 0.99, 1.0)

    def spoil(data: Data, random: np.random.Generator) -> None:
        for x in (data.x, data.val_x):
            x[random.uniform(size=len(x)) < share] = 0.0

    return _whole(replace(plan, change=spoil), *NEVER)


def overfitting(severity: int, seed: int) -> Plan:
    setting = (DENSE, CLOUDS, TUMOURS)[seed]
    count = _by(severity, 240, 120, 60)
    units = 128

    def spoil(data: Data, random: np.random.Generator) -> None:
        data.x, data.y = data.x[:count], _shuffled(0.15)(data.y[:count], random)
        data.x += random.normal(0, 0.3, data.x.shape).astype(np.float32)
        data.val_x += random.normal(0, 0.3, data.val_x.shape).astype(np.float32)

    classes = {"dense": 10, "clouds": 5, "tumours": 1}[setting.name]
    plan = Plan(
        setting,
        epochs=60,
        change=spoil,
        by="loop" if seed == 2 else "fit",
        layers=lambda: [
            keras.layers.Dense(units, "relu"),
            keras.layers.Dense(units, "relu"),
            keras.layers.Dense(classes),
        ],
        optimizer=lambda: keras.optimizers.Adam(0.003),
        lr=lambda step, epoch: 0.003,
        batch_size=20,
        from_minimum=True,
    )
    return _whole(plan, "overfitting")


def broken_validation_labels(severity: int, seed: int) -> Plan:
    plan = Plan((DENSE, TUMOURS, CONVOLUTION)[seed], by="loop" if seed == 2 else "fit")
    shuffle = _shuffled(_by(severity, 0.7, 0.9, 1.0))

    def spoil(data: Data, random: np.random.Generator) -> None:
        data.val_y = shuffle(data.val_y, random)

    return _whole(replace(plan, change=spoil), "validation-never-improved")


def broken_validation_inputs(severity: int, seed: int) -> Plan:
    """Validation data that went through another preparation: raw pixels, or columns in another order."""
    plan = Plan((CONVOLUTION, CLOUDS, DENSE)[seed], by="loop" if seed == 2 else "fit")

    def spoil(data: Data, random: np.random.Generator) -> None:
        if severity == 3:
            data.val_x *= 16
        shape = data.val_x.shape
        flat = data.val_x.reshape(len(data.val_x), -1)
        moved = int(flat.shape[1] * _by(severity, 0.6, 1.0, 1.0))
        columns = np.arange(flat.shape[1])
        columns[:moved] = random.permutation(moved)
        data.val_x = np.ascontiguousarray(flat[:, columns].reshape(shape))

    return _whole(replace(plan, change=spoil), "validation-never-improved")


def steps_down_too_early(severity: int, seed: int) -> Plan:
    """A tenth of the learning rate, and again a tenth, when training has hardly begun."""
    plan = _three(REGRESSION, CLOUDS, DENSE, seed, epochs=20)
    length, lr = _steps(plan.setting), plan.setting.learning_rate * _by(severity, 0.1, 0.1, 0.1)
    every = _by(severity, 60, 30, 15) * length // 30

    def stepped(step: int, epoch: int) -> float:
        return float(lr * 0.1 ** min(step // every, 5))

    return replace(plan, lr=stepped, truth=Truth(("decayed-too-early",), every, 3 * every))


def exponential_too_fast(severity: int, seed: int) -> Plan:
    plan = _three(CLOUDS, CONVOLUTION, REGRESSION, seed, epochs=20)
    lr, length = plan.setting.learning_rate * 0.2, _steps(plan.setting)
    factor = _by(severity, 0.7, 0.5, 0.25)
    ends = int(np.log(0.02) / np.log(factor))

    def decayed(step: int, epoch: int) -> float:
        return float(lr * factor ** (step / length))

    return replace(
        plan, lr=decayed, truth=Truth(("decayed-too-early", "learning-rate-zero"), 0, (ends + 2) * length)
    )


def cosine_too_short(severity: int, seed: int) -> Plan:
    """CosineDecay whose decay_steps is a part of the training; then the learning rate is 0."""
    setting = (DENSE, CONVOLUTION, CLOUDS)[seed]
    length, lr = _steps(setting), setting.learning_rate
    epochs = 20
    steps = int(epochs * length * _by(severity, 0.7, 0.4, 0.15))
    first = keras.optimizers.SGD if seed == 0 else keras.optimizers.Adam
    schedule = keras.optimizers.schedules.CosineDecay
    codes = ("learning-rate-zero", "decayed-too-early")
    return Plan(
        setting,
        epochs,
        optimizer=lambda: first(schedule(lr, steps)),
        layers=setting.layers,
        truth=Truth(codes, int(0.5 * steps), steps),
    )


def impatient_reduction(severity: int, seed: int) -> Plan:
    """ReduceLROnPlateau that takes each epoch's gain for none."""
    setting = (REGRESSION, DENSE, CLOUDS)[seed]
    lr, length = setting.learning_rate * 0.1, _steps(setting)
    patience = _by(severity, 3, 2, 1)
    return Plan(
        setting,
        24,
        lr=lambda step, epoch: lr,
        callbacks=lambda: [
            keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.1, patience=patience, min_delta=0.5)
        ],
        truth=Truth(("decayed-too-early",), patience * length, (3 * patience + 3) * length),
    )


def corrupted_batch_each_epoch(severity: int, seed: int) -> Plan:
    """One batch of the epoch holds wrong labels, in a data set that is not shuffled."""
    plan = Plan((DENSE, CONVOLUTION, REGRESSION)[seed], 16, shuffle=False, by="loop" if seed == 2 else "fit")
    batch = (11, 5, 17)[seed]
    count = _by(severity, 10, 20, 32)

    def spoil(data: Data, random: np.random.Generator) -> None:
        rows = np.arange(batch * 32, batch * 32 + count)
        if data.y.dtype == np.int32:
            data.y[rows] = (data.y[rows] + 1 + random.integers(0, 8, count)) % 10
        else:
            data.y[rows] = random.normal(0, 3, (count, 1))

    return replace(plan, change=spoil, truth=Truth(("corrupted-batch",), batch, batch + 30))


def corrupted_batch_once(severity: int, seed: int) -> Plan:
    """One batch whose inputs are far larger than all others, in a single epoch of different data."""
    plan = Plan((DENSE, RECURRENT, CLOUDS)[seed], 1, shuffle=False, validate=False)
    plan = replace(plan, by="endless" if seed == 2 else "fit")
    size = plan.setting.batch_size

    def spoil(data: Data, random: np.random.Generator) -> None:
        data.x, data.y = np.concatenate([data.x] * 12), np.concatenate([data.y] * 12)
        order = random.permutation(len(data.x))
        data.x, data.y = data.x[order], data.y[order]
        rows = slice(200 * size, 201 * size)
        data.x[rows] *= _by(severity, 4, 10, 40)
        data.y[rows] = data.y[rows][::-1]

    return replace(plan, change=spoil, truth=Truth(("loss-spike", "progress-lost"), 200, 201))


def _label_noise(data: Data, random: np.random.Generator) -> None:
    """Wrong labels, as many as leave something to learn and nothing to end at 0."""
    if data.y.dtype == np.int32:
        data.y, data.val_y = _shuffled(0.25)(data.y, random), _shuffled(0.25)(data.val_y, random)
    else:
        data.y = data.y + random.normal(0, 0.4, data.y.shape).astype(np.float32)
        data.val_y = data.val_y + random.normal(0, 0.4, data.val_y.shape).astype(np.float32)


def _linear(setting: Setting) -> Any:
    """A model that is too small to learn wrong labels by heart: one layer."""
    return keras.layers.Dense({"dense": 10, "clouds": 5, "regression": 1}[setting.name])


def stalled(severity: int, seed: int) -> Plan:
    """A learning rate at which the loss soon stops falling, and goes on swinging at its level."""
    setting = (CLOUDS, DENSE, REGRESSION)[seed]
    epochs = _by(severity, 20, 40, 60)
    lr = {"clouds": 0.3, "dense": 1.0, "regression": 0.3}[setting.name]
    first = {"clouds": 3, "dense": 5, "regression": 15}[setting.name]
    plan = Plan(
        setting,
        epochs,
        lr=lambda step, epoch: lr,
        change=_label_noise,
        layers=lambda: [_linear(setting)],
        by="loop" if seed == 2 else "fit",
    )
    last = max(first, epochs // 2) * _steps(setting)
    return replace(plan, truth=Truth(("stalled", "drop-would-help"), 0, last))


def drop_would_help(severity: int, seed: int) -> Plan:
    """The loss fell at once when the learning rate dropped, and since then it has swung at a level."""
    setting = (CLOUDS, REGRESSION, DENSE)[seed]
    lr = {"clouds": 0.3, "dense": 0.3, "regression": 0.6}[setting.name]
    drop, epochs = 6, _by(severity, 18, 24, 36)
    length = _steps(setting)

    plan = Plan(
        setting,
        epochs,
        lr=lambda step, epoch: lr if epoch < drop else lr / 5,
        change=_label_noise,
        layers=lambda: [_linear(setting)],
        by="loop" if seed == 2 else "fit",
    )
    return replace(
        plan, truth=Truth(("drop-would-help", "stalled"), drop * length, (epochs * 2 // 3) * length)
    )


def frozen_weights(severity: int, seed: int) -> Plan:
    """Gradients reach a part of the weights, or none."""
    setting = (DENSE, CONVOLUTION, CLOUDS)[seed]

    # All that is trained is a shift of each output: with an effect, with hardly any, with none.
    def layers() -> list[Any]:
        made = setting.layers()
        for layer in made:
            layer.trainable = False
        return [*made, keras.layers.Lambda(_stopped), _Shift(_by(severity, 1.0, 1e-4, 0.0))]

    plan = Plan(setting, layers=layers, optimizer=setting.optimizer, by="endless" if seed == 2 else "fit")
    return _whole(plan, *NEVER)


def _stopped(x: Any) -> Any:
    return keras.ops.stop_gradient(x)


class _Shift(keras.layers.Layer):
    """Adds weights of its own, times a scale."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def build(self, shape: Any) -> None:
        self.shift = self.add_weight(shape=(shape[-1],), initializer="zeros")

    def call(self, x: Any) -> Any:
        return x + self.scale * self.shift


def resumed_at_a_wrong_rate(severity: int, seed: int) -> Plan:
    setting = (DENSE, CONVOLUTION, RECURRENT)[seed]
    plan = Plan(setting, 8, again=setting.learning_rate * _by(severity, 15, 50, 300))
    step = 8 * _steps(setting)
    codes = ("increase-not-recovered", "loss-spike:resume", "loss-spike:increase", "loss-not-finite")
    return replace(plan, truth=Truth(codes, step, step))


def exploding_gradients(severity: int, seed: int) -> Plan:
    """A plain recurrent network over long sequences, without clipping."""
    units, length = (24, 16, 32)[seed], _by(severity, 24, 40, 60)

    def spoil(data: Data, random: np.random.Generator) -> None:
        x = random.normal(size=(len(data.x), length, 2)).astype(np.float32)
        x[..., 1] = 0
        data.x = x
        data.y = x[:, :, 0].sum(1, keepdims=True).astype(np.float32) / 3
        data.val_x, data.val_y = data.x[-200:], data.y[-200:]

    plan = Plan(
        REGRESSION,
        12,
        change=spoil,
        layers=lambda: [
            keras.layers.SimpleRNN(
                units, activation="relu", recurrent_initializer=keras.initializers.Orthogonal(1.05)
            ),
            keras.layers.Dense(1),
        ],
        optimizer=lambda: keras.optimizers.SGD(0.01 * _by(severity, 1, 2, 4)),
        lr=lambda step, epoch: 0.01 * _by(severity, 1, 2, 4),
        by="endless" if seed == 2 else "fit",
    )
    return _whole(plan, "loss-spike", "never-learned", *LOST)


def unscaled_inputs(severity: int, seed: int) -> Plan:
    """Columns in their own units, one of them in the thousands."""
    setting = (REGRESSION, TUMOURS, DENSE)[seed]

    def spoil(data: Data, random: np.random.Generator) -> None:
        scale = np.ones(data.x.shape[1], np.float32)
        scale[::3] = _by(severity, 30, 300, 3000)
        data.x, data.val_x = (data.x + 1) * scale, (data.val_x + 1) * scale

    plan = Plan(setting, change=spoil, by="endless" if seed == 2 else "fit")
    return _whole(plan, "loss-spike", "never-learned", *LOST)


def sorted_by_class(severity: int, seed: int) -> Plan:
    setting = (DENSE, CONVOLUTION, CLOUDS)[seed]

    def spoil(data: Data, random: np.random.Generator) -> None:
        keys = data.y + random.normal(0, _by(severity, 0.6, 0.25, 0.0), len(data.y))
        order = np.argsort(keys, kind="stable")
        data.x, data.y = data.x[order], data.y[order]

    plan = Plan(setting, 16, shuffle=False, change=spoil, by="loop" if seed == 2 else "fit")
    return _whole(plan, "sorted-data", "never-learned")


def dead_units(severity: int, seed: int) -> Plan:
    """ReLU units whose inputs are negative for all data, but for a few."""
    setting = (DENSE, CLOUDS, CONVOLUTION)[seed]
    share = _by(severity, 0.97, 0.99, 1.0)

    def kill(model: Any) -> None:
        for layer in model.layers:
            if getattr(layer, "activation", None) is keras.activations.relu:
                kernel, bias = layer.get_weights()
                dead = np.arange(len(bias)) < round(share * len(bias))
                bias[dead] = -60.0
                layer.set_weights([kernel, bias])

    plan = _three(DENSE, CLOUDS, CONVOLUTION, seed)
    return _whole(replace(plan, setting=setting, prepare=kill), *NEVER)


def vanishing_gradients(severity: int, seed: int) -> Plan:
    """Many sigmoid layers on top of each other."""
    setting = (DENSE, CLOUDS, TUMOURS)[seed]
    depth = _by(severity, 5, 7, 10)
    classes = {"dense": 10, "clouds": 5, "tumours": 1}[setting.name]
    plan = Plan(
        setting,
        layers=lambda: [
            *(keras.layers.Dense(12, activation="sigmoid") for _ in range(depth)),
            keras.layers.Dense(classes),
        ],
        optimizer=lambda: keras.optimizers.SGD(0.05),
        lr=lambda step, epoch: 0.05,
        by="endless" if seed == 2 else "fit",
    )
    return _whole(plan, *NEVER)


FAULTS: Final[dict[str, Fault]] = {
    "learning-rate-zero": learning_rate_zero,
    "learning-rate-far-too-low": learning_rate_far_too_low,
    "too-hot-from-the-start": too_hot_from_the_start,
    "ramp-to-divergence": ramp_to_divergence,
    "jump-that-stays": jump_that_stays,
    "jump-of-some-batches": jump_of_some_batches,
    "nan-in-the-data": nan_in_the_data,
    "shuffled-labels": shuffled_labels,
    "constant-inputs": constant_inputs,
    "overfitting": overfitting,
    "broken-validation-labels": broken_validation_labels,
    "broken-validation-inputs": broken_validation_inputs,
    "steps-down-too-early": steps_down_too_early,
    "exponential-too-fast": exponential_too_fast,
    "cosine-too-short": cosine_too_short,
    "impatient-reduction": impatient_reduction,
    "corrupted-batch-each-epoch": corrupted_batch_each_epoch,
    "corrupted-batch-once": corrupted_batch_once,
    "stalled": stalled,
    "drop-would-help": drop_would_help,
    "frozen-weights": frozen_weights,
    "resumed-at-a-wrong-rate": resumed_at_a_wrong_rate,
    "exploding-gradients": exploding_gradients,
    "unscaled-inputs": unscaled_inputs,
    "sorted-by-class": sorted_by_class,
    "dead-units": dead_units,
    "vanishing-gradients": vanishing_gradients,
}
"""By kind."""
