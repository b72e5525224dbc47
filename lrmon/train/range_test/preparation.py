"""A model before its sweep: can it be tested, and is it built."""

from __future__ import annotations

from typing import Any

from lrmon.train.model.models import KERAS, TF_KERAS, backend_of, keras_of
from lrmon.train.model.optimizers import innermost, lr_variable, parts
from lrmon.train.private_names.keras import (
    build_symbolically,
    clear_compiled_parts,
    compiled_parts,
    has_held_learning_rate,
    is_multi_optimizer,
    layers_with_nested,
    set_compiled_parts,
)
from lrmon.train.range_test.data import Data
from lrmon.train.range_test.randomness import kept_random_state
from lrmon.train.ring_buffer.installation import BACKENDS


def build(model: Any, data: Data) -> None:
    """Builds the layers of a model that has not seen its data yet, as `fit` would, and nothing else of it.

    Args:
        model: Its optimizer, losses and metrics stay as they are.
        data: Gives a batch.
    """
    if all(layer.built for layer in layers_with_nested(model)):
        return
    with kept_random_state():
        batch = data.first_batch()
    compiled = compiled_parts(model)
    optimizer, model.optimizer = model.optimizer, None
    clear_compiled_parts(model)
    try:
        build_symbolically(model, batch)
    finally:
        set_compiled_parts(model, compiled)
        model.optimizer = optimizer


def checked_model(model: Any) -> Any:
    """Returns the model.

    Raises:
        TypeError: It is none of Keras 3.
    """
    keras = keras_of(model)
    if keras == TF_KERAS:
        raise TypeError(
            "LRFinder tests models of Keras 3, and this is one of tf_keras, whose random state cannot be put "
            "back; lrmon.Recorder records any loop of your own"
        )
    if keras != KERAS:
        raise TypeError(
            f"LRFinder tests models of Keras 3, got a {type(model).__module__}.{type(model).__name__}"
        )
    return model


def check_trains(model: Any) -> None:
    """Raises where a model has not one learning rate that a sweep can set.

    Raises:
        RuntimeError: Keras is on a backend whose steps cannot be read.
        ValueError: The model has no optimizer, or several.
    """
    if backend_of(model) not in BACKENDS:
        raise RuntimeError(
            f"LRFinder tests Keras on {', '.join(BACKENDS)}, and this is Keras on {backend_of(model)}"
        )
    if not model.compiled or model.optimizer is None:
        raise ValueError(
            "the model has no optimizer to test: call model.compile(optimizer, loss) first, "
            "with any learning rate"
        )
    several = parts(model.optimizer)
    if len(several) != 1 or is_multi_optimizer(innermost(model.optimizer)):
        names = ", ".join(part.name for part in several) or "chosen by a function"
        raise ValueError(
            f"the model is trained by several optimizers ({names}), each with a learning rate of its own, "
            "and a range test raises one: compile the model with one of them, and test it alone"
        )
    if lr_variable(several[0].optimizer) is None and not has_held_learning_rate(several[0].optimizer):
        raise ValueError(f"{type(several[0].optimizer).__name__} has no learning rate to test")
