from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tests.train.preflight.cases import put_in_later
from tests.train.preflight.fits import dense, fitted

SWITCHES = keras.backend.backend() != "tensorflow"
"""JAX and PyTorch look at the optimizer anew in each fit; TensorFlow keeps its graph."""


def nothing() -> Any:
    return keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.0, 0.0])


def moved(model: Any) -> bool:
    """Whether one more fit moves the weights."""
    before = model.get_weights()[0].copy()
    model.fit(np.ones((4, 1), np.float32), np.ones((4, 1), np.float32), batch_size=2, verbose=0)
    return bool((before != model.get_weights()[0]).any())


def test_tensorflow_goes_on_with_the_number_that_it_compiled() -> None:
    look = put_in_later(keras)

    assert ([] if SWITCHES else ["schedule-not-compiled"]) == look.codes
    assert moved(look.model) is not SWITCHES
    if not SWITCHES:
        assert "the compiled step still uses 0.01, whatever" in look.text


def test_what_is_compiled_anew_follows_the_schedule() -> None:
    model = dense(keras, "sgd")
    fitted(keras, model=model)
    model.optimizer.learning_rate = nothing()
    model.make_train_function(force=True)

    assert [] == fitted(keras, model=model).codes
    assert not moved(model)


@pytest.mark.parametrize("compile_arguments", [{"run_eagerly": True}, {"jit_compile": True}])
def test_it_is_seen_however_the_step_runs(compile_arguments: dict[str, bool]) -> None:
    model = dense(keras, "adam", **compile_arguments)
    fitted(keras, model=model)
    model.optimizer.learning_rate = nothing()
    look = fitted(keras, model=model)

    assert (look.codes == ["schedule-not-compiled"]) is moved(model)


def test_a_schedule_from_the_start_is_compiled() -> None:
    model = dense(keras, keras.optimizers.SGD(nothing()))

    assert [[], []] == [fitted(keras, model=model).codes for _ in range(2)]
