"""A voice of a server elsewhere: which server, and what it is asked for."""

from __future__ import annotations

import hashlib
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from realtime.characters.gpt_sovits_voice import NUMBERS, BadVoiceCard, number_reader

OPENAI, GPT_SOVITS, VOICEVOX = "remote_openai", "remote_gpt_sovits", "remote_voicevox"
MOST_TEXT = 1_000  # characters of a value
MOST_STYLE = 2**31 - 1  # of VOICEVOX's numbers of styles
CUTS = tuple(f"cut{number}" for number in range(6))

Read = Callable[[Any], Any]


@dataclass(frozen=True)
class RemoteCard:
    """The key `voice` of a card as it stands there; its engine says what it may hold."""

    server: str
    values: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class RemoteVoice:
    """A voice of a server; `values` are those that its kind of server has, each checked."""

    family: str
    server: str
    values: Mapping[str, Any]

    @cached_property
    def digest(self) -> str:
        """Return 16 hexadecimal digits that change with whatever the card says of the voice."""
        facts = (self.server, sorted(self.values.items(), key=lambda item: item[0]))
        return hashlib.sha256(f"{self.family}:{facts!r}".encode()).hexdigest()[:16]

    @property
    def model(self) -> str:
        return self.server

    @property
    def languages(self) -> tuple[str, ...]:
        return ("ja",) if self.family == VOICEVOX else ("en", "zh", "ja")

    def text(self, name: str) -> str:
        """Return a value that is a text; "" where the card has none."""
        return str(self.values.get(name, ""))


def is_remote_voice(value: object) -> bool:
    """Tell a voice of a server from other kinds by the key that only it has."""
    return isinstance(value, dict) and "server" in value


def read_remote_card(value: Mapping[Any, Any]) -> RemoteCard:
    """Read the key `voice` of a card as far as it is the same for all kinds of servers."""
    entries = dict(value)
    server = _named("server", entries.pop("server"), _text(64))
    return RemoteCard(server, MappingProxyType(entries))


def remote_voice(family: str, card: RemoteCard) -> RemoteVoice:
    """Check what a card says against the kind of its server."""
    readers, needed = VALUES[family]
    if unknown := [name for name in card.values if name not in readers]:
        raise BadVoiceCard(
            f"{reprlib.repr(unknown[0])} is no key of it; there are: server, {', '.join(readers)}"
        )
    values = {str(name): _named(name, each, readers[name]) for name, each in card.values.items()}
    if missing := [name for name in needed if name not in values]:
        raise BadVoiceCard(f"it needs {', '.join(missing)}")
    if ("gpt" in values) != ("sovits" in values):
        raise BadVoiceCard("gpt and sovits belong together: both or none are expected")
    return RemoteVoice(family, card.server, MappingProxyType(values))


def _named(name: str, value: Any, read: Read) -> Any:
    try:
        return read(value)
    except BadVoiceCard as error:
        raise BadVoiceCard(f"{name} is {reprlib.repr(value)}; {error}") from None


def _text(most: int = MOST_TEXT) -> Read:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= most:
            raise BadVoiceCard(f"a text of 1 to {most} characters is expected")
        return value

    return read


def _one_of(*choices: Any) -> Read:
    def read(value: Any) -> Any:
        # The types too: 1 is not true.
        if not any(value == each and type(value) is type(each) for each in choices):
            raise BadVoiceCard(f"one of {', '.join(map(str, choices))} is expected")
        return value

    return read


def _options(value: Any) -> tuple[tuple[str, Any], ...]:
    """Read options of api_v2, sorted by name."""
    if not isinstance(value, dict):
        raise BadVoiceCard("options with their values are expected")
    for name in value:
        if name not in OPTIONS:
            raise BadVoiceCard(
                f"{reprlib.repr(name)} is no option; there are: {', '.join(OPTIONS)}"
            )
    return tuple(sorted((name, _named(name, each, OPTIONS[name])) for name, each in value.items()))


# Those of `/tts` that change how a voice sounds. A pause of a second is how api_v2 tells an error.
OPTIONS: Mapping[str, Read] = {
    **{name: number_reader(*NUMBERS[name]) for name in NUMBERS if name != "speed"},
    "text_split_method": _one_of(*CUTS),
    "fragment_interval": number_reader(0.01, 0.9),
    "streaming_mode": _one_of(0, 1, 2, 3),
    "batch_size": number_reader(1, 64, whole=True),
    "parallel_infer": _one_of(True, False),
    "super_sampling": _one_of(True, False),
}
# Of each kind of server: the keys of its voices with their readers, and those that must be there.
VALUES: Mapping[str, tuple[Mapping[str, Read], tuple[str, ...]]] = {
    OPENAI: (
        {"voice": _text(200), "model": _text(200), "instructions": _text()},
        ("voice",),
    ),
    GPT_SOVITS: (
        {
            "reference": _text(),
            "prompt_text": _text(),
            "prompt_language": _text(20),
            "gpt": _text(),
            "sovits": _text(),
            "options": _options,
        },
        ("reference", "prompt_language"),
    ),
    VOICEVOX: (
        {
            "speaker": number_reader(0, MOST_STYLE, whole=True),
            "pitch": number_reader(-0.15, 0.15),
            "intonation": number_reader(0.0, 2.0),
            "volume": number_reader(0.0, 2.0),
        },
        ("speaker",),
    ),
}
FAMILIES = tuple(VALUES)  # engines whose voices these are
