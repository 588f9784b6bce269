"""A request waits for prompts, and not for ever."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from realtime.errors import Unavailable
from realtime.web.compat.gpt_sovits import make_prompts as module
from realtime.web.compat.gpt_sovits.make_prompts import make_prompts

pytestmark = pytest.mark.anyio


class Prompts:
    """Prompts of which one cannot be made, and one takes for ever."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def characters(self) -> list[Any]:
        return [SimpleNamespace(name=name) for name in ("a", "broken", "b", "endless", "c")]

    async def make_ready(self, character: Any, user: str) -> None:
        if character.name == "broken":
            raise Unavailable("Its weights are gone.")
        if character.name == "endless":
            await asyncio.Event().wait()
        self.made.append(character.name)


async def test_who_has_none_is_told_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SECONDS", 0.05)
    prompts = Prompts()
    services: Any = SimpleNamespace(voice_prompts=prompts)
    failed = await make_prompts(services)
    assert prompts.made == ["a", "b"]
    assert failed.pop("broken") == "Its weights are gone."
    assert set(failed) == {"endless", "c"} and all("no time" in each for each in failed.values())
    assert await make_prompts(services, prompts.characters()[:1]) == {}
