"""What the command prints: a width that it keeps, a line for a run, names that were nearly right."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest

import lrmon
from lrmon import cli
from lrmon.text.widths import cells
from tests.review.range_tests import record_range_test, three_sweeps
from tests.review.written import START

ROOT = Path(__file__).parent.parent.parent
LONG = "experiments/2025-11/digits-convolutional-adam-lr0.001-batch128-warmup500-seed17/fold-3"
METRICS = ("val_loss", "loss", "sparse_categorical_accuracy", "val_sparse_categorical_accuracy")


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns runs with what makes lines long: names, many steps, metrics, optimizers, other scripts."""
    folder = tmp_path_factory.mktemp("logs")
    about = {
        "steps_per_epoch": 40,
        "optimizer": {"class_name": "MyVeryOwnAdaptiveOptimizerWithMomentum", "config": {}},
        "schedule": {"class_name": "CosineDecayRestarts", "config": {}},
    }
    for name, epochs, first in (
        (LONG, 12, 1_234_000),
        ("学习率/实验-一", 30, 0),
        ("one epoch", 1, 0),
        ("b\x1b[2Jad", 4, 0),
    ):
        with lrmon.Recorder(folder / name, run={**about, "initial_epoch": 0}, first_step=first) as recorder:
            for epoch in range(epochs):
                steps = 40 * epoch + np.arange(40)
                loss = np.where((name == LONG) & (epoch > 10), math.nan, 1.0 / (1 + steps))
                recorder.batches(
                    learning_rate=0.123456 * 0.9537 ** (steps // 33),
                    loss=loss,
                    wall_time=START + steps,
                )
                recorder.end_epoch(dict.fromkeys(METRICS, 1.23456789 / (1 + epoch % 7)))
    record_range_test(folder / "sweep", *three_sweeps())
    return folder


@pytest.fixture(params=[None, 50])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Sets the terminal's width; None is no terminal."""
    monkeypatch.delenv("COLUMNS", raising=False)
    if request.param is not None:
        monkeypatch.setenv("COLUMNS", str(request.param))
    return request.param or 80


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    """Returns the lines of both streams."""
    with contextlib.suppress(SystemExit):  # raised for --help and --version
        cli.main([str(argument) for argument in arguments])
    return "".join(capsys.readouterr()).splitlines()


def test_every_output_fits_the_terminal(
    log_dir: Path, tmp_path: Path, width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    commands: list[list[object]] = [
        ["list", log_dir],
        ["report", log_dir],
        ["report", log_dir, "--verbose"],
        ["report", log_dir, "--brief"],
        ["report", log_dir, "--monitor", "batch/loss", "--patience", "12"],
        ["report", log_dir, "--run", f"{LONG}/4"],
        ["report", log_dir, "--factor", "2"],
        ["export", log_dir, "--run", "nobody of this name is here, and nobody of this name was ever here"],
        ["list", tmp_path],
        ["list", tmp_path / "not" / "there"],
        ["reprt"],
        ["--help"],
        ["list", "--help"],
        ["report", "--help"],
        ["export", "--help"],
        ["--version"],
    ]
    for command in commands:
        lines = printed(capsys, *command)

        assert lines, command
        assert [] == [line for line in lines if cells(line) > width], command
        assert [] == [line for line in lines if not line.isprintable()], command


def test_a_terminal_is_asked_for_its_width(log_dir: Path) -> None:
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 61, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "lrmon", "list", str(log_dir)],
            env={**environment, "TERM": "xterm", "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=its,
        ):
            os.close(its)
            shown = b""
            with contextlib.suppress(OSError):  # raised where the other end is closed
                while piece := os.read(ours, 65536):
                    shown += piece
    finally:
        os.close(ours)
    lines = shown.decode().splitlines()

    assert 6 == len(lines)
    assert 61 == max(map(cells, lines))
    assert all(line.startswith("\x1b[2mrun ") for line in lines[:1])
    assert "\x1b[1;31m" in lines[2]


def test_tables_lose_columns_and_no_line_of_theirs_is_broken(
    log_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    narrow = printed(capsys, "report", log_dir, "--run", "fold")
    monkeypatch.setenv("COLUMNS", "200")
    wide = printed(capsys, "report", log_dir, "--run", "fold")

    def epochs(lines: list[str]) -> list[list[str]]:
        first = lines.index("Epochs") + 1
        return [re.split(r"\s{2,}", line.strip()) for line in lines[first : first + 12]]

    assert ["epoch", "steps", "last LR", "next LR", *METRICS, "wait"] == epochs(wide)[0]
    assert ["epoch", "steps", "last LR", "next LR", "val_loss", "loss", "wait"] == epochs(narrow)[0]
    assert [row[:6] + row[8:] for row in epochs(wide)[1:]] == epochs(narrow)[1:]
    left_out = "Not shown because the terminal is too narrow: " + ", ".join(METRICS[2:])
    assert f"{left_out}." in " ".join(line.strip() for line in narrow)
    assert not any("Not shown" in line for line in wide)


def test_a_list_has_a_line_for_each_run(
    log_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "240")
    status = cli.main(["list", str(log_dir)])
    lines = capsys.readouterr().out.splitlines()
    heading, *rows = (re.split(r"\s{2,}", line) for line in lines)

    method = "MyVeryOwnAdaptiveOptimizerWithMomentum, CosineDecayRestarts"
    assert 0 == status
    assert ["run", "kind", "steps", "epochs", "optimizer", "last LR", "last loss", "findings"] == heading
    assert ["b�[2Jad", LONG, "one epoch", "sweep", "学习率/实验-一"] == [row[0] for row in rows]
    assert ["training", "480", "12", method, "0.06357", "nan"] == rows[1][1:7]
    assert re.fullmatch(r"\d \(error\)", rows[1][7])
    assert ["range test", "600", "0", "Adam", "10"] == rows[3][1:6]
    assert ["training", "1,200", "30", method] == rows[4][1:5]
    # Columns begin at the same cell, also after a name in characters that take two.
    assert 1 == len({cells(line[: line.index("training")]) for line in lines if "training" in line})


def test_a_narrow_list_keeps_names_and_findings(
    log_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(capsys, "list", log_dir)

    assert ["run", "kind", "steps", "epochs", "optimizer", "last LR", "findings"] == re.split(
        r"\s{2,}", lines[0]
    )
    assert re.match(r"experime.*….*fold-3  training", lines[2])
    monkeypatch.setenv("COLUMNS", "40")
    assert ["run", "steps", "findings"] == printed(capsys, "list", log_dir)[0].split()


def test_what_is_not_recorded_is_a_dash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with lrmon.Recorder(tmp_path / "run", run={"loss_provenance": "none: it is not returned"}) as recorder:
        recorder.batch(learning_rate=0.1, loss=math.nan)

    assert ["run", "training", "1", "0", "-", "0.1", "-", "none"] == printed(capsys, "list", tmp_path)[
        1
    ].split()


def test_a_brief_report_is_the_title_and_a_line_for_each_finding(
    log_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    status = cli.main(["report", str(log_dir), "--brief"])
    lines = capsys.readouterr().out.splitlines()
    reports = [lrmon.report(run) for run in lrmon.load(log_dir).values()]

    assert 1 == status
    assert sum(1 + max(1, len(report.findings)) for report in reports) == len(lines)
    assert f"{LONG}  completed · 480 steps · 12 epochs of 40 steps" in lines
    at = lines.index("one epoch  completed · 40 steps · 1 epoch of 40 steps")
    assert lines[at + 1].startswith("  ")
    (error,) = (line for line in lines if line.startswith("  error  "))
    assert "  error  loss-not-finite  step 1,234,440 (the start of epoch 11)" == error


@pytest.mark.parametrize(
    ("arguments", "end"),
    [
        (["report", "--run", "sweeep"], "did you mean 'sweep'?"),
        (["report", "--run", "Sweep"], "did you mean 'sweep'?"),
        (["export", "--run", "fold-2"], f"did you mean {LONG!r}?"),
        (["export", "--run", "warmup500"], f"did you mean {LONG!r}?"),
        (["export", "--run", "oneepoch"], "did you mean 'one epoch'?"),
        (["report", "--run", "zzz"], "there are 'b\\x1b[2Jad', "),
        (["report", "--monitor", "val_los"], "did you mean 'val_loss'?"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_ones(
    log_dir: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], end: str
) -> None:
    command, *others = arguments
    status = cli.main([command, str(log_dir), *others])
    out, err = capsys.readouterr()

    assert (2, "") == (status, out)
    assert "".join(end.split()) in "".join(err.split())


def test_the_home_folder_is_found_wherever_a_folder_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(elsewhere)
    with lrmon.Recorder("~/logs/run") as recorder:
        recorder.batch(learning_rate=0.1, loss=1.0)
    said = [
        printed(capsys, "list", "~/logs")[1].split()[0],
        printed(capsys, "report", "~/logs", "--brief")[0].split()[0],
        printed(capsys, "export", "~/logs", "--run", "run")[1].split(",")[4],
    ]

    assert ["run", "run", "0.1"] == said
    assert ["run"] == list(lrmon.load("~/logs"))
    assert [] == list(elsewhere.iterdir())
