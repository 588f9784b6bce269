"""Voices of VALL-E X: the clip's codes and its phonemes, kept in one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np

from realtime.audio.decoding import AudioSource
from realtime.audio.samples import Resampler, Samples, from_pcm16
from realtime.characters import VallePrompt
from realtime.cloning.voice_kind import (
    SpokenWords,
    VoiceClip,
    card_file,
    check_long_enough,
    check_voiced,
)
from realtime.cloning.words import nothing_said
from realtime.engines.valle.codes import Codes
from realtime.engines.valle.presets import Prompt, pack_prompt
from realtime.engines.valle.text import Encoded, encode_segments
from realtime.engines.valle.weights import ENCODEC
from realtime.errors import BadRequest, NothingToSay
from realtime.settings import Settings
from realtime.text.language import segments
from realtime.weights import verified_path

RATE = 24_000  # Hz, of EnCodec
LEAST_SECONDS = 3.0
# Frames a symbol in real speech are 4 to 12; far beyond, the text is not that of the clip.
LEAST_FRAMES, MOST_FRAMES = 2, 40

Encode = Callable[[Samples, Settings], Codes]


class ValleKind:
    """The kind of voice that VALL-E X speaks."""

    engine: ClassVar[str] = VallePrompt.family
    most_seconds: ClassVar[float] = 15.0
    endings: ClassVar[tuple[str, ...]] = (".npz", ".yaml")

    def __init__(self, settings: Settings, encode: Encode) -> None:
        self._settings = settings
        self._encode = encode

    def check(self) -> None:
        verified_path(ENCODEC, self._settings)

    def read(self, source: AudioSource) -> VoiceClip:
        """Decode the clip at 24 kHz, mono."""
        resampler = Resampler(source.rate, RATE)
        parts = [resampler.feed(part) for part in source.parts()]
        samples = from_pcm16(np.concatenate([*parts, resampler.finish()]))
        # Filters may add a sample or two.
        clip = VoiceClip(samples[: round(self.most_seconds * RATE)], RATE)
        check_long_enough(clip, LEAST_SECONDS, self.most_seconds)
        check_voiced(clip)
        return clip

    def files(
        self, name: str, clip: VoiceClip, words: SpokenWords, about: Mapping[str, str]
    ) -> dict[str, bytes]:
        card = {f"{name}.yaml": card_file(about)} if about else {}
        return {f"{name}.npz": pack_prompt(self._prompt(clip, words)), **card}

    def _prompt(self, clip: VoiceClip, words: SpokenWords) -> Prompt:
        """Encode clip and text; refuse a text that cannot be what is said in the clip."""
        symbols = encoded_text(words)
        codes = self._encode(clip.samples, self._settings)
        if not LEAST_FRAMES <= len(codes) / len(symbols.ids) <= MOST_FRAMES:
            raise BadRequest(
                f"The text cannot be what is said in the clip: {len(symbols.ids)} sounds "
                f"in {clip.seconds:.1f} s.",
                code="text_does_not_fit",
                hint="Give exactly the words of the clip.",
                field="text",
            )
        return Prompt(codes, symbols.ids, words.language)


def encoded_text(words: SpokenWords) -> Encoded:
    try:
        return encode_segments(segments(words.text, words.language), words.language)
    except NothingToSay as error:
        raise nothing_said() from error
