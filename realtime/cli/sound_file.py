"""The sound file that a command writes: its suffix says the format; it appears when it is whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import aiofiles

from realtime.audio.encoding import ContainerWriter, encode
from realtime.audio.formats import FORMATS, Format
from realtime.audio.spoken import Spoken
from realtime.errors import BadRequest, YamabikoError

SUFFIXES = " ".join(known.suffix for known in FORMATS.values())


def format_of(path: Path) -> Format:
    """Return the format that the path's suffix names; refuse any other suffix."""
    name = path.suffix.lower().removeprefix(".")
    if name not in FORMATS:
        raise BadRequest(
            f"{path.name!r} ends in no format; there are: {SUFFIXES}.",
            code="unsupported_format",
        )
    return FORMATS[name]


async def write_sound(path: Path, spoken: AsyncIterator[Spoken], writer: ContainerWriter) -> None:
    """Write the sound into a file; until it is whole, the file has another name."""
    part = path.with_name(path.name + ".part")
    try:
        await _write(part, spoken, writer)
        part.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise YamabikoError(f"{path} cannot be written: {reason}.", code="file_error") from error
    finally:
        part.unlink(missing_ok=True)


async def _write(path: Path, spoken: AsyncIterator[Spoken], writer: ContainerWriter) -> None:
    async with (
        aiofiles.open(path, "wb") as file,
        aclosing(encode(spoken, writer)) as parts,
    ):
        async for part in parts:
            await file.write(part.data)
        await file.seek(0)
        await file.write(writer.head)
