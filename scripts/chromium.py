"""The Chromium that the browser tests drive. Prints its path; installs one where the machine has none.

The first of these that runs: the one that the environment variable LRMON_CHROMIUM names; one on the PATH;
Debian's, installed by apt-get where this is root; the one that Playwright brings, installed for this user.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

import debian

VARIABLE = "LRMON_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A page without fonts has no text to look at; the last is what Playwright's own Node asks of the system.
DEBIAN_PACKAGES = ("chromium", "fonts-liberation", "libatomic1")
PLAYWRIGHT = (sys.executable, "-m", "playwright")


class ChromiumError(RuntimeError):
    """No Chromium can be had; the message says why and what to do."""


def path() -> str:
    """Returns the path of a Chromium that runs and that Playwright can drive; installs what is missing.

    Raises:
        ChromiumError: What LRMON_CHROMIUM names does not run, or nothing could be installed.
    """
    found = _named() or _on_path()
    if (found is None or not _runs(*PLAYWRIGHT)) and debian.install(*DEBIAN_PACKAGES):
        found = found or _on_path()
    if not _runs(*PLAYWRIGHT):
        raise ChromiumError(
            f"Playwright does not start: `{' '.join(PLAYWRIGHT)} --version` says why. "
            "On Debian it may be a package: run `sudo apt-get install libatomic1`."
        )
    found = found or _playwrights()
    if found is None:
        subprocess.run(
            [*PLAYWRIGHT, "install", "chromium"], stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
        )
        found = _playwrights()
    if found is None:
        raise ChromiumError(
            "The browser tests need Chromium: run `sudo apt-get install chromium` (on Debian), "
            f"or set {VARIABLE} to the path of a Chromium or Chrome."
        )
    return found


def _named() -> str | None:
    named = os.environ.get(VARIABLE)
    if named and not _runs(named):
        raise ChromiumError(
            f"{VARIABLE} is {named}, and `{named} --version` fails: name a Chromium, or unset it."
        )
    return named or None


def _on_path() -> str | None:
    candidates = (shutil.which(name) for name in NAMES)
    return next((found for found in candidates if found and _runs(found)), None)


def _playwrights() -> str | None:
    with sync_playwright() as playwright:
        found = playwright.chromium.executable_path
    return found if _runs(found) else None


def _runs(*command: str) -> bool:
    """Returns whether the program starts: Ubuntu's may be a stub, and a download may lack libraries."""
    try:
        done = subprocess.run([*command, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def main() -> int:
    """Prints the path; returns the exit status."""
    try:
        print(path())
    except ChromiumError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
