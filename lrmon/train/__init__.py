"""Training: what Keras does inside its step, read there and handed to the recorder."""

from importlib.util import find_spec

for _name in ("keras", "tensorflow"):
    try:
        _found = find_spec(_name) is not None
    except ModuleNotFoundError:
        _found = False
    if not _found:
        raise ModuleNotFoundError(
            f"lrmon.LRMonitor needs Keras 3 and TensorFlow, and {_name} is not installed: "
            "pip install 'lrmon[tensorflow]'. lrmon.Recorder records any training loop without them.",
            name=_name,
        )
