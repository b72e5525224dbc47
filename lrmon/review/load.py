"""Reads recorded runs: ``lrmon.load``."""

from __future__ import annotations

import os

from lrmon.review.reading.log_directory import open_logs
from lrmon.review.reading.run_cache import RunCache
from lrmon.review.runs import Runs


def load(logdir: str | os.PathLike[str]) -> Runs:
    """Returns the runs of a log directory by name, each with numpy columns.

    The result is a dictionary with a repr of one line and a table for notebooks.

    ```python
    run = lrmon.load("logs")["run1"]
    run.learning_rate, run.loss, run.step                    # aligned, every step
    print(lrmon.report(run, lrmon.PlateauRule("val_loss", patience=3)))
    ```

    Args:
      logdir: the log directory, as for ``tensorboard --logdir``.

    Raises:
      FileNotFoundError: if there is no such folder.
      NotADirectoryError: if it is a file.
    """
    with open_logs(logdir) as reader:
        cache = RunCache()
        names = cache.overview(reader).runs
        return Runs(os.fspath(logdir), {name: cache.run(reader, name) for name in names})
