"""Debian packages: what pip cannot bring, installed where that needs no password."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys


def install(*packages: str) -> bool:
    """Returns whether apt-get installed the packages; False, untried, where this is not root on Debian."""
    apt = shutil.which("apt-get")
    if apt is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    print(f"apt-get install {' '.join(packages)}", file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Lists may be missing (a bare container) or old; a mirror that is out of reach need not matter.
    for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *packages]):
        result = subprocess.run(
            [apt, *command], env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
        )
    return result.returncode == 0
