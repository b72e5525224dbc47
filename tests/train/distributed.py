"""Trainings under TensorFlow's strategies, each in a process whose TensorFlow has not begun.

As a program, it is given a `Plan` as JSON and prints what each training of it told, as JSON too.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import socket
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

DEADLINE_SECONDS: Final = 300

BATCH_SIZE: Final = 8


@dataclass(frozen=True)
class Training:
    """One model and its fits.

    Attributes:
        log_dir: Of the monitor; None for none.
        model: ``unit gradient`` moves by the learning rate, ``resting`` does not move, ``own step`` returns
            the loss of each replica, ``overflowing`` scales its loss, and two of its batches are not finite.
        lr: A number, or the name of one of `lrs`.
        compile: Further arguments of `compile`.
        samples: Of an epoch.
        epochs: Of each fit.
        interrupted: After so many batches, by Ctrl-C; a further fit goes on then.
        reads_weights: Whether each batch's learning rate is read off the weight, which it then puts back.
    """

    log_dir: str | None
    model: str = "resting"
    lr: float | str = 0.0
    compile: dict[str, Any] = dataclasses.field(default_factory=dict)
    samples: int = 41
    epochs: int = 2
    interrupted: int = 0
    reads_weights: bool = False


@dataclass(frozen=True)
class Plan:
    """What a process does.

    Attributes:
        keras: ``keras`` or ``tf_keras``.
        strategy: The name of TensorFlow's class.
        trainings: One after another.
    """

    keras: str
    strategy: str
    trainings: list[Training]


def told(plan: Plan, workers: int = 1) -> list[list[dict[str, Any]]]:
    """Returns what each worker tells of each training: ``history``, ``weights``, ``lrs``, or ``error``."""
    text = json.dumps(dataclasses.asdict(plan))
    addresses = [f"localhost:{port}" for port in free_ports(workers)]
    processes = []
    for index in range(workers):
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment |= {"KERAS_BACKEND": "tensorflow"}
        if workers > 1:
            cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            environment["TF_CONFIG"] = json.dumps(cluster)
        processes.append(
            subprocess.Popen(
                [sys.executable, __file__, text],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        results = [process.communicate(timeout=DEADLINE_SECONDS) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (_, errors) in zip(processes, results, strict=True):
        assert 0 == process.returncode, errors[-4000:]
    return [json.loads(output.splitlines()[-1]) for output, _ in results]


def free_ports(count: int) -> list[int]:
    """Returns ports of this machine that nobody has."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for connection in sockets:
            connection.bind(("localhost", 0))
        return [connection.getsockname()[1] for connection in sockets]
    finally:
        for connection in sockets:
            connection.close()


def regression(samples: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """So many samples of five features and one target."""
    random = np.random.default_rng(1)
    x = random.normal(size=(samples, 5)).astype(np.float32)
    return x, (x @ random.normal(size=(5, 1)) + random.normal(size=(samples, 1))).astype(np.float32)


def losses(weights: list[Any], samples: int) -> list[float]:
    """The mean squared error of each batch under the weights of a Dense layer, and its L2 regularization."""
    x, y = regression(samples)
    kernel, bias = (np.array(weight, np.float64) for weight in weights)
    squares = (x.astype(np.float64) @ kernel + bias - y) ** 2
    losses = [np.mean(squares[start : start + BATCH_SIZE]) for start in range(0, samples, BATCH_SIZE)]
    return [float(loss + 0.01 * np.sum(kernel**2)) for loss in losses]


def lrs(api: Any) -> dict[str, Any]:
    """Optimizers of plain descent, by the name of what gives their learning rate."""
    schedule = api.optimizers.schedules.ExponentialDecay(0.1, 41, 0.5)
    optimizers = {"schedule": api.optimizers.SGD(schedule)}
    if api.__name__ == "tf_keras":
        optimizers["legacy decay"] = api.optimizers.legacy.SGD(0.1, decay=0.013)
        optimizers["legacy schedule and decay"] = api.optimizers.legacy.SGD(schedule, decay=0.013)
    return optimizers


def _strategy(name: str) -> Any:
    import tensorflow as tf

    if name == "MirroredStrategy":
        (processor,) = tf.config.list_physical_devices("CPU")
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(processor, halves)
        return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    if name == "ParameterServerStrategy":
        addresses = [f"localhost:{port}" for port in free_ports(2)]
        cluster = tf.train.ClusterSpec({"worker": addresses[:1], "ps": addresses[1:]})
        for job in ("worker", "ps"):
            tf.distribute.Server(cluster, job_name=job, task_index=0, protocol="grpc")
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(cluster, rpc_layer="grpc")
        return tf.distribute.ParameterServerStrategy(resolver)
    return getattr(tf.distribute, name)()


def _built(api: Any, training: Training) -> Any:
    import tensorflow as tf

    class OneWeight(api.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.weight = self.add_weight(shape=(), initializer="zeros", name="weight")
            super().build(input_shape)

        def call(self, inputs: Any) -> Any:
            return 0 * inputs + self.weight

    class Output(api.losses.Loss):
        def call(self, _: Any, output: Any) -> Any:
            return tf.reduce_mean(output, -1)

    class OwnStep(api.Sequential):
        def train_step(self, data: Any) -> Any:
            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(x, training=True) - y) ** 2)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss}

        @property
        def metrics(self) -> list[Any]:
            return []

    api.utils.set_random_seed(2)
    lr = training.lr
    optimizer = lrs(api)[lr] if isinstance(lr, str) else api.optimizers.SGD(lr)
    if training.model == "unit gradient":
        model = api.Sequential([api.layers.InputLayer((1,)), OneWeight()])
        model.compile(optimizer, Output(), **training.compile)
        return model
    if training.model == "overflowing":
        scaling = api.mixed_precision if api.__name__ == "tf_keras" else api.optimizers
        optimizer = scaling.LossScaleOptimizer(optimizer, initial_scale=8.0)
    kind = OwnStep if training.model == "own step" else api.Sequential
    regularizer = api.regularizers.L2(0.01)
    model = kind([api.layers.InputLayer((5,)), api.layers.Dense(1, kernel_regularizer=regularizer)])
    model.compile(optimizer, "mse", **training.compile)
    return model


def _data(training: Training) -> Any:
    import tensorflow as tf

    x, y = regression(training.samples)
    if training.model == "unit gradient":
        x, y = np.ones_like(y), np.zeros_like(y)
    if training.model == "overflowing":
        x[1 * BATCH_SIZE], x[3 * BATCH_SIZE + BATCH_SIZE - 1] = np.inf, np.nan
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH_SIZE).with_options(options)


def _trained(api: Any, strategy: Any, training: Training) -> dict[str, Any]:
    import lrmon

    class UsedRates(api.callbacks.Callback):
        lrs: list[float] = []  # noqa: RUF012 - there is one

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            weight = self.model.layers[-1].weight
            self.lrs.append(-float(weight.numpy()))
            weight.assign(0.0)

    class Interrupt(api.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch + 1 == training.interrupted:
                raise KeyboardInterrupt

    UsedRates.lrs = []
    with strategy.scope():
        model = _built(api, training)
    callbacks = [UsedRates()] if training.reads_weights else []
    callbacks += [] if training.log_dir is None else [lrmon.LRMonitor(training.log_dir)]
    arguments = {"epochs": training.epochs, "verbose": 0, "shuffle": False}
    if api.__name__ == "keras":
        del arguments["shuffle"]
    if training.interrupted:
        with contextlib.suppress(KeyboardInterrupt):
            model.fit(_data(training), callbacks=[*callbacks, Interrupt()], **arguments)
    history = model.fit(_data(training), callbacks=callbacks, **arguments).history
    weights = [weight.tolist() for weight in model.get_weights()]
    return {"history": history, "weights": weights, "rates": UsedRates.lrs}


def _tried(api: Any, strategy: Any, training: Training) -> dict[str, Any]:
    try:
        return _trained(api, strategy, training)
    except Exception as error:  # noqa: BLE001 - it is what is asked for
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    # With one the monitor says that it has stopped recording.
    warnings.simplefilter("error", RuntimeWarning)
    text = json.loads(sys.argv[1])
    trainings = [Training(**training) for training in text["trainings"]]
    strategy = _strategy(text["strategy"])
    api = importlib.import_module(text["keras"])
    print(json.dumps([_tried(api, strategy, training) for training in trainings]), flush=True)
    # Servers and workers wait for each other's end, and some for ever.
    os._exit(0)


if __name__ == "__main__":
    main()
