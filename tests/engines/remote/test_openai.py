"""Servers with OpenAI's speech call: what they are asked for, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.engines.contract import CancelToken
from realtime.engines.remote.engine import RemoteEngine
from realtime.errors import BadRequest, Unavailable
from realtime.settings import Settings
from tests.support.remote_openai import openai_stand_in
from tests.support.remote_server import RemoteStandIn
from tests.support.remote_world import RemoteWorld, remote_world

SPEECH = "/v1/audio/speech"


@contextmanager
def loaded(
    settings: Settings, folder: Path, stand_in: RemoteStandIn, **server: Any
) -> Iterator[tuple[RemoteWorld, RemoteEngine]]:
    with remote_world("remote_openai", settings, folder, stand_in, **server) as world:
        engine = world.engine()
        engine.load()
        yield world, engine
        engine.unload()


def test_a_line_is_asked_for_with_all_that_its_character_says(
    own_settings: Settings, tmp_path: Path
) -> None:
    stand_in = openai_stand_in()
    with loaded(own_settings, tmp_path, stand_in, model="gpt-tts") as (world, engine):
        world.add_character("nova", voice="nova", instructions="Whisper.", model="other")
        for name, speed, options in (
            ("faraway", 1.0, ()),
            ("nova", 2.0, ()),
            ("nova", 1.0, (("instructions", "Shout."),)),
        ):
            asked = world.utterance("Hi there.", name, speed=speed, options=options)
            assert sum(chunk.samples.size for chunk in engine.speak(asked, CancelToken()))
        usual, nova, shouted = stand_in.spoken(SPEECH)
    assert usual == {
        "model": "gpt-tts",
        "voice": "alloy",
        "input": "Hi there.",
        "response_format": "pcm",
        "speed": 1.0,
    }
    changed = {"model": "other", "voice": "nova", "instructions": "Whisper.", "speed": 2.0}
    assert nova == {**usual, **changed}
    assert shouted["instructions"] == "Shout."


def test_a_server_without_plain_samples_is_asked_for_wav_once_for_all(
    own_settings: Settings, tmp_path: Path
) -> None:
    stand_in = openai_stand_in(gives_pcm=False)
    with loaded(own_settings, tmp_path, stand_in) as (world, engine):
        assert world.speak(engine) and world.speak(engine)
    forms = [body["response_format"] for body in stand_in.spoken(SPEECH)]
    assert forms == ["pcm", "wav", "wav"]


@pytest.mark.parametrize("form", ["pcm", "wav"])
def test_the_settings_may_say_the_format(own_settings: Settings, tmp_path: Path, form: str) -> None:
    stand_in = openai_stand_in()
    with loaded(own_settings, tmp_path, stand_in, format=form) as (world, engine):
        assert world.speak(engine)
    assert [body["response_format"] for body in stand_in.spoken(SPEECH)] == [form]


def test_an_answer_at_another_rate_is_resampled(own_settings: Settings, tmp_path: Path) -> None:
    stand_in = openai_stand_in(gives_pcm=False, rate=48_000)
    with loaded(own_settings, tmp_path, stand_in, sample_rate=16_000) as (world, engine):
        assert engine.sample_rate == 16_000
        chunks = [c.samples for c in engine.speak(world.utterance("x" * 20), CancelToken())]
    sound = np.concatenate(chunks)
    assert sound.size == pytest.approx(16_000, abs=4), "20 signs of 50 ms"
    assert np.abs(sound).max() == pytest.approx(0.5, abs=0.05)


def test_a_wrong_voice_is_told_with_those_that_exist(openai: RemoteWorld) -> None:
    engine = openai.engine()
    engine.load()
    openai.add_character("nobody", voice="nobody")
    with pytest.raises(BadRequest, match="Input should be one of alloy") as refused:
        openai.speak(engine, name="nobody")
    assert refused.value.code == "upstream_refused"
    assert refused.value.hint == "The server has these voices: alloy, nova, shimmer."
    assert len(openai.stand_in.spoken(SPEECH)) == 1, "it was not the format that it refused"
    engine.unload()


def test_a_server_needs_no_lists(own_settings: Settings, tmp_path: Path) -> None:
    with loaded(own_settings, tmp_path, openai_stand_in(lists_voices=False)) as (world, engine):
        assert world.speak(engine)
        world.add_character("nobody", voice="nobody")
        with pytest.raises(BadRequest):
            world.speak(engine, name="nobody")


def test_the_key_comes_from_a_file_or_a_variable_and_is_shown_nowhere(
    own_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, file = "sk-very-secret", tmp_path / "key"
    file.write_text(secret + "\n")
    monkeypatch.setenv("UPSTREAM_KEY", secret)
    for server in ({"key_file": str(file)}, {"key_variable": "UPSTREAM_KEY"}):
        stand_in = openai_stand_in(key=secret)
        with loaded(own_settings, tmp_path / "presets", stand_in, **server) as (world, engine):
            assert world.speak(engine)
            assert secret not in repr(vars(engine)) and secret not in repr(world.settings)


def test_a_wrong_key_is_told_without_the_key(
    own_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_KEY", "sk-wrong-one")
    stand_in = openai_stand_in(key="sk-right-one")
    with remote_world(
        "remote_openai", own_settings, tmp_path, stand_in, key_variable="UPSTREAM_KEY"
    ) as world:
        with pytest.raises(Unavailable, match="Incorrect API key provided: …") as denied:
            world.engine().load()
    assert denied.value.code == "upstream_denied" and "sk-" not in denied.value.message


def test_its_character_lacks_a_voice(openai: RemoteWorld) -> None:
    from realtime.characters import Characters

    engine = openai.engine()
    openai.add_character("nobody", voice="nobody")
    engine.check_server()
    known = Characters(openai.settings.presets.path, {})
    assert engine.missing_voice(known.get("faraway")) is None
    missing = engine.missing_voice(known.get("nobody"))
    assert missing == "the voice 'nobody'; it has: alloy, nova, shimmer"
