"""The way of a line, from what was asked to sound; it knows no socket, no container and no model.

A wish becomes a line, a line has an address in the cache, and what is not there yet is spoken into
a recording from which everybody who asked for it listens.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from realtime import engines
from realtime.cache import (
    WAV,
    Address,
    Cache,
    FileFacts,
    Finished,
    Opened,
    Recording,
    Sidecar,
    Spoken,
    Work,
    folder_of,
    key_of,
    slug_of,
)
from realtime.characters import Character, Characters
from realtime.errors import BadRequest, NothingToSay, TextTooLong, Unavailable, shortlist
from realtime.line import Line
from realtime.metrics import Metrics
from realtime.models import Models
from realtime.settings import Settings
from realtime.synthesis import Synthesis
from realtime.text.language import LANGUAGES, resolve, segments
from realtime.text.normalise import clean, has_speech

ASKABLE = (*LANGUAGES, "mix", "auto")
SLOWEST, FASTEST = 0.25, 4.0
MOST_SEED = 2**63 - 1
WAY = 1  # counts changes of text, cutting, trimming and joining: an older sound is another one


@dataclass(frozen=True)
class Wish:
    """What somebody asks for, before defaults and checks make it a line."""

    text: str
    character: str | None = None
    language: str = "auto"
    noaccent: bool = False
    longprompt: bool = False
    speed: float | None = None
    seed: int = 0
    engine: str | None = None


@dataclass(frozen=True)
class Saying:
    """A line on its way to one listener."""

    result: str  # hit | join | miss
    spoken: AsyncGenerator[Spoken, None]
    source: Finished | Recording | None = None  # None: nothing is kept of it


class Speech:
    """Lines from wishes, and sound from lines."""

    def __init__(
        self,
        settings: Settings,
        characters: Characters,
        models: Models,
        cache: Cache,
        metrics: Metrics,
    ) -> None:
        self.cache = cache
        self._settings = settings
        self._characters = characters
        self._models = models
        self._metrics = metrics
        self._synthesis = Synthesis(models)

    async def line(self, wish: Wish) -> Line:
        """The line that is wished for, checked; long texts are read off the loop."""
        return await asyncio.to_thread(self._line, wish)

    def sample_rate(self, line: Line) -> int:
        rate: int = self._models.engine(line.engine).sample_rate
        return rate

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

    @asynccontextmanager
    async def open(self, line: Line, finish: bool = False) -> AsyncIterator[Opened]:
        """The line's recording: there already, growing, or begun now.

        With `finish` it is made to its end, whoever leaves.
        """
        async with self.cache.open(self.address(line), WAV, self._work(line), finish) as opened:
            self._metrics.asked(opened.result)
            yield opened

    async def say(self, line: Line, keep: bool = True) -> AsyncGenerator[Spoken, None]:
        """The sound of a line, as soon as it is there; the last to leave frees the engine."""
        async with self.saying(line, keep) as saying, aclosing(saying.spoken) as spoken:
            async for part in spoken:
                yield part

    @asynccontextmanager
    async def saying(self, line: Line, keep: bool = True) -> AsyncIterator[Saying]:
        """A line being said to one listener; without `keep` it has nothing to do with the cache."""
        if not keep:
            self._metrics.asked("bypass")
            yield Saying("miss", self._fresh(line))
            return
        async with self.open(line) as opened:
            assert isinstance(opened.source, Finished | Recording), "a line's source is a recording"
            yield Saying(opened.result, opened.source.spoken(), opened.source)

    def _work(self, line: Line) -> Work[Recording]:
        """How the line's recording is made when there is none."""
        asked = time.perf_counter()

        def growing() -> Recording:
            return Recording(self.sample_rate(line))

        async def produce(recording: Recording) -> None:
            async with aclosing(self._fresh(line, lambda: recording.pressing)) as spoken:
                async for part in spoken:
                    await recording.add(part)
                    await recording.wanted()

        async def sidecar(recording: Recording, facts: FileFacts) -> Sidecar:
            took_ms = round(1000 * (time.perf_counter() - asked), 1)
            return self._sidecar(line, recording, facts, took_ms)

        return Work(growing, produce, Recording.head, sidecar)

    async def _fresh(
        self, line: Line, pressing: Callable[[], bool] = lambda: True
    ) -> AsyncGenerator[Spoken, None]:
        """The line spoken now; a line always has sound."""
        self._metrics.synthesised(line.engine)
        silent = True
        async with aclosing(self._synthesis.speak(line, pressing)) as spoken:
            async for part in spoken:
                silent = silent and not part.pcm.size
                if part.timing:
                    self._metrics.first_heard(line.engine, part.timing["first_audio"] / 1000)
                yield part
        if silent:
            raise NothingToSay("The engine has no sound for this text.", field="text")

    def _sidecar(
        self, line: Line, recording: Recording, facts: FileFacts, took_ms: float
    ) -> Sidecar:
        return Sidecar(
            key=self.address(line).key,
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

    def _line(self, wish: Wish) -> Line:
        text = self._text(wish)
        if wish.language not in ASKABLE:
            raise BadRequest(
                f"language is {wish.language!r}; there are: {', '.join(ASKABLE)}.",
                code="unknown_language",
                field="language",
            )
        language = resolve(text, wish.language)
        character = self._character(wish.character, language)
        line = Line(
            text=text,
            character=character,
            language=language,
            noaccent=wish.noaccent,
            longprompt=wish.longprompt,
            speed=checked_speed(character.speed if wish.speed is None else wish.speed),
            seed=checked_seed(wish.seed),
        )
        return self._with_engine(line, wish.engine)

    def _text(self, wish: Wish) -> str:
        limits = self._settings.limits
        most = limits.long_text if wish.longprompt else limits.text
        if len(wish.text) > most:
            raise TextTooLong(
                f"The text has {len(wish.text)} characters; the limit is {most}.",
                hint=None if wish.longprompt else f"With longprompt it is {limits.long_text}.",
                field="text",
            )
        text = clean(wish.text)
        if not has_speech(text):
            raise NothingToSay(
                "The text holds nothing that can be spoken.",
                hint="Letters or digits are needed; emoji and punctuation alone are silent.",
                field="text",
            )
        return text

    def _character(self, name: str | None, language: str) -> Character:
        return self._characters.get(name) if name else self._characters.default(language)

    def _with_engine(self, line: Line, wanted: str | None) -> Line:
        """The line with the engine that speaks it: the wanted one, else the character's own."""
        needed = {line.accent} if line.accent else _languages(line)
        for name in [wanted] if wanted else _candidates(line):
            if wanted and wanted not in self._models.synthesizers():
                raise engines.unknown(wanted, self._models.synthesizers())
            if name in self._models.names() and needed <= self._models.engine(name).languages:
                return Line(**{**vars(line), "engine": name})
        if wanted:
            raise BadRequest(
                f"The engine {wanted!r} speaks {shortlist(self._models.engine(wanted).languages)}; "
                f"this line needs {shortlist(sorted(needed))}.",
                code="language_not_supported",
                field="engine",
            )
        raise Unavailable(
            f"{line.character.name!r} is a voice for the engine {line.character.engine!r}, "
            "which this version does not have yet.",
            hint="Choose another character; GET /api/characters lists them with their engines.",
        )


def checked_speed(speed: float) -> float:
    if not SLOWEST <= speed <= FASTEST or not math.isfinite(speed):
        raise BadRequest(f"speed is {speed}; allowed is {SLOWEST} to {FASTEST:g}.", field="speed")
    return float(speed)


def checked_seed(seed: int) -> int:
    if not 0 <= seed <= MOST_SEED:
        raise BadRequest(f"seed is {seed}; allowed is 0 to {MOST_SEED}.", field="seed")
    return seed


def _languages(line: Line) -> set[str]:
    return {segment.language for segment in segments(line.text, line.language)}


def _candidates(line: Line) -> Iterator[str]:
    yield line.character.engines.get(line.language, line.character.engine)
    yield line.character.engine
