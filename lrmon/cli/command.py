"""The command ``lrmon``: lists, reports and exports of past runs.

The exit status is 0; 1 if a report has a finding of severity ``error``; 2 for wrong usage, with one sentence
on stderr that says what to do. If the reader closes the pipe early (``lrmon report logs | head -1``), the
command exits silently with 141, the status that a shell reports for ``cat`` in the same place.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from tensorboard import errors

from lrmon.analysis.plateau.direction import MODES, VERSIONS
from lrmon.analysis.plateau.rule import SETTINGS
from lrmon.cli.run_table import run_table
from lrmon.cli.streams import (
    abandon_streams,
    flush_streams,
    has_color,
    prepare_streams,
    terminal_width,
)
from lrmon.review.reading.data_provider import RecordReader
from lrmon.review.reading.log_directory import open_logs
from lrmon.review.reading.run_cache import RunCache
from lrmon.review.report.plateau_settings import default_rule, metric_names, replaced
from lrmon.review.report.report import report
from lrmon.review.run.export import export
from lrmon.review.run.outline import outline
from lrmon.review.run.run import Run
from lrmon.review.run_list import summarize
from lrmon.text.widths import fitted, shortened
from lrmon.text.wording import suggestion
from lrmon.version import __version__

GOOD, HAS_ERRORS, BAD_USAGE, INTERRUPTED, READER_LEFT = 0, 1, 2, 130, 141

_LONGEST: Final = 50
"""An error repeats at most this many characters of an argument."""


class UsageError(Exception):
    """The command cannot do what was asked; its text is one sentence for the user."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status.

    Args:
      arguments: without the command's name; those of the process where left out.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    prepare_streams()
    try:
        try:
            return _run(arguments)
        finally:
            flush_streams()
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        abandon_streams()
        return READER_LEFT if isinstance(error, BrokenPipeError) else _complain(error)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = _parser().parse_args(arguments)
        commands = {"list": _list, "report": _report, "export": _export}
        return commands[options.command](options)
    except BrokenPipeError:
        raise
    except (UsageError, errors.PublicError, OSError) as error:
        return _complain(error)


def _complain(error: Exception) -> int:
    """Says on stderr what is wrong; returns the exit status."""
    sentence = " ".join(f"lrmon: {error}".split())
    sys.stderr.write("\n".join([*fitted([sentence], terminal_width()), ""]))
    return BAD_USAGE


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="lrmon",
        description="Shows what lrmon recorded of past trainings, without TensorBoard.",
        epilog="Exit status: 0, 1 where a report has an error among its findings, 2 for wrong usage.",
    )
    parser.add_argument("--version", action="version", version=f"lrmon {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="the runs, one line each")
    listing.description = (
        "Lists the runs, sorted by name: kind, steps, epochs, optimizer and schedule, learning rate and loss "
        "of the last step, how many findings there are and how bad the worst one is."
    )
    listing.add_argument("logdir", metavar="LOGDIR", help="what tensorboard --logdir is given")
    _add_report(commands.add_parser("report", help="findings, LR changes, epochs and plateaus of each run"))
    exporting = commands.add_parser("export", help="a whole run, every step, as CSV or JSON")
    exporting.add_argument("logdir", metavar="LOGDIR", help="what tensorboard --logdir is given")
    exporting.add_argument("--run", metavar="NAME", required=True, help="the run's name in TensorBoard")
    exporting.add_argument("--format", choices=("csv", "json"), default="csv", help="default: csv")
    return parser


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Reports on every run: findings, LR changes and their positions in the epochs, and where "
        "ReduceLROnPlateau would have reduced the LR. The exit status is 1 where a finding is an error."
    )
    parser.add_argument("logdir", metavar="LOGDIR", help="what tensorboard --logdir is given")
    parser.add_argument("--run", metavar="REGEX", help="only runs in whose name this is found")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--brief", action="store_true", help="each run and its findings, a line for each")
    extent.add_argument(
        "--verbose",
        action="store_true",
        help="also what was looked for and is in order, and what could not be looked for",
    )
    extent.add_argument(
        "--json", action="store_true", help="the reports by run, as the plugin's route gives them"
    )
    rule = parser.add_argument_group(
        "the rule",
        "ReduceLROnPlateau's own settings; a setting that is left out is the run's own, or Keras' default",
    )
    metavars = {str: "NAME", int: "N", float: "X"}
    texts = {
        "monitor": "an epoch metric, or batch/loss with patience in steps",
        "mode": ", ".join(MODES),
        "version": ", ".join(VERSIONS),
    }
    for name, kind in SETTINGS.items():
        rule.add_argument(f"--{name.replace('_', '-')}", metavar=metavars[kind], help=texts.get(name))


def _list(options: argparse.Namespace) -> int:
    with open_logs(options.logdir) as reader:
        cache = RunCache(summarize=summarize)
        summaries = _summaries(cache, reader, options.logdir)
        outlines = [outline(cache.run(reader, name)) for name in summaries]
    for line in run_table(outlines, summaries, width=terminal_width(), color=has_color()):
        sys.stdout.write(f"{line}\n")
    return GOOD


def _report(options: argparse.Namespace) -> int:
    given = {name: value for name in SETTINGS if (value := getattr(options, name)) is not None}
    pattern = _pattern(options.run)
    with open_logs(options.logdir) as reader:
        cache = RunCache()
        every_name = list(_summaries(cache, reader, options.logdir))
        names = [name for name in every_name if pattern.search(name)]
        if not names:
            raise _unknown_run(options, every_name)
        _check_monitor(given, [cache.run(reader, name) for name in names])
        width = terminal_width()
        status, separator = GOOD, "{" if options.json else ""
        for name in names:
            run = cache.run(reader, name)
            try:
                made = report(run, replaced(default_rule(run).rule, given))
            except ValueError as error:
                raise UsageError(str(error)) from error
            if any(finding.severity == "error" for finding in made.findings):
                status = HAS_ERRORS
            if options.json:
                sys.stdout.write(f"{separator}{json.dumps(name, ensure_ascii=False)}:{made.to_json()}")
                separator = ",\n"
            else:
                text = made.to_text(
                    color=has_color(), width=width, verbose=options.verbose, brief=options.brief
                )
                lines = "\n".join(fitted(text.split("\n"), width))
                sys.stdout.write(f"{separator}{lines}\n")
                separator = "" if options.brief else "\n\n"
            # A closed pipe is noticed here, before the next report is computed.
            sys.stdout.flush()
        if options.json:
            sys.stdout.write("}\n")
    return status


def _export(options: argparse.Namespace) -> int:
    with open_logs(options.logdir) as reader:
        cache = RunCache()
        names = list(_summaries(cache, reader, options.logdir))
        if options.run not in names:
            raise _unknown_run(options, names)
        sys.stdout.flush()
        for part in export(cache.run(reader, options.run), options.format).parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
    return GOOD


def _summaries(cache: RunCache, reader: RecordReader, logdir: str) -> Mapping[str, Mapping[str, Any]]:
    summaries = cache.overview(reader).runs
    if not summaries:
        given = repr(shortened(logdir, _LONGEST))
        raise UsageError(
            f"nothing in {given} was recorded by lrmon; train with callbacks=[lrmon.LRMonitor({given})]"
        )
    return summaries


def _unknown_run(options: argparse.Namespace, names: Sequence[str]) -> UsageError:
    run, logdir = (repr(shortened(text, _LONGEST)) for text in (options.run, options.logdir))
    return UsageError(f"no run {run} in {logdir}; {suggestion(options.run, names)}")


def _pattern(text: str | None) -> re.Pattern[str]:
    try:
        return re.compile(text or "")
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(
            f"--run must be a regular expression, got {shortened(text or '', _LONGEST)!r} ({error})"
        ) from error


def _check_monitor(given: Mapping[str, str], runs: Sequence[Run]) -> None:
    if "monitor" not in given:
        return
    known = list(dict.fromkeys(name for run in runs for name in metric_names(run)))
    if given["monitor"] not in known:
        asked = shortened(given["monitor"], _LONGEST)
        raise UsageError(f"no run has a metric {asked!r}; {suggestion(given['monitor'], known)}")
