"""Files on disk: found in folders and inside installed packages, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

HEAD_BYTES = 512  # of a file, by which its kind is told
WEB_PAGES = (b"<!doctype", b"<html", b"<?xml")
MOST_WALKED = 10_000  # files of a folder that people fill
MOST_DEPTH = 16  # of folders in folders


def walk_files(folder: Path, depth: int = MOST_DEPTH) -> Iterator[Path]:
    """Yield the first files of a folder in the order of their names, hidden ones left out.

    Links to folders are not followed: they may lead in a circle.
    """
    for number, path in enumerate(_walk(folder, depth)):
        if number == MOST_WALKED:
            return
        yield path


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        is_deepest = len(Path(place).relative_to(folder).parts) + 1 >= depth
        folders[:] = [] if is_deepest else sorted(filter(_is_shown, folders))
        yield from (Path(place, name) for name in sorted(filter(_is_shown, files)))


def _is_shown(name: str) -> bool:
    return not name.startswith(".")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that readers see complete or not at all; it is on the disk when this returns.

    The data goes into a temporary file beside it, which is then renamed: a crash or a full disk
    leaves the file that was there before.
    """
    handle, name = tempfile.mkstemp(prefix=path.name + ".", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)  # mkstemp makes it readable by its owner alone (0600)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def content_fault(path: Path) -> str | None:
    """Say why a file cannot hold weights; None for one that may. Only its ends are read."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(HEAD_BYTES)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if not size:
        return "it is empty"
    text = start.lstrip().lower()
    if text.startswith(WEB_PAGES):
        return "it is a web page, as a download gives that failed"
    if text.startswith(b"version https://git-lfs"):
        return "it is a pointer of Git LFS, not the file itself"
    if start.startswith(b"PK") and not zipfile.is_zipfile(path):
        return "it ends too early"
    if path.suffix == ".safetensors" and not _is_whole_safetensors(start, size):
        return "it is no safetensors file, or it ends too early"
    return None


def _is_whole_safetensors(start: bytes, size: int) -> bool:
    """Tell whether the header fits: its length comes first, as eight bytes, then JSON."""
    length = int.from_bytes(start[:8], "little")
    return start[8:9] == b"{" and 8 + length <= size


def packaged_path(name: str) -> Path | None:
    """Find the file `package/path` of an installed package; None when either is missing.

    The package is not imported: that could take seconds, and may run any code.
    """
    package, _, rest = name.partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / rest
    return path if path.is_file() else None
