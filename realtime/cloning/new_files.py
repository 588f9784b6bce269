"""New files of a folder: all of them appear, each whole, or none; none replaces another."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path


def write_new_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files in their order; FileExistsError where one of them is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as parts, ExitStack() as made:
        written = {name: _write_part(folder, data, parts) for name, data in files.items()}
        for name, part in written.items():
            # A link fails where the name exists; a rename would replace that file.
            os.link(part, folder / name)
            made.callback((folder / name).unlink, missing_ok=True)
        made.pop_all()  # all are there: they stay


def _write_part(folder: Path, data: bytes, parts: ExitStack) -> Path:
    """Write data into a file of another name, which goes at the end."""
    handle, name = tempfile.mkstemp(prefix=".made-", suffix=".part", dir=folder)
    part = Path(name)
    parts.callback(part.unlink, missing_ok=True)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(handle, 0o644)  # mkstemp makes a file that only its owner can read
        os.fsync(handle)
    return part
