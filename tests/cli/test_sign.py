"""Tests of the command `sign`: curl commands that a server accepts."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks.server import Server
from realtime.access import Credentials
from realtime.cli.commands import parse_arguments
from realtime.cli.sign import sign
from realtime.errors import YamabikoError
from realtime.settings import Settings
from tests.support.signed_requests import OLDER, SECRET, FakeTime, make_guard, make_request, outcome

ROOT = Path(__file__).resolve().parents[2]
BOT = f"bot:{SECRET}"
URL = "http://127.0.0.1:8000/lines"


def run(settings: Settings, *arguments: str) -> None:
    assert sign(parse_arguments(list(arguments)), settings) == 0


Output = pytest.CaptureFixture[str]


class CurlCommand:
    """A printed curl command, parsed, and verified as the server would."""

    def __init__(self, written: str) -> None:
        words = iter(shlex.split(written))
        assert next(words) == "curl"
        self.method, self.body, self.headers = "GET", b"", {}
        for word in words:
            if word in ("--request", "--data-raw", "--data-binary", "--header"):
                self._take(word, next(words))
            elif word == "--head":
                self.method = "HEAD"
            elif not word.startswith("--"):
                self.url = urlsplit(word)

    def _take(self, option: str, value: str) -> None:
        if option == "--request":
            self.method = value
        elif option == "--header":
            name, _, content = value.partition(": ")
            self.headers[name] = content
        elif option == "--data-raw":
            self.body = value.encode()
        else:
            self.body = Path(value.removeprefix("@")).read_bytes()

    def verdict(self, keys: dict[str, list[str]]) -> str:
        parts = ("Key", "Time", "Nonce", "Signature")
        credentials = Credentials(*(self.headers[f"X-Yamabiko-{part}"] for part in parts))
        return verify(credentials, self.method, self.url.path, self.url.query, self.body, keys)


def verify(
    credentials: Credentials,
    method: str,
    path: str,
    query: str,
    body: bytes,
    keys: dict[str, list[str]],
) -> str:
    fake_time = FakeTime()
    guard = make_guard(fake_time, keys)
    fake_time.ms = int(credentials.time)
    request = make_request(method, path.encode("ascii"), query.encode("ascii"), body)
    return outcome(guard.requests.verify, credentials, request)


SIGNED = [
    ["POST", URL, "--data", '{"text": "It\'s \\"me\\" — 山びこ $HOME `x`"}'],
    ["post", URL, "--data", "@not-a-file"],
    ["GET", f"{URL}?b=2&a=1+1&c=%e3%81%82&d=ü&e=a b"],
    ["GET", 'http://127.0.0.1:8000/en/af heart/short/Grüße [1] {2} "3".wav?#part'],
    ["GET", "http://127.0.0.1:8000"],
    ["GET", "http://127.0.0.1:8000/a/../b/./c//d"],
    ["HEAD", URL],
    ["DELETE", "https://voice.example/prefetch/1", "--data", ""],
]


@pytest.mark.parametrize("arguments", SIGNED)
def test_what_curl_is_told_to_send_passes(
    own_settings: Settings, capsys: Output, arguments: list[str]
) -> None:
    run(own_settings, "sign", *arguments, "--key", BOT)
    shown = capsys.readouterr()
    sent = CurlCommand(shown.out)
    assert sent.method == arguments[0].upper()
    assert sent.verdict({"bot": [SECRET]}) == "ok"
    assert SECRET not in shown.out + shown.err
    assert "one request" in shown.err


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b'{"text": "Hi."}', "json"), (b'{"text": "A."}\n{"text": "B."}\n', "x-ndjson")],
)
def test_a_file_is_the_body(
    own_settings: Settings, capsys: Output, tmp_path: Path, content: bytes, kind: str
) -> None:
    path = tmp_path / "it's a body.json"
    path.write_bytes(content)
    run(own_settings, "sign", "POST", URL, "--data-file", str(path), "--key", BOT)
    sent = CurlCommand(capsys.readouterr().out)
    assert sent.verdict({"bot": [SECRET]}) == "ok"
    assert sent.headers["Content-Type"] == f"application/{kind}"


@pytest.mark.parametrize("url", ["ws://127.0.0.1:8000/ws?a=1", "http://127.0.0.1:8000/ws"])
def test_an_address_can_carry_the_signature(
    own_settings: Settings, capsys: Output, url: str
) -> None:
    run(own_settings, "sign", "GET", url, "--query", "--key", BOT)
    (written,) = capsys.readouterr().out.splitlines()
    assert written.startswith(url)
    found = urlsplit(written)
    fields = dict(part.split("=") for part in found.query.split("&"))
    credentials = Credentials(*(fields[name] for name in ("kid", "t", "n", "sig")))
    assert verify(credentials, "GET", "/ws", found.query, b"", {"bot": [SECRET]}) == "ok"


def test_the_newest_secret_of_the_only_key_signs(own_settings: Settings, capsys: Output) -> None:
    run(replace(own_settings, keys=(f"bot:{OLDER}", BOT)), "sign", "GET", URL)
    sent = CurlCommand(capsys.readouterr().out)
    assert sent.verdict({"bot": [SECRET]}) == "ok"
    assert sent.verdict({"bot": [OLDER]}) == "bad_signature"


def test_of_several_keys_one_is_named(own_settings: Settings, capsys: Output) -> None:
    several = replace(own_settings, keys=(BOT, f"page:{OLDER}"))
    run(several, "sign", "GET", URL, "--key-id", "page")
    sent = CurlCommand(capsys.readouterr().out)
    assert sent.headers["X-Yamabiko-Key"] == "page"
    assert sent.verdict({"page": [OLDER]}) == "ok"


SETTINGS_OF = {
    "none": (),
    "one": (BOT,),
    "several": (BOT, f"page:{OLDER}"),
}


@pytest.mark.parametrize(
    ("keys", "arguments", "words"),
    [
        ("none", ["GET", URL], "no keys"),
        ("several", ["GET", URL], "several keys"),
        ("several", ["GET", URL, "--key-id", SECRET], "no key of this id"),
        ("none", ["GET", URL, "--key", SECRET], "id:secret"),
        ("none", ["GET", URL, "--key", f"bot:{SECRET}x"], "id:secret"),
        ("one", ["GET", "lines"], "address"),
        ("one", ["GET", "ftp://127.0.0.1/"], "address"),
        ("one", ["GET", "http://[::1/"], "address"),
        ("one", ["GET", f"{URL}?kid=bot"], "signed already"),
        ("one", ["GET", f"{URL}?%74=1"], "signed already"),
        ("one", ["GET", "ws://127.0.0.1/ws"], "sockets"),
        ("one", ["G T", URL], "method"),
        ("one", ["POST", URL, "--data-file", "none.json"], "none.json"),
        ("one", ["POST", URL, "--data", "\udcff"], "not UTF-8"),
    ],
)
def test_what_cannot_be_signed_is_told(
    own_settings: Settings, capsys: Output, keys: str, arguments: list[str], words: str
) -> None:
    with pytest.raises(YamabikoError) as caught:
        run(replace(own_settings, keys=SETTINGS_OF[keys]), "sign", *arguments)
    assert words in caught.value.message
    assert SECRET not in f"{caught.value.message} {caught.value.hint} {capsys.readouterr()}"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("keyed")
    return {
        "YAMABIKO_AUTH__KEYS_PATH": str(folder / "keys.yaml"),
        "YAMABIKO_AUTH__SKEW_SECONDS": "1",
    }


def run_server(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "server.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def server(environment: dict[str, str]) -> Iterator[Server]:
    made = run_server(environment, "key", "new", "bot")
    assert made.returncode == 0, made.stderr
    with Server(preload="tone", **environment) as server:
        yield server


def paste(command: str) -> tuple[str, str]:
    """Run a printed command in a shell; return the body and the status."""
    done = subprocess.run(
        ["sh", "-c", f"{command.strip()} -sS -w '\\n%{{http_code}}'"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    return body, status


def test_the_command_works_when_it_is_pasted_and_works_once(
    server: Server, environment: dict[str, str]
) -> None:
    body = '{"text": "It\'s me.", "engine": "tone"}'
    signed = run_server(environment, "sign", "POST", f"{server.address}/lines", "--data", body)
    assert signed.returncode == 0, signed.stderr
    told, status = paste(signed.stdout)
    assert status == "200" and "/audio/en/" in json.loads(told)["url"]
    told, status = paste(signed.stdout)
    assert status == "401" and json.loads(told)["error"]["code"] == "replayed"


@pytest.mark.parametrize("path", ["/lines/../api/info", "/api/info?q=[1]&x=ü ö&w=a+b"])
def test_an_awkward_address_arrives_as_it_was_signed(
    server: Server, environment: dict[str, str], path: str
) -> None:
    signed = run_server(environment, "sign", "GET", server.address + path)
    told, status = paste(signed.stdout)
    assert status == ("404" if ".." in path else "200"), told


def test_a_pasted_address_works(server: Server, environment: dict[str, str]) -> None:
    url = f"{server.address}/api/info"
    signed = run_server(environment, "sign", "GET", url, "--query")
    assert paste(f"curl {shlex.quote(signed.stdout.strip())}")[1] == "200"
