"""The private names of other packages: all are in one room, and the installed versions have them."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from lrmon.train.private_names import jax, keras, tensorflow, tf_keras
from tests.fits.framework import IS_TF_KERAS, SETUP, VERSION, api

ROOM = Path(keras.__file__).parent
NAMES = (*keras.NAMES, *tf_keras.NAMES, *tensorflow.NAMES, *jax.NAMES)


def trained(optimizer: Any) -> Any:
    """A model after a fit, so that it has everything that training makes."""
    model = api.Sequential([api.layers.Input((1,)), api.layers.Dense(1)])
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(np.ones((2, 1), np.float32), np.ones((2, 1), np.float32), verbose=0)
    return model


def sgd() -> Any:
    optimizer = api.optimizers.SGD(0.1, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return trained(optimizer).optimizer


def trained_callback() -> Any:
    callback = api.callbacks.Callback()
    callback.set_model(trained("sgd"))
    return callback


def seeded_context() -> Any:
    sys.modules["tensorflow"].random.set_seed(1)
    return tensorflow.context()


def traced() -> Any:
    """What JAX passes to a function that it traces."""
    values: list[Any] = []

    def identity(value: Any) -> Any:
        values.append(value)
        return value

    import_module("jax").make_jaxpr(identity)(1.0)
    return values[0]


def global_attributes() -> Any:
    """Keras' global attributes, as something that has them."""
    api.utils.set_random_seed(1)
    api.random.uniform(())
    state = import_module("keras.src.backend.common.global_state")
    names = ("global_seed_generator", "global_random_seed")
    return {name for name in names if state.get_global_attribute(name) is not None}


HOLDERS: dict[str, Callable[[], Any]] = {
    "model": lambda: trained("sgd"),
    "fit": lambda: set(inspect.unwrap(api.Model.fit).__code__.co_varnames),
    "metrics of compile": lambda: (
        trained("sgd").compiled_metrics if IS_TF_KERAS else keras.metrics_of_compile(trained("sgd"))
    ),
    "loss of compile": lambda: (
        trained("sgd").compiled_loss if IS_TF_KERAS else keras.loss_of_compile(trained("sgd"))
    ),
    "metric": api.metrics.MeanSquaredError,
    "callback": trained_callback,
    "ReduceLROnPlateau": api.callbacks.ReduceLROnPlateau,
    "optimizer": sgd,
    "Adam": lambda: trained(api.optimizers.Adam(amsgrad=True)).optimizer,
    "MultiOptimizer": lambda: (
        trained(
            api.optimizers.MultiOptimizer(api.optimizers.OptimizerMap(api.optimizers.SGD(), {}))
        ).optimizer
    ),
    "legacy optimizer": lambda: trained(api.optimizers.legacy.SGD()).optimizer,
    "LossScaleOptimizer": lambda: api.mixed_precision.LossScaleOptimizer(api.optimizers.SGD()),
    "global state": lambda: import_module("keras.src.backend.common.global_state"),
    "global attributes": global_attributes,
    "context": seeded_context,
    "default strategy": lambda: {type(sys.modules["tensorflow"].distribute.get_strategy()).__name__},
    "tracer": traced,
    "trace": lambda: jax.trace_of(traced()),
}
"""By the holder of a private name, one of it: an object, or the set of its names."""


def lacking() -> Iterator[str]:
    holders: dict[str, Any] = {}
    jax_version = import_module("jax").__version_info__ if SETUP == "jax" else ()
    for name in NAMES:
        if not name.is_in(SETUP, jax_version if name in jax.NAMES else VERSION):
            continue
        if name.holder not in holders:
            holders[name.holder] = HOLDERS[name.holder]()
        holder = holders[name.holder]
        if not (name.name in holder if isinstance(holder, set) else hasattr(holder, name.name)):
            yield f"{SETUP}: {name.holder} has no {name.name}"


def test_the_installed_versions_have_every_private_name() -> None:
    assert [] == list(lacking())


def private_names(source: str) -> set[str]:
    """The names with one underscore that a source reads from other objects, or quotes outside of `NAMES`."""
    names: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "NAMES":
            continue
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) not in ("self", "cls"):
            names.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
        waiting += ast.iter_child_nodes(node)
    return {name for name in names if re.fullmatch(r"_[a-z]\w*[a-z\d]", name, re.IGNORECASE)}


OWN = {
    "_getframe",  # of the module sys
    "_abc_impl",  # what ABCMeta leaves in a class
    "_Hook",  # a type variable
    "_optimizer",  # an attribute of the user's model
}
"""Names with an underscore that are no private names of the frameworks."""


def test_only_one_room_knows_private_names() -> None:
    training = [path for path in ROOM.parent.rglob("*.py") if path.parent != ROOM]
    defined = {
        name
        for path in training
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [node.name]
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))
            else [node.attr]
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            else []
        )
    }
    used = {name: path.name for path in training for name in private_names(path.read_text())}

    assert 40 < len(training)
    assert {} == {name: path for name, path in used.items() if name not in defined | OWN}


def test_the_room_uses_every_name_that_it_lists_and_no_other() -> None:
    used = {name for path in ROOM.glob("*.py") for name in private_names(path.read_text())}
    answers = {name for name in vars(tf_keras.AnswersToTfKeras) if not name.startswith("__")}
    listed = {name.name for name in NAMES if name.name.startswith("_")}

    assert listed == used | answers | {"_self_setattr_tracking"}
