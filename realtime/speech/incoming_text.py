"""A text while it is being written: bits go in, pieces come out as soon as they are complete.

The caller says how it is cut when the first piece can be made, since the text that is there until
then decides who speaks.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from enum import IntEnum

from realtime.audio.playback import Playback
from realtime.speech.request import nothing_to_say
from realtime.text.boundaries import last_clause
from realtime.text.normalise import Cleaner, has_speech
from realtime.text.split import BLOCK, SHORT, Piece, Splitter, spoken_seconds
from realtime.timer import Timer

PAUSE_SECONDS = 0.4  # without new text: then the text that is there is spoken
SOON_SECONDS = 0.06  # after a sign that may stand within a number or a name: "3.14", "Dr. Smith"
BEHIND_SECONDS = 0.005  # after a sure end of a clause: the end of the text may be right behind it
FLUSH = ""  # among the bits of text, of which none is empty


class Due(IntEnum):
    """The part of the uncut text that must be spoken now."""

    NOTHING = 0
    CLAUSES = 1
    EVERYTHING = 2


class IncomingText:
    """A text with one writer and one reader; `check_length` refuses too much of it."""

    def __init__(
        self, check_length: Callable[[int], None], timer: Timer, playback: Playback
    ) -> None:
        self.playback = playback  # of the sound that is made of it
        self.ready_at = 0.0  # when the text of the first piece was complete
        self.ended = False
        self._check_length = check_length
        self._timer = timer
        self._written: list[str] = []
        self._length = 0
        self._coming: deque[tuple[str, float]] = deque()  # bits, and when they came
        self._changed = asyncio.Event()
        self._changed_at = 0.0
        self._cleaner = Cleaner()
        self._splitter_for: Callable[[str], Splitter] | None = None
        self._splitter: Splitter | None = None
        self._least = 0.0
        self._begun = ""  # the clean text before the first piece is cut
        self._pieces: deque[Piece] = deque()
        self._done = False

    @property
    def text(self) -> str:
        """Return all that was written."""
        return "".join(self._written)

    def write(self, text: str) -> None:
        """Add to the text; too much of it is refused."""
        if self.ended or not text:
            return
        self._check_length(self._length + len(text))
        self._length += len(text)
        self._written.append(text)
        self._put(text)

    def flush(self) -> None:
        """Make the text that is there due, whatever may follow."""
        if not self.ended and (not self._coming or self._coming[-1][0] != FLUSH):
            self._put(FLUSH)

    def end(self) -> None:
        """End the text: it is whole now."""
        if not self.ended:
            self.ended = True
            self._put(FLUSH)

    async def first(self, splitter_for: Callable[[str], Splitter]) -> Piece:
        """Wait for the first piece; a text without sound is an error.

        `splitter_for` is asked with the text that is there, until a piece is complete.
        """
        self._splitter_for = splitter_for
        piece = await self.next()
        if piece is None:
            raise nothing_to_say()
        return piece

    async def next(self) -> Piece | None:
        """Wait for the next piece; None: the text has ended."""
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
        due = await self._wait_for_more()
        if due is Due.NOTHING:
            text, due, at = self._take()
        elif due is Due.EVERYTHING:  # only the pause has made it a piece
            at = self._timer.now()
        ended = self.ended and not self._coming
        begins = self._splitter is None
        # Cutting a thousand characters takes up to 50 ms.
        if len(text) <= SHORT:
            self._pieces.extend(self._cut(text, due, ended))
        else:
            self._pieces.extend(await asyncio.to_thread(self._cut, text, due, ended))
        if begins:
            self.ready_at = at
        self._done = ended

    async def _wait_for_more(self) -> Due:
        """Wait for a bit of text; return what of the uncut text is due before one comes."""
        while not self._coming:
            self._changed.clear()
            uncut = self._uncut()
            if not has_speech(uncut):
                await self._changed.wait()
                continue
            due_at, due = min(self._due_times(uncut))
            left = max(0.0, due_at - self._timer.now())
            if not await self._timer.wait_within(left, self._changed):
                return due
        return Due.NOTHING

    def _due_times(self, uncut: str) -> Iterator[tuple[float, Due]]:
        """Yield when the uncut text is due, if no new text comes before, and how much of it."""
        yield self._changed_at + PAUSE_SECONDS, Due.EVERYTHING
        clause = last_clause(uncut, surely=False)
        if clause is None:
            return
        sure = clause == last_clause(uncut, surely=True)
        if self._splitter is not None:
            # The listener runs dry soon: one clause now is better than several of them late.
            if sure and self.playback.started:
                now = self._timer.now()
                yield now + self.playback.seconds_ahead(now) - self._least, Due.CLAUSES
        elif spoken_seconds(uncut[: clause.place]) >= self._least:
            yield self._changed_at + (BEHIND_SECONDS if sure else SOON_SECONDS), Due.CLAUSES

    def _take(self) -> tuple[str, Due, float]:
        """Take the text up to the next flush, but not too much at once, and when it came."""
        bits: list[str] = []
        length, at = 0, 0.0
        while self._coming and length < BLOCK:
            bit, at = self._coming.popleft()
            if bit == FLUSH:
                return "".join(bits), Due.EVERYTHING, at
            room = BLOCK - length
            if len(bit) > room:
                self._coming.appendleft((bit[room:], at))
            bits.append(bit[:room])
            length += len(bits[-1])
        return "".join(bits), Due.NOTHING, at

    def _cut(self, text: str, due: Due, ended: bool) -> list[Piece]:
        """Cut off the pieces that are complete with some more text, and what is due of the rest."""
        clean = self._cleaner.feed(text)
        if ended:
            due = Due.EVERYTHING
        elif not has_speech(self._uncut() + clean):
            due = Due.NOTHING  # signs without sound are no piece: they wait for what they belong to
        if due is not Due.NOTHING:
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
        if due is Due.EVERYTHING:
            pieces += splitter.flush()
        elif due is Due.CLAUSES:
            pieces += splitter.clauses()
        if pieces:
            self._splitter = splitter
        return pieces

    def _uncut(self) -> str:
        before = self._begun if self._splitter is None else self._splitter.waiting
        return before + self._cleaner.waiting
