"""What is said in the terminal after a fit: the run, its errors and warnings, and where to look.

It is the one module of the training side that knows the review: the findings are those of the report, made of
the records that the recorder kept in memory, without reading a file. It is imported only where it speaks.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from typing import Any, Final

import numpy as np

from lrmon.record.journal import Journal
from lrmon.record.recorder import Recorder
from lrmon.review.reading.data_provider import TagData
from lrmon.review.reading.decode import not_rewritten
from lrmon.review.reading.merge import assemble, trainings_of
from lrmon.review.reading.recordings import decode, recordings_of
from lrmon.review.report.analysis import analysis
from lrmon.review.report.findings.finding import Finding
from lrmon.review.report.findings.ranking import ranked_findings
from lrmon.review.run.run import Run

_NAMED: Final = 2
"""So many findings are printed; the first line counts them all."""


def closing_lines(recorder: Recorder, journal: Journal) -> list[str]:
    """Returns one to four lines on what has been recorded; none where that is nothing.

    Findings are said only where the journal holds the whole run, so that they are those of `lrmon report`.

    Args:
        recorder: That of the fit, after it has written everything that it could.
        journal: The recorder's.
    """
    folder, above = (shlex.quote(path) for path in (recorder.log_dir, _parent(recorder.log_dir)))
    where = f"  More: lrmon report {folder} · tensorboard --logdir {above}"
    if not journal.is_complete:
        return [f"lrmon: recorded up to step {recorder.next_step - 1:,} in {recorder.log_dir}.", where]
    run = _run(journal)
    if run is None or not run.step.size:
        return []
    counts = f"{_count(run.step.size, 'step')} ({_count(len(run.epochs), 'epoch')})"
    summary = f"lrmon: recorded {counts} in {recorder.log_dir}"
    if int(run.step[-1]) + 1 != recorder.next_step or (recorder.holds_others and int(run.step[0]) > 0):
        # The rest is not written yet, or lies in files of an earlier process.
        return [f"{summary}.", where]
    with np.errstate(all="ignore"):  # As the report does: a run may hold NaN and infinities anywhere.
        serious = [finding for finding in ranked_findings(analysis(run)) if finding.severity != "info"]
    if not serious:
        return [f"{summary}: no errors or warnings.", where]
    by_severity = dict.fromkeys(("error", "warning"), 0)
    for finding in serious:
        by_severity[finding.severity] += 1
    totals = ", ".join(_count(count, severity) for severity, count in by_severity.items() if count)
    return [f"{summary}: {totals}.", *map(_line, serious[:_NAMED]), where]


def say(lines: list[str]) -> None:
    """Prints the lines to where Keras prints its progress; what the terminal cannot show becomes ``?``."""
    if not lines or sys.stdout is None:
        return
    text = "\n".join(lines)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


def _run(journal: Journal) -> Run | None:
    """Returns the latest training of the journal's records, as the library makes it of a file's."""
    points: dict[str, list[Any]] = {}
    for record in journal.records:
        points.setdefault(record.tag, []).append(record)
    tags = {
        tag: TagData((0, 0.0), (), tuple(decode(tag, point) for point in not_rewritten(tag_points)), "")
        for tag, tag_points in points.items()
    }
    recordings = recordings_of(tags)
    return assemble("", "", trainings_of("", recordings)[""]) if recordings else None


def _line(finding: Finding) -> str:
    width = max(shutil.get_terminal_size((120, 24)).columns, 60)
    text = f"  {finding.severity}: {' '.join(finding.text.split())}"
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _parent(log_dir: str) -> str:
    """Returns the folder that holds the runs, as far as the path names it."""
    parent = os.path.dirname(log_dir.rstrip("/"))  # noqa: PTH120 - of a URL, Path drops a slash
    return log_dir if parent in ("", ".", "..", "/") or parent.endswith(":/") else parent
