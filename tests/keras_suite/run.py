"""Runs the installed Keras' own tests with an LRMonitor in every fit and without it; compares the verdicts.

Usage: ``python tests/keras_suite/run.py [--backend tensorflow|jax|torch …] [FILE OR FOLDER …]``. The names
are of files and folders below keras/src in the installed package, whose wheel contains its tests; the default
is `SUITE`. The exit status is 1 if a verdict changed, or if a monitor lost a step or stopped recording. A
test that fails in both runs is listed and is no failure of lrmon. A test whose verdict differs runs again,
both ways, with the rest of its file.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT)]

from tests.keras_suite.verdicts import (  # noqa: E402
    MISSING,
    Journal,
    changed,
    differing,
    judged,
    read_journal,
)

SUITE: Final = ("trainers", "callbacks", "optimizers", "models", "distillation", "wrappers")
"""The folders of Keras whose tests fit models, or replace what a fit uses."""

BACKENDS: Final = ("tensorflow", "jax", "torch")
AGAIN: Final = 2
"""How often a test that differed is run again, each way."""
LONGEST: Final = 3600
"""Seconds that one run may take."""


@dataclass(frozen=True)
class Run:
    """One run of pytest over Keras' tests.

    Attributes:
        folder: Holds its journal, its output, and what the monitors record.
        process: Of pytest.
    """

    folder: Path
    process: subprocess.Popen[bytes]

    def result(self) -> Journal:
        """Waits for the run; returns what it wrote down.

        Raises:
            RuntimeError: It did not come to its end.
        """
        try:
            status = self.process.wait(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = -9
        journal = read_journal(self.folder / "journal.jsonl")
        if journal.threads is None:
            output = self.folder / "output.txt"
            last = output.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(
                f"pytest ended with status {status} before its tests did; see {output}:\n{last}"
            )
        return journal


def backend_here() -> str:
    """Returns the backend that Keras takes in this environment where nobody names one."""
    import keras

    return str(keras.backend.backend())


def suite_of_keras() -> Path:
    """Returns the folder of the installed Keras that its tests lie below.

    Raises:
        FileNotFoundError: Keras is not installed, or comes without its tests.
    """
    package = importlib.util.find_spec("keras")
    if package is None or package.origin is None:
        raise FileNotFoundError("Keras is not installed here; `make test-keras` installs it.")
    root = Path(package.origin).parent / "src"
    if not any(root.glob("trainers/*_test.py")):
        raise FileNotFoundError(f"{root} has no tests: this build of Keras comes without them.")
    return root


def started(root: Path, names: list[str], backend: str, folder: Path, *, with_monitor: bool) -> Run:
    """Starts a run of pytest over files and folders below `root`; `folder` is made anew for its files."""
    shutil.rmtree(folder, ignore_errors=True)
    # Some tests write where they stand.
    (folder / "cwd").mkdir(parents=True)
    command = [sys.executable, "-m", "pytest", "-p", "tests.keras_suite.injection"]
    command += ["-c", str(ROOT / "tests/keras_suite/keras.ini"), "--rootdir", str(root)]
    command += [f"--journal={folder / 'journal.jsonl'}"]
    command += [f"--monitor-folder={folder / 'records'}"] if with_monitor else []
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [*command, *(str(root / name) for name in names)],
            cwd=folder / "cwd",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Run(folder, process)


def both(root: Path, names: list[str], backend: str, folder: Path) -> tuple[Journal, Journal]:
    """Runs tests without the monitor and with it, at the same time; returns both journals."""
    runs = [
        started(root, names, backend, folder / name, with_monitor=name == "with")
        for name in ("without", "with")
    ]
    try:
        without, with_monitor = (run.result() for run in runs)
    finally:
        for run in runs:
            if run.process.poll() is None:
                run.process.kill()
                run.process.wait()
    return without, with_monitor


def compare(root: Path, names: list[str], backend: str, folder: Path, *, again: int = AGAIN) -> bool:
    """Runs tests both ways on one backend and prints what came out; returns whether all is well.

    Args:
        root: The tests lie below it.
        names: Of files and folders there.
        backend: Of Keras.
        folder: For the files of the runs, absolute.
        again: How often the file of a test that differed is run again, each way.
    """
    start = time.monotonic()
    without, with_monitor = both(root, names, backend, folder / "all")
    suspects = differing(without.verdicts, with_monitor.verdicts)
    usual, now = [without.verdicts], [with_monitor.verdicts]
    files = sorted({test.split("::")[0] for test in suspects})
    for number in range(again if files else 0):
        pair = both(root, files, backend, folder / f"again-{number}")
        usual.append(pair[0].verdicts)
        now.append(pair[1].verdicts)
    is_changed, is_flaky = changed(suspects, usual, now)
    fits = judged(with_monitor.fits)
    problems = [
        f"{test}: {_in_words(test, usual)} without the monitor, {_in_words(test, now)} with it. "
        f"{with_monitor.errors.get(test, '')}"
        for test in is_changed
    ]
    problems += fits.problems
    if fits.recorded == 0:
        problems.append("no fit was recorded: no test fitted a model, or the monitor did not reach it")

    print(f"{backend}: {_counted(Counter(without.verdicts.values()))}; {time.monotonic() - start:.0f} s")
    print(
        f"  {fits.recorded} fits recorded with all of their {fits.steps} steps, {fits.untrained} made no step"
    )
    for form, count in sorted(fits.forms.items()):
        print(f"    {count} times the monitor stood {form}")
    for reason, count in fits.refused.items():
        print(f"  {count} fits refused: {reason}")
    for test in is_flaky:
        print(f"  flaky, with and without the monitor: {test}")
    for test, verdict in without.verdicts.items():
        if verdict in {"failed", "not collected"} and test not in suspects:
            print(f"  {verdict} with and without the monitor: {test}: {without.errors.get(test, '')}")
    for problem in problems:
        print(f"  PROBLEM {problem}")
    return not problems


def _in_words(test: str, runs: list[dict[str, str]]) -> str:
    return _counted(Counter(verdicts.get(test, MISSING) for verdicts in runs))


def _counted(verdicts: Counter[str]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())


def main(arguments: list[str]) -> int:
    """Compares what the arguments name; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=SUITE, help="files and folders below keras/src")
    parser.add_argument("--backend", action="append", choices=BACKENDS, help="only this one; may be repeated")
    parser.add_argument("--results", type=Path, default=ROOT / "build/keras_suite", help="keeps all output")
    options = parser.parse_args(arguments)
    try:
        root = suite_of_keras()
        well = [
            compare(root, [*options.names], backend, options.results.resolve() / backend)
            for backend in options.backend or BACKENDS
        ]
    except (FileNotFoundError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
