"""The command ``lrmon``: reports and exports of past runs.

It ends with 0, with 1 where a report has a finding of severity ``error``, and with 2 where it was not used
as it can be; then one sentence on stderr says what to do.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from tensorboard import errors

from lrmon.review.reading.data_provider import Source
from lrmon.review.reading.log_directory import open_logs
from lrmon.review.reading.run_cache import Library
from lrmon.review.report.plateau_settings import SETTINGS, default_rule, monitors, replaced
from lrmon.review.report.report import report
from lrmon.review.run.export import export
from lrmon.review.run.run import Run
from lrmon.version import __version__

GOOD, HAS_ERRORS, BAD_USAGE = 0, 1, 2


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
    for stream in (sys.stdout, sys.stderr):
        # A run's name may hold anything; a terminal that cannot show it gets a question mark.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        options = _parser().parse_args(arguments)
        status = _report(options) if options.command == "report" else _export(options)
        sys.stdout.flush()
        return status
    except (UsageError, errors.PublicError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            # Who reads the pipe has read enough; what is buffered has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return GOOD
        sys.stderr.write(f"lrmon: {_one_line(str(error))}\n")
        return BAD_USAGE
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="lrmon", description="What lrmon recorded of past trainings, without TensorBoard.")
    parser.add_argument("--version", action="version", version=f"lrmon {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_report(
        commands.add_parser("report", help="where runs stalled and where their learning rate stepped")
    )
    exporting = commands.add_parser("export", help="a whole run, every step, as CSV or JSON")
    exporting.add_argument("logdir", metavar="LOGDIR", help="what tensorboard --logdir is given")
    exporting.add_argument("--run", metavar="NAME", required=True, help="the run's name in TensorBoard")
    exporting.add_argument("--format", choices=("csv", "json"), default="csv", help="default: csv")
    return parser


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Reports on every run: findings, the edges of the learning rate and their places in the epochs, and "
        "where ReduceLROnPlateau would have reduced it. Ends with 1 where a finding is an error."
    )
    parser.add_argument("logdir", metavar="LOGDIR", help="what tensorboard --logdir is given")
    parser.add_argument("--run", metavar="REGEX", help="only runs in whose name this is found")
    parser.add_argument(
        "--json", action="store_true", help="the reports by run, as the plugin's route gives them"
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="also what was looked for and is in order, and what could not be looked for",
    )
    rule = parser.add_argument_group(
        "the rule",
        "ReduceLROnPlateau's own settings; a setting that is left out is the run's own, or Keras' default",
    )
    rule.add_argument(
        "--monitor", metavar="NAME", help="an epoch metric, or batch/loss with patience in steps"
    )
    for name, metavar in (
        ("patience", "N"),
        ("factor", "F"),
        ("min_delta", "D"),
        ("cooldown", "N"),
        ("min_lr", "L"),
    ):
        rule.add_argument(f"--{name.replace('_', '-')}", metavar=metavar)
    rule.add_argument("--mode", metavar="M", help="auto, min or max")
    rule.add_argument("--version", metavar="V", help="keras-3.15, keras-3.11, keras-3.0 or tf_keras")


def _report(options: argparse.Namespace) -> int:
    given = {name: value for name in SETTINGS if (value := getattr(options, name)) is not None}
    pattern = _pattern(options.run)
    with open_logs(options.logdir) as source:
        library = Library()
        names = [name for name in _names(library, source, options.logdir) if pattern.search(name)]
        if not names:
            raise UsageError(f"no run of {options.logdir!r} has {options.run!r} in its name")
        _check_monitor(given, [library.run(source, name) for name in names])
        status, separator = GOOD, "{" if options.json else ""
        for name in names:
            run = library.run(source, name)
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
                width = shutil.get_terminal_size((100, 24)).columns
                text = made.to_text(color=_has_color(), width=width, verbose=options.verbose)
                sys.stdout.write(f"{separator}{text}\n")
                separator = "\n\n"
        if options.json:
            sys.stdout.write("}\n")
    return status


def _export(options: argparse.Namespace) -> int:
    with open_logs(options.logdir) as source:
        library = Library()
        names = _names(library, source, options.logdir)
        if options.run not in names:
            raise UsageError(f"no run {options.run!r} in {options.logdir!r}; it has {_listed(names)}")
        sys.stdout.flush()
        for part in export(library.run(source, options.run), options.format).parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
    return GOOD


def _names(library: Library, source: Source, logdir: str) -> list[str]:
    names = list(library.overview(source).runs)
    if not names:
        raise UsageError(
            f"nothing in {logdir!r} was recorded by lrmon; train with callbacks=[lrmon.LRMonitor({logdir!r})]"
        )
    return names


def _pattern(text: str | None) -> re.Pattern[str]:
    try:
        return re.compile(text or "")
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"--run must be a regular expression, got {text!r} ({error})") from error


def _check_monitor(given: Mapping[str, str], runs: Sequence[Run]) -> None:
    if "monitor" not in given:
        return
    known = list(dict.fromkeys(name for run in runs for name in monitors(run)))
    if given["monitor"] not in known:
        raise UsageError(f"no run has a monitor {given['monitor']!r}; there are {_listed(known)}")


def _listed(names: Sequence[str]) -> str:
    shown = [repr(name) for name in names[:8]]
    return ", ".join([*shown, *(["…"] if len(names) > 8 else [])])


def _has_color() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
