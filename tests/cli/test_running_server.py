"""Commands ask the server that runs, with and without keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from realtime.cli.running_server import RunningServer
from realtime.errors import Unavailable, YamabikoError
from realtime.services import build
from realtime.settings import AuthSettings, Settings
from tests.support.keyed_server import OTHER, SECRET
from tests.support.polling import wait_until
from tests.support.server import LiveServer, serving

# The first key is not the one that may load models.
KEYS = (f"guest:{OTHER}:listener", f"bot:{SECRET}")


@pytest.fixture(scope="module", params=[(), KEYS], ids=["open", "keys"])
def live(settings: Settings, request: pytest.FixtureRequest) -> Iterator[LiveServer]:
    auth = replace(settings.auth, bearer=False)
    with serving(build(replace(settings, keys=request.param, auth=auth))) as live:
        wait_until(lambda: live.services.ready)  # signed requests pass from then on
        yield live


def of(live: LiveServer) -> RunningServer:
    host, port = live.address
    return RunningServer(replace(live.services.settings, host=host, port=port))


def test_it_is_asked_and_told(live: LiveServer) -> None:
    server = of(live)
    assert server.answers()
    assert server.post("/api/models/load", {"id": "gain"})["state"] == "loaded"
    assert server.get("/api/models/events?last=1")["events"][0]["event"] == "completed"


def test_its_refusal_is_an_error_for_a_person(live: LiveServer) -> None:
    with pytest.raises(YamabikoError, match="no model 'bell'") as refused:
        of(live).post("/api/models/load", {"id": "bell"})
    assert refused.value.code == "model_not_found" and refused.value.hint


def test_a_server_that_is_not_there(tmp_path: Path, free_port: int) -> None:
    auth = AuthSettings(keys_path=tmp_path / "keys.yaml")
    server = RunningServer(Settings(host="0.0.0.0", port=free_port, auth=auth))
    assert not server.answers()
    with pytest.raises(Unavailable, match=f"No server answers at 127.0.0.1:{free_port}"):
        server.get("/api/models")
