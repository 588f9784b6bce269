"""The production of a line's recording: its address, its sound spoken now, its sidecar."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from realtime.audio.playback import Playback
from realtime.audio.spoken import Spoken
from realtime.cache import (
    Address,
    FileFacts,
    Production,
    Recording,
    Sidecar,
    folder_of,
    key_of,
    slug_of,
)
from realtime.errors import NothingToSay
from realtime.metrics import Metrics
from realtime.models.loaded import LoadedModels
from realtime.speech.line import Line
from realtime.speech.second_voice import SecondVoices, SpokenTwice
from realtime.speech.synthesis import Synthesis, splitter_for
from realtime.text.split import Piece, Splitter

WAY = 2  # in every key: raised when text, cutting, trimming or joining changes how lines sound


@dataclass
class LineIdentity:
    """The line of a recording, and its address as far as it has one.

    Both change when a text is whole that was spoken while it was written.
    """

    line: Line
    address: Address | None = None


class LineProducer:
    """A maker of recordings of lines."""

    def __init__(self, models: LoadedModels, metrics: Metrics, second_voices: SecondVoices) -> None:
        self._models = models
        self._second_voices = second_voices
        self._metrics = metrics
        self._synthesis = Synthesis(models)

    def sample_rate(self, line: Line) -> int:
        return self._models.synthesizer(line.engine).engine.sample_rate

    def address(self, line: Line) -> Address:
        """Return the address of a line's recording: its key has all that changes the sound."""
        engine = self._models.engine(line.engine)
        facts = {
            "way": WAY,
            "engine": [line.engine, engine.version],
            "weights": [file.sha256 or file.name for file in engine.weights],
            "sampling": {},  # no engine has settings for it; without it every key would change
            "character": [line.character.name, line.character.digest],
            "language": line.language,
            "accent": line.accent,
            "mode": line.mode,
            "text": line.text,
            "speed": line.speed,
            "seed": line.seed,
        }
        if line.options:  # without it in the others, which were made before there were options
            facts["options"] = dict(line.options)
        if line.then is not None:
            facts["then"] = [line.then.id, repr(line.then.change), *line.then.facts]
        folder = folder_of(line.character.name)
        return Address(line.language, folder, line.mode, slug_of(line.text), key_of(facts))

    def splitter(self, line: Line) -> Splitter:
        return splitter_for(line, self._models.synthesizer(line.engine).engine)

    def production(
        self,
        identity: LineIdentity,
        produce: Callable[[Recording], Coroutine[Any, Any, None]] | None = None,
    ) -> Production[Recording]:
        """Return the production of a line's recording; `produce` may speak it in another way."""
        asked_at = time.perf_counter()
        line = identity.line

        def create() -> Recording:
            return Recording(self.sample_rate(line))

        async def produce_line(recording: Recording) -> None:
            await record(recording, self.speak(line, lambda: recording.urgent))

        async def sidecar(recording: Recording, facts: FileFacts) -> Sidecar:
            took_ms = round(1000 * (time.perf_counter() - asked_at), 1)
            return self._sidecar(identity, recording, facts, took_ms)

        return Production(create, produce or produce_line, Recording.header, sidecar)

    async def speak(
        self,
        line: Line,
        is_urgent: Callable[[], bool] = lambda: True,
        pieces: AsyncGenerator[Piece, None] | None = None,
        playback: Playback | None = None,
    ) -> AsyncGenerator[Spoken, None]:
        """Speak a line now, as Synthesis does; a line without sound raises NothingToSay."""
        self._metrics.count_synthesis(line.engine)
        silent = True
        first_voice = self._synthesis.speak(line, is_urgent, pieces, playback)
        async with aclosing(self._in_second_voice(line, first_voice, is_urgent)) as spoken:
            async for part in spoken:
                silent = silent and not part.pcm.size
                if part.timing:
                    self._metrics.observe_first_audio(
                        line.engine, part.timing["first_audio"] / 1000
                    )
                yield part
        if silent:
            raise NothingToSay("The engine has no sound for this text.", field="text")

    def _in_second_voice(
        self, line: Line, spoken: AsyncGenerator[Spoken, None], is_urgent: Callable[[], bool]
    ) -> AsyncGenerator[Spoken, None]:
        """Return what is heard of a line: what was spoken, or that in its second voice."""
        if line.then is None:
            return spoken
        twice, rate = SpokenTwice(spoken), self.sample_rate(line)
        return twice.through(self._second_voices.convert(twice.parts(), rate, line.then, is_urgent))

    def _sidecar(
        self, identity: LineIdentity, recording: Recording, facts: FileFacts, took_ms: float
    ) -> Sidecar:
        line, address = identity.line, identity.address
        assert address is not None, "a recording that is kept has an address"
        # The version that spoke: where loading changed it, the key has the one before.
        version = self._models.engine(line.engine).version
        return Sidecar(
            key=address.key,
            line={
                "text": line.text,
                "character": line.character.name,
                "language": line.language,
                "noaccent": line.noaccent,
                "longprompt": line.longprompt,
                "speed": line.speed,
                "seed": line.seed,
                **({"options": dict(line.options)} if line.options else {}),
                **({"then": line.then.name} if line.then else {}),
            },
            engine={"name": line.engine, "version": version},
            duration=round(recording.samples / recording.sample_rate, 4),
            sample_rate=recording.sample_rate,
            samples=recording.samples,
            sha256=facts.sha256,
            words=tuple(recording.words),
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            took_ms=took_ms,
        )


async def record(recording: Recording, spoken: AsyncGenerator[Spoken, None]) -> None:
    """Add sound to a recording, no more of it than its listeners want."""
    async with aclosing(spoken) as parts:
        async for part in parts:
            await recording.add(part)
            await recording.wait_until_wanted()
