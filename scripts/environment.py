"""The project's environment: .venv, with lrmon installed editable from this tree.

Usage: ``python3 scripts/environment.py demo|dev``, the argument being an extra of setup.py. It is quick where
nothing has changed that would change the result.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import debian

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".lrmon.json"
"""What .venv was made from, and the extras that it has."""


class SetupError(RuntimeError):
    """The environment cannot be made; the message says why and what to do."""


def make(extra: str) -> None:
    """Makes .venv with `extra` in it, by this interpreter, and the front end's bundle; or leaves it as it is.

    Raises:
        SetupError: This interpreter is too old or cannot make environments, or pip failed.
    """
    if sys.version_info < (3, 10):  # noqa: UP036  (the one script that an older Python is told this by)
        raise SetupError(
            f"lrmon needs Python 3.10 or newer, and {sys.executable} is {sys.version.split()[0]}: "
            "run `make PYTHON=/path/to/newer/python3 …`."
        )
    found, interpreter, project = _read_stamp(), _interpreter(), _project()
    if not _python().is_file() or found.get("interpreter", interpreter) != interpreter:
        _make_venv()
        found = {}
    extras = found.get("extras", []) if found.get("project") == project else []
    if extra in extras and _bundle_is_current():
        return
    print(f"installing lrmon[{extra}] into .venv …", flush=True)
    _run([str(_python()), "-m", "pip", "install", "--quiet", "--editable", f".[{extra}]"], "pip install")
    if extra == "dev":
        # It asks for the package tensorflow, which is tensorflow-cpu under another name and twice its size.
        _run([str(_python()), "-m", "pip", "install", "--quiet", "--no-deps", "tf_keras"], "pip install")
    stamp = {"interpreter": interpreter, "project": project, "extras": sorted({*extras, extra})}
    STAMP.write_text(json.dumps(stamp))


def _read_stamp() -> dict[str, Any]:
    """Returns what is known of .venv; nothing where somebody else made it."""
    try:
        stamp: dict[str, Any] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp


def _interpreter() -> str:
    # With the folder, since the programs in an environment name the place that they were made for.
    return f"{sys.base_prefix} {sys.version_info[0]}.{sys.version_info[1]} in {ROOT}"


def _project() -> str:
    """Returns a digest of what decides on the packages in .venv."""
    files = (ROOT / name for name in ("setup.py", "pyproject.toml", "lrmon/version.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _bundle_is_current() -> bool:
    sys.path.insert(0, str(ROOT / "tb_plugin"))
    import bundle

    return bundle.is_current()


def _make_venv() -> None:
    """Makes .venv anew with pip in it."""
    if importlib.util.find_spec("ensurepip") is None:
        # Debian keeps what `python3 -m venv` needs in a package of its own.
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if not debian.install(package):
            raise SetupError(
                f"{sys.executable} has no ensurepip, so it cannot make a virtual environment: "
                f"run `sudo apt-get install {package}` (on Debian and Ubuntu) and try again."
            )
    shutil.rmtree(VENV, ignore_errors=True)
    # A process of its own: this one has not seen a package that was just installed.
    _run([sys.executable, "-m", "venv", str(VENV)], "making .venv")


def _run(command: list[str], what: str) -> None:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    result = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False)
    if result.returncode != 0:
        raise SetupError(f"{what} failed; its own output above says why.")


def _python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def main(arguments: list[str]) -> int:
    """Makes the environment for the extra that is named; returns the exit status."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        make(arguments[0])
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
