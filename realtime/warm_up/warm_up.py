"""The warm-up: once the server is ready, engines are loaded and speak once in each language.

It gives way to listeners: each step waits until no engine was in use for a second, and its own
speech is stopped when a listener comes. A load that a listener asks for meanwhile is the same load.

Its work has the usual priority: a lower one cannot be taken back without a privilege, and a thread
that waits for the processor while it holds Python's lock makes the whole server wait.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine
from functools import partial
from typing import Any

from realtime.characters import Character
from realtime.errors import YamabikoError
from realtime.models.loaded import LoadedModels
from realtime.models.process_memory import resident_bytes
from realtime.warm_up.first_words import FirstWords
from realtime.warm_up.plan import WarmUpPlanner, WarmUpState, megabytes
from realtime.warm_up.voice_prompts import VoicePrompts

logger = logging.getLogger(__name__)

USER = "the warm-up"
QUIET_SECONDS = 1.0  # a dictionary holds Python's lock for up to 0.2 s: not between two lines


class WarmUp:
    """The warm-up of a server and its state."""

    def __init__(
        self,
        planner: WarmUpPlanner,
        models: LoadedModels,
        words: FirstWords,
        prompts: VoicePrompts,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._planner = planner
        self._models = models
        self._words = words
        self._prompts = prompts
        self._clock = clock
        self._states: dict[str, WarmUpState] = {}
        self._listeners = False  # whether there were any at the last change
        self._quiet_since = 0.0

    def state_of(self, name: str) -> WarmUpState | None:
        """Return how far an engine has come; None for one that is not warmed up, or unloaded."""
        found = self._states.get(name)
        if found is not None and found.state == "ready" and not self._models.is_loaded(name):
            return None
        return found

    async def run(self, spoken: Collection[tuple[str, str]]) -> None:
        """Warm up the engines of the plan; `spoken` are those that have spoken, by language."""
        self._quiet_since = self._clock()
        watching = asyncio.create_task(self._watch_listeners())
        try:
            await self._run(spoken)
        finally:
            watching.cancel()

    async def _run(self, spoken: Collection[tuple[str, str]]) -> None:
        plan = await asyncio.to_thread(self._planner.plan)
        self._states = {each.engine: each for each in plan}
        waiting = [each for each in plan if each.state == "waiting"]
        for each in waiting:
            languages = self._words.languages(each.engine)
            each.languages = tuple(x for x in languages if (each.engine, x) not in spoken)
            if not each.languages and self._models.is_loaded(each.engine):
                each.state = "ready"
        _log_plan(plan)
        for each in waiting:
            if each.state == "waiting":
                await self._warm(each)

    async def _warm(self, state: WarmUpState) -> None:
        """Load an engine and let it speak; an error ends its own warm-up alone."""
        await self._until_quiet()
        state.reason = await asyncio.to_thread(self._planner.shortage, state.engine)
        if state.reason is not None:
            state.state = "left_out"
            logger.warning("warm-up: %s is left out: %s", state.engine, state.reason)
            return
        state.state = "warming"
        try:
            await self._load_and_speak(state)
        except YamabikoError as error:
            state.state, state.reason = "failed", error.message
            logger.warning("warm-up: %s failed: %s", state.engine, error.message)
        except Exception:
            state.state, state.reason = "failed", "The server's log says more."
            logger.exception("warm-up: %s failed", state.engine)

    async def _load_and_speak(self, state: WarmUpState) -> None:
        """Make an engine ready, and remember the memory that it took."""
        begun, before = self._clock(), resident_bytes()
        await self._models.load(state.engine)
        for language in state.languages:
            await self._uninterrupted(partial(self._words.speak, state.engine, language, USER))
        for character in await asyncio.to_thread(self._prompts.characters, state.engine):
            await self._uninterrupted(partial(self._make_prompt, character))
        state.state, state.seconds = "ready", round(self._clock() - begun, 1)
        taken = max(0, resident_bytes() - before)
        await asyncio.to_thread(self._planner.record, state.engine, taken)
        name = " ".join((state.engine, *state.languages))
        logger.info("warm-up: %s is ready after %.1f s, %s", name, state.seconds, megabytes(taken))

    async def _make_prompt(self, character: Character) -> None:
        """Make the prompt of a character; one whose clip will not do keeps no other waiting."""
        try:
            await self._prompts.make_ready(character, USER)
        except YamabikoError as error:
            logger.warning("warm-up: %s has no prompt: %s", character.name, error.message)

    async def _uninterrupted(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Let an engine work, again until no listener has interrupted it."""
        while True:
            await self._until_quiet()
            speaking = asyncio.create_task(work())
            try:
                if await self._ends_before_a_listener_comes(speaking):
                    await speaking
                    return
            finally:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)

    async def _ends_before_a_listener_comes(self, speaking: asyncio.Task[Any]) -> bool:
        while not speaking.done():
            if self._somebody_listens():
                return False
            change = asyncio.create_task(self._models.users_changed.wait())
            try:
                await asyncio.wait((speaking, change), return_when=asyncio.FIRST_COMPLETED)
            finally:
                change.cancel()
        return True

    async def _watch_listeners(self) -> None:
        while True:
            await self._models.users_changed.wait()
            before, self._listeners = self._listeners, self._somebody_listens()
            if before or self._listeners:
                self._quiet_since = self._clock()

    async def _until_quiet(self) -> None:
        """Wait until no listener has used an engine for a second."""
        while True:
            left = self._quiet_since + QUIET_SECONDS - self._clock()
            if self._somebody_listens():
                await self._models.users_changed.wait()
                self._quiet_since = self._clock()
            elif left > 0:
                await asyncio.sleep(left)
            else:
                return

    def _somebody_listens(self) -> bool:
        return any(user != USER for user in self._models.users())


def _log_plan(plan: list[WarmUpState]) -> None:
    waiting = [each.engine for each in plan if each.state == "waiting"]
    left = [f"{each.engine} ({each.reason})" for each in plan if each.state == "left_out"]
    if waiting or left:
        logger.info(
            "warm-up in the background: %s; left out: %s",
            ", ".join(waiting) or "none",
            ", ".join(left) or "none",
        )
