"""Private names of Keras 3, and those that Keras 3 and tf_keras share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Final

from lrmon.train.private_names.name import ALL, JAX, KERAS_3, PrivateName

NAMES: Final = (
    PrivateName("model", "_metrics", ALL),
    PrivateName("model", "_flatten_layers", ALL),
    PrivateName("model", "_loss_tracker", KERAS_3),
    PrivateName("model", "_compile_metrics", KERAS_3),
    PrivateName("model", "_compile_loss", KERAS_3),
    PrivateName("model", "_symbolic_build", KERAS_3),
    PrivateName("model", "_make_function", (JAX,)),
    PrivateName("model", "_get_state_sharding_spec", (JAX,), since=(3, 12)),
    PrivateName("model", "_jax_state", (JAX,)),
    PrivateName("model", "_jax_state_synced", (JAX,)),
    PrivateName("fit", "val_x", ALL),
    PrivateName("metrics of compile", "_user_metrics", ALL),
    PrivateName("metrics of compile", "_user_weighted_metrics", ALL),
    PrivateName("loss of compile", "_user_loss", KERAS_3),
    PrivateName("loss of compile", "_user_loss_weights", KERAS_3),
    PrivateName("metric", "_direction", KERAS_3),
    PrivateName("callback", "_model", KERAS_3),
    PrivateName("ReduceLROnPlateau", "_set_monitor_op", KERAS_3, since=(3, 11)),
    PrivateName("optimizer", "_iterations", ALL),
    PrivateName("optimizer", "_learning_rate", ALL),
    PrivateName("optimizer", "_variables", KERAS_3),
    PrivateName("optimizer", "_trainable_variables", KERAS_3),
    PrivateName("optimizer", "_get_variable_index", KERAS_3),
    PrivateName("optimizer", "_get_current_learning_rate", KERAS_3),
    PrivateName("optimizer", "_backend_update_step", KERAS_3),
    PrivateName("optimizer", "_exclude_from_weight_decay", KERAS_3),
    PrivateName("optimizer", "_exclude_from_weight_decay_pattern", KERAS_3),
    PrivateName("Adam", "_velocities", ALL),
    PrivateName("Adam", "_velocity_hats", ALL),
    PrivateName("MultiOptimizer", "_optimizer_map", KERAS_3, since=(3, 15)),
    PrivateName("global state", "get_global_attribute", KERAS_3),
    PrivateName("global state", "set_global_attribute", KERAS_3),
    PrivateName("global attributes", "global_seed_generator", KERAS_3),
    PrivateName("global attributes", "global_random_seed", KERAS_3),
)

VALIDATION_INPUTS: Final = "val_x"
"""The local variable of `fit` with the inputs that `validation_split` split off."""

UPDATE_STEP: Final = "_backend_update_step"
"""The method of an optimizer that gets gradients, variables and the learning rate of an update."""

CURRENT_LEARNING_RATE: Final = "_get_current_learning_rate"
"""The method of an optimizer that evaluates its schedule, or calls the user's function."""

VELOCITIES: Final = "_velocities"
LARGEST_VELOCITIES: Final = "_velocity_hats"
"""Adam's second moments, without and with amsgrad."""

MAKE_FUNCTION: Final = "_make_function"
"""The method of a model on JAX that makes the loop over the compiled step."""

STATE_SHARDING: Final = "_get_state_sharding_spec"
"""The method of a model on JAX with the sharding that `jax.jit` gets for the state."""

CALLBACK_MODEL: Final = "_model"
"""The attribute of a Keras 3 callback with its model."""

_COMPILED: Final = ("_compile_metrics", "_compile_loss")
_WEIGHT_DECAY_EXCLUSIONS: Final = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")
_RANDOM_STATE: Final = ("global_seed_generator", "global_random_seed")


def loss_tracker(model: Any) -> Any:
    """Returns the metric of a Keras 3 model that gets each batch's loss, None if the model has none."""
    return getattr(model, "_loss_tracker", None)


def held_metrics(model: Any) -> Iterable[Any]:
    """Returns the metrics that a model holds as attributes."""
    return getattr(model, "_metrics", None) or ()


def layers_with_nested(model: Any, *, include_self: bool = True) -> Iterable[Any]:
    """Returns the layers of a model, and the layers in them."""
    layers: Iterable[Any] = model._flatten_layers(include_self=include_self)
    return layers


def build_symbolically(model: Any, batch: Any) -> None:
    """Builds a model for a batch, without computing."""
    model._symbolic_build(data_batch=batch)


def metrics_of_compile(model: Any) -> Any:
    """Returns the metric that contains those of `compile`, None before `compile`."""
    return getattr(model, "_compile_metrics", None)


def loss_of_compile(model: Any) -> Any:
    """Returns the object that contains the losses of `compile`, None before `compile`."""
    return getattr(model, "_compile_loss", None)


def user_metrics(container: Any) -> list[Any]:
    """Returns `metrics=` and `weighted_metrics=` of `compile`, as the user gave them."""
    return [getattr(container, name, None) for name in ("_user_metrics", "_user_weighted_metrics")]


def compiled_parts(model: Any) -> dict[str, Any]:
    """Returns the attributes with the metrics and losses of `compile`, for `set_compiled_parts`."""
    return {name: vars(model).get(name) for name in _COMPILED}


def set_compiled_parts(model: Any, compiled: Mapping[str, Any]) -> None:
    """Sets what `compiled_parts` returned."""
    vars(model).update(compiled)


def clear_compiled_parts(model: Any) -> None:
    """Sets the metrics and losses of `compile` to None."""
    vars(model).update(dict.fromkeys(_COMPILED))


def copy_unbuilt_compiled_parts(model: Any) -> None:
    """Replaces unbuilt metrics and losses of `compile` with copies, so that the originals stay unbuilt."""
    attributes = vars(model)
    metrics, loss = (attributes.get(name) for name in _COMPILED)
    if metrics is not None and not metrics.built:
        attributes["_compile_metrics"] = type(metrics)(
            metrics._user_metrics, metrics._user_weighted_metrics, output_names=metrics.output_names
        )
    if loss is not None and not loss.built:
        attributes["_compile_loss"] = type(loss)(
            loss._user_loss, loss._user_loss_weights, output_names=loss.output_names
        )


def unsynced_state(model: Any) -> dict[str, Any] | None:
    """Returns the state that `fit` on JAX passes from step to step, None if the variables have the values."""
    state: dict[str, Any] | None = getattr(model, "_jax_state", None)
    return None if not state or getattr(model, "_jax_state_synced", True) else state


def metric_direction(metric: Any) -> str | None:
    """Returns ``up`` or ``down`` of a metric that knows how it improves, None of another."""
    direction: str | None = getattr(metric, "_direction", None)
    return direction


def model_of_callback(callback: Any) -> Any:
    """Returns the model of a callback of either Keras, None if it has none.

    In Keras 3, the public `model` would copy JAX' state into the variables.
    """
    return getattr(callback, "_model", None) or getattr(callback, "model", None)


def asks_metric_for_direction(callback: Any) -> bool:
    """Returns whether a callback with mode ``auto`` asks the metric object how it improves."""
    return hasattr(callback, "_set_monitor_op")


def counter(optimizer: Any) -> Any:
    """Returns the variable that the schedule sees; `iterations` counts updates when gradients accumulate."""
    raw = getattr(optimizer, "_iterations", None)
    return optimizer.iterations if raw is None else raw


def held_learning_rate(optimizer: Any) -> Any:
    """Returns the variable, schedule or function that a Keras optimizer holds, None if it has none."""
    return getattr(optimizer, "_learning_rate", None)


def has_held_learning_rate(optimizer: Any) -> bool:
    """Returns whether a Keras optimizer has a learning rate of its own."""
    return hasattr(optimizer, "_learning_rate")


def current_learning_rate(optimizer: Any) -> Any:
    """Returns the learning rate of the optimizer's next update, as the optimizer computes it."""
    return optimizer._get_current_learning_rate()


def own_variables(optimizer: Any) -> list[Any]:
    """Returns the optimizer's own variables, those of an inner optimizer apart."""
    variables: list[Any] = optimizer._variables
    return variables


def variables_trained_by(optimizer: Any) -> list[Any]:
    """Returns the variables that a built optimizer trains, an empty list if it does not say."""
    return list(getattr(optimizer, "_trainable_variables", ()))


def variable_position(optimizer: Any, variable: Any) -> int:
    """Returns the position of a variable among those that a Keras 3 optimizer trains.

    Raises:
        KeyError: The optimizer does not train it.
    """
    return int(optimizer._get_variable_index(variable))


def weight_decay_exclusions(optimizer: Any) -> dict[str, Any]:
    """Returns what `exclude_from_weight_decay` set; it is not in the config."""
    return {name: getattr(optimizer, name) for name in _WEIGHT_DECAY_EXCLUSIONS if hasattr(optimizer, name)}


def optimizer_map(optimizer: Any) -> Any:
    """Returns the map from variables to optimizers of a MultiOptimizer, None of another optimizer."""
    return getattr(optimizer, "_optimizer_map", None)


def is_multi_optimizer(optimizer: Any) -> bool:
    """Returns whether the optimizer is a MultiOptimizer."""
    return hasattr(optimizer, "_optimizer_map")


def random_state() -> dict[str, Any]:
    """Returns Keras' global seed generator and seed."""
    return {name: _global_state().get_global_attribute(name) for name in _RANDOM_STATE}


def set_random_state(attributes: Mapping[str, Any]) -> None:
    """Sets what `random_state` returned."""
    for name, value in attributes.items():
        _global_state().set_global_attribute(name, value)


def clear_random_state() -> None:
    """Sets Keras' global seed generator and seed to None."""
    set_random_state(dict.fromkeys(_RANDOM_STATE))


def _global_state() -> Any:
    return import_module("keras.src.backend.common.global_state")
