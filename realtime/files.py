"""A file that is there whole or not at all, whoever reads or ends meanwhile; it knows no format."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Under another name until it is on the disk; readable by all, as other files are."""
    handle, name = tempfile.mkstemp(prefix=path.name + ".", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o644)  # a temporary file is its maker's alone
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
