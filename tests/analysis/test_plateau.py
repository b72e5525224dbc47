"""The plateau rule case by case, and against callbacks of other Keras versions that were recorded."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lrmon.analysis.plateau.direction import VERSIONS, KerasVersion, monitor_direction
from lrmon.analysis.plateau.replay import PlateauReduction, replay_plateau
from lrmon.analysis.plateau.rule import PlateauRule, PlateauState, begin_fit, step
from tests.analysis.real_plateau import replayed_outcome
from tests.analysis.record_plateau_cases import recorded

NAN, INFINITY = math.nan, math.inf


def rule(**settings: Any) -> PlateauRule:
    return PlateauRule("loss", **{"factor": 0.5, "patience": 2, "min_delta": 0.0, **settings})


def reductions(values: list[float | None], rule: PlateauRule, **options: Any) -> list[int]:
    return [reduction.epoch for reduction in replay_plateau(values, 0.1, rule, **options).reductions]


def test_the_defaults_are_those_of_keras() -> None:
    assert PlateauRule() == PlateauRule(
        monitor="val_loss",
        factor=0.1,
        patience=10,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
        version="keras-3.15",
    )


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"factor": 1.0}, "factor must be less than 1 (Keras refuses others too), got 1.0"),
        ({"factor": NAN}, "factor must be finite, got nan"),
        ({"patience": -3}, "patience must be at least 0, got -3"),
        ({"cooldown": -1}, "cooldown must be at least 0, got -1"),
        ({"min_delta": INFINITY}, "min_delta must be finite, got inf"),
        ({"min_lr": NAN}, "min_lr must be finite, got nan"),
        ({"mode": "up"}, "mode must be one of auto, min, max, got 'up'"),
        (
            {"version": "keras-4"},
            "version must be one of keras-3.15, keras-3.11, keras-3.0, tf_keras, got 'keras-4'",
        ),
    ],
)
def test_a_setting_out_of_range_is_refused_with_a_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match="must be") as raised:
        PlateauRule(**settings)
    assert sentence == str(raised.value)


def test_the_reduction_is_what_the_history_shows_one_epoch_later() -> None:
    replay = replay_plateau([1.0, 0.5, 0.6, 0.7, 0.4], 0.1, rule())
    high, low = float(np.float32(0.1)), float(np.float32(0.05))
    assert [high, high, high, high, low] == replay.learning_rate.tolist()
    assert [high, high, high, low, low] == replay.next_learning_rate.tolist()
    assert [0, 0, 1, 0, 0] == replay.wait.tolist()
    assert [1.0, 0.5, 0.5, 0.5, 0.4] == replay.best.tolist()
    assert [0, 1, 1, 1, 4] == replay.best_epoch.tolist()
    assert [True, True, False, False, True] == replay.improved.tolist()
    assert (PlateauReduction(epoch=3, lr_from=high, lr_to=low, best_epoch=1),) == replay.reductions


@pytest.mark.parametrize("version", VERSIONS)
def test_patience_0_acts_as_1(version: KerasVersion) -> None:
    values: list[float | None] = [1.0, 1.0, 0.5, 0.5, 0.5]
    assert [1, 3, 4] == reductions(values, rule(patience=0, version=version))
    assert [1, 3, 4] == reductions(values, rule(patience=1, version=version))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_epoch_in_which_the_cooldown_reaches_0_counts(version: KerasVersion) -> None:
    replay = replay_plateau([1.0] * 7, 0.1, rule(patience=1, cooldown=3, version=version))
    assert [0, 3, 2, 1, 3, 2, 1] == replay.cooldown.tolist()
    assert [1, 4] == [reduction.epoch for reduction in replay.reductions]
    assert [False, False, True, True, False, True, True] == replay.in_cooldown.tolist()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_missing_metric_changes_nothing(version: KerasVersion) -> None:
    settings = rule(patience=2, cooldown=2, version=version)
    replay = replay_plateau([None, 1.0, 1.0, None, 1.0, None, 1.0], 0.1, settings)
    assert [0, 0, 1, 1, 0, 0, 0] == replay.wait.tolist()
    assert [0, 0, 0, 0, 2, 2, 1] == replay.cooldown.tolist()
    assert [True, False, False, True, False, True, False] == replay.missing.tolist()
    assert [False, False, False, False, False, True, True] == replay.in_cooldown.tolist()
    assert math.isnan(replay.best[0])
    assert -1 == replay.best_epoch[0]


@pytest.mark.parametrize("version", VERSIONS)
def test_at_min_lr_wait_grows_and_no_cooldown_begins(version: KerasVersion) -> None:
    settings = rule(patience=1, factor=0.1, min_lr=0.05, cooldown=1, version=version)
    replay = replay_plateau([1.0] * 5, 0.1, settings)
    assert [0, 0, 1, 2, 3] == replay.wait.tolist()
    assert [0, 1, 0, 0, 0] == replay.cooldown.tolist()
    assert float(np.float32(0.05)) == replay.next_learning_rate[-1]


def test_a_first_nan_stays_the_best_from_keras_3_11_on() -> None:
    for version in ("keras-3.15", "keras-3.11"):
        assert [2, 4] == reductions([NAN, 1.0, 0.5, 0.4, 0.3], rule(version=version))
    for version in ("keras-3.0", "tf_keras"):
        assert [] == reductions([NAN, 1.0, 0.5, 0.4, 0.3], rule(version=version))


def test_keras_3_11_to_3_14_keep_the_best_from_fit_to_fit() -> None:
    values: list[float | None] = [0.1, 1.0, 1.0, 0.9, 0.8]
    for version in ("keras-3.15", "keras-3.0", "tf_keras"):
        replay = replay_plateau(values, 0.1, rule(version=version, patience=3), fit_starts=[2])
        assert [0, 1, 0, 0, 0] == replay.wait.tolist()
        assert [0, 0, 2, 3, 4] == replay.best_epoch.tolist()
    replay = replay_plateau(values, 0.1, rule(version="keras-3.11", patience=3), fit_starts=[2])
    assert [0, 1, 1, 2, 0] == replay.wait.tolist()
    assert [0, 0, 0, 0, 0] == replay.best_epoch.tolist()
    assert [4] == [reduction.epoch for reduction in replay.reductions]


def test_a_fit_keeps_the_learning_rate() -> None:
    state = PlateauState(0.05, bar=0.3, wait=2, cooldown=1)
    assert PlateauState(0.05, bar=None) == begin_fit(state, rule())
    assert PlateauState(0.05, bar=0.3) == begin_fit(state, rule(version="keras-3.11"))
    assert PlateauState(0.05, bar=INFINITY) == begin_fit(state, rule(version="tf_keras"))


def test_keras_3_11_and_later_compare_in_float32() -> None:
    values: list[float | None] = [1.0, 1.0 - 2.0**-30]
    assert [True, False] == replay_plateau(values, 0.1, rule()).improved.tolist()
    assert [True, True] == replay_plateau(values, 0.1, rule(), logged_as="float64").improved.tolist()
    assert [True, True] == replay_plateau(values, 0.1, rule(version="keras-3.0")).improved.tolist()


def test_the_sign_of_min_delta_counts_only_up_to_keras_3_10() -> None:
    values: list[float | None] = [1.0, 1.05]
    assert [True, False] == replay_plateau(values, 0.1, rule(min_delta=-0.1)).improved.tolist()
    replay = replay_plateau(values, 0.1, rule(min_delta=-0.1, version="keras-3.0"))
    assert [True, True] == replay.improved.tolist()


def test_tf_keras_multiplies_in_float32() -> None:
    values: list[float | None] = [1.0, 1.0]
    for lr in np.random.default_rng(0).random(1000).astype(np.float32).tolist():
        settings = {"patience": 1, "factor": 0.1}
        keras = replay_plateau(values, lr, rule(**settings)).next_learning_rate[1]
        tf_keras = replay_plateau(values, lr, rule(**settings, version="tf_keras")).next_learning_rate[1]
        assert np.float32(lr * 0.1) == keras
        assert np.float32(lr) * np.float32(0.1) == tf_keras


def test_with_recorded_learning_rates_each_decision_is_made_at_the_recorded_one() -> None:
    recorded_rates = [0.1, 0.1, 0.1, 0.02, 0.02]
    replay = replay_plateau([1.0] * 5, recorded_rates, rule(patience=2))
    assert np.array(recorded_rates, np.float32).tolist() == replay.learning_rate.tolist()
    assert np.array([0.1, 0.1, 0.05, 0.02, 0.01], np.float32).tolist() == replay.next_learning_rate.tolist()


def test_an_array_is_replayed_as_a_list_is() -> None:
    values = np.random.default_rng(1).normal(size=200)
    from_array = replay_plateau(values, 0.1, rule())
    from_list = replay_plateau(values.tolist(), 0.1, rule())
    assert from_list.wait.tolist() == from_array.wait.tolist()
    assert from_list.reductions == from_array.reductions


def test_no_epoch_is_no_trouble() -> None:
    replay = replay_plateau([], 0.1, rule())
    assert () == replay.reductions
    assert [0] * 6 == [
        column.size
        for column in (
            replay.learning_rate,
            replay.wait,
            replay.cooldown,
            replay.in_cooldown,
            replay.best,
            replay.best_epoch,
        )
    ]


def test_learning_rates_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one value for each of the 3 epochs, got shape \(2,\)"):
        replay_plateau([1.0, 1.0, 1.0], [0.1, 0.1], rule())
    with pytest.raises(ValueError, match=r"logged_as must be one of float, int, .*, got 'bfloat16'"):
        replay_plateau([1.0], 0.1, rule(), logged_as="bfloat16")


def test_a_step_is_pure() -> None:
    state = PlateauState(0.1, bar=None)
    assert step(state, None, rule()) == state == PlateauState(0.1, bar=None)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_replay_is_what_the_recorded_callbacks_did(version: KerasVersion) -> None:
    cases = recorded(version)
    assert [outcome for _, outcome in cases] == [replayed_outcome(case) for case, _ in cases]
    assert any(outcome.learning_rate != outcome.next_learning_rate for _, outcome in cases)


@pytest.mark.parametrize("version", ["keras-3.0", "tf_keras"])
def test_auto_maximised_names_with_acc_up_to_keras_3_10(version: KerasVersion) -> None:
    names = ["val_loss", "accuracy", "val_acc", "out_accuracy", "accumulated_cost", "auc", "f1_score"]
    assert ["min", "max", "max", "max", "max", "min", "min"] == [
        monitor_direction(name, "auto", version) for name in names
    ]


@pytest.mark.parametrize("version", ["keras-3.15", "keras-3.11"])
def test_auto_has_no_direction_for_an_unknown_name_from_keras_3_11(version: KerasVersion) -> None:
    for name in ["out_loss", "out_accuracy", "learning_rate", "my_score", "true_positives", "accuracy_1"]:
        with pytest.raises(ValueError, match=f"whether '{name}' improves by falling or by rising"):
            monitor_direction(name, "auto", version)
        assert "max" == monitor_direction(name, "max", version)


def test_auto_knows_the_numbers_that_keras_gives_to_later_metrics() -> None:
    assert "max" == monitor_direction("val_auc_1", "auto", "keras-3.15")
