"""The wording of reports, findings and notices, in one snapshot file.

`LRMON_REFRESH_SNAPSHOTS=1 pytest tests/review/test_report_wording.py` writes the file anew. Other tests check
codes, numbers and structure, so a sentence is edited in one place.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

import lrmon
from lrmon import schema
from lrmon.review.report.report import Report, report
from lrmon.review.run.run import Run
from tests.corpus.recordings import FOLDER as CORPUS
from tests.corpus.recordings import load
from tests.review.findings.test_boundary_findings import EARLY, MISPLACED
from tests.review.findings.test_plateau_findings import RULE, STUCK
from tests.review.findings.test_source_findings import skipping
from tests.review.range_tests import record_range_test, three_sweeps
from tests.review.test_own_sweeps import SWEEPS
from tests.review.test_shape import DECAYS, WORDS
from tests.review.trained import by_epoch, parts, staircase, trained
from tests.review.written import START, Logs, block, epoch, fit, run_of

SNAPSHOT: Final = Path(__file__).parent / "snapshots" / "report.txt"
ROOT: Final = Path(__file__).parent.parent.parent
A, B = "1-20250101T000000.000000Z-1", "2-20250102T000000.000000Z-2"
WIDTH: Final = 100

REDUCED: Final = {"monitor": "val_loss", "factor": 0.5, "patience": 2, "applied": True}
REPEATED_METRIC: Final = [1.0, 0.8, 0.7, 0.7, 0.7, 0.7, 0.7, 0.6, 0.6, 0.6]


def reports() -> Iterator[tuple[str, Report]]:
    """Yields complete reports by title."""
    metrics = {"val_loss": REPEATED_METRIC}
    own = trained(by_epoch([0.1] * 5 + [0.05] * 2 + [0.025] * 3, 10), 10, metrics=metrics, plateau=REDUCED)
    constant = trained([0.1] * 100, 10, metrics=metrics)
    yield "a staircase beside the epochs", report(staircase(76, 6))
    yield "a schedule with steps left", report(staircase(76, 6, epochs=10))
    yield "ReduceLROnPlateau, the run's own", report(own)
    yield "another patience", report(own, lrmon.PlateauRule("val_loss", factor=0.5, patience=4))
    yield "a rule that would reduce", report(constant, lrmon.PlateauRule("val_loss", factor=0.5, patience=2))
    yield "a rule that would not reduce", report(constant, lrmon.PlateauRule("val_loss", patience=30))
    yield "a rule over steps", report(constant, lrmon.PlateauRule("batch/loss", patience=30))
    for name, rule in (
        ("no such metric", lrmon.PlateauRule("val_auc")),
        ("no direction", lrmon.PlateauRule("f")),
    ):
        yield name, report(constant, rule)
    schedule = {"class_name": "Adam", "config": {}}
    yield "an optimizer without epochs", report(trained([0.1] * 5, 10, optimizer=schedule))
    yield "a preview", lrmon.preview(lambda number: 0.1 * 0.5**number, steps_per_epoch=5, epochs=4)


def analyzed_runs() -> Iterator[Run]:
    """Yields runs with all kinds of findings."""
    for path in sorted(CORPUS.glob("*.npz")):
        yield from (case.run() for case in load(path.stem)[::3])
    steps = np.arange(41 * 6)
    late = (np.float32(1 / np.float32(41)) * steps.astype(np.float32)).astype(int)
    config = {"initial_learning_rate": 0.1, "decay_steps": 41, "decay_rate": 0.95, "staircase": True}
    schedule = {"class_name": "ExponentialDecay", "config": config}
    yield trained(0.1 * 0.95**late, 41, schedule=schedule, compiled="graph", epochs=6)
    yield staircase(76, 6)
    yield staircase(76, 6, decay_steps=76)
    yield trained(by_epoch(MISPLACED, 7), 7)
    yield trained(by_epoch(EARLY, 7), 7)
    yield trained([0.1] * 230, 10, metrics={"val_loss": STUCK})
    yield trained(
        by_epoch([0.1] * 20 + [0.01] * 3, 10), 10, metrics={"val_loss": [*STUCK[:20], 0.1, 0.05, 0.04]}
    )
    rising = {"val_auc": [0.5, 0.6, 0.7, 0.8, 0.85, 0.9]}
    yield trained(by_epoch([0.1, 0.1, 0.1, 0.05, 0.05, 0.025], 10), 10, metrics=rising, plateau=RULE)
    yield skipping([3, 120])
    yield skipping(list(range(30)))
    for column in ("loss", "learning_rate"):
        for exactness in (schema.BOUNDED, schema.UNAVAILABLE):
            provenance: dict[str, Any] = {f"{column}_provenance": "the tracker"}
            yield trained([0.1] * 20, 10, exactness={column: exactness}, **provenance)
    yield trained([0.1] * 30, 10, warnings=["The schedule is ignored."])
    for end in (0.9, 1.5):
        risen = 1.0 / (1 + np.arange(1000) / 100) + np.random.default_rng(3).normal(0, 0.05, 1000)
        risen[900:] = end
        yield trained([0.1] * 1000, 100, loss=risen)
    losses = 1.0 / (1 + np.arange(300) / 100)
    yield trained([0.1] * 300, 100, loss=np.where(np.arange(300) == 50, math.inf, losses))
    yield trained(np.where(np.arange(300) < 210, 0.1, math.nan), 100, loss=losses)
    yield trained([0.1] * 300, 100, loss=losses, metrics={"val_loss": [1.0, math.nan, math.nan]})
    yield trained(np.minimum(0.1 * np.arange(400) / 150, 0.1), 100)
    floor: dict[str, Any] = {
        "monitor": "val_loss",
        "factor": 0.1,
        "patience": 2,
        "min_lr": 0.01,
        "applied": True,
    }
    stuck = {"val_loss": [1.0, *[0.9] * 9]}
    yield trained(by_epoch([0.1] * 4 + [0.01] * 6, 10), 10, metrics=stuck, plateau=floor)
    dropped = np.where(np.arange(600) < 300, 1.0, 0.6) + np.random.default_rng(3).normal(0, 0.05, 600)
    yield trained(by_epoch([0.1] * 3 + [0.01] * 3, 100), 100, loss=dropped)


def recorded_runs(folder: Path) -> Iterator[tuple[str, Run]]:
    """Yields runs with notices by title."""
    optimizer = {"class_name": "Adam", "config": {}}
    failed = fit(A, 0, ended="interrupted: ValueError", last_step=39)
    yield "repeated steps", run_of(folder / "1", [fit(A, 0), block(A, 0, 30), fit(B, 10), block(B, 10, 5)])
    yield "lost steps", run_of(folder / "2", [fit(A, 0), block(A, 0, 10), block(A, 20, 10)])
    yield "one lost step", run_of(folder / "3", [fit(A, 0), block(A, 0, 10), block(A, 11, 10)])
    missing = [failed, block(A, 0, 40), fit(A, 43, fit=1, optimizer=optimizer), block(A, 43, 5)]
    yield "steps without a record", run_of(folder / "4", missing)
    open_end = [fit(A, 0), block(A, 0, 10), fit(B, 11, optimizer=optimizer), block(B, 11, 5)]
    yield "a fit without an end", run_of(folder / "5", open_end)
    epochs = [fit(A, 0), block(A, 0, 100), epoch(A, 0, 0, 9), epoch(A, 2, 20, 29), epoch(A, 9, 90, 99)]
    yield "missing epochs", run_of(folder / "6", epochs)
    clock = [block(A, 0, 2, wall_time=START + 100), block(A, 2, 2, wall_time=START + 50)]
    yield "a clock that was set back", run_of(folder / "7", clock)
    lost = fit(A, 0, lost={"steps": 1, "epochs": 2, "reason": "the disk is full"})
    yield "lost data", run_of(folder / "8", [lost, block(A, 0, 10)])
    yield "a newer format", run_of(folder / "9", [fit(A, 0, format_version=99), block(A, 0, 10)])
    yield (
        "no batch yet",
        run_of(folder / "10", [fit(A, 0, ended="completed", last_step=9), block(A, 0, 10), fit(B, 0)]),
    )
    yield (
        "few samples",
        run_of(folder / "11", [fit(A, 0), *(block(A, 10 * n, 10) for n in range(9))], samples=5),
    )
    record_range_test(folder / "12" / "run", *three_sweeps())
    yield "a range test", Logs(folder / "12").run()


def sections(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields each section of the snapshot: a title and its lines."""
    for title, made in reports():
        yield f"report: {title}", made.to_text(width=WIDTH, verbose=True).splitlines()
    yield (
        "shapes",
        [f"{name}: {report(run).to_dict()['lr']['summary']}" for name, (run, _, _) in WORDS.items()],
    )
    decays = [f"{name}: {report(run).to_dict()['lr']['explanation']}" for name, run in DECAYS.items()]
    yield "time-based decays", decays
    yield (
        "recognized range tests",
        [f"{name}: {lrmon.range_test(run).recognized}" for name, run in SWEEPS.items()],
    )
    for title, run in recorded_runs(folder):
        lines = (
            report(run).to_text(width=WIDTH).splitlines() if run.kind == "range_test" else list(run.notices)
        )
        yield f"recorded: {title}", lines
    yield "findings", list(findings())


def findings() -> Iterator[str]:
    """Yields two of each kind of finding, with text and advice."""
    kept: dict[tuple[str, str], list[str]] = {}
    for run in analyzed_runs():
        for finding in parts(run).values():
            texts = kept.setdefault((finding.code, finding.severity), [])
            text = f"{finding.text}\n  → {finding.advice}"
            if len(texts) < 2 and text not in texts:
                texts.append(text)
    for (code, severity), texts in sorted(kept.items()):
        for text in texts:
            yield f"{code} ({severity})"
            yield from (f"  {line}" for line in text.splitlines())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Returns the snapshot as it is made now."""
    folder = tmp_path_factory.mktemp("runs")
    parts = ["\n".join([f"=== {title}", *lines]) for title, lines in sections(folder)]
    text = "\n\n".join(parts) + "\n"
    if os.environ.get("LRMON_REFRESH_SNAPSHOTS"):
        SNAPSHOT.write_text(text, encoding="utf-8")
    return text


def test_reports_are_worded_as_in_the_snapshot(written: str) -> None:
    kept = SNAPSHOT.read_text(encoding="utf-8")
    changes = difflib.unified_diff(
        kept.splitlines(), written.splitlines(), "snapshot", "now", lineterm="", n=1
    )

    assert [] == list(changes), "edit the wording, or refresh the snapshot with LRMON_REFRESH_SNAPSHOTS=1"


def test_the_snapshot_has_every_finding() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "lrmon/review/report/findings").glob("*.py"))
    worded = set(re.findall(r"^([a-z-]+) \((?:error|warning|info)\)$", SNAPSHOT.read_text(), re.MULTILINE))

    assert set(re.findall(r'code="(.+?)"', sources)) <= worded


def test_no_count_of_one_has_a_plural() -> None:
    nouns = "steps|epochs|batches|fits|sweeps|records|updates|losses|LR changes|earlier trainings"

    assert [] == re.findall(rf"(?<![\d.,+×/-])1 (?:{nouns})\b", SNAPSHOT.read_text(encoding="utf-8"))
