"""Speech for all who want it: from a request to a line, from a line to its recording and sound.

A line has an address in the cache. A recording that is not there yet is spoken, and all listeners
who asked for the same line hear it while it grows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from realtime.audio.playback import Playback
from realtime.audio.spoken import Spoken
from realtime.cache import WAV, Address, Cache, FinishedRecording, OpenedRecording, Recording
from realtime.characters import Characters
from realtime.metrics import Metrics
from realtime.models.loaded import LoadedModels
from realtime.settings import LimitsSettings, Settings
from realtime.speech.incoming_text import IncomingText
from realtime.speech.line import Line
from realtime.speech.producer import LineIdentity, LineProducer
from realtime.speech.request import LineRequest, LineResolver
from realtime.speech.second_voice import SecondVoices
from realtime.speech.while_written import LineWhileWritten
from realtime.timer import Timer


@dataclass(frozen=True)
class LineInProgress:
    """A line while it is said to one listener."""

    identity: LineIdentity
    result: Literal["hit", "join", "miss"]
    spoken: AsyncGenerator[Spoken, None]
    source: FinishedRecording | Recording | None = None  # None: nothing is kept of it

    @property
    def line(self) -> Line:
        return self.identity.line

    @property
    def address(self) -> Address | None:
        """Return where the recording is found, as far as that is known yet."""
        return self.identity.address


class Speech:
    """Lines from requests, recordings and sound from lines."""

    def __init__(
        self,
        settings: Settings,
        characters: Characters,
        models: LoadedModels,
        cache: Cache,
        metrics: Metrics,
        second_voices: SecondVoices,
    ) -> None:
        self.cache = cache
        self._settings = settings
        self._characters = characters
        self._models = models
        self._metrics = metrics
        self._producer = LineProducer(models, metrics, second_voices)
        self._resolver = LineResolver(settings, characters, models, second_voices)

    async def line(self, request: LineRequest) -> Line:
        """Resolve a request, off the loop: reading a long text takes time."""
        await self._models.look(kind="speak")
        if request.then:
            await self._models.look(kind="convert")
        return await asyncio.to_thread(self._resolve, request)

    def check_written(self, request: LineRequest) -> None:
        """Check everything of a whole line that needs no look at the characters."""
        self._resolver.check_written(request)

    async def check(self, request: LineRequest) -> None:
        """Check everything but the text."""
        await self._models.look(kind="speak")
        await asyncio.to_thread(self._resolver.check, request)

    def incoming_text(self, request: LineRequest, timer: Timer) -> IncomingText:
        """Make a text that will be written bit by bit."""
        return IncomingText(
            lambda length: self._resolver.check_length(request, length), timer, Playback()
        )

    @property
    def limits(self) -> LimitsSettings:
        return self._settings.limits

    def engines(self) -> tuple[str, ...]:
        """Name the engines that speak."""
        return tuple(self._models.synthesizers())

    async def characters(self) -> tuple[str, ...]:
        """Name the characters; this may read their folder, off the loop."""
        known = await asyncio.to_thread(self._characters.all)
        return tuple(character.name for character in known)

    def converter_voices(self) -> tuple[str, ...]:
        """Name the characters that other voices can be changed into."""
        return tuple(character.name for character in self._characters.converter_voices())

    def sample_rate(self, line: Line) -> int:
        return self._producer.sample_rate(line)

    def address(self, line: Line) -> Address:
        """Return the address of a line's recording, whether it exists or not."""
        return self._producer.address(line)

    @asynccontextmanager
    async def open(self, line: Line, finish: bool = False) -> AsyncIterator[OpenedRecording]:
        """Open a line's recording: there already, growing, or begun now.

        With `finish` it is made to its end, whoever leaves.
        """
        address = self.address(line)
        production = self._producer.production(LineIdentity(line, address))
        async with self.cache.open(address, WAV, production, finish) as opened:
            self._metrics.count_request(opened.result)
            yield opened

    async def say(self, line: Line, keep: bool = True) -> AsyncGenerator[Spoken, None]:
        """Yield the sound of a line as it is made; when the last listener leaves it is stopped."""
        async with self.saying(line, keep) as in_progress, aclosing(in_progress.spoken) as spoken:
            async for part in spoken:
                yield part

    @asynccontextmanager
    async def saying(self, line: Line, keep: bool = True) -> AsyncIterator[LineInProgress]:
        """Say a line to one listener; without `keep` it neither reads nor fills the cache."""
        if not keep:
            self._metrics.count_request("bypass")
            yield LineInProgress(LineIdentity(line), "miss", self._producer.speak(line))
            return
        async with self.open(line) as opened:
            source = opened.source
            assert isinstance(source, FinishedRecording | Recording), "a line has a recording"
            identity = LineIdentity(line, opened.address)
            yield LineInProgress(identity, opened.result, source.spoken(), source)

    @asynccontextmanager
    async def saying_while_written(
        self, request: LineRequest, incoming: IncomingText
    ) -> AsyncIterator[LineInProgress]:
        """Say a text while it is written, from the moment when its first piece is there."""
        await self.check(request)
        written = LineWhileWritten(request, incoming, self._resolver, self._producer, self.cache)
        await written.begin()
        self._metrics.count_request("bypass")
        production = self._producer.production(written.identity, written.produce)
        async with self.cache.open_without_address(production) as recording:
            assert isinstance(recording, Recording), "it was made by our own production"
            yield LineInProgress(written.identity, "miss", recording.spoken(), recording)

    def _resolve(self, request: LineRequest) -> Line:
        line = self._resolver.resolve(request)
        self.address(line)  # an engine may look at its files and its device for its first key
        return line
