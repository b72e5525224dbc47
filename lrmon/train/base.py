"""Base class of LRMonitor, accepted by both Keras 3 and tf_keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrmon.train.private_names.tf_keras import AnswersToTfKeras

if TYPE_CHECKING:
    from keras.callbacks import Callback as KerasCallback
else:
    try:
        from keras.callbacks import Callback as KerasCallback
    except ImportError as keras_error:
        try:
            from tf_keras.callbacks import Callback as KerasCallback
        except ImportError:
            raise ModuleNotFoundError(
                f"lrmon.LRMonitor needs Keras with TensorFlow, JAX or PyTorch, and has none ({keras_error}): "
                "pip install 'lrmon[tensorflow]'. lrmon.Recorder records any training loop without them.",
                name=keras_error.name,
            ) from keras_error


class Callback(AnswersToTfKeras, KerasCallback):
    """A callback of Keras 3, or of tf_keras if that is all there is; both call it."""
