"""The entry to voice conversion: a request becomes a live voice, or a converted recording."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Protocol

import numpy as np

from realtime.audio.samples import Pcm
from realtime.characters import Character, Characters
from realtime.conversion.by_words.events import RevoicingNotice, SentenceHeard
from realtime.conversion.by_words.file import revoice_recording
from realtime.conversion.by_words.live import Revoicing
from realtime.conversion.by_words.sentence_detector import LEVEL
from realtime.conversion.character_pitch import CharacterPitches
from realtime.conversion.denoising import OFF, denoised
from realtime.conversion.file import convert_recording
from realtime.conversion.live import PATIENCE_SECONDS, Conversion
from realtime.conversion.notices import ConversionNotice
from realtime.conversion.request import VoiceChangeRequest, VoiceChangeResolver
from realtime.conversion.several_files import (
    ConvertedItem,
    SourceRecording,
    convert_recordings,
    one_recording,
)
from realtime.conversion.timings import TimingReport
from realtime.engines.contract import TakesOptions
from realtime.engines.options import own_options
from realtime.engines.voice_change import VoiceChange
from realtime.models.loaded import LoadedModels
from realtime.speech.request import LineRequest
from realtime.speech.speech import Speech

# Sentences that a character says once, so that the pitch of its voice can be measured.
SAMPLES = {
    "en": "The old man walked slowly along the river, and the morning was still and cold.",
    "zh": "老人沿着河边慢慢地走，早晨又静又冷。",
    "ja": "老人は川のそばをゆっくり歩いた。朝は静かで、とても寒かった。",
}


LiveVoiceEvent = SentenceHeard | RevoicingNotice | ConversionNotice


class LiveVoice(Protocol):
    """A microphone that becomes another voice: fed on one side, with its output on the other."""

    engine: str  # or the id of its model

    async def feed(self, pcm: Pcm) -> None: ...

    def end(self) -> None: ...

    def stop(self) -> None: ...

    def hush(self) -> None: ...

    def read_timings(self) -> TimingReport | None: ...

    def output(self) -> AsyncGenerator[Pcm | LiveVoiceEvent, None]: ...


class VoiceChanger:
    """The maker of live voices and converted recordings, by sound or by words."""

    def __init__(
        self,
        models: LoadedModels,
        characters: Characters,
        speech: Speech,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.patience = patience  # seconds that a live block may take to compute
        self._models = models
        self._speech = speech
        self._resolver = VoiceChangeResolver(characters, CharacterPitches(self._speak_sample))

    async def live(
        self,
        request: VoiceChangeRequest,
        rate: int,
        output_rate: int | None,
        played: Callable[[], float | None],
        clock: Callable[[], float],
    ) -> LiveVoice:
        """Return a microphone's conversion, ready to be fed."""
        if request.by_words:
            line, level = _line_and_level(request)
            return Revoicing(
                self._models,
                self._speech,
                line,
                rate,
                output_rate,
                level=level,
                denoise=request.denoise,
                clock=clock,
            )
        return Conversion(
            self._models,
            *await self._resolve(request),
            rate,
            output_rate,
            denoise=request.denoise,
            played=played,
            clock=clock,
            patience=self.patience,
        )

    async def recording(
        self, request: VoiceChangeRequest, parts: AsyncIterable[Pcm], rate: int, output_rate: int
    ) -> AsyncGenerator[Pcm, None]:
        """Yield a recording in the other voice, no faster than it is taken."""
        if request.denoise != OFF:
            cleaned = denoised(self._models, parts, rate, request.denoise)
            other = self.recording(replace(request, denoise=OFF), cleaned, rate, output_rate)
            async with aclosing(cleaned), aclosing(other) as pieces:
                async for pcm in pieces:
                    yield pcm
            return
        if request.by_words:
            line, level = _line_and_level(request)
            sound = revoice_recording(
                self._models, self._speech, line, parts, rate, output_rate, level=level
            )
        else:
            model, change = await self._resolve(request)
            sound = convert_recording(self._models, model, change, parts, rate, output_rate)
        async with aclosing(sound) as pieces:
            async for pcm in pieces:
                yield pcm

    async def recordings(
        self, request: VoiceChangeRequest, recordings: Sequence[SourceRecording]
    ) -> AsyncGenerator[ConvertedItem, None]:
        """Yield several recordings in the other voice; an error of one ends that one alone."""
        if request.by_words:
            sound = self._recordings_by_words(request, recordings)
        else:
            model, change = await self._resolve(request)
            if request.denoise != OFF:
                clean = partial(self._clean, request.denoise)
                recordings = [replace(one, parts=partial(clean, one)) for one in recordings]
            sound = convert_recordings(self._models, model, change, recordings)
        async with aclosing(sound) as items:
            async for item in items:
                yield item

    async def _resolve(self, request: VoiceChangeRequest) -> tuple[str, VoiceChange]:
        """Give the id of the model that a request names, and the change that is asked of it.

        The model may have been brought just now.
        """
        asked = await self._resolver.resolve(request)
        await self._models.look(asked.id)
        model = self._models.converter(asked.id)
        known = model.engine.options if isinstance(model.engine, TakesOptions) else ()
        options = own_options(model.engine.name, asked.options, known)
        return model.id, replace(asked.change, options=options)

    async def _clean(self, denoise: str, recording: SourceRecording) -> AsyncGenerator[Pcm, None]:
        """Yield the parts of a recording without noise."""
        parts = recording.parts()
        cleaned = denoised(self._models, parts, recording.rate, denoise)
        async with aclosing(parts), aclosing(cleaned) as clean_parts:
            async for pcm in clean_parts:
                yield pcm

    async def _recordings_by_words(
        self, request: VoiceChangeRequest, recordings: Sequence[SourceRecording]
    ) -> AsyncGenerator[ConvertedItem, None]:
        for place, recording in enumerate(recordings):
            one = one_recording(place, recording, partial(self.recording, request))
            async with aclosing(one) as items:
                async for item in items:
                    yield item

    async def _speak_sample(self, character: Character) -> tuple[Pcm, int]:
        """Return some seconds of a character's own voice, and their rate."""
        request = LineRequest(SAMPLES[character.language], character.name, character.language)
        line = await self._speech.line(request)
        async with aclosing(self._speech.say(line, keep=False)) as spoken:
            parts = [part.pcm async for part in spoken]
        return np.concatenate(parts), self._speech.sample_rate(line)


def _line_and_level(request: VoiceChangeRequest) -> tuple[LineRequest, float]:
    """Return who speaks what was understood, and the level in dBFS that counts as speech."""
    level = LEVEL if request.gate is None else request.gate
    return LineRequest("", request.character, request.language), level
