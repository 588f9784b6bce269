"""Tests of a session, without a socket: order, endings, interruption, bounds."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from realtime.access.quotas import Account
from realtime.audio.samples import RATES, Pcm, to_pcm16
from realtime.audio.wav import HEADER_BYTES
from realtime.cache import FinishedRecording
from realtime.engines.tone import character_factor, sine
from realtime.errors import TooMany
from realtime.live.messages import Close
from realtime.live.session import Session, SessionBounds
from realtime.services import Services
from realtime.settings import CacheSettings, PresetsSettings, Settings
from realtime.speech.request import LineRequest
from tests.support.fake_timer import FakeTimer, let_tasks_run
from tests.support.polling import until
from tests.support.scripted_engines import Gated
from tests.support.server import scripted_services
from tests.support.session_client import (
    ENDINGS,
    SessionClient,
    context_of,
    lane_is_free,
    session_client,
)

pytestmark = pytest.mark.anyio

LONG = "abcdefgh " * 60  # 43 seconds


@pytest.fixture
async def services(settings: Settings, tmp_path: Path) -> AsyncIterator[Services]:
    services = scripted_services(replace(settings, cache=CacheSettings(path=tmp_path)))
    await services.cache.start()
    yield services
    await services.close()


@pytest.fixture
async def client(services: Services) -> AsyncIterator[SessionClient]:
    async with session_client(services) as client:
        yield client


def gated(services: Services) -> Gated:
    engine: Gated = services.models.engine("gated")
    return engine


async def test_a_line_from_its_start_to_its_end(client: SessionClient, services: Services) -> None:
    await client.say("a", "abc def", character="af_heart", timestamps=True)
    await client.ended("a")
    kinds = [kind for kind, _ in client.log]
    assert kinds[:3] == ["ready", "started", "timestamps"] and kinds[-1] == "done"
    started, done = client.of("started")[0], client.ending("a")
    assert started["cache"] == "miss" and started["url"] == done["url"]
    assert (started["character"], started["engine"]) == ("af_heart", "tone")
    assert done["duration"] == pytest.approx(client.pcm("a").size / 24000, abs=1e-4)
    assert set(done["timing"]) == {"queue", "text", "first_audio", "total"}


async def test_frames_are_the_recording(client: SessionClient, services: Services) -> None:
    await client.say("a", LONG[:200])
    await client.ended("a")
    line = await services.speech.line(LineRequest(LONG[:200], engine="tone"))
    async with services.speech.open(line) as opened:
        data = b"".join([part async for part in opened.source.chunks()])
    assert client.pcm("a").astype("<i2").tobytes() == data[HEADER_BYTES:]
    sizes = [frame.size for frame in client.frames[client.stream("a")]]
    assert all(480 <= size <= 1440 for size in sizes[:-1])
    await client.say("b", LONG[:200])
    await client.ended("b")
    assert client.of("started", "b")[0]["cache"] in ("hit", "join")
    assert np.array_equal(client.pcm("a"), client.pcm("b"))


async def test_many_at_once_are_each_in_order_and_their_own(client: SessionClient) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    names = [f"{letters[n % 26]}{n}" for n in range(40)]
    for name in names:
        await client.say(name, name[0] * (20 + len(name)), character="af_heart")
    await client.ended(*names)
    for name in names:
        stream = client.stream(name)
        kinds = [
            kind
            for kind, what in client.log
            if (what[0] == stream if kind == "audio" else what.get("id") == name)
        ]
        assert kinds[0] == "started" and kinds[-1] == "done" and set(kinds[1:-1]) == {"audio"}
        assert is_tone(client.pcm(name), name[0] * (20 + len(name)))


def is_tone(pcm: Pcm, text: str) -> bool:
    """Tell whether sound is a text of af_heart in tones; the first samples are faded in."""
    factor = character_factor("af_heart")
    expected = to_pcm16(np.concatenate([sine(letter, factor, 1920) for letter in text]))
    return pcm.size == expected.size and np.array_equal(pcm[480:], expected[480:])


async def test_sessions_hear_nothing_of_each_other(services: Services) -> None:
    async def converse(number: int) -> None:
        letter = "abcdefghijklmnopqrstuvwxyz"[number % 26]
        async with session_client(services) as client:
            await client.say("x", letter * 12, seed=number, character="af_heart")
            await client.ended("x")
            assert is_tone(client.pcm("x"), letter * 12)

    await asyncio.gather(*(converse(number) for number in range(64)))


@pytest.mark.parametrize("rate", RATES)
async def test_every_rate_has_the_same_length(client: SessionClient, rate: int) -> None:
    await client.say("a", "abc def", sample_rate=rate)
    await client.ended("a")
    assert client.of("started")[0]["sample_rate"] == rate
    assert client.pcm("a").size == pytest.approx(7 * 0.08 * rate, abs=2)
    assert all(frame.size <= 0.06 * rate for frame in client.frames[1])


async def test_cancelling_ends_it_at_once_and_frees_the_lane(
    client: SessionClient, services: Services
) -> None:
    engine = gated(services)
    await client.say("a", "abc", engine="gated")
    await until(lambda: client.frames)
    assert await asyncio.to_thread(engine.waiting.wait, 20)
    await client.send("cancel", id="a")
    await client.ended("a")
    assert client.ending("a") == {"type": "cancelled", "id": "a"}
    assert client.log[-1][0] == "cancelled"
    assert await lane_is_free(services, "gated")
    # A stream that was left counts no more, though its lane may still be closing it.
    assert await asyncio.to_thread(engine.ended.wait, 20)
    await until(lambda: b"cancel_to_idle_seconds_count 1.0" in services.metrics.prometheus_text())
    assert not len(services.cache.index)


async def test_nothing_of_it_waits_behind_its_ending(client: SessionClient) -> None:
    client.reading.clear()
    await client.say("a", LONG)
    await client.say("b", "abc")
    await let_tasks_run()
    await client.send("cancel", id="a")
    client.reading.set()
    await client.ended("a", "b")
    assert client.ending("a")["type"] == "cancelled" and client.ending("b")["type"] == "done"
    assert sum(len(frames) for stream, frames in client.frames.items() if stream == 1) <= 1


async def test_what_is_sent_whole_but_not_yet_read_can_still_be_cancelled(
    client: SessionClient,
) -> None:
    client.reading.clear()
    await client.say("a", "abc")
    await until(lambda: not client.session._tasks)
    await client.send("cancel", id="a")
    await client.send("cancel", id="a")
    client.reading.set()
    await client.ended("a")
    assert client.ending("a")["type"] == "cancelled"


async def test_clear_is_one_ending_for_each(client: SessionClient, services: Services) -> None:
    names = [f"u{n}" for n in range(10)]
    for name in names:
        await client.say(name, LONG, more=name in ("u3", "u4"), seed=int(name[1:]))
    await until(lambda: len(client.frames) > 3)
    await client.send("clear")
    await client.ended(*names)
    assert {client.ending(name)["type"] for name in names} == {"cancelled"}
    assert await lane_is_free(services)


async def test_an_id_in_use_is_told_and_hurts_nobody(client: SessionClient) -> None:
    client.reading.clear()
    await client.say("a", "abc")
    await client.say("a", "xyz")
    client.reading.set()
    await client.ended("a")
    (error,) = client.of("error")
    assert error["code"] == "id_in_use" and "id" not in error and "'a'" in error["message"]
    assert client.ending("a")["type"] == "done"
    await client.say("a", "xyz")
    await until(lambda: len(client.of("done")) == 2)


async def test_what_is_said_of_nobody_is_ignored(client: SessionClient) -> None:
    for type, fields in (("cancel", {}), ("end", {}), ("flush", {}), ("text", {"text": "a"})):
        await client.send(type, id="nobody", **fields)
    await client.say("a", "abc")
    await client.send("text", id="a", text="more")
    await client.ended("a")
    assert not client.of("error")
    assert client.pcm("a").size == 3 * 1920


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": "…"}, "nothing_to_say"),
        ({"text": "", "more": False}, "nothing_to_say"),
        ({"text": "a" * 5001}, "text_too_long"),
        ({"text": "a", "character": "nobody"}, "character_not_found"),
        ({"text": "a", "character": "a\0"}, "bad_name"),
        ({"text": "a", "language": "fr"}, "unknown_language"),
        ({"text": "a", "engine": "bell"}, "unknown_engine"),
        ({"text": "a", "engine": "broken"}, "synthesis_failed"),
        ({"text": "a", "engine": "silent"}, "nothing_to_say"),
    ],
)
async def test_what_cannot_be_said_ends_with_its_error(
    client: SessionClient, fields: dict[str, Any], code: str
) -> None:
    await client.say("a", **fields)
    await client.ended("a")
    error = client.ending("a")
    assert error["type"] == "error" and error["message"]
    if code != "bad_name":
        assert error["code"] == code
    await client.say("b", "abc")
    await client.ended("b")
    assert client.ending("b")["type"] == "done"


async def test_a_wrong_request_is_refused_before_there_is_any_text(
    client: SessionClient,
) -> None:
    await client.say("a", more=True, character="nobody")
    await client.ended("a")
    assert client.ending("a")["code"] == "character_not_found"


async def test_pings_are_answered(client: SessionClient) -> None:
    await client.send("ping", t=7)
    await until(lambda: client.of("pong"))
    assert client.of("pong")[0]["t"] == 7 and client.of("pong")[0]["time_ms"] > 0


async def test_it_begins_with_what_there_is(client: SessionClient) -> None:
    await until(lambda: client.messages)
    ready = client.messages[0]
    assert ready["type"] == "ready" and ready["protocol"] == "yamabiko.v1"
    assert "tone" in ready["engines"] and "af_heart" in ready["characters"]
    assert ready["limits"]["utterances"] == 64 and ready["limits"]["sample_rates"] == list(RATES)


async def test_sound_without_a_microphone_closes(client: SessionClient) -> None:
    await client.session.receive(b"\0" * 8)
    await until(lambda: client.closed)
    assert client.closed is not None and client.closed.code == 1003


async def test_twenty_bad_messages_on_end_close(client: SessionClient) -> None:
    for _ in range(19):
        await client.session.receive("{")
    await client.send("ping")
    for _ in range(19):
        await client.session.receive('{"type": "sing"}')
    await let_tasks_run()
    assert client.closed is None
    await client.session.receive('{"type": "say", "id": "a"}')
    await until(lambda: client.closed)
    assert client.closed is not None and client.closed.code == 1008
    assert len(client.of("error")) == 39 and client.of("error")[-1]["id"] == "a"


async def test_a_bad_message_about_a_live_one_ends_it(
    client: SessionClient, services: Services
) -> None:
    await client.say("a", more=True)
    await client.send("text", id="a", text=5)
    await client.ended("a")
    assert client.ending("a")["message"] == "text is 5; expected is a text."
    await client.send("end", id="a")


async def test_a_flood_is_read_slower_and_then_closed(services: Services) -> None:
    timer = FakeTimer()
    async with session_client(services, timer) as client:
        await until(lambda: client.of("ready"))
        flooding = asyncio.create_task(flood(client))
        await until(lambda: len(client.of("pong")) == 1001)
        await timer.advance(0.5)
        assert len(client.of("pong")) == 1001 and client.closed is None
        await timer.advance(2.0)
        await flooding
        assert client.closed is not None and client.closed.code == 1008
        assert len(client.of("pong")) <= 3003


async def flood(client: SessionClient) -> None:
    for _ in range(5_000):
        await client.send("ping")
        if client.closed:
            return


async def test_more_utterances_than_allowed_are_refused(services: Services) -> None:
    async with session_client(services) as client:
        client.session._bounds = SessionBounds(utterances=2)
        for name in "abc":
            await client.say(name, more=True)
        await client.ended("c")
        assert client.ending("c")["code"] == "too_many_utterances"
        await client.send("cancel", id="a")
        await client.ended("a")
        await client.say("d", "abc")
        await client.ended("d")
        assert client.ending("d")["type"] == "done"


async def test_sound_is_at_most_two_seconds_ahead(services: Services) -> None:
    timer = FakeTimer()
    async with session_client(services, timer) as client:
        await client.say("a", LONG, pace=True)
        await until(lambda: client.frames)
        begun = timer.now()
        for _ in range(12):
            await timer.advance(0.5)
            sent = client.pcm("a").size / 24000
            assert timer.now() - begun + 1.9 <= sent <= timer.now() - begun + 2.0
        recording = next(iter(services.cache._growing.values()))
        assert recording.size < (6 + 2 + 3 + 9) * 48_000, "the engine is not asked far ahead"


async def test_who_asks_for_it_gets_everything_at_once(services: Services) -> None:
    async with session_client(services, FakeTimer()) as client:
        await client.say("a", LONG)
        await client.ended("a")
        assert client.pcm("a").size == len(LONG.strip()) * 1920


async def test_a_slow_reader_stops_its_own_synthesis_only(services: Services) -> None:
    async with session_client(services) as slow, session_client(services) as quick:
        slow.reading.clear()
        await slow.say("a", LONG * 8)
        await until(lambda: slow.session._context.send_queue.bytes >= 256 << 10)
        (growing,) = services.cache._growing.values()
        await quick.say("b", LONG)
        await quick.ended("b")
        assert slow.session._context.send_queue.bytes <= (256 << 10) + 3000
        assert growing.size < 60 * 48_000, "its engine waits for its reader"
        slow.reading.set()
        await slow.ended("a")
        assert slow.pcm("a").size == len((LONG * 8).strip()) * 1920


async def test_words_rise_and_lie_in_the_sound_that_follows(
    client: SessionClient, services: Services
) -> None:
    await client.say("a", LONG[:300], timestamps=True, sample_rate=16000)
    await client.say("b", "abc")
    await client.ended("a", "b")
    assert not client.of("timestamps", "b")
    words = [word for told in client.of("timestamps", "a") for word in told["words"]]
    starts = [word["start"] for word in words]
    assert starts == sorted(starts) and all(w["start"] <= w["end"] for w in words)
    assert words[-1]["end"] <= client.ending("a")["duration"]
    assert "".join(word["text"] for word in words) == LONG[:300].replace(" ", "")
    sent, known = 0.0, 0.0
    for kind, what in client.log:
        if kind == "timestamps":
            known = what["words"][-1]["end"]
        elif kind == "audio" and what[0] == client.stream("a"):
            sent += what[1].size / 16000
            ended = [word for word in words if word["end"] < sent - 0.05]
            assert all(word["end"] <= known for word in ended)


async def test_draining_ends_in_peace_and_then_by_force(services: Services) -> None:
    timer = FakeTimer()
    async with session_client(services, timer) as client:
        await client.say("a", "abc")
        await client.say("b", more=True)
        await until(lambda: client.of("started", "a"))
        draining = asyncio.create_task(client.session.drain(5.0))
        await let_tasks_run()
        await client.say("c", "abc")
        await client.ended("a", "c")
        assert client.ending("c")["code"] == "draining" and client.ending("a")["type"] == "done"
        await timer.advance(5.0)
        await draining
        await until(lambda: client.closed)
        assert client.ending("b")["type"] == "cancelled"
        assert client.closed == Close(1001, "The server stops.")


async def test_closing_frees_everything(services: Services) -> None:
    engine = gated(services)
    async with session_client(services) as client:
        await client.say("a", LONG)
        await client.say("b", "abc", more=True)
        await client.say("c", "abc", engine="gated")
        await until(lambda: client.of("started", "c") and client.stream("c") in client.frames)
        assert await asyncio.to_thread(engine.waiting.wait, 20)
        await client.session.close()
        assert not client.session._tasks
        assert await lane_is_free(services) and await lane_is_free(services, "gated")
        await client.say("d", "abc")
        await client.session.close()
    await until(lambda: not services.cache.busy)
    assert all(state.leases == 0 for state in services.models.states())


class LimitedAccount(Account):
    """An account that pays for so many characters."""

    def __init__(self, characters: int) -> None:
        self.left = characters
        self.begun = 0

    async def charge_text(self, characters: int) -> None:
        self.left -= characters
        if self.left < 0:
            raise TooMany("The limit is reached.")

    def charge_recording(self, result: str, source: object) -> None:
        if result == "miss":
            self.begun += 1


async def test_every_character_is_paid_for_and_what_is_made_is_watched(
    services: Services,
) -> None:
    account = LimitedAccount(10)
    client = SessionClient(Session(replace(context_of(services), account=account)))
    client.reading.set()
    reading = asyncio.create_task(client.read_outgoing())
    await client.say("a", "abcd")
    await client.say("b", "ab", more=True)
    await client.send("text", id="b", text="c")
    await client.send("end", id="b")
    await client.ended("a", "b")
    assert (account.left, account.begun) == (3, 2)
    await client.say("c", "abcd", seed=1)
    await client.ended("c")
    assert client.ending("c")["code"] == "rate_limited"
    await client.session.close()
    await reading


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("say", "more", "text", "flush", "end", "cancel", "clear", "wait", "bad")),
        st.sampled_from("abc"),
    ),
    max_size=25,
)


@trying(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS)
async def test_whatever_is_done_each_has_one_ending_and_nothing_after_it(
    services: Services, steps: list[tuple[str, str]]
) -> None:
    async with session_client(services) as client:
        said = 0
        for step, id in steps:
            said += await one_step(client, step, id)
        await client.send("clear")
        await until(lambda: not client.session._activities)
        await until(lambda: not client.session._tasks)
        await client.send("ping", t="last")
        await until(lambda: client.of("pong"))
        endings = [m for m in client.messages if m["type"] in ENDINGS and "id" in m]
        refused = len([m for m in client.of("error") if m["code"] == "id_in_use"])
        assert len(endings) == said - refused
        assert await lane_is_free(services)
        over: set[int] = set()
        streams: dict[str, int] = {}
        for kind, what in client.log:
            if kind == "started":
                streams[what["id"]] = what["stream"]
            elif kind in ENDINGS and what.get("id") in streams:
                over.add(streams[what["id"]])
            elif kind == "audio":
                assert what[0] not in over


async def one_step(client: SessionClient, step: str, id: str) -> int:
    """Send one message; return how many endings it will have."""
    if step in ("say", "more"):
        await client.say(id, "abc def, ghi. " * 4, more=step == "more")
        return 1
    if step == "wait":
        await asyncio.sleep(0.003)
    elif step == "bad":
        live = id in client.session._activities
        await client.session.receive(json.dumps({"type": "flush", "id": id, "x": 1}))
        return 0 if live else 1
    elif step == "text":
        await client.send("text", id=id, text="hij klm nop. ")
    elif step == "clear":
        await client.send("clear")
    else:
        await client.send(step, id=id)
    return 0


async def test_a_known_line_is_heard_from_its_recording(
    client: SessionClient, services: Services
) -> None:
    line = await services.speech.line(LineRequest("abc", engine="tone"))
    async with services.speech.open(line, finish=True) as opened:
        address = opened.address
        await until(lambda: not services.cache.busy)
    await client.say("a", "abc")
    await client.ended("a")
    assert client.of("started")[0]["cache"] == "hit"
    assert client.ending("a")["timing"]["queue"] == client.ending("a")["timing"]["text"] == 0
    assert address.key in client.ending("a")["url"]
    async with services.speech.open(line) as again:
        assert isinstance(again.source, FinishedRecording)


async def test_a_character_that_leaves_meanwhile_speaks_to_its_end(
    settings: Settings, tmp_path: Path
) -> None:
    presets = tmp_path / "presets"
    shutil.copytree(settings.presets.path, presets)
    own = replace(
        settings,
        presets=PresetsSettings(path=presets),
        cache=CacheSettings(path=tmp_path / "cache"),
    )
    services = scripted_services(own)
    await services.cache.start()
    async with session_client(services) as client:
        engine = gated(services)
        await client.say("a", "abc", engine="gated", character="af_bella")
        await until(lambda: client.frames)
        for file in presets.glob("af_bella.*"):
            file.unlink()
        await until(lambda: "af_bella" not in [each.name for each in services.characters.all()])
        engine.gate.set()
        await client.ended("a")
        assert client.ending("a")["type"] == "done" and client.pcm("a").size == 4800
        await client.say("b", "abc", engine="gated", character="af_bella")
        await client.ended("b")
        assert client.ending("b")["code"] == "character_not_found"
    await services.close()
