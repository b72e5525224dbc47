"""The shape of a learning rate in words, in every face of the report."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrmon.review.report.report import report
from lrmon.review.run.run import Run
from tests.review.trained import by_epoch, staircase, trained

STEP = np.arange(20 * 76)

WORDS: dict[str, tuple[Run, str, str]] = {
    "tutorial": (
        trained(by_epoch([0.1 * 0.5 ** (math.floor(1 + epoch) / 10) for epoch in range(100)], 5), 5),
        "exponential",
        "×0.933 every epoch, from 0.0933033 to 9.76563e-05",
    ),
    "Keras' documentation": (
        trained(by_epoch([0.01 * math.exp(-0.1 * max(0, epoch - 9)) for epoch in range(40)], 5), 5),
        "exponential",
        "constant to epoch 10, then ×0.9048 every epoch, from 0.01 to 0.000497871",
    ),
    "a tenth every 5 epochs": (
        trained(by_epoch([0.1 * 0.1 ** (epoch // 5) for epoch in range(20)], 5), 5),
        "staircase",
        "staircase, ×0.1 every 5 epochs, from 0.1 to 0.0001, 3 LR changes",
    ),
    "decay_steps of 95": (
        staircase(76, 6),
        "staircase",
        "staircase, ×0.95 every 95 steps, from 0.1 to 0.0814506, 4 LR changes",
    ),
    "decay_steps of an epoch": (
        staircase(76, 6, 76),
        "exponential",
        "×0.95 every epoch, from 0.1 to 0.0773781",
    ),
    "exponential": (
        trained(0.1 * 0.96 ** (STEP / 76), 76),
        "exponential",
        "×0.999463 every step (×0.96 per epoch), from 0.1 to 0.044224",
    ),
    "time-based": (
        trained(0.1 / (1 + 1e-3 * STEP), 76),
        "inverse_time",
        "time-based decay every step, from 0.1 to 0.0396983",
    ),
    "straight": (trained(0.1 * (1 - STEP / STEP.size), 76), "linear", "linear, from 0.1 to 6.57895e-05"),
    "after a warm-up": (
        trained(np.append(np.linspace(0, 0.1, 100), 0.1 * 0.999 ** np.arange(1, 1000)), 76),
        "exponential",
        "warm-up to step 99, then ×0.999 every step (×0.9268 per epoch), from 0 to 0.0368064",
    ),
    "cosine": (
        trained(0.05 * (1 + np.cos(np.pi * STEP / STEP.size)), 76),
        "smooth",
        "smooth, from 0.1 to 1.06795e-07",
    ),
    "two levels": (
        trained(by_epoch([0.1] * 5 + [0.01] * 5, 5), 5),
        "staircase",
        "staircase, from 0.1 to 0.01, 1 LR change",
    ),
    "constant": (trained([0.1] * 100, 10), "constant", "constant, 0.1"),
}


@pytest.mark.parametrize("name", WORDS)
def test_the_shape_is_said_in_a_few_words(name: str) -> None:
    run, kind, words = WORDS[name]
    made = report(run)
    answer = made.to_dict()["lr"]

    assert f"Learning rate  {words}\n" in f"{made.to_text(width=200)}\n"
    assert (kind, words) == (answer["kind"], answer["summary"])
    assert (answer["shape"] is None) == (name in ("cosine", "two levels", "constant"))


def test_a_curve_that_changes_every_epoch_has_no_table_of_edges() -> None:
    text = report(WORDS["tutorial"][0]).to_text(width=200)

    assert "99 LR changes" not in text
    assert "from nearest epoch start" not in text
    assert "from nearest epoch start" in report(WORDS["decay_steps of 95"][0]).to_text(width=200)


DECAYS: dict[str, Run] = {
    "per step": WORDS["time-based"][0],
    "by the optimizer's decay": trained(
        0.1 / (1 + 1e-6 * STEP), 76, optimizer={"class_name": "SGD", "config": {"decay": 1e-6}}
    ),
    "per epoch": trained(by_epoch(0.1 / (1 + 0.1 * np.arange(20)), 76), 76),
    "before the end of an epoch": trained(0.1 / (1 + 1e-3 * np.arange(50)), 76),
}


@pytest.mark.parametrize("name", DECAYS)
def test_a_time_based_decay_has_an_explanation(name: str) -> None:
    made = report(DECAYS[name])
    answer = made.to_dict()["lr"]

    assert ("inverse_time", "epoch" if name == "per epoch" else "step") == (
        answer["kind"],
        answer["shape"]["unit"],
    )
    assert answer["explanation"] in made.to_text(width=400)


def test_nothing_more_is_said_of_other_learning_rates() -> None:
    assert {None} == {
        report(run).to_dict()["lr"]["explanation"]
        for name, (run, _, _) in WORDS.items()
        if name != "time-based"
    }
