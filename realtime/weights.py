"""Where a model's files come from: brought by people, shipped by a package, fetched when allowed.

It knows no engine and no format. Every file with a known SHA-256 is held against it, and a file
that is made here appears whole or not at all, also when two processes make it at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from realtime.errors import WeightsMissing
from realtime.files import packaged_path, write_whole
from realtime.settings import Settings

MOST_BYTES = 8 << 30
PREPARED = "prepared"


@dataclass(frozen=True)
class WeightFile:
    """One file of an engine: its place under `models/`, and who else may have it."""

    engine: str
    name: str
    sha256: str | None = None  # or its first digits, where no more is published
    packaged: tuple[str, ...] = ()  # "package/path" of the parts that, joined, are the file
    hub: str | None = None
    extra: str | None = None  # the optional block of requirements.txt that brings the packages
    origin: str | None = None  # who publishes what people bring
    converted: str | None = None  # what `weights convert` makes of it, which does as well

    def path_in(self, models: Path) -> Path:
        return models / self.engine / self.name

    def converted_path(self, models: Path) -> Path | None:
        """Where its converted form is, unless the file itself is newer."""
        if self.converted is None:
            return None
        brought, made = self.path_in(models), models / self.engine / self.converted
        if not made.is_file() or (brought.is_file() and _younger(brought, made)):
            return None
        return made


def read_weights(file: WeightFile, settings: Settings) -> bytes:
    """The file's bytes, verified."""
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
    """Where a file lies that is too large to be held in memory: verified, or converted before."""
    brought = file.path_in(settings.models.path)
    found = find_path(file, settings)
    if found is None:
        raise weights_missing(file, settings)
    if file.sha256 is not None and found == brought:
        with brought.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        _check_digest(file, digest, str(brought))
    return found


def find_path(file: WeightFile, settings: Settings) -> Path | None:
    """Where it would be read from, unread; None when it is missing."""
    brought = file.path_in(settings.models.path)
    return file.converted_path(settings.models.path) or (brought if brought.is_file() else None)


def source_of(file: WeightFile, settings: Settings) -> str | None:
    """Where the file would come from, in words; None when it is missing."""
    if (found := find_path(file, settings)) is not None:
        return str(found)
    if packaged_parts(file):
        return "package " + ", ".join(sorted({part.split("/")[0] for part in file.packaged}))
    return f"to be fetched from {file.hub}" if file.hub and settings.allow_downloads else None


def packaged_parts(file: WeightFile) -> list[Path]:
    """The parts in installed packages, all or none; no package is imported to look."""
    parts = [packaged_path(part) for part in file.packaged]
    return [part for part in parts if part] if all(parts) else []


def how_to_get(file: WeightFile, settings: Settings) -> str:
    """What a person does to have the file."""
    origin = f" ({file.origin})" if file.origin else ""
    ways = [f"put it{origin} at {file.path_in(settings.models.path)}"]
    if file.packaged:
        packages = sorted({part.split("/")[0].replace("_", "-") for part in file.packaged})
        ways.append(f"install {' '.join(packages)}")
    if file.extra:
        ways.append(f"run `make serve EXTRAS={file.extra}`")
    if file.hub:
        ways.append("set allow_downloads: true")
    return ", or ".join(ways)


def make_once(path: Path, make: Callable[[], bytes]) -> Path:
    """The file at `path`, made by the first who needs it; the others wait and find it."""
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
    """A quicker form of a file, made once beside what people bring; what it replaces goes."""
    folder = settings.models.path / file.engine
    mark = hashlib.sha256(f"{file.sha256} {revision}".encode()).hexdigest()[:8]
    path = make_once(folder / f"{PREPARED}-{mark}.onnx", make)
    for other in folder.glob(f"{PREPARED}-*.onnx"):
        if other != path:
            other.unlink(missing_ok=True)
    return path


def fetch(file: WeightFile, models: Path) -> Path:
    """The file from its hub, verified before it gets its name."""
    assert file.hub is not None, "only files with a hub are fetched"
    request = urllib.request.Request(file.hub, headers={"User-Agent": "yamabiko"})

    def download() -> bytes:
        with urllib.request.urlopen(request, timeout=60) as answer:
            data: bytes = answer.read(MOST_BYTES)
        return _verified(file, data, str(file.hub))

    return make_once(file.path_in(models), download)


def weights_missing(file: WeightFile, settings: Settings) -> WeightsMissing:
    """The error that says which file, where it was looked for, and what to do."""
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
            hint="Remove it, then bring or install it again.",
        )


def _younger(one: Path, other: Path) -> bool:
    return one.stat().st_mtime_ns > other.stat().st_mtime_ns


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
