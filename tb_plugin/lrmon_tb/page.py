"""The files of the page, which are built from tb_plugin/frontend."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tensorboard import errors

STATIC = Path(__file__).parent / "static"

_MIME_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}


@dataclass(frozen=True, slots=True)
class File:
    """A file to send."""

    content: bytes
    mime_type: str


def read(name: str, *, folder: Path | None = None) -> File:
    """Returns a file of the page.

    Only files that the folder itself lists are opened, so no path leads out of it.

    Args:
      name: relative to the folder, with slashes.
      folder: the folder of the page; by default `STATIC`.

    Raises:
      tensorboard.errors.NotFoundError: if there is no such file.
    """
    folder = folder or STATIC
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    if "index.js" not in files:
        raise errors.NotFoundError(
            "lrmon's page has not been built; install lrmon with pip, which builds it, "
            "and start TensorBoard again"
        )
    path = files.get(name)
    mime_type = _MIME_TYPES.get(path.suffix) if path is not None else None
    if path is None or mime_type is None:
        raise errors.NotFoundError(f"lrmon's page has no file {name[:100]!r}")
    return File(path.read_bytes(), mime_type)
