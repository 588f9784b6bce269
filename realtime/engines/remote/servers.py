"""The servers of the settings: their addresses, keys and what they are asked for."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from realtime.audio.samples import RATES
from realtime.configuration import variable
from realtime.errors import SettingsError, Unavailable

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
MOST_SERVERS = 64
MOST_TEXT = 500
MOST_KEY_BYTES = 8_192
MOST_LINES = 256
WHERE = "docs/remote.md has the keys of a server."


@dataclass(frozen=True)
class RemoteServer:
    """A server elsewhere, as the settings describe it; no request can change its address."""

    name: str
    url: str
    lines: int  # that it speaks at once
    sample_rate: int  # of the recordings of its lines
    model: str = ""  # that it is asked for where a character names none
    format: str = "auto"  # of its answers: auto, pcm or wav
    key_file: str = ""
    key_variable: str = ""  # of the environment
    label: str = field(default="", compare=False)  # the model's id, for messages

    @property
    def address(self) -> SplitResult:
        return urlsplit(self.url)

    def key(self) -> str:
        """Read its key; "" where it needs none. It is read for each load, so it may change."""
        if self.key_file:
            return _whole_key(self._file_content(), f"The key file {self.key_file}")
        if not self.key_variable:
            return ""
        return _whole_key(variable(self.key_variable), f"The variable {self.key_variable}")

    def _file_content(self) -> str:
        try:
            with Path(self.key_file).open("rb") as file:
                return file.read(MOST_KEY_BYTES).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise Unavailable(
                f"The key file {self.key_file} of {self.label} cannot be read: {reason}.",
                hint="Put the server's key there, readable for this user.",
            ) from error


def read_servers(
    engine: str, servers: Mapping[str, Any], keys: frozenset[str], lines: int, rate: int
) -> dict[str, RemoteServer]:
    """Read the setting `ENGINE.servers`; `keys` are those that this kind of server has.

    `lines` and `rate` are the defaults of the kind.
    """
    setting = f"{engine}.servers"
    if len(servers) > MOST_SERVERS:
        raise SettingsError(
            f"{setting} has {len(servers)} servers; {MOST_SERVERS} are allowed.", field=setting
        )
    defaults = {"lines": lines, "sample_rate": rate}
    return {
        name: _read_server(engine, name, each, keys, defaults) for name, each in servers.items()
    }


def _read_server(
    engine: str, name: str, content: Any, keys: frozenset[str], defaults: Mapping[str, int]
) -> RemoteServer:
    place = f"{engine}.servers.{name}"
    if not NAME.fullmatch(name):
        _refuse(f"{engine}.servers", f"{name!r} is no name: letters, digits, _ . - are allowed")
    if not isinstance(content, Mapping) or "url" not in content:
        _refuse(place, f"it is {reprlib.repr(content)}; url and further keys are expected")
    known = {key: READERS[key] for key in READERS if key in keys | COMMON}
    for key in content:
        if key not in known:
            _refuse(place, f"{reprlib.repr(key)} is no key of it; there are: {', '.join(known)}")
    values = {key: known[key](place, key, each) for key, each in content.items()}
    if values.get("key_file") and values.get("key_variable"):
        _refuse(place, "it has key_file and key_variable; one of them is enough")
    return RemoteServer(**{"name": name, **defaults, **values}, label=f"{engine}:{name}")


def _refuse(place: str, reason: str) -> Any:
    # The name of the setting is the first two parts of the place.
    raise SettingsError(f"{place}: {reason}.", hint=WHERE, field=".".join(place.split(".")[:2]))


def _url(place: str, key: str, value: Any) -> str:
    try:
        parts = urlsplit(value) if isinstance(value, str) else urlsplit("")
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        fits = False
    if not fits or not value.isascii() or not value.isprintable() or " " in value:
        _refuse(place, f"{key} is {_without_password(value)}; http://… or https://… is expected")
    if parts.username or parts.password or parts.query or parts.fragment:
        _refuse(
            place,
            f"{key} holds more than an address; a key goes into key_file or key_variable",
        )
    return str(value).rstrip("/")


def _without_password(value: Any) -> str:
    text = reprlib.repr(value)
    return f"…@{text.rpartition('@')[2]}" if "@" in text else text


def _text(place: str, key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= MOST_TEXT:
        # Not what came: somebody may have put the key itself there.
        _refuse(place, f"{key} must be a text of 1 to {MOST_TEXT} characters")
    return str(value)


def _whole(least: int, most: int) -> Callable[[str, str, Any], int]:
    def read(place: str, key: str, value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            _refuse(place, f"{key} is {reprlib.repr(value)}; {least} to {most} is allowed")
        return int(value)

    return read


def _choice(*choices: Any) -> Callable[[str, str, Any], Any]:
    def read(place: str, key: str, value: Any) -> Any:
        if value not in choices or isinstance(value, bool):
            allowed = ", ".join(map(str, choices))
            _refuse(place, f"{key} is {reprlib.repr(value)}; allowed is one of {allowed}")
        return value

    return read


COMMON = frozenset({"url", "key_file", "key_variable", "lines", "sample_rate"})
READERS: Mapping[str, Callable[[str, str, Any], Any]] = {
    "url": _url,
    "key_file": _text,
    "key_variable": _text,
    "lines": _whole(1, MOST_LINES),
    "sample_rate": _choice(*RATES, 32_000),
    "model": _text,
    "format": _choice("auto", "pcm", "wav"),
}


def _whole_key(text: str, origin: str) -> str:
    key = text.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise Unavailable(
            f"{origin} holds no key: a line of letters and digits is expected.",
            hint="Put the key of the server there.",
        )
    return key
