"""Step records of a model's replicas: each replica writes its own, and the host combines them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import tensorflow as tf

_T = TypeVar("_T")
_Rows = npt.NDArray[np.float64]

LOSS, SAMPLES = 0, 1
"""The columns that replicas do not share: the loss of a replica's samples, and how many it had."""

_STEPS_PER_EXCHANGE: Final = 64
"""Few enough that a run can be followed, enough that an exchange costs nothing beside them."""


class ReplicaRecords:
    """Step records of the latest steps of the replicas in this process.

    The loss of a global batch is Σ n·loss / Σ n over its replicas, as Keras' own tracker weights them; the
    other columns are the first replica's, since all make the same update.

    Args:
        strategy: What distributes the training.
        depth: Step records kept.
    """

    def __init__(self, strategy: Any, depth: int) -> None:
        self.several: Final = strategy.num_replicas_in_sync > 1
        distributed = strategy is not _in_own_thread(tf.distribute.get_strategy)
        devices = strategy.extended.worker_devices if distributed else (None,)
        self._tables = [_Table(depth, device) for device in devices]
        self._strategy: Final = strategy
        self._depth: Final = depth

    def write(self, values: Sequence[Any]) -> None:
        """Writes the step record of a step, within the step, on the replica that makes it."""
        self._tables[self.replica()].write(values)

    def count(self) -> int:
        """Returns of how many steps step records can be read; waits for the device."""
        return self.written()

    def written(self) -> int:
        """Returns how many steps have run."""
        return min(table.count() for table in self._tables)

    def read(self, start: int, stop: int) -> _Rows:
        """Returns [n, width]: steps `start` to `stop`, less the first where they are overwritten."""
        own = self._own(start, stop)
        if self.several:
            _complete(own[0], np.sum([_summands(rows) for rows in own], axis=0))
        return own[0]

    def last(self) -> _Rows | None:
        """Returns [1, width], the latest step record of the first replica; None if there is none."""
        written = self.written()
        if not written:
            return None
        return self._tables[0].read(np.array([(written - 1) % self._depth]))

    def _own(self, start: int, stop: int) -> list[_Rows]:
        """By replica, its step records."""
        index = np.arange(max(start, self.written() - self._depth), stop) % self._depth
        return [table.read(index) for table in self._tables]

    def replica(self) -> int:
        """Returns which of the replicas in this process runs."""
        if len(self._tables) == 1:
            return 0
        context = tf.distribute.get_replica_context()
        return int(tf.get_static_value(context.replica_id_in_sync_group)) % len(self._tables)


class WorkersRecords(ReplicaRecords):
    """Step records of several processes, which each have only their own replicas' losses.

    They exchange them at places that are the same in every process, from the thread that trains: one that
    waits there alone waits for ever. In between only what has been exchanged can be read.
    """

    def __init__(self, strategy: Any, depth: int) -> None:
        super().__init__(strategy, depth)
        self._exchanged = 0
        self._unexchanged_steps = 0
        self._held: _Rows | None = None

    def count(self) -> int:
        return self._exchanged

    def read(self, start: int, stop: int) -> _Rows:
        index = np.arange(max(start, self._exchanged - self._depth), stop) % self._depth
        return np.zeros((0, 0)) if self._held is None else self._held[index]

    def execution_ended(self, steps: int) -> None:
        """Exchanges now and then."""
        self._unexchanged_steps += steps
        if self._unexchanged_steps >= _STEPS_PER_EXCHANGE:
            self.exchange()

    def exchange(self) -> None:
        """Takes the losses of all processes for the step records since the last exchange."""
        self._hold(lambda own: self._over_all_workers([_summands(rows) for rows in own]))

    def hold_own(self) -> None:
        """Takes this process's step records alone; those since the last exchange have no loss."""
        self._hold(lambda own: np.full((len(own[0]), 2), np.nan))

    def _hold(self, summands: Callable[[list[_Rows]], _Rows]) -> None:
        self._unexchanged_steps = 0
        start, stop = self._exchanged, self.written()
        if start == stop:
            return
        own = self._own(start, stop)
        rows = own[0]
        _complete(rows, summands(own))
        if self._held is None:
            self._held = np.zeros((self._depth, rows.shape[1]))
        self._held[np.arange(stop - len(rows), stop) % self._depth] = rows
        self._exchanged = stop

    def _over_all_workers(self, summands: list[_Rows]) -> _Rows:
        values = self._strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(summands[context.replica_id_in_sync_group % len(summands)])
        )
        total: _Rows = self._strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None).numpy()
        return total


def rows_of(strategy: Any, depth: int) -> ReplicaRecords:
    """Returns the step records of a model that `strategy` distributes, none of them written."""
    several = strategy.num_replicas_in_sync > 1
    if several and strategy.num_replicas_in_sync > len(strategy.extended.worker_devices):
        return WorkersRecords(strategy, depth)
    return ReplicaRecords(strategy, depth)


class _Table:
    """Step records in a variable of one device, written by a scatter."""

    def __init__(self, depth: int, device: str | None) -> None:
        self._depth: Final = depth
        self._device: Final = device
        self._rows: Any = None
        self._count = self._variable(lambda: tf.zeros((), tf.int64), "lrmon_count")

    def write(self, values: Sequence[Any]) -> None:
        if self._rows is None:
            # float64 holds float32 learning rates and losses and every count below 2^53 exactly.
            self._rows = self._variable(
                lambda: tf.zeros((self._depth, len(values)), tf.float64), "lrmon_rows"
            )
        missing = len(values) - int(self._rows.shape[1])
        if missing > 0:
            # Only where nothing is compiled: a graph keeps the variable that it was traced with.
            self._rows = tf.Variable(
                tf.pad(self._rows, [[0, 0], [0, missing]], constant_values=np.nan), trainable=False
            )
        row = tf.stack([tf.cast(value, tf.float64) for value in values])
        written = self._rows.scatter_nd_update([[self._count % self._depth]], [row])
        # A reader in another thread that sees the count must see the step record.
        with tf.control_dependencies([written] if tf.inside_function() else []):
            self._count.assign_add(1)

    def count(self) -> int:
        return int(self._count.numpy())

    def read(self, index: npt.NDArray[np.int64]) -> _Rows:
        """Returns [n, width]."""
        held = np.zeros((self._depth, 0)) if self._rows is None else self._rows.numpy()
        rows: _Rows = held[index]
        return rows

    def _variable(self, value: Callable[[], Any], name: str) -> Any:
        def make() -> Any:
            return tf.Variable(value(), trainable=False, name=name)

        def make_on_device() -> Any:
            with tf.device(self._device):
                return make()

        if self._device is not None:
            # In the strategy's scope it would become a variable of all replicas.
            return _in_own_thread(make_on_device)
        with tf.init_scope():
            return make()


def _in_own_thread(make: Callable[[], _T]) -> _T:
    """What `make` returns where no graph, scope or strategy is entered: those are each thread's own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(make).result()


def _summands(rows: _Rows) -> _Rows:
    """[n, 2]: n·loss and n. A replica that had no samples adds nothing, whatever its loss."""
    samples = rows[:, SAMPLES]
    return np.stack([np.where(samples > 0, samples * rows[:, LOSS], 0.0), samples], axis=1)


def _complete(rows: _Rows, summands: _Rows) -> None:
    """Puts loss and samples of the global batches into the first replica's step records."""
    with np.errstate(invalid="ignore", divide="ignore"):
        rows[:, LOSS] = summands[:, 0] / summands[:, 1]
    rows[:, SAMPLES] = summands[:, 1]
