"""The way of a line, from what was asked to sound; it knows no socket, no container and no model.

A wish becomes a line, a line has an address in the cache, and what is not there yet is spoken into
a recording from which everybody who asked for it listens.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from realtime.audio.playback import Playback
from realtime.audio.spoken import Spoken
from realtime.cache import (
    WAV,
    Address,
    Cache,
    FileFacts,
    FinishedRecording,
    OpenedRecording,
    Production,
    Recording,
    Sidecar,
    folder_of,
    key_of,
    slug_of,
)
from realtime.characters import Characters
from realtime.errors import NothingToSay, YamabikoError
from realtime.metrics import Metrics
from realtime.models.loaded import LoadedModels
from realtime.settings import LimitsSettings, Settings
from realtime.speech.incoming_text import IncomingText
from realtime.speech.line import Line
from realtime.speech.request import LineRequest, LineResolver
from realtime.speech.synthesis import Synthesis
from realtime.text.language import Segment
from realtime.text.split import Piece, Splitter, cut_into_pieces
from realtime.timer import Timer

WAY = 2  # counts changes of text, cutting, trimming and joining: an older sound is another one


@dataclass
class LineInProgress:
    """A line on its way to one listener."""

    line: Line  # of a text that is still being written, what was there when it began
    result: Literal["hit", "join", "miss"]
    spoken: AsyncGenerator[Spoken, None]
    source: FinishedRecording | Recording | None = None  # None: nothing is kept of it
    address: Address | None = None  # where it is found, as far as that is known yet


class Speech:
    """Lines from wishes, and sound from lines."""

    def __init__(
        self,
        settings: Settings,
        characters: Characters,
        models: LoadedModels,
        cache: Cache,
        metrics: Metrics,
    ) -> None:
        self.cache = cache
        self._settings = settings
        self._characters = characters
        self._models = models
        self._metrics = metrics
        self._synthesis = Synthesis(models)
        self._lines = LineResolver(settings, characters, models)

    async def line(self, wish: LineRequest) -> Line:
        """The line that is wished for, checked; long texts are read off the loop."""
        return await asyncio.to_thread(self._known, wish)

    async def check(self, wish: LineRequest) -> None:
        """Refuse what no text could mend, before there is any."""
        await asyncio.to_thread(self._lines.check, wish)

    def incoming_text(self, wish: LineRequest, timer: Timer) -> IncomingText:
        """A text that will be written for a wish."""
        return IncomingText(
            lambda length: self._lines.check_length(wish, length), timer, Playback()
        )

    @property
    def limits(self) -> LimitsSettings:
        return self._settings.limits

    def engines(self) -> tuple[str, ...]:
        """Those that speak."""
        return tuple(self._models.synthesizers())

    async def characters(self) -> tuple[str, ...]:
        """Everybody's name; asking may look at their folder."""
        known = await asyncio.to_thread(self._characters.all)
        return tuple(character.name for character in known)

    def sample_rate(self, line: Line) -> int:
        return self._models.synthesizer(line.engine).engine.sample_rate

    def address(self, line: Line) -> Address:
        """Where the line's recording lives; everything that changes the sound is in its key."""
        engine = self._models.engine(line.engine)
        facts = {
            "way": WAY,
            "engine": [line.engine, engine.version],
            "weights": [file.sha256 or file.name for file in engine.weights],
            "sampling": getattr(engine, "sampling", {}),
            "character": [line.character.name, line.character.digest],
            "language": line.language,
            "accent": line.accent,
            "mode": line.mode,
            "text": line.text,
            "speed": line.speed,
            "seed": line.seed,
        }
        folder = folder_of(line.character.name)
        return Address(line.language, folder, line.mode, slug_of(line.text), key_of(facts))

    def _known(self, wish: LineRequest) -> Line:
        line = self._lines.line(wish)
        self.address(line)  # an engine may look at its files and its device for its first key
        return line

    @asynccontextmanager
    async def open(self, line: Line, finish: bool = False) -> AsyncIterator[OpenedRecording]:
        """The line's recording: there already, growing, or begun now.

        With `finish` it is made to its end, whoever leaves.
        """
        address = self.address(line)
        work = self._work(line, lambda: (line, address))
        async with self.cache.open(address, WAV, work, finish) as opened:
            self._metrics.count_request(opened.result)
            yield opened

    async def say(self, line: Line, keep: bool = True) -> AsyncGenerator[Spoken, None]:
        """The sound of a line, as soon as it is there; the last to leave frees the engine."""
        async with self.saying(line, keep) as saying, aclosing(saying.spoken) as spoken:
            async for part in spoken:
                yield part

    @asynccontextmanager
    async def saying(self, line: Line, keep: bool = True) -> AsyncIterator[LineInProgress]:
        """A line being said to one listener; without `keep` it has nothing to do with the cache."""
        if not keep:
            self._metrics.count_request("bypass")
            yield LineInProgress(line, "miss", self._fresh(line))
            return
        async with self.open(line) as opened:
            assert isinstance(opened.source, FinishedRecording | Recording), (
                "a line's source is a recording"
            )
            source = opened.source
            yield LineInProgress(line, opened.result, source.spoken(), source, opened.address)

    @asynccontextmanager
    async def saying_while_written(
        self, wish: LineRequest, draft: IncomingText
    ) -> AsyncIterator[LineInProgress]:
        """A text being said while it is written, from the moment when its first piece is there.

        When it is whole and was cut as the whole text is, it is that line's recording.
        """
        line, first = await self._begun(wish, draft)
        said: list[Piece] = []

        async def pieces() -> AsyncGenerator[Piece, None]:
            piece: Piece | None = first
            while piece is not None:
                said.append(piece)
                yield piece
                piece = await draft.next()

        async def produce(recording: Recording) -> None:
            fresh = self._fresh(line, lambda: recording.urgent, pieces(), draft.playback)
            await self._recorded(recording, fresh)
            whole = await asyncio.to_thread(self._as_whole, wish, draft.text, line, said)
            if whole is not None:
                saying.line, saying.address = whole, self.address(whole)
                self.cache.give_address(recording, saying.address)

        self._metrics.count_request("bypass")
        work = self._work(line, lambda: (saying.line, saying.address), produce)
        async with self.cache.open_without_address(work) as recording:
            assert isinstance(recording, Recording), "it was made by our own work"
            saying = LineInProgress(line, "miss", recording.spoken(), recording)
            yield saying

    async def _begun(self, wish: LineRequest, draft: IncomingText) -> tuple[Line, Piece]:
        """The first piece of a text, and who speaks it: what is there until then decides."""
        await self.check(wish)
        found: list[Line] = []

        def splitter(text: str) -> Splitter:
            found[:] = [self._lines.begun(wish, text)]
            return self._splitter(found[0])

        first = await draft.first(splitter)
        return found[0], first

    def _as_whole(self, wish: LineRequest, text: str, line: Line, said: list[Piece]) -> Line | None:
        """The line of a text that is whole now, if it would have been said just so."""
        try:
            whole = self._lines.line(replace(wish, text=text))
        except YamabikoError:  # its character left meanwhile
            return None
        if self.address(whole) != self.address(replace(line, text=whole.text)):
            return None
        splitter = self._splitter(whole)
        return whole if _cuts(said) == _cuts(cut_into_pieces(whole.text, splitter)) else None

    def _splitter(self, line: Line) -> Splitter:
        engine = self._models.synthesizer(line.engine).engine
        return Splitter(line.language, engine.first_piece * line.speed, engine.work)

    def _work(
        self,
        line: Line,
        kept_as: Callable[[], tuple[Line, Address | None]],
        produce: Callable[[Recording], Coroutine[Any, Any, None]] | None = None,
    ) -> Production[Recording]:
        """How the line's recording is made when there is none."""
        asked = time.perf_counter()

        def growing() -> Recording:
            return Recording(self.sample_rate(line))

        async def produce_line(recording: Recording) -> None:
            await self._recorded(recording, self._fresh(line, lambda: recording.urgent))

        async def sidecar(recording: Recording, facts: FileFacts) -> Sidecar:
            took_ms = round(1000 * (time.perf_counter() - asked), 1)
            said, address = kept_as()
            assert address is not None, "what is kept has an address"
            return self._sidecar(said, address, recording, facts, took_ms)

        return Production(growing, produce or produce_line, Recording.header, sidecar)

    async def _recorded(self, recording: Recording, coming: AsyncGenerator[Spoken, None]) -> None:
        async with aclosing(coming) as spoken:
            async for part in spoken:
                await recording.add(part)
                await recording.wait_until_wanted()

    async def _fresh(
        self,
        line: Line,
        pressing: Callable[[], bool] = lambda: True,
        pieces: AsyncGenerator[Piece, None] | None = None,
        playback: Playback | None = None,
    ) -> AsyncGenerator[Spoken, None]:
        """The line spoken now; a line always has sound."""
        self._metrics.count_synthesis(line.engine)
        silent = True
        async with aclosing(self._synthesis.speak(line, pressing, pieces, playback)) as spoken:
            async for part in spoken:
                silent = silent and not part.pcm.size
                if part.timing:
                    self._metrics.observe_first_audio(
                        line.engine, part.timing["first_audio"] / 1000
                    )
                yield part
        if silent:
            raise NothingToSay("The engine has no sound for this text.", field="text")

    def _sidecar(
        self, line: Line, address: Address, recording: Recording, facts: FileFacts, took_ms: float
    ) -> Sidecar:
        """The engine's version is the one that spoke; the key is older where it was loaded then."""
        return Sidecar(
            key=address.key,
            line={
                "text": line.text,
                "character": line.character.name,
                "language": line.language,
                "noaccent": line.noaccent,
                "longprompt": line.longprompt,
                "speed": line.speed,
                "seed": line.seed,
            },
            engine={"name": line.engine, "version": self._models.engine(line.engine).version},
            duration=round(recording.samples / recording.sample_rate, 4),
            sample_rate=recording.sample_rate,
            samples=recording.samples,
            sha256=facts.sha256,
            words=tuple(recording.words),
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            took_ms=took_ms,
        )


def _cuts(pieces: Sequence[Piece]) -> list[tuple[tuple[Segment, ...], float]]:
    """What makes the sound of pieces: after the last one no pause is made."""
    return [(piece.segments, piece.pause) for piece in pieces[:-1]] + [
        (piece.segments, 0.0) for piece in pieces[-1:]
    ]
