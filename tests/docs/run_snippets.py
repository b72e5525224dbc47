"""Runs the snippets of a documentation page in its order, in one process, in the current folder.

Usage: ``python run_snippets.py PAGE [--install]``. It needs only the standard library, so it also runs in an
environment that was installed as the page says.

- ``python`` blocks run with the names of the blocks before them.
- ``sh`` blocks run line by line. ``tensorboard`` is stopped once it serves. Targets of ``make`` must exist.
  ``pip install`` runs with ``--install``; otherwise, the packages that it names must be installed.
- The lines of a ``text`` block must appear in the output of the block before it.
- ``json`` blocks, and ``text`` blocks with no block before them, are illustrations. Others are errors.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, TextIO

FENCE: Final = re.compile(r"^```(.*)\n((?:.*\n)*?)```$", re.MULTILINE)


class SnippetError(Exception):
    """A snippet does not do what its page says."""


@dataclass(frozen=True)
class Snippet:
    """One fenced block.

    Attributes:
        language: What follows the opening fence.
        text: The lines between the fences.
        line: The number of the first of them in the page, from 1.
    """

    language: str
    text: str
    line: int


class Tee(io.TextIOBase):
    """Keeps what is printed, and prints it.

    Args:
        stream: Where to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream: Final = stream
        self._parts: Final[list[str]] = []

    def write(self, text: str) -> int:
        self._parts.append(text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    @property
    def text(self) -> str:
        """What has been printed."""
        return "".join(self._parts)


def snippets_of(page: str) -> Iterator[Snippet]:
    """Yields the fenced blocks of a page."""
    for match in FENCE.finditer(page):
        yield Snippet(match[1], match[2], page.count("\n", 0, match.start()) + 2)


def run_page(path: Path, *, installs: bool = False) -> int:
    """Runs the snippets of a page and returns how many ran.

    Args:
        path: The page.
        installs: Whether ``pip install`` is run.

    Raises:
        SnippetError: A command failed, an output is missing, or a block has no known language.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    output: str | None = None
    count = 0
    for snippet in snippets_of(path.read_text(encoding="utf-8")):
        where = f"{path.name}:{snippet.line}"
        print(f"--- {where} ({snippet.language})", flush=True)
        if snippet.language == "python":
            tee = Tee(sys.stdout)
            # With the lines of the page before it, a traceback names the page's own line.
            code = compile("\n" * (snippet.line - 1) + snippet.text, str(path), "exec")
            with contextlib.redirect_stdout(tee):
                exec(code, names)
            output = tee.text
        elif snippet.language == "sh":
            output = "".join(run_command(line, path, installs) for line in snippet.text.splitlines())
        elif snippet.language == "text" and output is not None:
            missing = [line for line in snippet.text.splitlines() if line.strip() not in output]
            if missing:
                raise SnippetError(f"{where}: the block before it did not print {missing}")
        elif snippet.language not in {"text", "json"}:
            raise SnippetError(f"{where}: a block of {snippet.language!r} is none that can be checked")
        count += snippet.language in {"python", "sh"}
        output = output if snippet.language in {"python", "sh"} else None
    return count


def run_command(line: str, page: Path, installs: bool) -> str:
    """Runs a line of a shell and returns what it printed.

    Raises:
        SnippetError: It failed.
    """
    words = shlex.split(line, comments=True)
    if not words:
        return ""
    if words[:2] == ["pip", "install"] and not installs:
        check_installed(words[2:])
        return ""
    if words[0] == "make":
        root = next(folder for folder in page.resolve().parents if (folder / "Makefile").is_file())
        line = f"make --dry-run --directory {shlex.quote(str(root))} {shlex.join(words[1:])}"
    if words[0] == "tensorboard":
        return serve(line)
    result = subprocess.run(
        ["bash", "-c", line], env=environment(), capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise SnippetError(f"{line!r} ended with {result.returncode}: {result.stdout}{result.stderr}")
    print(result.stdout if words[0] != "make" else "", end="", flush=True)
    return result.stdout


def serve(line: str) -> str:
    """Starts a server, and stops it when it has printed its address; returns what it printed until then.

    Raises:
        SnippetError: It ended by itself.
    """
    said = []
    with subprocess.Popen(
        ["bash", "-c", line], env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        try:
            for text in process.stderr:
                said.append(text)
                if " at http://" in text:
                    return "".join(said)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
    raise SnippetError(f"{line!r} ended: {''.join(said)}")


def environment() -> dict[str, str]:
    """Returns the environment in which this interpreter's programs are found first."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def check_installed(requirements: list[str]) -> None:
    """Checks that packages are installed, and that they have the extras that requirements name.

    Raises:
        SnippetError: One is not.
    """
    for requirement in requirements:
        match = re.fullmatch(r"([\w.-]+)(?:\[([\w,]+)\])?", requirement)
        if match is None:
            raise SnippetError(f"pip install {requirement!r} is no requirement that can be checked")
        try:
            known = metadata.metadata(match[1]).get_all("Provides-Extra") or []
        except metadata.PackageNotFoundError as error:
            raise SnippetError(f"{match[1]} is not installed") from error
        # A newer metadata version writes tf_keras as tf-keras.
        extras = {extra.replace("_", "-") for extra in (match[2] or "").split(",") if extra}
        if lacking := extras - {extra.replace("_", "-") for extra in known}:
            raise SnippetError(f"{match[1]} has no extra {', '.join(sorted(lacking))}")


def main(arguments: list[str]) -> int:
    """Runs a page and returns the exit status."""
    try:
        count = run_page(Path(arguments[0]), installs="--install" in arguments)
    except SnippetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{count} snippets ran")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
