"""The pictures of the documentation: each example runs, and the page is photographed on what it recorded.

Usage: ``python scripts/pictures.py [EXAMPLE …]`` writes docs/images/EXAMPLE.png; all without an argument.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.browser.conftest import ARGUMENTS, Opener, chromium  # noqa: E402  (found by the line above)
from tests.browser.page import link, runs  # noqa: E402
from tests.plugin.process import tensorboard  # noqa: E402

IMAGES = ROOT / "docs" / "images"
SELECTED = {
    "demo": ["adam-staircase"],
    "mystery": ["lrmon"],
    "time_based_decay": ["inverse-time"],
    "time_based_decay_legacy": ["legacy-decay"],
    "step_decay": ["misplaced-parenthesis"],
    "exponential_decay": ["by-epoch", "schedule", "staircase"],
    "reduce_on_plateau": ["never-answered"],
    "adam_with_decay": ["warm-up"],
    "adamw": ["cosine"],
    "adaptive_optimizers": ["adadelta", "adagrad", "adam", "adamax", "nadam", "rmsprop"],
    "range_test": ["sweep"],
}
"""By example, the runs that are selected in its picture."""
TABS = {"reduce_on_plateau": "what-if", "time_based_decay": "run", "time_based_decay_legacy": "run"}
"""By example, the tab beside the charts; the first one where none is named."""


def photograph(browser: Browser, example: str) -> None:
    """Writes the picture of one example; the demo's is taken as TensorBoard frames the page."""
    with tempfile.TemporaryDirectory() as folder:
        script = ROOT / "examples" / f"{example}.py"
        subprocess.run([sys.executable, str(script), folder], check=True)
        with tensorboard(Path(folder)) as server:
            server.runs_when(lambda found: set(SELECTED[example]) <= set(found))
            opener = Opener(browser)
            inside = example == "demo"
            size = (1440, 900) if inside else (1280, 760)
            selected = runs(*SELECTED[example])
            # A range test has a page of its own.
            tab = {"tab": TABS[example]} if example in TABS else {}
            is_test = example == "range_test"
            position = link(kind="range_test", sweeps=selected) if is_test else link(runs=selected, **tab)
            monitor = opener(server, position, inside=inside, size=size)
            monitor.page.wait_for_load_state("networkidle")
            monitor.page.screenshot(path=IMAGES / f"{example}.png")
            opener.close()


def main(examples: list[str]) -> int:
    """Makes the pictures of these examples; returns the exit status."""
    unknown = [example for example in examples if example not in SELECTED]
    if unknown:
        print(f"no example {unknown[0]!r}; there are {', '.join(SELECTED)}", file=sys.stderr)
        return 2
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        for example in examples or SELECTED:
            photograph(browser, example)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
