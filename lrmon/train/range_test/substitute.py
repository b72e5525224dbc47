"""The optimizer of a sweep: like the model's own, with a learning rate that can be set."""

from __future__ import annotations

import copy
import warnings
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from lrmon.train.private_names.keras import (
    counter,
    held_learning_rate,
    own_variables,
    variables_trained_by,
    weight_decay_exclusions,
)


def substitute(model: Any, learning_rate: float) -> Any:
    """Returns an optimizer of the same class and settings as the model's, built, where that one stands now.

    Slots, iterations and loss scale are copies: a sweep of a model in the middle of its training goes on from
    there. Only the learning rate is a number of its own, whatever it was: number, schedule or function.

    Args:
        model: Built and compiled. Nothing of it is changed.
        learning_rate: To begin with.

    Raises:
        ValueError: The optimizer cannot be made again from its `get_config()`.
    """
    original = model.optimizer
    with _scope(model):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that a function as learning rate cannot be saved
                optimizer = _copied(original, learning_rate)
        except Exception as error:
            raise ValueError(
                "find trains with a second optimizer like the model's, and "
                f"{type(original).__name__} cannot be made again from its get_config() "
                f"({type(error).__name__}: {error})"
            ) from error
        if not optimizer.built:
            optimizer.build(variables_trained_by(original) or model.trainable_variables)
    for old, new in zip(_chain(original), _chain(optimizer), strict=True):
        if original.built:
            for provenance, target in zip(_state(old), _state(new), strict=True):
                target.assign(provenance)
        else:
            counter(new).assign(counter(old))
    return optimizer


def _copied(optimizer: Any, learning_rate: float) -> Any:
    config = copy.deepcopy(optimizer.get_config())
    inner = getattr(optimizer, "inner_optimizer", None)
    if inner is None:
        made = type(optimizer).from_config({**config, "learning_rate": learning_rate})
    else:
        config.pop("inner_optimizer")
        made = type(optimizer)(_copied(inner, learning_rate), **config)
    for name, value in weight_decay_exclusions(optimizer).items():
        setattr(made, name, copy.copy(value))
    return made


def _chain(optimizer: Any) -> list[Any]:
    """The optimizer and those in it."""
    inner = getattr(optimizer, "inner_optimizer", None)
    return [optimizer] if inner is None else [optimizer, *_chain(inner)]


def _state(optimizer: Any) -> list[Any]:
    """Its own variables but for the learning rate, in the order in which every one of its class has them."""
    lr = held_learning_rate(optimizer)
    return [variable for variable in own_variables(optimizer) if variable is not lr]


def _scope(model: Any) -> AbstractContextManager[Any]:
    """Where the model's variables are made: under a tf.distribute.Strategy in its scope."""
    strategy = getattr(model, "distribute_strategy", None)
    return nullcontext() if strategy is None else strategy.scope()
