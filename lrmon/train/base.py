"""The class that LRMonitor is one of, so that either Keras takes it as a callback."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


class Callback(KerasCallback):
    """A callback of Keras 3, or of tf_keras where that is all there is; both call it.

    tf_keras asks its callbacks a few questions that Keras 3's do not answer by themselves.
    """

    _supports_tf_logs = True
    _chief_worker_only = False

    def _implements_train_batch_hooks(self) -> bool:
        return True

    def _implements_test_batch_hooks(self) -> bool:
        return False

    def _implements_predict_batch_hooks(self) -> bool:
        return False
