"""The runs of a log directory, as `lrmon.load` returns them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

from lrmon.review.run.outline import HEADINGS, outline
from lrmon.review.run.run import Run
from lrmon.text.html import table_html
from lrmon.text.widths import shortened
from lrmon.text.wording import quantity, suggestion

_NAMED: Final = 5
_LONGEST: Final = 50


class Runs(dict[str, Run]):
    """Runs by name: a dictionary with a repr of one line and a table for notebooks.

    Args:
      logdir: the log directory that they were read from.
      runs: by name.
    """

    def __init__(self, logdir: str, runs: Mapping[str, Run]) -> None:
        super().__init__(runs)
        self.logdir = logdir

    def __missing__(self, name: object) -> NoReturn:
        hint = "there are none" if not self else suggestion(str(name), list(self))
        raise KeyError(f"no run {name!r} in {self.logdir!r}; {hint}")

    def __repr__(self) -> str:
        names = [repr(shortened(name, _LONGEST)) for name in list(self)[:_NAMED]]
        if len(self) > _NAMED:
            names.append(f"and {len(self) - _NAMED:,} more")
        return f"<{self._title()}{': ' if names else ''}{', '.join(names)}>"

    def _repr_html_(self) -> str:
        return table_html(self._title(), [outline(run).cells() for run in self.values()], headings=HEADINGS)

    def _title(self) -> str:
        return f"{quantity(len(self), 'run')} in {self.logdir!r}"
