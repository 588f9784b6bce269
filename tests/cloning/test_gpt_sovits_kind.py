"""A clip becomes a character of GPT-SoVITS: the clip and a card that names its weights."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from realtime.audio.decoding import AudioSource
from realtime.audio.wav import wav_file
from realtime.characters import GptSovitsVoice
from realtime.cloning import PairNames
from realtime.engines import registry
from realtime.engines.contract import Transcript
from realtime.engines.gpt_sovits.reference import read_reference
from realtime.errors import BadRequest, Taken, TooLarge, WeightsMissing
from realtime.models.loaded import LoadedModels
from realtime.services import Services, build
from realtime.settings import Settings
from tests.cloning.test_cloning import FakeRecogniser, source_of, voice_of
from tests.cloning.test_pair_choice import bring
from tests.support.encoded_files import encoded_file
from tests.support.gpt_sovits_voices import settings_in
from tests.support.voice_like_sound import pcm

pytestmark = pytest.mark.anyio

TEXT = "今日はいい天気ですね。"
RATE = 32_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = settings_in(tmp_path)
    settings.presets.path.mkdir()
    bring(settings, "nana/nana-e15.ckpt", "nana/nana_e8.pth")
    return settings


@pytest.fixture
def recogniser() -> FakeRecogniser:
    return FakeRecogniser()


@pytest.fixture
async def services(settings: Settings, recogniser: FakeRecogniser) -> AsyncIterator[Services]:
    def create(name: str, settings: Settings) -> Any:
        return recogniser if name == "revoice" else registry.create(name, settings)

    services = build(settings, LoadedModels(settings, create))
    yield services
    await services.close()


def clip(seconds: float = 4.0) -> AudioSource:
    return source_of(voice_of(seconds, RATE), RATE)


async def make(services: Services, name: str = "Nana", **more: Any) -> GptSovitsVoice:
    weights = PairNames(**{key: more.pop(key) for key in ("gpt", "sovits", "model") if key in more})
    asked = {"source": clip(), "text": TEXT, **more}
    kind = services.cloning.kind("gpt_sovits", weights)
    voice = (await services.cloning.make(name, kind=kind, **asked)).voice
    assert isinstance(voice, GptSovitsVoice)
    return voice


def files(services: Services) -> list[str]:
    return sorted(path.name for path in services.settings.presets.path.iterdir())


async def test_it_is_a_clip_and_a_card(services: Services) -> None:
    voice = await make(services, "山びこ 2", about={"gender": "female"})
    assert files(services) == ["山びこ 2.wav", "山びこ 2.yaml"]
    assert (voice.card.gpt, voice.card.sovits) == ("nana/nana-e15.ckpt", "nana/nana_e8.pth")
    assert (voice.card.clip.text, voice.card.clip.language) == (TEXT, "ja")
    made = services.characters.get("山びこ 2")
    assert (made.model, made.language) == ("gpt_sovits:nana-e15+nana_e8", "ja")
    assert made.gender == "female"
    kept = read_reference(voice.found["山びこ 2.wav"].path.read_bytes())
    assert (kept.rate, kept.samples.size) == (RATE, 4 * RATE)


async def test_its_clip_is_the_same_sound_in_16_bits(services: Services) -> None:
    stereo, data = np.stack([voice_of(4.0, 44_100)] * 2, axis=1), io.BytesIO()
    soundfile.write(data, stereo, 44_100, format="FLAC")
    await make(services, source=AudioSource(data, 10.0))
    found, rate = soundfile.read(services.settings.presets.path / "Nana.wav")
    assert rate == 44_100 and soundfile.info(services.settings.presets.path / "Nana.wav").channels
    np.testing.assert_allclose(found, stereo[:, 0], atol=1e-4)


async def test_a_clip_of_ten_seconds_may_be_compressed(services: Services) -> None:
    data = encoded_file("mp3", 24_000, pcm(voice_of(9.97, 24_000)))
    await make(services, source=AudioSource(io.BytesIO(data), 10.1))
    info = soundfile.info(services.settings.presets.path / "Nana.wav")
    assert 9.9 < info.duration <= 10.0 and info.subtype == "PCM_16"


@pytest.mark.parametrize(
    ("samples", "code"),
    [
        (voice_of(2.9, RATE), "audio_too_short"),
        (np.zeros(4 * RATE, np.float32), "no_speech"),
        (np.where(np.arange(4 * RATE) % RATE, 0, 0.5).astype(np.float32), "no_speech"),
    ],
)
async def test_clips_that_will_not_do(services: Services, samples: Any, code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await make(services, source=source_of(samples, RATE))
    assert refused.value.code == code and files(services) == []


async def test_over_ten_seconds_are_too_long(services: Services) -> None:
    data = io.BytesIO(wav_file(pcm(voice_of(10.5, RATE)), RATE))
    with pytest.raises(TooLarge, match="10 seconds"):
        AudioSource(data, services.cloning.kind("gpt_sovits").most_seconds)


async def test_the_ears_write_the_words(services: Services, recogniser: FakeRecogniser) -> None:
    recogniser.transcript = Transcript("こんにちは、元気ですか。", "ja")
    voice = await make(services, text=None)
    assert recogniser.heard == [(4 * 16_000, None)]
    assert voice.card.clip.text == "こんにちは、元気ですか。" and voice.language == "ja"


async def test_without_ears_the_words_are_needed(services: Services) -> None:
    with pytest.raises(BadRequest) as refused:
        await make(services, text=None)
    assert refused.value.code == "text_required" and files(services) == []
    with pytest.raises(BadRequest) as refused:
        await make(services, text="…!", language="ja")
    assert refused.value.code == "nothing_to_say" and files(services) == []


@pytest.mark.parametrize("there", ["Nana.wav", "Nana.yaml", "Nana.npz", "nana.wav"])
async def test_no_file_of_others_is_replaced(services: Services, there: str) -> None:
    folder = services.settings.presets.path
    (folder / there).write_bytes(b"")
    if there == "nana.wav":  # another name: the file of a case does not matter
        await make(services)
        return
    with pytest.raises(Taken):
        await make(services)
    assert files(services) == [there]


async def test_a_clip_that_came_meanwhile_is_not_replaced(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = services.cloning._write

    def write(name: str, files: Any) -> None:
        (services.settings.presets.path / "Nana.wav").write_bytes(b"another's")
        made(name, files)

    monkeypatch.setattr(services.cloning, "_write", write)
    with pytest.raises(Taken):
        await make(services)
    assert (services.settings.presets.path / "Nana.wav").read_bytes() == b"another's"
    assert files(services) == ["Nana.wav"]


async def test_of_two_at_once_one_gets_the_name(services: Services) -> None:
    outcomes = await asyncio.gather(make(services), make(services), return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["GptSovitsVoice", "Taken"]


async def test_of_several_pairs_one_is_named(services: Services, settings: Settings) -> None:
    bring(settings, "kyo/kyo.ckpt", "kyo/kyo.pth")
    with pytest.raises(BadRequest, match=r"there are: kyo, nana-e15\+nana_e8"):
        await make(services)
    assert (await make(services, model="kyo")).model == "kyo"
    voice = await make(services, "Kyo", gpt="kyo/kyo.ckpt", sovits="nana/nana_e8.pth")
    assert voice.model == "kyo+nana_e8"


async def test_without_weights_nothing_is_made(tmp_path: Path) -> None:
    services = build(settings_in(tmp_path))
    with pytest.raises(WeightsMissing, match="no pair of files"):
        await make(services)
    await services.close()


async def test_other_engines_make_no_voices_of_clips(services: Services) -> None:
    with pytest.raises(BadRequest) as refused:
        services.cloning.kind("kokoro")
    assert refused.value.code == "unknown_engine"
    with pytest.raises(BadRequest, match="weights of 'gpt_sovits'"):
        services.cloning.kind("valle", PairNames(model="kyo"))
