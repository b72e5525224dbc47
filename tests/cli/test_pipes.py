"""The command in pipelines: its reader may leave before the end, or not be there at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lrmon
from tests.review.written import START

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-m", "lrmon"]
# Written at once, an output of argparse's own that nobody takes is no error to argparse.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
STEPS = 5_000


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a log directory of one run, whose export is longer than any pipe holds."""
    folder = tmp_path_factory.mktemp("logs")
    with lrmon.Recorder(folder / "run", run={"steps_per_epoch": 500}) as recorder:
        recorder.batches(
            learning_rate=np.full(STEPS, 0.1),
            loss=1.0 / (1 + np.arange(STEPS)),
            wall_time=START + np.arange(STEPS),
        )
    return folder


def without_reader(*arguments: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [*COMMAND, *arguments], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    return process


def test_a_reader_that_leaves_ends_the_command_without_a_word(log_dir: Path) -> None:
    logs = str(log_dir)
    commands = {
        "list": ["list", logs],
        "report": ["report", logs],
        "brief": ["report", logs, "--brief"],
        "json": ["report", logs, "--json"],
        "csv": ["export", logs, "--run", "run"],
        "help": ["report", "--help"],
        "version": ["--version"],
    }
    running = {name: without_reader(*arguments) for name, arguments in commands.items()}
    ended = {}
    for name, process in running.items():
        assert process.stderr is not None
        with process:
            said = process.stderr.read()
            ended[name] = process.wait(60), said

    assert dict.fromkeys(commands, (141, b"")) == ended


def test_the_first_line_can_be_taken_of_many(log_dir: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "export", str(log_dir), "--run", "run"],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()

    assert first.startswith(b"step,iteration,epoch,time,learning_rate,")
    assert (141, b"") == (process.returncode, said)


@pytest.mark.parametrize(
    ("redirections", "arguments", "status"),
    [
        (">&-", ["report", "{logs}"], 0),
        (">&-", ["export", "{logs}", "--run", "run"], 0),
        ("2>&-", ["report", "{logs}", "--run", "other"], 2),
        (">&- 2>&- <&-", ["list", "{logs}"], 0),
    ],
)
def test_streams_that_the_shell_closed_change_no_exit_status(
    log_dir: Path, redirections: str, arguments: list[str], status: int
) -> None:
    ended = subprocess.run(
        [
            "sh",
            "-c",
            f'exec "$@" {redirections}',
            "sh",
            *COMMAND,
            *(each.format(logs=log_dir) for each in arguments),
        ],
        env=ENVIRONMENT,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (status, b"", b"") == (ended.returncode, ended.stdout, ended.stderr)


def test_an_error_that_nobody_reads_is_quiet_too(log_dir: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "report", str(log_dir / "nothing")],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    process.stderr.close()
    with process:
        assert process.stdout is not None
        out = process.stdout.read()

    assert (141, b"") == (process.returncode, out)


def test_a_disk_that_takes_nothing_is_an_error(log_dir: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*COMMAND, "list", str(log_dir)],
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )

    assert (2, b"lrmon: [Errno 28] No space left on device\n") == (ended.returncode, ended.stderr)
