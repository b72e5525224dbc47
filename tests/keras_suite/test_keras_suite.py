"""The comparison of two runs finds what it is for, in a small suite whose every outcome is known."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.keras_suite import run, verdicts

SUITE = """
    import keras
    import numpy as np
    import pytest
    from conftest import skip_if_backend

    List = keras.callbacks.CallbackList


    class Counts(keras.callbacks.Callback):
        batches = 0

        def on_train_batch_end(self, batch, logs=None):
            Counts.batches += 1


    class Fails(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            raise ZeroDivisionError


    class Model(keras.Sequential):
        def fit(self, *arguments, **named):
            return super().fit(*arguments, **named)


    def fit(callbacks, **named):
        model = Model([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=True)
        if callable(callbacks):
            callbacks = callbacks(model)
        x = np.ones((4, 1), "float32")
        model.fit(x, x, None, 2, 0, callbacks, **named)
        return callbacks


    @pytest.mark.requires_trainable_backend
    @pytest.mark.parametrize("callbacks", [None, [], [Counts()], (Counts(), Counts()), Counts()])
    def test_forms(callbacks):
        fit(callbacks)


    def test_list_of_callbacks():
        callbacks = fit(lambda model: List([Counts()], add_history=True, model=model, epochs=2))
        assert ["Counts", "History"] == [type(each).__name__ for each in callbacks.callbacks]


    def test_no_step():
        with pytest.raises(ZeroDivisionError):
            fit(Fails())


    def test_fails_always():
        assert 1 == 2


    @skip_if_backend(keras.backend.backend(), "of no use")
    def test_skipped():
        raise AssertionError


    class Lonely(List):
        def on_train_begin(self, logs=None):
            assert ["Counts", "History"] == [type(each).__name__ for each in self.callbacks]
            super().on_train_begin(logs)


    def test_changed():
        fit(lambda model: Lonely([Counts()], add_history=True, model=model, epochs=2))
"""


@pytest.mark.long
def test_a_verdict_that_the_monitor_changes_is_found_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite/small_test.py").write_text(textwrap.dedent(SUITE), encoding="utf-8")
    backend = run.backend_here()
    assert not run.compare(tmp_path / "suite", ["small_test.py"], backend, tmp_path / "results", again=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{backend}: 8 passed, 1 failed, 1 skipped")
    # Five forms and a CallbackList, of two epochs with one batch each.
    assert lines[1].startswith("  6 fits recorded with all of their 12 steps, 2 made no step")
    problems = [line for line in lines if "PROBLEM" in line]
    assert 1 == len(problems)
    assert "small_test.py::test_changed: 2 passed without the monitor, 2 failed with it" in problems[0]
    assert ["test_fails_always"] == [line.split(":")[3] for line in lines if "failed with and" in line]


def test_a_test_that_fails_now_and_then_without_the_monitor_too_is_flaky() -> None:
    steady, sometimes = {"a": "passed", "b": "passed"}, {"a": "failed", "b": "passed"}
    assert ["a"] == verdicts.differing(steady, sometimes)
    assert ([], ["a"]) == verdicts.changed(["a"], [steady, sometimes], [sometimes, steady])
    assert (["a"], []) == verdicts.changed(["a"], [steady, steady], [sometimes, steady])
    assert ["b"] == verdicts.differing(steady, {"a": "passed"})


def test_a_monitor_that_lost_a_step_or_gave_up_is_a_problem(tmp_path: Path) -> None:
    fit = {"fit": 1, "test": "t", "form": "last in a list", "folder": str(tmp_path), "begun": 3, "ended": 3}
    fits = [
        {**fit, "refusal": None, "problem": None},
        {**fit, "refusal": None, "problem": "OSError: full"},
        {**fit, "refusal": "ValueError: no", "problem": None},
        {**fit, "refusal": f"TypeError: a layer; {verdicts.BY_DESIGN}", "problem": None},
    ]
    found = verdicts.judged(fits)
    assert 3 == len(found.problems)
    assert "0 steps are on disk, and 3 to 3 were made" in found.problems[0]
    assert "stopped recording, OSError: full" in found.problems[1]
    assert "refused, ValueError: no" in found.problems[2]
    assert 1 == found.refused.total()
