"""Prompts: what each clip lends to a voice, when one is made anew, and how it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile

from realtime.characters import Characters, GptSovitsVoice
from realtime.engines.gpt_sovits.front import FrontNetworks
from realtime.engines.gpt_sovits.networks.mel_sovits import MelSovits
from realtime.engines.gpt_sovits.networks.sovits import Sovits, SovitsDecoder
from realtime.engines.gpt_sovits.networks.spectrogram import PROMPT_MELS
from realtime.engines.gpt_sovits.voice_files import open_voice
from realtime.engines.gpt_sovits.voice_prompt import (
    PromptStore,
    VoicePrompt,
    make_prompt,
    prompt_key,
)
from realtime.settings import Settings
from tests.support.character_files import DEFAULTS
from tests.support.gpt_sovits_files import write_front
from tests.support.gpt_sovits_voices import RATE, bring_character, bring_pair, settings_in
from tests.support.voice_like_sound import voice as voice_like_sound

MORE = "  more: [low.wav, high.wav]\n"
DIGESTS = ("of sovits", "of hubert")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = settings_in(tmp_path)
    write_front(found.models.path)
    bring_character(found, "nana", "nana")
    for name, pitch in (("low", 90.0), ("high", 320.0)):
        bring_clip(found, name, pitch)
    return found


def bring_clip(settings: Settings, name: str, pitch: float, seconds: float = 2.0) -> None:
    samples = voice_like_sound(seconds, pitch, RATE)
    soundfile.write(settings.presets.path / f"{name}.wav", samples, RATE)


def read_voice(
    settings: Settings, more: str = "", changes: Mapping[str, str] = {}
) -> GptSovitsVoice:
    """Read the voice of the card, with lines added to it and parts of it replaced."""
    card = settings.presets.path / "nana.yaml"
    before = card.read_text(encoding="utf-8")
    text = before + more
    for old, new in changes.items():
        text = text.replace(old, new)
    card.write_text(text, encoding="utf-8")
    found = Characters(settings.presets.path, DEFAULTS).get("nana").voice
    card.write_text(before, encoding="utf-8")
    assert isinstance(found, GptSovitsVoice)
    return found


def network_of(settings: Settings, version: str) -> Sovits:
    bring_pair(settings, "nana", version)
    folder = settings.models.path / "gpt_sovits" / "nana"
    files = open_voice(folder / "nana-e15.ckpt", folder / "nana_e8.pth", settings, version)
    kind = MelSovits if files.version.flow_matching else SovitsDecoder
    return kind.loaded(files.sovits.state, files.sovits.config["model"])


def make(settings: Settings, version: str, voice: GptSovitsVoice) -> VoicePrompt:
    front = FrontNetworks(settings, "cpu")
    return make_prompt(voice, "", front, network_of(settings, version), PROMPT_MELS.get(version))


@pytest.mark.parametrize(
    "version", ["v2ProPlus", *(pytest.param(v, marks=pytest.mark.slow) for v in ("v2", "v3", "v4"))]
)
def test_further_clips_lend_their_tone_of_voice_alone(settings: Settings, version: str) -> None:
    alone = make(settings, version, read_voice(settings))
    found = make(settings, version, read_voice(settings, MORE))
    assert len(alone.codes) and np.array_equal(found.codes, alone.codes)
    assert np.array_equal(found.mel, alone.mel)
    assert (alone.mel.size > 0) == (version in PROMPT_MELS)
    assert not np.allclose(found.style, alone.style)
    assert not np.allclose(found.content_style, alone.content_style)


def test_without_a_text_nothing_is_continued(settings: Settings) -> None:
    untold = {"text: 今日はいい天気ですね。": "", "  language: ja\n": ""}
    prompt = make(settings, "v2", read_voice(settings, changes=untold))
    assert not len(prompt.codes) and prompt.style.any()


def test_a_prompt_is_known_by_what_it_is_made_of(settings: Settings) -> None:
    voice = read_voice(settings)
    key = prompt_key(voice, "", DIGESTS)
    assert prompt_key(read_voice(settings), "", DIGESTS) == key
    repeated = read_voice(settings, "  more: [low.wav, low.wav]\n")
    once = read_voice(settings, "  more: [low.wav]\n")
    keys = {
        key,
        prompt_key(repeated, "", DIGESTS),
        prompt_key(once, "", DIGESTS),
        prompt_key(voice, "", ("of other weights", DIGESTS[1])),
        prompt_key(read_voice(settings, changes={"text: 今日はいい天気ですね。": ""}), "", DIGESTS),
    }
    assert len(keys) == 5
    bring_clip(settings, "nana", 200.0, seconds=4.0)  # another clip under the same name
    assert prompt_key(read_voice(settings), "", DIGESTS) not in keys


def test_a_kept_prompt_comes_back(tmp_path: Path) -> None:
    prompt = VoicePrompt(
        np.arange(5), np.ones(3, np.float32), np.zeros(2, np.float32), np.ones((2, 4), np.float32)
    )
    store = PromptStore(tmp_path)
    assert store.find("key") is None
    store.keep("key", prompt)
    found = store.find("key")
    assert found is not None
    assert all(np.array_equal(value, vars(prompt)[name]) for name, value in vars(found).items())


def test_a_prompt_of_other_numbers_is_made_again(tmp_path: Path) -> None:
    store = PromptStore(tmp_path)
    store.keep("key", VoicePrompt(np.arange(5), *[np.ones((2, 2)) for _ in range(3)]))
    assert store.find("key") is None


def test_where_nothing_can_be_kept_it_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".prompts").write_text("no folder")
    empty = np.zeros(0, np.float32)
    PromptStore(tmp_path).keep("key", VoicePrompt(np.arange(5), empty, empty, empty))
    assert "cannot be kept" in caplog.text
