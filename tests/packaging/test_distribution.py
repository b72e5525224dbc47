"""What is distributed: the archives' contents, and that the wheel works where there is little else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from packaging.requirements import Requirement

from lrmon.version import __version__
from tests.docs import run_snippets

ROOT = Path(__file__).resolve().parents[2]

# Nothing is to be found but what is installed.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

RECORD = """
import sys
import lrmon

with lrmon.Recorder(sys.argv[1]) as recorder:
    for learning_rate, loss in [(0.1, 3.0), (0.1, 2.0), (0.05, 1.5)]:
        recorder.batch(learning_rate=learning_rate, loss=loss)
    recorder.end_epoch({"val_loss": 1.75})
"""


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of the source archive and of the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("archives")
    _check([sys.executable, "-m", "build", "--outdir", folder, ROOT])
    return folder


@pytest.fixture(scope="session")
def wheel(archives: Path) -> Path:
    (path,) = archives.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the interpreter of an environment that holds the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("environment")
    _check([sys.executable, "-m", "venv", folder])
    interpreter = folder / "bin" / "python"
    _check([interpreter, "-m", "pip", "install", "--quiet", wheel])
    return interpreter


def test_the_wheel_holds_the_page_the_contract_and_the_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {
        "lrmon/py.typed",
        "lrmon_tb/py.typed",
        "lrmon_tb/http_api.md",
        "lrmon_tb/static/index.js",
    } <= names
    assert {"lrmon", "lrmon_tb", f"lrmon-{__version__}.dist-info"} == {name.split("/")[0] for name in names}


@pytest.fixture(scope="session")
def metadata(wheel: Path) -> Message:
    return message_from_string(_in_wheel(wheel, "METADATA"))


def test_the_metadata_says_what_it_is_whose_it_is_and_where_it_runs(metadata: Message) -> None:
    described = {
        name: metadata[name] for name in ("Name", "Version", "Author", "License-Expression", "License-File")
    }
    pythons = {
        each.rpartition(" ")[2]
        for each in metadata.get_all("Classifier", [])
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", each)
    }

    assert {
        "Name": "lrmon",
        "Version": __version__,
        "Author": "lrmon authors",
        "License-Expression": "Apache-2.0",
        "License-File": "LICENSE",
    } == described
    assert ">=3.10" == metadata["Requires-Python"]
    assert {"3.10", "3.11", "3.12", "3.13"} == pythons
    assert "text/markdown" == metadata["Description-Content-Type"]
    assert (ROOT / "README.md").read_text(encoding="utf-8").strip() == str(metadata.get_payload()).strip()


def test_whatever_readme_says_to_install_brings_what_its_plots_need(metadata: Message) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    installed = [set(extras.split(",")) for extras in re.findall(r"lrmon\[([\w,]+)\]", readme)]
    requirements = [Requirement(text) for text in metadata.get_all("Requires-Dist", [])]
    plots = {
        extra
        for extra in metadata.get_all("Provides-Extra", [])
        for each in requirements
        if each.name == "matplotlib" and each.marker is not None and each.marker.evaluate({"extra": extra})
    }

    assert installed
    assert [] == [extras for extras in installed if not extras & plots]
    assert {"tensorflow", "jax", "torch", "tf-keras", "plot"} <= plots
    assert {"numpy", "protobuf", "tensorboard"} == {each.name for each in requirements if each.marker is None}


def test_the_wheel_is_found_by_the_shell_and_by_tensorboard(wheel: Path) -> None:
    sections = [text.split() for text in _in_wheel(wheel, "entry_points.txt").strip().split("\n\n")]

    assert [
        ["[console_scripts]", "lrmon", "=", "lrmon.cli:main"],
        ["[tensorboard_plugins]", "lrmon", "=", "lrmon_tb.loader:Loader"],
    ] == sections


def test_the_wheel_holds_every_module(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}

    packages = (ROOT / "lrmon", ROOT / "tb_plugin" / "lrmon_tb")
    assert {
        path.relative_to(package.parent).as_posix() for package in packages for path in package.rglob("*.py")
    } == names


def test_the_source_archive_holds_the_front_ends_sources_and_nothing_that_is_built(archives: Path) -> None:
    (path,) = archives.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    folders = ("lrmon", "tb_plugin", "tests", "examples", "scripts")
    built = {"node_modules", "static", "__pycache__"}
    sources = {
        path.relative_to(ROOT)
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not built & set(path.relative_to(ROOT).parts)
    }
    assert {path.as_posix() for path in sources} <= names
    assert {"LICENSE", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml"} <= names
    assert set() == {name for name in names if built & set(name.split("/"))}


def test_the_wheel_works_with_tensorboard_and_without_tensorflow(python: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    _check([python, "-c", RECORD, logs / "run1"])
    _check([python, "-m", "lrmon", "report", logs])
    listed = subprocess.check_output([python.with_name("lrmon"), "list", logs], env=ENVIRONMENT, text=True)

    packages = subprocess.check_output([python, "-m", "pip", "list", "--format", "json"], env=ENVIRONMENT)
    with _tensorboard(python, logs) as url:
        plugins = json.loads(_get(f"{url}/data/plugins_listing"))
        runs = _runs_once_read(url)
        series = json.loads(_get(f"{url}/data/plugin/lrmon/series?run=run1"))
        page = _get(f"{url}/data/plugin/lrmon/index.js")

    assert ["run1", "training", "3", "1"] == listed.splitlines()[1].split()[:4]
    assert plugins["lrmon"]["enabled"]
    assert 3 == runs["run1"]["steps"]
    assert [3.0, 2.0, 1.5] == series["columns"]["loss"]
    assert b"render" in page
    assert set() == {package["name"] for package in json.loads(packages) if "tensorflow" in package["name"]}


@pytest.mark.long
def test_readme_runs_in_an_environment_that_is_installed_as_it_says(wheel: Path, tmp_path: Path) -> None:
    # pip finds the wheel there, as it will find a released one in the index.
    links = f"{wheel.parent} {os.environ.get('PIP_FIND_LINKS', '')}"
    _check([sys.executable, "-m", "venv", tmp_path / "environment"])
    (tmp_path / "empty").mkdir()

    result = subprocess.run(
        [tmp_path / "environment/bin/python", run_snippets.__file__, ROOT / "README.md", "--install"],
        cwd=tmp_path / "empty",
        env={**os.environ, "PIP_FIND_LINKS": links, "MPLBACKEND": "agg", "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert 0 == result.returncode, result.stdout


def _in_wheel(wheel: Path, name: str) -> str:
    """Returns a file of the wheel's own about itself."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"lrmon-{__version__}.dist-info/{name}").decode()


@contextmanager
def _tensorboard(python: Path, logs: Path) -> Iterator[str]:
    """Serves the logs on a free port; the value is the address."""
    command: list[str | Path] = [python.with_name("tensorboard"), "--logdir", logs, "--port", "0"]
    with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        try:
            for line in process.stderr:
                said.append(line)
                if " at http" in line:
                    yield line.partition(" at ")[2].split()[0].rstrip("/")
                    break
            else:
                pytest.fail(f"TensorBoard ended: {''.join(said)}")
        finally:
            process.terminate()


def _runs_once_read(url: str) -> dict[str, Any]:
    """Returns the runs that lrmon lists, when TensorBoard has read one."""
    deadline = time.monotonic() + 60
    while True:
        runs: dict[str, Any] = json.loads(_get(f"{url}/data/plugin/lrmon/runs"))["runs"]
        if runs:
            return runs
        assert time.monotonic() < deadline, "TensorBoard has read no run within a minute"
        time.sleep(0.05)


def _get(url: str) -> bytes:
    with urlopen(url, timeout=30) as response:
        content: bytes = response.read()
        return content


def _check(command: list[str | Path]) -> None:
    """Runs a command outside the project, so that nothing is imported from it; its output is the failure."""
    result = subprocess.run(
        command,
        cwd="/",
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        pytest.fail(f"{' '.join(map(str, command))}\n{result.stdout}")
