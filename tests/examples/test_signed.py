"""Tests of the signing examples: right by the vectors, and accepted by a real server."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from benchmarks.server import Server
from tests.support.signed_requests import SECRET
from tests.support.signing_vectors import REQUESTS, VECTORS, body_of

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = ROOT / "examples" / "signed.py"
JAVASCRIPT = ROOT / "examples" / "signed.mjs"
AS_SIGNED = [name for name, vector in REQUESTS.items() if vector["as_signed"]]
HOUR_MS = 3_600_000

SIGN_VECTORS = """
import { readFileSync } from "node:fs";
import { stringToSign, signature } from "%s";
const found = {};
for (const vector of JSON.parse(readFileSync("%s", "utf8")).requests) {
  const body = "body_base64" in vector
    ? Buffer.from(vector.body_base64, "base64") : new TextEncoder().encode(vector.body);
  const target = vector.query === "" ? vector.path : `${vector.path}?${vector.query}`;
  const { method, key_id: keyId, time, nonce } = vector;
  const message = await stringToSign(method, target, body, keyId, time, nonce);
  found[vector.name] = [message, await signature(vector.secret, message)];
}
console.log(JSON.stringify(found));
"""
ASK = """
import { Yamabiko } from "%s";
const [address, key] = process.argv.slice(1);
const server = new Yamabiko(address, key);
const told = {};
server.offsetMs = %d;
const answer = await server.ask("POST", "/lines", { text: "山びこ abc", engine: "tone" });
told.status = answer.status;
told.url = (await answer.json()).url;
told.offset = server.offsetMs;
told.info = (await server.ask("GET", "/api/info?q=a b+ü&&q=%%e3%%81%%82")).status;
told.socket = await server.socketAddress("/ws?b=2&a=1");
try {
  await new Yamabiko(address, "bot:" + "A".repeat(43)).ask("GET", "/api/info");
} catch (error) {
  told.refused = error.message;
}
console.log(JSON.stringify(told));
"""


@pytest.fixture(scope="module")
def python() -> ModuleType:
    spec = importlib.util.spec_from_file_location("signed", PYTHON)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def javascript() -> dict[str, list[str]]:
    code = SIGN_VECTORS % (JAVASCRIPT, ROOT / "docs" / "signing-vectors.json")
    found: dict[str, list[str]] = json.loads(node(code))
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    keys = {"YAMABIKO_KEYS": f"bot:{SECRET}", "YAMABIKO_AUTH__SKEW_SECONDS": "1"}
    with Server(preload="tone", **keys) as server:
        yield server


def node(code: str, *arguments: str) -> str:
    command = ["node", "--input-type=module", "--eval", code, "--", *arguments]
    return output(command)


def output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def target_of(vector: dict[str, Any]) -> str:
    return f"{vector['path']}?{vector['query']}" if vector["query"] else str(vector["path"])


@pytest.mark.parametrize("name", AS_SIGNED)
def test_python_signs_as_the_vectors_do(python: ModuleType, name: str) -> None:
    vector = REQUESTS[name]
    parts = (vector["key_id"], vector["time"], vector["nonce"])
    message = python.string_to_sign(vector["method"], target_of(vector), body_of(vector), *parts)
    assert message == vector["string_to_sign"]
    assert python.signature(vector["secret"], message) == vector["signature"]


@pytest.mark.parametrize("name", AS_SIGNED)
def test_javascript_signs_as_the_vectors_do(javascript: dict[str, list[str]], name: str) -> None:
    vector = REQUESTS[name]
    assert javascript[name] == [vector["string_to_sign"], vector["signature"]]


def test_what_was_changed_does_not_fit(
    python: ModuleType, javascript: dict[str, list[str]]
) -> None:
    """Check that a right client computes another string than the one that was signed."""
    parts = ("method", "path", "query", "body", "time", "nonce")
    changed = [
        vector
        for vector in VECTORS["requests"]
        if vector["expected"] == "bad_signature" and not vector["as_signed"]
    ]
    assert len(changed) > len(parts)
    for vector in changed:
        told = (vector["key_id"], vector["time"], vector["nonce"])
        message = python.string_to_sign(vector["method"], target_of(vector), body_of(vector), *told)
        assert message != vector["string_to_sign"]
        assert javascript[vector["name"]][0] == message


@pytest.mark.parametrize("offset_ms", [0, HOUR_MS, -HOUR_MS])
def test_python_is_let_in_and_corrects_its_clock(
    python: ModuleType, server: Server, offset_ms: int
) -> None:
    client = python.Yamabiko(server.address, f"bot:{SECRET}")
    client.offset_ms = offset_ms
    line = json.loads(client.ask("POST", "/lines", b'{"text": "abc", "engine": "tone"}'))
    assert line["url"].startswith(server.address)
    assert abs(client.offset_ms) < 60_000
    assert json.loads(client.ask("GET", "/api/info?b=%c3%bc&a=1+1&&"))["engines"]


def test_python_says_why_it_is_refused(python: ModuleType, server: Server) -> None:
    stranger = python.Yamabiko(server.address, "bot:" + "A" * 43)
    with pytest.raises(PermissionError, match="bad_signature"):
        stranger.ask("GET", "/api/info")


@pytest.mark.parametrize("offset_ms", [0, HOUR_MS, -HOUR_MS])
def test_javascript_is_let_in_and_corrects_its_clock(server: Server, offset_ms: int) -> None:
    code = ASK % (JAVASCRIPT, offset_ms)
    told = json.loads(node(code, server.address, f"bot:{SECRET}"))
    assert told["status"] == 200 and told["url"].startswith(server.address)
    assert told["info"] == 200
    assert abs(told["offset"]) < 60_000
    assert told["refused"].startswith("bad_signature")
    assert told["socket"].startswith(
        server.address.replace("http", "ws") + "/ws?b=2&a=1&kid=bot&t="
    )


@pytest.mark.parametrize("command", [[sys.executable, str(PYTHON)], ["node", str(JAVASCRIPT)]])
def test_as_programs_they_print_an_address_that_plays(server: Server, command: list[str]) -> None:
    url = output([*command, server.address, f"bot:{SECRET}", "Hello there."]).strip()
    assert "&s=" in url
    with urllib.request.urlopen(url, timeout=60) as answer:
        sound = answer.read()
    assert sound[:4] == b"RIFF" and len(sound) > 1_000
