"""Each example runs as it stands, and records what its first lines say."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

import lrmon
from lrmon.analysis.learning_rate.staircase import LRChanges
from tests.recorded import Recorded, recorded

EXAMPLES = Path(__file__).parents[2] / "examples"
Run = Callable[[str], dict[str, Recorded]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs an example; returns what it recorded, by run."""

    def run(name: str) -> dict[str, Recorded]:
        monkeypatch.syspath_prepend(str(EXAMPLES))
        monkeypatch.setattr(sys, "argv", [name, str(tmp_path)])
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        folders = sorted({path.parent for path in tmp_path.rglob("*.lrmon.*")})
        runs = {folder.name: recorded(folder) for folder in folders}
        trainings = [
            recording.fits[-1] for recording in runs.values() if recording.fits[-1]["kind"] == "training"
        ]
        assert {"completed"} == {fit["ended"] for fit in trainings}
        return runs

    return run


def lr_changes(recording: Recorded) -> LRChanges:
    return lrmon.find_lr_changes(
        recording.learning_rate, np.array([epoch["first_step"] for epoch in recording.epochs])
    )


def test_every_example_is_tested() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    scripts = {path.stem for path in EXAMPLES.glob("*.py")} - {"real_data"}
    assert set() == {name for name in scripts if f'run("{name}")' not in source}


@pytest.mark.long
def test_the_demo_has_a_staircase_a_cosine_and_a_plateau(run: Run) -> None:
    runs = run("demo")
    assert ["adam-plateau", "adam-staircase", "sgd-cosine"] == sorted(runs)
    assert {30} == {len(recording.epochs) for recording in runs.values()}
    assert min(recording.epochs[-1]["metrics"]["val_accuracy"] for recording in runs.values()) > 0.9


@pytest.mark.long
def test_time_based_decay_is_its_formula(run: Run) -> None:
    (recording,) = run("time_based_decay").values()
    step = np.arange(len(recording.step))
    np.testing.assert_allclose(0.1 / (1 + 0.002 * step), recording.learning_rate, rtol=1e-6)
    assert 50 == len(recording.epochs)


def test_the_legacy_argument_decay_is_the_same_curve(run: Run) -> None:
    (recording,) = run("time_based_decay_legacy").values()
    step = np.arange(len(recording.step))
    np.testing.assert_allclose(0.1 / (1 + 0.002 * step), recording.learning_rate, rtol=1e-6)
    assert recording.epochs[-1]["metrics"]["val_loss"] < recording.epochs[0]["metrics"]["val_loss"]


@pytest.mark.long
def test_step_decay_falls_where_each_formula_says(run: Run) -> None:
    runs = run("step_decay")
    assert [10, 20, 30] == lr_changes(runs["as-meant"]).epoch.tolist()
    assert [9, 19, 29, 39] == lr_changes(runs["one-early"]).epoch.tolist()
    starts = [epoch["first_step"] for epoch in runs["misplaced-parenthesis"].epochs]
    assert 40 == len(set(runs["misplaced-parenthesis"].learning_rate[starts].tolist()))


@pytest.mark.long
def test_exponential_decay_ends_a_decade_lower_each_way(run: Run) -> None:
    for recording in run("exponential_decay").values():
        lrs = recording.learning_rate
        assert lrs[0] == np.float32(0.1)
        assert 0.01 <= lrs[-1] < 0.0125


@pytest.mark.long
def test_reduce_on_plateau_waits_as_long_as_it_was_told_to(run: Run) -> None:
    runs = run("reduce_on_plateau")
    assert 0 == len(lr_changes(runs["never-answered"]).step)
    first = {name: lr_changes(runs[name]).epoch[0] for name in ("patience-2", "patience-6")}
    assert first["patience-2"] < first["patience-6"]


@pytest.mark.long
def test_adam_begins_far_below_its_learning_rate(run: Run) -> None:
    for recording in run("adam_with_decay").values():
        factor = recording.effective_learning_rate[11] / recording.learning_rate[11]
        assert 0.152 == pytest.approx(factor, abs=1e-3)


@pytest.mark.long
def test_adamw_has_a_constant_and_a_cosine(run: Run) -> None:
    runs = run("adamw")
    assert 1 == len(set(runs["constant"].learning_rate.tolist()))
    assert runs["cosine"].learning_rate[-1] < 0.0001


@pytest.mark.long
def test_the_defaults_of_adadelta_and_adagrad_hardly_move(run: Run) -> None:
    runs = run("adaptive_optimizers")
    fall = {
        name: recording.epochs[-1]["metrics"]["loss"] / recording.epochs[0]["metrics"]["loss"]
        for name, recording in runs.items()
    }
    assert ["adadelta", "adagrad"] == sorted(fall, key=lambda name: -fall[name])[:2]


@pytest.mark.long
def test_the_range_test_recommends_what_trains_best(run: Run) -> None:
    runs = run("range_test")
    sweeps = runs.pop("sweep").fits[1::2]
    assert [("range_test", "diverged")] * 3 == [(fit["kind"], fit["range_test"]["stopped"]) for fit in sweeps]
    losses = {name: recording.epochs[-1]["metrics"]["loss"] for name, recording in runs.items()}
    assert ["recommended", "a-tenth", "ten-times"] == sorted(losses, key=lambda name: losses[name])


def test_the_mystery_is_as_it_was_told(run: Run, tmp_path: Path) -> None:
    (recording,) = run("mystery").values()
    found = lr_changes(recording)
    assert [95, 190, 285, 380] == found.step.tolist()
    assert [19, 38, 57, 0] == found.offset.tolist()
    reader = EventAccumulator(str(tmp_path / "keras" / "train"), size_guidance={"tensors": 0})
    reader.Reload()
    shown = [
        float(tensor_util.make_ndarray(event.tensor_proto)) for event in reader.Tensors("epoch_learning_rate")
    ]
    expected = [0.1, 0.095, 0.09025, 0.0857375, 0.0814506, 0.0814506]
    np.testing.assert_allclose(expected, shown, rtol=1e-5)
