"""A line that is spoken while its text is still being written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from realtime.cache import Cache, Recording
from realtime.errors import YamabikoError
from realtime.speech.incoming_text import IncomingText
from realtime.speech.line import Line
from realtime.speech.producer import LineIdentity, LineProducer, record
from realtime.speech.request import LineRequest, LineResolver, with_notices
from realtime.text.language import Segment
from realtime.text.split import Piece, Splitter, cut_into_pieces


class LineWhileWritten:
    """A line that begins with the first piece of a text, and takes its pieces as they come.

    When the text is whole, and was cut as the whole text is cut, it is the whole text's line: its
    recording gets that line's address and is kept.
    """

    def __init__(
        self,
        request: LineRequest,
        incoming: IncomingText,
        resolver: LineResolver,
        producer: LineProducer,
        cache: Cache,
    ) -> None:
        self._request = request
        self._incoming = incoming
        self._resolver = resolver
        self._producer = producer
        self._cache = cache
        self._identity: LineIdentity | None = None
        self._pieces: list[Piece] = []  # that were given to the engine

    @property
    def identity(self) -> LineIdentity:
        assert self._identity is not None, "its first piece decides who speaks"
        return self._identity

    async def begin(self) -> None:
        """Wait for the first piece; the text that is there until then decides who speaks."""
        self._pieces.append(await self._incoming.first(self._choose_splitter))

    async def produce(self, recording: Recording) -> None:
        """Speak the text as it comes; then find out of which line the recording is."""
        line = self.identity.line
        spoken = self._producer.speak(
            line, lambda: recording.urgent, self._coming_pieces(), self._incoming.playback
        )
        await record(recording, spoken)
        whole, is_as_spoken = await asyncio.to_thread(self._whole_line)
        self.identity.line = whole
        if is_as_spoken:
            self.identity.address = self._producer.address(whole)
            self._cache.give_address(recording, self.identity.address)

    def _choose_splitter(self, text: str) -> Splitter:
        """Return the splitter for a text of which this much is written.

        It is asked for again, with more text, until a piece is complete.
        """
        line = self._resolver.resolve_begun(self._request, text)
        self._identity = LineIdentity(line)
        return self._producer.splitter(line)

    async def _coming_pieces(self) -> AsyncGenerator[Piece, None]:
        piece: Piece | None = self._pieces[0]
        while piece is not None:
            yield piece
            piece = await self._incoming.next()
            if piece is not None:
                self._pieces.append(piece)

    def _whole_line(self) -> tuple[Line, bool]:
        """Return the line of the whole text; the flag says that it would have been spoken so."""
        try:
            whole = self._resolver.resolve(replace(self._request, text=self._incoming.text))
        except YamabikoError:  # its character may have left meanwhile
            return self.identity.line, False
        begun = with_notices(replace(self.identity.line, text=whole.text))
        if self._producer.address(whole) != self._producer.address(begun):
            return begun, False
        pieces = cut_into_pieces(whole.text, self._producer.splitter(whole))
        return begun, _cuts(self._pieces) == _cuts(pieces)


def _cuts(pieces: Sequence[Piece]) -> list[tuple[tuple[Segment, ...], float]]:
    """Return what decides the sound of pieces: after the last one no pause is made."""
    last = len(pieces) - 1
    return [
        (piece.segments, piece.pause if place < last else 0.0) for place, piece in enumerate(pieces)
    ]
