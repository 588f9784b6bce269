"""An archive is the same whether it is sent as it grows or read when it is whole."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from realtime.errors import BadRequest
from realtime.web.answers.growing_archive import BLOCK_BYTES, IN_MEMORY_BYTES, GrowingArchive

pytestmark = pytest.mark.anyio

LARGE = bytes(range(256)) * (IN_MEMORY_BYTES // 128)  # twice what is held in memory


async def sent(archive: GrowingArchive) -> bytes:
    parts = [part async for part in archive.new_parts()]
    assert all(0 < len(part) <= BLOCK_BYTES for part in parts)
    return b"".join(parts)


async def test_it_is_sent_while_it_grows() -> None:
    archive = GrowingArchive(".wav")
    data = b""
    for name, content in (("a", b"first"), ("b", LARGE), ("a", b"last")):
        await archive.add(name, io.BytesIO(content))
        new = await sent(archive)
        assert content in new, "a file is sent as soon as it is whole"
        data += new
    await archive.finish()
    data += await sent(archive)
    archive.close()
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        assert found.namelist() == ["a.wav", "b.wav", "a-2.wav"]
        assert found.read("b.wav") == LARGE
        # Sizes stand before each file: readers that never look at the directory need them.
        assert not any(item.flag_bits & 0x08 for item in found.infolist())


async def test_errors_are_told_at_its_end() -> None:
    archive = GrowingArchive(".wav")
    archive.add_error("x", BadRequest("It broke.", code="bad_audio", hint="Try another."))
    assert not archive.has_files
    await archive.add("\ud800y", io.BytesIO(b"sound"))
    await archive.finish()
    with zipfile.ZipFile(io.BytesIO(await sent(archive))) as found:
        outcomes = json.loads(found.read("outcomes.json"))
    archive.close()
    error = {"code": "bad_audio", "message": "It broke.", "hint": "Try another."}
    assert outcomes == [
        {"index": 0, "name": "x", "file": None, "error": error},
        {"index": 1, "name": "?y", "file": "_y.wav", "error": None},
    ]
