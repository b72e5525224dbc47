"""The lines after a fit, on every set-up."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import lrmon
from lrmon.record import journal
from tests.fits.framework import api, batches


def train(
    log_dir: Path, *, lr: float = 0.01, keras_verbose: Any = 2, model: Any = None, **settings: Any
) -> Any:
    """Fits 2 epochs of 5 batches, loudly, and returns the model."""
    model = new_model(lr) if model is None else model
    callbacks = [*settings.pop("callbacks", []), lrmon.LRMonitor(log_dir, **settings)]
    model.fit(**{**batches(5), "verbose": keras_verbose}, epochs=2, callbacks=callbacks)
    return model


def ours(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that are lrmon's, which come after all of Keras'."""
    lines = capsys.readouterr().out.splitlines()
    first = next((i for i, line in enumerate(lines) if line.startswith("lrmon: ")), len(lines))
    return lines[first:]


def new_model(lr: float = 0.01) -> Any:
    model = api.Sequential([api.layers.Input((1,)), api.layers.Dense(1)])
    model.compile(api.optimizers.SGD(lr), "mse")
    return model


def test_after_a_fit_that_prints_two_lines_say_what_and_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run 1"
    train(folder)

    assert [
        f"lrmon: recorded 10 steps (2 epochs) in {folder}: no errors or warnings.",
        f"  More: lrmon report '{folder}' · tensorboard --logdir {tmp_path}",
    ] == ours(capsys)


def test_the_findings_are_those_of_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(tmp_path / "run", lr=1e30)
    lines = ours(capsys)
    report = lrmon.report(lrmon.load(tmp_path)["run"])
    serious = [
        f"  {finding.severity}: {finding.text}" for finding in report.findings if finding.severity != "info"
    ]

    assert serious
    assert "error" in lines[0]
    assert len(lines) == 2 + min(len(serious), 2) <= 4
    for line, expected in zip(lines[1:-1], serious, strict=False):
        assert line == expected or (line.endswith("…") and expected.startswith(line[:-1]))


@pytest.mark.parametrize(
    ("keras_verbose", "verbose", "speaks"),
    [
        (2, "auto", True),
        ("auto", "auto", True),
        (0, "auto", False),
        (0, True, True),
        (0, 1, True),
        (2, False, False),
        (2, 0, False),
    ],
)
def test_it_speaks_where_keras_does_unless_told_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], keras_verbose: Any, verbose: Any, speaks: bool
) -> None:
    train(tmp_path, keras_verbose=keras_verbose, verbose=verbose)

    assert speaks == bool(ours(capsys))


@pytest.mark.parametrize("verbose", ["yes", 3, -1, None, 1.0, [1]])
def test_another_verbose_is_refused_by_name(tmp_path: Path, verbose: Any) -> None:
    with pytest.raises(
        ValueError, match=r'verbose must be "auto", True or False \(or 0, 1, 2 as in fit\), got'
    ):
        lrmon.LRMonitor(tmp_path, verbose=verbose)


def test_further_fits_tell_of_the_whole_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = new_model()
    monitor = lrmon.LRMonitor(tmp_path)
    loud = {**batches(5), "verbose": 2}
    model.fit(**loud, epochs=2, callbacks=[monitor])
    model.fit(**loud, epochs=3, initial_epoch=2, callbacks=[monitor])

    assert f"lrmon: recorded 15 steps (3 epochs) in {tmp_path}: no errors or warnings." in ours(capsys)


def test_a_run_that_goes_on_from_files_is_not_judged_by_its_last_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = train(tmp_path)
    capsys.readouterr()
    train(tmp_path, model=model)

    assert f"lrmon: recorded 10 steps (2 epochs) in {tmp_path}." == ours(capsys)[0]


def test_another_training_in_the_folder_is_judged_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(tmp_path, lr=1e30)
        capsys.readouterr()
        train(tmp_path)

    assert ours(capsys)[0].endswith("no errors or warnings.")


class Break(api.callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 2:
            raise KeyboardInterrupt


class Stop(api.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.stop_training = True


def test_a_fit_that_is_interrupted_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Break()])

    assert [] == ours(capsys)


def test_a_fit_that_is_stopped_tells_what_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path, callbacks=[Stop()])

    assert ours(capsys)[0].startswith("lrmon: recorded 5 steps (1 epoch) in ")


def test_a_run_that_is_too_long_for_memory_is_not_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MOST_ROWS", 9)
    train(tmp_path)

    assert f"lrmon: recorded up to step 9 in {tmp_path}." == ours(capsys)[0]


@contextmanager
def stdout(stream: Any) -> Iterator[None]:
    before, sys.stdout = sys.stdout, stream
    try:
        yield
    finally:
        sys.stdout = before


def test_a_terminal_of_few_characters_gets_question_marks(tmp_path: Path) -> None:
    raw = io.BytesIO()
    terminal = io.TextIOWrapper(raw, encoding="ascii")
    with stdout(terminal):
        train(tmp_path, keras_verbose=0, verbose=True)

    assert b" ? tensorboard --logdir " in raw.getvalue()


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError("nobody reads")


@pytest.mark.parametrize("stream", [None, Closed()])
def test_a_terminal_that_is_gone_ends_no_training(tmp_path: Path, stream: Any) -> None:
    with stdout(stream), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(tmp_path, keras_verbose=0, verbose=True)
    messages = [str(warning.message) for warning in caught if "its summary failed" in str(warning.message)]

    assert (0 if stream is None else 1) == len(messages)
    assert 10 == lrmon.load(tmp_path)["."].step.size


SCRIPT = """
import sys, lrmon
lrmon.LRMonitor("logs", verbose=0)
print([name for name in sys.modules if name.startswith("lrmon.review")])
"""


def test_the_review_is_not_loaded_before_it_is_needed() -> None:
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=120
    )

    assert "[]" == process.stdout.splitlines()[-1]
