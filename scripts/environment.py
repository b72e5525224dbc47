"""The project's environments, with lrmon installed editable from this tree.

Usage: ``python3 scripts/environment.py demo|dev|jax|torch|tf_keras|keras|oldest|oldest-jax``. The first two
are extras of .venv; each of the others is an environment of its own, .venv-<name>: for the tests on another
backend, for Keras' own tests, which import all three backends at once, or on the oldest supported packages.
It is quick where nothing has changed that would change the result.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import debian

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Environment:
    """What one environment holds.

    Attributes:
        folder: Below the project's.
        extras: Of pyproject.toml.
        more: Requirements besides.
        alone: Requirements that are installed without what they require themselves.
        is_oldest: Whether every package that pyproject.toml names has the oldest version that it allows.
    """

    folder: str
    extras: tuple[str, ...]
    more: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    is_oldest: bool = False

    @property
    def stamp(self) -> Path:
        """What the environment was made from, and the extras that it has."""
        return ROOT / self.folder / ".lrmon.json"

    @property
    def python(self) -> Path:
        return ROOT / self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


# tf_keras asks for the package tensorflow, which is tensorflow-cpu under another name and twice its size.
TF_KERAS: Final = ("tf_keras>=2.16",)

# The tests need no GPU. Of this version a build for the CPU alone may be at hand, which pip then prefers;
# whatever else it finds brings gigabytes.
TORCH: Final = ("torch==2.13.0",)

ENVIRONMENTS: Final = {
    "demo": Environment(".venv", ("demo",)),
    "dev": Environment(".venv", ("dev",), alone=TF_KERAS),
    "jax": Environment(".venv-jax", ("jax", "test")),
    "torch": Environment(".venv-torch", ("torch", "test"), more=TORCH),
    "tf_keras": Environment(".venv-tf_keras", ("demo", "test"), alone=TF_KERAS),
    # Keras' tests import their optional companions where these are installed.
    "keras": Environment(
        ".venv-keras",
        ("demo", "jax", "torch", "test"),
        more=(*TORCH, "pandas", "requests"),
    ),
    # Without PyTorch, whose old builds bring gigabytes of CUDA. lrmon does not require fsspec. JAX has an
    # environment of its own, since it requires newer packages than TensorFlow 2.16 works with.
    "oldest": Environment(".venv-oldest", ("demo", "test"), more=("fsspec",), alone=TF_KERAS, is_oldest=True),
    "oldest-jax": Environment(".venv-oldest-jax", ("jax", "test"), is_oldest=True),
}

OLDEST_PYTHON: Final = (3, 10)


class SetupError(RuntimeError):
    """The environment cannot be made; the message says why and what to do."""


def make(name: str) -> None:
    """Makes an environment by this interpreter, and the front end's bundle; or leaves it as it is.

    Args:
        name: One of `ENVIRONMENTS`.

    Raises:
        SetupError: This interpreter is too old or cannot make environments, or pip failed.
    """
    if sys.version_info < (3, 10):  # noqa: UP036  (the one script that an older Python is told this by)
        raise SetupError(
            f"lrmon needs Python 3.10 or newer, and {sys.executable} is {sys.version.split()[0]}: "
            "run `make PYTHON=/path/to/newer/python3 …`."
        )
    environment = ENVIRONMENTS[name]
    if environment.is_oldest:
        _continue_with_oldest_python(name)
    found, interpreter, project = _read_stamp(environment), _interpreter(), _project()
    if not environment.python.is_file() or found.get("interpreter", interpreter) != interpreter:
        _make_venv(environment)
        found = {}
    extras = found.get("extras", []) if found.get("project") == project else []
    wanted = [*environment.extras, *environment.more, *environment.alone]
    if set(wanted) <= set(extras) and _bundle_is_current():
        return
    project_with_extras = f".[{','.join(environment.extras)}]"
    print(f"installing lrmon{project_with_extras[1:]} into {environment.folder} …", flush=True)
    constraints = _oldest_versions(environment) if environment.is_oldest else []
    _pip(environment, constraints, "--editable", project_with_extras, *environment.more)
    if environment.alone:
        _pip(environment, constraints, "--no-deps", *environment.alone)
    stamp = {"interpreter": interpreter, "project": project, "extras": sorted({*extras, *wanted})}
    environment.stamp.write_text(json.dumps(stamp))


def _read_stamp(environment: Environment) -> dict[str, Any]:
    """Returns what is known of an environment; nothing where somebody else made it."""
    try:
        stamp: dict[str, Any] = json.loads(environment.stamp.read_text())
    except (OSError, ValueError):
        return {}
    return stamp


def _interpreter() -> str:
    # With the folder, since the programs in an environment name the place that they were made for.
    return f"{sys.base_prefix} {sys.version_info[0]}.{sys.version_info[1]} in {ROOT}"


def _project() -> str:
    """Returns a digest of what decides on the packages in the environments."""
    files = (ROOT / name for name in ("setup.py", "pyproject.toml", "lrmon/version.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _bundle_is_current() -> bool:
    sys.path.insert(0, str(ROOT / "tb_plugin"))
    import bundle

    return bundle.is_current()


def _make_venv(environment: Environment) -> None:
    """Makes the environment anew with pip in it."""
    if importlib.util.find_spec("ensurepip") is None:
        # Debian keeps what `python3 -m venv` needs in a package of its own.
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if not debian.install(package):
            raise SetupError(
                f"{sys.executable} has no ensurepip, so it cannot make a virtual environment: "
                f"run `sudo apt-get install {package}` (on Debian and Ubuntu) and try again."
            )
    folder = environment.folder
    shutil.rmtree(ROOT / folder, ignore_errors=True)
    # A process of its own: this one has not seen a package that was just installed.
    _run([sys.executable, "-m", "venv", str(ROOT / folder)], f"making {folder}")


def oldest_allowed(requirements: Iterable[str], extras: Iterable[str]) -> dict[str, str]:
    """Returns by package the oldest version that requirements allow; without those that have no lower bound.

    Args:
        requirements: As metadata has them.
        extras: Whose requirements count, beside those of no extra.

    >>> requirements = ["numpy>=1.23.5", "numpy>=1.24; extra == 'jax'", "ruff<0.18,>=0.17; extra == 'dev'"]
    >>> oldest_allowed(requirements, ["jax"])
    {'numpy': '1.24'}
    """
    versions: dict[str, str] = {}
    for requirement in requirements:
        specifier, _, marker = requirement.partition(";")
        extra = re.search(r"extra == ['\"]([\w-]+)", marker)
        name, bound = re.match(r"[\w.-]+", specifier), re.search(r">=\s*([\d.]+)", specifier)
        if name and bound and (extra is None or extra[1] in extras):
            versions[name[0]] = max(versions.get(name[0], "0"), bound[1], key=_numbers)
    return versions


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def _oldest_versions(environment: Environment) -> list[str]:
    """Returns what constrains each package of the project's own metadata to its oldest version."""
    command = ["install", "--quiet", "--dry-run", "--no-deps", "--ignore-installed", "--report", "-", "."]
    report = json.loads(_run([str(environment.python), "-m", "pip", *command], "pip", captured=True))
    (project,) = report["install"]
    versions = oldest_allowed(project["metadata"]["requires_dist"], environment.extras)
    return [f"{name}=={version}" for name, version in versions.items()]


def _continue_with_oldest_python(name: str) -> None:
    """Ends this script by one that the oldest supported Python runs, where that one is installed."""
    if sys.version_info[:2] == OLDEST_PYTHON:
        return
    wanted = ".".join(map(str, OLDEST_PYTHON))
    # A launcher may stand on the path and have no interpreter behind it.
    python = shutil.which(f"python{wanted}")
    if python and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
        sys.exit(subprocess.run([python, __file__, name], check=False).returncode)
    if sys.version_info >= (3, 12):
        raise SetupError(
            f"The oldest supported packages have no build for Python {sys.version.split()[0]}, and there "
            f"is no python{wanted}: run `make PYTHON=/path/to/python{wanted} test-oldest`."
        )


def _pip(environment: Environment, constraints: list[str], *arguments: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "constraints.txt")
        file.write_text("\n".join(constraints))
        command = ["install", "--quiet", "--constraint", str(file), *arguments]
        _run([str(environment.python), "-m", "pip", *command], "pip install")


def _run(command: list[str], what: str, *, captured: bool = False) -> str:
    """Runs a command; returns what it prints, where that is captured."""
    result = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if captured else None,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise SetupError(f"{what} failed; its own output above says why.")
    return result.stdout or ""


def main(arguments: list[str]) -> int:
    """Makes the environment that is named; returns the exit status."""
    if len(arguments) != 1 or arguments[0] not in ENVIRONMENTS:
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
