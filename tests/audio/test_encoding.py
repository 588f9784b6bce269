"""Sound becomes a whole file in every container, off the loop, and is stopped with its reader."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest

from realtime.audio.decoding import decode
from realtime.audio.encoding import ContainerWriter, EncodedPart, encode
from realtime.audio.formats import FORMATS
from realtime.audio.spoken import Spoken, Word
from realtime.errors import NothingToSay

RATE = 24000
SINE = (8000 * np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE)).astype(np.int16)


class Speaker:
    """A line of some chunks, and whether it was closed before its end."""

    def __init__(self, *chunks: Spoken) -> None:
        self.chunks = chunks
        self.closed = False

    async def say(self) -> AsyncIterator[Spoken]:
        try:
            for chunk in self.chunks:
                yield chunk
        finally:
            self.closed = True


def one_second() -> Speaker:
    chunks = [Spoken(part) for part in np.split(SINE, 4)]
    return Speaker(Spoken(chunks[0].pcm, timing={"text": 1.0}), *chunks[1:])


async def encoded_parts(speaker: Speaker, writer: ContainerWriter) -> list[EncodedPart]:
    return [part async for part in encode(speaker.say(), writer)]


@pytest.mark.anyio
@pytest.mark.parametrize("target", [None, 8000, 48000])
@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("pcm", "wav")])
async def test_every_container_has_all_of_the_sound(name: str, target: int | None) -> None:
    writer = ContainerWriter(FORMATS[name], RATE, target)
    data = b"".join(part.data for part in await encoded_parts(one_second(), writer))
    pcm, rate = decode(data)
    assert rate in (writer.sample_rate, 48000), "opus is always decoded at 48 kHz"
    assert 0.95 <= pcm.size / rate <= 1.2, "nothing is lost; codecs add a little"
    assert np.abs(pcm).max() > 6000
    assert writer.seconds == pytest.approx(1.0)


@pytest.mark.anyio
async def test_plain_samples_are_the_samples() -> None:
    found = await encoded_parts(one_second(), ContainerWriter(FORMATS["pcm"], RATE, None))
    assert b"".join(part.data for part in found) == SINE.astype("<i2").tobytes()
    assert found[0].timing == {"text": 1.0}
    wav = await encoded_parts(one_second(), ContainerWriter(FORMATS["wav"], RATE, None))
    assert len(wav[0].data) == 44 + len(found[0].data), "the head travels with the first sound"


def test_what_is_encoded_is_fed_in_slices() -> None:
    sliced = list(ContainerWriter(FORMATS["mp3"], RATE, None).slices(SINE))
    assert len(sliced) == 10
    assert np.array_equal(np.concatenate(sliced), SINE)
    assert len(list(ContainerWriter(FORMATS["wav"], RATE, None).slices(SINE))) == 1
    assert not list(ContainerWriter(FORMATS["wav"], RATE, None).slices(SINE[:0]))


@pytest.mark.anyio
async def test_samples_change_their_rate() -> None:
    found = await encoded_parts(one_second(), ContainerWriter(FORMATS["pcm"], RATE, 8000))
    assert sum(len(part.data) for part in found) == pytest.approx(16000, abs=4)


@pytest.mark.anyio
async def test_words_without_sound_wait_for_it() -> None:
    word = Word("a", 0.0, 0.5)
    nothing = np.zeros(0, np.int16)
    speaker = Speaker(Spoken(nothing, (word,)), Spoken(SINE), Spoken(nothing, (word,)))
    found = await encoded_parts(speaker, ContainerWriter(FORMATS["pcm"], RATE, None))
    assert [part.words for part in found] == [(word,), (word,)]
    assert found[0].data


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["pcm", "mp3"])
async def test_a_line_without_sound_is_no_empty_file(name: str) -> None:
    with pytest.raises(NothingToSay):
        await encoded_parts(Speaker(), ContainerWriter(FORMATS[name], RATE, None))


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["pcm", "mp3"])
async def test_who_leaves_closes_the_line(name: str) -> None:
    speaker = one_second()
    async with aclosing(
        encode(speaker.say(), ContainerWriter(FORMATS[name], RATE, None))
    ) as coming:
        await anext(coming)
        assert not speaker.closed
    assert speaker.closed
