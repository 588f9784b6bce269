"""The engine of one server elsewhere: the part that all protocols share."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from realtime.audio.samples import Samples
from realtime.characters import Character, RemoteVoice
from realtime.engine_settings import RemoteSettings
from realtime.engines.contract import CancelToken, Chunk, Utterance
from realtime.engines.placeable import REMOTE
from realtime.engines.remote import faults
from realtime.engines.remote.answer import UpstreamAnswer
from realtime.engines.remote.call import RemoteCall
from realtime.engines.remote.exchange import Arrivals, Exchange
from realtime.engines.remote.line_turns import LineTurns
from realtime.engines.remote.servers import RemoteServer, read_servers
from realtime.engines.remote.sound_reader import NotSound, SoundReader
from realtime.engines.remote.upstream import Upstream
from realtime.engines.several_models import unknown_model
from realtime.errors import BadRequest, WeightsMissing
from realtime.settings import Settings, value_of
from realtime.weights import WeightFile

END_OF_TURN = Chunk(np.zeros(0, np.float32))  # no sound yet; another line may go on
REVISION = 1  # raise it when the same request would sound otherwise: it is part of every key
CHECK_SECONDS = 3.0  # in which a server must answer `check`


class RemoteEngine(ABC):
    """A server of the settings, or none of them: then it stands for all of its kind."""

    name: str
    languages = frozenset({"en", "zh", "ja"})
    first_piece = 4.0  # seconds: each request costs a way there and back
    work = 0.0
    keeps_time = False
    block = ""
    weights: tuple[WeightFile, ...] = ()

    own_keys: frozenset[str] = frozenset()  # of a server in the settings, beside the common ones
    usual_lines = 4  # that a server speaks at once, unless the settings say otherwise
    usual_rate = 24_000  # Hz

    def __init__(self, settings: Settings, model: str = "") -> None:
        self.model = model
        self._settings = settings
        servers = value_of(settings, f"{self.name}.servers")
        self._servers = read_servers(
            self.name, servers, self.own_keys, self.usual_lines, self.usual_rate
        )
        self._server = self._servers.get(model)
        self._upstream: Upstream | None = None
        self._turns = LineTurns(self._server.lines if self._server else 1)
        self._arrivals = Arrivals()

    def find_models(self) -> list[str]:
        return sorted(self._servers)

    def has_model(self, model: str) -> bool:
        return model in self._servers

    def with_model(self, model: str) -> RemoteEngine:
        return type(self)(self._settings, model)

    def files_of(self, model: str) -> str:
        return f"an entry of the setting {self.name}.servers, with its url"

    @property
    def sample_rate(self) -> int:
        return self._server.sample_rate if self._server else self.usual_rate

    @property
    def version(self) -> str:
        """Return the part of a recording's key that changes with the server."""
        if self._server is None:
            return str(REVISION)
        address = hashlib.sha256(self._server.url.encode()).hexdigest()[:8]
        return " ".join([str(REVISION), f"address={address}", *self._facts(self._server)])

    def runs_on(self) -> str:
        return REMOTE

    def load(self) -> None:
        """Ask the server what it offers; the error of one that is away says so."""
        upstream = Upstream(self._known_server(), self._settings.remote)
        try:
            upstream.read_key()
            self._greet(upstream, RemoteCall())
        except BaseException:
            upstream.close()
            raise
        self._upstream = upstream

    def check_files(self) -> None:
        """Refuse an engine without a server in the settings, and a key that cannot be read."""
        self._known_server().key()

    def check_server(self) -> None:
        """Ask the server, within a short time, whether it is there; nothing is kept of it."""
        upstream = Upstream(self._known_server(), _quick(self._settings.remote))
        try:
            upstream.read_key()
            self._greet(upstream, RemoteCall())
        finally:
            upstream.close()

    def missing_voice(self, character: Character) -> str | None:
        """Say what a character names and its server lacks, as far as it told; None for nothing."""
        return None

    def unload(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.close()

    def can_speak(self, character: Character) -> bool:
        voice = character.voice
        mine = isinstance(voice, RemoteVoice) and voice.family == self.name
        return mine and character.model.endswith(f":{self.model}")

    def speak(self, utterance: Utterance, cancel: CancelToken) -> Iterator[Chunk]:
        assert self._upstream is not None, "only a loaded engine speaks"
        voice = self._voice_of(utterance.character)
        exchange = Exchange(partial(self._fetch, self._upstream, voice, utterance), self._arrivals)
        for samples in exchange.blocks(cancel):
            yield END_OF_TURN if samples is None else Chunk(samples)

    @abstractmethod
    def _greet(self, upstream: Upstream, call: RemoteCall) -> None:
        """Ask a server what it offers, and keep what lines and messages need of that."""

    @abstractmethod
    def _fetch(
        self, upstream: Upstream, voice: RemoteVoice, utterance: Utterance, call: RemoteCall
    ) -> Iterator[Samples]:
        """Ask for a piece, and yield its sound as it comes; this runs on a thread of its own."""

    def _facts(self, server: RemoteServer) -> list[str]:
        """Return what is known of the server that changes its sound."""
        return [f"model={server.model}"] if server.model else []

    def _known_server(self) -> RemoteServer:
        if self._server is not None:
            return self._server
        if self.model or self._servers:
            raise unknown_model(self.name, self.model, self._servers, self.files_of(""))
        raise WeightsMissing(
            f"The engine {self.name!r} has no server yet: the setting {self.name}.servers is "
            "empty.",
            hint="Name one there with its url; docs/remote.md says how.",
        )

    def _voice_of(self, character: Character) -> RemoteVoice:
        voice = character.voice
        if not isinstance(voice, RemoteVoice) or not self.can_speak(character):
            raise BadRequest(
                f"The character {character.name!r} has no voice of the server "
                f"{self._label!r}, so that cannot speak it.",
                field="engine",
            )
        return voice

    @property
    def _label(self) -> str:
        return f"{self.name}:{self.model}"

    def _sound(
        self, upstream: Upstream, answer: UpstreamAnswer, plain: int | None
    ) -> Iterator[Samples]:
        """Yield the sound of an answer at our rate; an answer without sound is an error."""
        _check_type(upstream, answer)
        reader = SoundReader(self.sample_rate, plain)
        try:
            for block in answer.blocks():
                yield reader.feed(block)
            yield reader.finish()
        except NotSound as error:
            raise faults.failed(self._label, f"its answer is no sound: {error}") from error


def _check_type(upstream: Upstream, answer: UpstreamAnswer) -> None:
    """Refuse an answer that says it is a text: a page of a proxy, or an error with status 200."""
    kind = answer.content_type
    if kind.startswith("text/") or kind == "application/json":
        said = upstream.said(answer.start_of_error(4_096))
        raise faults.failed(upstream.server.label, f"it answers with {kind}, no sound: {said}")


def text_of(utterance: Utterance) -> str:
    return "".join(segment.text for segment in utterance.segments).strip()


def _quick(settings: RemoteSettings) -> RemoteSettings:
    """Return the time limits of a server that only has to say that it is there."""
    return replace(
        settings,
        connect_seconds=min(CHECK_SECONDS, settings.connect_seconds),
        total_seconds=min(CHECK_SECONDS, settings.total_seconds),
        retries=0,
    )
