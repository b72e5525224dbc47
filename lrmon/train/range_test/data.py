"""The data of a sweep: can it be read again, how many batches has an epoch, what does `fit` get."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_READ_BY_KERAS: Final = frozenset(
    {"DatasetV2", "DistributedDatasetInterface", "PyDataset", "DataLoader", "DataAdapter", "MapDataset",
     "IterDataset"}
)  # fmt: skip
"""Names of the classes that Keras reads by itself, and from their start in every epoch: of tf.data, of Keras,
of PyTorch and of Grain. By name, so that none of them is imported."""

_DEFAULT_BATCH_SIZE: Final = 32
"""Keras'."""


@dataclass(frozen=True, slots=True)
class Data:
    """What a sweep reads.

    Attributes:
        arguments: Of `fit`: x, y, sample_weight, class_weight, batch_size, shuffle, as far as given.
        restart: Returns the batches from the start, where Keras does not do that by itself.
        steps_per_epoch: Batches from the start to the end; None where nobody says.
    """

    arguments: Mapping[str, Any]
    restart: Callable[[], Iterator[Any]] | None
    steps_per_epoch: int | None

    def fit_arguments(self, steps: int) -> dict[str, Any]:
        """Returns the arguments of a `fit` that makes so many steps at least, reading again as needed."""
        if self.restart is not None:
            once = {**self.arguments, "x": _repeated(self.restart)}
            return {**once, "epochs": 1, "steps_per_epoch": steps}
        if self.steps_per_epoch is None:
            x = self.arguments["x"]
            if hasattr(x, "repeat"):  # tf.data; Keras warns of an end that it did not know of
                return {**self.arguments, "x": x.repeat(), "epochs": 1, "steps_per_epoch": steps}
            # An epoch has a batch at least.
            return {**self.arguments, "epochs": steps}
        if self.steps_per_epoch >= steps:
            return {**self.arguments, "epochs": 1, **self._only(steps)}
        return {**self.arguments, "epochs": -(-steps // self.steps_per_epoch)}

    def _only(self, steps: int) -> dict[str, Any]:
        return {} if steps == self.steps_per_epoch else {"steps_per_epoch": steps}

    def first_batch(self) -> Any:
        """Returns one batch, (x,), (x, y) or (x, y, sample_weight), to build a model by."""
        if self.restart is not None:
            return next(self.restart())
        x = self.arguments["x"]
        if _is_read_by_keras(x):
            return x[0] if hasattr(x, "__getitem__") else next(iter(x))
        map_structure = sys.modules["keras"].tree.map_structure
        parts = (x, self.arguments.get("y"), self.arguments.get("sample_weight"))
        return tuple(
            map_structure(lambda array: array[:1], part) if part is not None else None for part in parts
        )


def checked_data(
    x: Any, y: Any, *, batch_size: int | None, sample_weight: Any, class_weight: Any, shuffle: bool
) -> Data:
    """Returns the data of a sweep.

    Args:
        x: As `fit` takes it, or a function that returns an iterator of batches, or an object whose `iter()`
            begins anew.
        y: As `fit` takes it.
        batch_size: As `fit` takes it.
        sample_weight: As `fit` takes it.
        class_weight: As `fit` takes it.
        shuffle: As `fit` takes it.

    Raises:
        TypeError: It can be read once only, or is nothing that holds batches.
    """
    given = {"x": x, "y": y, "sample_weight": sample_weight, "class_weight": class_weight}
    # Keras warns where it is told to shuffle what it cannot.
    shuffles = shuffle and (_is_array(x) or hasattr(x, "num_batches"))
    given |= {"batch_size": batch_size, "shuffle": None if shuffles else False}
    arguments = {name: value for name, value in given.items() if value is not None or name == "x"}
    if x is None:
        raise TypeError("find needs data: x is None")
    if _is_read_by_keras(x):
        return Data(arguments, None, _batches_of_dataset(x))
    if _is_array(x):
        samples = _samples(x)
        return Data(arguments, None, samples and -(-samples // (batch_size or _DEFAULT_BATCH_SIZE)))
    if hasattr(x, "__next__"):
        raise TypeError(
            f"find cannot start this {type(x).__name__} anew, and a range test must not use up your data: "
            "give the function that returns it (find(make_batches), not find(make_batches())), an object "
            "whose iter() begins anew, arrays, a tf.data.Dataset, a PyDataset or a DataLoader"
        )
    if not callable(x) and not hasattr(x, "__iter__"):
        raise TypeError(f"find takes data as fit does, got {type(x).__module__}.{type(x).__name__}")
    return Data(arguments, lambda: _begun(x), _length(x))


def _begun(x: Any) -> Iterator[Any]:
    batches = x if hasattr(x, "__iter__") else x()
    if not hasattr(batches, "__iter__"):
        raise TypeError(
            "x is a function, and find calls it for an iterator of batches; "
            f"it returned {type(batches).__module__}.{type(batches).__name__}"
        )
    return iter(batches)


def _repeated(restart: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    while True:
        count = 0
        for batch in restart():
            count += 1
            yield batch
        if not count:
            return


def _is_array(x: Any) -> bool:
    return hasattr(x, "shape") or isinstance(x, (list, tuple, dict))


def _is_read_by_keras(x: Any) -> bool:
    return any(base.__name__ in _READ_BY_KERAS for base in type(x).__mro__)


def _batches_of_dataset(x: Any) -> int | None:
    if hasattr(x, "cardinality"):
        count = int(x.cardinality())  # tf.data: -1 for one without end, -2 where it does not know
        return count if count >= 0 else None
    if hasattr(x, "num_batches"):
        return None if x.num_batches is None else int(x.num_batches)
    return _length(x)


def _length(x: Any) -> int | None:
    try:
        return len(x)
    except (TypeError, NotImplementedError):
        return None


def _samples(x: Any) -> int | None:
    leaves = [leaf for leaf in sys.modules["keras"].tree.flatten(x) if leaf is not None]
    shape = getattr(leaves[0], "shape", None) if leaves else None
    return int(shape[0]) if shape else _length(x)
