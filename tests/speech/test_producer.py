"""Recordings of lines: spoken into the cache with a sidecar that tells how."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from realtime.cache import SIDECAR, Recording
from realtime.engines import registry
from realtime.engines.contract import CancelToken, Chunk, Utterance
from realtime.engines.tone import Tone
from realtime.errors import NothingToSay
from realtime.models.loaded import LoadedModels
from realtime.services import Services, build
from realtime.settings import CacheSettings, Settings
from realtime.speech.request import LineRequest

pytestmark = pytest.mark.anyio


def services_with(kind: type[Tone], settings: Settings, folder: Path) -> Services:
    """Build services whose engine `tone` is of another kind, with a cache in `folder`."""

    def create(name: str, settings: Settings) -> Any:
        return kind(settings) if name == "tone" else registry.create(name, settings)

    own = replace(settings, cache=CacheSettings(path=folder))
    return build(own, LoadedModels(own, create))


class Fallback(Tone):
    """An engine that loads another version than it was asked for."""

    version = "graphs"

    def load(self) -> None:
        self.version = "eager"


class Silent(Tone):
    """An engine that finds nothing to make a sound of."""

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        return iter(())


async def test_a_version_that_loading_changes_leaves_its_line_where_it_was_begun(
    settings: Settings, tmp_path: Path
) -> None:
    """An engine may run another version than was wanted; the sidecar says which it was."""
    services = services_with(Fallback, settings, tmp_path)
    line = await services.speech.line(LineRequest("abc", engine="tone"))
    before = services.speech.address(line)
    async with services.speech.open(line) as opened:
        assert isinstance(opened.source, Recording)
        async with aclosing(opened.source.spoken()) as spoken:
            async for _ in spoken:
                pass
    assert opened.address == before != services.speech.address(line)
    await services.close()  # what is whole is kept first
    sidecar = json.loads((tmp_path / before.path(SIDECAR)).read_bytes())
    assert sidecar["key"] == before.key
    assert sidecar["engine"] == {"name": "tone", "version": "eager"}


async def test_a_sidecar_names_the_line(settings: Settings, tmp_path: Path) -> None:
    services = services_with(Tone, settings, tmp_path)
    request = LineRequest("abc", "af_bella", "en", longprompt=True, speed=2.0, seed=5)
    line = await services.speech.line(replace(request, engine="tone"))
    async with aclosing(services.speech.say(line)) as spoken:
        async for _ in spoken:
            pass
    await services.close()
    sidecar = services.cache.store.sidecar(services.speech.address(line))
    assert sidecar is not None and sidecar.line == {
        "text": "abc",
        "character": "af_bella",
        "language": "en",
        "noaccent": False,
        "longprompt": True,
        "speed": 2.0,
        "seed": 5,
    }


@pytest.mark.parametrize("keep", [True, False])
async def test_a_line_without_sound_is_an_error(
    settings: Settings, tmp_path: Path, keep: bool
) -> None:
    services = services_with(Silent, settings, tmp_path)
    line = await services.speech.line(LineRequest("abc", engine="tone"))
    with pytest.raises(NothingToSay, match="no sound"):
        async for _ in services.speech.say(line, keep=keep):
            pass
    await services.close()
    assert not len(services.cache.index)
