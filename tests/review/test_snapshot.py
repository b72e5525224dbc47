"""Whatever is written while an answer is made: the answer is of one moment, and says of which."""

from __future__ import annotations

import csv
import gc
import io
import json
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import lrmon
from lrmon.review.reading.run_cache import RunCache
from lrmon.review.report.report import report
from lrmon.review.run.export import export
from lrmon.review.run.run import Run
from lrmon.review.run.series import View, series_json
from tests.review.live import LOADERS, Interrupted, Live, LoaderName, client_of, live
from tests.review.written import START

PER_EPOCH = 20


class Training:
    """A real recorder whose rows tell their step: loss and learning rate are made of it."""

    def __init__(self, folder: Path, logs: Live) -> None:
        self._recorder = lrmon.Recorder(folder / "run", run={"steps_per_epoch": PER_EPOCH})
        self._logs = logs
        self.steps = 0

    def grow(self, epochs: int = 1) -> None:
        """Trains on, and waits until the loader has it."""
        for _ in range(epochs):
            steps = np.arange(self.steps, self.steps + PER_EPOCH)
            self._recorder.batches(
                learning_rate=0.1 / (1 + steps // 7), loss=steps.astype(float), wall_time=START + steps
            )
            self.steps += PER_EPOCH
            self._recorder.end_epoch({"loss": float(self.steps)})
        self._recorder.flush()
        self._logs.wait_for_step("run", self.steps - 1)

    def close(self) -> None:
        self._recorder.close()


def check(run: Run) -> int:
    """Holds everything that is said of a run against its rows; returns how many they are."""
    steps = run.step.size
    series = json.loads(series_json(run, View(width=10_000)))
    made = json.loads(report(run).to_json())
    exported = json.loads(b"".join(export(run, "json").parts))
    rows = list(csv.DictReader(io.StringIO(b"".join(export(run, "csv").parts).decode())))

    assert run.step.tolist() == run.loss.tolist() == list(range(steps))
    assert {steps} == {
        series["steps"], len(series["columns"]["loss_smoothed"]), made["steps"], exported["steps"], len(rows),
    }  # fmt: skip
    assert {run.version} == {series["version"], made["version"], exported["version"]}
    assert [epoch.number for epoch in run.epochs] == series["epochs"]["epoch"] == made["epochs"]["epoch"]
    assert all(epoch.metrics["loss"] == epoch.last_step + 1.0 for epoch in run.epochs)
    return steps


QUESTIONS = ("series?run=run&width=10000", "report?run=run", "export?run=run&format=json", "runs")


@pytest.mark.parametrize("loader", LOADERS)
def test_a_request_that_lists_waits_and_reads_newer_rows_answers_of_one_moment(
    tmp_path: Path, loader: LoaderName
) -> None:
    """Between a request's listing and its reading the run grows, and other requests read what is newer."""
    with live(tmp_path / "logs", loader) as logs:
        training = Training(tmp_path / "logs", logs)
        training.grow()
        happens: dict[str, Callable[[], None]] = {}
        client = client_of(Interrupted(logs.provider, happens))
        steps_of: dict[str, int] = {}

        def ask(question: str) -> None:
            answer = client.get(f"/data/plugin/lrmon/{question}")
            assert 200 == answer.status_code, answer.data
            content = json.loads(answer.data)
            if question == "runs":
                content = content["runs"]["run"]
            else:
                assert content["steps"] == steps_of.setdefault(content["version"], content["steps"])
            columns, epochs = content.get("columns", {}), content["epochs"]
            assert {training.steps} == {content["steps"], *map(len, columns.values())}
            ended = epochs if isinstance(epochs, int) else len(epochs["epoch"])
            assert training.steps // PER_EPOCH == ended

        def others_go_on() -> None:
            happens.clear()
            training.grow()
            for other in QUESTIONS:
                ask(other)

        for question in QUESTIONS:
            for other in QUESTIONS:
                ask(other)
            happens["list_tensors"] = others_go_on
            ask(question)
        training.close()


@pytest.mark.parametrize("loader", LOADERS)
def test_a_request_that_waited_takes_what_was_read_after_it_asked(tmp_path: Path, loader: LoaderName) -> None:
    with live(tmp_path / "logs", loader) as logs:
        training, cache = Training(tmp_path / "logs", logs), RunCache()
        training.grow()
        cache.run(logs.reader(), "run")
        happens: dict[str, Callable[[], None]] = {}
        newer: list[Run] = []

        def others_go_on() -> None:
            happens.clear()
            training.grow()
            newer.append(cache.run(logs.reader(), "run"))

        training.grow()
        happens["list_tensors"] = others_go_on
        waited = cache.run(logs.reader(Interrupted(logs.provider, happens)), "run")
        training.close()

    assert waited is newer[0]
    assert 3 * PER_EPOCH == check(waited)


@pytest.mark.parametrize("loader", LOADERS)
def test_a_run_that_grows_at_every_question_is_still_of_one_moment(
    tmp_path: Path, loader: LoaderName
) -> None:
    with live(tmp_path / "logs", loader) as logs:
        training, cache = Training(tmp_path / "logs", logs), RunCache()
        training.grow()
        grows = {"list_tensors": training.grow, "read_tensors": training.grow}
        growing = cache.run(logs.reader(Interrupted(logs.provider, grows)), "run")
        training.grow()
        later = cache.run(logs.reader(), "run")
        training.close()

    assert PER_EPOCH < check(growing) < check(later) == training.steps
    assert growing.version != later.version


@pytest.mark.parametrize("loader", LOADERS)
def test_a_version_is_that_of_what_was_read(tmp_path: Path, loader: LoaderName) -> None:
    with live(tmp_path / "logs", loader) as logs:
        training = Training(tmp_path / "logs", logs)
        training.grow()
        happens: dict[str, Callable[[], None]] = {}
        first = [RunCache().run(logs.reader(), "run") for _ in range(2)]

        def grow_once() -> None:
            happens.clear()
            training.grow()

        happens["read_tensors"] = grow_once
        later = [
            RunCache().run(logs.reader(Interrupted(logs.provider, happens)), "run"),
            RunCache().run(logs.reader(), "run"),
        ]
        training.close()

    assert first[0].version == first[1].version != later[0].version == later[1].version
    assert [PER_EPOCH, 2 * PER_EPOCH] == [check(first[0]), check(later[0])]


@pytest.mark.parametrize("loader", LOADERS)
def test_what_a_run_holds_goes_with_it(tmp_path: Path, loader: LoaderName) -> None:
    """A run that grew is no longer held by what was computed of it, without the garbage collector."""
    with live(tmp_path / "logs", loader) as logs:
        training, cache = Training(tmp_path / "logs", logs), RunCache()
        training.grow()
        loss = weakref.ref(_computed(cache.run(logs.reader(), "run")).loss)
        training.grow()
        gc.disable()
        try:
            _computed(cache.run(logs.reader(), "run"))
            assert loss() is None
        finally:
            gc.enable()
        training.close()


def _computed(run: Run) -> Run:
    series_json(run, View())
    report(run)
    return run
