"""Tests of `say`: growing texts, their recordings, and the messages about them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from realtime.audio.samples import Pcm
from realtime.audio.wav import HEADER_BYTES
from realtime.cache import FinishedRecording
from realtime.live.messages import Say
from realtime.services import Services
from realtime.settings import CacheSettings, LimitsSettings, Settings
from realtime.speech.incoming_text import PAUSE_SECONDS
from realtime.speech.request import LineRequest, line_request
from tests.support.fake_timer import FakeTimer
from tests.support.polling import until
from tests.support.server import scripted_services
from tests.support.session_client import SessionClient, lane_is_free, session_client

pytestmark = pytest.mark.anyio

STORY = "When the rain stopped, nobody believed it. We waited, all night long, by the river. " * 2
LINES = [
    ("hibari", STORY),
    ("tone", STORY),
    ("tone", "The 町 is far, 你好 said she. [JA]遠い。[JA] And so on, and on, until the end. " * 2),
]


@pytest.fixture
async def services(settings: Settings, tmp_path: Path) -> AsyncIterator[Services]:
    services = scripted_services(
        replace(settings, cache=CacheSettings(path=tmp_path), limits=LimitsSettings(text=400))
    )
    await services.cache.start()
    yield services
    await services.close()


@pytest.fixture
async def client(services: Services) -> AsyncIterator[SessionClient]:
    async with session_client(services) as client:
        yield client


async def write(client: SessionClient, id: str, text: str, size: int, **fields: object) -> None:
    await client.say(id, text[:size], more=True, **fields)
    for place in range(size, len(text), size):
        await client.send("text", id=id, text=text[place : place + size])
        await asyncio.sleep(0.0005)
    await client.send("end", id=id)


async def whole_pcm(services: Services, request: LineRequest) -> Pcm:
    line = await services.speech.line(request)
    parts = [part.pcm async for part in services.speech.say(line, keep=False)]
    return np.concatenate(parts)


@pytest.mark.parametrize(("engine", "text"), LINES)
async def test_a_growing_text_is_the_recording_of_the_whole(
    client: SessionClient, services: Services, engine: str, text: str
) -> None:
    # What a text is in is decided by its beginning, so a mixed one says so.
    language = "mix" if "[JA]" in text else "auto"
    # At once: a clause after which somebody is still writing would be spoken before.
    await write(
        client, "a", text, 10_000, language=language, engine=engine, seed=3, timestamps=True
    )
    await client.ended("a")
    started, done = client.of("started")[0], client.ending("a")
    assert started["cache"] is None and started["url"] is None
    request = LineRequest(text, engine=engine, seed=3, language=language)
    line = await services.speech.line(request)
    address = services.speech.address(line)
    assert done["url"] == f"http://here/audio/{address.quoted('.wav')}"
    assert np.array_equal(client.pcm("a"), await whole_pcm(services, request))
    await until(lambda: not services.cache.busy)
    async with services.speech.open(line) as opened:
        assert opened.result == "hit" and isinstance(opened.source, FinishedRecording)
        data = b"".join([part async for part in opened.source.chunks()])
        assert data[HEADER_BYTES:] == client.pcm("a").astype("<i2").tobytes()
        kept = opened.source.sidecar
    told = [word for message in client.of("timestamps") for word in message["words"]]
    assert [word.text for word in kept.words] == [word["text"] for word in told]
    assert kept.line["text"] == line.text and kept.line["seed"] == 3
    assert told[-1]["end"] <= done["duration"]


async def test_its_address_works_the_moment_it_is_told(
    client: SessionClient, services: Services
) -> None:
    await write(client, "a", "abc def", 10_000)  # in pieces, a pause between them may be a cut
    await until(lambda: client.of("done"))
    line = await services.speech.line(LineRequest("abc def", engine="tone"))
    async with services.cache.listen(services.speech.address(line), ".wav") as opened:
        assert opened is not None


async def test_other_cuts_are_another_sound_and_are_not_kept(
    client: SessionClient, services: Services
) -> None:
    await client.say("a", "One, two. ", more=True)
    await client.send("flush", id="a")
    await client.send("text", id="a", text="Three.")
    await client.send("end", id="a")
    await client.ended("a")
    assert client.ending("a")["url"] is None
    assert client.pcm("a").size == len("One, two. Three.") * 1920
    await until(lambda: not services.cache.busy)
    assert not len(services.cache.index)
    assert not list(services.cache.store.root.rglob("*.part"))


async def test_another_language_of_the_whole_is_another_sound(client: SessionClient) -> None:
    await client.say("a", "It is a long way to the old town, they say.", more=True)
    await until(lambda: client.frames)
    await client.send("text", id="a", text=" 你好。")
    await client.send("end", id="a")
    await client.ended("a")
    assert client.ending("a")["url"] is None and client.pcm("a").size


async def test_a_foreign_language_is_noted_at_the_end(client: SessionClient) -> None:
    await client.say("own", "abc")
    await client.say("foreign", "abc", character="zf_xiaoxiao")
    await write(client, "written", "abc", 2, character="zf_xiaoxiao")
    # The notice is of the whole text, though another line than the text's was begun.
    await client.say("late", "It is a long way to the old town, they say.", more=True)
    await until(lambda: client.frames.get(4))
    await client.send("text", id="late", text=" 你好。")
    await client.send("end", id="late")
    await client.ended("own", "foreign", "written", "late")
    assert client.ending("own")["notices"] == []
    for id, words in (("foreign", "English may"), ("written", "English may"), ("late", "Chinese")):
        [notice] = client.ending(id)["notices"]
        assert notice["code"] == "foreign_language" and words in notice["message"]


async def test_a_pause_of_the_writer_speaks_what_is_there(services: Services) -> None:
    timer = FakeTimer()
    async with session_client(services, timer) as client:
        await client.say("a", "abc ", more=True)
        await timer.advance(PAUSE_SECONDS - 0.05)
        assert not client.frames
        await timer.advance(0.1)
        await until(lambda: client.frames and client.pcm("a").size == 3 * 1920)
        await timer.advance(60.0)
        await client.send("text", id="a", text="de")
        await timer.advance(0.1)
        await client.send("end", id="a")
        await client.ended("a")
        assert client.pcm("a").size == 6 * 1920
        assert client.ending("a")["timing"]["first_audio"] < 1000 * PAUSE_SECONDS


async def test_the_next_piece_is_spoken_before_the_last_is_heard(services: Services) -> None:
    timer = FakeTimer()
    async with session_client(services, timer) as client:
        await client.say("a", "abcdefgh " * 40, more=True, pace=True)

        def ahead() -> float:
            return client.pcm("a").size / 24000 - (timer.now() - 1000.0)

        await until(lambda: client.frames)
        for _ in range(20):
            await timer.advance(0.25)
            await until(lambda: ahead() > 1.8)
            assert ahead() <= 2.0, "nothing runs ahead"


async def test_too_much_text_ends_it(client: SessionClient, services: Services) -> None:
    await client.say("a", "abc " * 99, more=True)
    await client.send("text", id="a", text="abcde")
    await client.ended("a")
    error = client.ending("a")
    assert error["code"] == "text_too_long" and "400" in error["message"]
    assert error["values"]["limit"] == 400 < error["values"]["length"]
    await client.say("b", "a" * 401, more=True)
    await client.ended("b")
    assert client.ending("b")["code"] == "text_too_long"
    await client.say("c", "abc " * 110, longprompt=True, more=True)
    await client.send("end", id="c")
    await client.ended("c")
    assert client.ending("c")["type"] == "done"
    assert await lane_is_free(services)


@pytest.mark.parametrize("text", ["", "… !", "\n \n"])
async def test_a_text_without_a_word_has_nothing_to_say(client: SessionClient, text: str) -> None:
    await client.say("a", text, more=True)
    await client.send("end", id="a")
    await client.ended("a")
    assert client.ending("a")["code"] == "nothing_to_say"


async def test_cancelling_a_growing_text_at_any_moment(
    client: SessionClient, services: Services
) -> None:
    for moment in range(12):
        id = f"u{moment}"
        writing = asyncio.create_task(write(client, id, STORY, 7, engine="hibari", seed=moment))
        await asyncio.sleep(0.004 * moment)
        await client.send("cancel", id=id)
        await writing
        if client.of("started", id) or any(m.get("id") == id for m in client.messages):
            await client.ended(id)
    await client.send("clear")
    await until(lambda: not client.session._tasks)
    assert await lane_is_free(services, "hibari")
    await until(lambda: not services.cache.busy)


async def test_times_are_told(client: SessionClient) -> None:
    await client.say("a", "Hello there.", engine="hibari", seed=1)
    await client.ended("a")
    timing = client.ending("a")["timing"]
    assert 0 < timing["text"] <= timing["first_audio"] <= timing["total"]
    assert 0 <= timing["queue"] <= timing["first_audio"]


def test_a_request_has_every_field() -> None:
    request = LineRequest("t", "c", "en", True, True, 2.0, 5, "tone", (("top_k", 5),))
    said = Say(id="a", **{**vars(request), "options": dict(request.options)})
    assert line_request(said) == request
