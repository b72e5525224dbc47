"""The command `lrmon`, as a process of its own where that matters."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrmon
from lrmon import cli
from tests.review.written import START, scalar, write

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    for name, broken in (("good", False), ("team/broken ü", True)):
        with lrmon.Recorder(folder / name, run={"steps_per_epoch": 20}) as recorder:
            for number in range(6):
                loss = np.full(20, 1.0 / (1 + number))
                loss[10:] = math.nan if broken and number == 5 else loss[10:]
                recorder.batches(learning_rate=np.full(20, 0.1), loss=loss, wall_time=START + np.arange(20))
                recorder.end_epoch({"loss": 0.5, ("score" if broken else "val_loss"): 0.5})
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Returns the exit status and what was printed."""
    status = cli.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "lrmon", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_a_report_is_text_and_ends_with_0(log_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "report", log_dir, "--run", "^good$")

    assert (0, "") == (status, err)
    assert out.startswith("good  completed · 120 steps · 6 epochs of 20 steps\n\nFindings  none\n")
    assert "Learning rate  constant, 0.1" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("lr", "loss", "codes"),
    [
        (lambda step: 0.1, lambda step: math.nan, {"loss-not-finite"}),
        (lambda step: 0.1 if step < 41 else math.nan, lambda step: 1.0, {"learning-rate-not-finite"}),
        (lambda step: 0.1, lambda step: 1.0 / (1 + step / 20), set()),
    ],
)
def test_a_recorders_nan_losses_or_learning_rates_end_with_1(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    lr: Callable[[int], float],
    loss: Callable[[int], float],
    codes: set[str],
) -> None:
    with lrmon.Recorder(tmp_path / "run", run={"steps_per_epoch": 20}) as recorder:
        for step in range(80):
            recorder.batch(learning_rate=lr(step), loss=loss(step))
    status, out, err = run(capsys, "report", tmp_path, "--json")
    text = run(capsys, "report", tmp_path)[1]
    found = json.loads(out)["run"]["findings"]

    assert (1 if codes else 0, "") == (status, err)
    assert codes == {finding["code"] for finding in found}
    assert all(finding["severity"] == "error" and f"error  {finding['code']}" in text for finding in found)
    assert [41] * ("learning-rate-not-finite" in codes) + [0] * ("loss-not-finite" in codes) == [
        finding["step"] for finding in found
    ]


def test_an_error_in_a_run_ends_with_1(log_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "report", log_dir)

    assert (1, "") == (status, err)
    assert "error  loss-not-finite" in out
    assert ["good", "team/broken ü"] == [
        line.partition("  ")[0] for line in out.splitlines() if " · " in line and not line.startswith(" ")
    ]


def test_json_has_the_reports_by_run(log_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "report", log_dir, "--json", "--patience", 2, "--factor", 0.5)
    reports = json.loads(out)

    assert (1, "") == (status, err)
    assert ["good", "team/broken ü"] == list(reports)
    for name, report in reports.items():
        assert name == report["run"]
        assert (2, 0.5) == (report["plateaus"]["rule"]["patience"], report["plateaus"]["rule"]["factor"])
    assert [2, 4] == [reduction["epoch"] for reduction in reports["good"]["plateaus"]["reductions"]]


def test_every_setting_of_the_rule_is_an_option(log_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = {
        "monitor": "loss", "factor": 0.2, "patience": 1, "mode": "max", "min_delta": 0.01, "cooldown": 2,
        "min_lr": 0.001, "version": "tf_keras",
    }  # fmt: skip
    options = [text for name, value in settings.items() for text in (f"--{name.replace('_', '-')}", value)]
    _, out, _ = run(capsys, "report", log_dir, "--run", "good", "--json", *options)

    assert settings == json.loads(out)["good"]["plateaus"]["rule"]


def test_a_monitor_that_only_some_runs_have_is_a_problem_of_the_others(
    log_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(capsys, "report", log_dir, "--json", "--monitor", "val_loss")

    problems = [report["plateaus"]["problem"] for report in json.loads(out).values()]
    assert [None, "This run has recorded no val_loss."] == problems


BAD_USAGE: list[tuple[list[str], str]] = [
    ([], "lrmon: the following arguments are required: COMMAND; see lrmon --help"),
    (["reprt"], "lrmon: argument COMMAND: invalid choice: 'reprt'"),
    (["report"], "lrmon: the following arguments are required: LOGDIR; see lrmon report --help"),
    (["report", "{logs}/nothing"], "lrmon: there is no log directory"),
    (["report", "{file}"], "lrmon: "),
    (["report", "{empty}"], "lrmon: nothing in "),
    (["report", "{logs}", "--run", "("], "lrmon: --run must be a regular expression, got '('"),
    (["report", "{logs}", "--run", "nobody"], "lrmon: no run 'nobody' in "),
    (
        ["report", "{logs}", "--monitor", "acuracy"],
        "lrmon: no run has a metric 'acuracy'; there are 'loss', ",
    ),
    (["report", "{logs}", "--patience", "many"], "lrmon: patience must be a whole number, got 'many'"),
    (["report", "{logs}", "--patience", "-3"], "lrmon: patience must be at least 0, got -3"),
    (["report", "{logs}", "--factor", "2"], "lrmon: factor must be less than 1"),
    (["report", "{logs}", "--factor", "nan"], "lrmon: factor must be finite, got nan"),
    (["report", "{logs}", "--min-delta", "x"], "lrmon: min_delta must be a number, got 'x'"),
    (["report", "{logs}", "--mode", "up"], "lrmon: mode must be one of auto, min, max, got 'up'"),
    (["report", "{logs}", "--version", "keras-9"], "lrmon: version must be one of keras-3.15, "),
    (["report", "{logs}", "--colour"], "lrmon: unrecognized arguments: --colour"),
    (["export", "{logs}"], "lrmon: the following arguments are required: --run; see lrmon export --help"),
    (["export", "{logs}", "--run", "goo"], "lrmon: no run 'goo' in "),
    (["report", "{logs}", "--brief", "--json"], "lrmon: argument --json: not allowed with argument --brief"),
    (["list"], "lrmon: the following arguments are required: LOGDIR; see lrmon list --help"),
    (["list", "{empty}"], "lrmon: nothing in "),
    (["export", "{logs}", "--run", "good", "--format", "xls"], "lrmon: argument --format: invalid choice"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD_USAGE)
def test_bad_usage_ends_with_2_and_one_sentence(
    log_dir: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    (empty := tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    status, out, err = run(
        capsys,
        *(argument.format(logs=log_dir, empty=empty, file=tmp_path / "file") for argument in arguments),
    )

    assert (2, "") == (status, out)
    assert " ".join(err.split()).startswith(sentence)
    assert err.endswith("\n")
    assert 1 == err.count("lrmon:")


def test_a_folder_of_another_tool_says_how_to_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "run", [scalar("accuracy", 0, 0.5)])
    status, _, err = run(capsys, "report", tmp_path)

    assert 2 == status
    assert "callbacks=[lrmon.LRMonitor(" in err


def test_an_export_has_every_step(log_dir: Path) -> None:
    as_csv = process("export", log_dir, "--run", "team/broken ü")
    as_json = process("export", log_dir, "--run", "team/broken ü", "--format", "json")
    rows = list(csv.DictReader(io.StringIO(as_csv.stdout.decode())))

    assert (0, 0, b"", b"") == (as_csv.returncode, as_json.returncode, as_csv.stderr, as_json.stderr)
    assert [str(step) for step in range(120)] == [row["step"] for row in rows]
    assert 120 == json.loads(as_json.stdout)["steps"]


def test_a_pipe_of_any_encoding_is_no_trouble(log_dir: Path) -> None:
    plain = process("report", log_dir, PYTHONIOENCODING="ascii")

    assert (1, b"") == (plain.returncode, plain.stderr)
    assert b"team/broken ?" in plain.stdout


def test_help_and_version_say_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["--help"], "report"),
        (["report", "--help"], "--min-delta"),
        (["--version"], "lrmon "),
    ):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)

        assert 0 == ended.value.code
        assert words in capsys.readouterr().out


def test_a_terminal_gets_colours(log_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def printed(**environment: str) -> Any:
        with monkeypatch.context() as changed:
            changed.delenv("NO_COLOR", raising=False)
            changed.setenv("TERM", "xterm")
            for name, value in environment.items():
                changed.setenv(name, value)
            terminal = Terminal()
            changed.setattr(sys, "stdout", terminal)
            cli.main(["report", str(log_dir), "--run", "good"])
        return terminal.getvalue()

    assert "\x1b[1mgood\x1b[0m" in printed()
    assert "\x1b" not in printed(NO_COLOR="1")
    assert "\x1b" not in printed(TERM="dumb")


def test_it_reads_without_tensorflow(log_dir: Path) -> None:
    program = (
        "import sys; from lrmon import cli; cli.main(sys.argv[1:]); "
        "print(sorted({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program, "report", str(log_dir), "--run", "good"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert "[]" == loaded.stdout.splitlines()[-1]
