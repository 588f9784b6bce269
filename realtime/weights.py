"""Files of models: brought by people, shipped by a package, or fetched when that is allowed.

Every file with a known SHA-256 is checked. A file that is made here appears whole or not at all,
also when two processes make it at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from realtime import blocks
from realtime.errors import WeightsMissing
from realtime.files import content_fault, packaged_path, write_whole
from realtime.settings import Settings

MOST_BYTES = 8 << 30  # of a download, which is held in memory until it is verified
PREPARED = "prepared"  # how the names of files begin that `prepare_once` makes


@dataclass(frozen=True)
class WeightFile:
    """A file of an engine: its place under `models/`, and its other sources."""

    engine: str
    name: str
    sha256: str | None = None  # or its first digits, where no more is published
    packaged: tuple[str, ...] = ()  # "package/path" of the parts that, joined, are the file
    hub: str | None = None  # its address on the internet
    block: str = blocks.CORE  # the block of requirements.txt that brings the packages
    origin: str | None = None  # who publishes what people bring
    converted: str | None = None  # the file that `weights convert` makes of it, used in its place

    def path_in(self, models: Path) -> Path:
        """Give the path where people put the file."""
        return models / self.engine / self.name

    def converted_path(self, models: Path) -> Path | None:
        """Give the path of the converted form; None if it is missing or older than the file."""
        if self.converted is None:
            return None
        brought, converted = self.path_in(models), models / self.engine / self.converted
        if not converted.is_file() or (brought.is_file() and _is_newer(brought, converted)):
            return None
        return converted


def read_weights(file: WeightFile, settings: Settings) -> bytes:
    """Read a file, from the first source that has it, and verify it."""
    brought = file.path_in(settings.models.path)
    if brought.is_file():
        return _verified(file, brought.read_bytes(), str(brought))
    parts = packaged_parts(file)
    if parts:
        joined = b"".join(part.read_bytes() for part in parts)
        return _verified(file, joined, "the installed packages")
    if file.hub and settings.allow_downloads:
        return fetch(file, settings.models.path).read_bytes()
    raise weights_missing(file, settings)


def verified_path(file: WeightFile, settings: Settings) -> Path:
    """Give the path of a file that is too large to be held in memory, and verify it.

    A converted form was verified when it was made.
    """
    parts = find_parts(file, settings)
    if len(parts) != 1:  # a file that is shipped in parts is joined in memory: `read_weights`
        raise weights_missing(file, settings)
    if file.sha256 is not None and parts[0] != file.converted_path(settings.models.path):
        with parts[0].open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        _check_digest(file, digest, str(parts[0]))
    return parts[0]


def check_brought(file: WeightFile, settings: Settings) -> None:
    """Refuse a file that people brought and that cannot be the right one; all of it is read."""
    path = find_path(file, settings)
    if path is None:
        return
    if (fault := content_fault(path)) is not None:
        raise WeightsMissing(
            f"{path} cannot be used: {fault}.",
            code="bad_weights",
            hint=f"Remove it, then bring it again{f', {file.origin}' if file.origin else ''}.",
        )
    verified_path(file, settings)


def find_path(file: WeightFile, settings: Settings) -> Path | None:
    """Give the path that a file would be read from, unread; None when it is missing."""
    brought = file.path_in(settings.models.path)
    return file.converted_path(settings.models.path) or (brought if brought.is_file() else None)


def find_parts(file: WeightFile, settings: Settings) -> list[Path]:
    """Give the files on this machine that a file would be read from: itself, its parts, or none."""
    found = find_path(file, settings)
    return packaged_parts(file) if found is None else [found]


def source_of(file: WeightFile, settings: Settings) -> str | None:
    """Say in words where a file would come from; None when it is missing."""
    if (found := find_path(file, settings)) is not None:
        return str(found)
    if packaged_parts(file):
        return "package " + ", ".join(sorted({part.split("/")[0] for part in file.packaged}))
    return f"to be fetched from {file.hub}" if file.hub and settings.allow_downloads else None


def packaged_parts(file: WeightFile) -> list[Path]:
    """Find all parts in installed packages, or none; no package is imported for that."""
    parts = [packaged_path(part) for part in file.packaged]
    return [part for part in parts if part] if all(parts) else []


def how_to_get(file: WeightFile, settings: Settings) -> str:
    """Say what a person can do to get the file."""
    origin = f" ({file.origin})" if file.origin else ""
    ways = [f"run `{blocks.command_for(file.block)}`"] if file.packaged else []
    ways.append(f"put it{origin} at {file.path_in(settings.models.path)}")
    if file.hub:
        ways.append("set allow_downloads: true")
    return ", or ".join(ways)


def make_once(path: Path, make: Callable[[], bytes]) -> Path:
    """Make the file at `path` unless it is there; other processes wait until it is whole."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_name(path.name + ".lock")):
        if not path.exists():
            write_whole(path, make())
    return path


def prepare_once(
    file: WeightFile, revision: object, make: Callable[[], bytes], settings: Settings
) -> Path:
    """Make a faster form of a file once, beside the files of people; remove older revisions."""
    path = make_once(prepared_path(file, revision, settings), make)
    for other in path.parent.glob(f"{PREPARED}-*.onnx"):
        if other != path:
            other.unlink(missing_ok=True)
    return path


def prepared_path(file: WeightFile, revision: object, settings: Settings) -> Path:
    """Give the path of the faster form of a file, made or not."""
    mark = hashlib.sha256(f"{file.sha256} {revision}".encode()).hexdigest()[:8]
    return settings.models.path / file.engine / f"{PREPARED}-{mark}.onnx"


def fetch(file: WeightFile, models: Path) -> Path:
    """Fetch a file from its hub; it gets its name only when it is verified."""
    assert file.hub is not None, "only files with a hub are fetched"
    request = urllib.request.Request(file.hub, headers={"User-Agent": "yamabiko"})

    def download() -> bytes:
        with urllib.request.urlopen(request, timeout=60) as answer:
            data: bytes = answer.read(MOST_BYTES)
        return _verified(file, data, str(file.hub))

    return make_once(file.path_in(models), download)


def weights_missing(file: WeightFile, settings: Settings) -> WeightsMissing:
    """Give the error that says which file is missing, where it was looked for, and what to do."""
    looked = [str(file.path_in(settings.models.path))]
    looked += [f"package {part}" for part in file.packaged]
    return WeightsMissing(
        f"The engine {file.engine!r} needs {file.name}; looked at {', '.join(looked)}.",
        hint=how_to_get(file, settings)[:1].upper() + how_to_get(file, settings)[1:] + ".",
    )


def _verified(file: WeightFile, data: bytes, where: str) -> bytes:
    _check_digest(file, hashlib.sha256(data).hexdigest(), where)
    return data


def _check_digest(file: WeightFile, found: str, where: str) -> None:
    if file.sha256 is not None and not found.startswith(file.sha256):
        raise WeightsMissing(
            f"{file.name} from {where} is not the expected file: its SHA-256 begins with "
            f"{found[:12]}, expected is {file.sha256[:12]}.",
            code="bad_weights",
            hint="Remove it, then bring or install it again.",
        )


def _is_newer(one: Path, other: Path) -> bool:
    return one.stat().st_mtime_ns > other.stat().st_mtime_ns


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
