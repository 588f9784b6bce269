"""The character that a reference clip stands for: its path is a name here, and never opened."""

from __future__ import annotations

import asyncio
import re

from realtime.engines.switched_weights import SwitchesWeights
from realtime.errors import BadRequest, NotFound
from realtime.services import Services


async def find_speaker(services: Services, path: str) -> str | None:
    """Name the character of a clip; None: the default one of the text's language."""
    return await asyncio.to_thread(_find, services, path)  # it may read the characters' folder


def clip_names(path: str) -> tuple[str, str]:
    """Return the last part of a path of any system, without its suffix and with it."""
    last = re.split(r"[/\\]", path)[-1]
    stem, dot, _ = last.rpartition(".")
    return (stem if dot and stem else last), last


def _find(services: Services, path: str) -> str | None:
    names = clip_names(path)
    clips = services.settings.gpt_sovits_api.clips
    for name in names:
        if name in clips:
            return str(clips[name])
    for name in names:
        try:
            return services.characters.get(name).name
        except (NotFound, BadRequest):
            continue  # the clip of a bot is not ours
    return _switched_character(services)


def _switched_character(services: Services) -> str | None:
    """Name the character whose weights a client chose, where it did."""
    for model in services.models.synthesizers():
        engine = services.models.synthesizer(model).engine
        if isinstance(engine, SwitchesWeights) and engine.switched_character:
            return engine.switched_character
    return None
