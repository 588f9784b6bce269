"""First words are spoken by the character that a listener would hear."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from realtime.services import Services
from realtime.settings import PresetsSettings, Settings
from realtime.warm_up.first_words import FirstWords
from tests.support import small_valle
from tests.support.server import services_with

pytestmark = pytest.mark.anyio


def words_of(services: Services) -> FirstWords:
    return FirstWords(services.models, services.characters, services.speech)


async def speaker(services: Services, engine: str, language: str) -> str | None:
    """Let an engine speak first words; return the character that it spoke as."""
    kind = services.models.synthesizer(engine).engine
    with patch.object(kind, "speak", wraps=kind.speak) as speak:
        spoken = await words_of(services).speak(engine, language, "a test")
    assert spoken == bool(speak.call_count)
    return speak.call_args.args[0].character.name if spoken else None


async def test_the_default_character_speaks(settings: Settings) -> None:
    defaults = {**settings.default_characters, "ja": "jm_kumo", "zh": "gone"}
    services = services_with(replace(settings, default_characters=defaults), "tone")
    assert await speaker(services, "tone", "ja") == "jm_kumo"
    assert (await speaker(services, "tone", "zh") or "").startswith("z"), "a native speaks instead"
    await services.close()


async def test_a_character_that_the_engine_refuses_does_not_speak(
    settings: Settings, tmp_path: Path
) -> None:
    own = small_valle.settings_for(settings, tmp_path)
    own.presets.path.mkdir()
    small_valle.write_files(own)
    services = services_with(own, "valle")
    assert await speaker(services, "valle", "ja") == small_valle.NAME, "the only one that it can"
    await services.close()
    services = services_with(replace(own, presets=settings.presets), "valle")
    assert await speaker(services, "valle", "en") is None
    await services.close()


async def test_nothing_of_it_is_kept_or_counted(settings: Settings, tmp_path: Path) -> None:
    own = replace(settings, cache=replace(settings.cache, path=tmp_path))
    services = services_with(own, "tone")
    await words_of(services).speak("tone", "en", "a test")
    assert services.metrics.requests_by_result() == {}
    await services.close()
    assert not [files for _, _, files in os.walk(tmp_path) if files]


def test_only_engines_that_speak_have_first_words(settings: Settings) -> None:
    words = words_of(services_with(settings))
    assert words.languages("hibari") == ["en"]
    assert words.languages("kokoro") == ["en", "ja", "zh"]
    assert words.languages("world") == []
    empty = replace(settings, presets=PresetsSettings(path=Path("nowhere")))
    assert words_of(services_with(empty)).languages("tone") == ["en", "ja", "zh"]
