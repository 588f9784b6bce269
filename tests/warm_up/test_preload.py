"""Engines of the preload are loaded before the server is ready; one that fails stops no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from realtime.engines.contract import CancelToken, Chunk, Utterance
from realtime.engines.tone import Tone
from realtime.errors import SettingsError, WeightsMissing
from realtime.models.loaded import LoadedModels
from realtime.services import build
from realtime.settings import PresetsSettings, Settings
from tests.support import small_valle
from tests.support.brought_models import BroughtModels, bring
from tests.support.server import local_client, services_with, wait_until_ready
from tests.support.sized_engines import PlacedEngine, SizedModels


class Unloadable(Tone):
    """An engine that cannot be loaded."""

    name = "unloadable"

    def load(self) -> None:
        raise WeightsMissing("Nothing is there.")


class Mute(Tone):
    """An engine that loads, and breaks when it speaks."""

    name = "mute"

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        raise ZeroDivisionError("a model library's own error")


def test_a_preload_that_fails_is_told_and_stops_no_other(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    services = services_with(settings, "unloadable", "mute", "tone", extra=(Unloadable, Mute))
    with local_client(services) as client:
        failed = {"unloadable": "weights_missing", "mute": "synthesis_failed"}
        assert wait_until_ready(client) == {"ready": True, "failed": failed}
        states = {each["name"]: each for each in client.get("/api/models").json()["models"]}
        assert states["unloadable"]["error"] == "Nothing is there."
        assert states["tone"]["state"] == "loaded"
        assert client.post("/v1/audio/speech", json={"model": "tone", "input": "a"}).is_success
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "cannot preload unloadable: Nothing is there." in told


def test_an_engine_is_preloaded_with_a_character_that_it_can_speak(
    settings: Settings, tmp_path: Path
) -> None:
    """The shipped characters are Kokoro's: VALL-E X refuses all of them, and is loaded alone."""
    own = small_valle.settings_for(settings, tmp_path)
    own.presets.path.mkdir()
    small_valle.write_files(own)
    shipped = replace(own, presets=settings.presets)
    for settings, spoken in ((shipped, 0), (own, 1)):
        services = services_with(settings, "valle", "tone")
        engine = services.models.synthesizer("valle").engine
        with patch.object(engine, "speak", wraps=engine.speak) as speak:
            with local_client(services) as client:
                assert wait_until_ready(client) == {"ready": True}
                assert speak.call_count == spoken
                states = {each["name"]: each for each in client.get("/api/models").json()["models"]}
                assert (states["valle"]["state"], states["tone"]["state"]) == ("loaded", "loaded")


def test_without_characters_an_engine_is_loaded_all_the_same(
    settings: Settings, tmp_path: Path
) -> None:
    settings = replace(settings, presets=PresetsSettings(path=tmp_path))
    with local_client(services_with(settings, "tone", "world")) as client:
        assert wait_until_ready(client) == {"ready": True}
        states = {each["name"]: each for each in client.get("/api/models").json()["models"]}
        assert (states["tone"]["state"], states["world"]["state"]) == ("loaded", "loaded")


def test_an_unknown_engine_stops_the_start(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="preload: There is no engine 'bell'"):
        services_with(settings, "tone", "bell")


def test_a_model_is_preloaded_on_the_device_of_its_id(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sized = SizedModels(tmp_path, {"tone": 1}, "auto", PlacedEngine)
    monkeypatch.setattr(sized.engines["tone"], "speak", Tone(settings).speak)
    chosen = replace(settings, preload=("tone@cuda:0",))
    with local_client(build(chosen, sized.models)) as client:
        assert wait_until_ready(client) == {"ready": True}
        (tone,) = client.get("/api/models").json()["models"]
        assert (tone["state"], tone["device"]) == ("loaded", "cuda:0")
        assert tone["unloads_in_s"] is None, "the preload names it"
    with pytest.raises(SettingsError, match="no engine 'bell'"):
        build(replace(settings, preload=("bell@cpu",)))


def test_one_of_several_models_must_be_named(settings: Settings, tmp_path: Path) -> None:
    for name in ("nana", "yuki"):
        bring(tmp_path, name)
    own = replace(settings, preload=("brought", "brought:yuki", "brought:bell"))
    models = LoadedModels(own, lambda name, _: BroughtModels(tmp_path), ("brought",))
    with local_client(build(own, models)) as client:
        failed = {"brought": "unknown_model", "brought:bell": "unknown_model"}
        assert wait_until_ready(client) == {"ready": True, "failed": failed}
        states = {each["id"]: each for each in client.get("/api/models").json()["models"]}
        assert {id: each["state"] for id, each in states.items()} == {
            **{"brought:nana": "unloaded", "brought:yuki": "loaded"},
        }
        assert states["brought:yuki"]["unloads_in_s"] is None
