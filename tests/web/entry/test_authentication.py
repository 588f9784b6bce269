"""Every route asks for credentials, takes right ones, and tells what is wrong with others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from realtime.access import string_to_sign
from realtime.access.signatures import SaltedSigner
from realtime.services import Services
from realtime.settings import AuthSettings, LimitsSettings, Settings, SocketsSettings
from realtime.web.app import ROUTES, create_app
from realtime.web.compat.gpt_sovits.errors import is_gpt_sovits
from realtime.web.entry.authentication import OPEN, OPEN_FOLDER, Authentication
from realtime.web.requests.caller import caller_of
from tests.support.documented_client import DocumentedClient, services_of
from tests.support.keyed_server import OTHER, SECRET, FakeTime, keyed_services, signed_headers
from tests.support.server import wait_until_kept

BEARER = {"Authorization": f"Bearer bot:{SECRET}"}
LINE = {"text": "abc", "engine": "tone"}

# Every route there is: how it is asked, with which body, and what right credentials get.
# A route that is missing here fails the first test below.
CLOSED: dict[str, tuple[str, str, Any, int]] = {
    "/v1/audio/speech": ("POST", "/v1/audio/speech", {"model": "tone", "input": "a"}, 200),
    "/v1/models": ("GET", "/v1/models", None, 200),
    "/v1/audio/voices": ("GET", "/v1/audio/voices", None, 200),
    "/api/characters": ("GET", "/api/characters", None, 200),
    "/api/characters/{name}/picture": ("GET", "/api/characters/af_heart/picture", None, 404),
    "/api/models": ("GET", "/api/models", None, 200),
    "/api/models/{name}/load": ("POST", "/api/models/tone/load", None, 200),
    "/api/models/{name}/unload": ("POST", "/api/models/gain/unload", None, 200),
    "/api/models/load": ("POST", "/api/models/load", {"id": "tone"}, 200),
    "/api/models/unload": ("POST", "/api/models/unload", {"id": "gain"}, 200),
    "/api/models/unload-all": ("POST", "/api/models/unload-all", {}, 200),
    "/api/models/events": ("GET", "/api/models/events", None, 200),
    "/api/devices": ("GET", "/api/devices", None, 200),
    "/api/memory": ("GET", "/api/memory", None, 200),
    "/api/memory/history": ("GET", "/api/memory/history", None, 200),
    "/api/memory/alerts": ("GET", "/api/memory/alerts", None, 200),
    "/api/memory/optimize": ("POST", "/api/memory/optimize", None, 200),
    "/api/memory/cleanup": ("GET", "/api/memory/cleanup", None, 200),
    "/api/events": ("GET", "/api/events?seconds=0", None, 200),
    "/api/tasks": ("GET", "/api/tasks", None, 200),
    "/api/tasks/{name}": ("GET", "/api/tasks/voice_synthesis", None, 200),
    "/api/tasks/{name}/preload": ("POST", "/api/tasks/none/preload", None, 404),
    "/api/tasks/{name}/cleanup": ("POST", "/api/tasks/none/cleanup", None, 404),
    "/api/status": ("GET", "/api/status", None, 200),
    "/api/info": ("GET", "/api/info", None, 200),
    "/api/acceleration": ("GET", "/api/acceleration", None, 200),
    "/metrics": ("GET", "/metrics", None, 200),
    "/lines": ("POST", "/lines", LINE, 200),
    "/lines/{key}": ("GET", "/lines/0123456789abcdef", None, 404),
    "/prefetch": ("POST", "/prefetch", {"lines": [LINE]}, 202),
    "/prefetch/{id}": ("GET", "/prefetch/x", None, 404),
    "/generate": (
        "POST",
        "/generate",
        {"textPrompt": "a", "character": "nobody", "language": "en"},
        404,
    ),
    "/tts": ("POST", "/tts", {}, 400),
    "/tts_with_cached_voice": ("POST", "/tts_with_cached_voice", {}, 400),
    "/tts_with_voice": ("POST", "/tts_with_voice", {}, 400),
    "/set_gpt_weights": ("GET", "/set_gpt_weights?weights_path=x", None, 400),
    "/set_sovits_weights": ("GET", "/set_sovits_weights?weights_path=x", None, 400),
    "/set_refer_audio": ("GET", "/set_refer_audio?refer_audio_path=x", None, 400),
    "/control": ("GET", "/control?command=exit", None, 403),
    "/voices": ("GET", "/voices", None, 200),
    "/voice/{name}": ("DELETE", "/voice/nobody", None, 400),
    "/voice/{name}/set": ("POST", "/voice/nobody/set?audio_file=x", None, 400),
    "/upload_voice": ("POST", "/upload_voice", None, 400),
    "/refresh_voice_cache": ("POST", "/refresh_voice_cache", None, 200),
    "/voice_cache_status": ("GET", "/voice_cache_status", None, 200),
    "/performance_stats": ("GET", "/performance_stats", None, 200),
    "/reset_performance_stats": ("POST", "/reset_performance_stats", None, 200),
    "/optimization_status": ("GET", "/optimization_status", None, 200),
    "/toggle_optimization": ("POST", "/toggle_optimization?enable=true", None, 200),
    "/concurrent_stats": ("GET", "/concurrent_stats", None, 200),
    "/api/process": ("POST", "/api/process", {}, 415),
    "/openapi.json": ("GET", "/openapi.json", None, 200),
    "/ticket": ("POST", "/ticket", None, 200),
    "/en/{rest:path}": ("GET", "/en/af_heart/hello.wav", None, 404),
    "/zh/{rest:path}": ("GET", "/zh/af_heart/hello.wav", None, 404),
    "/ja/{rest:path}": ("GET", "/ja/af_heart/hello.wav", None, 404),
    "/mix/{rest:path}": ("GET", "/mix/af_heart/hello.wav", None, 404),
}
# Answered before the router, by nobody, or at an address that another method shares.
OTHER_REQUESTS = {
    "/audio": ("GET", "/audio/en/a/short/a-0123456789abcdef.wav", None, 404),
    "unknown": ("GET", "/there/is/nothing", None, 404),
    "making": ("POST", "/api/characters", {}, 415),
}
SOCKETS = {"/ws"}  # tried below, and in test_socket.py with real ones
OPEN_ROUTES = {"/", "/docs", "/health", "/ready", "/time", "/login", "/logout", "/static"}


@pytest.fixture(scope="module")
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture(scope="module")
def keyed(settings: Settings, fake_time: FakeTime) -> Iterator[TestClient]:
    limits = LimitsSettings(requests=1_000_000, characters=1_000_000, refusals=1_000_000)
    services = keyed_services(replace(settings, limits=limits), fake_time)
    with DocumentedClient(create_app(services)) as client:
        yield client


def test_every_route_is_in_the_table() -> None:
    found = set()
    for route in ROUTES:
        assert isinstance(route, Route | Mount | WebSocketRoute)
        found.add(route.path)
    assert found == set(CLOSED) | SOCKETS | OPEN_ROUTES
    assert set(OPEN) | {OPEN_FOLDER.rstrip("/")} == OPEN_ROUTES


REQUESTS = {**CLOSED, **OTHER_REQUESTS}


def ask(client: TestClient, name: str, headers: dict[str, str]) -> Any:
    method, path, body, _ = REQUESTS[name]
    content = b"" if body is None else json.dumps(body).encode()
    return client.request(
        method, path, content=content, headers={"Content-Type": "application/json", **headers}
    )


def reason(answer: Any) -> tuple[int, str]:
    found = answer.json()
    if "audioURL" in found:
        return answer.status_code, found["error"]
    if "message" in found:  # GPT-SoVITS' API has no codes
        return answer.status_code, ""
    return answer.status_code, found["error"]["code"]


def refused_as(name: str, code: str) -> tuple[int, str]:
    if name == "/generate":
        return 403, "Invalid Request"
    path = REQUESTS[name][1].partition("?")[0]
    return 401, "" if is_gpt_sovits(path) else code


def sign(fake_time: FakeTime, name: str, **changed: str) -> dict[str, str]:
    method, path, body, _ = REQUESTS[name]
    content = b"" if body is None else json.dumps(body).encode()
    return signed_headers(fake_time, method, path, content, **changed)


@pytest.mark.parametrize("name", REQUESTS)
def test_without_credentials_nobody_comes_in(keyed: TestClient, name: str) -> None:
    assert reason(ask(keyed, name, {})) == refused_as(name, "malformed")


@pytest.mark.parametrize("name", REQUESTS)
def test_wrong_credentials_help_nobody(keyed: TestClient, fake_time: FakeTime, name: str) -> None:
    wrong = {
        "malformed": [
            sign(fake_time, name, Time="soon"),
            sign(fake_time, name, Nonce="short"),
            sign(fake_time, name, Signature="x"),
            {"Authorization": "Basic Ym90OmJvdA=="},
            {"Authorization": "Bearer bot"},
            {"Cookie": "yamabiko=x"},
        ],
        "unknown_key": [
            sign(fake_time, name, key_id="nobody"),
            {"Authorization": f"Bearer nobody:{SECRET}"},
        ],
        "bad_signature": [
            sign(fake_time, name, secret=OTHER),
            sign(fake_time, name, Key="other"),
            {"Authorization": f"Bearer bot:{OTHER}"},
        ],
        "stale": [sign(fake_time, name, Time=str(fake_time.ms - 65_001))],
    }
    # A time that was not signed is a bad signature; an old one that was is stale.
    wrong["bad_signature"] += wrong.pop("stale")
    for code, tries in wrong.items():
        for headers in tries:
            assert reason(ask(keyed, name, headers)) == refused_as(name, code), headers


@pytest.mark.parametrize("name", REQUESTS)
def test_right_credentials_open_every_door(
    keyed: TestClient, fake_time: FakeTime, name: str
) -> None:
    status = REQUESTS[name][3]
    assert ask(keyed, name, sign(fake_time, name)).status_code == status
    assert ask(keyed, name, BEARER).status_code == status
    cookie = services_of(keyed).guard.make_cookie("bot")
    assert ask(keyed, name, {"Cookie": f"a=b; yamabiko={cookie}"}).status_code == status


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/health", "/ready", "/time"])
def test_what_is_open_is_open(keyed: TestClient, path: str) -> None:
    keyed.cookies.clear()
    assert keyed.get(path).status_code in (200, 503)


@pytest.mark.parametrize("path", ["/health/../lines", "/static", "/healthy", "/HEALTH"])
def test_what_only_looks_open_is_not(keyed: TestClient, path: str) -> None:
    assert keyed.get(path).status_code == 401


def test_a_refusal_says_what_to_do(keyed: TestClient, fake_time: FakeTime) -> None:
    answer = keyed.post("/lines", json=LINE)
    assert answer.headers["www-authenticate"].startswith("Yamabiko")
    assert answer.json()["error"]["now_ms"] == fake_time.ms
    assert "docs/signing.md" in answer.json()["error"]["hint"]
    openai = keyed.get("/v1/models").json()["error"]
    assert (openai["code"], openai["now_ms"]) == ("malformed", fake_time.ms)
    bots = keyed.post("/generate", json={})
    assert bots.status_code == 403
    assert bots.json() == {"audioURL": None, "code": 403, "error": "Invalid Request"}


def test_a_signed_request_passes_once(keyed: TestClient, fake_time: FakeTime) -> None:
    body = json.dumps(LINE).encode()
    headers = signed_headers(fake_time, "POST", "/lines?b=2&a=1", body) | {
        "Content-Type": "application/json"
    }
    # The order of the query is not signed, and neither is how it is escaped.
    assert keyed.post("/lines?a=%31&b=2", content=body, headers=headers).status_code == 200
    again = keyed.post("/lines?b=2&a=1", content=body, headers=headers)
    assert reason(again) == (401, "replayed")


def test_another_body_path_or_query_is_another_request(
    keyed: TestClient, fake_time: FakeTime
) -> None:
    body = json.dumps(LINE).encode()

    def headers() -> dict[str, str]:
        return signed_headers(fake_time, "POST", "/lines?a=1", body) | {
            "Content-Type": "application/json"
        }

    other_body = keyed.post("/lines?a=1", content=body + b" ", headers=headers())
    other_path = keyed.post("/prefetch?a=1", content=body, headers=headers())
    other_query = keyed.post("/lines?a=2", content=body, headers=headers())
    for answer in (other_body, other_path, other_query):
        assert reason(answer) == (401, "bad_signature")


def in_query(fake_time: FakeTime, method: str, target: str, separator: str = "?") -> str:
    headers = signed_headers(fake_time, method, target)
    names = {"kid": "Key", "t": "Time", "n": "Nonce", "sig": "Signature"}
    added = "&".join(f"{name}={headers['X-Yamabiko-' + part]}" for name, part in names.items())
    return f"{target}{separator}{added}"


def test_where_headers_cannot_be_set_the_query_signs(
    keyed: TestClient, fake_time: FakeTime
) -> None:
    assert keyed.get(in_query(fake_time, "GET", "/api/info")).status_code == 200
    assert keyed.get(in_query(fake_time, "GET", "/api/info?a=1", "&")).status_code == 200
    twice = in_query(fake_time, "GET", "/api/info")
    both = keyed.get(twice, headers=signed_headers(fake_time, "GET", "/api/info"))
    assert reason(both) == (401, "malformed")
    assert reason(keyed.get(twice + "&kid=bot")) == (401, "malformed")
    assert reason(keyed.get(twice.partition("&n=")[0])) == (401, "malformed")


def test_a_header_that_stands_twice_is_none(keyed: TestClient, fake_time: FakeTime) -> None:
    headers = list(signed_headers(fake_time, "GET", "/api/info").items())
    for name, value in headers:
        answer = keyed.get("/api/info", headers=[*headers, (name, value)])
        assert reason(answer) == (401, "malformed")


def test_the_edges_of_time_hold_here_too(keyed: TestClient, fake_time: FakeTime) -> None:
    for offset, expected in [(-65_000, 200), (-65_001, "stale"), (5_000, 200), (5_001, "future")]:
        fake_time.advance(200)
        headers = headers_at(fake_time, fake_time.ms + offset)
        answer = keyed.get("/api/info", headers=headers)
        found = answer.status_code if answer.status_code == 200 else reason(answer)[1]
        assert found == expected, offset


def headers_at(fake_time: FakeTime, ms: int) -> dict[str, str]:
    return signed_headers(replace(fake_time, ms=ms), "GET", "/api/info")


def test_bearer_can_be_switched_off(settings: Settings, fake_time: FakeTime) -> None:
    services = keyed_services(replace(settings, auth=AuthSettings(bearer=False)), fake_time)
    client = DocumentedClient(create_app(services))
    answer = client.get("/api/info", headers=BEARER)
    assert reason(answer) == (401, "malformed")
    assert "Bearer" not in answer.json()["error"]["hint"]
    assert (
        client.get("/api/info", headers=signed_headers(fake_time, "GET", "/api/info")).status_code
        == 200
    )


def test_without_keys_everybody_may(settings: Settings) -> None:
    from realtime.services import build

    client = DocumentedClient(create_app(build(replace(settings, hosts=("testserver",)))))
    assert client.get("/api/info").status_code == 200


# posttime, as old bots send it


def generate(client: TestClient, fake_time: FakeTime, posttime: str, way: str) -> Any:
    body = {"textPrompt": "a", "character": "nobody", "language": "en", "posttime": posttime}
    content = json.dumps(body).encode()
    headers = BEARER if way == "bearer" else signed_headers(fake_time, "POST", "/generate", content)
    return client.post(
        "/generate", content=content, headers={"Content-Type": "application/json", **headers}
    )


def legacy_time(ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y/%m/%d %H:%M:%S")


@pytest.mark.parametrize(("apart_s", "status"), [(0, 404), (-4, 404), (-70, 403), (3_600, 403)])
def test_posttime_is_that_of_the_signature(
    keyed: TestClient, fake_time: FakeTime, apart_s: int, status: int
) -> None:
    posttime = legacy_time(fake_time.ms + 1000 * apart_s)
    assert generate(keyed, fake_time, posttime, "signed").status_code == status
    assert generate(keyed, fake_time, posttime, "bearer").status_code == 404


@pytest.mark.parametrize("posttime", ["now", "2026-11-21T10:00:00Z", "2026/13/01 00:00:00", ""])
def test_posttime_that_is_none_is_told(
    keyed: TestClient, fake_time: FakeTime, posttime: str
) -> None:
    for way in ("signed", "bearer"):
        assert generate(keyed, fake_time, posttime, way).status_code == 400


# addresses of recordings


@pytest.fixture
def recording(keyed: TestClient, fake_time: FakeTime) -> dict[str, Any]:
    fake_time.advance(1)
    found: dict[str, Any] = keyed.post("/lines", json=LINE, headers=BEARER).json()
    return found


def path_of(url: str) -> str:
    return "/audio/" + url.partition("/audio/")[2]


def test_addresses_open_without_credentials(
    keyed: TestClient, fake_time: FakeTime, recording: dict[str, Any]
) -> None:
    assert recording["expires_at"] == fake_time.ms + 30 * 86_400_000
    for url in (recording["url"], recording["timestamps_url"]):
        assert f"?e={recording['expires_at']}&s=" in url
        wait_until_kept(keyed)
        assert keyed.get(path_of(url)).status_code == 200
    assert keyed.head(path_of(recording["url"])).status_code == 200


def test_a_changed_address_opens_nothing(keyed: TestClient, recording: dict[str, Any]) -> None:
    path = path_of(recording["url"])
    bare, _, query = path.partition("?")
    for changed in (
        path[:-1] + ("A" if path[-1] != "A" else "B"),
        path.replace("?e=", "?e=9"),
        bare.replace(".wav", ".mp3") + "?" + query,
        f"{bare}?rate=8000&{query}",
        f"{path}&e=0",
        f"{bare}?s=x",
    ):
        assert reason(keyed.get(changed)) == (401, "bad_signature"), changed
    assert reason(keyed.get(bare)) == (401, "malformed")
    assert keyed.get(bare, headers=BEARER).status_code == 200


def test_an_address_expires(
    keyed: TestClient, fake_time: FakeTime, recording: dict[str, Any]
) -> None:
    path = path_of(recording["url"])
    assert keyed.get(path).status_code == 200
    fake_time.advance(30 * 86_400)
    assert reason(keyed.get(path)) == (401, "stale")


def test_a_rate_is_signed_with_it(keyed: TestClient) -> None:
    asked = {**LINE, "sample_rate": 8000}
    url = keyed.post("/lines", json=asked, headers=BEARER).json()["url"]
    assert "?rate=8000&e=" in url
    assert keyed.get(path_of(url)).status_code == 200
    assert reason(keyed.get(path_of(url).replace("rate=8000&", ""))) == (401, "bad_signature")


# sockets, before there is one


async def socket_answer(services: Services, headers: dict[str, str], target: str) -> Any:
    """Return the caller that was let in, or the status that the upgrade was answered with."""
    path, _, query = target.partition("?")
    sent: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        sent.append({"type": "in", "caller": caller_of(scope)})

    async def receive() -> Message:
        await asyncio.sleep(0)
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "extensions": {"websocket.http.response": {}},
    }
    await Authentication(app, services)(scope, receive, send)
    first = sent[0]
    return first["caller"] if first["type"] == "in" else first["status"]


@pytest.mark.anyio
async def test_a_socket_is_signed_or_has_a_ticket(settings: Settings) -> None:
    fake_time = FakeTime()
    services = keyed_services(settings, fake_time)
    ticket, expires = services.guard.make_ticket("bot")
    assert expires == fake_time.ms + 30_000
    came = await socket_answer(services, {}, f"/ws?ticket={ticket}")
    assert (came.key_id, came.way) == ("bot", "ticket")
    assert await socket_answer(services, {}, f"/ws?ticket={ticket}") == 401
    came = await socket_answer(services, signed_headers(fake_time, "GET", "/ws"), "/ws")
    assert (came.key_id, came.way) == ("bot", "signature")
    came = await socket_answer(services, {}, in_query(fake_time, "GET", "/ws"))
    assert (came.key_id, came.way) == ("bot", "signature")
    assert await socket_answer(services, {}, "/ws") == 401
    late, _ = services.guard.make_ticket("bot")
    fake_time.advance(30)
    assert await socket_answer(services, {}, f"/ws?ticket={late}") == 401
    assert await socket_answer(services, {}, f"/ws?ticket={late}&ticket={late}") == 401


@pytest.mark.anyio
async def test_a_page_from_elsewhere_opens_no_socket(settings: Settings) -> None:
    fake_time = FakeTime()
    own = keyed_services(
        replace(settings, sockets=SocketsSettings(origins=("https://page.example",))), fake_time
    )
    for origin, expected in [
        ("http://voice.example", "bot"),
        ("https://page.example", "bot"),
        ("https://evil.example", 403),
    ]:
        cookie = {"Cookie": f"yamabiko={own.guard.make_cookie('bot')}", "Host": "voice.example"}
        came = await socket_answer(own, {**cookie, "Origin": origin}, "/ws")
        assert (came if isinstance(came, int) else came.key_id) == expected


def test_a_page_from_elsewhere_writes_with_nobodys_cookie(keyed: TestClient) -> None:
    cookie = {"Cookie": f"yamabiko={services_of(keyed).guard.make_cookie('bot')}"}
    foreign = {**cookie, "Origin": "https://evil.example"}
    assert reason(keyed.post("/lines", json=LINE, headers=foreign)) == (403, "origin_not_allowed")
    own = {**cookie, "Origin": "http://testserver"}
    assert keyed.post("/lines", json=LINE, headers=own).status_code == 200


def test_an_upgrade_without_the_extension_is_closed(keyed: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), keyed.websocket_connect("/ws"):
        pass


# limits


def limited(settings: Settings, **limits: int) -> TestClient:
    services = keyed_services(replace(settings, limits=LimitsSettings(**limits)), FakeTime())
    return DocumentedClient(create_app(services))


def test_a_key_has_its_requests_a_minute(settings: Settings) -> None:
    client = limited(settings, requests=3)
    found = [client.get("/v1/models", headers=BEARER) for _ in range(5)]
    assert [answer.status_code for answer in found] == [200, 200, 200, 429, 429]
    assert 1 <= int(found[-1].headers["retry-after"]) <= 60
    assert found[-1].json()["error"]["code"] == "rate_limited"
    other = {"Authorization": f"Bearer other:{OTHER}"}
    assert client.get("/v1/models", headers=other).status_code == 200
    assert client.get("/health").status_code == 200


def test_an_address_is_refused_only_so_often(settings: Settings) -> None:
    client = limited(settings, refusals=3)
    found = [client.get("/v1/models").status_code for _ in range(5)]
    assert found == [401, 401, 401, 429, 429]
    assert client.get("/v1/models", headers=BEARER).status_code == 429
    assert client.get("/health").status_code == 200


def test_a_key_has_its_characters_a_minute(settings: Settings) -> None:
    with limited(settings, characters=6) as client:
        found = [client.post("/lines", json=LINE, headers=BEARER).status_code for _ in range(3)]
        assert found == [200, 200, 429]
        much = client.post("/lines", json={**LINE, "text": "abcdefg"}, headers=BEARER)
        assert much.status_code == 429 and "at once" in much.json()["error"]["message"]


def test_what_was_refused_is_counted(settings: Settings) -> None:
    client = limited(settings)
    client.get("/v1/models")
    text = client.get("/metrics", headers=BEARER).text
    assert 'yamabiko_refusals_total{reason="malformed"} 1.0' in text


def test_what_is_written_down_holds_no_secret_and_no_text(
    keyed: TestClient, fake_time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "yamabiko.audit"):
        keyed.get("/en/af_heart/confession.wav", headers=BEARER)
        keyed.get("/en/af_heart/confession.wav?ticket=confession")
        body = json.dumps({**LINE, "text": "confession"}).encode()
        headers = signed_headers(fake_time, "POST", "/lines", body) | {
            "Content-Type": "application/json"
        }
        keyed.post("/lines", content=body, headers={**headers, "X-Request-ID": "mine"})
    told = "\n".join(record.getMessage() for record in caplog.records)
    assert "admitted key=bot way=bearer method=GET door=/en" in told
    assert "refused reason=malformed" in told and "request=mine" in told
    for hidden in ("confession", SECRET, headers["X-Yamabiko-Signature"]):
        assert hidden not in told


def test_the_signature_is_over_what_came_over_the_wire(
    keyed: TestClient, fake_time: FakeTime
) -> None:
    """A path is signed as it was sent, with its escapes, not as it is read."""
    raw = "/en/af_heart/caf%C3%A9%20%2F%3F.wav"
    answer = keyed.get(raw, headers=signed_headers(fake_time, "GET", raw))
    assert answer.status_code == 404
    time, nonce = str(fake_time.ms), fake_time.random_text(16)
    read = string_to_sign("GET", "/en/af_heart/café /?.wav".encode(), b"", "bot", time, nonce)
    sealed = SaltedSigner([SECRET], "request").sign(read)
    headers = signed_headers(fake_time, "GET", raw, Time=time, Nonce=nonce, Signature=sealed)
    assert reason(keyed.get(raw, headers=headers)) == (401, "bad_signature")
