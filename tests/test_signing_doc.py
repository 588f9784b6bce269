"""docs/signing.md tells the truth: its example, its clients, its settings, its codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import shlex
from pathlib import Path

import pytest

from realtime import settings
from realtime.access.canonical import EMPTY_BODY, canonical_query
from realtime.access.client import HEADERS, QUERY
from realtime.cli.commands import parse_arguments
from tests.support.signing_vectors import REASONS, REQUESTS

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "signing.md").read_text(encoding="utf-8")
SETTINGS = {each.name: each.default for each in settings.all_settings()}


def part(title: str) -> str:
    return re.split(r"\n##+ ", TEXT.partition(f"# {title}\n")[2])[0]


def blocks(language: str, text: str = TEXT) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(("language", "file"), [("python", "signed.py"), ("js", "signed.mjs")])
def test_the_clients_are_the_files(language: str, file: str) -> None:
    assert blocks(language) == [(ROOT / "examples" / file).read_text(encoding="utf-8")]


@pytest.mark.parametrize("language", ["csharp", "gdscript"])
def test_the_other_clients_name_what_the_wire_names(language: str) -> None:
    client = blocks(language)[0]
    assert "yamabiko-request-v1" in client and '"v1"' in client
    assert all(f'"{field}"' in client for field in QUERY)
    assert all(header.rpartition("-")[2] in client for header in HEADERS)


def test_the_worked_example_is_right_to_the_byte() -> None:
    example = part("A worked example")
    asked, string, reckoned = blocks("", example)
    head, _, body = asked.partition("\n\n")
    method, target = head.split()
    vector = REQUESTS["the worked example"]
    assert f"`{vector['key_id']}:{vector['secret']}`" in example
    assert vector["time"] in example and f"`{vector['nonce']}`" in example
    assert (method, target) == (vector["method"], f"{vector['path']}?{vector['query']}")
    content = body.rstrip("\n").encode()
    assert content.decode() == vector["body"] and f"{len(content)} bytes" in example
    message = string.rstrip("\n").encode()
    assert message.decode() == vector["string_to_sign"]
    assert f"has {len(message)} bytes" in example
    assert message.endswith(hashlib.sha256(content).hexdigest().encode())
    begins, ends = re.findall(r"`(?:… )?((?:[0-9a-f]{2} )+[0-9a-f]{2})(?: …)?`", example)
    assert message.startswith(bytes.fromhex(begins)) and message.endswith(bytes.fromhex(ends))
    assert hashlib.sha256(message).hexdigest() in example
    key = hmac.digest(vector["secret"].encode(), b"yamabiko-request-v1", "sha256")
    signed = hmac.digest(key, message, "sha256")
    told = dict(re.findall(r"(\w+) += (\S+)", reckoned))
    assert told == {
        "key": key.hex(),
        "HMAC": signed.hex(),
        "signature": base64.urlsafe_b64encode(signed).decode().rstrip("="),
    }


def test_the_queries_are_canonical_as_shown() -> None:
    rows = re.findall(r"^\| (.*`.*) \| `([^`]*)` \|$", part("Signing a request"), re.MULTILINE)
    shown = [(raw, canonical) for cell, canonical in rows for raw in re.findall("`([^`]*)`", cell)]
    shown = [(raw, canonical) for raw, canonical in shown if "=" in raw]
    assert len(shown) >= 6
    for raw, canonical in shown:
        assert canonical_query(raw.encode()) == canonical


def test_the_names_are_those_of_the_wire() -> None:
    signing = part("Signing a request")
    assert all(f"`{header}`" in signing for header in HEADERS)
    assert all(f"`{field}`" in signing for field in QUERY)
    assert EMPTY_BODY in signing


def test_every_reason_is_explained() -> None:
    codes = re.findall(r"^\| `(\w+)` \|", part("When it is refused"), re.MULTILINE)
    assert set(codes) == REASONS - {"ok"}
    assert len(codes) == len(REASONS) - 1


def test_the_settings_exist_and_have_these_defaults() -> None:
    prose = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
    named = set(re.findall(r"`((?:auth|limits|audio|sockets)\.\w+)", prose))
    assert named <= set(SETTINGS)
    assert {name for name in SETTINGS if name.startswith("auth.")} <= named
    defaults = re.findall(r"`((?:auth|limits|audio)\.\w+)` \(([\d,]+)\)", prose)
    assert len(defaults) >= 8
    for name, told in defaults:
        assert float(told.replace(",", "")) == SETTINGS[name], name


def test_the_commands_are_commands() -> None:
    lines = "".join(blocks("sh")).splitlines()
    assert [parse_arguments(shlex.split(line, comments=True)[2:]).command for line in lines]
    for arguments in re.findall(r"`python server\.py ((?:key)[^`]*)`", TEXT):
        assert parse_arguments(arguments.split()).command == "key"
