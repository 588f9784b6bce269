"""The way of a line through its engine: pieces, turns on the lane, trimmed and joined sound.

It knows no wish and no cache: a line goes in, its sound comes out as it is made.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import numpy as np
import numpy.typing as npt

from realtime.audio import to_pcm16
from realtime.cache.recording import Spoken
from realtime.engines.base import Chunk, Synthesizer, Utterance, Word
from realtime.errors import SynthesisFailed, YamabikoError
from realtime.lanes import WHEN_IDLE
from realtime.line import Line
from realtime.models import Lease, Models
from realtime.text.split import Piece, Splitter
from realtime.trim import Trimmer

logger = logging.getLogger(__name__)

BLOCK = 1_000  # characters that are cut into pieces at once, so that a long text starts early


class Synthesis:
    """Lines into sound, each on its engine's lane."""

    def __init__(self, models: Models, clock: Callable[[], float] = time.monotonic) -> None:
        self._models = models
        self._clock = clock

    async def speak(
        self, line: Line, pressing: Callable[[], bool] = lambda: True
    ) -> AsyncGenerator[Spoken, None]:
        """The sound of a line, as soon as it is there; leaving early frees the engine at once.

        `pressing` tells, turn by turn, whether somebody waits for it.
        """
        delivery = Delivery(self._clock, pressing)
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


class Delivery:
    """How much of a line has been handed over, and so when its listener would run dry."""

    def __init__(self, clock: Callable[[], float], pressing: Callable[[], bool]) -> None:
        self.samples = 0
        self.sample_rate = 1
        self._clock = clock
        self._pressing = pressing
        self._asked = clock()
        self._text_ms: float | None = None
        self._first: float | None = None

    def text_is_ready(self) -> None:
        if self._text_ms is None:
            self._text_ms = self._milliseconds()

    def deadline(self) -> float:
        """First sounds are due since they were asked for, later ones when the heard ones end."""
        if not self._pressing():
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

    def __init__(self, engine: Synthesizer, piece: Piece, origin: int) -> None:
        self._rate = engine.sample_rate
        free = engine.keeps_time
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


def _moved(word: Word, start: float) -> Word:
    return Word(
        word.text, round(max(0.0, word.start + start), 4), round(max(0.0, word.end + start), 4)
    )
