"""The servers of the settings: what may stand there, and what is refused with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from realtime.engine_settings import RemoteServersSettings
from realtime.engines import registry
from realtime.engines.remote.servers import RemoteServer, read_servers
from realtime.errors import BadRequest, SettingsError, Unavailable, WeightsMissing
from realtime.settings import Settings

KEYS = frozenset({"model"})


def read(**server: Any) -> RemoteServer:
    return read_servers("remote_openai", {"home": server}, KEYS, 4, 24_000)["home"]


def test_a_server_has_the_defaults_of_its_kind() -> None:
    server = read(url="https://example.com/base/", model="m")
    assert (server.url, server.lines, server.sample_rate) == ("https://example.com/base", 4, 24_000)
    assert server.address.path == "/base" and server.label == "remote_openai:home"
    assert read(url="http://127.0.0.1:8000", lines=1, sample_rate=32_000).lines == 1


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ({}, "url and further keys are expected"),
        ({"url": "ftp://example.com"}, "http://… or https://… is expected"),
        ({"url": "http://"}, "http://… or https://… is expected"),
        ({"url": "http://x:99999"}, "http://… or https://… is expected"),
        ({"url": 7}, "http://… or https://… is expected"),
        ({"url": "http://me:secret@example.com"}, "more than an address"),
        ({"url": "http://example.com/?key=secret"}, "more than an address"),
        ({"url": "http://x", "key": "secret"}, "'key' is no key of it"),
        ({"url": "http://x", "key_file": ""}, "key_file must be a text"),
        ({"url": "http://x", "key_file": "a", "key_variable": "B"}, "one of them is enough"),
        ({"url": "http://x", "lines": 0}, "1 to 256 is allowed"),
        ({"url": "http://x", "sample_rate": 12}, "allowed is one of 8000"),
        ({"url": "http://x", "format": "pcm"}, "no key of it"),
    ],
)
def test_what_is_no_server_is_refused(server: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(**server)
    assert reason in refused.value.message and "secret" not in refused.value.message
    assert refused.value.field == "remote_openai.servers"
    assert "remote_openai.servers.home" in refused.value.message


def test_names_and_numbers_of_servers_are_bounded() -> None:
    for servers in ({"a:b": {"url": "http://x"}}, {f"s{n}": {} for n in range(65)}):
        with pytest.raises(SettingsError):
            read_servers("remote_openai", servers, KEYS, 4, 24_000)


def test_a_key_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for file, reason in (("none", "No such file"), ("empty", "holds no key")):
        with pytest.raises(Unavailable, match=reason):
            read(url="http://x", key_file=str(tmp_path / file)).key()
    with pytest.raises(Unavailable, match="The variable NOBODY_SETS_IT holds no key"):
        read(url="http://x", key_variable="NOBODY_SETS_IT").key()


def test_an_engine_lists_its_servers_and_says_what_is_missing() -> None:
    empty: Any = registry.create("remote_openai", Settings())
    with pytest.raises(WeightsMissing, match=r"remote_openai\.servers is empty"):
        empty.load()
    servers = RemoteServersSettings({"b": {"url": "http://x"}, "a": {"url": "http://y"}})
    engine: Any = registry.create("remote_openai", Settings(remote_openai=servers))
    assert engine.find_models() == ["a", "b"] and engine.runs_on() == "remote"
    with pytest.raises(BadRequest, match="has no model 'c'; there are: b, a"):
        engine.with_model("c").load()
