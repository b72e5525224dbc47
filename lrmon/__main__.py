"""``python -m lrmon`` is the command ``lrmon``."""

from __future__ import annotations

import sys

from lrmon.cli import main

if __name__ == "__main__":
    sys.exit(main())
