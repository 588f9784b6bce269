"""URLs of recordings, as clients get them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from realtime.errors import BadRequest
from realtime.settings import CacheSettings, Settings
from realtime.web.answers.links import Links
from tests.support.documented_client import services_of
from tests.support.keyed_server import SECRET, FakeTime, keyed_services
from tests.support.raw_socket import TEXT, RawSocket
from tests.support.recordings import address
from tests.support.server import (
    LiveServer,
    local_client,
    scripted_services,
    serving,
    wait_until_kept,
)

LINE = {"text": "abc", "engine": "tone"}


@pytest.mark.parametrize(
    ("suffix", "ending"),
    [(".wav", ".wav"), (".16000.ogg", ".ogg?rate=16000"), (".json", ".json")],
)
def test_a_rate_stands_in_the_query(client: TestClient, suffix: str, ending: str) -> None:
    services = services_of(client)
    found = Links(services, request_to("a")).url(address("é x", "Y'shtola"), suffix)
    assert found.startswith("http://a/audio/en/Y%27shtola/short/%C3%A9%20x-")
    assert found.endswith(ending)


def request_to(host: str) -> HTTPConnection:
    headers = [(b"host", host.encode())]
    return HTTPConnection({"type": "http", "scheme": "http", "path": "/", "headers": headers})


@pytest.mark.parametrize(
    ("host", "base"),
    [("voice.example:81", "http://voice.example:81/"), ("[::1]:8000", "http://[::1]:8000/")],
)
def test_they_begin_with_what_the_client_called_us(
    client: TestClient, host: str, base: str
) -> None:
    answer = client.post("/lines", json={"text": "a", "engine": "tone"}, headers={"Host": host})
    assert answer.json()["url"].startswith(base)


def test_a_name_that_is_none_makes_no_address(client: TestClient) -> None:
    with pytest.raises(BadRequest) as refused:
        Links(services_of(client), request_to("a b/c"))
    assert refused.value.code == "bad_host"


@pytest.fixture(params=["https://voice.example", "https://voice.example/v/"])
def public_url(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def public(settings: Settings, tmp_path: Path, public_url: str) -> Iterator[LiveServer]:
    """A server that is known elsewhere by another address."""
    own = replace(settings, cache=CacheSettings(path=tmp_path), public_url=public_url)
    services = scripted_services(own)
    # The bots name no engine: here their characters speak in tones.
    services.models.model("hibari").engine = services.models.engine("tone")
    with serving(services) as live:
        yield live


def at_the_server(url: str, public_url: str) -> str:
    """Return where a link leads here, behind a proxy that takes the public address off."""
    base = public_url.rstrip("/")
    assert url.startswith(f"{base}/audio/en/"), url
    return url.removeprefix(base)


def test_every_link_begins_with_the_public_address(public: LiveServer, public_url: str) -> None:
    bot = public.post("/generate", {"textPrompt": "Hi.", "character": "af_heart", "language": "en"})
    asked = public.post("/lines", LINE)
    assert public.wait_until_idle()
    state = public.get(f"/lines/{asked['key']}")
    with RawSocket(public.address) as socket:
        socket.until("ready")
        socket.say("say", id="a", pace=False, **LINE)
        told = [frame.json for frame in socket.until("done") if frame.opcode == TEXT]
    heard = [message["url"] for message in told if message["type"] in ("started", "done")]
    assert (len(heard), bot["error"]) == (2, None)
    for link in [asked["url"], asked["timestamps_url"], state["url"], bot["audioURL"], *heard]:
        answer = public.answer("GET", at_the_server(link, public_url))
        assert (answer.status, answer.getheader("X-Cache")) == (200, "hit")


@pytest.mark.parametrize("host", ["localhost:81", "voice.example"])
def test_the_host_that_a_client_names_changes_no_public_link(
    public: LiveServer, public_url: str, host: str
) -> None:
    answer = httpx2.post(f"{public.url}/lines", json=LINE, headers={"Host": host}, timeout=60)
    assert at_the_server(answer.json()["url"], public_url)


@pytest.mark.parametrize("format", ["wav", "mp3"])
def test_a_signed_public_link_holds_and_no_other(
    settings: Settings, tmp_path: Path, public_url: str, format: str
) -> None:
    own = replace(settings, cache=CacheSettings(path=tmp_path), public_url=public_url)
    bearer = {"Authorization": f"Bearer bot:{SECRET}"}
    with local_client(keyed_services(own, FakeTime())) as client:
        line = {**LINE, "format": format, "sample_rate": 16000}
        asked = client.post("/lines", json=line, headers=bearer)
        wait_until_kept(client)
        here = at_the_server(asked.json()["url"], public_url)
        assert client.get(here).status_code == 200
        assert client.get(urlsplit(here).path).status_code == 401
        assert client.get(here.replace("rate=16000", "rate=24000")).status_code == 401
