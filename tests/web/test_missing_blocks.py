"""The one command for torch, or for the ears of `revoice`, is said through every door."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from benchmarks.server import Server
from realtime.settings import Settings
from realtime.web.app import create_app
from tests.support import small_valle, valle_files
from tests.support.hidden_libraries import REVOICE, TORCH, command_without, hide
from tests.support.raw_socket import RawSocket
from tests.support.server import scripted_services, serving
from tests.support.torchscript_models import Filter, scripted
from tests.support.vocoder_files import bring_hifigan
from tests.web.routes.test_process import wav

COMMAND = "`make serve EXTRAS=torch`"
HINT = f"Run {COMMAND}."
BROUGHT = ("valle", "torchscript:filter", "vocoder:hifigan")
SPOKEN = {"model": "valle", "input": "Hello.", "voice": small_valle.NAME}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bring the files of every engine that needs torch."""
    folder = tmp_path_factory.mktemp("brought")
    settings = valle_files.settings_in(folder)
    small_valle.write_files(settings)
    valle_files.write_encodec(settings)
    scripted(settings.models.path, "filter", Filter(), block=320, context=320, causal=True)
    bring_hifigan(settings.models.path)
    return folder


@pytest.fixture
def client(
    web_settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    hide(monkeypatch, TORCH)
    own = small_valle.settings_for(web_settings, folder)
    with TestClient(create_app(scripted_services(own))) as client:
        yield client


def convert(client: TestClient, engine: str) -> Any:
    return client.post(
        "/api/process", files={"audio": ("voice.wav", wav())}, data={"engine": engine}
    )


def test_openai_s_speech(client: TestClient) -> None:
    answer = client.post("/v1/audio/speech", json=SPOKEN)
    assert answer.status_code == 503 and "Retry-After" not in answer.headers
    assert answer.json()["error"]["code"] == "engine_unavailable"
    expected = f"The engine 'valle' needs torch, which is not installed. {HINT}"
    assert answer.json()["error"]["message"] == expected


def test_the_bots_contract(client: TestClient) -> None:
    line = {"textPrompt": "Hello.", "character": small_valle.NAME, "language": "en"}
    answer = client.post("/generate", json=line)
    assert (answer.status_code, answer.json()["code"]) == (503, 503)
    assert COMMAND in answer.json()["error"]


@pytest.mark.parametrize("engine", ["torchscript", "vocoder"])
def test_a_conversion(client: TestClient, engine: str) -> None:
    answer = convert(client, engine)
    assert answer.status_code == 503
    error = answer.json()["error"]
    assert (error["code"], error["hint"]) == ("engine_unavailable", HINT)
    assert error["message"] == f"The engine '{engine}' needs torch, which is not installed."


def test_a_conversion_by_words(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, REVOICE)
    answer = convert(client, "revoice")
    assert answer.status_code == 503
    assert "make serve EXTRAS=revoice" in answer.json()["error"]["hint"]
    loaded = client.post("/api/models/revoice/load").json()["error"]
    assert "needs faster-whisper" in loaded["message"]
    assert loaded["hint"].startswith("Run `make serve EXTRAS=revoice`.")


def test_a_new_character(client: TestClient) -> None:
    answer = client.post(
        "/api/characters",
        files={"audio": ("clip.wav", wav())},
        data={"name": "Kai", "text": "Good morning."},
    )
    assert answer.status_code == 503
    error = answer.json()["error"]
    assert error["message"].startswith("Making a character of a clip needs torch")
    assert error["hint"] == HINT


def test_the_socket(web_settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, TORCH)
    own = small_valle.settings_for(web_settings, folder)
    with serving(scripted_services(own)) as live, RawSocket(live.address) as raw:
        raw.say("say", id="a", text="Hello.", character=small_valle.NAME)
        error = raw.until("error")[-1].json
        assert (error["id"], error["code"], error["hint"]) == ("a", "engine_unavailable", HINT)
        assert "needs torch" in error["message"]
        raw.say("listen", id="b", engine="torchscript", sample_rate=24000)
        error = raw.until("error")[-1].json
        assert (error["id"], error["code"], error["hint"]) == ("b", "engine_unavailable", HINT)


def test_the_status_says_so_before_anybody_asks(client: TestClient) -> None:
    models = {each["id"]: each for each in client.get("/api/status").json()["models"]}
    for name in BROUGHT:
        assert (models[name]["block"], models[name]["can_run"]) == ("torch", False)
        missing = {"code": "block_missing", "what": "torch is not installed"}
        assert models[name]["obstacles"] == [{**missing, "how": f"run {COMMAND}"}]
    assert models["hibari"]["can_run"] and models["hibari"]["obstacles"] == []
    assert client.post("/api/models/valle/load").status_code == 503
    state = next(
        each for each in client.get("/api/models").json()["models"] if each["name"] == "valle"
    )
    assert (state["state"], state["hint"]) == ("failed", HINT)
    assert "needs torch" in state["error"]


def test_files_that_are_missing_too_are_named_at_once(
    web_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People hear of all that is missing before they install gigabytes."""
    (tmp_path / "presets").mkdir()
    hide(monkeypatch, TORCH)
    own = small_valle.settings_for(web_settings, tmp_path)
    small_valle.write_voice(own.presets.path)
    with TestClient(create_app(scripted_services(own))) as client:
        told = client.post("/v1/audio/speech", json=SPOKEN).json()["error"]["message"]
        assert "needs torch" in told and "vallex-checkpoint.pt is missing" in told
        assert HINT in told and "server.py check" in told
        told = client.post("/api/models/torchscript/load").json()["error"]["message"]
        assert "needs torch" in told and "needs a model" in told


def test_with_torch_the_same_models_can_run(web_settings: Settings, folder: Path) -> None:
    own = small_valle.settings_for(web_settings, folder)
    with TestClient(create_app(scripted_services(own))) as client:
        models = {each["id"]: each for each in client.get("/api/models").json()["models"]}
        assert all(models[name]["can_run"] for name in BROUGHT)
        assert client.post("/v1/audio/speech", json=SPOKEN).status_code == 200


class ServerWithoutTorch(Server):
    """A real server, in whose process importing torch fails."""

    command = command_without(TORCH)


def test_a_server_without_torch_speaks_and_says_what_it_lacks(folder: Path) -> None:
    environment = {
        "YAMABIKO_MODELS__PATH": str(folder / "models"),
        "YAMABIKO_PRESETS__PATH": "presets",
        "YAMABIKO_AUTH__KEYS_PATH": str(folder / "keys.yaml"),
    }
    with ServerWithoutTorch(**environment) as server:
        spoken = ask(server, "/v1/audio/speech", {"model": "hibari", "input": "Hello there."})
        assert spoken[0] == 200
        for path in ("/api/acceleration", "/api/status", "/metrics", "/health"):
            assert ask(server, path)[0] == 200, path
        for name in ("world", "gain", "tone", "silero"):
            assert ask(server, f"/api/models/{name}/load", {})[0] == 200, name
        status, body = ask(server, "/api/models/torchscript/load", {})
        assert (status, json.loads(body)["error"]["hint"]) == (503, HINT)
    assert "Traceback" not in "\n".join(server.log)


def ask(server: Server, path: str, body: object = None) -> tuple[int, bytes]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.address + path, data)
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
