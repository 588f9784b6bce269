"""Engines of ours outside: what the settings say has its effect, and what is told is the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.characters import Characters
from realtime.configuration import plain_settings, settings_from_plain
from realtime.engines import registry
from realtime.engines.contract import CancelToken, LineState, Utterance
from realtime.engines.outside.our_engine import OurConverter, OurSynthesizer
from realtime.engines.voice_change import VoiceChange
from realtime.errors import BadRequest, SettingsError, Unavailable
from realtime.models.loaded import LoadedModels
from realtime.settings import OutsideSettings, Settings
from realtime.text.language import Segment
from tests.support.rvc_models import bring_rvc
from tests.support.server import local_client, services_with

OUTSIDE = OutsideSettings(engines=("tone",), niceness=7, cuda_devices="1", load_seconds=90.0)


def outside(name: str, settings: Settings, **more: Any) -> Any:
    return registry.create(
        name, replace(settings, outside=OutsideSettings(engines=(name,), **more))
    )


@pytest.fixture(scope="module")
def tone(settings: Settings) -> Iterator[OurSynthesizer]:
    made = registry.create("tone", replace(settings, outside=OUTSIDE))
    assert isinstance(made, OurSynthesizer)
    made.load()
    yield made
    made.unload()


def utterance(settings: Settings, text: str = "Hello there.") -> Utterance:
    characters = Characters(settings.presets.path, settings.default_characters)
    return Utterance((Segment(text, "en"),), characters.default("en"), seed=7)


def environment_of(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)


def test_samples_and_words_are_those_of_the_engine_inside(
    tone: OurSynthesizer, settings: Settings
) -> None:
    inside: Any = registry.create("tone", settings)
    here = list(inside.speak(utterance(settings), CancelToken()))
    there = list(tone.speak(utterance(settings), CancelToken()))
    assert [chunk.words for chunk in here] == [chunk.words for chunk in there]
    pairs = zip(here, there, strict=True)
    assert all(np.array_equal(one.samples, other.samples) for one, other in pairs)


def test_facts_that_are_in_keys_and_lists_are_those_of_the_engine(settings: Settings) -> None:
    for name in ("kokoro", "hibari", "tone", "gpt_sovits", "world", "rvc"):
        inside: Any = registry.create(name, settings)
        other = outside(name, settings)
        for fact in ("name", "version", "weights", "block", "languages", "sample_rate", "options"):
            assert hasattr(inside, fact) == hasattr(other, fact), (name, fact)
            assert getattr(inside, fact, None) == getattr(other, fact, None), (name, fact)


def test_niceness_and_gpus_are_those_of_the_settings(tone: OurSynthesizer) -> None:
    pid = tone.process().id
    assert pid is not None
    assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + 7
    assert environment_of(pid)["CUDA_VISIBLE_DEVICES"] == "1"


def test_its_environment_has_no_key_and_fetches_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YAMABIKO_KEYS", "bot:secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    engine = outside("tone", settings)
    engine.load()
    found = environment_of(engine.process().id)
    engine.unload()
    assert not [name for name in found if name.startswith("YAMABIKO_") or "PROXY" in name]
    assert found["HF_HUB_OFFLINE"] == found["TRANSFORMERS_OFFLINE"] == "1"


def test_an_environment_that_is_not_installed_says_how(settings: Settings) -> None:
    engine = outside("tone", settings, environments={"tone": "nowhere"})
    with pytest.raises(Unavailable) as missing:
        engine.load()
    assert missing.value.hint == "Run `make engine-nowhere`."


def test_engines_that_only_listen_stay_inside(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="outside.engines names 'silero'"):
        outside("silero", settings)


def test_an_unknown_engine_is_refused(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="no engine 'bell'"):
        LoadedModels(replace(settings, outside=OutsideSettings(engines=("bell",))))


def test_a_model_that_people_brought_runs_outside(settings: Settings, tmp_path: Path) -> None:
    made = outside("rvc", bring_rvc(tmp_path))
    (model,) = made.find_models()
    converter = made.with_model(model)
    assert isinstance(converter, OurConverter) and converter.model == model
    converter.load()
    plan = converter.plan(VoiceChange())
    block = np.random.default_rng(0).normal(0, 0.1, plan.block).astype(np.float32)
    (sound,) = converter.convert(iter([block]), VoiceChange(), CancelToken())
    assert sound.size * plan.rate == plan.block * plan.output_rate
    converter.unload()


def test_an_error_for_people_stays_one(settings: Settings) -> None:
    engine = outside("gain", settings)
    engine.load()
    with pytest.raises(BadRequest, match="effect is 'bell'") as refused:
        engine.supervisor.ask("plan", {"change": {**asdict(VoiceChange()), "effect": "bell"}})
    engine.unload()
    assert refused.value.field == "effect"


def test_settings_survive_the_way() -> None:
    settings = Settings(keys=("bot:secret",), preload=("tone",))
    plain = plain_settings(settings)
    assert "secret" not in repr(plain)
    again = settings_from_plain(plain)
    assert again.preload == ("tone",) and again.keys == ()
    assert again.models.path == settings.models.path.resolve()


def test_a_line_keeps_its_number_through_its_pieces(settings: Settings) -> None:
    asked = utterance(settings)
    engine = outside("tone", settings)
    first, second = engine.request(asked), engine.request(asked)
    assert first.line == second.line and (first.pieces, second.pieces) == (0, 1)
    other = engine.request(replace(asked, line_state=LineState()))
    assert other.line != first.line


def test_the_list_of_models_shows_the_process(settings: Settings) -> None:
    services = services_with(replace(settings, outside=OutsideSettings(engines=("tone",))))
    with local_client(services) as client:
        assert client.post("/api/models/tone/load").status_code == 200
        found = {each["id"]: each["process"] for each in client.get("/api/models").json()["models"]}
    assert found["gain"] is None
    assert found["tone"]["id"] and found["tone"]["memory_bytes"] > 1 << 20
    assert found["tone"]["restarts"] == 0
