"""Prompts of voices, made because a request asks for it, as far as a request may wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from realtime.characters import Character
from realtime.errors import YamabikoError
from realtime.services import Services

USER = "a refresh of voices"
MOST_SECONDS = 120.0  # models are loaded for it, one after the other


async def make_prompts(
    services: Services, characters: Sequence[Character] | None = None
) -> dict[str, str]:
    """Make prompts of these characters, or of all; return who has none, and the reason."""
    prompts = services.voice_prompts
    if characters is None:
        characters = await asyncio.to_thread(prompts.characters)
    failed: dict[str, str] = {}
    waiting = list(characters)
    try:
        async with asyncio.timeout(MOST_SECONDS):
            while waiting:
                try:
                    await prompts.make_ready(waiting[0], USER)
                except YamabikoError as error:
                    failed[waiting[0].name] = error.message
                del waiting[0]
    except TimeoutError:
        failed |= {each.name: "there was no time for its prompt" for each in waiting}
    return failed
