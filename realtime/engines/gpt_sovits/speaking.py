"""Speaking of one sentence: codes step by step beside other lines, and sound as they come.

A sentence is made in turns; between two turns another line's sentence may use the same model.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from realtime.audio.samples import Samples
from realtime.engines.decoding.line import BatchedLine
from realtime.engines.decoding.turn import Turn
from realtime.engines.gpt_sovits.codes import MOST_CODES
from realtime.engines.gpt_sovits.model import PLACES, GptSovitsModel, SemanticPrompt
from realtime.engines.gpt_sovits.random_numbers import SentenceNoise
from realtime.engines.gpt_sovits.sampling import FIRST_END
from realtime.engines.gpt_sovits.sounding import SoundMaker
from realtime.errors import SynthesisFailed

CODES_A_PHONE = 10  # at most; the slowest speech has four
SPARE_CODES = 50  # that a short sentence may have beyond that


def speak_sentence(
    model: GptSovitsModel,
    prompt: SemanticPrompt,
    own_phones: int,
    noise: SentenceNoise,
    sound: SoundMaker,
    chunk: int,
    turn: Turn,
) -> Generator[Samples | None, None, None]:
    """Yield sound as it is made, and None at the end of every turn without any.

    `chunk` is the codes after which sound is made of a sentence that is not over; 0: at its end.
    """
    line = BatchedLine(
        prompt,
        prompt.first_state,
        most_codes(prompt, own_phones),
        noise.codes,
        is_abandoned=turn.is_abandoned,
    )
    turn.begin()
    batch, waiting, chunks = model.batch, True, Chunks(line, chunk)
    try:
        while line.ending is None:
            turn.check()
            waiting = waiting and not batch.enter(line)
            batch.advance()
            for codes in chunks:
                yield from sound.feed(codes, False)
                turn.begin()
            if turn.is_over:
                yield None
                turn.begin()
    finally:
        batch.leave(line)
    turn.check()
    if line.ending == "invalid":
        raise SynthesisFailed(
            "GPT-SoVITS produced NaN; this sentence could not be spoken.",
            hint="If it happens again, gpt_sovits.precision: fp32 may help, or the weights are "
            "damaged.",
        )
    for codes in chunks:  # another line's turn may have ended this one
        yield from sound.feed(codes, False)
    if line.codes:
        yield from sound.feed(line.codes, True)


class Chunks:
    """The codes with which a line's sound is made: always the same counts of them.

    Steps are shared, so a line may have got many codes since it was looked at.
    """

    def __init__(self, line: BatchedLine[SemanticPrompt], size: int) -> None:
        self._line = line
        self._size = size
        self._count = 0

    def __iter__(self) -> Iterator[list[int]]:
        """Yield all codes up to each chunk's end that is there now and was not given yet."""
        while self._size and self._has_next():
            self._count += self._size
            yield self._line.codes[: self._count]

    def _has_next(self) -> bool:
        end, there = self._count + self._size, len(self._line.codes)
        return there > end or (there == end and self._line.ending != "limit")


def most_codes(prompt: SemanticPrompt, own_phones: int) -> int:
    """Bound the codes of a sentence: a model that finds no end must not speak for a minute."""
    room = PLACES - 2 - prompt.first_state[2]
    wanted = min(MOST_CODES, SPARE_CODES + CODES_A_PHONE * own_phones)
    return max(0, min(wanted, room)) if room > FIRST_END else 0
