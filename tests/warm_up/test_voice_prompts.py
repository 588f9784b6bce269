"""Prompts are made ready before the first line, by the warm-up or because somebody asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from realtime.engines.gpt_sovits import speaker
from realtime.errors import BadRequest, Unavailable
from realtime.services import Services, build
from realtime.settings import GptSovitsSettings, Settings
from realtime.warm_up import plan, voice_prompts
from tests.support.gpt_sovits_files import write_front
from tests.support.gpt_sovits_voices import bring_character, bring_pair, settings_in
from tests.support.server import serving
from tests.warm_up.test_warm_up import wait_for

pytestmark = pytest.mark.anyio

NANA = "gpt_sovits:nana-e15+nana_e8"


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """Return settings with two characters of one model, and one whose weights are not there."""
    mine = settings_in(tmp_path)
    own = replace(
        settings,
        models=mine.models,
        presets=mine.presets,
        cache=mine.cache,
        gpt_sovits=GptSovitsSettings(precision="fp32"),
    )
    write_front(own.models.path)
    bring_pair(own, "nana")
    for name, pair in (("nana", "nana"), ("rin", "nana"), ("kyo", "gone")):
        bring_character(own, name, pair)
    return own


@pytest.fixture
async def services(own: Settings) -> AsyncIterator[Services]:
    services = build(own)
    yield services
    await services.close()


def ready(services: Services) -> list[str]:
    prompts = services.voice_prompts
    return [each.name for each in prompts.characters() if prompts.is_ready(each)]


async def test_a_prompt_is_made_once_and_stays(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    real = speaker.make_prompt
    monkeypatch.setattr(
        speaker, "make_prompt", lambda *given: made.append(given[0]) or real(*given)
    )
    prompts, nana = services.voice_prompts, services.characters.get("nana")
    assert ready(services) == []
    for _ in range(2):
        await prompts.make_ready(nana, "a test")
    assert made == [nana.voice] and ready(services) == ["nana"]
    await services.models.unload(NANA)
    assert ready(services) == []
    await prompts.make_ready(nana, "a test")
    assert made == [nana.voice], "the disk has it"


async def test_a_character_without_weights_has_none(services: Services) -> None:
    with pytest.raises(BadRequest, match="gone"):
        await services.voice_prompts.make_ready(services.characters.get("kyo"), "a test")


async def test_a_model_keeps_so_many(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    def names(model: str = "") -> list[str]:
        return [each.name for each in services.voice_prompts.characters(model)]

    assert names() == ["kyo", "nana", "rin"]
    assert names(NANA) == names("gpt_sovits") == ["nana", "rin"]
    monkeypatch.setattr(voice_prompts, "MOST_PROMPTS", 1)
    assert names() == ["kyo", "nana"]


async def test_no_model_is_loaded_for_it_without_room(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = build(replace(own, warm=("auto",)))
    monkeypatch.setattr(plan, "free_bytes", lambda: 1)
    with pytest.raises(Unavailable, match="there is room for 0 MB"):
        await services.voice_prompts.make_ready(services.characters.get("nana"), "a test")
    assert not services.models.any_loaded()
    await services.close()


def test_the_warm_up_makes_those_of_its_models(own: Settings) -> None:
    with serving(build(replace(own, warm=("auto",)))) as live:
        found = wait_for(live, NANA.partition(":")[2], "ready")
        assert found["languages"] == ["en", "ja", "zh"]
        assert ready(live.services) == ["nana", "rin"]
        assert live.get("/voice_cache_status")["cached_voices"] == ["nana", "rin"]
