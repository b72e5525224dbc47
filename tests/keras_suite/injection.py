"""A pytest plugin that adds an LRMonitor to every fit of the tests that run, and writes down what happened.

Usage: ``pytest -p tests.keras_suite.injection --journal=FILE [--monitor-folder=FOLDER] …``. Without a folder
no monitor is added; that is the control run. The journal holds one JSON object in a line: ``{"test": …}`` for
each test, ``{"fit": …}`` for each fit that got a monitor, and ``{"threads": …}`` as
the last one: those of lrmon that the monitors left behind.
"""

from __future__ import annotations

import functools
import gc
import inspect
import json
import random
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import keras
import pytest

import lrmon

FIRST, MIDDLE, LAST = "first", "in the middle", "last"

_MARKERS: Final = ("requires_trainable_backend", "multi_device")
"""Those of Keras' own conftest.py, which its wheel leaves out."""

_COUNTING: Final = threading.Lock()
"""One for all monitors, since copying a monitor must not copy a lock."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lrmon")
    group.addoption("--journal", required=True, help="the file that says what happened")
    group.addoption("--monitor-folder", help="add an LRMonitor to every fit; it records below this folder")


def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS:
        config.addinivalue_line("markers", f"{marker}: of Keras' own configuration")
    sys.modules.setdefault("conftest", _conftest_of_keras())
    journal = Journal(Path(config.getoption("--journal")))
    config.pluginmanager.register(journal)
    if folder := config.getoption("--monitor-folder"):
        Injection(Path(folder), journal).install()


class Journal:
    """Writes down each test's verdict, and whatever else it is given, as soon as it is known.

    Args:
        path: Of the file, which is made anew.
    """

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        path.write_text("", encoding="utf-8")
        self.test = "outside of any test"
        self._verdict = "passed"
        self._error: str | None = None

    def write(self, entry: dict[str, Any]) -> None:
        """Adds a line. The file is closed in between, so that a test that forks or crashes loses nothing."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.write({"test": report.nodeid, "verdict": "not collected", "error": _last_line(report)})

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.test, self._verdict, self._error = nodeid, "passed", None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        expected_to_fail = hasattr(report, "wasxfail")
        if report.failed:
            self._verdict, self._error = "failed", self._error or _last_line(report)
        elif self._verdict == "passed" and report.skipped:
            self._verdict = "failed as expected" if expected_to_fail else "skipped"
        elif self._verdict == "passed" and expected_to_fail:
            self._verdict = "passed unexpectedly"

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.write({"test": nodeid, "verdict": self._verdict, "error": self._error})

    def pytest_sessionfinish(self) -> None:
        gc.collect()
        threads = [thread for thread in threading.enumerate() if thread.name.startswith("lrmon")]
        for thread in threads:
            thread.join(timeout=5)
        self.write({"threads": [thread.name for thread in threads if thread.is_alive()]})


class WatchedMonitor(lrmon.LRMonitor):
    """An LRMonitor that counts the steps of its fit, and notes a refusal instead of raising it."""

    def __init__(self, log_dir: Path) -> None:
        super().__init__(log_dir, verbose=0)  # What Keras prints is part of its tests.
        self.refusal: str | None = None
        self._begun: list[int] = []
        self._ended: list[int] = []

    @property
    def problem(self) -> str | None:
        """What the warning said, if the monitor stopped recording."""
        return self._problem

    @property
    def begun(self) -> int:
        """Steps that the fit began, or more."""
        return sum(map(max, self._begun, self._ended))

    @property
    def ended(self) -> int:
        """Steps that the fit made."""
        return sum(self._ended)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        try:
            super().on_train_begin(logs)
        except Exception as error:  # noqa: BLE001 - the driver judges it
            self.refusal = f"{type(error).__name__}: {error}"

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._begun.append(0)
        self._ended.append(0)
        super().on_epoch_begin(epoch, logs)

    # Without a list around it, Keras calls a callback from several threads at once, in any order. So the
    # highest batch number of an epoch counts; it starts from 0 in each epoch.

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        with _COUNTING:
            self._begun[-1] = max(self._begun[-1], batch + 1)
        super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        with _COUNTING:
            self._ended[-1] = max(self._ended[-1], batch + 1)
        super().on_train_batch_end(batch, logs)


class Injection:
    """Gives every fit of Keras a monitor of its own.

    Args:
        folder: Each monitor records to a folder below it.
        journal: Gets what became of each fit.
    """

    def __init__(self, folder: Path, journal: Journal) -> None:
        self._folder: Final = folder
        self._journal: Final = journal
        self._count = 0

    def install(self) -> None:
        """Wraps `fit` in the class that defines it, from where every model inherits it."""
        cls = next(each for each in keras.Model.__mro__ if "fit" in vars(each))
        cls.fit = self._around(cls.fit)

    def _around(self, fit: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(fit)

        @functools.wraps(fit)
        def fit_with_monitor(*arguments: Any, **named: Any) -> Any:
            try:
                bound = signature.bind(*arguments, **named)
            except TypeError:
                return fit(*arguments, **named)  # it raises the error that the test is about
            self._count += 1
            number = self._count
            monitor = WatchedMonitor(self._folder / str(number))
            # A generator of its own leaves the tests' random numbers alone; each run chooses the same.
            chance = random.Random(f"{self._journal.test} {number}")
            form, bound.arguments["callbacks"] = with_monitor(
                bound.arguments.get("callbacks"), monitor, arguments[0], chance
            )
            raised = None
            try:
                return fit(*bound.args, **bound.kwargs)
            except BaseException as error:
                raised = type(error).__name__
                raise
            finally:
                without_monitor(bound.arguments["callbacks"], monitor)
                self._journal.write(
                    {
                        "fit": number,
                        "test": self._journal.test,
                        "form": form,
                        "folder": monitor.log_dir,
                        "begun": monitor.begun,
                        "ended": monitor.ended,
                        "refusal": monitor.refusal,
                        "problem": monitor.problem,
                        "raised": raised,
                    }
                )

        return fit_with_monitor


def with_monitor(callbacks: Any, monitor: Any, model: Any, chance: random.Random) -> tuple[str, Any]:
    """Returns `fit`'s argument `callbacks` with the monitor added, and how that was done in words.

    Args:
        callbacks: As a test gave it: None, a callback, a list, a tuple, or a CallbackList, which is changed
            itself until `without_monitor`.
        monitor: Is added, at a place that `chance` chooses.
        model: Trains.
        chance: Chooses.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        position, index = _position(len(callbacks.callbacks), chance)
        # Keras has told the others already.
        monitor.set_params(callbacks.params)
        monitor.set_model(model)
        callbacks.callbacks.insert(index, monitor)
        return f"{position} in a CallbackList", callbacks
    if callbacks is None:
        return ("alone, no list", monitor) if chance.random() < 0.5 else ("alone in a list", [monitor])
    if isinstance(callbacks, (list, tuple)):
        position, index = _position(len(callbacks), chance)
        together = [*callbacks[:index], monitor, *callbacks[index:]]
        kind = type(callbacks).__name__
        return f"{position} in a {kind}", tuple(together) if kind == "tuple" else together
    position, index = _position(1, chance)
    return f"{position}, beside a callback without a list", [[monitor, callbacks], [callbacks, monitor]][
        index
    ]


def without_monitor(callbacks: Any, monitor: Any) -> None:
    """Takes the monitor out of a test's own CallbackList again; other forms were copies."""
    if isinstance(callbacks, keras.callbacks.CallbackList) and monitor in callbacks.callbacks:
        callbacks.callbacks.remove(monitor)


def _position(length: int, chance: random.Random) -> tuple[str, int]:
    """Returns a place in a list of so many callbacks: in words, and as the index to insert at."""
    positions = [(FIRST, 0), (LAST, length)]
    if length > 1:
        positions.append((MIDDLE, chance.randrange(1, length)))
    return chance.choice(positions)


def _last_line(report: pytest.CollectReport | pytest.TestReport) -> str:
    """Returns the error in one line."""
    lines = [line for line in report.longreprtext.splitlines() if line.startswith("E ")]
    return (lines or report.longreprtext.splitlines() or [""])[-1][:300]


def _conftest_of_keras() -> types.ModuleType:
    """Returns a stand-in for Keras' conftest.py, which its wheel leaves out, with what the tests import."""
    module = types.ModuleType("conftest")

    def skip_if_backend(name: str, reason: str) -> pytest.MarkDecorator:
        return pytest.mark.skipif(keras.backend.backend() == name, reason=reason)

    module.skip_if_backend = skip_if_backend  # type: ignore[attr-defined]
    return module
