"""Voices of servers elsewhere: their cards, and what each kind of server may be asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from realtime.characters import Characters, RemoteVoice
from realtime.characters.gpt_sovits_voice import BadVoiceCard
from realtime.characters.remote_voice import read_remote_card, remote_voice

OPENAI = {"server": "home", "voice": "alloy"}
GPT_SOVITS = {"server": "home", "reference": "a.wav", "prompt_language": "ja"}
VOICEVOX = {"server": "home", "speaker": 3}


def read(family: str, voice: dict[str, Any]) -> RemoteVoice:
    return remote_voice(family, read_remote_card(voice))


def written(folder: Path, **card: Any) -> Characters:
    (folder / "faraway.yaml").write_text(yaml.safe_dump(card))
    return Characters(folder, {}, ["kokoro", "remote_openai", "remote_voicevox"])


def test_a_card_is_a_character_of_its_server(tmp_path: Path) -> None:
    found = written(tmp_path, engine="remote_voicevox", voice=VOICEVOX, language="ja")
    character = found.get("faraway")
    assert character.model == "remote_voicevox:home" and character.languages == ("ja",)
    assert isinstance(character.voice, RemoteVoice) and not character.converts
    assert character.voice.values["speaker"] == 3


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        (None, "engine is ''; its voice is one for remote_openai or remote_gpt_sovits"),
        ("kokoro", "engine is 'kokoro'; its voice is one for remote_openai"),
        ("remote_voicevox", "'voice' is no key of it; there are: server, speaker"),
    ],
)
def test_a_card_names_the_engine_of_its_kind_of_server(
    tmp_path: Path, engine: str | None, reason: str
) -> None:
    card = {"voice": OPENAI} | ({"engine": engine} if engine else {})
    assert reason in written(tmp_path, **card).broken["faraway.yaml"]


def test_whatever_changes_the_sound_changes_the_digest() -> None:
    changes: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("remote_openai", OPENAI, {"server": "other"}),
        ("remote_openai", OPENAI, {"voice": "nova"}),
        ("remote_openai", OPENAI, {"instructions": "Whisper."}),
        ("remote_openai", OPENAI, {"model": "other"}),
        ("remote_gpt_sovits", GPT_SOVITS, {"reference": "b.wav"}),
        ("remote_gpt_sovits", GPT_SOVITS, {"prompt_text": "b"}),
        ("remote_gpt_sovits", GPT_SOVITS, {"gpt": "a", "sovits": "b"}),
        ("remote_gpt_sovits", GPT_SOVITS, {"options": {"top_k": 5}}),
        ("remote_voicevox", VOICEVOX, {"speaker": 4}),
        ("remote_voicevox", VOICEVOX, {"pitch": 0.1}),
    ]
    digests = [read(family, {**usual, **more}).digest for family, usual, more in changes]
    digests += [read(family, usual).digest for family, usual, _ in changes[::4]]
    assert len(set(digests)) == len(changes) + 3
    options = {"top_k": 5, "top_p": 0.5}
    both = [dict(options.items()), dict(reversed(options.items()))]
    one, same = (read("remote_gpt_sovits", {**GPT_SOVITS, "options": each}) for each in both)
    assert one.digest == same.digest


@pytest.mark.parametrize(
    ("family", "voice", "reason"),
    [
        ("remote_openai", {"server": "home"}, "it needs voice"),
        ("remote_openai", {**OPENAI, "server": ""}, "server is ''; a text of 1 to 64"),
        ("remote_openai", {**OPENAI, "voice": 7}, "voice is 7; a text"),
        ("remote_openai", {**OPENAI, "url": "http://x"}, "'url' is no key of it"),
        ("remote_gpt_sovits", {"server": "home"}, "it needs reference, prompt_language"),
        ("remote_gpt_sovits", {**GPT_SOVITS, "gpt": "a"}, "gpt and sovits belong together"),
        ("remote_gpt_sovits", {**GPT_SOVITS, "options": {"text": "x"}}, "'text' is no option"),
        ("remote_gpt_sovits", {**GPT_SOVITS, "options": {"top_k": 0.5}}, "a whole number from 1"),
        ("remote_gpt_sovits", {**GPT_SOVITS, "options": {"streaming_mode": True}}, "0, 1, 2, 3"),
        ("remote_voicevox", {**VOICEVOX, "speaker": True}, "a whole number from 0"),
        ("remote_voicevox", {**VOICEVOX, "pitch": 1}, "a number from -0.15 to 0.15"),
    ],
)
def test_what_a_server_cannot_be_asked_for_is_refused(
    family: str, voice: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BadVoiceCard) as refused:
        read(family, voice)
    assert reason in str(refused.value)
