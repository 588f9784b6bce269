"""Engines outside, as the server sees them: another process fulfils the contract."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from realtime.audio.spoken import Word
from realtime.engines.contract import CancelToken, Chunk, Utterance
from realtime.engines.outside import protocol
from realtime.engines.outside.environment import python_of
from realtime.engines.outside.process import Launch
from realtime.engines.outside.process_facts import ProcessFacts
from realtime.engines.outside.supervisor import Supervisor
from realtime.settings import Settings

LINES = itertools.count(1)  # each line has a number, by which its pieces share their state


class OutsideEngine:
    """The base of engines outside; a subclass says what is loaded."""

    name = ""
    adapter = ""  # a module of `adapters/`
    environment = ""  # the name of a folder of `engines/`; "": the server's own interpreter

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.supervisor = Supervisor(self.name, self._launch, settings.outside)

    def load_options(self) -> dict[str, Any]:
        """Return what the adapter needs to load its model."""
        return {}

    def load(self) -> None:
        self.supervisor.load(self.load_options())

    def unload(self) -> None:
        self.supervisor.unload()

    def process(self) -> ProcessFacts:
        """Describe the process of the engine."""
        return self.supervisor.process()

    def python(self) -> Path:
        """Return the interpreter; raise an Unavailable where its environment is not made yet."""
        chosen = self.settings.outside.environments.get(self.name) or self.environment
        return python_of(chosen) if chosen else Path(sys.executable)

    def _launch(self) -> Launch:
        limits, more = self.settings.outside, {}
        if limits.cuda_devices:
            more["CUDA_VISIBLE_DEVICES"] = limits.cuda_devices
        return Launch(
            self.name,
            self.adapter,
            self.python(),
            limits.niceness,
            self.settings.allow_downloads,
            more,
        )


class OutsideSynthesizer(OutsideEngine):
    """The base of synthesizers outside."""

    def request(self, utterance: Utterance) -> protocol.Speak:
        """Make the message of a piece; a subclass adds what its adapter needs of the voice."""
        return speak_message(utterance)

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        message = self.request(utterance)

        def begin(number: int) -> protocol.Speak:
            message.request = number
            return message

        for samples, words in self.supervisor.stream(begin, cancel):
            yield Chunk(samples, tuple(Word(word.text, word.start, word.end) for word in words))


def speak_message(utterance: Utterance) -> protocol.Speak:
    """Make the message of a piece, as far as it is the same for all adapters."""
    state, character = utterance.line_state, utterance.character
    if state.kept is None:
        state.kept = next(LINES)
    state.pieces += 1
    return protocol.Speak(
        request=0,
        segments=[protocol.TextPart(part.text, part.language) for part in utterance.segments],
        character=character.name,
        digest=character.digest,
        accent=utterance.accent,
        speed=utterance.speed,
        seed=utterance.seed,
        first=utterance.first,
        options=dict(utterance.options),
        line=state.kept,
        longprompt=state.longprompt,
        pieces=state.pieces - 1,
    )
