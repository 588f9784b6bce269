"""A file in the making becomes the file that the same sound gives in one go."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.audio.formats import FORMATS
from realtime.errors import BadRequest
from realtime.web.answers.encoded_file import IN_MEMORY_BYTES, EncodedFile
from tests.support.encoded_files import finished_file
from tests.support.voice_like_sound import pcm, voice

pytestmark = pytest.mark.anyio

RATE = 24_000
SOUND = pcm(voice(2.3, rate=RATE))


@pytest.mark.parametrize("name", ["wav", "pcm", "flac", "mp3"])
async def test_it_is_the_finished_file(name: str) -> None:
    file = EncodedFile(FORMATS[name], RATE)
    await file.open()
    for part in np.array_split(SOUND, 90):
        await file.add(part)
    await file.finish()
    file.content.seek(0)
    assert file.content.read() == finished_file(name, RATE, SOUND)
    assert file.seconds == pytest.approx(2.3)
    await file.close()
    assert file.content.closed


async def test_without_sound_there_is_none() -> None:
    file = EncodedFile(FORMATS["wav"], RATE)
    await file.open()
    with pytest.raises(BadRequest) as refused:
        await file.finish()
    assert refused.value.code == "bad_audio"
    await file.close()


async def test_a_long_one_is_on_the_disk() -> None:
    file = EncodedFile(FORMATS["wav"], RATE)
    await file.open()
    for _ in range(5):
        await file.add(np.zeros(RATE, np.int16))
    assert 5 * 2 * RATE > IN_MEMORY_BYTES and file.content._rolled  # type: ignore[attr-defined]
    await file.close()
