"""The report of a run: the object behind the route, the command and the page."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lrmon.analysis.plateau.replay import replay_plateau
from lrmon.analysis.plateau.rule import PlateauRule
from lrmon.review.reading.decode import Block
from lrmon.review.reading.merge import DecodedRecording, assemble
from lrmon.review.report.report import analyzed_run, report
from lrmon.review.run.run import Epoch, Fit, Run
from tests.review.trained import NAME, STAIRCASE, by_epoch, staircase, trained

STUCK = [1.0, 0.8, 0.7, 0.7, 0.7, 0.7, 0.7, 0.6, 0.6, 0.6]


def test_the_edges_of_the_mystery_are_placed() -> None:
    lr = report(staircase(76, 6)).to_dict()["lr"]

    assert "staircase" == lr["kind"]
    assert [95, 190, 285, 380] == [lr_change["step"] for lr_change in lr["lr_changes"]]
    assert [19, 38, 57, 0] == [lr_change["offset"] for lr_change in lr["lr_changes"]]
    assert [1, 2, 3, 5] == [lr_change["epoch"] for lr_change in lr["lr_changes"]]
    assert [1.25, 2.5, 3.75, 5.0] == [lr_change["epoch_position"] for lr_change in lr["lr_changes"]]
    assert [19, 38, -19, 0] == [lr_change["nearest_boundary"] for lr_change in lr["lr_changes"]]
    assert [False, False, False, True] == [lr_change["on_boundary"] for lr_change in lr["lr_changes"]]
    assert {76} == {lr_change["steps_in_epoch"] for lr_change in lr["lr_changes"]}
    assert (0.1, 0.095) == (lr["lr_changes"][0]["from"], lr["lr_changes"][0]["to"])
    assert (95, 95, 19) == (lr["every"], lr["decay_steps"], lr["drift"])
    assert {"decay_steps": 76, "step": [76, 152, 228, 304, 380], "late": [False] * 5} == lr["aligned"]


def test_epochs_have_their_rates_and_what_keras_logs_for_them() -> None:
    epochs = report(staircase(76, 6, loss=[1.0] * 456)).to_dict()["epochs"]
    expected = [float(np.float32(0.1 * 0.95**k)) for k in (0, 1, 2, 3, 4, 4)]

    assert [0, 76, 152, 228, 304, 380] == epochs["first_step"]
    assert [75, 151, 227, 303, 379, 455] == epochs["last_step"]
    assert expected == pytest.approx(epochs["next_learning_rate"], rel=1e-7)
    assert [0.1, 0.095, 0.09025, 0.0857375] == epochs["learning_rate"][:4]
    assert [1.0] * 6 == epochs["mean_loss"]


def test_a_plateau_is_replayed_with_its_waits() -> None:
    rule = PlateauRule("val_loss", factor=0.5, patience=2)
    run = trained([0.1] * 100, 10, metrics={"val_loss": STUCK})
    plateaus = report(run, rule).to_dict()["plateaus"]
    expected = replay_plateau(STUCK, 0.1, rule)

    assert expected.wait.tolist() == plateaus["wait"]
    assert expected.best.tolist() == plateaus["best"]
    assert expected.best_epoch.tolist() == plateaus["best_epoch"]
    assert expected.improved.tolist() == plateaus["improved"]
    assert [0.1] * 5 + [0.05, 0.05] + [0.025] * 3 == plateaus["lr"]
    assert [10 * epoch + 9 for epoch in range(10)] == plateaus["step"]
    assert [
        {
            "epoch": 4, "step": 49, "lr_from": 0.1, "lr_to": 0.05, "kind": "would", "first": True,
            "best_epoch": 2, "best_step": 29, "did_from": None, "did_to": None,
        },
        {
            "epoch": 6, "step": 69, "lr_from": 0.05, "lr_to": 0.025, "kind": "would", "first": False,
            "best_epoch": 2, "best_step": 29, "did_from": None, "did_to": None,
        },
        {
            "epoch": 9, "step": 99, "lr_from": 0.025, "lr_to": 0.0125, "kind": "would", "first": False,
            "best_epoch": 7, "best_step": 79, "did_from": None, "did_to": None,
        },
    ] == plateaus["reductions"]  # fmt: skip
    assert {"epoch": 4, "step": 49} == plateaus["diverges_at"]
    assert 'keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2)' == plateaus["code"]


def test_what_the_rule_would_do_is_held_against_what_was_done() -> None:
    recorded = {"monitor": "val_loss", "factor": 0.5, "patience": 2, "applied": True}
    lrs = by_epoch([0.1] * 5 + [0.05] * 2 + [0.025] * 3, 10)
    run = trained(lrs, 10, metrics={"val_loss": STUCK}, plateau=recorded)
    same = report(run).to_dict()["plateaus"]
    other = report(run, PlateauRule("val_loss", factor=0.5, patience=4)).to_dict()["plateaus"]

    # After the last epoch's decision there is no record.
    assert [(4, "both"), (6, "both"), (9, "would")] == [(t["epoch"], t["kind"]) for t in same["reductions"]]
    assert (0.1, 0.05) == (same["reductions"][0]["did_from"], same["reductions"][0]["did_to"])
    assert None is same["diverges_at"]
    assert "run" == same["defaults_from"]
    assert [(4, "did", False), (6, "both", True)] == [
        (t["epoch"], t["kind"], t["first"]) for t in other["reductions"]
    ]
    assert {"epoch": 4, "step": 49} == other["diverges_at"]


def test_a_drop_that_nobody_calls_a_reduction_is_none() -> None:
    run = trained(by_epoch([0.1] * 5 + [0.05] * 5, 10), 10, metrics={"val_loss": STUCK})
    reductions = report(run, PlateauRule("val_loss", patience=30)).to_dict()["plateaus"]["reductions"]

    assert [] == reductions


def test_a_curve_that_glides_down_all_the_time_is_no_answer() -> None:
    run = trained(0.1 * 0.99 ** np.arange(100), 10, metrics={"val_loss": STUCK})
    reductions = report(run, PlateauRule("val_loss", patience=2)).to_dict()["plateaus"]["reductions"]

    assert {"would"} == {reduction["kind"] for reduction in reductions}


def test_a_missing_metric_changes_nothing() -> None:
    values = [None, 1.0, None, 1.0, None, 1.0, None]
    run = trained([0.1] * 70, 10, metrics={"val_loss": values})
    rule = PlateauRule("val_loss", patience=2, cooldown=3)
    plateaus = report(run, rule).to_dict()["plateaus"]
    expected = replay_plateau(values, 0.1, rule)

    assert expected.wait.tolist() == plateaus["wait"]
    assert [None, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0] == plateaus["best"]
    assert [None, 1, 1, 1, 1, 1, 1] == plateaus["best_epoch"]
    assert expected.learning_rate.tolist() == pytest.approx(plateaus["lr"])
    assert expected.in_cooldown.tolist() == plateaus["in_cooldown"]
    assert values == plateaus["value"]
    assert [5] == [reduction["epoch"] for reduction in plateaus["reductions"]]


def test_how_sensitive_the_answer_is_comes_from_the_rule_itself() -> None:
    random = np.random.default_rng(8)
    values = (1 / (1 + np.arange(40)) + random.normal(0, 0.02, 40)).tolist()
    run = trained([0.1] * 400, 10, metrics={"val_loss": values})
    rule = PlateauRule("val_loss", patience=4, min_delta=1e-3)
    table = report(run, rule).to_dict()["plateaus"]["sensitivity"]

    assert rule.patience in table["patience"]
    assert rule.min_delta in table["min_delta"]
    for i, patience in enumerate(table["patience"]):
        for j, min_delta in enumerate(table["min_delta"]):
            replay = replay_plateau(values, 0.1, replace(rule, patience=patience, min_delta=min_delta))
            expected = replay.reductions[0].epoch if replay.reductions else None
            assert expected == table["first_reduction"][i][j]


def test_a_batch_series_is_watched_in_steps() -> None:
    loss = np.concatenate((np.linspace(2, 1, 100), np.full(100, 1.0)))
    run = trained([0.1] * 200, 50, loss=loss, metrics={"val_loss": [1.0] * 4})
    plateaus = report(run, PlateauRule("batch/loss", mode="min", patience=30)).to_dict()["plateaus"]

    assert "step" == plateaus["unit"]
    assert [(129, 2, 99), (159, 3, 99), (189, 3, 99)] == [
        (t["step"], t["epoch"], t["best_step"]) for t in plateaus["reductions"]
    ]
    assert None is plateaus["code"]
    assert 200 >= len(plateaus["step"]) == len(plateaus["wait"]) == len(plateaus["epoch"])
    assert 129 == plateaus["sensitivity"]["first_reduction"][plateaus["sensitivity"]["patience"].index(30)][2]


def test_long_batch_series_are_thinned_with_their_longest_waits() -> None:
    random = np.random.default_rng(9)
    loss = random.normal(1, 0.1, 100_000)
    loss[::7] -= 0.01 * np.arange(0, 100_000, 7) / 7 % 3
    run = trained([0.1] * 100_000, 1000, loss=loss)
    plateaus = report(run, PlateauRule("batch/loss", mode="min", patience=1, factor=0.9999)).to_dict()[
        "plateaus"
    ]

    assert len(plateaus["step"]) <= 2_000
    assert len(plateaus["reductions"]) == 1_000 < plateaus["reductions_total"]
    assert (0, 99_999) == (plateaus["step"][0], plateaus["step"][-1])


def test_the_batch_loss_is_judged_though_its_name_is_not_one_of_keras() -> None:
    plateaus = report(trained([0.1] * 20, 10), PlateauRule("batch/loss")).to_dict()["plateaus"]

    assert (None, "min") == (plateaus["problem"], plateaus["direction"])


@pytest.mark.parametrize(
    ("run", "rule", "sentence"),
    [
        (
            trained([0.1] * 20, 10, metrics={"loss": [1, 2]}),
            PlateauRule("val_loss"),
            "has recorded no val_loss",
        ),
        (
            trained([0.1] * 20, 10, metrics={"score": [1, 2]}),
            PlateauRule("score"),
            "Say mode 'min' or 'max'.",
        ),
        (trained([0.1] * 5, 10), None, "No epoch has ended"),
        (trained([0.1] * 20, 10), None, "This run has no metric to watch"),
        (trained([math.nan] * 20, 10, metrics={"loss": [1, 2]}), None, "No learning rate"),
    ],
)
def test_a_rule_that_cannot_be_judged_says_why(run: Run, rule: PlateauRule | None, sentence: str) -> None:
    made = report(run, rule)
    plateaus = made.to_dict()["plateaus"]

    assert sentence in plateaus["problem"]
    assert [] == plateaus["reductions"] == plateaus["wait"] == plateaus["lr"]
    assert None is plateaus["sensitivity"]
    assert sentence[:20] in made.to_text() or "Plateaus" not in made.to_text()


def test_the_rule_begins_with_what_the_run_recorded() -> None:
    recorded = {
        "monitor": "loss",
        "factor": 0.2,
        "patience": 3,
        "mode": "min",
        "min_delta": 0.0,
        "cooldown": 1,
    }
    run = trained([0.1] * 20, 10, metrics={"loss": [1, 2]}, plateau=recorded, framework="keras 3.9.2")

    rule = report(run).plateaus.rule
    assert PlateauRule(
        "loss", factor=0.2, patience=3, mode="min", min_delta=0.0, cooldown=1, version="keras-3.0"
    ) == (rule)


@pytest.mark.parametrize(
    "recorded",
    [None, "x", [], {"factor": 2.0}, {"patience": "many"}, {"monitor": 5}, {"mode": "up"}, {"min_lr": "NaN"}],
)
def test_without_a_rule_that_can_be_read_it_begins_with_keras_defaults(recorded: Any) -> None:
    made = report(trained([0.1] * 20, 10, metrics={"loss": [1, 2], "val_loss": [1, 2]}, plateau=recorded))

    assert PlateauRule("val_loss") == made.plateaus.rule
    assert "keras" == made.to_dict()["plateaus"]["defaults_from"]


def test_the_rest_of_the_schedule_is_planned() -> None:
    run = staircase(76, 6, extra=0, epochs=10)
    planned = report(run).to_dict()["planned"]
    steps = np.arange(455, 760)
    expected = np.float32(0.1) * np.float32(0.95) ** (steps // 95).astype(np.float32)

    assert ("ExponentialDecay", 759, [475, 570, 665], True) == tuple(
        planned[name] for name in ("schedule", "last_step", "lr_changes", "every_step")
    )
    assert steps.tolist() == planned["step"]
    assert expected.tolist() == pytest.approx(planned["learning_rate"], rel=1e-6)
    assert (5 + 75 / 76, 9 + 75 / 76) == pytest.approx((planned["epoch"][0], planned["epoch"][-1]))


def test_nothing_is_planned_where_schedule_or_end_is_unknown() -> None:
    assert None is report(staircase(76, 6)).to_dict()["planned"]
    others: list[dict[str, Any]] = [
        {"schedule": None},
        {"schedule": {"class_name": "Mine", "config": {}}},
        {"epochs": None},
        {"steps_per_epoch": None},
        {"schedule": {"class_name": "ExponentialDecay", "config": {**STAIRCASE, "decay_steps": 50}}},
    ]
    for fields in others:
        assert None is report(staircase(76, 6, **{"epochs": 10, **fields})).to_dict()["planned"]


def test_a_long_plan_is_thinned_without_losing_an_edge() -> None:
    planned = report(staircase(76, 1, decay_steps=7600, epochs=1000, compiled="eager")).to_dict()["planned"]

    assert len(planned["step"]) <= 2_000
    assert [7600 * k for k in range(1, 10)] == planned["lr_changes"]
    assert set(planned["lr_changes"]) <= set(planned["step"])
    assert not planned["every_step"]


def test_an_epoch_that_runs_has_its_planned_length() -> None:
    lr_changes = report(staircase(100, 2, decay_steps=230, extra=50)).to_dict()["lr"]["lr_changes"]

    assert [(2, 30, 100, 2.3)] == [
        (e["epoch"], e["offset"], e["steps_in_epoch"], e["epoch_position"]) for e in lr_changes
    ]


def test_without_epochs_edges_have_no_place_in_them() -> None:
    values = np.column_stack((by_epoch([0.1, 0.05], 10), np.ones(20), np.ones(20), np.ones(20)))
    run = assemble("run", "v", [DecodedRecording(NAME, [Block(0, 0.0, values.astype(np.float32))])])
    made = report(run)
    (lr_change,) = made.to_dict()["lr"]["lr_changes"]

    assert (10, None, None, None, False) == tuple(
        lr_change[name] for name in ("step", "epoch", "offset", "epoch_position", "on_boundary")
    )
    assert "step" in made.to_text()


def test_steps_in_epochs_whose_records_are_missing_have_no_place() -> None:
    values = np.column_stack((by_epoch([0.1] * 3 + [0.05] * 3, 10), np.ones(60), np.ones(60), np.ones(60)))
    epochs = [Epoch(n, 10 * n, 10 * n + 9, 0.0, {"loss": 1.0}) for n in (0, 1, 5)]
    fit = Fit(NAME, 0, 0, 0, None, 0, 10, "training", 0.0, None, {})
    run = assemble(
        "run", "v", [DecodedRecording(NAME, [Block(0, 0.0, values.astype(np.float32))], epochs, [fit])]
    )
    (lr_change,) = report(run).to_dict()["lr"]["lr_changes"]

    assert (30, None, None) == (lr_change["step"], lr_change["epoch"], lr_change["offset"])


def test_a_second_fit_that_counts_from_0_lies_after_the_first() -> None:
    values = np.column_stack((by_epoch([0.1, 0.1, 0.1, 0.05], 10), np.ones(40), np.ones(40), np.ones(40)))
    epochs = [Epoch(n % 2, 10 * n, 10 * n + 9, 0.0, {"loss": 1.0}) for n in range(4)]
    fits = [
        Fit(NAME, n, 20 * n, 20 * n, 20 * n + 19, 0, 10, "training", 0.0, "completed", {}) for n in (0, 1)
    ]
    run = assemble(
        "run", "v", [DecodedRecording(NAME, [Block(0, 0.0, values.astype(np.float32))], epochs, fits)]
    )
    made = report(run, PlateauRule("loss", patience=2)).to_dict()

    assert [0, 1, 0, 1] == made["epochs"]["epoch"]
    assert [0, 1, 2, 3] == made["epochs"]["position"] == made["plateaus"]["epoch"]
    assert 3 == made["lr"]["lr_changes"][0]["epoch"]
    # Each fit forgets the best value.
    assert [0, 1, 0, 1] == made["plateaus"]["wait"]


@pytest.mark.parametrize(
    "run",
    [
        assemble("run", "v", []),
        trained([], 10),
        trained([0.1], 10),
        trained([math.nan] * 30, 10, loss=[math.nan] * 30, metrics={"loss": [math.nan] * 3}),
        trained([math.inf, 0.1, -math.inf] * 10, 10, loss=[math.inf] * 30, metrics={"loss": [math.inf] * 3}),
        trained([0.1, 0.2] * 15, 1, metrics={"loss": [1.0] * 30}),
    ],
    ids=["nothing", "no rows", "one row", "nan", "infinite", "epochs of a step"],
)
def test_every_run_has_a_report(run: Run) -> None:
    made = report(run)

    assert "run" == json.loads(made.to_json())["run"]
    assert made.to_text().startswith("run")
    assert made.to_text(color=True, width=20)


def test_the_text_has_no_colors_unless_asked_for() -> None:
    made = report(staircase(76, 6))

    assert "\x1b" not in made.to_text()
    assert "\x1b[33mwarning\x1b[0m  staircase-off-epoch" in made.to_text(color=True)
    assert made.to_text() == str(made)
    assert max(map(len, made.to_text(width=80).splitlines())) <= 80


def test_tables_show_both_ends_and_say_what_they_leave_out() -> None:
    text = report(staircase(10, 100, decay_steps=9)).to_text()

    assert "  … 95 more" in text
    assert "  … 84 more" in text


def test_what_does_not_depend_on_the_rule_is_worked_out_once_a_run() -> None:
    run = staircase(76, 6)
    first = analyzed_run(run)

    assert first is analyzed_run(run)
    assert report(run).findings is first.findings
    assert first is not analyzed_run(replace(run, version="later"))


def test_a_plot_has_rates_loss_and_plateaus() -> None:
    matplotlib = pytest.importorskip("matplotlib", reason="plots are optional")
    run = trained(by_epoch([0.1] * 9 + [0.001], 10), 10, metrics={"val_loss": STUCK})
    figure = report(run, PlateauRule("val_loss", patience=2)).plot()

    assert matplotlib is not None
    assert ["learning rate", "loss"] == [axes.get_ylabel() for axes in figure.axes]
    assert "log" == figure.axes[0].get_yscale()
