"""Servers with OpenAI's speech call: OpenAI itself, another Yamabiko, and many more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from realtime.audio.samples import Samples
from realtime.characters import Character, RemoteVoice
from realtime.characters.remote_voice import OPENAI
from realtime.engines.contract import Utterance
from realtime.engines.options import TextOption
from realtime.engines.remote.answer import UpstreamAnswer
from realtime.engines.remote.call import RemoteCall
from realtime.engines.remote.engine import RemoteEngine, text_of
from realtime.engines.remote.line_turns import STARTED_WITH
from realtime.engines.remote.upstream import Upstream, UpstreamRequest
from realtime.errors import BadRequest, shortlist
from realtime.settings import Settings

PCM, WAV, AUTO = "pcm", "wav", "auto"
PCM_RATE = 24_000  # of the published call, where an answer does not say another
USUAL_MODEL = "tts-1"
INSTRUCTIONS = "instructions"


class RemoteOpenai(RemoteEngine):
    """A server with `POST /v1/audio/speech`; its url ends before `/v1`."""

    name = OPENAI
    own_keys = frozenset({"model", "format"})
    options = (TextOption(INSTRUCTIONS, "How to speak, where the server's model understands it."),)

    def __init__(self, settings: Settings, model: str = "") -> None:
        super().__init__(settings, model)
        self._voices: tuple[str, ...] = ()  # as far as the server lists them
        self._gives_pcm = True  # until it refuses that

    def missing_voice(self, character: Character) -> str | None:
        voice = self._voice_of(character).text("voice")
        known = {each.casefold() for each in self._voices}
        if not known or voice.casefold() in known:
            return None
        return f"the voice {voice!r}; it has: {shortlist(self._voices)}"

    def _greet(self, upstream: Upstream, call: RemoteCall) -> None:
        """Ask for the lists that there may be; a server without them has to be there all the same.

        The list of voices is no part of OpenAI's own API, but many servers have one.
        """
        _listed(upstream, call, "/v1/models", "data")
        self._voices = tuple(_listed(upstream, call, "/v1/audio/voices", "voices"))

    def _fetch(
        self, upstream: Upstream, voice: RemoteVoice, utterance: Utterance, call: RemoteCall
    ) -> Iterator[Samples]:
        server = upstream.server
        form = server.format if server.format != AUTO else PCM if self._gives_pcm else WAV
        with self._turns.turn(utterance.line_state, STARTED_WITH, call):
            try:
                yield from self._spoken(upstream, voice, utterance, form, call)
                return
            except BadRequest as error:
                if (server.format, form) != (AUTO, PCM) or not _is_about_the_format(error):
                    raise self._with_voices(error) from error
            self._gives_pcm = False
            yield from self._spoken(upstream, voice, utterance, WAV, call)

    def _spoken(
        self,
        upstream: Upstream,
        voice: RemoteVoice,
        utterance: Utterance,
        form: str,
        call: RemoteCall,
    ) -> Iterator[Samples]:
        model = voice.text("model") or upstream.server.model or USUAL_MODEL
        body = _body(voice, utterance, model, form)
        with upstream.answer(
            UpstreamRequest("POST", "/v1/audio/speech", content=body), call
        ) as answer:
            yield from self._sound(upstream, answer, _plain_rate(answer, form))

    def _with_voices(self, error: BadRequest) -> BadRequest:
        """Add the voices that the server has to its refusal."""
        if self._voices:
            error.hint = f"The server has these voices: {shortlist(self._voices)}."
        return error


def _is_about_the_format(error: BadRequest) -> bool:
    """Tell whether a server refuses plain PCM, which not all of them give."""
    return "format" in error.message.lower() or PCM in error.message.lower()


def _body(voice: RemoteVoice, utterance: Utterance, model: str, form: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "voice": voice.text("voice"),
        "input": text_of(utterance),
        "response_format": form,
        "speed": utterance.speed,
    }
    given = dict(utterance.options).get(INSTRUCTIONS) or voice.text(INSTRUCTIONS)
    return {**body, INSTRUCTIONS: given} if given else body


def _plain_rate(answer: UpstreamAnswer, form: str) -> int | None:
    """Return the rate of sound without a header; None where WAV was asked for."""
    if form != PCM:
        return None
    said = answer.parameter("rate") or answer.header("X-Audio-Sample-Rate")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 7 else PCM_RATE


def _listed(upstream: Upstream, call: RemoteCall, path: str, name: str) -> list[str]:
    """Return the ids and names of a list that the server may have."""
    try:
        found = upstream.json(UpstreamRequest("GET", path), call)
    except BadRequest:
        return []  # 404 and its like: it has no such list
    entries = found.get(name) if isinstance(found, dict) else found
    names = []
    for entry in entries if isinstance(entries, list) else []:
        each = (entry.get("id") or entry.get("name")) if isinstance(entry, dict) else entry
        if isinstance(each, str):
            names.append(each)
    return names
