"""Past runs in Python: ``lrmon.load``."""

from __future__ import annotations

import os

from lrmon.review.reading.log_directory import open_logs
from lrmon.review.reading.run_cache import Library
from lrmon.review.run.run import Run


def load(logdir: str | os.PathLike[str]) -> dict[str, Run]:
    """Returns the runs of a log directory by name, each with numpy columns.

    ```python
    run = lrmon.load("logs")["run1"]
    run.learning_rate, run.loss, run.step                    # aligned, every step
    print(lrmon.report(run, lrmon.PlateauRule("val_loss", patience=3)))
    ```

    Args:
      logdir: what ``tensorboard --logdir`` is given.

    Raises:
      FileNotFoundError: if there is no such folder.
      NotADirectoryError: if it is none.
    """
    with open_logs(logdir) as source:
        library = Library()
        return {name: library.run(source, name) for name in library.overview(source).runs}
