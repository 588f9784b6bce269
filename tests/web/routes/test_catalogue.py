"""Models, voices and characters, in the forms that clients know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from realtime.settings import PresetsSettings, Settings
from realtime.web.app import create_app
from realtime.web.routes.catalogue import BY_CHARACTER
from tests.support.documented_client import DocumentedClient
from tests.support.server import local_client, scripted_services

PNG = b"\x89PNG\r\n\x1a\n"
FIELDS = ["name", "display_name", "engine", "language", "native", "languages", "gender"]
FIELDS += ["description", "licence", "source", "speed", "aliases", "picture"]
OPENAI_VOICES = "alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split()


def test_models_are_engines_that_speak_and_openais_names(client: TestClient) -> None:
    found = client.get("/v1/models").json()
    names = [each["id"] for each in found["data"]]
    assert found["object"] == "list"
    assert {*BY_CHARACTER, "hibari", "kokoro", "tone"} <= set(names)
    assert "gain" not in names and len(names) == len(set(names))
    assert set(found["data"][0]) == {"id", "object", "created", "owned_by"}


def test_characters_have_exactly_their_fields(client: TestClient) -> None:
    found = client.get("/api/characters").json()["characters"]
    assert len(found) >= 20
    for each in found:
        assert list(each) == FIELDS
    heart = next(each for each in found if each["name"] == "af_heart")
    assert heart["language"] == "en" and heart["picture"] is None


def test_voices_are_every_name_that_can_be_asked_for(client: TestClient) -> None:
    voices = client.get("/v1/audio/voices").json()["voices"]
    ids = [each["id"] for each in voices]
    assert all(set(each) == {"id", "name"} for each in voices)
    assert len(ids) == len(set(ids))
    assert {*OPENAI_VOICES, "af_heart", "jf_alpha"} <= set(ids)
    for name in ids:
        body = {"model": "tone", "input": "a", "voice": name}
        assert client.post("/v1/audio/speech", json=body).status_code == 200


@pytest.fixture
def pictured(web_settings: Settings, tmp_path: Path) -> TestClient:
    """Give a server with a character that has a picture and a name to escape."""
    (tmp_path / "Y'shtola 2.yaml").write_text("voice: jf_alpha\npicture: face.png\n")
    (tmp_path / "bare.yaml").write_text("voice: jf_alpha\n")
    (tmp_path / "face.png").write_bytes(PNG)
    settings = replace(web_settings, presets=PresetsSettings(path=tmp_path))
    return DocumentedClient(create_app(scripted_services(settings)))


def test_a_picture_has_an_address(pictured: TestClient) -> None:
    found = pictured.get("/api/characters").json()["characters"]
    address = {each["name"]: each["picture"] for each in found}["Y'shtola 2"]
    answer = pictured.get(address)
    assert answer.content == PNG
    assert answer.headers["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    ("name", "status"), [("bare", 404), ("nobody", 404), ("..", 404), ("%2e%2e%2fface.png", 404)]
)
def test_no_picture_is_404(pictured: TestClient, name: str, status: int) -> None:
    assert pictured.get(f"/api/characters/{name}/picture").status_code == status


def test_a_voice_of_a_converter_is_listed_apart_and_says_that_it_does_not_speak(
    web_settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "nana.yaml").write_text("engine: rvc\nvoice: {file: nana.pth}\n")
    settings = replace(web_settings, presets=PresetsSettings(path=tmp_path))
    with local_client(scripted_services(settings)) as client:
        found = client.get("/api/characters").json()
        assert found["characters"] == []
        (nana,) = found["converter_voices"]
        assert (nana["name"], nana["engine"], nana["languages"]) == ("nana", "rvc", [])
        refused = client.post("/lines", json={"text": "Hello.", "character": "nana"})
        assert refused.status_code == 400
        assert "it does not speak" in refused.json()["error"]["message"]
