"""A text while it is being written: bits go in, pieces come out as soon as they are complete.

It knows no line and no engine: who speaks, and so how it is cut, is asked for when the first
piece can be made.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

from realtime.audio.playback import Playback
from realtime.speech.request import nothing_to_say
from realtime.text.boundaries import last_clause
from realtime.text.normalise import Cleaner, has_speech
from realtime.text.split import BLOCK, SHORT, Piece, Splitter, spoken_seconds
from realtime.timer import Timer

PAUSE_SECONDS = 0.4  # without new text: then what is there is spoken
SOON_SECONDS = 0.06  # a sign that may stand within a number or a name ends its clause after so long
BEHIND_SECONDS = 0.005  # what is right behind a clause still counts: mostly the end of the text
NOTHING, CLAUSES, EVERYTHING = range(3)  # how much of what is there is due
FLUSH = ""  # stands between bits of text, of which none is empty


class IncomingText:
    """One text with one writer and one reader; it is bounded by `check_length`."""

    def __init__(
        self, check_length: Callable[[int], None], timer: Timer, playback: Playback
    ) -> None:
        self.playback = playback  # of what was made of it
        self.ready_at = 0.0  # when the text of the first piece was complete
        self.ended = False
        self._check_length = check_length
        self._timer = timer
        self._written: list[str] = []
        self._length = 0
        self._coming: deque[tuple[str, float]] = deque()
        self._changed = asyncio.Event()
        self._changed_at = 0.0
        self._cleaner = Cleaner()
        self._splitter_for: Callable[[str], Splitter] | None = None
        self._splitter: Splitter | None = None
        self._least = 0.0
        self._begun = ""  # the clean text before its first piece was cut
        self._pieces: deque[Piece] = deque()
        self._done = False

    @property
    def text(self) -> str:
        """Everything that was written."""
        return "".join(self._written)

    def write(self, text: str) -> None:
        """Some more of the text; too much of it is refused."""
        if self.ended or not text:
            return
        self._check_length(self._length + len(text))
        self._length += len(text)
        self._written.append(text)
        self._put(text)

    def flush(self) -> None:
        """Speak what is there, whatever may follow."""
        if not self.ended and (not self._coming or self._coming[-1][0] != FLUSH):
            self._put(FLUSH)

    def end(self) -> None:
        """Nothing follows."""
        if not self.ended:
            self.ended = True
            self._put(FLUSH)

    async def first(self, splitter_for: Callable[[str], Splitter]) -> Piece:
        """The first piece; how to cut is asked with what is there, until a piece is complete."""
        self._splitter_for = splitter_for
        piece = await self.next()
        if piece is None:
            raise nothing_to_say()
        return piece

    async def next(self) -> Piece | None:
        """The next piece, as soon as it is complete; None: the text has ended."""
        while not self._pieces:
            if self._done:
                return None
            await self._cut_more()
        return self._pieces.popleft()

    def _put(self, bit: str) -> None:
        self._changed_at = self._timer.now()
        self._coming.append((bit, self._changed_at))
        self._changed.set()

    async def _cut_more(self) -> None:
        text, at = "", self._changed_at
        much = await self._comes()
        if much == NOTHING:
            text, much, at = self._taken()
        elif much == EVERYTHING:  # only the pause has made it a piece
            at = self._timer.now()
        ended = self.ended and not self._coming
        begins = self._splitter is None
        # Cutting a thousand characters takes up to 50 ms.
        if len(text) <= SHORT:
            self._pieces.extend(self._cut(text, much, ended))
        else:
            self._pieces.extend(await asyncio.to_thread(self._cut, text, much, ended))
        self.ready_at = at if begins else self.ready_at
        self._done = ended

    async def _comes(self) -> int:
        """Wait for something new; or, when what is there is due before, tell how much of it."""
        while not self._coming:
            self._changed.clear()
            uncut = self._uncut()
            if not has_speech(uncut):
                await self._changed.wait()
                continue
            due, much = min(self._dues(uncut))
            left = max(0.0, due - self._timer.now())
            if not await self._timer.wait_within(left, self._changed):
                return much
        return NOTHING

    def _dues(self, uncut: str) -> Iterator[tuple[float, int]]:
        """When what is there is spoken, if nothing new comes before, and how much of it."""
        yield self._changed_at + PAUSE_SECONDS, EVERYTHING
        clause = last_clause(uncut, surely=False)
        if clause is None:
            return
        sure = clause == last_clause(uncut, surely=True)
        if self._splitter is not None:
            # Its listener has heard nearly all: a clause now is better than more of them late.
            if sure and self.playback.started:
                now = self._timer.now()
                yield now + self.playback.seconds_ahead(now) - self._least, CLAUSES
        elif spoken_seconds(uncut[: clause.place]) >= self._least:
            yield self._changed_at + (BEHIND_SECONDS if sure else SOON_SECONDS), CLAUSES

    def _taken(self) -> tuple[str, int, float]:
        """Text up to the next flush, but not too much at once; when it came."""
        bits: list[str] = []
        length, at = 0, 0.0
        while self._coming and length < BLOCK:
            bit, at = self._coming.popleft()
            if bit == FLUSH:
                return "".join(bits), EVERYTHING, at
            room = BLOCK - length
            if len(bit) > room:
                self._coming.appendleft((bit[room:], at))
            bits.append(bit[:room])
            length += len(bits[-1])
        return "".join(bits), NOTHING, at

    def _cut(self, text: str, much: int, ended: bool) -> list[Piece]:
        """The pieces that are complete with some more text, and what is due of the rest."""
        clean = self._cleaner.feed(text)
        if ended:
            much = EVERYTHING
        elif not has_speech(self._uncut() + clean):
            much = NOTHING  # signs without sound are no piece: they wait for what they belong to
        if much != NOTHING:
            clean += self._cleaner.flush()
        splitter = self._splitter
        if splitter is None:
            clean = self._begun = self._begun + clean
            if not has_speech(clean):
                return []
            assert self._splitter_for is not None, "the first piece is asked for first"
            splitter = self._splitter_for(clean)
        self._least = splitter.least
        pieces = splitter.feed(clean)
        if much == EVERYTHING:
            pieces += splitter.flush()
        elif much == CLAUSES:
            pieces += splitter.clauses()
        if pieces:
            self._splitter = splitter
        return pieces

    def _uncut(self) -> str:
        before = self._begun if self._splitter is None else self._splitter.waiting
        return before + self._cleaner.waiting
