"""Tests of `listen`: the sound that comes back, refusals, and that nothing is stuck."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.access.quotas import Account
from realtime.audio.samples import RATES, Pcm, from_pcm16
from realtime.conversion.live import Conversion
from realtime.engines.contract import Transcript
from realtime.engines.world import median_pitch
from realtime.errors import TooMany
from realtime.live.listen import ListenActivity
from realtime.live.messages import Listen
from realtime.live.session import Session
from realtime.services import Services
from realtime.settings import CacheSettings, ModelsSettings, Settings
from realtime.timer import Timer
from tests.support.fake_recogniser import (
    LevelDetector,
    ScriptedRecogniser,
    hums,
    services_with_fakes,
)
from tests.support.fake_timer import FakeTimer
from tests.support.polling import until
from tests.support.server import scripted_services
from tests.support.session_client import SessionClient, context_of, lane_is_free, session_client
from tests.support.voice_like_sound import pcm, voice

pytestmark = pytest.mark.anyio

RATE = 24000


class StandingTimer(Timer):
    """A timer that stands still, so that no machine looks overloaded to the converter."""

    def now(self) -> float:
        return 1_000.0


@pytest.fixture
async def services(settings: Settings, tmp_path: Path) -> AsyncIterator[Services]:
    folders = {
        "cache": CacheSettings(path=tmp_path / "cache"),
        "models": ModelsSettings(path=tmp_path / "models"),
    }
    services = scripted_services(replace(settings, **folders))
    services.voice_changer.patience = 60.0
    await services.cache.start()
    yield services
    await services.close()


@pytest.fixture
async def client(services: Services) -> AsyncIterator[SessionClient]:
    async with session_client(services, StandingTimer()) as client:
        yield client


async def listen(client: SessionClient, id: str = "mic", **fields: Any) -> None:
    fields = {"engine": "gain", "gate": -90, **fields}
    await client.send("listen", id=id, **fields)


async def speak(client: SessionClient, sound: Pcm, step: int = 997) -> None:
    for start in range(0, sound.size, step):
        await client.session.receive(sound[start : start + step].astype("<i2").tobytes())


async def through(client: SessionClient, sound: Pcm, **fields: Any) -> Pcm:
    await listen(client, **fields)
    await speak(client, sound)
    await client.send("listen.end", id="mic")
    await client.ended("mic")
    return client.pcm("mic")


async def test_a_voice_from_its_start_to_its_end(client: SessionClient) -> None:
    sound = pcm(voice(1.0))
    found = await through(client, sound)
    assert found.size == sound.size
    assert np.abs(found[2_000:-50].astype(int) - sound[2_000:-50] / 2).max() < 400
    kinds = [kind for kind, _ in client.log]
    assert kinds[:2] == ["ready", "started"] and kinds[-1] == "done"
    started, done = client.of("started")[0], client.ending("mic")
    assert (started["engine"], started["character"], started["cache"]) == ("gain", None, None)
    assert done["duration"] == 1.0 and done["url"] is None
    frames = client.frames[client.stream("mic")]
    assert max(frame.size for frame in frames) <= 0.06 * RATE


async def test_noise_is_taken_out_where_it_is_asked(client: SessionClient) -> None:
    noise = np.random.default_rng(2).normal(0, 1_500, RATE).astype(np.int16)
    found = await through(client, noise, denoise="light")
    assert found.size == noise.size
    assert np.std(found[4_000:]) < 0.05 * np.std(noise)


@pytest.mark.parametrize("rate", RATES)
async def test_it_is_as_long_at_every_rate(client: SessionClient, rate: int) -> None:
    sound = pcm(voice(0.6, rate=rate))
    found = await through(client, sound, sample_rate=rate, output_sample_rate=RATES[-1])
    assert abs(found.size / RATES[-1] - 0.6) <= 0.02
    assert client.of("started")[0]["sample_rate"] == RATES[-1]


@pytest.mark.parametrize(
    "named",
    [
        {"engine": "torchscript"},
        {"engine": "torchscript", "model": "telling"},
        {"engine": "torchscript:telling"},
    ],
)
async def test_a_model_may_take_a_microphone_at_its_own_rate(
    client: SessionClient, tmp_path: Path, named: dict[str, str]
) -> None:
    from tests.support.torchscript_models import MOST_RATE, Telling, scripted

    card = {"input_rate": "own", "block": 441, "causal": True}
    scripted(tmp_path / "models", "telling", Telling(), **card)
    sound = np.full(22_050, 1_000, np.int16)
    found = await through(client, sound, sample_rate=44_100, **named)
    assert found.size == sound.size
    # The playback clock is followed by a resampler, which rings at the start.
    assert np.median(found) == round(44_100 / MOST_RATE * 32_768)


async def test_a_character_lends_its_pitch(client: SessionClient, services: Services) -> None:
    sound = pcm(voice(3.0, pitch=110.0))
    found = await through(client, sound, engine="world", character="af_heart")
    target = services.characters.get("af_heart").median_pitch
    heard = median_pitch(from_pcm16(found[RATE:]), RATE)
    assert target is not None and heard is not None
    assert abs(12 * np.log2(heard / target)) < 1.0


async def test_speaking_and_listening_at_once(client: SessionClient) -> None:
    sound = pcm(voice(1.0))
    await listen(client)
    await client.say("tale", "abcdefg " * 5)
    await speak(client, sound)
    await client.send("listen.end", id="mic")
    await client.ended("mic", "tale")
    assert client.pcm("mic").size == sound.size
    assert client.ending("tale")["duration"] > 2.5


async def test_clear_ends_what_is_said_and_not_the_listening(client: SessionClient) -> None:
    await listen(client)
    await client.say("tale", "abc " * 300, pace=True)
    await until(lambda: client.of("started", "tale"))
    await speak(client, pcm(voice(0.5)))
    await client.send("clear")
    await client.ended("tale")
    await speak(client, pcm(voice(0.5)))
    await client.send("listen.end", id="mic")
    await client.ended("mic")
    assert client.ending("tale")["type"] == "cancelled"
    assert client.ending("mic")["type"] == "done"


async def test_what_waits_to_be_heard_is_dropped_by_clear(client: SessionClient) -> None:
    client.reading.clear()
    await listen(client)
    await speak(client, pcm(voice(1.0)))
    await until(lambda: client.session._send_queue.bytes > 10_000)
    await client.send("clear")
    assert client.session._send_queue.bytes < 2_000  # `started` stays
    client.reading.set()
    await client.send("listen.end", id="mic")
    await client.ended("mic")
    assert client.pcm("mic").size < RATE


async def test_sound_that_nobody_listens_to_closes(client: SessionClient) -> None:
    await through(client, pcm(voice(0.1)))
    await speak(client, np.ones(100, np.int16))
    await until(lambda: client.closed)
    assert client.closed is not None and client.closed.code == 1003


async def test_sound_after_a_cancel_closes(client: SessionClient, services: Services) -> None:
    await listen(client)
    await speak(client, pcm(voice(0.2)))
    await client.send("cancel", id="mic")
    await client.ended("mic")
    assert client.ending("mic")["type"] == "cancelled"
    assert await lane_is_free(services, "gain")
    await speak(client, np.ones(100, np.int16))
    await until(lambda: client.closed)
    assert client.closed is not None and client.closed.code == 1003


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields, code",
    [
        ({"character": "nobody"}, "character_not_found"),
        ({"engine": "bell"}, "unknown_engine"),
        ({"engine": "tone"}, "unknown_engine"),
        ({"engine": "torchscript"}, "weights_missing"),
        ({"engine": "torchscript:nana"}, "weights_missing"),
        ({"engine": "world", "model": "nana"}, "unknown_model"),
        ({"engine": "vocoder"}, "weights_missing"),
        ({"engine": "vocoder", "pitch": 3}, "bad_request"),
        ({"mode": "revoice"}, "bad_request"),  # with an engine that converts
        ({"engine": "revoice", "pitch": 3}, "bad_request"),
        ({"engine": "revoice", "character": "nobody"}, "character_not_found"),
    ],
)
async def test_a_refused_client_may_still_send_for_a_while(
    client: SessionClient, fields: dict[str, str], code: str
) -> None:
    """Check that sound sent meanwhile is ignored, until the client must know of the refusal."""
    await listen(client, **fields)
    await speak(client, pcm(voice(3.0)))
    await client.ended("mic")
    assert client.ending("mic")["code"] == code
    await speak(client, pcm(voice(0.2)))
    await client.send("ping")
    await until(lambda: client.of("pong"))
    assert client.closed is None
    await client.send("listen.end", id="mic")
    await speak(client, np.ones(100, np.int16))
    await until(lambda: client.closed)
    assert client.closed.code == 1003


async def test_one_microphone_at_a_time(client: SessionClient) -> None:
    await listen(client)
    await listen(client, id="other")
    await client.ended("other")
    assert client.ending("other")["code"] == "already_listening"
    await listen(client)
    await until(lambda: len(client.of("error")) == 2)
    assert "id" not in client.of("error")[1]
    await speak(client, pcm(voice(0.3)))
    await client.send("listen.end", id="mic")
    await listen(client, id="next")
    await speak(client, pcm(voice(0.2)))
    await client.send("listen.end", id="next")
    await client.ended("mic", "next")
    assert client.pcm("mic").size == 0.3 * RATE and client.pcm("next").size == 0.2 * RATE


async def test_half_a_sample_is_refused_and_ends_nothing(client: SessionClient) -> None:
    await listen(client)
    await client.session.receive(b"\0\0\0")
    await until(lambda: client.of("error"))
    assert client.of("error")[0]["code"] == "odd_sound" and "id" not in client.of("error")[0]
    await speak(client, pcm(voice(0.2)))
    await client.send("listen.end", id="mic")
    await client.ended("mic")
    assert client.ending("mic")["duration"] == 0.2


@pytest.mark.slow
async def test_a_recording_sent_at_once_waits_its_turn(client: SessionClient) -> None:
    """Send four messages of four seconds: nothing is lost, and at most two seconds wait."""
    sound = pcm(voice(16.0))
    await listen(client)
    sending = asyncio.create_task(speak(client, sound, step=4 * RATE))
    most = 0
    while not sending.done():
        await asyncio.sleep(0.001)
        microphone = client.session._microphone
        if isinstance(microphone, ListenActivity) and isinstance(microphone._live, Conversion):
            most = max(most, microphone._live.buffer.waiting)
    await client.send("listen.end", id="mic")
    await client.ended("mic")
    assert client.pcm("mic").size == sound.size
    assert 0 < most <= 2.1 * RATE


async def test_a_meter_tells_what_it_takes(services: Services) -> None:
    timer = FakeTimer()
    async with session_client(services, timer) as client:
        await listen(client, meter=True)
        for _ in range(4):
            await speak(client, pcm(voice(0.3)))
            await timer.advance(0.3)
        await client.send("listen.end", id="mic")
        await client.ended("mic")
        meters = client.of("meter", "mic")
        assert 1 <= len(meters) <= 3
        assert meters[0]["block"] == 20.0 and meters[0]["latency"] == 20.0
        assert 0 < meters[0]["seconds"] <= 1.2
        assert meters[0]["queue"] >= 0 and meters[0]["factor"] >= 0


async def test_what_a_player_told_is_taken_on_until_it_is_stale(services: Services) -> None:
    timer = FakeTimer()
    context = context_of(services, timer)
    activity = ListenActivity(Listen(id="m", engine="gain"), 1, context)
    assert activity._played_by_now() is None
    activity.played(2.0)
    timer.time += 0.5
    assert activity._played_by_now() == pytest.approx(2.5)
    timer.time += 2.0
    assert activity._played_by_now() is None
    activity.task.cancel()
    await asyncio.gather(activity.task, return_exceptions=True)


async def test_a_client_tells_what_it_played(client: SessionClient) -> None:
    await listen(client)
    await client.send("played", id="mic", seconds=0.5)
    await client.send("played", id="other", seconds=0.5)  # of what is not there: ignored
    microphone = client.session._microphone
    assert isinstance(microphone, ListenActivity) and microphone._played_by_now() == 0.5
    await client.send("listen.end", id="mic")
    await client.ended("mic")
    assert not client.of("error")


async def test_who_leaves_frees_the_engine(services: Services) -> None:
    async with session_client(services) as client:
        await listen(client)
        await speak(client, pcm(voice(0.5)))
        await until(lambda: client.frames)
    assert await lane_is_free(services, "gain")
    assert all(state.leases == 0 for state in services.models.states())


async def test_a_server_that_stops_hears_to_the_end(client: SessionClient) -> None:
    await listen(client)
    await speak(client, pcm(voice(0.5)))
    await client.session.drain(30)
    await client.ended("mic")
    assert client.ending("mic")["type"] == "done" and client.pcm("mic").size == 0.5 * RATE
    await until(lambda: client.closed)
    assert client.closed is not None and client.closed.code == 1001


class LimitedAccount(Account):
    """An account that pays for fifteen seconds."""

    def __init__(self) -> None:
        self.paid = 0.0

    async def check_sound(self) -> None:
        if self.paid >= 15:
            raise TooMany("No seconds of sound are left.")

    async def charge_sound(self, seconds: float) -> None:
        self.paid += seconds


async def test_what_is_converted_is_paid_for(services: Services) -> None:
    account = LimitedAccount()
    context = replace(context_of(services, StandingTimer()), account=account)
    client = SessionClient(Session(context))
    client.reading.set()
    reading = asyncio.create_task(client.read_outgoing())
    await listen(client)
    await speak(client, pcm(voice(24.0)), step=RATE)
    await client.ended("mic")
    assert client.ending("mic")["code"] == "rate_limited"
    assert account.paid == pytest.approx(20.0, abs=0.5)
    await client.session.close()
    await reading


@pytest.fixture
async def words(
    settings: Settings, tmp_path: Path
) -> AsyncIterator[tuple[SessionClient, ScriptedRecogniser]]:
    """Open a client of a server that understands `abc` in any loud sound."""
    recogniser = ScriptedRecogniser()
    services = services_with_fakes(
        replace(settings, cache=CacheSettings(path=tmp_path)), LevelDetector(), recogniser
    )
    await services.cache.start()
    async with session_client(services) as client:
        yield client, recogniser
    recogniser.may_go_on.set()
    await services.close()


async def test_what_is_understood_is_told_and_spoken(
    words: tuple[SessionClient, ScriptedRecogniser],
) -> None:
    client, _ = words
    await listen(client, mode="revoice", engine=None, gate=None, character="af_heart")
    await speak(client, hums(0.6, 0.8, 0.6, 0.8, rate=RATE))
    await client.send("listen.end", id="mic")
    await client.ended("mic")
    started, done = client.of("started")[0], client.ending("mic")
    assert (started["engine"], started["character"]) == ("revoice", "af_heart")
    told = [(message["event"], message["text"]) for message in client.of("heard", "mic")]
    assert told == [("speech_started", None), ("speech_stopped", "abc")] * 2
    # The pause between the two depends on how long the first was still being heard.
    assert done["type"] == "done" and done["duration"] == round(client.pcm("mic").size / RATE, 4)
    assert done["duration"] > 0.5
    assert np.abs(client.pcm("mic")).max() > 1_000


@pytest.mark.slow
async def test_noise_is_taken_out_before_it_is_understood(
    words: tuple[SessionClient, ScriptedRecogniser],
) -> None:
    """The detector of these tests hears speech in any loud sound, so in noise, too."""
    client, _ = words
    noise = np.random.default_rng(2).normal(0, 4_000, 2 * RATE).astype(np.int16)
    noise[RATE:] = 0
    for id, denoise, heard in (("noisy", "off", True), ("clean", "light", False)):
        await listen(client, id, mode="revoice", engine=None, gate=-40, denoise=denoise)
        await speak(client, noise)
        await client.send("listen.end", id=id)
        await client.ended(id)
        assert bool(client.of("heard", id)) == heard, id


@pytest.mark.slow
async def test_no_more_is_spoken_ahead_than_of_a_line(
    words: tuple[SessionClient, ScriptedRecogniser],
) -> None:
    client, recogniser = words
    recogniser.write = lambda samples: Transcript("one two three four five. " * 6, "en")
    await listen(client, mode="revoice", engine=None, gate=None)
    await speak(client, hums(0.6, 0.8, rate=RATE))
    await until(lambda: client.frames)
    begun = time.monotonic()
    await until(lambda: client.pcm("mic").size >= 2.5 * RATE)
    assert client.pcm("mic").size / RATE <= time.monotonic() - begun + 2.1
    await client.send("clear")
    await client.session.receive(b"")
    size = client.pcm("mic").size
    await client.send("ping")
    await until(lambda: client.of("pong"))
    assert client.pcm("mic").size == size, "what was being spoken is over"
    await client.send("listen.end", id="mic")
    await client.ended("mic")
    assert client.ending("mic")["type"] == "done"


async def test_an_option_that_the_engine_lacks_is_refused(client: SessionClient) -> None:
    await listen(client, options={"factor": 2})
    await client.ended("mic")
    error = client.ending("mic")
    assert error["type"] == "error" and "gain has no option 'factor'" in error["message"]
