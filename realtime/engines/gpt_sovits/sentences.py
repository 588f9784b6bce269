"""The sentences of a piece of text, each read and short enough for a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from realtime.engines.gpt_sovits.sentence import ReadSentence, SentenceReader
from realtime.engines.gpt_sovits.text.cutting import cut
from realtime.text.language import Segment

MOST_PHONES = 400  # of a sentence; a model knows none as long, and its cache has a bound
FINEST = "cut5"  # the way of cutting that makes the shortest sentences


def read_sentences(
    segments: Sequence[Segment], accent: str | None, method: str, reader: SentenceReader
) -> list[ReadSentence]:
    """Read a piece; a text in several languages is cut between them only where it is too long."""
    languages = {accent or segment.language for segment in segments}
    if len(languages) > 1:
        whole = reader.read([(each.text, each.language) for each in segments])
        if len(whole.phones) <= MOST_PHONES:
            return [replace(whole, said=whole.text.strip())] if whole.parts else []
        return [
            sentence
            for segment in segments
            for sentence in read_sentences([segment], accent, method, reader)
        ]
    text = "".join(segment.text for segment in segments)
    return list(_cut(text, languages.pop(), method, reader)) if languages else []


def _part_of(text: str, sentence: str) -> str:
    """Return a sentence without the signs that cutting put around it."""
    for part in (sentence, sentence[1:], sentence[:-1], sentence[1:-1]):
        if part in text:
            return part.strip()
    return sentence


def _cut(text: str, language: str, method: str, reader: SentenceReader) -> Iterator[ReadSentence]:
    for sentence in cut(text, language, method):
        said = _part_of(text, sentence)
        read = reader.read([(sentence, language)])
        if len(read.phones) <= MOST_PHONES:
            if read.parts:
                yield replace(read, said=said)
        elif method != FINEST:
            yield from _cut(said, language, FINEST, reader)
        else:
            half = len(said) // 2
            for part in (said[:half], said[half:]):
                yield from _cut(part, language, FINEST, reader)
