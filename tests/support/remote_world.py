"""Settings with a server elsewhere, and characters whose voices it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from realtime.characters import Characters
from realtime.engine_settings import RemoteServersSettings, RemoteSettings
from realtime.engines.contract import CancelToken, Utterance
from realtime.engines.remote.engine import RemoteEngine
from realtime.settings import PresetsSettings, Settings
from realtime.text.language import Segment
from tests.support.remote_gpt_sovits import gpt_sovits_stand_in
from tests.support.remote_openai import openai_stand_in
from tests.support.remote_server import RemoteStandIn, standing_in
from tests.support.remote_voicevox import voicevox_stand_in

SERVER, NAME = "home", "faraway"
# Quick where a test waits for them, and long where a busy machine does.
QUICK = RemoteSettings(connect_seconds=20, read_seconds=20, total_seconds=60, breaker_failures=100)
STAND_INS: dict[str, Callable[[], RemoteStandIn]] = {
    "remote_openai": openai_stand_in,
    "remote_gpt_sovits": gpt_sovits_stand_in,
    "remote_voicevox": voicevox_stand_in,
}
VOICES: dict[str, dict[str, Any]] = {
    "remote_openai": {"voice": "alloy"},
    "remote_gpt_sovits": {"reference": "nana.wav", "prompt_language": "ja"},
    "remote_voicevox": {"speaker": 3},
}


@dataclass(frozen=True)
class RemoteWorld:
    """A server elsewhere, and the settings of one of ours that knows it."""

    stand_in: RemoteStandIn
    settings: Settings
    kind: str

    def engine(self, **remote: Any) -> RemoteEngine:
        """Make the engine of the server, not loaded; `remote` are settings of that name."""
        settings = replace(self.settings, remote=replace(self.settings.remote, **remote))
        engine = kinds()[self.kind](settings, SERVER)
        return engine

    def add_character(self, name: str, **values: Any) -> None:
        write_character(self.settings.presets.path, self.kind, name, **values)

    def utterance(self, text: str = "Hello there.", name: str = NAME, **more: Any) -> Utterance:
        language = "ja" if self.kind == "remote_voicevox" else "en"
        characters = Characters(self.settings.presets.path, {})
        return Utterance((Segment(text, language),), characters.get(name), **more)

    def speak(self, engine: RemoteEngine, text: str = "Hello there.", name: str = NAME) -> int:
        """Speak a text; return the number of its samples."""
        chunks = engine.speak(self.utterance(text, name), CancelToken())
        return sum(chunk.samples.size for chunk in chunks)


def kinds() -> dict[str, type[RemoteEngine]]:
    from realtime.engines.remote.gpt_sovits import RemoteGptSovits
    from realtime.engines.remote.openai import RemoteOpenai
    from realtime.engines.remote.voicevox import RemoteVoicevox

    return {kind.name: kind for kind in (RemoteOpenai, RemoteGptSovits, RemoteVoicevox)}


def with_server(settings: Settings, kind: str, url: str, **server: Any) -> Settings:
    servers = RemoteServersSettings({SERVER: {"url": url, **server}})
    return replace(settings, **{kind: servers})


def write_character(folder: Path, kind: str, name: str, **values: Any) -> None:
    """Write a character's card; `values` are those of its voice that are not the usual ones."""
    folder.mkdir(parents=True, exist_ok=True)
    voice = {"server": SERVER, **VOICES[kind], **values}
    card: dict[str, Any] = {"engine": kind, "language": "ja", "voice": voice}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(card, allow_unicode=True), "utf-8")


@contextmanager
def remote_world(
    kind: str,
    settings: Settings,
    folder: Path,
    stand_in: RemoteStandIn | None = None,
    **server: Any,
) -> Iterator[RemoteWorld]:
    """Run a server of a kind, and give settings with it and a character in `folder`."""
    stand_in = stand_in or STAND_INS[kind]()
    with standing_in(stand_in) as url:
        made = with_server(settings, kind, url, **server)
        made = replace(made, presets=PresetsSettings(path=folder), remote=QUICK)
        write_character(folder, kind, NAME)
        yield RemoteWorld(stand_in, made, kind)
