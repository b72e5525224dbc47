from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.train.preflight.cases import DECAY, EPSILON, script
from tests.train.preflight.fits import release


def test_epsilon_leaves_min_delta_at_its_default(tmp_path: Path) -> None:
    look = script(keras, tmp_path, EPSILON.format(package="keras"))

    assert keras.callbacks.ReduceLROnPlateau("loss").min_delta == look.kept
    said = (
        f"Line 7 of train.py gives ReduceLROnPlateau epsilon=0.01, which {release(keras)} ignores: min_delta "
        "keeps its default, 0.0001. Write min_delta=0.01."
    )
    assert [said] == look.texts


def test_decay_leaves_the_rate_where_it_is_and_the_remedy_decays(tmp_path: Path) -> None:
    look = script(keras, tmp_path, DECAY.format(package="keras"))

    assert 0.5 == look.kept
    remedy = look.text.partition("Write learning_rate=")[2].rstrip(".")
    assert "keras.optimizers.schedules.InverseTimeDecay(0.5, decay_steps=1, decay_rate=0.001)" == remedy
    schedule = eval(remedy, {"keras": keras})
    np.testing.assert_allclose(0.5 / (1 + 0.001 * 7), float(schedule(7)), rtol=1e-6)


PLATEAU = """\
import keras
from keras.callbacks import {imported}

plateau = {call}
kept = plateau.{kept}
model = model_of("sgd")
model.fit(x, y, callbacks=[plateau, watch], verbose=0)
"""


@pytest.mark.parametrize(
    ("call", "kept", "value", "said"),
    [
        (
            'ReduceLROnPlateau("loss", patient=3)',
            "patience",
            10,
            "patience keeps its default, 10. Write patience=3.",
        ),
        (
            'ReduceLROnPlateau("loss", 0.5, min_lr=0.1, minlr=3)',
            "min_lr",
            0.1,
            "min_lr is 0.1. Leave it out.",
        ),
        ('ReduceLROnPlateau("loss", 0.5, faktor=0.2)', "factor", 0.5, "factor is 0.5. Leave it out."),
        ('ReduceLROnPlateau("loss", xyz=0.2)', "factor", 0.1, "Leave it out: there are monitor, factor, "),
        ('keras.callbacks.ReduceLROnPlateau("loss", min_Delta=1)', "min_delta", 1e-4, "Write min_delta=1."),
    ],
)
def test_a_misspelt_argument_does_nothing(
    tmp_path: Path, call: str, kept: str, value: float, said: str
) -> None:
    look = script(keras, tmp_path, PLATEAU.format(imported="ReduceLROnPlateau", call=call, kept=kept))

    assert value == look.kept
    assert said in look.text


@pytest.mark.parametrize(
    "text",
    [
        PLATEAU.format(
            imported="ReduceLROnPlateau", call='ReduceLROnPlateau("loss", min_delta=0.1)', kept="wait"
        ),
        # One's own class of that name knows what it takes.
        """\
import keras

class ReduceLROnPlateau(keras.callbacks.ReduceLROnPlateau):
    def __init__(self, epsilon):
        super().__init__("loss", min_delta=epsilon)

model_of("sgd").fit(x, y, callbacks=[ReduceLROnPlateau(epsilon=0.1), watch], verbose=0)
""",
        # None is at work.
        """\
from keras.callbacks import ReduceLROnPlateau

unused = ReduceLROnPlateau("loss", epsilon=0.1)
model_of("sgd").fit(x, y, callbacks=[watch], verbose=0)
""",
        # What a dictionary holds is not read.
        """\
import keras

settings = {"min_delta": 0.1}
plateau = keras.callbacks.ReduceLROnPlateau("loss", **settings)
model_of("sgd").fit(x, y, callbacks=[plateau, watch], verbose=0)
""",
        # Another optimizer, and no decay at all.
        """\
import keras

def other():
    return keras.optimizers.Adam(decay=0.1)

model_of(keras.optimizers.SGD(0.1, decay=0.0) if False else "sgd").fit(x, y, callbacks=[watch], verbose=0)
""",
    ],
)
def test_nothing_is_said_of(tmp_path: Path, text: str) -> None:
    assert [] == script(keras, tmp_path, text).texts


def test_a_file_that_is_too_long_is_left_alone(tmp_path: Path) -> None:
    long = EPSILON.format(package="keras") + "# " + "x" * 400_000

    assert [] == script(keras, tmp_path, long).texts


def test_what_is_imported_elsewhere_is_known_by_what_it_is(tmp_path: Path) -> None:
    text = """\
R = keras_here.callbacks.ReduceLROnPlateau
plateau = R(monitor="loss", epsilon=0.1)
model_of("sgd").fit(x, y, callbacks=[plateau, watch], verbose=0)
"""
    look = script(keras, tmp_path, text)

    assert "Line 2 of train.py gives ReduceLROnPlateau epsilon=0.1" in look.text


def test_the_cell_of_a_notebook_is_read() -> None:
    import linecache

    from tests.train.preflight.fits import dense, watcher

    text = EPSILON.format(package="keras")
    watch, look = watcher(keras)
    name = "<ipython-input-1-abc>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(
        compile(text, name, "exec"),
        {"watch": watch, "model_of": lambda o: dense(keras, o), "x": np.zeros((4, 1)), "y": np.ones((4, 1))},
    )

    assert "Line 7 of this cell gives ReduceLROnPlateau epsilon=0.01" in look.text
