"""Ways to fit: whatever brings the batches and however often, each step is recorded as it was."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from tests.fits.framework import (
    MODES,
    ON_TENSORFLOW,
    SETUP,
    Floats,
    OneWeight,
    UsedRates,
    api,
    batches,
    number_of,
    output_itself,
    own_losses,
    regression,
    resting_model,
    same_bits,
    unit_gradient_model,
)
from tests.fits.reference import Reference
from tests.recorded import Recorded, recorded

schedules = api.optimizers.schedules
SIZE = 8


def falling() -> Any:
    return schedules.ExponentialDecay(0.1, 3, 0.5, staircase=True)


def falling_model(**compile_arguments: Any) -> Any:
    return unit_gradient_model(api.optimizers.SGD(falling()), **compile_arguments)


def spans(run: Recorded) -> list[tuple[int, int, int]]:
    return [(epoch["epoch"], epoch["first_step"], epoch["last_step"]) for epoch in run.epochs]


@pytest.mark.parametrize("mode", MODES)
def test_every_step_of_an_execution_is_recorded(tmp_path: Path, reference: Reference, mode: str) -> None:
    way = "`steps_per_execution` above 1"
    if SETUP == "torch":
        model = falling_model(steps_per_execution=3)
        with pytest.raises(ValueError, match="must be 1 with the PyTorch backend") as refused:
            model.fit(**batches(7), callbacks=[lrmon.LRMonitor(tmp_path)])
        reference.refused(way, refused.value)
        return
    model = falling_model(steps_per_execution=3, **MODES[mode])
    # 7 batches: the last execution of each epoch has one step.
    model.fit(**batches(7), epochs=2, callbacks=[lrmon.LRMonitor(tmp_path)])
    run = recorded(tmp_path)
    weight, weights = np.float32(0), []
    for lr in run.learning_rate:
        weights.append(weight)
        weight -= lr
    assert list(range(14)) == run.step.tolist()
    assert 5 == len(set(run.learning_rate.tolist()))
    assert float(weight) == number_of(model.layers[-1].weight)
    np.testing.assert_allclose(np.array(weights), run.loss, rtol=2**-22)
    reference.way(way, run)


X, Y = regression(43)


def parts() -> Iterator[tuple[Floats, Floats]]:
    for start in range(0, len(X), SIZE):
        yield X[start : start + SIZE], Y[start : start + SIZE]


def endless() -> Iterator[tuple[Floats, Floats]]:
    while True:
        yield from parts()


def of_python() -> Any:
    base: Any = getattr(api.utils, "PyDataset", None) or api.utils.Sequence

    class Parts(base):
        def __len__(self) -> int:
            return 6

        def __getitem__(self, index: int) -> tuple[Floats, Floats]:
            return X[index * SIZE : (index + 1) * SIZE], Y[index * SIZE : (index + 1) * SIZE]

    return Parts()


def of_tensorflow(*, known: bool) -> Any:
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(SIZE)
    return data if known else data.filter(lambda x, y: True)


def of_torch() -> Any:
    import torch

    tensors = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    return torch.utils.data.DataLoader(tensors, batch_size=SIZE)


SOURCES: dict[str, dict[str, Any]] = {
    "generator": {"x": endless, "steps_per_epoch": 6, "epochs": 2},
    "generator of unknown length": {"x": parts, "epochs": 1},
    "`PyDataset`": {"x": of_python, "epochs": 2},
}
if ON_TENSORFLOW:
    SOURCES["`tf.data`"] = {"x": lambda: of_tensorflow(known=True), "epochs": 2}
    SOURCES["`tf.data` of unknown length"] = {"x": lambda: of_tensorflow(known=False), "epochs": 2}
if SETUP == "torch":
    SOURCES["PyTorch's `DataLoader`"] = {"x": of_torch, "epochs": 2}


@pytest.mark.parametrize("source", SOURCES)
def test_batches_from_anywhere_are_recorded(tmp_path: Path, reference: Reference, source: str) -> None:
    arguments = dict(SOURCES[source])
    model = resting_model()
    with warnings.catch_warnings():
        # Keras says of data of unknown length that it ends.
        warnings.filterwarnings("ignore", "Your input ran out of data", UserWarning)
        model.fit(
            arguments.pop("x")(), verbose=0, shuffle=False, callbacks=[lrmon.LRMonitor(tmp_path)], **arguments
        )
    run, epochs = recorded(tmp_path), arguments["epochs"]
    np.testing.assert_allclose(
        np.array(own_losses(model, SIZE, X, Y) * epochs, np.float32), run.loss, rtol=2**-22
    )
    assert [(epoch, 6 * epoch, 6 * epoch + 5) for epoch in range(epochs)] == spans(run)
    assert (None if "unknown" in source else 6) == run.fits[0]["steps_per_epoch"]
    reference.way(source, run)


def test_a_loop_of_train_on_batch_is_recorded_by_a_recorder(tmp_path: Path, reference: Reference) -> None:
    model = falling_model()
    data, used = batches(5), []
    with lrmon.Recorder(tmp_path) as recorder:
        for batch in range(5):
            before = number_of(model.layers[-1].weight)
            lr = 0.1 * 0.5 ** (batch // 3)
            rows = slice(batch * 2, batch * 2 + 2)
            model.reset_metrics()
            loss = model.train_on_batch(data["x"][rows], data["y"][rows])
            recorder.batch(learning_rate=lr, loss=np.ravel(loss)[0], effective_learning_rate=lr)
            assert before == pytest.approx(float(np.ravel(loss)[0]), abs=1e-7)
            used.append(before - number_of(model.layers[-1].weight))
        recorder.end_epoch({"loss": 0.5})
    run = recorded(tmp_path)
    np.testing.assert_allclose(used, run.learning_rate, rtol=1e-6)
    reference.way("`train_on_batch`, `Recorder`", run)


def test_an_epoch_without_validation_has_no_metrics_of_it(tmp_path: Path, reference: Reference) -> None:
    ones = np.ones((4, 1), np.float32)
    model, used = falling_model(), UsedRates()
    model.fit(
        **batches(3),
        epochs=4,
        validation_data=(ones, ones),
        validation_freq=2,
        callbacks=[used, lrmon.LRMonitor(tmp_path)],
    )
    run = recorded(tmp_path)
    assert [False, True, False, True] == ["val_loss" in epoch["metrics"] for epoch in run.epochs]
    same_bits(used.lrs, run.learning_rate)
    reference.way("`validation_freq`", run)


def test_further_fits_go_on_at_the_optimizers_count(tmp_path: Path, reference: Reference) -> None:
    model, monitor, used = falling_model(), lrmon.LRMonitor(tmp_path), UsedRates()
    model.fit(**batches(4), epochs=2, callbacks=[monitor, used])
    model.fit(**batches(2), callbacks=[used])
    model.fit(**batches(4), epochs=4, initial_epoch=2, callbacks=[monitor, used])
    run = recorded(tmp_path)
    assert [*range(8), *range(10, 18)] == run.step.tolist()
    assert [(0, 0, 3), (1, 4, 7), (2, 10, 13), (3, 14, 17)] == spans(run)
    same_bits([*used.lrs[:8], *used.lrs[10:]], run.learning_rate)
    reference.way("several fits, `initial_epoch`", run)


def test_compiled_again_with_its_optimizer_it_goes_on(tmp_path: Path, reference: Reference) -> None:
    model, monitor, used = falling_model(), lrmon.LRMonitor(tmp_path), UsedRates()
    model.fit(**batches(4), callbacks=[monitor, used])
    model.compile(model.optimizer, loss=output_itself)
    model.fit(**batches(4), callbacks=[monitor, used])
    run = recorded(tmp_path)
    assert list(range(8)) == run.step.tolist()
    same_bits(used.lrs, run.learning_rate)
    reference.way("compiled again, same optimizer", run)


def test_compiled_again_with_another_optimizer_it_starts_anew(tmp_path: Path, reference: Reference) -> None:
    model, monitor, used = falling_model(), lrmon.LRMonitor(tmp_path), UsedRates()
    model.fit(**batches(4), callbacks=[monitor, used])
    model.compile(api.optimizers.SGD(falling()), loss=output_itself)
    model.fit(**batches(5), callbacks=[monitor, used])
    run = recorded(tmp_path)
    assert [*range(4), *range(5)] == run.step.tolist()
    same_bits(used.lrs, run.learning_rate)
    reference.way("compiled again, new optimizer", run)


class Break(api.callbacks.Callback):
    """Raises after so many batches."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.after -= 1
        if self.after == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("position", ["before", "after"])
def test_a_training_that_was_restored_goes_on(tmp_path: Path, reference: Reference, position: str) -> None:
    def fit(*others: Any) -> None:
        model = falling_model()
        backup = api.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        monitor = lrmon.LRMonitor(tmp_path / "run")
        ours = [monitor, backup] if position == "before" else [backup, monitor]
        try:
            model.fit(**batches(4), epochs=4, callbacks=[*ours, *others])
        finally:  # as at the end of a process
            assert monitor._recorder is not None
            monitor._recorder.close()

    first, second = UsedRates(), UsedRates()
    with pytest.raises(KeyboardInterrupt):
        fit(first, Break(10))
    fit(second)
    run = recorded(tmp_path / "run")
    # Interrupted in epoch 2, whose two batches are made once more.
    assert [*range(10), *range(8, 16)] == run.step.tolist()
    assert [(0, 0, 3), (1, 4, 7), (2, 8, 11), (3, 12, 15)] == spans(run)
    same_bits([*first.lrs, *second.lrs], run.learning_rate)
    reference.way("`BackupAndRestore`", run)


def test_a_model_that_was_saved_and_loaded_goes_on(tmp_path: Path, reference: Reference) -> None:
    model, first, second = falling_model(), UsedRates(), UsedRates()
    model.fit(**batches(4), callbacks=[lrmon.LRMonitor(tmp_path / "run"), first])
    model.save(tmp_path / "model.keras")
    loaded = api.models.load_model(
        tmp_path / "model.keras", custom_objects={"OneWeight": OneWeight, "output_itself": output_itself}
    )
    loaded.fit(**batches(4), callbacks=[lrmon.LRMonitor(tmp_path / "run"), second])
    run = recorded(tmp_path / "run")
    assert list(range(8)) == run.step.tolist()
    same_bits([*first.lrs, *second.lrs], run.learning_rate)
    reference.way("`load_model`", run)


def test_a_bare_callback_is_recorded_like_one_in_a_list(tmp_path: Path, reference: Reference) -> None:
    """Keras hands it its batches in other threads, out of order, where the backend allows it."""
    x, y = regression(800)
    model = resting_model()
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, shuffle=False, callbacks=lrmon.LRMonitor(tmp_path))
    run = recorded(tmp_path)
    np.testing.assert_allclose(np.array(own_losses(model, 4, x, y) * 2, np.float32), run.loss, rtol=2**-22)
    assert list(range(400)) == run.step.tolist()
    assert (run.rows[:, 3] >= 0).all()
    assert [(0, 0, 199), (1, 200, 399)] == spans(run)
    reference.way("`callbacks=monitor` without a list", run)
