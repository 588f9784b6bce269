"""Cloning: a clip becomes a character at once, or is refused with the reason and leaves no file."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime import blocks
from realtime.audio.decoding import AudioSource
from realtime.audio.wav import wav_file
from realtime.cloning import Cloning
from realtime.cloning.valle_kind import RATE
from realtime.engines import registry
from realtime.engines.contract import CancelToken, Samples, Transcript
from realtime.engines.valle import codec
from realtime.engines.valle.codes import Codes
from realtime.engines.valle.presets import get_prompt
from realtime.engines.valle.text import decode
from realtime.errors import (
    BadRequest,
    Taken,
    TextTooLong,
    WeightsMissing,
    YamabikoError,
)
from realtime.models.loaded import LoadedModels
from realtime.services import Services, build
from realtime.settings import Settings
from realtime.weights import WeightFile
from tests.support import valle_files
from tests.support.character_files import save_card, save_voice
from tests.support.voice_like_sound import pcm, voice

pytestmark = pytest.mark.anyio

TEXT = "Good morning, this is how I speak."


class FakeRecogniser:
    """A recogniser that understands what a test says, or has no weights."""

    name = "revoice"
    version = "1"
    sample_rate = 16_000
    pause = 0.3
    block = blocks.CORE
    weights: tuple[WeightFile, ...] = ()

    def __init__(self) -> None:
        self.transcript: Transcript | None = None
        self.heard: list[tuple[int, str | None]] = []

    def load(self) -> None:
        if self.transcript is None:
            raise WeightsMissing("The engine 'revoice' needs its weights.", hint="Bring them.")

    def unload(self) -> None:
        pass

    def recognise(
        self, samples: Samples, language: str | None, usual: str | None, cancel: CancelToken
    ) -> Transcript:
        self.heard.append((samples.size, language))
        assert self.transcript is not None
        return self.transcript


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = valle_files.settings_in(tmp_path)
    valle_files.write_encodec(settings)
    return settings


@pytest.fixture
def recogniser() -> FakeRecogniser:
    return FakeRecogniser()


@pytest.fixture
async def services(settings: Settings, recogniser: FakeRecogniser) -> AsyncIterator[Services]:
    def create(name: str, settings: Settings) -> Any:
        return recogniser if name == "revoice" else registry.create(name, settings)

    services = build(settings, LoadedModels(settings, create))
    services.cloning = Cloning(settings, services.characters, services.models, fake_codes)
    yield services
    await services.close()


def fake_codes(samples: Samples, settings: Settings) -> Codes:
    """Make codes without a network, one row a frame."""
    frames = -(-samples.size // 320)
    return np.arange(8 * frames).reshape(frames, 8) % 1024


def voice_of(seconds: float, rate: int = RATE) -> Samples:
    """Repeat a second and a half of voice: a long one takes long to make."""
    return np.resize(voice(1.5, rate=rate), round(seconds * rate))


def source_of(samples: Samples, rate: int = RATE) -> AudioSource:
    return AudioSource(io.BytesIO(wav_file(pcm(samples), rate)), 15.0)


def clip(seconds: float = 4.0) -> AudioSource:
    return source_of(voice_of(seconds))


def files(services: Services) -> list[str]:
    return sorted(path.name for path in services.settings.presets.path.iterdir())


async def test_it_is_there_at_once_and_whole(services: Services) -> None:
    assert services.characters.all() == []
    character = await services.cloning.make("山びこ 2", clip(), TEXT)
    assert services.characters.get("山びこ 2") is character
    assert (character.engine, character.language) == ("valle", "en")
    prompt = get_prompt(character)
    assert prompt.codes.shape == (300, 8) and decode(prompt.ids).startswith("gʊd_ˈmɔɹnɪŋ,")
    assert files(services) == ["山びこ 2.npz"]
    kept = services.settings.presets.path / "山びこ 2.npz"
    assert kept.stat().st_mode & 0o777 == 0o644


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "asked", "language"),
    [
        ("你好，我是这里的守卫。", "auto", "zh"),
        ("こんにちは、元気ですか。", "auto", "ja"),
        ("東京駅前交番", "ja", "ja"),
        ("我喜欢 Linux 和 Python programming 吧。", "zh", "zh"),
    ],
)
async def test_its_language_is_that_of_the_text_or_as_asked(
    services: Services, text: str, asked: str, language: str
) -> None:
    character = await services.cloning.make("Kai", clip(), text, asked)
    assert get_prompt(character).language == character.language == language


@pytest.mark.parametrize("taken", ["Kai", "kai", "kay", "Lee", "broken"])
async def test_a_name_that_somebody_has_is_taken(services: Services, taken: str) -> None:
    folder = services.settings.presets.path
    save_voice(folder, "Kai")
    save_card(folder, "Kai", "aliases: [Kay]")
    save_card(folder, "Lee", "voice: Kai")
    (folder / "broken.npz").write_bytes(b"")
    before = files(services)
    with pytest.raises(Taken) as refused:
        await services.cloning.make(taken, clip(), TEXT)
    assert refused.value.code == "character_exists" and files(services) == before


async def test_of_two_at_once_one_gets_the_name(services: Services) -> None:
    asked = [services.cloning.make("Kai", clip(), TEXT) for _ in range(2)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Character", "Taken"]
    assert files(services) == ["Kai.npz"]


@pytest.mark.parametrize("name", ["../Kai", "a/b", ".hidden", "", "a\0b", "x" * 65, "𠀀" * 64])
async def test_a_name_that_cannot_be_a_file_is_refused(services: Services, name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await services.cloning.make(name, clip(), TEXT)
    assert refused.value.code == "bad_character_name" and files(services) == []


@pytest.mark.parametrize(
    ("text", "language", "code"),
    [
        (TEXT, "fr", "unknown_language"),
        (TEXT, "mix", "unknown_language"),
        ("你好。 Hello there, my friend, how are you?", "auto", "unknown_language"),
        ("... !", "en", "nothing_to_say"),
        ("Hm.", "en", "text_does_not_fit"),
        ("the quick brown fox jumps over the lazy dog " * 11, "en", "text_does_not_fit"),
    ],
)
async def test_texts_that_cannot_be_the_clip_s(
    services: Services, text: str, language: str, code: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        await services.cloning.make("Kai", clip(), text, language)
    assert refused.value.code == code and files(services) == []


async def test_a_text_longer_than_any_clip(services: Services) -> None:
    with pytest.raises(TextTooLong, match="500"):
        await services.cloning.make("Kai", clip(), "a " * 251)


async def test_without_a_recogniser_the_text_is_needed(services: Services) -> None:
    with pytest.raises(BadRequest, match="text that is spoken") as refused:
        await services.cloning.make("Kai", clip(), "  ")
    assert refused.value.code == "text_required" and "Bring them." in str(refused.value.hint)


async def test_with_a_recogniser_it_is_transcribed(
    services: Services, recogniser: FakeRecogniser
) -> None:
    recogniser.transcript = Transcript(TEXT, "en")
    character = await services.cloning.make("Kai", clip())
    assert recogniser.heard == [(4 * 16_000, None)]
    assert decode(get_prompt(character).ids).startswith("gʊd_ˈmɔɹnɪŋ,")


async def test_a_named_language_is_what_is_listened_for(
    services: Services, recogniser: FakeRecogniser
) -> None:
    recogniser.transcript = Transcript("你好，我是这里的守卫。", "zh")
    character = await services.cloning.make("Kai", clip(), language="zh")
    assert recogniser.heard == [(4 * 16_000, "zh")] and character.language == "zh"


@pytest.mark.parametrize(
    ("heard", "code"),
    [
        (Transcript("", "fr", spoken=False), "unknown_language"),
        (Transcript("", "en"), "no_speech"),
        (Transcript("…!", "ja"), "no_speech"),
    ],
)
async def test_what_a_recogniser_cannot_use_is_refused(
    services: Services, recogniser: FakeRecogniser, heard: Transcript, code: str
) -> None:
    recogniser.transcript = heard
    with pytest.raises(BadRequest) as refused:
        await services.cloning.make("Kai", clip())
    assert refused.value.code == code and files(services) == []


async def test_without_the_codec_s_weights_it_says_how_to_get_them(tmp_path: Path) -> None:
    services = build(valle_files.settings_in(tmp_path))
    with pytest.raises(WeightsMissing, match="encodec_24khz-d7cc33bc.th"):
        await services.cloning.make("Kai", clip(), TEXT)
    await services.close()


async def test_there_may_be_so_many_and_no_more(services: Services, settings: Settings) -> None:
    few = replace(settings, presets=replace(settings.presets, most=1))
    cloning = Cloning(few, services.characters, services.models)
    await cloning.make("Kai", clip(), TEXT)
    with pytest.raises(BadRequest, match="presets.most|no more") as refused:
        await cloning.make("Lee", clip(), TEXT)
    assert refused.value.code == "too_many_characters"


async def test_a_folder_that_cannot_be_written_is_told(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("realtime.cloning.new_files.os.link", refuse)
    with pytest.raises(YamabikoError, match="Permission denied"):
        await services.cloning.make("Kai", clip(), TEXT)
    assert files(services) == []


async def test_its_codes_are_the_codec_s(services: Services, settings: Settings) -> None:
    cloning = Cloning(settings, services.characters, services.models)
    kind = cloning.kind("valle")
    codes = get_prompt(await cloning.make("Kai", clip(), TEXT)).codes
    assert np.array_equal(codes, codec.encode_clip(kind.read(clip()).samples, settings))
    assert len(np.unique(codes)) > 8
