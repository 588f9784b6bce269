"""Servers with VOICEVOX' API: Japanese characters, each with styles that have numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from realtime.audio.samples import Samples
from realtime.characters import Character, RemoteVoice
from realtime.characters.remote_voice import VOICEVOX
from realtime.engines.contract import Utterance
from realtime.engines.remote import faults
from realtime.engines.remote.call import RemoteCall
from realtime.engines.remote.engine import RemoteEngine, text_of
from realtime.engines.remote.line_turns import STARTED_WITH
from realtime.engines.remote.servers import RemoteServer
from realtime.engines.remote.told_facts import ToldFacts
from realtime.engines.remote.upstream import Upstream, UpstreamRequest
from realtime.errors import BadRequest, shortlist
from realtime.settings import Settings

MOST_SPEAKERS = 1_000
# The names in a query of sound, and those of the cards.
SCALES = {"pitch": "pitchScale", "intonation": "intonationScale", "volume": "volumeScale"}


@dataclass(frozen=True)
class VoicevoxStyle:
    """A style of a character there, which is what a line is spoken in."""

    id: int
    name: str
    speaker: str
    uuid: str  # of the speaker


class RemoteVoicevox(RemoteEngine):
    """A server with `/audio_query` and `/synthesis`."""

    name = VOICEVOX
    languages = frozenset({"ja"})
    usual_lines = 2

    def __init__(self, settings: Settings, model: str = "") -> None:
        super().__init__(settings, model)
        self.styles: dict[int, VoicevoxStyle] = {}
        self._told = ToldFacts(settings.cache.path, self._label)
        self._facts_now = ""  # as the server said them last

    def load(self) -> None:
        super().load()
        self._told.keep(self._facts_now)

    def with_model(self, model: str) -> RemoteVoicevox:
        return RemoteVoicevox(self._settings, model)

    def offered(self) -> tuple[Upstream, list[VoicevoxStyle]]:
        """Ask the server for its styles, and give them with the way to it, to be closed."""
        self.load()
        assert self._upstream is not None, "it was loaded"
        return self._upstream, list(self.styles.values())

    def missing_voice(self, character: Character) -> str | None:
        style = int(self._voice_of(character).values["speaker"])
        if not self.styles or style in self.styles:
            return None
        return f"the style {style}; it has: {self._listed_styles()}"

    def _greet(self, upstream: Upstream, call: RemoteCall) -> None:
        version = upstream.json(UpstreamRequest("GET", "/version"), call)
        speakers = upstream.json(UpstreamRequest("GET", "/speakers"), call)
        self.styles = {style.id: style for style in _read_styles(speakers)}
        if not self.styles or not isinstance(version, str):
            raise faults.failed(self._label, "it has no speakers of VOICEVOX at this url")
        voices = [(each.get("speaker_uuid"), each.get("version")) for each in speakers]
        digest = hashlib.sha256(json.dumps(voices).encode()).hexdigest()[:8]
        self._facts_now = f"engine={version[:20]} speakers={digest}"

    def _facts(self, server: RemoteServer) -> list[str]:
        """Return what the server said of itself when it was loaded last, also before a restart."""
        return list(filter(None, [self._told.text]))

    def _fetch(
        self, upstream: Upstream, voice: RemoteVoice, utterance: Utterance, call: RemoteCall
    ) -> Iterator[Samples]:
        style = {"speaker": voice.values["speaker"]}
        asked = {"text": text_of(utterance), **style}
        with self._turns.turn(utterance.line_state, STARTED_WITH, call):
            try:
                query = upstream.json(UpstreamRequest("POST", "/audio_query", asked), call)
            except BadRequest as error:
                error.hint = f"The server has these styles: {self._listed_styles()}."
                raise
            if not isinstance(query, dict):
                raise faults.failed(self._label, "its /audio_query gives no query")
            query |= _changes(voice, utterance, self.sample_rate)
            request = UpstreamRequest("POST", "/synthesis", style, query)
            with upstream.answer(request, call) as answer:
                yield from self._sound(upstream, answer, None)

    def _listed_styles(self) -> str:
        return shortlist(f"{s.id} ({s.speaker} {s.name})" for s in self.styles.values())


def terms_of(upstream: Upstream, style: VoicevoxStyle, call: RemoteCall) -> str:
    """Ask for the terms under which a character's voice may be used."""
    query = {"speaker_uuid": style.uuid, "resource_format": "url"}
    info = upstream.json(UpstreamRequest("GET", "/speaker_info", query), call)
    policy = info.get("policy") if isinstance(info, dict) else None
    return policy if isinstance(policy, str) else ""


def _changes(voice: RemoteVoice, utterance: Utterance, rate: int) -> dict[str, Any]:
    """Return what a line changes of the query that the server made of its text."""
    scales = {SCALES[name]: voice.values[name] for name in SCALES if name in voice.values}
    return {
        **scales,
        "speedScale": utterance.speed,
        "outputSamplingRate": rate,
        "outputStereo": False,
    }


def _read_styles(speakers: Any) -> Iterator[VoicevoxStyle]:
    """Read the styles that speak; those that sing are another kind."""
    for speaker in speakers[:MOST_SPEAKERS] if isinstance(speakers, list) else []:
        for style in speaker.get("styles", []) if isinstance(speaker, dict) else []:
            if style.get("type", "talk") == "talk" and type(style.get("id")) is int:
                yield VoicevoxStyle(
                    style["id"],
                    str(style.get("name", "")),
                    str(speaker.get("name", "")),
                    str(speaker.get("speaker_uuid", "")),
                )
