"""A zip archive that is sent while it grows: what lies before its newest file is final."""

from __future__ import annotations

import json
import shutil
import time
import zipfile
from collections.abc import AsyncGenerator
from tempfile import SpooledTemporaryFile
from typing import IO, TypedDict

from realtime.errors import YamabikoError
from realtime.threads import run_in_thread
from realtime.web.answers.archive_names import ArchiveNames
from realtime.web.answers.error_body import ErrorContent, own_error

OUTCOMES = "outcomes.json"  # the last file, where an upload failed
IN_MEMORY_BYTES = 1 << 20  # of the archive; the rest is on the disk
BLOCK_BYTES = 1 << 16
READABLE = 0o644 << 16  # the rights of a file, in the place where an archive has them


class UploadOutcome(TypedDict):
    """The outcome of an upload: its file in the archive, or its error."""

    index: int  # of the upload, from 0
    name: str  # of the upload
    file: str | None
    error: ErrorContent | None


class GrowingArchive:
    """An archive with the outcome of each upload, in their order.

    Sound hardly shrinks when it is packed, so files are stored as they are.
    """

    def __init__(self, suffix: str) -> None:
        self.outcomes: list[UploadOutcome] = []
        self._names = ArchiveNames(suffix)
        self._file: IO[bytes] = SpooledTemporaryFile(IN_MEMORY_BYTES)
        self._zip = zipfile.ZipFile(self._file, "w")
        self._sent = 0  # bytes

    @property
    def has_files(self) -> bool:
        return any(outcome["file"] for outcome in self.outcomes)

    async def add(self, upload: str, content: IO[bytes]) -> None:
        """Add the file that was made of an upload."""
        name = self._names.name_for(upload)
        await run_in_thread(self._store, name, content)
        self._note(upload, name, None)

    def add_error(self, upload: str, error: YamabikoError) -> None:
        """Note that there is no file for an upload."""
        self._note(upload, None, own_error(error))

    async def finish(self) -> None:
        """Add the outcomes where an upload failed, and the directory."""
        if any(outcome["error"] for outcome in self.outcomes):
            written = json.dumps(self.outcomes, ensure_ascii=False, indent=2)
            self._zip.writestr(_entry(OUTCOMES), written.encode("utf-8", "replace"))
        await run_in_thread(self._zip.close)

    async def new_parts(self) -> AsyncGenerator[bytes, None]:
        """Yield the bytes that were added since the last time."""
        while data := await run_in_thread(self._read):
            yield data

    def close(self) -> None:
        try:
            self._zip.close()  # or it would close itself later, when its file is closed
        finally:
            self._file.close()

    def _note(self, upload: str, file: str | None, error: ErrorContent | None) -> None:
        index = len(self.outcomes)
        self.outcomes.append({"index": index, "name": upload, "file": file, "error": error})

    def _store(self, name: str, content: IO[bytes]) -> None:
        entry = _entry(name)
        entry.file_size = content.seek(0, 2)  # decides between the two forms of an archive
        content.seek(0)
        with self._zip.open(entry, "w") as stored:
            shutil.copyfileobj(content, stored, BLOCK_BYTES)

    def _read(self) -> bytes:
        self._file.seek(self._sent)
        data = self._file.read(BLOCK_BYTES)
        self._sent += len(data)
        return data


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, time.localtime()[:6])
    entry.external_attr = READABLE
    return entry
