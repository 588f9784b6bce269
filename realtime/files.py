"""Files on disk: written whole or not at all, and found inside installed packages."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path


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


def packaged_path(name: str) -> Path | None:
    """Find the file `package/path` of an installed package; None when either is missing.

    The package is not imported: that could take seconds, and may run any code.
    """
    package, _, rest = name.partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / rest
    return path if path.is_file() else None
