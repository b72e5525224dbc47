"""The pages use the terms of docs/glossary.md, and plain American English."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.docs.pages import PAGES


@dataclass(frozen=True)
class Word:
    """A word to avoid.

    Attributes:
        pattern: Finds it.
        better: What to write.
        example: A use of it.
    """

    pattern: str
    better: str
    example: str


WORDS: Final = (
    Word(r"(?<!learning )(?<!learning-)(?<!error )\brates?\b", "learning rate, LR", "the rate of this step"),
    Word(r"\bedges?\b|\bstairs?\b", "LR change, LR drop, LR increase", "the edges of the curve"),
    Word(r"\bsteps? (down|up)\b|\bstepped\b", "LR drop, LR increase", "after a step down"),
    Word(r"\bsteps (every|at even)\b", "the learning rate changes every", "it steps every 95 batches"),
    Word(r"\brings?\b(?! buffers?)", "ring buffer", "the ring of the step"),
    Word(
        r"(?<!in a )\brows?\b(?! of (this|the) tables?)",
        "step record; line of a file",
        "each row of the record",
    ),
    Word(
        r"\bplaces\b|\b(a|the|its|one|each|which|no|right|other|another|same) place\b",
        "position",
        "its place",
    ),
    Word(r"\bforetold\b|\bforetells?\b", "preflight warning", "what was foretold"),
    Word(r"\bpre-flight\b", "preflight", "a pre-flight warning"),
    Word(r"\btold\b|\bsaid\b", "provenance; is reported, is recorded", "it is said where"),
    Word(r"\btriggers?\b|\btriggered\b", "LR reduction", "at the first trigger"),
    Word(r"\bdeparts?\b", "differs", "where it departs"),
    Word(r"\bnot available\b", "unavailable", "the loss is not available"),
    Word(r"\bleft out\b|\bleaves? (it )?out\b", "skipped; not given", "a step that was left out"),
    Word(
        r"\bmonitors\b|\b(a|an|the|each|this|its) monitor\b", "metric names; LRMonitor", "give it a monitor"
    ),
    Word(r"\bfacts\b", "run analysis", "the facts of a run"),
    Word(r"\bnobody\b|\bsomebody\b|\bwhoever\b", "a sentence with a subject", "nobody knows"),
    Word(r"\bbegan\b|\bbegins?\b|\bbegun\b|\blasted\b", "started, duration", "it began at step 3"),
    Word(
        r"\b(?:steps?|batch(?:es)?|samples?|loss|points?|epochs?|times|drops?|changes?|value|once) an? "
        r"(?:epoch|step|batch|decade|curve|run|second|backend|fit)\b",
        "per epoch, per step, per decade",
        "76 steps an epoch",
    ),
    Word(r"\bones? of (one's|its|their) own\b|\bof one's own\b", "your own", "a loop of one's own"),
    Word(r"\bhands? (?:\w+ ){0,3}(?:over|on)\b|\bhanded\b", "pass", "hand the callback over"),
    Word(
        r"\bheld (against|to)\b|\bholds? \w+ (against|to)\b",
        "compares, checks",
        "a test holds it to the page",
    ),
    Word(r"\btwins?\b", "copy", "a twin of the metric"),
    Word(r"\b(?:go|goes|went|gone|going) on\b", "continue", "the training goes on"),
    Word(r"\b(?:has|have|had) not got\b|\b(?:has|have) got\b", "does not have", "JSON has not got it"),
    Word(r"\blies\b|\blay\b", "is, are", "where it lies"),
    Word(r"\bmended\b|\bbelies?\b|\bprobes?\b", "fixed, differs", "it was mended"),
    Word(r"\bgood to know\b|\basks? for a word\b", "info", "it is good to know"),
    Word(r"\bsettles? what\b|\bin silence\b|\bof old\b", "a plain statement", "it stopped in silence"),
    Word(r"\b\w*(?:colour|behaviour|neighbour|favour|centre|licence)\w*\b", "American spelling", "a colour"),
)

HEADING_OF_A_CODE: Final = re.compile(r"^##? [a-z]+(?:-[a-z]+)+$", re.MULTILINE)
FENCE: Final = re.compile(r"^```.*\n(?:.*\n)*?```$", re.MULTILINE)
QUOTE: Final = re.compile(r"^>.*$", re.MULTILINE)
CODE: Final = re.compile(r"`[^`]*`")
CODES_AND_TARGETS: Final = re.compile(r"\]\([^)]*\)|<!--.*?-->|\b[a-z]+(?:-[a-z]+){2,}\b")


def prose(text: str) -> str:
    """A page as one line, without code, quoted messages, links' targets and the names of findings."""
    for pattern in (FENCE, QUOTE, HEADING_OF_A_CODE, CODE, CODES_AND_TARGETS):
        text = pattern.sub(" ‹› ", text)
    return " ".join(text.split())


def words_to_avoid(text: str) -> list[str]:
    """Each use of a word to avoid, with what is around it and what to write."""
    line = prose(text)
    return [
        f"…{line[max(match.start() - 30, 0) : match.end() + 30]}… ({word.better})"
        for word in WORDS
        for match in re.finditer(word.pattern, line, re.IGNORECASE)
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_has_none_of_the_words_to_avoid(path: Path) -> None:
    assert [] == words_to_avoid(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.example)
def test_each_word_is_found_across_lines_and_not_in_code(word: Word) -> None:
    assert words_to_avoid(f"# Title\n\nNow {word.example.replace(' ', chr(10))} here.\n")
    assert [] == words_to_avoid(
        f"# Title\n\nNow `{word.example}`.\n\n```text\n{word.example}\n```\n> {word.example}\n"
    )
