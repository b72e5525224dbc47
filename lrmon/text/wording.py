"""Words that depend on numbers and names: counts with their nouns, and suggestions for unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Final

from lrmon.text.widths import shortened

_COMPARED: Final = 200
"""At most this many characters of a name are compared and shown; comparing takes quadratic time."""

_PLURALS: Final = {"batch": "batches", "loss": "losses"}

_LISTED: Final = 8
"""This many names are listed if none is similar."""


def quantity(count: int, noun: str) -> str:
    """Returns a count with its noun, in the plural unless the count is 1.

    >>> quantity(1, "epoch"), quantity(1200, "step"), quantity(0, "large batch")
    ('1 epoch', '1,200 steps', '0 large batches')
    """
    start, space, last = noun.rpartition(" ")
    return f"{count:,} {noun if count == 1 else start + space + _PLURALS.get(last, last + 's')}"


def nearest(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """Returns the names that are similar to a name or contain it, the most similar first.

    A name is compared as a whole and by the last part of its path, without regard to upper case.

    >>> nearest("adm", ["team/adam", "sgd"]), nearest("Digits", ["digits-adam-long-name", "x"])
    (['team/adam'], ['digits-adam-long-name'])
    """
    searched = name.casefold()[:_COMPARED]
    if not searched:
        return []
    by_text: dict[str, list[str]] = {}
    containing: list[str] = []
    for candidate in names:
        text = candidate.casefold()
        for part in {text, text.rpartition("/")[2]}:
            by_text.setdefault(part[:_COMPARED], []).append(candidate)
        if searched in text:
            containing.append(candidate)
    close = difflib.get_close_matches(searched, by_text, n=most)
    similar = [candidate for text in close for candidate in by_text[text]]
    return list(dict.fromkeys([*similar, *containing]))[:most]


def suggestion(name: str, names: Sequence[str]) -> str:
    """Returns the end of a sentence about an unknown name: the nearest names, or else the first ones.

    >>> suggestion("goood", ["good", "bad"]), suggestion("x", ["good", "bad"])
    ("did you mean 'good'?", "there are 'good', 'bad'")
    """
    close = nearest(name, names)
    shown = [repr(shortened(one, _COMPARED)) for one in close or names[:_LISTED]]
    if close:
        return f"did you mean {' or '.join(shown)}?"
    return f"there are {', '.join(shown)}{', …' if len(names) > _LISTED else ''}"
