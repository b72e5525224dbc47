"""Range tests of the users' own are told from trainings: judged on many learning rates and many ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import lrmon
from lrmon.review.reading.decode import Block
from lrmon.review.reading.merge import DecodedRecording, assemble
from lrmon.review.run.own_sweeps import about_own_sweep
from lrmon.review.run.run import Run
from lrmon.review.run_list import summarize
from tests.review.trained import by_epoch, findings, trained

KERAS: dict[str, Any] = {"framework": "keras 3.15.1", "epochs": 1, "ended": "completed"}
TRANSFORMER = {"class_name": "CustomSchedule", "config": {}}


def powers(low: float, high: float, count: int) -> Any:
    return low * (high / low) ** (np.arange(count) / (count - 1))


def straight(low: float, high: float, count: int) -> Any:
    return low + (high - low) * np.arange(count) / (count - 1)


def falling(count: int) -> Any:
    """A loss that falls all the time."""
    return 2.3 * 0.995 ** np.arange(count)


def exploding(count: int) -> Any:
    """A loss that falls and then explodes, as that of a range test does."""
    x = np.linspace(0, 1, count)
    return 2.3 - 1.5 / (1 + np.exp(-30 * (x - 0.55))) + np.exp(np.maximum(40 * (x - 0.85), 0)) - 1


def run(lrs: Any, *, explodes: bool = False, length: int = 100, **fit: Any) -> Run:
    count = len(lrs)
    loss = exploding(count) if explodes else falling(count)
    return trained(lrs, length, loss=loss, **{**KERAS, **fit})


PER_EPOCH = by_epoch([1e-8 * 10 ** (epoch / 20) for epoch in range(100)], 7)

SWEEPS: dict[str, Run] = {
    "factor": run(powers(1e-7, 10, 300)),
    "factor, stopped where it explodes": run(
        powers(1e-7, 10, 300)[:240], explodes=True, ended="stopped", epochs=5
    ),
    "factor, two decades": run(powers(1e-4, 1e-2, 60)),
    "factor, interrupted": run(powers(1e-7, 10, 300)[:200], ended="interrupted: KeyboardInterrupt"),
    "factor, behind the optimizer's own": run(np.append(1e-3, powers(1e-6, 1.0, 200))),
    "factor, held for an execution": run(np.repeat(powers(1e-6, 1.0, 40), 5), steps_per_execution=5),
    "factor, by a schedule that grows": run(powers(1e-6, 1.0, 200), schedule={"class_name": "Growth"}),
    "factor, every epoch": run(PER_EPOCH, length=7, epochs=100),
    "line": run(straight(1e-5, 1e-2, 400)),
    "line, stopped where it explodes": run(
        straight(1e-5, 1.0, 400)[:333], explodes=True, ended="stopped", epochs=3
    ),
    "without Keras": run(powers(1e-7, 10, 300), framework=None),
}  # fmt: skip

TRAININGS: dict[str, Run] = {
    "constant": run(np.full(300, 0.1)),
    "linear warm-up from 0, cut off": run(straight(0.0, 1e-3, 300)),
    "linear warm-up by parts of its peak, cut off": run(1e-3 * np.arange(1, 301) / 1000),
    "linear warm-up to a round number": run(1e-3 * np.arange(1, 1001) / 1000),
    "linear warm-up from a small number, cut off": run(straight(1e-6, 1e-3, 1000)[:333]),
    "linear warm-up in the first of many epochs, exploding": run(
        straight(1e-6, 1e-1, 1000)[:400], explodes=True, ended="stopped", epochs=90
    ),
    "linear warm-up of a schedule": run(
        straight(1e-5, 1e-2, 400), schedule={"class_name": "CosineDecay"}, explodes=True
    ),
    "Transformer's warm-up, cut off": run(64**-0.5 * np.arange(1, 400) * 4000**-1.5, schedule=TRANSFORMER),
    "exponential warm-up, then constant": run(np.append(powers(1e-6, 1e-2, 100), np.full(200, 1e-2))),
    "exponential warm-up, interrupted": run(powers(1e-5, 1e-2, 200)[:150], ended="interrupted: Ctrl-C"),
    "a warm-up that still runs": run(powers(1e-6, 1e-2, 100), ended=None),
    "one cycle": run(np.concatenate((straight(4e-3, 0.1, 150), straight(0.1, 1e-5, 150)))),
    "one cycle, cut off in its rise": run(straight(4e-3, 0.1, 300)[:250]),
    "one cycle by cosines": run(0.05 * (1 - np.cos(np.linspace(0.05, 6.2, 300)))),
    "triangles": run(np.tile(np.concatenate((straight(1e-4, 1e-1, 50), straight(1e-1, 1e-4, 50))), 3)),
    "restarts": run(np.tile(0.05 * (1 + np.cos(np.linspace(0, 3.1, 100))), 3)),
    "a tenth more every epoch": run(by_epoch(1e-3 * 1.1 ** np.arange(50), 7), length=7, epochs=50),
    "decay": run(powers(10, 1e-7, 300)),
    "a few steps": run(powers(1e-7, 10, 8), length=8),
    "noise": run(10 ** np.random.default_rng(1).uniform(-6, 0, 300)),
}


@pytest.mark.parametrize("name", SWEEPS)
def test_a_range_test_of_ones_own_is_recognized(name: str) -> None:
    own = SWEEPS[name]

    assert "range_test" == own.kind == summarize(own)["kind"]
    assert lrmon.range_test(own).recognized
    assert () == own.notices
    assert set() == set(findings(own))


@pytest.mark.parametrize("name", TRAININGS)
def test_no_training_is_taken_for_one(name: str) -> None:
    assert ("training", ()) == (TRAININGS[name].kind, TRAININGS[name].notices)


def test_a_warm_up_that_the_next_fit_goes_on_from_is_none() -> None:
    """Two fits: the learning rate grows over the first, and the second trains at what it came to."""

    def two_fits(second_rate: float) -> Run:
        first = run(powers(1e-6, 1e-2, 100))
        later = trained(np.full(100, second_rate), 100, first_step=100, first_epoch=1, **KERAS)
        blocks = [_block(one) for one in (first, later)]
        fits = [replace(first.fits[0], kind="training", sweep_from=None), *later.fits]
        return assemble("run", "1", [DecodedRecording("1", blocks, [*first.epochs, *later.epochs], fits)])

    assert ["training", "training"] == [fit.kind for fit in two_fits(1e-2).fits]
    restored = two_fits(1e-3)
    assert ["range_test", "training"] == [fit.kind for fit in restored.fits]
    assert "training" == restored.kind
    assert restored.notices[-1] == about_own_sweep(restored.fits, 0, restored.step, restored.learning_rate)


def _block(one: Run) -> Any:
    values = np.column_stack((one.learning_rate, one.learning_rate, one.loss, np.full(one.step.size, 0.1)))
    return Block(int(one.step[0]), 0.0, values.astype(np.float32))


def test_only_keras_users_are_warned_of_the_running_mean() -> None:
    keras = lrmon.range_test(SWEEPS["factor"]).recognized
    assert "logs['loss']" in str(keras)
    assert "logs" not in str(lrmon.range_test(SWEEPS["without Keras"]).recognized)
    epochs = str(lrmon.range_test(SWEEPS["factor, every epoch"]).recognized)
    assert "logs" not in epochs
    bounded = lrmon.range_test(run(powers(1e-7, 10, 300), exactness={"loss": "bounded"}))
    assert len(str(bounded.recognized)) < len(str(keras))
    assert str(keras) in " ".join(lrmon.report(SWEEPS["factor"]).to_text().split())


def test_it_suggests_what_lrmons_own_range_test_does() -> None:
    own = lrmon.range_test(SWEEPS["factor, stopped where it explodes"])
    assert None is not own.recommended.median
    assert 1 == len(own.sweeps)
    behind = lrmon.range_test(SWEEPS["factor, behind the optimizer's own"]).sweeps[0]
    assert (1, 200) == (int(behind.step[0]), behind.step.size)
    held = lrmon.range_test(SWEEPS["factor, every epoch"]).sweeps[0]
    assert "not-ascending" not in [problem.code for problem in held.test.cautions]
