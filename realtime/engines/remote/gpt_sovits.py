"""Servers with GPT-SoVITS' api_v2: one pipeline with one pair of weights, which can be switched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from realtime.audio.samples import Samples
from realtime.characters import RemoteVoice
from realtime.characters.remote_voice import GPT_SOVITS
from realtime.engines.contract import Utterance
from realtime.engines.remote import faults
from realtime.engines.remote.call import RemoteCall
from realtime.engines.remote.engine import RemoteEngine, text_of
from realtime.engines.remote.line_turns import STARTED_WITH, Weights
from realtime.engines.remote.upstream import Upstream, UpstreamRequest
from realtime.errors import BadRequest

# What an error inside the published server looks like: it answers 200, with a second of zeros.
FAULT_SECONDS = 1.0
MOST_SEED = 2**32 - 1  # of the published server
MIXED = "auto"


class RemoteGptSovits(RemoteEngine):
    """A server with `/tts`; the files of its voices lie on its own disk."""

    name = GPT_SOVITS
    usual_lines = 1  # its pipeline keeps the state of one request, and two would mix
    usual_rate = 32_000

    def _greet(self, upstream: Upstream, call: RemoteCall) -> None:
        """Ask for a line without anything in it: the refusal names the field that it lacks."""
        try:
            upstream.json(UpstreamRequest("GET", "/tts"), call)
        except BadRequest as error:
            if "is required" not in error.message:
                raise faults.failed(self._label, "it has no /tts of api_v2 at this url") from error

    def _fetch(
        self, upstream: Upstream, voice: RemoteVoice, utterance: Utterance, call: RemoteCall
    ) -> Iterator[Samples]:
        weights = Weights(voice.text("gpt"), voice.text("sovits"))
        if weights == STARTED_WITH and self._turns.was_switched:
            raise self._without_weights(utterance)
        with self._turns.turn(utterance.line_state, weights, call) as switches:
            if switches:
                if weights == STARTED_WITH:
                    raise self._without_weights(utterance)
                self._switch(upstream, weights, call)
            body = _body(voice, utterance)
            with upstream.answer(UpstreamRequest("POST", "/tts", content=body), call) as answer:
                yield from self._checked(self._sound(upstream, answer, None))

    def _switch(self, upstream: Upstream, weights: Weights, call: RemoteCall) -> None:
        for door, path in (("gpt", weights.gpt), ("sovits", weights.sovits)):
            request = UpstreamRequest("GET", f"/set_{door}_weights", {"weights_path": path})
            upstream.json(request, call)
        self._turns.note_present(weights)

    def _checked(self, sounds: Iterator[Samples]) -> Iterator[Samples]:
        """Hold zeros back until sound follows: a second of them at the end is an error's."""
        held, count = [], 0
        for sound in sounds:
            loud = np.flatnonzero(sound)
            if not loud.size:
                held.append(sound)
                count += sound.size
                continue
            end = int(loud[-1]) + 1
            yield from held
            yield sound[:end]
            held, count = [sound[end:]], sound.size - end
        # The resampler leaves some samples of the edge that are not zero.
        if count >= 0.98 * FAULT_SECONDS * self.sample_rate:
            raise faults.failed(
                self._label, "it gave a second of silence, with which it hides an error of its own"
            )
        yield from held

    def _without_weights(self, utterance: Utterance) -> BadRequest:
        return BadRequest(
            f"The character {utterance.character.name!r} names no gpt and sovits, and the server "
            f"of {self._label} was given the weights of another one.",
            code="upstream_refused",
            hint="Name both in its card: which weights a server began with cannot be asked.",
            field="character",
        )


def _body(voice: RemoteVoice, utterance: Utterance) -> dict[str, Any]:
    languages = {segment.language for segment in utterance.segments}
    return {
        "text": text_of(utterance),
        "text_lang": languages.pop() if len(languages) == 1 else MIXED,
        "ref_audio_path": voice.text("reference"),
        "prompt_text": voice.text("prompt_text"),
        "prompt_lang": voice.text("prompt_language"),
        "speed_factor": utterance.speed,
        "seed": utterance.seed % (MOST_SEED + 1),
        "media_type": "wav",
        "streaming_mode": 1,
        **dict(voice.values.get("options", ())),
    }
