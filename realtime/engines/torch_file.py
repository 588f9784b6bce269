"""Files that torch wrote, read without running anything in them.

torch's own guard (`weights_only`) still lets a file ask for any amount of memory. So the classes
that a file names, the sizes in its directory and those of its tensors are checked here too. The
names are read from the pickle's operations, of which none is carried out for that.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from realtime.errors import Unavailable
from realtime.files import content_fault

if TYPE_CHECKING:
    from torch import Tensor

ZIP = b"PK\x03\x04"
PICKLE = b"\x80"  # the first byte of files from before 2020, which are no archives
MOST_RECORDS = 20_000  # of an archive; each tensor is one
MOST_PICKLE = 16 << 20  # bytes: names, shapes and a configuration
OLD_PICKLES = 4  # before the tensors of a file that is no archive: mark, version, machine, content
MOST_STANDING_IN = 32  # names of one file that `InertObject` stands in for
SHARED = 2  # how many times the file's size its tensors may have; tied ones are there twice
PLAIN = re.compile(
    r"(collections\.(OrderedDict|Counter)|(builtins|__builtin__)\.set)"
    r"|torch\.(Size|device|\w+Storage|b?float\d+|u?int\d+|bool)"
    r"|torch\._utils\._rebuild_(tensor|tensor_v2|parameter)|torch\.nn\.parameter\.Parameter"
)
Classes = Mapping[str, type]
Names = tuple[str, ...]
# torch keeps the list of allowed classes for the whole process: one load at a time changes it.
_allowing = threading.Lock()


class InertObject:
    """A stand-in for an object whose class is not here and not wanted: it does nothing."""

    def __new__(cls, *arguments: Any, **named: Any) -> InertObject:
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


class RestoredHead(io.RawIOBase):
    """A file that is read as if its first two bytes were those of a zip archive."""

    def __init__(self, path: Path) -> None:
        self._file = io.FileIO(path)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        start = self._file.tell()
        count = self._file.readinto(buffer) or 0
        end = min(2, start + count)
        if start < end:
            memoryview(buffer).cast("B")[: end - start] = ZIP[start:end]
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def read_torch_file(
    path: Path,
    classes: Classes | None = None,
    *,
    unwanted: Names = (),
    mapped: bool = False,
) -> Any:
    """Read what `torch.save` wrote; what cannot be used is an Unavailable that names the file.

    `classes` may stand in it besides plain containers and tensors. Classes whose names begin with
    one of `unwanted` may, too: an `InertObject` comes back for each of their objects. The first two
    bytes may be any: some programs write a number over them. With `mapped`, the tensors stay in the
    file until they are read; it must not be changed then.
    """
    classes = classes or {}
    try:
        with path.open("rb") as file:
            start = file.read(len(ZIP))
    except OSError as error:
        raise unusable(path, f"it cannot be read: {error.strerror}") from error
    if start[2:] == ZIP[2:]:
        with io.BufferedReader(RestoredHead(path)) as stream:
            inert = _check_archive(path, stream, classes, unwanted)
            source = path if mapped and start == ZIP else stream
            return _load(path, source, {**inert, **classes}, mapped)
    if start.startswith(PICKLE):
        with path.open("rb") as stream:
            inert = _check_old_file(path, stream, classes, unwanted)
            return _load(path, stream, {**inert, **classes}, mapped=False)
    fault = content_fault(path) or "it is no file of weights as torch writes them"
    raise unusable(path, fault)


def check_tensors(content: Any, path: Path) -> dict[str, Tensor]:
    """Return a file's content if it is a dictionary of plain tensors by name; else raise."""
    import torch

    if not isinstance(content, Mapping) or not content:
        raise unusable(path, "it holds no tensors by name")
    total, most = 0, SHARED * path.stat().st_size
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise unusable(path, f"{str(name)[:80]!r} in it is no tensor")
        if value.layout != torch.strided or value.device.type != "cpu":
            raise unusable(path, f"{name[:80]!r} in it is no plain tensor")
        # A tensor may repeat a few numbers as often as it says, which costs memory when copied.
        total += value.numel() * value.element_size()
        if total > most:
            raise unusable(path, "its tensors say that they are larger than the file")
    return dict(content)


def unusable(path: Path, why: str) -> Unavailable:
    return Unavailable(
        f"{path} cannot be used: {why}.",
        code="bad_weights",
        hint="Remove it, then bring it again; models/README.md says where it comes from.",
    )


def reason_of(error: Exception) -> str:
    """Return the first sentence of an error, without torch's advice to unpickle all the same."""
    if isinstance(error, EOFError):
        return "it ends too early"
    # torch wraps the unpickler's own error, which names the class that is not allowed.
    inner = error.__context__ if isinstance(error, pickle.UnpicklingError) else None
    message = " ".join(str(inner or error).split()) or type(error).__name__
    return message.partition(". ")[0].rstrip(".")[:300]


@contextmanager
def named_faults(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a network is filled into an Unavailable that names the file."""
    try:
        yield
    except (RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
        # torch lists what is missing, left over or of another shape below its first line.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[min(1, len(lines) - 1)] if lines else type(error).__name__
        if isinstance(error, KeyError):
            reason = f"{error.args[0]} is missing"
        raise unusable(path, reason.rstrip(".")[:300]) from error


def _load(path: Path, source: Path | BinaryIO, classes: Classes, mapped: bool) -> Any:
    import torch

    allowed: list[Any] = [(found, name) for name, found in classes.items()]
    try:
        with _allowing, torch.serialization.safe_globals(allowed):
            mmap = mapped and isinstance(source, Path)
            return torch.load(source, map_location="cpu", weights_only=True, mmap=mmap)
    except Exception as error:  # any file may lie there, and torch raises many kinds
        raise unusable(path, reason_of(error)) from error


def _check_archive(path: Path, stream: BinaryIO, classes: Classes, unwanted: Names) -> Classes:
    """Refuse an archive that is cut, packed, or names a class that is not expected."""
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
            packed = any(part.compress_type != zipfile.ZIP_STORED for part in parts)
            if packed or len(parts) > MOST_RECORDS or sum(part.file_size for part in parts) > size:
                raise unusable(path, "its parts are not stored as torch stores them")
            named = [part for part in parts if part.filename.endswith("/data.pkl")]
            if len(named) != 1:
                raise unusable(path, "it is an archive without torch's data.pkl")
            if named[0].file_size > MOST_PICKLE:
                raise unusable(path, f"its data.pkl is larger than {MOST_PICKLE >> 20} MiB")
            pickled = io.BytesIO(archive.read(named[0]))
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise unusable(path, "it ends too early, or is damaged") from error
    stream.seek(0)
    return _check_classes(path, pickled, classes, unwanted)


def _check_old_file(path: Path, stream: BinaryIO, classes: Classes, unwanted: Names) -> Classes:
    """Refuse a file from before archives that names a class which is not expected."""
    pickled = io.BytesIO(stream.read(MOST_PICKLE))
    found: dict[str, type] = {}
    for _ in range(OLD_PICKLES):
        found.update(_check_classes(path, pickled, classes, unwanted))
    stream.seek(0)
    return found


def _check_classes(path: Path, pickled: BinaryIO, classes: Classes, unwanted: Names) -> Classes:
    """Return the unwanted classes that a pickle names; refuse all but the expected ones."""
    inert: dict[str, type] = {}
    try:
        for operation, argument, _ in pickletools.genops(pickled):
            if operation.name in ("STACK_GLOBAL", "INST", "OBJ", "NEWOBJ_EX", "EXT1", "EXT2"):
                raise unusable(path, f"it uses {operation.name}, which torch does not write")
            if operation.name != "GLOBAL":
                continue
            name = str(argument).replace(" ", ".")
            if name in classes or PLAIN.fullmatch(name):
                continue
            if not name.startswith(unwanted) or len(inert) >= MOST_STANDING_IN:
                raise unusable(path, f"it names {name[:80]}, and weights need no such thing")
            inert[name] = InertObject
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise unusable(path, "its pickle is damaged, or ends too early") from error
    return inert
