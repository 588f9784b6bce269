"""The way of a line, from what was asked to sound; it knows no socket, no container and no model.

Read `Speech.say` from top to bottom: text is cut into pieces, the pieces go to the engine's lane
one after the other, and their sound comes back trimmed and joined.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from realtime import engines
from realtime.audio import to_pcm16
from realtime.characters import Character, Characters
from realtime.engines.base import Chunk, Utterance, Word
from realtime.errors import (
    BadRequest,
    NothingToSay,
    SynthesisFailed,
    TextTooLong,
    Unavailable,
    YamabikoError,
    shortlist,
)
from realtime.lanes import WHEN_IDLE
from realtime.line import Line
from realtime.models import Lease, Models
from realtime.settings import Settings
from realtime.text.language import LANGUAGES, resolve, segments
from realtime.text.normalise import clean, has_speech
from realtime.text.split import Piece, Splitter
from realtime.trim import Trimmer

logger = logging.getLogger(__name__)

ASKABLE = (*LANGUAGES, "mix", "auto")
SLOWEST, FASTEST = 0.25, 4.0
MOST_SEED = 2**63 - 1
BLOCK = 1_000  # characters that are cut into pieces at once, so that a long text starts early


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
class Spoken:
    """Sound of a line in order: PCM16 mono at the engine's rate, and the words that it holds."""

    pcm: npt.NDArray[np.int16]
    words: tuple[Word, ...] = ()
    timing: Mapping[str, float] = field(default_factory=dict)  # milliseconds, with the first sound


class Speech:
    """Lines from wishes, and sound from lines."""

    def __init__(
        self,
        settings: Settings,
        characters: Characters,
        models: Models,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._characters = characters
        self._models = models
        self._clock = clock

    async def line(self, wish: Wish) -> Line:
        """The line that is wished for, checked; long texts are read off the loop."""
        return await asyncio.to_thread(self._line, wish)

    def sample_rate(self, line: Line) -> int:
        rate: int = self._models.engine(line.engine).sample_rate
        return rate

    async def say(self, line: Line, prefetch: bool = False) -> AsyncGenerator[Spoken, None]:
        """The sound of a line, as soon as it is there; leaving early frees the engine at once."""
        delivery = Delivery(self._clock, prefetch)
        async with (
            self._models.lease(line.engine) as lease,
            aclosing(self._pieces(line, lease)) as pieces,
        ):
            delivery.sample_rate = lease.engine.sample_rate
            async for piece in pieces:
                delivery.text_is_ready()
                async with aclosing(self._spoken(line, piece, lease, delivery)) as spoken:
                    async for part in spoken:
                        yield part

    async def _pieces(self, line: Line, lease: Lease) -> AsyncGenerator[Piece, None]:
        """The line's text cut into pieces; the last one is known as such and makes no pause."""
        splitter = Splitter(line.language, lease.engine.first_piece * line.speed)
        waiting: Piece | None = None
        for start in range(0, len(line.text) + BLOCK, BLOCK):
            block = line.text[start : start + BLOCK]
            cut = splitter.feed if block else lambda _: splitter.flush()
            for piece in await asyncio.to_thread(cut, block):
                if waiting is not None:
                    yield waiting
                waiting = piece
        if waiting is not None:
            yield Piece(waiting.segments, 0.0, waiting.start)

    async def _spoken(
        self, line: Line, piece: Piece, lease: Lease, delivery: Delivery
    ) -> AsyncGenerator[Spoken, None]:
        """A piece with its edges trimmed and its pause made."""
        join = Join(lease.engine, piece, delivery.samples)
        async with aclosing(self._chunks(line, piece, lease, delivery)) as chunks:
            async for chunk in chunks:
                if (part := delivery.deliver(*join.feed(chunk))) is not None:
                    yield part
        if (part := delivery.deliver(join.finish(), ())) is not None:
            yield part

    async def _chunks(
        self, line: Line, piece: Piece, lease: Lease, delivery: Delivery
    ) -> AsyncGenerator[Chunk, None]:
        """A piece as the engine speaks it, on its lane."""
        utterance = Utterance(piece.segments, line.character, line.accent, line.speed, line.seed)
        stream = lease.lane.stream(
            lambda cancel: lease.engine.speak(utterance, cancel), delivery.deadline
        )
        try:
            async with aclosing(stream) as chunks:
                async for chunk in chunks:
                    yield chunk
        except YamabikoError:
            raise
        except Exception as error:  # whatever a model library throws ends this line alone
            logger.exception("%s failed while speaking", line.engine)
            raise SynthesisFailed(
                f"The engine {line.engine!r} failed while it spoke.",
                hint="The server's log says more; asking again may help.",
            ) from error

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


class Delivery:
    """How much of a line has been handed over, and so when its listener would run dry."""

    def __init__(self, clock: Callable[[], float], prefetch: bool) -> None:
        self.samples = 0
        self.sample_rate = 1
        self._clock = clock
        self._prefetch = prefetch
        self._asked = clock()
        self._text_ms: float | None = None
        self._first: float | None = None

    def text_is_ready(self) -> None:
        if self._text_ms is None:
            self._text_ms = self._milliseconds()

    def deadline(self) -> float:
        """First sounds are due since they were asked for, later ones when the heard ones end."""
        if self._prefetch:
            return WHEN_IDLE
        if self._first is None:
            return self._asked
        return self._first + self.samples / self.sample_rate

    def deliver(self, samples: npt.NDArray[np.float32], words: tuple[Word, ...]) -> Spoken | None:
        if not samples.size and not words:
            return None
        timing: dict[str, float] = {}
        if self._first is None and samples.size:
            self._first = self._clock()
            timing = {"text": self._text_ms or 0.0, "first_audio": self._milliseconds()}
        self.samples += samples.size
        return Spoken(to_pcm16(samples), words, timing)

    def _milliseconds(self) -> float:
        return round(1000 * (self._clock() - self._asked), 2)


class Join:
    """One piece's sound with its edges trimmed and its pause made."""

    def __init__(self, engine: object, piece: Piece, origin: int) -> None:
        self._rate: int = engine.sample_rate  # type: ignore[attr-defined]
        free = engine.keeps_time  # type: ignore[attr-defined]
        # The line's own start is held to its 15 ms; within a line a soft onset matters more.
        starts = origin == 0
        self._trimmer = Trimmer(self._rate, lead=starts or not free, tail=not free, soft=not starts)
        self._pause = 0.0 if free else piece.pause
        self._origin = origin
        self._fed = 0

    def feed(self, chunk: Chunk) -> tuple[npt.NDArray[np.float32], tuple[Word, ...]]:
        before = self._fed
        self._fed += chunk.samples.size
        samples = self._trimmer.feed(chunk.samples)
        start = (self._origin + before - self._trimmer.removed) / self._rate
        words = (_moved(word, start) for word in chunk.words)
        return samples, tuple(words)

    def finish(self) -> npt.NDArray[np.float32]:
        pause = np.zeros(round(self._pause * self._rate), np.float32)
        return np.concatenate([self._trimmer.finish(), pause])


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


def _moved(word: Word, start: float) -> Word:
    return Word(
        word.text, round(max(0.0, word.start + start), 4), round(max(0.0, word.end + start), 4)
    )
