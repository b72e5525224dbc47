"""The loss on data that is held back, in the middle of a sweep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lrmon.train.range_test.restoration import Values


def validation(model: Any, validation_data: Any, batch_size: int | None) -> Callable[[], float]:
    """Returns a function that evaluates the model as it is and returns the loss.

    Args:
        model: Compiled.
        validation_data: (x, y) or (x, y, sample_weight), or a dataset.
        batch_size: Of arrays.
    """
    if isinstance(validation_data, (tuple, list)):
        arguments = dict(zip(("x", "y", "sample_weight"), validation_data, strict=False))
        arguments["batch_size"] = batch_size
    else:
        arguments = {"x": validation_data}

    def validate() -> float:
        # Keras counts both in the same metrics: without this the progress bar would mix them.
        metrics = Values(model.metrics_variables)
        training = getattr(model, "training", None)
        loss = float(model.evaluate(**arguments, verbose=0, return_dict=True)["loss"])
        metrics.put_back()
        if training is not None:
            model.train(training)  # PyTorch's evaluation leaves its modules in their other mode
        return loss

    return validate
