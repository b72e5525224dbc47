"""Writes docs/error_rates.md: how often findings are right on the corpus, and those of other linters.

``make error-rates`` runs it. Without the environment of the other linters only lrmon's columns are made anew.
"""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lrmon.review.report.findings.finding import Finding  # noqa: E402 - the corpus is found from the root alone
from lrmon.review.report.report import analyzed_run  # noqa: E402
from tests.corpus.recordings import Case, load_all  # noqa: E402

PAGE: Final = ROOT / "docs/error_rates.md"
PEERS_PYTHON: Final = ROOT / ".venv-peers/bin/python"
PEERS: Final = ("trainproof", "runmedic", "trainspotter", "losslint")
_NO_EPOCH: Final = 0.05
"""Share of the steps within which a place is right where there are no epochs."""


@dataclass(frozen=True)
class Verdict:
    """What lrmon says of one training.

    Attributes:
        case: The training.
        findings: Warnings and errors.
    """

    case: Case
    findings: tuple[Finding, ...]

    @property
    def found(self) -> bool:
        """Whether there is any warning or error."""
        return bool(self.findings)

    @property
    def named(self) -> tuple[Finding, ...]:
        """Those findings that name the fault rightly."""
        return tuple(
            finding
            for finding in self.findings
            if finding.code in self.case.truth.codes
            or f"{finding.code}:{finding.numbers.get('cause')}" in self.case.truth.codes
        )

    @property
    def placed(self) -> bool:
        """Whether a rightly named finding begins where the fault does, within an epoch."""
        truth = self.case.truth
        if truth.first is None or truth.last is None:
            return bool(self.named)
        slack = self.case.steps_per_epoch or math.ceil(_NO_EPOCH * self.case.loss.size)
        return any(
            finding.step is not None and truth.first - slack <= finding.step <= truth.last + slack
            for finding in self.named
        )

    @property
    def wrong(self) -> bool:
        """Whether any finding names something else."""
        return len(self.named) < len(self.findings)


def verdict(case: Case) -> Verdict:
    """Returns what lrmon's report says of a training."""
    found = analyzed_run(case.run()).findings
    return Verdict(case, tuple(finding for finding in found if finding.severity != "info"))


def export(cases: Iterable[Case], folder: Path) -> None:
    """Writes each training as a CSV file: every step, with val_loss at the ends of epochs."""
    for case in cases:
        ends = {epoch["last_step"]: epoch["metrics"] for epoch in case.epochs}
        has_validation = any("val_loss" in metrics for metrics in ends.values())
        with (folder / f"{case.name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["step", "loss", "lr", *(["val_loss"] if has_validation else [])])
            for step, (loss, lr) in enumerate(
                zip(case.loss.tolist(), case.learning_rate.tolist(), strict=True)
            ):
                value = ends.get(step, {}).get("val_loss", "")
                writer.writerow([step, loss, lr, *([value] if has_validation else [])])


def ask_peers(cases: Sequence[Case]) -> dict[str, dict[str, dict[str, str]]]:
    """Returns by peer and training the names of its warnings and errors, with their severities."""
    with tempfile.TemporaryDirectory() as folder:
        export(cases, Path(folder))
        command = [str(PEERS_PYTHON), str(ROOT / "scripts/peers.py"), folder]
        process = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, dict[str, dict[str, str]]] = json.loads(process.stdout)
    return answer


def fault_rows(verdicts: Sequence[Verdict]) -> dict[str, list[str]]:
    """Returns lrmon's cells by kind and severity: trainings, found, right name, right step, wrong too."""
    rows: dict[str, list[str]] = {}
    keys = sorted({(each.case.kind, each.case.severity) for each in verdicts if each.case.severity})
    for kind, severity in keys:
        here = [each for each in verdicts if (each.case.kind, each.case.severity) == (kind, severity)]
        counts = (
            len(here),
            sum(each.found for each in here),
            sum(bool(each.named) for each in here),
            sum(each.placed for each in here),
            sum(each.wrong for each in here),
        )
        rows[f"{kind} | {severity}"] = [str(count) for count in counts]
    return rows


def healthy_rows(verdicts: Sequence[Verdict]) -> list[tuple[str, int, int, int]]:
    """Returns for the healthy trainings of each half: its name, how many, with an error, with a warning."""
    rows = []
    for name, measured in (("measured", True), ("tuned on", False)):
        here = [each for each in verdicts if not each.case.severity and each.case.is_measured is measured]
        worst = [{finding.severity for finding in each.findings} for each in here]
        rows.append(
            (
                name,
                len(here),
                sum("error" in each for each in worst),
                sum("warning" in each for each in worst),
            )
        )
    return rows


def page(verdicts: Sequence[Verdict], peers: dict[str, dict[str, dict[str, str]]]) -> str:
    """Returns docs/error_rates.md."""
    names = list(peers)
    lines = [_HEAD.format(count=len(verdicts), faults=sum(bool(each.case.severity) for each in verdicts))]
    for title, measured in (
        ("Faults, the half that was only measured", True),
        ("Faults that the rules were tuned on", False),
    ):
        here = [each for each in verdicts if each.case.severity and each.case.is_measured is measured]
        lines += [f"## {title}", ""]
        lines.append(
            "| fault | severity | trainings | found | right name | right step | wrong name too | "
            + " | ".join(names)
            + " |"
        )
        lines.append("|---" * (7 + len(names)) + "|")
        for key, cells in fault_rows(here).items():
            kind, severity = key.split(" | ")
            of_it = [
                each.case.name
                for each in here
                if (each.case.kind, str(each.case.severity)) == (kind, severity)
            ]
            theirs = [str(sum(bool(peers[name].get(case)) for case in of_it)) for name in names]
            lines.append(f"| {key} | {' | '.join([*cells, *theirs])} |")
        total = [str(sum(int(row[index]) for row in fault_rows(here).values())) for index in range(5)]
        theirs = [str(sum(bool(peers[name].get(each.case.name)) for each in here)) for name in names]
        lines += [f"| all | | {' | '.join([*total, *theirs])} |", ""]
    lines += ["## Healthy trainings with an alarm", ""]
    lines.append("| half | trainings | severity | lrmon | " + " | ".join(names) + " |")
    lines.append("|---" * (4 + len(names)) + "|")
    for (half, count, *alarms), measured in zip(healthy_rows(verdicts), (True, False), strict=True):
        healthy = [
            each.case.name
            for each in verdicts
            if not each.case.severity and each.case.is_measured is measured
        ]
        for severity, own in zip(("error", "warning"), alarms, strict=True):
            theirs = [
                str(sum(severity in peers[name].get(case, {}).values() for case in healthy)) for name in names
            ]
            lines.append(f"| {half} | {count} | {severity} | {' | '.join([str(own), *theirs])} |")
    lines += ["", _misses(verdicts), "", *_ahead(verdicts, peers), ""]
    return "\n".join(lines)


def _ahead(verdicts: Sequence[Verdict], peers: dict[str, dict[str, dict[str, str]]]) -> Iterable[str]:
    """Yields the rows of the measured half in which another linter warned of more trainings."""
    here = [each for each in verdicts if each.case.severity and each.case.is_measured]
    for name, answers in peers.items():
        ahead = []
        for key, cells in fault_rows(here).items():
            of_it = [each for each in here if f"{each.case.kind} | {each.case.severity}" == key]
            if sum(bool(answers.get(each.case.name)) for each in of_it) > int(cells[1]):
                ahead.append(f"`{key.replace(' | ', ' ')}`")
        if ahead:
            count = len(ahead)
            yield f"- {name} warned about more trainings than lrmon for {count} faults: {', '.join(ahead)}"


def _misses(verdicts: Sequence[Verdict]) -> str:
    """Lists the cells that fall short, by training."""
    lines = ["## Missed faults and false alarms", "", "In the half that was only measured:", ""]
    for each in verdicts:
        if not each.case.is_measured:
            continue
        said = (
            ", ".join(f"`{code}`" for code in Counter(finding.code for finding in each.findings)) or "nothing"
        )
        if each.case.severity and not each.named:
            lines.append(f"- `{each.case.name}`: {said}")
        elif each.case.severity and not each.placed:
            lines.append(f"- `{each.case.name}`: {said}, at another step")
        elif not each.case.severity and each.found:
            lines.append(f"- `{each.case.name}` is healthy: {said}")
    return "\n".join(lines)


_HEAD: Final = """# How often findings are right

`make error-rates` (`scripts/error_rates.py`) writes this page. A test compares lrmon's columns with the
results on the corpus.

The corpus has {count} small real trainings with Keras and with `Recorder` loops. {faults} of them have
one known fault (`tests/corpus/faults.py`: kinds, three severities of which 3 is the worst, and three
seeds, each with another model and other data). The others have none (`tests/corpus/healthy.py`). Rules
and thresholds were chosen on one part of the corpus (of faults the first seed, and the second of every
other kind; of healthy trainings every other kind) and measured on the other. Rules were corrected after
each of three earlier measurements, and the measured part was then trained again from other seeds. No
rule has changed since, so the results of the measured part on this page were seen once.

- *found*: the run has a warning or an error of any name.
- *right name*: one of them has a name that fits the fault.
- *right step*: one with the right name starts within an epoch of the fault (within a twentieth of the
  run if there are no epochs). A fault that has no certain step counts as right.
- *wrong name too*: a warning or an error has another name, in addition or alone.
- The columns of the other linters count the trainings in which they gave a warning or an error of any
  name. They got every step's loss and learning rate, and `val_loss` at the ends of epochs, as a CSV
  file, with their default settings. Compare these columns with the last table: a tool that warns about
  every training finds every fault.

The measurement has limits. The trainings take seconds, and the networks have some thousand weights.
Error rates on networks of a thousand times that size, on trainings of weeks and on other faults may
differ. Some faults do no harm if they are mild (a learning rate that is too high but still trains) and
are missed here. None of these tools finds a fault that shows neither in the loss nor in the learning
rate nor in validation.
"""


def main() -> None:
    """Writes the page."""
    cases = load_all()
    verdicts = [verdict(case) for case in cases]
    if not PEERS_PYTHON.is_file():
        raise SystemExit("make error-rates makes the environment of the other linters first")
    PAGE.write_text(page(verdicts, ask_peers(cases)))


if __name__ == "__main__":
    main()
