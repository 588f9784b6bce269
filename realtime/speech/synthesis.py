"""The synthesis of a line: cut into pieces, spoken on the engine's lane, trimmed and joined."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace

from realtime.audio.playback import Playback
from realtime.audio.samples import Samples, silence, to_pcm16
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
from realtime.engines.failure import engine_failures
from realtime.models.lanes import WHEN_IDLE
from realtime.models.loaded import LoadedModels
from realtime.models.model import Lease
from realtime.speech.line import Line
from realtime.text.split import SHORT, Piece, Splitter, blocks, cut_into_pieces


def splitter_for(line: Line, engine: Synthesizer) -> Splitter:
    """Return the splitter of a line.

    The cuts decide how a line sounds: a text that came bit by bit is the whole text's recording
    only because both are cut by this rule. A change of it needs a new `producer.WAY`.
    """
    # At twice the speed a piece of two seconds' length is heard in one.
    return Splitter(line.language, engine.first_piece * line.speed, engine.work)


class Synthesis:
    """A speaker of lines, each on its engine's lane."""

    def __init__(self, models: LoadedModels, clock: Callable[[], float] = time.monotonic) -> None:
        self._models = models
        self._clock = clock

    async def speak(
        self,
        line: Line,
        is_urgent: Callable[[], bool] = lambda: True,
        pieces: AsyncGenerator[Piece, None] | None = None,
        playback: Playback | None = None,
        user: str = "",
    ) -> AsyncGenerator[Spoken, None]:
        """Yield the sound of a line as soon as it is made; leaving early frees the engine at once.

        `is_urgent` tells, turn by turn, whether a listener waits. `pieces` come from a text that is
        still being written; without them the line's whole text is cut. `playback` is kept up to
        date for a caller who wants to know how far the listener is. `user` is the name under which
        the engine is used.
        """
        delivery = Delivery(self._clock, is_urgent, playback or Playback())
        async with (
            self._models.synthesizer(line.engine).lease(
                user or f"a line of {line.character.name}"
            ) as lease,
            aclosing(pieces or self._pieces(line, lease)) as coming,
        ):
            delivery.sample_rate = lease.engine.sample_rate
            pause, line_state, first = 0.0, LineState(line.longprompt), True
            async for piece in coming:
                utterance = _utterance(line, piece, line_state, first)
                utterance = await _read_ahead(utterance, lease.engine)
                delivery.note_text_ready()
                # A pause belongs to what follows it: only then is it known that something does.
                if (part := delivery.deliver(_silence(lease.engine, pause), ())) is not None:
                    yield part
                async with aclosing(self._spoken(line, utterance, lease, delivery)) as spoken:
                    async for part in spoken:
                        yield part
                pause, first = piece.pause, False

    async def _pieces(self, line: Line, lease: Lease[Synthesizer]) -> AsyncGenerator[Piece, None]:
        """Cut the line's text into pieces; a long one off the loop, block by block."""
        splitter = splitter_for(line, lease.engine)
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
        """Yield the sound of a piece with its edges trimmed."""
        trimmed = TrimmedPiece(lease.engine, delivery.samples)
        async with aclosing(self._chunks(line, utterance, lease, delivery)) as chunks:
            async for chunk in chunks:
                if (part := delivery.deliver(*trimmed.feed(chunk))) is not None:
                    yield part
        if (part := delivery.deliver(trimmed.finish(), ())) is not None:
            yield part

    async def _chunks(
        self, line: Line, utterance: Utterance, lease: Lease[Synthesizer], delivery: Delivery
    ) -> AsyncGenerator[Chunk, None]:
        """Yield the chunks of a piece as the engine speaks it, on its lane."""

        def start(cancel: CancelToken) -> Iterator[Chunk]:
            delivery.note_turn()
            return lease.engine.speak(utterance, cancel)

        with engine_failures(line.engine, "speaking"):
            async with aclosing(lease.lane.stream(start, delivery.deadline)) as chunks:
                async for chunk in chunks:
                    yield chunk


class Delivery:
    """The sound of a line that was handed over, and so the time when its listener runs dry."""

    def __init__(
        self, clock: Callable[[], float], is_urgent: Callable[[], bool], playback: Playback
    ) -> None:
        self.samples = 0
        self.sample_rate = 1
        self._clock = clock
        self._is_urgent = is_urgent
        self._asked_at = clock()
        self._text_ready_at = self._asked_at
        self._timing: dict[str, float] = {}  # milliseconds
        self._playback = playback

    def note_text_ready(self) -> None:
        """Note that a piece can be spoken; waiting for text until now makes no sound late."""
        now = self._clock()
        self._playback.ignore_gap(now)
        if not self._timing:
            self._text_ready_at = now
            self._timing["text"] = _milliseconds(now - self._asked_at)

    def note_turn(self) -> None:
        """Note that the lane begins with a piece; the wait of the first one is a timing."""
        self._timing.setdefault("queue", _milliseconds(self._clock() - self._text_ready_at))

    def deadline(self) -> float:
        """Return when the next sound is due.

        The first one is due at the time of the request, so the oldest request goes first; later
        ones are due when the listener runs dry.
        """
        if not self._is_urgent():
            return WHEN_IDLE
        return self._playback.runs_dry_at() if self._playback.started else self._asked_at

    def deliver(self, samples: Samples, words: tuple[Word, ...]) -> Spoken | None:
        """Count some sound as handed over and return it; None where there is nothing."""
        if not samples.size and not words:
            return None
        now = self._clock()
        timing: dict[str, float] = {}
        if samples.size and not self._playback.started:
            timing = {**self._timing, "first_audio": _milliseconds(now - self._asked_at)}
        if samples.size:
            self._playback.add(samples.size / self.sample_rate, now)
        self.samples += samples.size
        return Spoken(to_pcm16(samples), words, timing)


class TrimmedPiece:
    """The sound of one piece with its edges trimmed, and its words at their times in the line.

    `origin` is the number of samples of the line before the piece.
    """

    def __init__(self, engine: Synthesizer, origin: int) -> None:
        self._rate = engine.sample_rate
        # An engine that keeps time makes the pauses itself: only the line's own start is cut.
        trims = not engine.keeps_time
        begins_line = origin == 0
        # The line's start is held to its 15 ms of silence; later a soft onset matters more.
        self._trimmer = Trimmer(
            self._rate, lead=begins_line or trims, tail=trims, soft=not begins_line
        )
        self._origin = origin
        self._fed = 0
        self._given = 0

    def feed(self, chunk: Chunk) -> tuple[Samples, tuple[Word, ...]]:
        before = self._fed
        self._fed += chunk.samples.size
        samples = self._trimmer.feed(chunk.samples)
        self._given += samples.size
        start = (self._origin + before - self._trimmer.removed) / self._rate
        # What is held back is silence: a word has ended where sound has.
        end = (self._origin + self._given) / self._rate
        return samples, tuple(_move_word(word, start, end) for word in chunk.words)

    def finish(self) -> Samples:
        return self._trimmer.finish()


def _utterance(line: Line, piece: Piece, line_state: LineState, first: bool) -> Utterance:
    return Utterance(
        piece.segments,
        line.character,
        accent=line.accent,
        speed=line.speed,
        seed=line.seed,
        first=first,
        options=line.options,
        line_state=line_state,
    )


async def _read_ahead(utterance: Utterance, engine: Synthesizer) -> Utterance:
    """Let an engine that can read the text beforehand, off the loop and off the lane."""
    if not isinstance(engine, ReadsAhead):
        return utterance
    with engine_failures(engine.name, "speaking"):
        return replace(utterance, reading=await asyncio.to_thread(engine.read, utterance))


def _silence(engine: Synthesizer, seconds: float) -> Samples:
    """Make the pause between pieces, which engines that keep time make themselves."""
    return silence(0.0 if engine.keeps_time else seconds, engine.sample_rate)


def _move_word(word: Word, start: float, most: float) -> Word:
    """Move a word by `start` seconds, to times between 0 and `most` with four digits."""

    def moved(place: float) -> float:
        found = round(max(0.0, place + start), 4)
        # Rounded down at the bound: a word must not end after the sound.
        return found if found <= most else math.floor(10_000 * most + 1e-6) / 10_000

    return Word(word.text, moved(word.start), moved(word.end))


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 2)
