"""Runs are read once and kept, and a reload costs what is new."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard import context, errors

from lrmon import schema
from lrmon.review.reading.data_provider import RecordReader, UnavailableError
from lrmon.review.reading.run_cache import RunCache
from lrmon.review.run_list import summarize
from tests.review.written import START, Logs, block, epoch, fit, scalar, write

A, B = "20250101T000000.000000Z-1", "20250102T000000.000000Z-2"


class Questions:
    """A DataProvider that writes down what another one is asked, and fails at some of it when told to."""

    def __init__(self, provider: Any, **failures: Exception) -> None:
        self.provider = provider
        self.read_tags: list[str] = []
        self.answers: list[int] = []
        self._failures = failures

    def list_tensors(self, ctx: Any, **arguments: Any) -> Any:
        self._fail("list_tensors")
        return self.provider.list_tensors(ctx, **arguments)

    def read_tensors(self, ctx: Any, **arguments: Any) -> Any:
        self._fail("read_tensors")
        answer = self.provider.read_tensors(ctx, **arguments)
        self.read_tags += sorted(tag for tags in answer.values() for tag in tags)
        self.answers.append(sum(map(len, answer.values())))
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.provider, name)

    def _fail(self, name: str) -> None:
        if name in self._failures:
            raise self._failures[name]


class Watched(Logs):
    """A log directory whose questions are counted."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.questions = Questions(self.provider)

    @property
    def reader(self) -> RecordReader:
        return RecordReader(self.questions, context.RequestContext(), "")


def add(folder: Path, records: list[Any], *, name: str) -> None:
    write(folder, records, name=name)


def test_an_unchanged_run_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path / "run", [fit(A, 0), block(A, 0, 10)])
    logs = Watched(tmp_path)
    first = logs.run()
    logs.questions.read_tags.clear()

    assert logs.run() is first
    assert ["run"] == list(logs.runs())
    assert [] == logs.questions.read_tags


def test_only_tags_to_which_something_was_added_are_read_again(tmp_path: Path) -> None:
    write(tmp_path / "run", [fit(A, 0), *(block(A, 10 * n, 10, number=n) for n in range(3))])
    logs = Watched(tmp_path)
    before = logs.run()
    logs.questions.read_tags.clear()
    add(tmp_path / "run", [block(A, 30, 10, number=2), epoch(A, 0, 0, 39, loss=1.0)], name="2.test")
    logs.reload()
    after = logs.run()

    assert [f"lrmon/batches/{A}/2", f"lrmon/epochs/{A}"] == sorted(logs.questions.read_tags)
    assert (30, 40, 1) == (before.step.size, after.step.size, len(after.epochs))
    assert before.version != after.version


def test_only_new_records_of_a_tag_are_decoded(tmp_path: Path) -> None:
    write(tmp_path / "run", [block(A, 10 * n, 10) for n in range(3)])
    logs = Watched(tmp_path)
    decoded: list[int] = []

    def decode(tag: str, datum: Any) -> Any:
        decoded.append(datum.step)
        return tag, datum.step

    def read(held: dict[str, Any]) -> dict[str, Any]:
        listings = logs.reader.list_records()
        return {run: tags for run, tags, _ in logs.reader.read_records(listings, held, decode)}

    first = read({})
    add(tmp_path / "run", [block(A, 30, 10)], name="2.test")
    logs.reload()
    second = read(first)

    assert [9, 19, 29, 39] == decoded
    assert [9, 19, 29, 39] == [step for _, step in second["run"][f"lrmon/batches/{A}/0"].records]


def test_the_overview_changes_its_version_with_its_content(tmp_path: Path) -> None:
    write(tmp_path / "run", [fit(A, 0), block(A, 0, 10)])
    logs = Logs(tmp_path)
    versions = [logs.cache.overview(logs.reader).version for _ in range(2)]
    add(tmp_path / "run", [block(A, 10, 10)], name="2.test")
    logs.reload()

    assert versions[0] == versions[1] != logs.cache.overview(logs.reader).version
    assert 20 == logs.runs()["run"]["steps"]


def test_whole_runs_are_kept_up_to_a_number_of_rows_and_summaries_of_all(tmp_path: Path) -> None:
    for name in "abc":
        write(tmp_path / name, [fit(A, 0), block(A, 0, 10)])
    logs = Watched(tmp_path)
    logs.cache = RunCache(rows=25, summarize=summarize)
    logs.runs()
    logs.questions.read_tags.clear()

    assert ["a", "b", "c"] == list(logs.runs())
    for name in "cbc":
        logs.run(name)
    assert [] == logs.questions.read_tags
    logs.run("a")
    assert [f"lrmon/run/{A}", f"lrmon/batches/{A}/0"] == logs.questions.read_tags


def test_a_run_of_more_rows_than_are_kept_is_still_given(tmp_path: Path) -> None:
    write(tmp_path / "run", [block(A, 0, 100)])
    logs = Logs(tmp_path)
    logs.cache = RunCache(rows=10, summarize=summarize)

    assert 100 == logs.run().step.size


def test_many_threads_at_once_get_the_same_run_read_once(tmp_path: Path) -> None:
    write(tmp_path / "run", [fit(A, 0), *(block(A, 10 * n, 10) for n in range(200))])
    logs = Watched(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(logs.run) if n % 2 else pool.submit(logs.runs) for n in range(16)]
        answers = [future.result(timeout=30) for future in asked]

    assert 1 == len({id(run) for run in answers[1::2]})
    assert 1 == len({str(runs) for runs in answers[::2]})
    assert 1 == logs.questions.read_tags.count(f"lrmon/batches/{A}/0")


def test_what_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    write(tmp_path / "run", [fit(A, 0), block(A, 0, 10)])
    logs = Watched(tmp_path)
    logs.questions = Questions(logs.provider, read_tensors=OSError("the disk is busy"))
    failed, overview = logs.run(), logs.cache.overview(logs.reader)
    logs.questions = Questions(logs.provider)

    assert (0, 2) == (failed.step.size, len(failed.notices))
    assert "TensorBoard could not read 'lrmon/batches/" in failed.notices[0]
    assert 10 == logs.run().step.size
    assert overview.version != logs.cache.overview(logs.reader).version
    assert 10 == logs.runs()["run"]["steps"]


def test_a_data_provider_that_fails_is_said_in_one_sentence(tmp_path: Path) -> None:
    logs = Watched(tmp_path)
    logs.questions = Questions(logs.provider, list_tensors=OSError("gone"))

    with pytest.raises(UnavailableError, match=r"TensorBoard could not read its data \(OSError: gone\)"):
        logs.runs()


def test_the_providers_own_errors_pass_through(tmp_path: Path) -> None:
    logs = Watched(tmp_path)
    logs.questions = Questions(logs.provider, list_tensors=errors.PermissionDeniedError("not yours"))

    with pytest.raises(errors.PermissionDeniedError):
        logs.runs()


def test_experiments_are_kept_apart(tmp_path: Path) -> None:
    write(tmp_path / "run", [fit(A, 0), block(A, 0, 10)])
    logs = Logs(tmp_path)
    one, two = (
        RecordReader(logs.provider, context.RequestContext(), experiment) for experiment in ("1", "2")
    )

    assert logs.cache.run(one, "run") is not logs.cache.run(two, "run")


def test_a_tag_that_went_back_is_decoded_from_where_it_did(tmp_path: Path) -> None:
    write(tmp_path / "run", [block(A, 0, 10), block(A, 10, 10)])
    logs = Logs(tmp_path)
    logs.run()
    again = np.full((10, 4), 7, dtype=np.float32)
    add(tmp_path / "run", [block(A, 5, again, wall_time=START + 60)], name="2.test")
    logs.reload()
    run = logs.run()

    assert list(range(15)) == run.step.tolist()
    assert [0, 1, 2, 3, 4] + [7] * 10 == run.loss.tolist()


def test_a_run_that_is_gone_is_let_go(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / "both" / name, [fit(A, 0), block(A, 0, 10)])
    write(tmp_path / "one" / "a", [fit(A, 0), block(A, 0, 10)])
    both, one = Logs(tmp_path / "both"), Watched(tmp_path / "one")
    one.cache = both.cache
    both.runs()

    assert ["a"] == list(one.runs())
    assert [] == one.questions.read_tags
    with pytest.raises(errors.NotFoundError):
        one.run("b")
    assert ["a", "b"] == list(both.runs())


def test_many_runs_are_asked_for_in_answers_of_a_sensible_size(tmp_path: Path) -> None:
    for number in range(10):
        write(tmp_path / str(number), [block(A, 300_000, 10)])
    logs = Watched(tmp_path)

    assert 10 == len(logs.runs())
    assert [8, 2] == logs.questions.answers


def test_a_limited_number_of_samples_is_said_of_the_whole_log_directory(tmp_path: Path) -> None:
    logs = Logs(tmp_path, samples=7)

    assert "limits lrmon to 7 records of each tag" in logs.cache.overview(logs.reader).notices[0]


def test_a_summary_says_what_a_list_of_runs_needs(tmp_path: Path) -> None:
    schedule = {"class_name": "ExponentialDecay", "config": {}}
    records = [
        fit(
            A,
            0,
            optimizer={"class_name": "Adam", "config": {}},
            schedule=schedule,
            ended="completed",
            last_step=99,
        ),
        block(A, 0, 100),
        epoch(A, 0, 0, 49, loss=1.0),
        epoch(A, 1, 50, 99, loss=0.5, val_loss=0.7),
    ]
    write(tmp_path / "run", records)
    summary = Logs(tmp_path).runs()["run"]
    sparkline = summary.pop("sparkline")

    assert {
        "kind": "training",
        "provenance": "lrmon",
        "steps": 100,
        "first_step": 0,
        "last_step": 99,
        "epochs": 2,
        "complete": True,
        "state": "completed",
        "start_time": 1_700_000_000.0,
        "last_time": 1_700_000_099.0,
        "optimizer": "Adam",
        "schedule": "ExponentialDecay",
        "metric_names": ["loss", "val_loss"],
        "findings": 0,
        "severity": None,
        "notices": [],
    } == summary
    assert [0.1] * 48 == sparkline


def test_runs_of_other_tools_are_left_out_of_the_list(tmp_path: Path) -> None:
    write(tmp_path / "mine", [block(A, 0, 10)])
    write(tmp_path / "sampled", [scalar(schema.SCALAR_LEARNING_RATE, 0, 0.1), scalar("accuracy", 0, 1.0)])
    write(tmp_path / "other", [scalar("accuracy", 0, 1.0)])

    assert {"mine": "lrmon", "sampled": "scalars"} == {
        name: summary["provenance"] for name, summary in Logs(tmp_path).runs().items()
    }


def test_a_run_in_the_log_directory_itself_has_its_name(tmp_path: Path) -> None:
    write(tmp_path, [block(A, 0, 10)])

    assert 10 == Logs(tmp_path).run(".").step.size


def test_one_large_run_is_read_in_several_answers(tmp_path: Path) -> None:
    write(tmp_path / "run", [block(A, 10 * n, 10, number=n) for n in range(20)])
    logs = Watched(tmp_path)

    assert 200 == logs.run().step.size
    assert [8, 8, 4] == logs.questions.answers
