"""The way of a line through its engine: pieces, turns on the lane, trimmed and joined sound.

It knows no wish and no cache: a line goes in, its sound comes out as it is made.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from realtime.audio.playback import Playback
from realtime.audio.samples import silence, to_pcm16
from realtime.audio.spoken import Spoken, Word
from realtime.audio.trim import Trimmer
from realtime.engines.contract import (
    CancelToken,
    Chunk,
    LineState,
    ReadsAhead,
    Synthesizer,
    Utterance,
)
from realtime.errors import SynthesisFailed, YamabikoError
from realtime.models.lanes import WHEN_IDLE
from realtime.models.loaded import LoadedModels
from realtime.models.model import Lease
from realtime.speech.line import Line
from realtime.text.split import SHORT, Piece, Splitter, blocks, cut_into_pieces

logger = logging.getLogger(__name__)


class Synthesis:
    """Lines into sound, each on its engine's lane."""

    def __init__(self, models: LoadedModels, clock: Callable[[], float] = time.monotonic) -> None:
        self._models = models
        self._clock = clock

    async def speak(
        self,
        line: Line,
        pressing: Callable[[], bool] = lambda: True,
        pieces: AsyncGenerator[Piece, None] | None = None,
        playback: Playback | None = None,
    ) -> AsyncGenerator[Spoken, None]:
        """The sound of a line, as soon as it is there; leaving early frees the engine at once.

        `pressing` tells, turn by turn, whether somebody waits for it. `pieces` come from a text
        that is still being written; without them the line's whole text is cut. `playback` tells
        whoever wants to know how far its listener is.
        """
        delivery = Delivery(self._clock, pressing, playback or Playback())
        async with (
            self._models.synthesizer(line.engine).lease(
                f"a line of {line.character.name}"
            ) as lease,
            aclosing(pieces or self._pieces(line, lease)) as coming,
        ):
            delivery.sample_rate = lease.engine.sample_rate
            pause, line_state, first = 0.0, LineState(line.longprompt), True
            async for piece in coming:
                utterance = await _read(_utterance(line, piece, line_state, first), lease.engine)
                delivery.text_is_ready()
                # A pause belongs to what follows it: only then is it known that something does.
                if (part := delivery.deliver(_silence(lease.engine, pause), ())) is not None:
                    yield part
                async with aclosing(self._spoken(line, utterance, lease, delivery)) as spoken:
                    async for part in spoken:
                        yield part
                pause, first = piece.pause, False

    async def _pieces(self, line: Line, lease: Lease[Synthesizer]) -> AsyncGenerator[Piece, None]:
        """The line's text cut into pieces; a long one off the loop, block by block."""
        engine = lease.engine
        splitter = Splitter(line.language, engine.first_piece * line.speed, engine.work)
        if len(line.text) <= SHORT:
            for piece in cut_into_pieces(line.text, splitter):
                yield piece
            return
        for block in blocks(line.text):
            for piece in await asyncio.to_thread(splitter.feed, block):
                yield piece
        for piece in await asyncio.to_thread(splitter.flush):
            yield piece

    async def _spoken(
        self, line: Line, utterance: Utterance, lease: Lease[Synthesizer], delivery: Delivery
    ) -> AsyncGenerator[Spoken, None]:
        """A piece with its edges trimmed."""
        join = Join(lease.engine, delivery.samples)
        async with aclosing(self._chunks(line, utterance, lease, delivery)) as chunks:
            async for chunk in chunks:
                if (part := delivery.deliver(*join.feed(chunk))) is not None:
                    yield part
        if (part := delivery.deliver(join.finish(), ())) is not None:
            yield part

    async def _chunks(
        self, line: Line, utterance: Utterance, lease: Lease[Synthesizer], delivery: Delivery
    ) -> AsyncGenerator[Chunk, None]:
        """A piece as the engine speaks it, on its lane."""

        def start(cancel: CancelToken) -> Iterator[Chunk]:
            delivery.turn_has_come()
            return lease.engine.speak(utterance, cancel)

        with _told(line.engine):
            async with aclosing(lease.lane.stream(start, delivery.deadline)) as chunks:
                async for chunk in chunks:
                    yield chunk


class Delivery:
    """How much of a line has been handed over, and so when its listener would run dry."""

    def __init__(
        self, clock: Callable[[], float], pressing: Callable[[], bool], playback: Playback
    ) -> None:
        self.samples = 0
        self.sample_rate = 1
        self._clock = clock
        self._pressing = pressing
        self._asked = clock()
        self._timing: dict[str, float] = {}
        self._ready = self._asked
        self._playback = playback

    def text_is_ready(self) -> None:
        """A piece can be spoken; who waited for the text until now has not been let down."""
        now = self._clock()
        self._playback.ignore_gap(now)
        if not self._timing:
            self._ready = now
            self._timing["text"] = self._milliseconds(now - self._asked)

    def turn_has_come(self) -> None:
        """The lane begins with a piece; of the first one it is told how long it waited."""
        self._timing.setdefault("queue", self._milliseconds(self._clock() - self._ready))

    def deadline(self) -> float:
        """First sounds are due since they were asked for, later ones when the heard ones end."""
        if not self._pressing():
            return WHEN_IDLE
        return self._playback.runs_dry_at() if self._playback.started else self._asked

    def deliver(self, samples: npt.NDArray[np.float32], words: tuple[Word, ...]) -> Spoken | None:
        if not samples.size and not words:
            return None
        now = self._clock()
        timing: dict[str, float] = {}
        if samples.size and not self._playback.started:
            timing = {**self._timing, "first_audio": self._milliseconds(now - self._asked)}
        if samples.size:
            self._playback.add(samples.size / self.sample_rate, now)
        self.samples += samples.size
        return Spoken(to_pcm16(samples), words, timing)

    def _milliseconds(self, seconds: float) -> float:
        return round(1000 * seconds, 2)


class Join:
    """One piece's sound with its edges trimmed, and its words where they are heard."""

    def __init__(self, engine: Synthesizer, origin: int) -> None:
        self._rate = engine.sample_rate
        free = engine.keeps_time
        # The line's own start is held to its 15 ms; within a line a soft onset matters more.
        starts = origin == 0
        self._trimmer = Trimmer(self._rate, lead=starts or not free, tail=not free, soft=not starts)
        self._origin = origin
        self._fed = 0
        self._given = 0

    def feed(self, chunk: Chunk) -> tuple[npt.NDArray[np.float32], tuple[Word, ...]]:
        before = self._fed
        self._fed += chunk.samples.size
        samples = self._trimmer.feed(chunk.samples)
        self._given += samples.size
        start = (self._origin + before - self._trimmer.removed) / self._rate
        # What is held back is silence: a word has ended where sound has.
        end = (self._origin + self._given) / self._rate
        return samples, tuple(_moved(word, start, end) for word in chunk.words)

    def finish(self) -> npt.NDArray[np.float32]:
        return self._trimmer.finish()


def _utterance(line: Line, piece: Piece, line_state: LineState, first: bool) -> Utterance:
    return Utterance(
        piece.segments,
        line.character,
        accent=line.accent,
        speed=line.speed,
        seed=line.seed,
        first=first,
        line_state=line_state,
    )


async def _read(utterance: Utterance, engine: Synthesizer) -> Utterance:
    """Read already, off the loop and off the lane, where the engine does that."""
    if not isinstance(engine, ReadsAhead):
        return utterance
    with _told(engine.name):
        return replace(utterance, reading=await asyncio.to_thread(engine.read, utterance))


@contextmanager
def _told(engine: str) -> Iterator[None]:
    """Whatever a model library throws ends this line alone."""
    try:
        yield
    except YamabikoError:
        raise
    except Exception as error:
        logger.exception("%s failed while speaking", engine)
        raise SynthesisFailed(
            f"The engine {engine!r} failed while it spoke.",
            hint="The server's log says more; asking again may help.",
        ) from error


def _silence(engine: Synthesizer, seconds: float) -> npt.NDArray[np.float32]:
    """A pause between pieces, which engines that keep time make themselves."""
    return silence(0.0 if engine.keeps_time else seconds, engine.sample_rate)


def _moved(word: Word, start: float, most: float) -> Word:
    def moved(place: float) -> float:
        found = round(max(0.0, place + start), 4)
        return found if found <= most else math.floor(10_000 * most + 1e-6) / 10_000

    return Word(word.text, moved(word.start), moved(word.end))
