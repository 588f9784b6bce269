"""Speech of whole lines: sound that is joined, repeatable, and stopped by who leaves."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.audio.spoken import Spoken
from realtime.audio.trim import LEAD_SECONDS
from realtime.engines import registry
from realtime.engines.contract import CancelToken, Chunk, Utterance
from realtime.engines.tone import Tone, character_factor
from realtime.errors import SynthesisFailed, Unavailable
from realtime.models.loaded import LoadedModels
from realtime.services import Services, build
from realtime.settings import PresetsSettings, Settings
from realtime.speech.line import Line
from realtime.speech.request import LineRequest
from tests.support.character_files import random_prompt, save_voice

pytestmark = pytest.mark.anyio

STORY = "Far behind the hills there stood a tower. Nobody went there. " * 6


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    services = build(settings)
    yield services
    await services.close()


async def spoken_sound(services: Services, line: Line) -> tuple[np.ndarray, list[Spoken]]:
    parts = []
    async with aclosing(services.speech.say(line, keep=False)) as spoken:
        async for part in spoken:
            parts.append(part)
    return np.concatenate([part.pcm for part in parts]), parts


async def test_a_voice_of_a_model_that_is_not_there_is_listed_and_says_so(
    settings: Settings, tmp_path: Path
) -> None:
    save_voice(tmp_path, "bronze", **random_prompt())
    without = LoadedModels(settings, names=("hibari", "tone"))
    services = build(replace(settings, presets=PresetsSettings(path=tmp_path)), without)
    assert [character.engine for character in services.characters.all()] == ["valle"]
    with pytest.raises(Unavailable, match=r"'bronze' is spoken by 'valle', which is not here"):
        await services.speech.line(LineRequest("Hello.", "bronze"))


async def test_a_long_text_is_allowed_with_longprompt(services: Services) -> None:
    line = await services.speech.line(LineRequest("Hello there. " * 3000, longprompt=True))
    assert len(line.text) > 5000


async def test_a_tone_is_exact_to_the_sample(services: Services) -> None:
    line = await services.speech.line(LineRequest("abc xyz, " * 40 + "end", engine="tone"))
    pcm, _ = await spoken_sound(services, line)
    assert pcm.size == round(0.08 * 24000) * len(line.text)
    letter = round(0.08 * 24000)
    for place in (0, 200, 300):
        sign = line.text[place]
        part = pcm[place * letter : (place + 1) * letter]
        if not sign.isalpha():
            assert not part.any()
            continue
        pitch = 220 * 2 ** ((ord(sign) - ord("a")) / 12) * character_factor(line.character.name)
        spectrum = np.abs(np.fft.rfft(part * np.hanning(letter), 1 << 17))
        assert spectrum.argmax() * 24000 / (1 << 17) == pytest.approx(pitch, abs=3)


async def test_real_sound_starts_at_once_and_words_lie_within_it(services: Services) -> None:
    line = await services.speech.line(LineRequest(STORY))
    pcm, parts = await spoken_sound(services, line)
    audible = np.flatnonzero(np.abs(pcm.astype(int)) > 300)
    assert audible[0] <= LEAD_SECONDS * 24000
    words = [word for part in parts for word in part.words]
    assert [word.text for word in words][:4] == ["Far", "behind", "the", "hills"]
    assert len(words) == len(STORY.split())
    starts = [word.start for word in words]
    assert starts == sorted(starts)
    assert pcm.size / 24000 - 0.3 < words[-1].end <= pcm.size / 24000
    assert all(word.end - word.start > 0.03 for word in words)
    assert parts[0].timing["first_audio"] > 0


async def test_no_join_clicks(services: Services) -> None:
    """A click is a step between neighbours that speech itself does not have."""
    line = await services.speech.line(LineRequest(STORY))
    pcm, parts = await spoken_sound(services, line)
    steps = np.abs(np.diff(pcm.astype(int)))
    joins = np.cumsum([part.pcm.size for part in parts])[:-1]
    assert max(steps[join - 2 : join + 2].max() for join in joins) < 1500


async def test_the_same_line_has_the_same_samples(services: Services) -> None:
    line = await services.speech.line(LineRequest("Once upon a time.", seed=3))
    first, _ = await spoken_sound(services, line)
    second, _ = await spoken_sound(services, line)
    assert np.array_equal(first, second)
    other, _ = await spoken_sound(services, replace(line, seed=4))
    assert not np.array_equal(first, other)


async def test_leaving_early_frees_the_engine(services: Services) -> None:
    line = await services.speech.line(LineRequest("abcdefgh " * 400, engine="tone"))
    async with aclosing(services.speech.say(line, keep=False)) as spoken:
        async for _ in spoken:
            break
    async with services.models.synthesizer("tone").lease() as lease:
        await lease.lane.call(lambda: None)
        assert lease.lane.jobs == 0
        assert not lease.lane._turns
    assert all(state.leases == 0 for state in services.models.states())


async def test_lines_at_once_do_not_mix(services: Services) -> None:
    names = [character.name for character in services.characters.all()]
    requests = [
        LineRequest(f"{'abcdefgh'[n % 8] * 30}", names[n % 20], engine="tone") for n in range(32)
    ]
    lines = [await services.speech.line(request) for request in requests]
    alone = [(await spoken_sound(services, line))[0] for line in lines]
    together = await asyncio.gather(*(spoken_sound(services, line) for line in lines))
    for expected, (found, _) in zip(alone, together, strict=True):
        assert np.array_equal(expected, found)


async def test_an_engine_that_breaks_ends_its_line_alone(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await services.speech.line(LineRequest("abc", engine="tone"))
    engine: Any = services.models.engine("tone")

    def broken(utterance: object, cancel: object) -> object:
        raise ZeroDivisionError("inside")

    with monkeypatch.context() as patch:
        patch.setattr(engine, "speak", broken)
        with pytest.raises(SynthesisFailed) as failed:
            await spoken_sound(services, line)
        assert "inside" not in failed.value.message
    assert (await spoken_sound(services, line))[0].size


class Reader(Tone):
    """Reads before its turn, as engines do whose lane is shared step by step."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.threads: list[tuple[str, str]] = []
        self.firsts: list[bool] = []
        self.fails = False

    def read(self, utterance: Utterance) -> str:
        if self.fails:
            raise ZeroDivisionError("a dictionary's own error")
        self.firsts.append(utterance.first)
        self.threads.append(("read", threading.current_thread().name))
        return utterance.segments[0].text.upper()

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        self.threads.append((utterance.reading, threading.current_thread().name))
        return super().speak(utterance, cancel)


async def test_an_engine_that_reads_does_so_off_its_lane(settings: Settings) -> None:
    def create(name: str, settings: Settings) -> Any:
        return Reader(settings) if name == "tone" else registry.create(name, settings)

    services = build(settings, LoadedModels(settings, create))
    line = await services.speech.line(LineRequest("abc", engine="tone"))
    pcm, _ = await spoken_sound(services, line)
    engine = services.models.engine("tone")
    (read, reader), (reading, speaker) = engine.threads
    assert pcm.size and (read, reading) == ("read", "ABC")
    assert speaker == "lane-tone" and reader not in (speaker, threading.current_thread().name)
    engine.firsts.clear()
    await spoken_sound(
        services, await services.speech.line(LineRequest("abc def. " * 30, engine="tone"))
    )
    assert len(engine.firsts) > 2 and engine.firsts == [True] + [False] * (len(engine.firsts) - 1)
    engine.fails = True
    with pytest.raises(SynthesisFailed, match="tone"):
        await spoken_sound(services, line)
    await services.close()
