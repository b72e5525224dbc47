"""Private names of tf_keras alone: its legacy optimizers, its loss scaling, and what it asks of callbacks."""

from __future__ import annotations

from typing import Any, Final

from lrmon.train.private_names.name import TF_KERAS, PrivateName

_SETUPS: Final = (TF_KERAS,)

NAMES: Final = (
    PrivateName("loss of compile", "_total_loss_mean", _SETUPS),
    PrivateName("model", "_steps_per_execution", _SETUPS),
    PrivateName("model", "_jit_compile", _SETUPS),
    PrivateName("LossScaleOptimizer", "_loss_scale", _SETUPS),
    PrivateName("optimizer", "_index_dict", _SETUPS),
    PrivateName("optimizer", "_var_key", _SETUPS),
    PrivateName("optimizer", "_built", _SETUPS),
    PrivateName("optimizer", "_tf_api_names", _SETUPS),
    PrivateName("optimizer", "_tf_api_names_v1", _SETUPS),
    PrivateName("legacy optimizer", "_hyper", _SETUPS),
    PrivateName("legacy optimizer", "_slots", _SETUPS),
    PrivateName("legacy optimizer", "_initial_decay", _SETUPS),
    PrivateName("legacy optimizer", "_decayed_lr", _SETUPS),
    PrivateName("legacy optimizer", "_serialize_hyperparameter", _SETUPS),
    PrivateName("callback", "_supports_tf_logs", _SETUPS),
    PrivateName("callback", "_chief_worker_only", _SETUPS),
    PrivateName("callback", "_implements_train_batch_hooks", _SETUPS),
    PrivateName("callback", "_implements_test_batch_hooks", _SETUPS),
    PrivateName("callback", "_implements_predict_batch_hooks", _SETUPS),
)

LEGACY_LEARNING_RATE: Final = "_decayed_lr"
"""The method of a legacy optimizer that evaluates its schedule, or calls the user's function."""

API_MARKS: Final = ("_tf_api_names", "_tf_api_names_v1")
"""Attributes that tf_keras gives every class that it exports."""


class AnswersToTfKeras:
    """What tf_keras asks its callbacks; the callbacks of Keras 3 have no answers."""

    _supports_tf_logs = True
    _chief_worker_only = False

    def _implements_train_batch_hooks(self) -> bool:
        return True

    def _implements_test_batch_hooks(self) -> bool:
        return False

    def _implements_predict_batch_hooks(self) -> bool:
        return False


def loss_mean(model: Any) -> Any:
    """Returns the metric that gets each batch's loss, None if the model has none."""
    return getattr(getattr(model, "compiled_loss", None), "_total_loss_mean", None)


def steps_per_execution(model: Any) -> Any:
    """Returns the variable with the steps of one call of the train function, None before `compile`."""
    return getattr(model, "_steps_per_execution", None)


def is_jit_compiled(model: Any) -> bool:
    """Returns whether the model was compiled with ``jit_compile=True``."""
    return bool(getattr(model, "_jit_compile", None))


def loss_scale(optimizer: Any) -> Any:
    """Returns what decides in a LossScaleOptimizer which updates to skip; None of another optimizer."""
    return getattr(optimizer, "_loss_scale", None)


def is_legacy(optimizer: Any) -> bool:
    """Returns whether it is one of tf_keras' legacy optimizers."""
    return hasattr(optimizer, "_hyper")


def legacy_learning_rate(optimizer: Any) -> Any:
    """Returns the number, schedule or function of a legacy optimizer; its public name hides the decay."""
    return optimizer._hyper.get("learning_rate")


def has_hyperparameter(optimizer: Any, name: str) -> bool:
    """Returns whether a legacy optimizer has a hyperparameter of this name."""
    return name in optimizer._hyper


def hyperparameter(optimizer: Any, name: str) -> float:
    """Returns a hyperparameter of a legacy optimizer as a number."""
    return float(optimizer._serialize_hyperparameter(name))


def initial_decay(optimizer: Any) -> float:
    """Returns the `decay` of a legacy optimizer, 0 of another optimizer."""
    return float(getattr(optimizer, "_initial_decay", 0.0) or 0.0)


def has_slots(optimizer: Any) -> bool:
    """Returns whether a legacy optimizer has made its slot variables."""
    return bool(optimizer._slots)


def is_built(optimizer: Any) -> bool:
    """Returns whether a new optimizer of tf_keras is built."""
    return bool(getattr(optimizer, "_built", False))


def has_positions(optimizer: Any) -> bool:
    """Returns whether it is a new optimizer of tf_keras, which numbers its variables in a dict."""
    return hasattr(optimizer, "_index_dict")


def variable_position(optimizer: Any, variable: Any) -> int:
    """Returns the position of a variable among those that a new optimizer trains.

    Raises:
        KeyError: The optimizer does not train it.
    """
    return int(optimizer._index_dict[optimizer._var_key(variable)])
