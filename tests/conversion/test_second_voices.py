"""Voices for lines: those of cards with their pitch and options, and models by their ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from realtime.characters import Character, Characters
from realtime.conversion.second_voices import ConvertedVoices
from realtime.engines.voice_change import GATE_OFF
from realtime.services import Services, build
from realtime.settings import ModelsSettings, PresetsSettings, Settings

CARD = "engine: rvc\nmedian_pitch: 220\nvoice: {file: nana.pth}\n"


@pytest.fixture
def services(settings: Settings, tmp_path: Path) -> Iterator[Services]:
    folders = {"presets": PresetsSettings(path=tmp_path), "models": ModelsSettings(path=tmp_path)}
    (tmp_path / "rvc").mkdir()
    (tmp_path / "rvc/nana.pth").touch()
    yield build(replace(settings, **folders))


@pytest.fixture
def speaker(settings: Settings) -> Character:
    return Characters(settings.presets.path, {}).get("af_heart")


def voices(services: Services) -> ConvertedVoices:
    return ConvertedVoices(services.characters, services.models)


def test_a_model_is_named_by_its_engine(services: Services, speaker: Character) -> None:
    voice = voices(services).find("gain", speaker, 7)
    assert (voice.name, voice.id) == ("gain", "gain")
    change = voice.change
    assert (change.pitch, change.target, change.speaker) == (None, None, speaker.median_pitch)
    assert (change.gate, change.seed) == (GATE_OFF, 7)


def test_a_card_brings_its_model_and_moves_the_pitch_as_it_says(
    services: Services, speaker: Character, tmp_path: Path
) -> None:
    (tmp_path / "nana.yaml").write_text(CARD, encoding="utf-8")
    services.characters.refresh()
    nana = voices(services).find("nana", speaker, 0)
    assert nana.id == "rvc:nana"
    assert (nana.change.pitch, nana.change.target) == (None, 220.0)
    (tmp_path / "nana.yaml").write_text(CARD.replace(".pth", ".pth, key: 5"), encoding="utf-8")
    services.characters.refresh()
    moved = voices(services).find("nana", speaker, 0)
    assert (moved.change.pitch, moved.change.target) == (5.0, None)
    assert moved.facts != nana.facts
