"""A text while it is being written: bits go in, pieces come out as soon as they are complete.

It knows no line and no engine: who speaks, and so how it is cut, is asked for when the first
piece can be made.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable

from realtime.text.boundaries import ends_clause
from realtime.text.normalise import Cleaner, has_speech
from realtime.text.split import BLOCK, EARLY_SECONDS, Piece, Splitter, seconds
from realtime.timer import Timer
from realtime.wish import nothing_to_say

PAUSE_SECONDS = 0.4  # without new text: then what is there is spoken
PATIENCE_SECONDS = 0.1  # after a first clause: who writes fast gets the cuts of the whole text
FLUSH = ""  # stands between bits of text, of which none is empty


class Draft:
    """One text with one writer and one reader; it is bounded by `check_length`."""

    def __init__(self, check_length: Callable[[int], None], timer: Timer) -> None:
        self.ready_at = 0.0  # when the text of the first piece was complete
        self.ended = False
        self._check_length = check_length
        self._timer = timer
        self._written: list[str] = []
        self._length = 0
        self._coming: deque[tuple[str, float]] = deque()
        self._changed = asyncio.Event()
        self._changed_at = 0.0
        self._hungry_at = math.inf  # from then on what is there must do
        self._tried = False  # whether that was tried with what is there
        self._clause_waits = False  # the first one, for what may belong to it
        self._cleaner = Cleaner()
        self._splitter_for: Callable[[str], Splitter] | None = None
        self._splitter: Splitter | None = None
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

    async def next(self, wanted_at: float = math.inf) -> Piece | None:
        """The next piece, as soon as it is complete; None: the text has ended.

        When it is wanted and not complete, the clauses or words that are there must do.
        """
        self._hungry_at, self._tried = wanted_at, False
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
        if await self._comes():
            text, flush, at = self._taken()
        else:
            at = self._timer.now()
            text, flush = "", at >= self._changed_at + PAUSE_SECONDS
        ended = self.ended and not self._coming
        begins = self._splitter is None
        self._tried = hungry = at >= self._hungry_at
        # Cutting a thousand characters takes up to 50 ms.
        pieces = await asyncio.to_thread(self._cut, text, flush, ended, hungry)
        if begins:
            self.ready_at = at
            if self._clause_waits and not math.isfinite(self._hungry_at):
                self._hungry_at = at + PATIENCE_SECONDS
        self._pieces.extend(pieces)
        self._done = ended

    async def _comes(self) -> bool:
        """Wait for something new; false when it is time to do with what is there."""
        while not self._coming:
            self._changed.clear()
            if not has_speech(self._uncut()):
                await self._changed.wait()
                continue
            now = self._timer.now()
            until = self._changed_at + PAUSE_SECONDS
            if not self._tried:
                until = min(until, self._hungry_at)
            if not await self._timer.within(max(0.0, until - now), self._changed):
                return False
        return True

    def _taken(self) -> tuple[str, bool, float]:
        """Text up to the next flush, but not too much at once; when it came."""
        bits: list[str] = []
        length, at = 0, 0.0
        while self._coming and length < BLOCK:
            bit, at = self._coming.popleft()
            if bit == FLUSH:
                return "".join(bits), True, at
            room = BLOCK - length
            if len(bit) > room:
                self._coming.appendleft((bit[room:], at))
            bits.append(bit[:room])
            length += len(bits[-1])
        return "".join(bits), False, at

    def _cut(self, text: str, flush: bool, ended: bool, hungry: bool) -> list[Piece]:
        """The pieces that are complete with some more text."""
        clean = self._cleaner.feed(text)
        # Signs without sound are no piece: they wait for what they belong to.
        flush = ended or (flush and has_speech(self._uncut() + clean))
        if flush:
            clean += self._cleaner.flush()
        splitter = self._splitter
        if splitter is None:
            clean = self._begun = self._begun + clean
            if not has_speech(clean):
                return []
            assert self._splitter_for is not None, "the first piece is asked for first"
            splitter = self._splitter_for(clean)
        pieces = splitter.feed(clean) + (splitter.flush() if flush else [])
        if not pieces and hungry and (pieces := self._early(splitter)):
            splitter.grow_from(pieces[-1])
        if pieces:
            self._splitter = splitter
        else:
            self._clause_waits = self._ends_clause(splitter) or splitter.clause() is not None
        return pieces

    def _early(self, splitter: Splitter) -> list[Piece]:
        """The clauses that are there; words only where a listener would run dry."""
        if self._ends_clause(splitter):
            return splitter.feed(self._cleaner.flush()) + splitter.flush()
        return splitter.early(words=self._splitter is not None)

    def _ends_clause(self, splitter: Splitter) -> bool:
        text = splitter.waiting + self._cleaner.waiting
        return ends_clause(text) and has_speech(text) and seconds(text) >= EARLY_SECONDS

    def _uncut(self) -> str:
        before = self._begun if self._splitter is None else self._splitter.waiting
        return before + self._cleaner.waiting
